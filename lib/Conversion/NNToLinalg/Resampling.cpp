// Resampling. Where each position of the result lies in the input, and what its
// neighbours weigh, are tables of one axis each: small tensors that are functions of
// extents alone, so that they are constants of the object where the extents are
// known. Axes are interpolated one after the other.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/ResamplingOrder.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

namespace {

/// Arithmetic of f32 (positions and weights), folded where it is constant.
struct Floats {
  explicit Floats(ImplicitLocOpBuilder &builder) : builder(builder) {}

  Value constant(double value) { return arith::ConstantOp::create(builder, builder.getF32FloatAttr(value)); }
  Value fromIndex(Value index) {
    Value integer = builder.createOrFold<arith::IndexCastOp>(builder.getI32Type(), index);
    return builder.createOrFold<arith::SIToFPOp>(builder.getF32Type(), integer);
  }
  /// The integer that `x` is, which is kept within what i32 holds; NaN becomes the least one.
  Value toInteger(Value x) {
    Value bounded = atMost(atLeast(x, constant(-limit)), constant(limit));
    return builder.createOrFold<arith::FPToSIOp>(builder.getI32Type(), bounded);
  }
  Value add(Value a, Value b) { return builder.createOrFold<arith::AddFOp>(a, b); }
  Value sub(Value a, Value b) { return builder.createOrFold<arith::SubFOp>(a, b); }
  Value mul(Value a, Value b) { return builder.createOrFold<arith::MulFOp>(a, b); }
  Value div(Value a, Value b) { return builder.createOrFold<arith::DivFOp>(a, b); }
  Value floor(Value x) { return builder.createOrFold<math::FloorOp>(x); }
  Value ceil(Value x) { return builder.createOrFold<math::CeilOp>(x); }
  Value absolute(Value x) { return builder.createOrFold<math::AbsFOp>(x); }
  Value compare(arith::CmpFPredicate predicate, Value a, Value b) {
    return builder.createOrFold<arith::CmpFOp>(predicate, a, b);
  }
  Value select(Value condition, Value a, Value b) { return builder.createOrFold<arith::SelectOp>(condition, a, b); }
  Value atLeast(Value x, Value bound) { return select(compare(arith::CmpFPredicate::OGT, x, bound), x, bound); }
  Value atMost(Value x, Value bound) { return select(compare(arith::CmpFPredicate::OLT, x, bound), x, bound); }

  static constexpr double limit = 1 << 30;
  ImplicitLocOpBuilder &builder;
};

/// How one axis is resampled: what is the same for all positions along it.
struct AxisSampling {
  int64_t axis;
  int64_t resultSize; ///< static, or dynamic as in types
  Value input, result; ///< extents
  Value scale;         ///< f32: result by input, or as given
  bool isScaleGiven;
  Value start, end; ///< f32: of the region; null where there is none
};

/// The tables of one axis, by position in the result.
struct AxisTables {
  Value base;    ///< i32: the sample at or before the position; `outside` where there is none
  Value weights; ///< f32: of the samples base + first, base + first + 1, ...
  Value first;   ///< index: 0 or negative
};

/// Marks positions outside of what tf_crop_and_resize sees.
constexpr int32_t outside = std::numeric_limits<int32_t>::min();
/// Weights up to this number are applied one after the other; more in a loop.
constexpr int64_t maxUnrolledTaps = 4;

/// Builds the tables and applies them.
class Resampler {
public:
  Resampler(ImplicitLocOpBuilder &builder, nn::ResizeOp op) : builder(builder), op(op) {}

  Value interpolate(Value input, const AxisSampling &sampling);
  Value takeNearest(Value input, ArrayRef<AxisSampling> samplings, RankedTensorType type);

private:
  bool crops() { return op.getCoordinates() == nn::CoordinateMode::TfCropAndResize; }
  Value getPosition(Floats &floats, const AxisSampling &sampling, Value index);
  Value getResultLength(Floats &floats, const AxisSampling &sampling);
  Value markOutside(Floats &floats, const AxisSampling &sampling, Value position, Value sample);
  Value buildNearestTable(const AxisSampling &sampling);
  AxisTables buildTables(const AxisSampling &sampling);
  Value buildWeights(const AxisSampling &sampling, Value first, Value filterScale);
  Value getWeight(Floats &floats, Value distance);
  Value applyUnrolled(Value input, const AxisSampling &sampling, const AxisTables &tables, RankedTensorType type);
  Value applyInLoop(Value input, const AxisSampling &sampling, const AxisTables &tables, RankedTensorType type);
  Value getExtrapolation(ImplicitLocOpBuilder &inner, Type type);

