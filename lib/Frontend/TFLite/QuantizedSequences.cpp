// Layers with a state on quantised numbers: inputs, outputs and weights of 8 bits, gates and cells of 16, as in the
// reference kernels.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Steps.h"
#include "lib/Frontend/TFLite/FixedPoint.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

#include <cmath>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;
using frontend::runSteps;

//===--- Numbers of 16 bits ---===//

static Value saturate(OpBinder &op, Value x) { return op.clip(x, INT16_MIN, INT16_MAX); }

/// Entries of a table of all 65536 for integers of i32.
static Value lookUp(OpBinder &op, Value table, Value x) {
  return op.cast(op.create<nn::GatherOp>(table, x, 0), op.getBuilder().getI32Type());
}

/// a * b / 2^shift, to nearest, halves away from zero, in 16 bits (of i32).
static Value multiplyShifted(OpBinder &op, Value a, Value b, int shift) {
  Type narrow = op.getBuilder().getIntegerType(16), wide = op.getBuilder().getI32Type();
  Value quotient = buildDividedByPower(op, op.create<nn::MulOp>(a, b), makeInts(op, {shift}));
  return op.cast(op.cast(quotient, narrow), wide);
}

//===--- LSTM ---===//

namespace {

/// Gates are in the order of the file: input, forget, cell, output; a coupled input gate is left out.
struct IntegerLstm {
  Value weights, recurrent;                        ///< columns, of all gates
  SmallVector<Value> peepholes;                    ///< of each gate; null where there is none
  Value bias, projection, projectionBias;
  SmallVector<Multiplier> fromInput, fromHidden;   ///< of all units
  SmallVector<Multiplier> fromCell;                ///< of each gate
  Quantization input, hidden, cell, product;       ///< `product`: what the output gate lets through
  Multiplier toProduct, toOutput;
  SmallVector<int> gates;
  int64_t units = 0;
  int cellExponent = 0;
  int32_t cellClip = 0, projectionClip = 0;
  Value logistic, tangent, cellTangent; ///< tables
};

} // namespace

/// The scale of the sums of all gates.
static constexpr double gateScale = 1.0 / 4096;

static bool checkLstm(OpBinder &op, IntegerLstm &lstm) {
  if (op.failed())
    return false;
  auto isInteger = [&](Value value, unsigned width) { return getElementTypeOrSelf(value).isInteger(width); };
  float scale = lstm.cell.scale();
  lstm.cellExponent = static_cast<int>(std::round(std::log2(scale)));
  if (!isInteger(op.operand(0), 8) || !isInteger(op.operand(18), 8) || !isInteger(op.operand(19), 16) ||
      std::ldexp(1.0f, lstm.cellExponent) != scale || lstm.cell.zeroPoint() != 0)
    (void)op.reject("on quantised numbers it is supported for inputs of 8 bits and a cell of 16 bits, whose scale is a "
                    "power of two");
  else if (lstm.cellExponent < -15 || lstm.cellExponent > -11)
    (void)op.reject("the scale of its cell must be from 2^-15 to 2^-11");
  if (op.optionalOperand(20) || op.optionalOperand(21))
    (void)op.reject("layer normalization of its gates is not supported on quantised numbers");
  return !op.failed();
}

/// The weights of all gates at these places as columns; each must have 8 bits, one scale and no zero point.
static Value bindColumns(OpBinder &op, IntegerLstm &lstm, unsigned first, const Quantization &of,
                         SmallVectorImpl<Multiplier> &multipliers) {
  SmallVector<Value> parts;
  for (int gate : lstm.gates) {
    Value part = op.operand(first + gate);
    Quantization numbers = op.tensorQuantization(first + gate);
    if (op.failed())
      return {};
    if (!getElementTypeOrSelf(part).isInteger(8) || numbers.zeroPoint() != 0 || op.getRank(part) != 2 ||
        op.getShape(part)[0] != lstm.units)
      return (void)op.reject("its weights must be matrices of 8 bits, with one scale and no zero point"), Value();
    parts.push_back(part);
    double scale = static_cast<double>(numbers.scale() * of.scale() / static_cast<float>(gateScale));
    multipliers.append(lstm.units, makeMultiplier(scale));
  }
  Value rows = op.create<nn::ConcatOp>(ValueRange(parts), 0);
  return op.create<nn::TransposeOp>(rows, ArrayRef<int64_t>{1, 0});
}

