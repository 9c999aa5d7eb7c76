// Transposed convolutions become kernel.conv, which computes the outputs of each phase (index modulo the strides) by
// code of its own. Where the strides give many phases (upsampling by 32 has 1024) and the filter has as many taps for
// each, a phase is a channel instead: one convolution of stride 1 computes all phases of a place, which then are brought
// into order. Of few outputs, the pixels are the lanes of a vector (TapProducts.cpp).
#include "dialects/NN/Extent.h"
#include "lib/Analysis/TapProducts.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ChannelsLast.h"
#include "lib/Conversion/NNToLinalg/Convolution.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TapProducts.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"
#include "lib/Support/Decision.h"

using namespace mlir;

namespace nnc {

/// From here on a phase is a channel; with one spatial dimension and no groups the outputs are in order at once.
static constexpr int64_t manyPhases = 32, manyPhasesInOrder = 8;
/// Code for more phases than this is not made.
static constexpr int64_t mostPhases = 4096;

namespace {

/// A transposed convolution with its phases as channels. With strides s, output y + pad = s * q + phase sums the taps
/// phase + s * j of the filter on input q - j: a convolution of windows of `taps` = size / s.
class PhaseConvolution {
public:
  PhaseConvolution(ImplicitLocOpBuilder &builder, nn::ConvTransposeOp op, ArrayRef<int64_t> strides, Value filter)
      : builder(builder), op(op), strides(strides), filter(filter), groups(op.getGroups()), outputs(getRanked(filter).getDimSize(1)),
        inputs(getRanked(filter).getDimSize(0) / groups), spatial(getRanked(filter).getRank() - 2) {
    for (int64_t i = 0; i < spatial; ++i) {
      taps.push_back(getRanked(filter).getDimSize(i + 2) / strides[i]);
      phases *= strides[i];
    }
  }

  /// (N, spatial..., OC) of `input` (N, spatial..., C); `type` and `extents` are of the result.
  Value build(Value input, Value bias, RankedTensorType type, ArrayRef<Value> extents);

private:
  /// (G * phases * OC/G, C/G, taps...).
  Value arrangeFilter();
  /// The bias of each channel of the phases.
  Value repeatBias(Value bias);
  /// (N, q..., G * phases * OC/G) to (N, s * q..., OC).
  Value interleave(Value result);

  ImplicitLocOpBuilder &builder;
  nn::ConvTransposeOp op;
  ArrayRef<int64_t> strides;
  Value filter;
  int64_t groups, outputs, inputs, spatial, phases = 1;
  SmallVector<int64_t> taps;
};

} // namespace

Value PhaseConvolution::arrangeFilter() {
  RankedTensorType type = getRanked(filter);
  SmallVector<int64_t> shape{groups};
  llvm::append_range(shape, strides);
  shape.append({outputs, inputs});
  llvm::append_range(shape, taps);
  auto element = [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    Value output = index[1 + spatial], input = index[2 + spatial];
    SmallVector<Value> from{add(inner, mul(inner, index[0], getIndex(inner, inputs)), input), output};
    for (int64_t i = 0; i < spatial; ++i) {
      // Windows slide forwards: the last tap comes first.
      Value tap = sub(inner, getIndex(inner, taps[i] - 1), index[3 + spatial + i]);
      from.push_back(add(inner, index[1 + i], mul(inner, tap, getIndex(inner, strides[i]))));
    }
    return tensor::ExtractOp::create(inner, filter, from).getResult();
  };
  Value arranged = generate(builder, type.clone(shape), {}, element);
  SmallVector<int64_t> counts{2 + spatial, 1};
  counts.append(spatial, 1);
  return mergeAxes(builder, arranged, counts);
}

Value PhaseConvolution::repeatBias(Value bias) {
  auto element = [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    Value at = add(inner, mul(inner, index[0], getIndex(inner, outputs)), index[2]);
    return tensor::ExtractOp::create(inner, bias, at).getResult();
  };
  return mergeAxes(builder, generate(builder, getRanked(bias).clone({groups, phases, outputs}), {}, element), {3});
}

Value PhaseConvolution::interleave(Value result) {
  // (N, q..., G, s..., OC/G), then (N, (q, s)..., G, OC/G).
  SmallVector<int64_t> split(getRanked(result).getShape().drop_back()), counts(1 + spatial, 1), order{0}, merged{1};
  split.push_back(groups);
  llvm::append_range(split, strides);
  split.push_back(outputs);
  counts.push_back(2 + spatial);
  result = splitAxes(builder, result, getRanked(result).clone(split), counts, getExtents(builder, result));
  for (int64_t i = 0; i < spatial; ++i) {
    order.append({1 + i, 2 + spatial + i});
    merged.push_back(2);
  }
  order.append({1 + spatial, 2 + 2 * spatial});
  merged.push_back(2);
  SmallVector<int64_t> shape = llvm::map_to_vector(order, [&](int64_t axis) { return split[axis]; });
  return mergeAxes(builder, transposeTo(builder, result, getRanked(result).clone(shape), order), merged);
}

Value PhaseConvolution::build(Value input, Value bias, RankedTensorType type, ArrayRef<Value> extents) {
  SmallVector<int64_t> ones(spatial, 1), pads, shape(getRanked(input).getShape());
  SmallVector<Value> counts = getExtents(builder, input);
  for (int64_t i = 0; i < spatial; ++i) {
    pads.push_back(taps[i] - 1);
    counts[1 + i] = add(builder, counts[1 + i], getIndex(builder, taps[i] - 1));
    shape[1 + i] = ShapedType::isDynamic(shape[1 + i]) ? ShapedType::kDynamic : shape[1 + i] + taps[i] - 1;
  }
  shape.back() = groups * phases * outputs;
  Value init = createEmpty(builder, builder.getLoc(), type.clone(shape), counts);
  Value packed = packFilter(builder, op, arrangeFilter(), groups, /*transposed=*/false);
  Value result = createConvolution(builder, input, packed, bias ? repeatBias(bias) : Value(), init,
                                   {ones, ones, pads, pads, /*transposed=*/false});
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0)), sizes;
  for (int64_t i = 0; i < spatial; ++i)
    offsets[1 + i] = builder.getIndexAttr(op.getPadsBegin()[i]);
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    sizes.push_back(type.isDynamicDim(axis) ? OpFoldResult(extents[axis])
                                            : OpFoldResult(builder.getIndexAttr(type.getDimSize(axis))));
  SmallVector<OpFoldResult> steps(type.getRank(), builder.getIndexAttr(1));
  return tensor::ExtractSliceOp::create(builder, type, interleave(result), offsets, sizes, steps);
}