  ImplicitLocOpBuilder &builder;
  nn::ResizeOp op;
};

} // namespace

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

/// The length of the result as a scale gives it, which need not be whole.
Value Resampler::getResultLength(Floats &floats, const AxisSampling &sampling) {
  return sampling.isScaleGiven ? floats.mul(sampling.scale, floats.fromIndex(sampling.input))
                               : floats.fromIndex(sampling.result);
}

/// Where position `index` (f32) of the result lies in the input.
Value Resampler::getPosition(Floats &floats, const AxisSampling &sampling, Value index) {
  Value zero = floats.constant(0), half = floats.constant(0.5), one = floats.constant(1);
  Value centre = floats.sub(floats.div(floats.add(index, half), sampling.scale), half);
  auto isOne = [&](Value length) { return floats.compare(arith::CmpFPredicate::OEQ, length, one); };
  switch (op.getCoordinates()) {
  case nn::CoordinateMode::HalfPixel:
    return centre;
  case nn::CoordinateMode::HalfPixelSymmetric: {
    Value length = floats.mul(sampling.scale, floats.fromIndex(sampling.input));
    Value adjustment = floats.div(floats.fromIndex(sampling.result), length);
    Value middle = floats.mul(floats.fromIndex(sampling.input), half);
    return floats.add(floats.mul(middle, floats.sub(one, adjustment)), centre);
  }
  case nn::CoordinateMode::PytorchHalfPixel:
    return floats.select(isOne(floats.fromIndex(sampling.result)), zero, centre);
  case nn::CoordinateMode::TfHalfPixelForNearest:
    return floats.div(floats.add(index, half), sampling.scale);
  case nn::CoordinateMode::Asymmetric:
    return floats.div(index, sampling.scale);
  case nn::CoordinateMode::AlignCorners: {
    Value last = floats.sub(floats.fromIndex(sampling.input), one), length = getResultLength(floats, sampling);
    return floats.select(isOne(length), zero, floats.div(floats.mul(index, last), floats.sub(length, one)));
  }
  case nn::CoordinateMode::TfCropAndResize: {
    Value last = floats.sub(floats.fromIndex(sampling.input), one), length = getResultLength(floats, sampling);
    Value width = floats.mul(floats.sub(sampling.end, sampling.start), last);
    Value within = floats.select(isOne(length), floats.mul(width, half),
                                 floats.div(floats.mul(index, width), floats.sub(length, one)));
    return floats.add(within, floats.mul(sampling.start, last));
  }
  }
  llvm_unreachable("all coordinate modes are listed");
}

/// `sample`, or `outside` where the position lies beyond the input.
Value Resampler::markOutside(Floats &floats, const AxisSampling &sampling, Value position, Value sample) {
  if (!crops())
    return sample;
  Value last = floats.sub(floats.fromIndex(sampling.input), floats.constant(1));
  Value isInside =
      arith::AndIOp::create(floats.builder, floats.compare(arith::CmpFPredicate::OGE, position, floats.constant(0)),
                            floats.compare(arith::CmpFPredicate::OLE, position, last));
  Value mark = arith::ConstantOp::create(floats.builder, floats.builder.getI32IntegerAttr(outside));
  return floats.select(isInside, sample, mark);
}

static Value clampIndex(ImplicitLocOpBuilder &builder, Value index, Value extent) {
  Value last = sub(builder, extent, getIndex(builder, 1));
  Value bounded = builder.createOrFold<arith::MinSIOp>(index, last);
  return builder.createOrFold<arith::MaxSIOp>(bounded, getIndex(builder, 0));
}

static Value toIndex(ImplicitLocOpBuilder &builder, Value integer) {
  return builder.createOrFold<arith::IndexCastOp>(builder.getIndexType(), integer);
}

static Value isOutside(ImplicitLocOpBuilder &builder, Value base) {
  Value mark = arith::ConstantOp::create(builder, builder.getI32IntegerAttr(outside));
  return builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, base, mark);
}

