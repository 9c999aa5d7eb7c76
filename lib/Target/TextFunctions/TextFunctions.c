// All functions as one unit.
#include "Strings.c"

#include "Case.c"
#include "Numbers.c"
