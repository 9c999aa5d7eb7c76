// Convolutions become kernel.conv on a packed filter, or kernel.depthwise where
// each channel has a filter of its own, or products of taps (TapProducts.cpp); the bias goes into the epilogue. Kernels
// want channels last: for another layout the data are transposed here, if the
// layout was not assigned before.
#include "lib/Conversion/NNToLinalg/Convolution.h"

#include "dialects/NN/Extent.h"
#include "lib/Analysis/TapProducts.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ChannelsLast.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/Planes.h"
#include "lib/Conversion/NNToLinalg/TapProducts.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"
#include "lib/Support/Decision.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc {

/// (C, 1, K...) -> (K..., C).
static Value arrangeDepthwiseFilter(ImplicitLocOpBuilder &builder, Value filter) {
  int64_t spatial = getRanked(filter).getRank() - 2;
  SmallVector<int64_t> counts{2}, permutation;
  counts.append(spatial, 1);
  filter = mergeAxes(builder, filter, counts);
  SmallVector<int64_t> shape(getRanked(filter).getShape().drop_front());
  shape.push_back(getRanked(filter).getDimSize(0));
  for (int64_t axis = 1; axis <= spatial; ++axis)
    permutation.push_back(axis);
  permutation.push_back(0);
  return transposeTo(builder, filter, getRanked(filter).clone(shape), permutation);
}

Value packFilter(ImplicitLocOpBuilder &builder, Operation *op, Value filter, int64_t groups, bool transposed) {
  RankedTensorType type = getRanked(filter);
  int64_t inputs = transposed ? type.getDimSize(0) / groups : type.getDimSize(1);
  int64_t outputs = transposed ? type.getDimSize(1) : type.getDimSize(0) / groups;
  int64_t width = kernel::getPanelWidth(kernel::getTarget(op), outputs, type.getElementType());
  SmallVector<int64_t> shape{groups, static_cast<int64_t>(llvm::divideCeil(outputs, width))};
  llvm::append_range(shape, type.getShape().drop_front(2));
  shape.append({inputs, width});
  Value init = createEmpty(builder, builder.getLoc(), type.clone(shape), SmallVector<Value>(shape.size()));
  return kernel::PackFilterOp::create(builder, TypeRange(init.getType()), filter, init, groups, transposed)
      .getResult(0);
}

/// A filter of i8, (OC, C/G, K...), for sums in i32: C/G is a multiple of the group.
static Value packIntegerFilter(ImplicitLocOpBuilder &builder, Operation *op, Value filter, int64_t groups) {
  RankedTensorType type = getRanked(filter);
  int64_t rank = type.getRank(), inputs = type.getDimSize(1), outputs = type.getDimSize(0) / groups;
  kernel::TargetAttr target = kernel::getTarget(op);
  kernel::DotPacking packing = kernel::getDotPacking(target);
  int64_t width = kernel::getPanelWidth(target, outputs, builder.getI32Type());
  SmallVector<int64_t> shape{groups, static_cast<int64_t>(llvm::divideCeil(outputs, width))};
  llvm::append_range(shape, type.getShape().drop_front(2));
  shape.append({inputs / packing.group, width * packing.group});
  auto packed = RankedTensorType::get(shape, packing.type);
  return generate(builder, packed, {}, [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    Value group = getIndex(inner, packing.group);
    Value offset = arith::DivUIOp::create(inner, index[rank + 1], group);
    Value output = add(inner, mul(inner, index[1], getIndex(inner, width)), offset);
    Value exists = arith::CmpIOp::create(inner, arith::CmpIPredicate::ult, output, getIndex(inner, outputs));
    output = arith::SelectOp::create(inner, exists, output, getIndex(inner, 0));
    SmallVector<Value> from{add(inner, mul(inner, index[0], getIndex(inner, outputs)), output),
                            add(inner, mul(inner, index[rank], group),
                                arith::RemUIOp::create(inner, index[rank + 1], group))};
    llvm::append_range(from, index.slice(2, rank - 2));
    Value element = tensor::ExtractOp::create(inner, filter, from);
    if (element.getType() != packing.type)
      element = arith::ExtSIOp::create(inner, packing.type, element);
    Value zero = arith::ConstantOp::create(inner, inner.getZeroAttr(packing.type));
    return arith::SelectOp::create(inner, exists, element, zero).getResult();
  });
}

