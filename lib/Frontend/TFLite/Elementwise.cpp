// TFLite operators of the element-wise family.
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "lib/Frontend/Import/Angles.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

//===--- One operand ---===//

template <typename OpTy> static LogicalResult importUnary(OpBinder &op) {
  Value x = op.operand(0);
  return op.result(op.create<OpTy>(x));
}

template <int minimum, int maximum> static LogicalResult importClip(OpBinder &op) {
  Value x = op.operand(0);
  return op.result(op.clip(x, minimum, maximum));
}

static LogicalResult importLeakyRelu(OpBinder &op) {
  Value x = op.operand(0);
  float alpha = op.options<format::LeakyReluOptions>().alpha();
  return op.result(op.create<nn::LeakyReluOp>(x, op.getBuilder().getF32FloatAttr(alpha)));
}

static LogicalResult importElu(OpBinder &op) {
  Value x = op.operand(0);
  return op.result(op.create<nn::EluOp>(x, op.getBuilder().getF32FloatAttr(1)));
}

static LogicalResult importGelu(OpBinder &op) {
  Value x = op.operand(0);
  bool isApproximate = op.options<format::GeluOptions>().approximate();
  return op.result(op.create<nn::GeluOp>(x, isApproximate ? nn::GeluForm::Tanh : nn::GeluForm::None));
}

static LogicalResult importRsqrt(OpBinder &op) {
  Value root = op.create<nn::SqrtOp>(op.operand(0));
  return op.result(op.create<nn::ReciprocalOp>(root));
}

static LogicalResult importSquare(OpBinder &op) {
  Value x = op.operand(0);
  return op.result(op.create<nn::MulOp>(x, x));
}

static LogicalResult importZerosLike(OpBinder &op) {
  Value x = op.operand(0);
  if (!x)
    return failure();
  Value shape = op.create<nn::ShapeOp>(x, 0, op.getRank(x));
  return op.result(op.create<nn::FillOp>(shape, op.scalar(getElementTypeOrSelf(x), 0)));
}

/// The file's type of the result counts: the options have it a second time, if at all.
static LogicalResult importCast(OpBinder &op) {
  Value x = op.operand(0);
  Type type = op.getResultType(0);
  if (!type)
    return op.reject("its result has elements of a type that is not supported");
  return op.result(op.cast(x, type));
}

//===--- Two operands ---===//

template <typename OpTy> static LogicalResult importBinary(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  return op.result(op.create<OpTy>(x, y));
}

template <typename OpTy, typename Options> static LogicalResult importArithmetic(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  const auto &options = op.options<Options>();
  return op.result(op.activate(op.create<OpTy>(x, y), options.fused_activation_function()));
}

/// The quotient, rounded down.
static LogicalResult importFloorDiv(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  if (op.failed())
    return failure();
  if (isa<FloatType>(getElementTypeOrSelf(x))) {
    Value quotient = op.create<nn::DivOp>(x, y);
    return op.result(op.create<nn::FloorOp>(quotient));
  }
  // What is left after the remainder with the sign of the divisor divides without one.
  Value rest = op.create<nn::ModOp>(x, y, /*fmod=*/false);
  return op.result(op.create<nn::DivOp>(op.create<nn::SubOp>(x, rest), y));
}

static LogicalResult importFloorMod(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  return op.result(op.create<nn::ModOp>(x, y, /*fmod=*/false));
}

static LogicalResult importSquaredDifference(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  Value difference = op.create<nn::SubOp>(x, y);
  return op.result(op.create<nn::MulOp>(difference, difference));
}

template <nn::ComparePredicate predicate> static LogicalResult importCompare(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  return op.result(op.create<nn::CompareOp>(x, y, predicate));
}

/// Both operands in units of one scale, as the reference kernels round them.
template <nn::ComparePredicate predicate> static LogicalResult importQuantizedCompare(OpBinder &op) {
  auto [x, y] = bindCompared(op);
  return op.result(op.create<nn::CompareOp>(x, y, predicate));
}