Value Resampler::getExtrapolation(ImplicitLocOpBuilder &inner, Type type) {
  double value = op.getExtrapolationValue().convertToFloat();
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(inner, inner.getFloatAttr(type, value));
  return arith::ConstantOp::create(inner, inner.getIntegerAttr(type, static_cast<int64_t>(value)));
}

//===----------------------------------------------------------------------===//
// Nearest sample
//===----------------------------------------------------------------------===//

Value Resampler::buildNearestTable(const AxisSampling &sampling) {
  auto type = RankedTensorType::get({sampling.resultSize}, builder.getI32Type());
  return generate(builder, type, sampling.result, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    Floats floats(inner);
    Value position = getPosition(floats, sampling, floats.fromIndex(indices[0])), half = floats.constant(0.5), sample;
    switch (op.getNearest()) {
    case nn::NearestMode::RoundPreferFloor:
      sample = floats.ceil(floats.sub(position, half));
      break;
    case nn::NearestMode::RoundPreferCeil:
      sample = floats.floor(floats.add(position, half));
      break;
    case nn::NearestMode::Floor:
      sample = floats.floor(position);
      break;
    case nn::NearestMode::Ceil:
      sample = floats.ceil(position);
      break;
    }
    Value clamped = clampIndex(inner, toIndex(inner, floats.toInteger(sample)), sampling.input);
    Value integer = inner.createOrFold<arith::IndexCastOp>(inner.getI32Type(), clamped);
    return markOutside(floats, sampling, position, integer);
  });
}

Value Resampler::takeNearest(Value input, ArrayRef<AxisSampling> samplings, RankedTensorType type) {
  SmallVector<Value> tables, extents;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    extents.push_back(getExtent(builder, builder.getLoc(), input, axis));
  for (const AxisSampling &sampling : samplings) {
    tables.push_back(buildNearestTable(sampling));
    extents[sampling.axis] = sampling.result;
  }
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    SmallVector<Value> source(indices);
    Value isAnyOutside;
    for (auto [sampling, table] : llvm::zip(samplings, tables)) {
      Value sample = tensor::ExtractOp::create(inner, table, indices[sampling.axis]);
      if (crops()) {
        Value test = isOutside(inner, sample);
        isAnyOutside = isAnyOutside ? arith::OrIOp::create(inner, isAnyOutside, test) : test;
        sample = arith::SelectOp::create(inner, test, arith::ConstantOp::create(inner, inner.getI32IntegerAttr(0)), sample);
      }
      source[sampling.axis] = toIndex(inner, sample);
    }
    Value element = tensor::ExtractOp::create(inner, input, source);
    if (!isAnyOutside)
      return element;
    return arith::SelectOp::create(inner, isAnyOutside, getExtrapolation(inner, type.getElementType()), element);
  });
}

//===----------------------------------------------------------------------===//
// Interpolation
//===----------------------------------------------------------------------===//

/// What a sample at `distance` (f32) from the position weighs, before normalisation.
Value Resampler::getWeight(Floats &floats, Value distance) {
  Value zero = floats.constant(0), one = floats.constant(1), x = floats.absolute(distance);
  if (op.getMode() == nn::ResizeMode::Linear)
    return floats.atLeast(floats.sub(one, x), zero);
  // Keys, "Cubic convolution interpolation for digital image processing", 1981.
  double a = op.getCubicCoefficient().convertToFloat();
  auto horner = [&](double c3, double c2, double c1, double c0) {
    Value sum = floats.add(floats.mul(floats.constant(c3), x), floats.constant(c2));
    sum = floats.add(floats.mul(sum, x), floats.constant(c1));
    return floats.add(floats.mul(sum, x), floats.constant(c0));
  };
  Value isFar = floats.compare(arith::CmpFPredicate::OLT, x, floats.constant(2));
  Value outer = floats.select(isFar, horner(a, -5 * a, 8 * a, -4 * a), zero);
  return floats.select(floats.compare(arith::CmpFPredicate::OLE, x, one), horner(a + 2, -(a + 3), 0, 1), outer);
}

