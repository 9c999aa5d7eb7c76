// Normalizations become row kernels on [O, R, I] views; scale and bias go into
// the epilogue where they have one element per R or per I, and are element-wise
// operations of their own elsewhere.
#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Planes.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ChannelsLast.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/Planes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc {

//===--- Softmax ---===//

static Value lowerSoftmax(ImplicitLocOpBuilder &builder, Value input, int64_t axis, bool log, RankedTensorType type) {
  int64_t counts[] = {axis, 1, type.getRank() - axis - 1};
  Value rows = mergeAxes(builder, input, counts);
  Value init = createEmptyLike(builder, builder.getLoc(), getRanked(rows), rows);
  SmallVector<NamedAttribute> attributes;
  if (log)
    attributes.push_back(builder.getNamedAttr("log", builder.getUnitAttr()));
  Value result = createKernel<kernel::SoftmaxOp>(builder, rows, init, attributes);
  return splitAxes(builder, result, type, counts, getExtents(builder, input));
}

template <>
Value LowerOp<nn::SoftmaxOp>::build(ImplicitLocOpBuilder &builder, nn::SoftmaxOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  return lowerSoftmax(builder, adaptor.getInput(), op.getAxis(), /*log=*/false, type);
}

template <>
Value LowerOp<nn::LogSoftmaxOp>::build(ImplicitLocOpBuilder &builder, nn::LogSoftmaxOp op, OpAdaptor adaptor,
                                       RankedTensorType type) const {
  return lowerSoftmax(builder, adaptor.getInput(), op.getAxis(), /*log=*/true, type);
}

//===--- Layer and instance normalization ---===//

/// kernel.normalize of `rows` [O, R, I], times `scale` plus `bias` (either may be
/// null), which have one element per `parameterAxis` of [O, R, I].
static Value normalizeRows(ImplicitLocOpBuilder &builder, Value rows, Value scale, Value bias, int64_t parameterAxis,
                           double epsilon, bool center) {
  Value init = createEmptyLike(builder, builder.getLoc(), getRanked(rows), rows);
  NamedAttribute attributes[] = {builder.getNamedAttr("epsilon", builder.getF64FloatAttr(epsilon)),
                                 builder.getNamedAttr("center", builder.getBoolAttr(center))};
  AffineMap map = AffineMap::get(3, 0, builder.getAffineDimExpr(parameterAxis));
  SmallVector<EpilogueOperand> operands;
  for (Value parameter : {scale, bias})
    if (parameter)
      operands.push_back({parameter, map});
  auto epilogue = [&](ImplicitLocOpBuilder &inner, ValueRange values) -> Value {
    Value result = values[0];
    if (scale)
      result = arith::MulFOp::create(inner, result, values[1]);
    if (bias)
      result = arith::AddFOp::create(inner, result, values.back());
    return result;
  };
  return createKernel<kernel::NormalizeOp>(builder, rows, init, attributes, operands, epilogue);
}

/// `parameter` as one axis where it has exactly the normalized axes of `input`, without any broadcasting; else null.
static Value flattenParameter(ImplicitLocOpBuilder &builder, Value parameter, RankedTensorType input, int64_t axis) {
  int64_t rank = input.getRank() - axis;
  RankedTensorType type = getRanked(parameter);
  if (type.getRank() != rank || type.getShape() != input.getShape().drop_front(axis) || !type.hasStaticShape())
    return {};
  return mergeAxes(builder, parameter, {rank});
}

/// Normalizes over the axes from `axis` on.
static Value normalizeTrailing(ImplicitLocOpBuilder &builder, Value input, Value scale, Value bias, int64_t axis,
                               double epsilon, bool center, RankedTensorType type) {
  int64_t counts[] = {axis, type.getRank() - axis, 0};
  Value flatScale = scale ? flattenParameter(builder, scale, type, axis) : Value();
  Value flatBias = bias ? flattenParameter(builder, bias, type, axis) : Value();
  bool fits = (!scale || flatScale) && (!bias || flatBias);
  Value rows = mergeAxes(builder, input, counts);
  Value result = normalizeRows(builder, rows, fits ? flatScale : Value(), fits ? flatBias : Value(),
                               /*parameterAxis=*/1, epsilon, center);
  result = splitAxes(builder, result, type, counts, getExtents(builder, input));
  if (fits)
    return result;
  if (scale)
    result = nn::MulOp::create(builder, TypeRange(type), result, scale);
  if (bias)
    result = nn::AddOp::create(builder, TypeRange(type), result, bias);
  return result;
}

