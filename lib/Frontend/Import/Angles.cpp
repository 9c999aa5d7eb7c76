// Angles of points.
#include "lib/Frontend/Import/Angles.h"

namespace nnc::frontend {

Expression findAngle(Expression y, Expression x) {
  const double pi = 3.14159265358979323846;
  auto isNegative = [&](Expression z) { return (z < 0.0) | (z.equals(0.0) & (z.like(1) / z < 0.0)); };
  Expression ratio = y / x;
  // 0 / 0 and infinity / infinity have no value.
  Expression signs = y.unary<nn::SignOp>() * x.unary<nn::SignOp>();
  Expression isFar = y.unary<nn::IsInfOp>(true, true) & x.unary<nn::IsInfOp>(true, true);
  ratio = (y.equals(0.0) & x.equals(0.0)).choose(ratio.like(0), isFar.choose(signs, ratio));
  Expression angle = ratio.unary<nn::AtanOp>(), turn = isNegative(y).choose(angle.like(-pi), angle.like(pi));
  return isNegative(x).choose(angle + turn, angle);
}

} // namespace nnc::frontend