static void bindPeepholes(OpBinder &op, IntegerLstm &lstm) {
  lstm.peepholes.resize(4);
  lstm.fromCell.resize(4);
  const unsigned places[] = {9, 10, 0, 11};
  for (int gate : lstm.gates) {
    if (gate == 2 || !op.optionalOperand(places[gate]))
      continue;
    Quantization numbers = op.tensorQuantization(places[gate]);
    if (op.failed() || numbers.zeroPoint() != 0 || !getElementTypeOrSelf(op.operand(places[gate])).isInteger(16))
      return (void)op.reject("its peephole weights must have 16 bits and no zero point");
    lstm.peepholes[gate] = op.cast(op.operand(places[gate]), op.getBuilder().getI32Type());
    double scale = std::ldexp(1.0, lstm.cellExponent) * numbers.scale() / gateScale;
    lstm.fromCell[gate] = makeMultiplier(static_cast<float>(scale));
  }
}

static void bindProjection(OpBinder &op, IntegerLstm &lstm, float clip) {
  lstm.toProduct = makeMultiplier(static_cast<float>(std::ldexp(1.0, -30) / lstm.product.scale()));
  if (!op.optionalOperand(16)) {
    if (lstm.product.scale() != lstm.hidden.scale() || lstm.product.zeroPoint() != lstm.hidden.zeroPoint())
      (void)op.reject("without a projection its output must have the scale and zero point of what its gate lets through");
    return;
  }
  if (op.optionalOperand(10) && op.getShape(op.operand(16))[0] != lstm.units)
    return (void)op.reject("TFLite's kernel mixes up peepholes where a projection changes the number of units");
  Quantization numbers = op.tensorQuantization(16);
  Value weights = op.operand(16), bias = op.optionalOperand(17);
  if (op.failed() || numbers.zeroPoint() != 0 || !getElementTypeOrSelf(weights).isInteger(8) || op.getRank(weights) != 2 ||
      (bias && !getElementTypeOrSelf(bias).isInteger(32)))
    return (void)op.reject("its projection must have weights of 8 bits without a zero point, and a bias of 32 bits");
  // The kernel takes the zero point for its negative, before the projection and in it: what saturates tells.
  lstm.product.zeroPoints.front() = -lstm.product.zeroPoint();
  if (lstm.product.zeroPoint() > INT8_MAX)
    return (void)op.reject("the zero point of what its gate lets through is out of range");
  lstm.projection = op.create<nn::TransposeOp>(weights, ArrayRef<int64_t>{1, 0});
  lstm.projectionBias = bias;
  lstm.toOutput = makeMultiplier(numbers.scale() * lstm.product.scale() / lstm.hidden.scale());
  if (clip > 0)
    lstm.projectionClip = static_cast<int32_t>(std::min(clip / lstm.hidden.scale(), 127.0f));
}

static std::optional<IntegerLstm> bindIntegerLstm(OpBinder &op, float cellClip, float projectionClip) {
  IntegerLstm lstm;
  lstm.input = op.tensorQuantization(0);
  lstm.hidden = op.tensorQuantization(18);
  lstm.cell = op.tensorQuantization(19);
  lstm.product = op.intermediateQuantization(4);
  if (!checkLstm(op, lstm) || op.getRank(op.operand(2)) != 2 || !op.getType(op.operand(2)).hasStaticShape())
    return (void)op.reject("its weights must be matrices whose extents are known"), std::nullopt;
  lstm.units = op.getShape(op.operand(2))[0];
  lstm.gates = op.optionalOperand(1) ? SmallVector<int>{0, 1, 2, 3} : SmallVector<int>{1, 2, 3};
  lstm.weights = bindColumns(op, lstm, 1, lstm.input, lstm.fromInput);
  lstm.recurrent = bindColumns(op, lstm, 5, lstm.hidden, lstm.fromHidden);
  bindPeepholes(op, lstm);
  bindProjection(op, lstm, projectionClip);
  SmallVector<Value> biases;
  for (int gate : lstm.gates)
    biases.push_back(op.operand(12 + gate));
  if (op.failed())
    return std::nullopt;
  lstm.bias = op.create<nn::ConcatOp>(ValueRange(biases), 0);
  if (!op.failed() && !getElementTypeOrSelf(lstm.bias).isInteger(32))
    (void)op.reject("its biases must have 32 bits");
  if (cellClip > 0)
    lstm.cellClip = static_cast<int32_t>(std::min(cellClip / lstm.cell.scale(), 32767.0f));
  lstm.logistic = makeWideTable(op, [](int16_t x) { return logistic(x); });
  lstm.tangent = makeWideTable(op, [](int16_t x) { return hyperbolicTangent(x, 3); });
  lstm.cellTangent = makeWideTable(op, [&](int16_t x) { return hyperbolicTangent(x, 15 + lstm.cellExponent); });
  return op.failed() ? std::nullopt : std::optional(lstm);
}

