// Gives the precompiled header a target to belong to.
#include "lib/Support/Precompiled.h"
