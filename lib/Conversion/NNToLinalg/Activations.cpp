// The functions that recurrent layers apply to their gates.
#include "lib/Conversion/NNToLinalg/Activations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace nnc {

Value buildActivation(ImplicitLocOpBuilder &builder, GateActivation activation, Value x) {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(builder, builder.getFloatAttr(x.getType(), value));
  };
  auto add = [&](Value a, Value b) -> Value { return arith::AddFOp::create(builder, a, b); };
  auto mul = [&](Value a, Value b) -> Value { return arith::MulFOp::create(builder, a, b); };
  auto choose = [&](arith::CmpFPredicate predicate, Value a, Value b, Value then, Value otherwise) -> Value {
    return arith::SelectOp::create(builder, arith::CmpFOp::create(builder, predicate, a, b), then, otherwise);
  };
  // Unordered comparisons are false: NaN stays NaN.
  auto atLeast = [&](Value a, Value bound) { return choose(arith::CmpFPredicate::OLT, a, bound, bound, a); };
  auto exp = [&](Value a) -> Value { return math::ExpOp::create(builder, a); };
  auto magnitude = [&] { return math::AbsFOp::create(builder, x).getResult(); };
  auto negative = [&](Value a) -> Value { return arith::NegFOp::create(builder, a); };
  auto belowZero = [&](Value value) { return choose(arith::CmpFPredicate::OLT, x, number(0), value, x); };
  Value alpha = number(activation.alpha), beta = number(activation.beta);
  switch (activation.kind) {
  case nn::Activation::Sigmoid:
    return arith::DivFOp::create(builder, number(1), add(number(1), exp(negative(x))));
  case nn::Activation::Tanh:
    return math::TanhOp::create(builder, x);
  case nn::Activation::Relu:
    return atLeast(x, number(0));
  case nn::Activation::Affine:
    return add(mul(alpha, x), beta);
  case nn::Activation::LeakyRelu:
    return belowZero(mul(alpha, x));
  case nn::Activation::ThresholdedRelu:
    return choose(arith::CmpFPredicate::OLT, x, alpha, number(0), x);
  case nn::Activation::ScaledTanh:
    return mul(alpha, math::TanhOp::create(builder, mul(beta, x)));
  case nn::Activation::HardSigmoid: {
    Value line = atLeast(add(mul(alpha, x), beta), number(0));
    return choose(arith::CmpFPredicate::OGT, line, number(1), number(1), line);
  }
  case nn::Activation::Elu:
    return belowZero(mul(alpha, add(exp(x), number(-1))));
  case nn::Activation::Softsign:
    return arith::DivFOp::create(builder, x, add(magnitude(), number(1)));
  case nn::Activation::Softplus:
    return add(atLeast(x, number(0)), math::LogOp::create(builder, add(exp(negative(magnitude())), number(1))));
  }
  llvm_unreachable("all activations are listed");
}

} // namespace nnc
