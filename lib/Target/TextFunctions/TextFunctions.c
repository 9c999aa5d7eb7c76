// All functions as one unit.
#include "Strings.c"

#include "Case.c"
#include "Hash.c"
#include "Numbers.c"