template <>
Value LowerOp<nn::LayerNormOp>::build(ImplicitLocOpBuilder &builder, nn::LayerNormOp op, OpAdaptor adaptor,
                                      RankedTensorType type) const {
  return normalizeTrailing(builder, adaptor.getInput(), adaptor.getScale(), adaptor.getBias(), op.getAxis(),
                           op.getEpsilon().convertToDouble(), /*center=*/true, type);
}

template <>
Value LowerOp<nn::RmsNormOp>::build(ImplicitLocOpBuilder &builder, nn::RmsNormOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  return normalizeTrailing(builder, adaptor.getInput(), adaptor.getScale(), Value(), op.getAxis(),
                           op.getEpsilon().convertToDouble(), /*center=*/false, type);
}

template <>
Value LowerOp<nn::InstanceNormOp>::build(ImplicitLocOpBuilder &builder, nn::InstanceNormOp op, OpAdaptor adaptor,
                                         RankedTensorType type) const {
  Value input = adaptor.getInput(), scale = adaptor.getScale(), bias = adaptor.getBias();
  SmallVector<int64_t> counts{1, type.getRank() - 2, 1};
  int64_t parameterAxis = 2;
  if (op.getLayout() == nn::Layout::ChannelsFirst) {
    counts = {2, type.getRank() - 2, 0}; // each channel is a row
    parameterAxis = 0;
    scale = repeatPerImage(builder, scale, input);
    bias = repeatPerImage(builder, bias, input);
  }
  Value result = normalizeRows(builder, mergeAxes(builder, input, counts), scale, bias, parameterAxis,
                               op.getEpsilon().convertToDouble(), /*center=*/true);
  return splitAxes(builder, result, type, counts, getExtents(builder, input));
}

//===--- Batch normalization that no convolution took up ---===//

/// x * s + (bias - mean * s), with s = scale / sqrt(variance + epsilon) per channel.
template <>
Value LowerOp<nn::BatchNormOp>::build(ImplicitLocOpBuilder &builder, nn::BatchNormOp op, OpAdaptor adaptor,
                                      RankedTensorType type) const {
  auto scalar = RankedTensorType::get({}, type.getElementType());
  auto value = builder.getFloatAttr(type.getElementType(), op.getEpsilon().convertToDouble());
  Value epsilon = arith::ConstantOp::create(builder, DenseElementsAttr::get(scalar, Attribute(value)));
  Value variance = nn::AddOp::create(builder, adaptor.getVariance(), epsilon);
  Value scale = nn::DivOp::create(builder, adaptor.getScale(), nn::SqrtOp::create(builder, variance));
  Value shift = nn::SubOp::create(builder, adaptor.getBias(), nn::MulOp::create(builder, adaptor.getMean(), scale));
  int64_t spatial = type.getRank() - 2;
  if (op.getLayout() == nn::Layout::ChannelsFirst && spatial > 0) {
    SmallVector<int64_t> counts{1};
    counts.append(spatial, 0);
    scale = mergeAxes(builder, scale, counts);
    shift = mergeAxes(builder, shift, counts);
  }
  Value scaled = nn::MulOp::create(builder, TypeRange(type), adaptor.getInput(), scale);
  return nn::AddOp::create(builder, TypeRange(type), scaled, shift);
}

//===--- Local response normalization ---===//

template <>
Value LowerOp<nn::LrnOp>::build(ImplicitLocOpBuilder &builder, nn::LrnOp op, OpAdaptor adaptor,
                                RankedTensorType type) const {
  Value input = toChannelsLast(builder, adaptor.getInput(), op.getLayout());
  int64_t counts[] = {type.getRank() - 1, 1};
  Value rows = mergeAxes(builder, input, counts);
  Value init = createEmptyLike(builder, builder.getLoc(), getRanked(rows), rows);
  NamedAttribute attributes[] = {builder.getNamedAttr("size", op.getSizeAttr()),
                                 builder.getNamedAttr("alpha", op.getAlphaAttr()),
                                 builder.getNamedAttr("beta", op.getBetaAttr()),
                                 builder.getNamedAttr("bias", op.getBiasAttr())};
  Value result = createKernel<kernel::LrnOp>(builder, rows, init, attributes);
  result = splitAxes(builder, result, getRanked(input), counts, getExtents(builder, input));
  return fromChannelsLast(builder, result, type, op.getLayout());
}

void populateNormalizationToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::BatchNormOp>, LowerOp<nn::InstanceNormOp>, LowerOp<nn::LayerNormOp>,
               LowerOp<nn::LogSoftmaxOp>, LowerOp<nn::LrnOp>, LowerOp<nn::RmsNormOp>, LowerOp<nn::SoftmaxOp>>(
      types, patterns.getContext());
}

} // namespace nnc
