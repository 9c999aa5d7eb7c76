// Angles of points.
#ifndef LIB_FRONTEND_IMPORT_ANGLES_H
#define LIB_FRONTEND_IMPORT_ANGLES_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::frontend {

/// The angle of the point (x, y), as C's atan2: at the origin and infinitely far away too.
Expression findAngle(Expression y, Expression x);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_ANGLES_H