static LogicalResult importQuantizedNotEqual(OpBinder &op) {
  auto [x, y] = bindCompared(op);
  return op.result(op.create<nn::NotOp>(op.create<nn::CompareOp>(x, y, nn::ComparePredicate::Equal)));
}

static LogicalResult importNotEqual(OpBinder &op) {
  Value x = op.operand(0), y = op.operand(1);
  Value equal = op.create<nn::CompareOp>(x, y, nn::ComparePredicate::Equal);
  return op.result(op.create<nn::NotOp>(equal));
}

/// The angle of a point (x, y), y being operand 0; at the origin and infinitely far away too.
static LogicalResult importAtan2(OpBinder &op) {
  Expression y(op, op.operand(0)), x(op, op.operand(1));
  if (op.failed())
    return failure();
  return op.result(frontend::findAngle(y, x));
}

/// Numbers as if they had been quantised; the limits are moved so that 0 is one of them.
static LogicalResult importFakeQuant(OpBinder &op) {
  Expression x(op, op.operand(0));
  const auto &options = op.options<format::FakeQuantOptions>();
  if (op.failed())
    return failure();
  float least = options.min(), most = options.max();
  if (options.narrow_range())
    return op.reject("narrow_range is not supported");
  if (options.num_bits() < 2 || options.num_bits() > 16 || !(least <= 0) || !(most >= 0) || !(most > least))
    return op.reject("its limits or its number of bits are out of range");
  float highest = static_cast<float>((1 << options.num_bits()) - 1);
  float scale = (most - least) / highest, zero = -least / scale;
  float nudged = zero < 0 ? 0 : zero > highest ? highest : std::round(zero);
  float from = -nudged * scale, to = (highest - nudged) * scale;
  Expression steps = (Expression(op, op.clip(x, from, to)) - from) * (1.0f / scale) + 0.5;
  return op.result(steps.unary<nn::FloorOp>() * scale + from);
}

static LogicalResult importAddN(OpBinder &op) {
  SmallVector<Value> terms = op.allOperands();
  if (op.failed())
    return failure();
  Value sum = terms.front();
  for (Value term : llvm::drop_begin(terms))
    sum = op.create<nn::AddOp>(sum, term);
  return op.result(sum);
}

//===--- Three operands ---===//

static LogicalResult importSelectV2(OpBinder &op) {
  Value condition = op.operand(0), x = op.operand(1), y = op.operand(2);
  return op.result(op.create<nn::WhereOp>(condition, x, y));
}

/// The condition may be a list that chooses whole slices.
static LogicalResult importSelect(OpBinder &op) {
  Value condition = op.operand(0), x = op.operand(1), y = op.operand(2);
  if (op.failed())
    return failure();
  if (op.getRank(condition) == 1 && op.getRank(x) > 1)
    condition = op.create<nn::UnsqueezeOp>(condition, llvm::to_vector(llvm::seq<int64_t>(1, op.getRank(x))));
  return op.result(op.create<nn::WhereOp>(condition, x, y));
}