/// Products of integers of 8 bits, less their zero point, and columns.
static Value multiplyColumns(OpBinder &op, Value rows, Value columns, const Quantization &numbers) {
  Value zeroPoint;
  if (!op.failed() && numbers.zeroPoint() != 0)
    zeroPoint = op.scalar(getElementTypeOrSelf(rows), numbers.zeroPoint());
  return op.create<nn::IntegerMatmulOp>(rows, columns, zeroPoint, Value());
}

static Value stepIntegerLstm(OpBinder &op, const IntegerLstm &lstm, Value sums, MutableArrayRef<Value> states) {
  Type i32 = op.getBuilder().getI32Type(), i16 = op.getBuilder().getIntegerType(16), i8 = op.getBuilder().getI8Type();
  Value products = buildScaled(op, multiplyColumns(op, states[0], lstm.recurrent, lstm.hidden), lstm.fromHidden);
  Value all = saturate(op, op.create<nn::AddOp>(sums, products)), cell = op.cast(states[1], i32);
  auto sum = [&](int gate) {
    int64_t place = llvm::find(lstm.gates, gate) - lstm.gates.begin();
    Value part = op.sliceAxis(all, 1, place * lstm.units, (place + 1) * lstm.units);
    if (!lstm.peepholes[gate])
      return part;
    Value seen = buildScaled(op, op.create<nn::MulOp>(cell, lstm.peepholes[gate]), lstm.fromCell[gate]);
    return saturate(op, op.create<nn::AddOp>(part, seen));
  };
  Value forget = lookUp(op, lstm.logistic, sum(1)), candidate = lookUp(op, lstm.tangent, sum(2));
  Value input = lstm.gates.size() == 4 ? lookUp(op, lstm.logistic, sum(0))
                                       : op.create<nn::SubOp>(op.scalar(i32, INT16_MAX), forget);
  Value kept = multiplyShifted(op, forget, cell, 15);
  Value added = multiplyShifted(op, input, candidate, 30 + lstm.cellExponent);
  cell = saturate(op, op.create<nn::AddOp>(kept, added));
  if (lstm.cellClip > 0)
    cell = op.clip(cell, -lstm.cellClip, lstm.cellClip);
  Value output = lookUp(op, lstm.logistic, sum(3));
  Value product = op.create<nn::MulOp>(output, lookUp(op, lstm.cellTangent, cell));
  product = buildScaled(op, product, lstm.toProduct);
  product = op.create<nn::AddOp>(product, op.scalar(i32, lstm.product.zeroPoint()));
  product = op.cast(op.clip(product, INT8_MIN, INT8_MAX), i8);
  if (lstm.projection) {
    Value projected = multiplyColumns(op, product, lstm.projection, lstm.product);
    if (lstm.projectionBias)
      projected = op.create<nn::AddOp>(projected, lstm.projectionBias);
    projected = buildScaled(op, projected, lstm.toOutput);
    projected = op.create<nn::AddOp>(projected, op.scalar(i32, lstm.hidden.zeroPoint()));
    projected = op.clip(projected, INT8_MIN, INT8_MAX);
    if (lstm.projectionClip > 0)
      projected = op.clip(projected, -lstm.projectionClip, lstm.projectionClip);
    product = op.cast(projected, i8);
  }
  states[0] = product;
  states[1] = op.cast(cell, i16);
  return product;
}