/// [taps, result]: the weights, with a sum of 1.
Value Resampler::buildWeights(const AxisSampling &sampling, Value first, Value filterScale) {
  Value taps = sub(builder, getIndex(builder, 2), mul(builder, first, getIndex(builder, 2)));
  IntegerAttr constant;
  int64_t count = matchPattern(taps, m_Constant(&constant)) ? constant.getInt() : ShapedType::kDynamic;
  auto type = RankedTensorType::get({count, sampling.resultSize}, builder.getF32Type());
  auto getRaw = [&](ImplicitLocOpBuilder &inner, Value position, Value tap) {
    Floats floats(inner);
    Value base = floats.floor(position), offset = add(inner, first, tap);
    Value distance = floats.sub(floats.add(base, floats.fromIndex(offset)), position);
    Value weight = getWeight(floats, floats.mul(distance, filterScale));
    if (!op.getExcludeOutside())
      return weight;
    Value sample = add(inner, toIndex(inner, floats.toInteger(base)), offset);
    Value isInside = arith::AndIOp::create(
        inner, arith::CmpIOp::create(inner, arith::CmpIPredicate::sge, sample, getIndex(inner, 0)),
        arith::CmpIOp::create(inner, arith::CmpIPredicate::slt, sample, sampling.input));
    return floats.select(isInside, weight, floats.constant(0));
  };
  return generate(builder, type, {taps, sampling.result}, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    Floats floats(inner);
    Value position = getPosition(floats, sampling, floats.fromIndex(indices[1]));
    Value weight = getRaw(inner, position, indices[0]);
    if (!op.getExcludeOutside() && !op.getAntialias())
      return weight;
    auto sum = scf::ForOp::create(inner, getIndex(inner, 0), taps, getIndex(inner, 1), ValueRange{floats.constant(0)},
                                  [&](OpBuilder &nested, Location loc, Value tap, ValueRange carried) {
                                    ImplicitLocOpBuilder deeper(loc, nested);
                                    Value raw = getRaw(deeper, position, tap);
                                    scf::YieldOp::create(deeper, Floats(deeper).add(carried.front(), raw));
                                  });
    return floats.div(weight, sum.getResult(0));
  });
}

AxisTables Resampler::buildTables(const AxisSampling &sampling) {
  Floats outer(builder);
  double radius = op.getMode() == nn::ResizeMode::Linear ? 1 : 2;
  Value filterScale = op.getAntialias() ? outer.atMost(sampling.scale, outer.constant(1)) : outer.constant(1);
  Value reach = outer.floor(outer.div(outer.constant(-radius), filterScale));
  Value first = add(builder, toIndex(builder, outer.toInteger(reach)), getIndex(builder, 1));
  auto type = RankedTensorType::get({sampling.resultSize}, builder.getI32Type());
  Value base = generate(builder, type, sampling.result, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    Floats floats(inner);
    Value position = getPosition(floats, sampling, floats.fromIndex(indices[0]));
    return markOutside(floats, sampling, position, floats.toInteger(floats.floor(position)));
  });
  return {base, buildWeights(sampling, first, filterScale), first};
}

/// The sample that lies `offset` samples after the one at `base` (i32), or the edge.
static Value extractSample(ImplicitLocOpBuilder &inner, Value input, ValueRange indices, const AxisSampling &sampling,
                           Value base, Value offset) {
  SmallVector<Value> source(indices);
  source[sampling.axis] = clampIndex(inner, add(inner, toIndex(inner, base), offset), sampling.input);
  return tensor::ExtractOp::create(inner, input, source);
}

static Value asElement(ImplicitLocOpBuilder &inner, Value weight, Type type) {
  return weight.getType() == type ? weight : arith::ExtFOp::create(inner, type, weight).getResult();
}

static SmallVector<Value> getResultExtents(ImplicitLocOpBuilder &builder, Value input, const AxisSampling &sampling) {
  SmallVector<Value> extents;
  for (int64_t axis = 0; axis < getRanked(input).getRank(); ++axis)
    extents.push_back(axis == sampling.axis ? sampling.result : getExtent(builder, builder.getLoc(), input, axis));
  return extents;
}