/// An operator that gives numbers of its operands as they are.
template <ImportFunction import> static LogicalResult importOfOneScale(OpBinder &op) {
  requireOneScale(op);
  return import(op);
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::ABS, importUnary<nn::AbsOp>, importQuantizedAbs},
    {Op::ADD, importArithmetic<nn::AddOp, format::AddOptions>, importQuantizedAdd},
    {Op::ADD_N, importAddN},
    {Op::ATAN2, importAtan2},
    {Op::BITWISE_XOR, importBinary<nn::BitwiseXorOp>},
    {Op::CAST, importCast},
    {Op::CEIL, importUnary<nn::CeilOp>},
    {Op::COS, importUnary<nn::CosOp>},
    {Op::DEQUANTIZE, importCast, importDequantize},
    {Op::DIV, importArithmetic<nn::DivOp, format::DivOptions>, importQuantizedDiv},
    {Op::ELU, importElu, importQuantizedElu},
    {Op::EQUAL, importCompare<nn::ComparePredicate::Equal>, importQuantizedCompare<nn::ComparePredicate::Equal>},
    {Op::EXP, importUnary<nn::ExpOp>, importQuantizedExp},
    {Op::FAKE_QUANT, importFakeQuant},
    {Op::FLOOR, importUnary<nn::FloorOp>},
    {Op::FLOOR_DIV, importFloorDiv},
    {Op::FLOOR_MOD, importFloorMod},
    {Op::GELU, importGelu, importQuantizedGelu},
    {Op::GREATER, importCompare<nn::ComparePredicate::Greater>, importQuantizedCompare<nn::ComparePredicate::Greater>},
    {Op::GREATER_EQUAL, importCompare<nn::ComparePredicate::GreaterEqual>, importQuantizedCompare<nn::ComparePredicate::GreaterEqual>},
    {Op::HARD_SWISH, importUnary<nn::HardSwishOp>, importQuantizedHardSwish},
    {Op::LEAKY_RELU, importLeakyRelu, importQuantizedLeakyRelu},
    {Op::LESS, importCompare<nn::ComparePredicate::Less>, importQuantizedCompare<nn::ComparePredicate::Less>},
    {Op::LESS_EQUAL, importCompare<nn::ComparePredicate::LessEqual>, importQuantizedCompare<nn::ComparePredicate::LessEqual>},
    {Op::LOG, importUnary<nn::LogOp>, importQuantizedLog},
    {Op::LOGICAL_AND, importBinary<nn::AndOp>},
    {Op::LOGICAL_NOT, importUnary<nn::NotOp>},
    {Op::LOGICAL_OR, importBinary<nn::OrOp>},
    {Op::LOGISTIC, importUnary<nn::SigmoidOp>, importQuantizedLogistic},
    {Op::MAXIMUM, importBinary<nn::MaxOp>, importQuantizedMaximum},
    {Op::MINIMUM, importBinary<nn::MinOp>, importQuantizedMinimum},
    {Op::MUL, importArithmetic<nn::MulOp, format::MulOptions>, importQuantizedMul},
    {Op::NEG, importUnary<nn::NegOp>},
    {Op::NOT_EQUAL, importNotEqual, importQuantizedNotEqual},
    {Op::POW, importBinary<nn::PowOp>},
    {Op::PRELU, importBinary<nn::PReluOp>, importQuantizedPRelu},
    {Op::QUANTIZE, importQuantize, importQuantize},
    {Op::RELU, importUnary<nn::ReluOp>, importQuantizedRelu},
    {Op::RELU6, importClip<0, 6>, importQuantizedRelu6},
    {Op::RELU_0_TO_1, importClip<0, 1>, importQuantizedRelu0To1},
    {Op::RELU_N1_TO_1, importClip<-1, 1>, importQuantizedReluN1To1},
    {Op::RIGHT_SHIFT, importBinary<nn::ShiftRightOp>},
    {Op::ROUND, importUnary<nn::RoundOp>},
    {Op::RSQRT, importRsqrt, importQuantizedRsqrt},
    {Op::SELECT, importSelect, importOfOneScale<importSelect>},
    {Op::SELECT_V2, importSelectV2, importOfOneScale<importSelectV2>},
    {Op::SIGN, importUnary<nn::SignOp>},
    {Op::SIN, importUnary<nn::SinOp>},
    {Op::SQRT, importUnary<nn::SqrtOp>, importQuantizedSqrt},
    {Op::SQUARE, importSquare},
    {Op::SQUARED_DIFFERENCE, importSquaredDifference, importQuantizedSquaredDifference},
    {Op::SUB, importArithmetic<nn::SubOp, format::SubOptions>, importQuantizedSub},
    {Op::TANH, importUnary<nn::TanhOp>, importQuantizedTanh},
    {Op::ZEROS_LIKE, importZerosLike},
};

ArrayRef<OpEntry> getElementwiseOps() { return table; }

} // namespace nnc::tflite
