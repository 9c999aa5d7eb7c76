// Recognises clamps as quantization makes them.
#include "lib/Transforms/ClampPattern.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {

/// The constant of f32 that `value` is in all lanes.
static std::optional<double> getConstant(Value value) {
  APFloat number(0.0f);
  if (!getElementTypeOrSelf(value).isF32() || !matchPattern(value, m_ConstantFloat(&number)))
    return std::nullopt;
  return number.convertToDouble();
}

/// The bound of select(x `predicate` bound, x, bound), and its x.
static std::optional<double> matchBound(Value value, arith::CmpFPredicate predicate, Value &x) {
  auto select = value.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : nullptr;
  if (!compare || compare.getPredicate() != predicate || compare.getLhs() != select.getTrueValue() ||
      compare.getRhs() != select.getFalseValue())
    return std::nullopt;
  x = select.getTrueValue();
  return getConstant(select.getFalseValue());
}

std::optional<Clamp> matchClamp(Value value) {
  Value below, x;
  std::optional<double> high = matchBound(value, arith::CmpFPredicate::OLT, below);
  std::optional<double> low = high ? matchBound(below, arith::CmpFPredicate::OGT, x) : std::nullopt;
  if (!low)
    return std::nullopt;
  return Clamp{x, *low, *high};
}

} // namespace nnc