/// `input`: [time, batch, feature].
static Value runIntegerLstm(OpBinder &op, Value input, format::Activation activation, float cellClip,
                            float projectionClip) {
  if (activation != format::Activation::TANH)
    (void)op.reject("on quantised numbers its activation must be TANH");
  std::optional<IntegerLstm> lstm = op.failed() ? std::nullopt : bindIntegerLstm(op, cellClip, projectionClip);
  if (!lstm)
    return {};
  Quantization result = op.resultTensorQuantization(0);
  if (result.scale() != lstm->hidden.scale() || result.zeroPoint() != lstm->hidden.zeroPoint())
    (void)op.reject("its result and its state must have one scale and zero point");
  Value sums = op.create<nn::AddOp>(multiplyColumns(op, input, lstm->weights, lstm->input), lstm->bias);
  sums = saturate(op, buildScaled(op, sums, lstm->fromInput));
  SmallVector<Value> states{op.operand(18), op.operand(19)};
  Value sequence = runSteps(op, sums, states, /*reverse=*/false, [&](ArrayRef<Value> parts, MutableArrayRef<Value> inner) {
    return stepIntegerLstm(op, *lstm, parts[0], inner);
  });
  op.setState(18, states[0]);
  op.setState(19, states[1]);
  return sequence;
}

LogicalResult importQuantizedSequenceLstm(OpBinder &op) {
  const auto &options = op.options<format::UnidirectionalSequenceLSTMOptions>();
  if (options.diagonal_recurrent_tensors())
    return op.reject("recurrent weights that are diagonals are not supported");
  Value input = swapTimeAndBatch(op, op.operand(0), options.time_major());
  Value result =
      runIntegerLstm(op, input, options.fused_activation_function(), options.cell_clip(), options.proj_clip());
  return op.result(swapTimeAndBatch(op, result, options.time_major()));
}

LogicalResult importQuantizedLstm(OpBinder &op) {
  const auto &options = op.options<format::LSTMOptions>();
  if (options.kernel_type() == format::LSTMKernel::BASIC)
    return op.reject("on quantised numbers it is supported with its state in variables");
  Value input = op.create<nn::UnsqueezeOp>(op.operand(0), ArrayRef<int64_t>{0});
  Value result =
      runIntegerLstm(op, input, options.fused_activation_function(), options.cell_clip(), options.proj_clip());
  return op.result(op.create<nn::SqueezeOp>(result, ArrayRef<int64_t>{0}));
}

//===--- SVDF ---===//

/// Products of 8 bits are kept in 16, and weighed by numbers of 16.
LogicalResult importQuantizedSvdf(OpBinder &op) {
  const auto &options = op.options<format::SVDFOptions>();
  std::optional<Svdf> svdf = bindSvdf(op, options);
  if (!svdf)
    return failure();
  Quantization input = op.tensorQuantization(0), features = op.tensorQuantization(1), time = op.tensorQuantization(2),
               state = op.tensorQuantization(4), result = op.resultTensorQuantization(0);
  Type i32 = op.getBuilder().getI32Type(), i16 = op.getBuilder().getIntegerType(16);
  auto isInteger = [&](Value value, unsigned width) { return getElementTypeOrSelf(value).isInteger(width); };
  if (op.failed())
    return failure();
  if (!isInteger(svdf->input, 8) || !isInteger(svdf->features, 8) || !isInteger(svdf->time, 16) ||
      !isInteger(svdf->state, 16) || (svdf->bias && !isInteger(svdf->bias, 32)) || features.zeroPoint() != 0 ||
      time.zeroPoint() != 0 || state.zeroPoint() != 0)
    return op.reject("on quantised numbers it is supported for 8 bits, with weights over time and a state of 16 bits, "
                     "and zero points of the input and the result alone");
  if (options.fused_activation_function() != format::Activation::RELU)
    return op.reject("on quantised numbers its activation must be RELU");
  Value columns = op.create<nn::TransposeOp>(svdf->features, ArrayRef<int64_t>{1, 0});
  Value newest = multiplyColumns(op, svdf->input, columns, input);
  newest = buildScaled(op, newest, makeMultiplier(static_cast<double>(input.scale()) * features.scale() / state.scale()));
  Value memory = shiftMemory(op, *svdf, op.cast(saturate(op, newest), i16));
  keepMemory(op, *svdf, memory);
  Value products = op.create<nn::MulOp>(op.cast(memory, i32), op.cast(svdf->time, i32));
  Value sums = op.create<nn::ReduceOp>(products, nn::ReductionKind::Sum, ArrayRef<int64_t>{2}, /*keepdims=*/false);
  sums = sumRanks(op, *svdf, sums);
  if (svdf->bias)
    sums = op.create<nn::AddOp>(sums, svdf->bias);
  sums = buildScaled(op, sums, makeMultiplier(static_cast<double>(state.scale()) * time.scale() / result.scale()));
  return op.result(buildResult(op, sums, result, format::Activation::NONE));
}

} // namespace nnc::tflite