Value Resampler::applyUnrolled(Value input, const AxisSampling &sampling, const AxisTables &tables,
                               RankedTensorType type) {
  SmallVector<Value> extents = getResultExtents(builder, input, sampling);
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    Value at = indices[sampling.axis], base = tensor::ExtractOp::create(inner, tables.base, at), sum;
    for (int64_t tap = 0; tap < getRanked(tables.weights).getDimSize(0); ++tap) {
      Value weight = tensor::ExtractOp::create(inner, tables.weights, ValueRange{getIndex(inner, tap), at});
      Value offset = add(inner, tables.first, getIndex(inner, tap));
      Value sample = extractSample(inner, input, indices, sampling, base, offset);
      Value product = arith::MulFOp::create(inner, sample, asElement(inner, weight, type.getElementType()));
      sum = sum ? arith::AddFOp::create(inner, sum, product) : product;
    }
    if (!crops())
      return sum;
    return arith::SelectOp::create(inner, isOutside(inner, base), getExtrapolation(inner, type.getElementType()), sum);
  });
}

Value Resampler::applyInLoop(Value input, const AxisSampling &sampling, const AxisTables &tables,
                             RankedTensorType type) {
  int64_t rank = type.getRank();
  Type element = type.getElementType();
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(element));
  Value init = createEmpty(builder, builder.getLoc(), type, getResultExtents(builder, input, sampling));
  init = linalg::FillOp::create(builder, zero, init).getResult(0);
  AffineExpr at = builder.getAffineDimExpr(sampling.axis), tap = builder.getAffineDimExpr(rank);
  AffineMap maps[] = {AffineMap::get(rank + 1, 0, at), AffineMap::get(rank + 1, 0, {tap, at}, builder.getContext()),
                      AffineMap::getMultiDimIdentityMap(rank, builder.getContext()).shiftDims(0)};
  maps[2] = AffineMap::get(rank + 1, 0, maps[2].getResults(), builder.getContext());
  SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
  iterators.push_back(utils::IteratorType::reduction);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    ImplicitLocOpBuilder inner(loc, nested);
    SmallVector<Value> indices;
    for (int64_t axis = 0; axis <= rank; ++axis)
      indices.push_back(linalg::IndexOp::create(inner, axis));
    Value offset = add(inner, tables.first, indices.pop_back_val());
    Value sample = extractSample(inner, input, indices, sampling, arguments[0], offset);
    Value product = arith::MulFOp::create(inner, sample, asElement(inner, arguments[1], element));
    linalg::YieldOp::create(inner, arith::AddFOp::create(inner, arguments[2], product).getResult());
  };
  Value sum = linalg::GenericOp::create(builder, type, ValueRange{tables.base, tables.weights}, init, maps, iterators, body)
                  .getResult(0);
  if (!crops())
    return sum;
  SmallVector<Value> extents = getResultExtents(builder, input, sampling);
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &inner, ValueRange indices) -> Value {
    Value base = tensor::ExtractOp::create(inner, tables.base, indices[sampling.axis]);
    Value value = tensor::ExtractOp::create(inner, sum, indices);
    return arith::SelectOp::create(inner, isOutside(inner, base), getExtrapolation(inner, element), value);
  });
}

Value Resampler::interpolate(Value input, const AxisSampling &sampling) {
  SmallVector<int64_t> shape(getRanked(input).getShape());
  shape[sampling.axis] = sampling.resultSize;
  RankedTensorType type = getRanked(input).clone(shape);
  AxisTables tables = buildTables(sampling);
  int64_t taps = getRanked(tables.weights).getDimSize(0);
  bool isShort = !ShapedType::isDynamic(taps) && taps <= maxUnrolledTaps;
  return isShort ? applyUnrolled(input, sampling, tables, type) : applyInLoop(input, sampling, tables, type);
}

//===----------------------------------------------------------------------===//
// The operation
//===----------------------------------------------------------------------===//

/// Element `i` of a 1-D tensor of f32, made of constants and of values of inputs as far as can be seen; `original` is
/// the tensor in the source model.
static Value getFloatEntry(ImplicitLocOpBuilder &builder, Value original, Value tensor, int64_t i) {
  if (Value entry = findEntry(builder, original, i))
    return entry;
  return tensor::ExtractOp::create(builder, tensor, getIndex(builder, i));
}