SmallVector<Value> getResultExtents(ImplicitLocOpBuilder &builder, Value input, RankedTensorType type,
                                    function_ref<Value(int64_t, Value)> count) {
  SmallVector<Value> extents = getExtents(builder, input);
  int64_t rank = type.getRank();
  for (int64_t axis = 1; axis < rank - 1; ++axis)
    extents[axis] = type.isDynamicDim(axis) ? count(axis - 1, extents[axis]) : Value();
  extents.back() = Value();
  return extents;
}

Value createConvolution(ImplicitLocOpBuilder &builder, Value input, Value filter, Value bias, Value init,
                        const ConvolutionWindows &windows, Filtering filtering) {
  SmallVector<NamedAttribute> attributes;
  auto add = [&](StringRef name, ArrayRef<int64_t> values) {
    attributes.push_back(builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values)));
  };
  add("strides", windows.strides);
  add("dilations", windows.dilations);
  add("pads_begin", windows.padsBegin);
  add("pads_end", windows.padsEnd);
  if (windows.transposed)
    attributes.push_back(builder.getNamedAttr("transposed", builder.getUnitAttr()));
  SmallVector<EpilogueOperand> operands;
  if (bias) {
    int64_t rank = getRanked(init).getRank(), channelDim = filtering == Filtering::Planes ? 0 : rank - 1;
    operands.push_back({bias, AffineMap::get(rank, 0, builder.getAffineDimExpr(channelDim))});
  }
  auto addBias = [](ImplicitLocOpBuilder &inner, ValueRange values) -> Value {
    if (values.size() == 1)
      return values[0];
    if (isa<FloatType>(values[0].getType()))
      return arith::AddFOp::create(inner, values[0], values[1]);
    return arith::AddIOp::create(inner, values[0], values[1]);
  };
  if (filtering == Filtering::Full)
    return createKernel<kernel::ConvOp>(builder, {input, filter}, init, attributes, operands, addBias);
  return createKernel<kernel::DepthwiseOp>(builder, {input, filter}, init, attributes, operands, addBias);
}

/// `type`, channels last, with the channels that the filter knows.
static RankedTensorType setChannels(RankedTensorType type, RankedTensorType filterType) {
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = filterType.getDimSize(0);
  return type.clone(shape);
}

/// An empty destination of type `last`, channels last, for a convolution of `input`, channels last as well.
template <typename OpTy>
static Value createConvInit(ImplicitLocOpBuilder &builder, OpTy op, Value input, RankedTensorType filterType,
                            RankedTensorType last) {
  SmallVector<Value> extents = getResultExtents(builder, input, last, [&](int64_t i, Value extent) {
    nn::Window window{filterType.getDimSize(i + 2), op.getStrides()[i], op.getDilations()[i], op.getPadsBegin()[i],
                      op.getPadsEnd()[i]};
    return getWindowCount(builder, extent, window, /*ceil=*/false);
  });
  return createEmpty(builder, builder.getLoc(), last, extents);
}

/// Those of nn.conv or nn.integer_conv.
template <typename OpTy>
static ConvolutionWindows getWindows(OpTy op) {
  return {op.getStrides(), op.getDilations(), op.getPadsBegin(), op.getPadsEnd(), /*transposed=*/false};
}

/// Each plane has a filter of its own.
static Value filterPlanes(ImplicitLocOpBuilder &builder, nn::ConvOp op, Value image, Value filter, Value bias,
                          RankedTensorType type) {
  Value input = toPlanes(builder, image);
  Value init = createConvInit(builder, op, input, getRanked(filter), getPlanesType(type));
  Value filters = repeatPerImage(builder, arrangeDepthwiseFilter(builder, filter), image);
  Value biases = bias ? repeatPerImage(builder, bias, image) : Value();
  Value result = createConvolution(builder, input, filters, biases, init, getWindows(op), Filtering::Planes);
  return fromPlanes(builder, result, image, type);
}