/// The strides; 1 along an extent of 1, from which no step is taken.
static SmallVector<int64_t> getStrides(nn::ConvTransposeOp op, Value input) {
  SmallVector<int64_t> strides(op.getStrides());
  for (auto [axis, stride] : llvm::enumerate(strides))
    if (getRanked(input).getDimSize(axis + 1) == 1)
      stride = 1;
  return strides;
}

/// The product of the strides, at most one more than code is made for.
static int64_t countPhases(ArrayRef<int64_t> strides) {
  int64_t phases = 1;
  for (int64_t stride : strides)
    phases = std::min(phases * std::min(stride, mostPhases + 1), mostPhases + 1);
  return phases;
}

/// Whether the phases are better channels: they are many, or of so few channels that most of a vector would stay empty, and
/// each has as many taps as the others. (Zeros in place of taps that do not exist would cost time, and make NaN of infinities.)
static bool arePhasesChannels(nn::ConvTransposeOp op, ArrayRef<int64_t> strides, RankedTensorType filter,
                              RankedTensorType result) {
  for (auto [axis, stride] : llvm::enumerate(strides)) {
    int64_t size = filter.getDimSize(axis + 2), begin = op.getPadsBegin()[axis], end = op.getPadsEnd()[axis];
    if (size % stride || op.getDilations()[axis] != 1 || begin < 0 || op.getOutputPadding()[axis] > end ||
        result.getDimSize(axis + 1) == 0)
      return false;
  }
  bool isInOrder = strides.size() == 1 && op.getGroups() == 1;
  int64_t lanes = kernel::getTarget(op).getLanes(Float32Type::get(op.getContext())), phases = countPhases(strides);
  bool hasFewChannels = phases > 1 && 2 * filter.getDimSize(1) <= lanes;
  return hasFewChannels || phases >= (isInOrder ? manyPhasesInOrder : manyPhases);
}

template <>
Value LowerOp<nn::ConvTransposeOp>::build(ImplicitLocOpBuilder &builder, nn::ConvTransposeOp op, OpAdaptor adaptor,
                                          RankedTensorType type) const {
  Value filter = adaptor.getFilter();
  if (isProductOfTaps(op))
    return multiplyTaps(builder, op, adaptor.getInput(), filter, adaptor.getBias(), type);
  Value input = toChannelsLast(builder, adaptor.getInput(), op.getLayout());
  RankedTensorType filterType = getRanked(filter), last = getChannelsLastType(type, op.getLayout());
  int64_t groups = op.getGroups();
  SmallVector<int64_t> shape(last.getShape());
  shape.back() = filterType.getDimSize(1) * groups;
  last = last.clone(shape);
  // stride * (in - 1) + output_padding + reach - pads
  SmallVector<Value> extents = getResultExtents(builder, input, last, [&](int64_t i, Value extent) -> Value {
    nn::Window window{filterType.getDimSize(i + 2), 1, op.getDilations()[i], 0, 0};
    int64_t stride = op.getStrides()[i];
    int64_t offset =
        op.getOutputPadding()[i] + window.getReach() - op.getPadsBegin()[i] - op.getPadsEnd()[i] - stride;
    Value scaled = arith::MulIOp::create(builder, extent, getIndex(builder, stride));
    Value count = arith::AddIOp::create(builder, scaled, getIndex(builder, offset));
    return arith::MaxSIOp::create(builder, count, getIndex(builder, 0));
  });
  SmallVector<int64_t> strides = getStrides(op, input);
  if (arePhasesChannels(op, strides, filterType, last)) {
    remark::passed(op.getLoc(), about::algorithm)
        << remark::add("the {0} phases of the strides are channels of one convolution", countPhases(strides));
    Value result = PhaseConvolution(builder, op, strides, filter).build(input, adaptor.getBias(), last, extents);
    return fromChannelsLast(builder, result, type, op.getLayout());
  }
  if (countPhases(strides) > mostPhases) {
    op.emitError("transposed convolutions with strides whose product is over ")
        << mostPhases << " are supported only where the filter's extents are multiples of the strides";
    return {};
  }
  remark::passed(op.getLoc(), about::algorithm)
      << remark::add("the {0} phases of the strides have code of their own", countPhases(strides));
  Value init = createEmpty(builder, builder.getLoc(), last, extents);
  Value packed = packFilter(builder, op, filter, groups, /*transposed=*/true);
  ConvolutionWindows windows{strides, op.getDilations(), op.getPadsBegin(), op.getPadsEnd(), /*transposed=*/true};
  Value result = createConvolution(builder, input, packed, adaptor.getBias(), init, windows);
  return fromChannelsLast(builder, result, type, op.getLayout());
}

void populateTransposedConvolutionToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::ConvTransposeOp>>(types, patterns.getContext());
}

} // namespace nnc