static AxisSampling getSampling(ImplicitLocOpBuilder &builder, nn::ResizeOp op, nn::ResizeOp::Adaptor adaptor, int64_t i) {
  Floats floats(builder);
  AxisSampling sampling;
  sampling.axis = op.getAxes()[i];
  sampling.resultSize = cast<RankedTensorType>(op.getType()).getDimSize(sampling.axis);
  sampling.input = getExtent(builder, builder.getLoc(), adaptor.getInput(), sampling.axis);
  sampling.isScaleGiven = static_cast<bool>(op.getScales());
  if (sampling.isScaleGiven)
    sampling.scale = getFloatEntry(builder, op.getScales(), adaptor.getScales(), i);
  if (!ShapedType::isDynamic(sampling.resultSize))
    sampling.result = getIndex(builder, sampling.resultSize);
  else if (op.getSizes())
    sampling.result = getExtentEntry(builder, op.getSizes(), adaptor.getSizes(), i);
  else
    sampling.result = toIndex(
        builder, floats.toInteger(floats.floor(floats.mul(floats.fromIndex(sampling.input), sampling.scale))));
  if (!sampling.isScaleGiven)
    sampling.scale = floats.div(floats.fromIndex(sampling.result), floats.fromIndex(sampling.input));
  if (op.getRegion()) {
    sampling.start = getFloatEntry(builder, op.getRegion(), adaptor.getRegion(), i);
    sampling.end = getFloatEntry(builder, op.getRegion(), adaptor.getRegion(), i + op.getAxes().size());
  }
  return sampling;
}

static Value convertElements(ImplicitLocOpBuilder &builder, Value value, Type to) {
  RankedTensorType type = getRanked(value).clone(to);
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  Value init = createEmptyLike(builder, builder.getLoc(), type, value);
  bool grows = to.getIntOrFloatBitWidth() > getElementTypeOrSelf(value).getIntOrFloatBitWidth();
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    Value converted = grows ? arith::ExtFOp::create(nested, loc, to, arguments[0]).getResult()
                            : arith::TruncFOp::create(nested, loc, to, arguments[0]).getResult();
    linalg::YieldOp::create(nested, loc, converted);
  };
  return linalg::GenericOp::create(builder, type, value, init, maps, iterators, body).getResult(0);
}

/// `value` with axis i where `permutation` has it.
static Value permute(ImplicitLocOpBuilder &builder, Value value, ArrayRef<int64_t> permutation) {
  RankedTensorType type = getRanked(value);
  SmallVector<int64_t> shape = llvm::map_to_vector(permutation, [&](int64_t axis) { return type.getDimSize(axis); });
  return transposeTo(builder, value, type.clone(shape), permutation);
}

template <>
Value LowerOp<nn::ResizeOp>::build(ImplicitLocOpBuilder &builder, nn::ResizeOp op, OpAdaptor adaptor,
                                   RankedTensorType type) const {
  SmallVector<AxisSampling> samplings;
  for (size_t i = 0; i < op.getAxes().size(); ++i)
    samplings.push_back(getSampling(builder, op, adaptor, i));
  Resampler resampler(builder, op);
  if (op.getMode() == nn::ResizeMode::Nearest)
    return resampler.takeNearest(adaptor.getInput(), samplings, type);
  bool isNarrow = type.getElementTypeBitWidth() < 32;
  Value result = isNarrow ? convertElements(builder, adaptor.getInput(), builder.getF32Type()) : adaptor.getInput();
  int64_t taps = op.getMode() == nn::ResizeMode::Linear ? 2 : 4;
  RankedTensorType input = getRanked(result);
  SmallVector<int64_t> last = chooseLastAxes(op.getAxes(), input, type, taps, kernel::getTarget(op).getL2Bytes());
  SmallVector<int64_t> order, inverse(type.getRank());
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (!llvm::is_contained(last, axis))
      order.push_back(axis);
  order.append(last);
  for (auto [place, axis] : llvm::enumerate(order))
    inverse[axis] = place;
  auto *along = llvm::find_if(samplings, [&](const AxisSampling &sampling) { return sampling.axis == type.getRank() - 1; });
  if (!last.empty())
    result = permute(builder, result, order);
  else if (along != samplings.end() && isShorterFirst(input, type))
    std::rotate(samplings.begin(), along, std::next(along));
  for (AxisSampling &sampling : samplings) {
    sampling.axis = inverse[sampling.axis];
    result = resampler.interpolate(result, sampling);
  }
  if (!last.empty())
    result = permute(builder, result, inverse);
  return castTo(builder, isNarrow ? convertElements(builder, result, type.getElementType()) : result, type);
}

void populateResamplingToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::ResizeOp>>(types, patterns.getContext());
}

} // namespace nnc