template <>
Value LowerOp<nn::ConvOp>::build(ImplicitLocOpBuilder &builder, nn::ConvOp op, OpAdaptor adaptor,
                                 RankedTensorType type) const {
  Value filter = adaptor.getFilter();
  RankedTensorType filterType = getRanked(filter);
  if (isProductOfTaps(op))
    return multiplyTaps(builder, op, adaptor.getInput(), filter, adaptor.getBias(), type);
  int64_t groups = op.getGroups();
  bool isDepthwise = groups > 1 && filterType.getDimSize(1) == 1 && filterType.getDimSize(0) == groups;
  if (isDepthwise)
    remark::passed(op.getLoc(), about::algorithm) << "the depthwise kernel: each channel is filtered by itself";
  if (isDepthwise && op.getLayout() == nn::Layout::ChannelsFirst)
    return filterPlanes(builder, op, adaptor.getInput(), filter, adaptor.getBias(), type);
  Value input = toChannelsLast(builder, adaptor.getInput(), op.getLayout());
  Value init = createConvInit(builder, op, input, filterType, setChannels(getChannelsLastType(type, op.getLayout()), filterType));
  filter = isDepthwise ? arrangeDepthwiseFilter(builder, filter)
                       : packFilter(builder, op, filter, groups, /*transposed=*/false);
  Value result = createConvolution(builder, input, filter, adaptor.getBias(), init, getWindows(op),
                                   isDepthwise ? Filtering::Depthwise : Filtering::Full);
  return fromChannelsLast(builder, result, type, op.getLayout());
}

/// `value` with each element converted.
template <typename ConversionOp>
static Value convertAll(ImplicitLocOpBuilder &builder, Value value, Type element) {
  RankedTensorType type = getRanked(value);
  Value init = createEmpty(builder, builder.getLoc(), type.clone(element), getExtents(builder, value));
  SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(type.getRank()));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange values) {
    linalg::YieldOp::create(nested, loc, Value(ConversionOp::create(nested, loc, element, values[0])));
  };
  return linalg::GenericOp::create(builder, init.getType(), value, init, maps, iterators, body).getResult(0);
}

/// Each channel by itself. Sums of bytes are integers that f32 has.
static Value filterBytes(ImplicitLocOpBuilder &builder, nn::IntegerConvOp op, Value image, Value filter,
                         RankedTensorType type) {
  remark::passed(op.getLoc(), about::algorithm) << "the depthwise kernel: each channel is filtered by itself, bytes in f32";
  RankedTensorType filterType = getRanked(filter);
  Value floats = convertAll<arith::SIToFPOp>(builder, arrangeDepthwiseFilter(builder, filter), builder.getF32Type());
  Value init = createConvInit(builder, op, image, filterType, type.clone(builder.getF32Type()));
  Value result = createConvolution(builder, image, floats, Value(), init, getWindows(op), Filtering::Depthwise);
  if (getElementTypeOrSelf(op.getInput()).isUnsignedInteger())
    result.getDefiningOp<kernel::DepthwiseOp>().setIsUnsigned(true);
  return convertAll<arith::FPToSIOp>(builder, result, builder.getI32Type());
}

template <>
Value LowerOp<nn::IntegerConvOp>::build(ImplicitLocOpBuilder &builder, nn::IntegerConvOp op, OpAdaptor adaptor,
                                        RankedTensorType type) const {
  RankedTensorType filterType = getRanked(op.getFilter());
  bool isOfBytes = !op.getInputZeroPoint() && !op.getFilterZeroPoint() && !filterType.getElementType().isUnsignedInteger();
  int64_t groups = op.getGroups();
  bool isDepthwise = groups > 1 && filterType.getDimSize(1) == 1 && filterType.getDimSize(0) == groups;
  if (isOfBytes && isDepthwise && op.getLayout() == nn::Layout::ChannelsLast)
    return filterBytes(builder, op, adaptor.getInput(), adaptor.getFilter(), type);
  bool isKernel = isOfBytes && filterType.getDimSize(1) % 4 == 0 && getElementTypeOrSelf(op.getInput()).isUnsignedInteger();
  if (!isKernel) {
    op.emitError("the integer convolution has zero points or channels that no kernel takes");
    return {};
  }
  Value input = toChannelsLast(builder, adaptor.getInput(), op.getLayout());
  Value init = createConvInit(builder, op, input, filterType, setChannels(getChannelsLastType(type, op.getLayout()), filterType));
  Value packed = packIntegerFilter(builder, op, adaptor.getFilter(), groups);
  Value result = createConvolution(builder, input, packed, Value(), init, getWindows(op));
  return fromChannelsLast(builder, result, type, op.getLayout());
}

void populateConvolutionToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::ConvOp>, LowerOp<nn::IntegerConvOp>>(types, patterns.getContext());
}

} // namespace nnc
