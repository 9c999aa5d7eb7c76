// Replaces convolutions by Winograd's algorithm where a cost model says that it
// is faster.
//
// Expects kernels on tensors, filters packed by kernel.pack_filter from constants. Channels in groups become a kernel
// for each group, on its slices of input and output.
// Costs are cycles of a core with two multiply-adders: products, transforms of
// input and output tiles (counted in generated code), and filters read from
// beyond the L2 cache. Estimates within a tenth of the direct convolution's do
// not count as faster. With `bf16` the direct convolution's filter has half the bytes, and where the target has
// `bf16Dot` its products take half the time; Winograd's stay in f32.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"
#include "lib/Transforms/LikelyExtents.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CHOOSEWINOGRAD
#include "lib/Transforms/Passes.h.inc"

static constexpr double filterBytesPerCycle = 8, requiredGain = 0.9;
/// Of inputs and outputs of convolutions of images, (N, H, W, C).
static constexpr unsigned channelDim = 3;
/// Each group is a kernel of its own: code grows with their number.
static constexpr int64_t mostGroups = 8;
/// Of a vector: those with less are CPUs of microcontrollers, whose flash is scarce.
static constexpr int64_t leastLanes = 4;

/// How products are computed: bytes of a weight, and multiply-adds of one lane of an instruction.
struct Arithmetic {
  double weightBytes = 4, perLane = 1;
};

namespace {

/// One convolution that Winograd's algorithm can do.
struct Candidate {
  kernel::ConvOp conv;
  kernel::PackFilterOp pack;
  int64_t rows, columns, channels, outputs; ///< output pixels, input and (padded) output channels of a group
  int64_t lanes;

  int64_t getGroupOutputs() {
    return cast<RankedTensorType>(conv.getInit().getType()).getDimSize(channelDim) / pack.getGroups();
  }

  double getDirectCost(Arithmetic arithmetic) const { return getCost(rows * columns, 9, 0, arithmetic); }

  double getWinogradCost(int64_t tile) const {
    int64_t tiles = llvm::divideCeil(rows, tile) * llvm::divideCeil(columns, tile), products = (tile + 2) * (tile + 2);
    double transform = tile == 4 ? 110 : 35; // of one vector of one tile, there or back
    return getCost(tiles, products, transform * static_cast<double>(tiles), {});
  }

private:
  double getCost(int64_t positions, int64_t products, double perVector, Arithmetic arithmetic) const {
    double lane = static_cast<double>(lanes), pairs = static_cast<double>(products * channels * outputs);
    // A remainder of channels takes narrower vectors, one per power of two.
    double vectors = static_cast<double>((channels + outputs) / lanes + llvm::popcount<uint64_t>(channels % lanes));
    return pairs * static_cast<double>(positions) / (2 * lane * arithmetic.perLane) + perVector * vectors +
           arithmetic.weightBytes * pairs / filterBytesPerCycle;
  }
};

} // namespace

/// Whether `value` is computed from constants alone.
static bool isConstant(Value value) {
  llvm::SetVector<Value> needed;
  needed.insert(value);
  for (size_t i = 0; i < needed.size(); ++i) {
    Operation *def = needed[i].getDefiningOp();
    if (!def)
      return false;
    needed.insert(def->operand_begin(), def->operand_end());
    getUsedValuesDefinedAbove(def->getRegions(), needed);
  }
  return true;
}

/// The extent `dim` of `image`, (N, H, W, C), a layer with as many `channels`, as far as it can be told.
static int64_t guessExtent(LikelyExtents &likely, Value image, int64_t dim, int64_t channels) {
  std::optional<int64_t> extent = likely.get(image, dim);
  // Of images whose extents depend on data: networks make them smaller as they make channels more.
  return extent && *extent > 0 ? *extent : std::clamp<int64_t>(3584 / channels, 7, 56);
}

static bool areAll(ArrayRef<int64_t> values, int64_t value) {
  return llvm::all_of(values, [value](int64_t other) { return other == value; });
}

/// Says why a 3x3 convolution is computed directly; always a failure.
static LogicalResult refuse(kernel::ConvOp conv, StringRef reason) {
  remark::missed(conv.getLoc(), about::algorithm) << remark::add("no Winograd: {0}", reason);
  return failure();
}

/// Whether what the epilogue reads can be cut to the channels of a group.
static bool canSlice(kernel::ConvOp conv) {
  return llvm::all_of(conv.getEpilogueMaps().getAsValueRange<AffineMapAttr>(), [](AffineMap map) {
    return llvm::all_of(map.getResults(), [](AffineExpr expression) {
      return !expression.isFunctionOfDim(channelDim) || isa<AffineDimExpr>(expression);
    });
  });
}

static FailureOr<Candidate> match(kernel::ConvOp conv, LikelyExtents &likely) {
  auto pack = conv.getFilter().getDefiningOp<kernel::PackFilterOp>();
  auto input = dyn_cast<RankedTensorType>(conv.getInput().getType());
  if (!pack || !input || input.getRank() != 4 || conv.getTransposed())
    return failure();
  ArrayRef<int64_t> source = cast<RankedTensorType>(pack.getSource().getType()).getShape();
  ArrayRef<int64_t> filter = cast<RankedTensorType>(conv.getFilter().getType()).getShape();
  ArrayRef<int64_t> output = cast<RankedTensorType>(conv.getInit().getType()).getShape();
  if (source[2] != 3 || source[3] != 3)
    return failure();
  if (static_cast<int64_t>(pack.getGroups()) > mostGroups)
    return refuse(conv, "the channels are in many groups");
  if (pack.getGroups() != 1 && !canSlice(conv))
    return refuse(conv, "the channels are in groups, and what follows does not take them one by one");
  if (!input.getElementType().isF32())
    return refuse(conv, "the elements are no f32");
  if (!areAll(conv.getStrides(), 1) || !areAll(conv.getDilations(), 1))
    return refuse(conv, "strides or dilations are not 1");
  if (input.isDynamicDim(3) || ShapedType::isDynamic(output[3]))
    return refuse(conv, "the number of channels is known only at run time");
  if (!isConstant(pack.getSource()))
    return refuse(conv, "the filter is no constant");
  for (int64_t dim = 0; dim < 2; ++dim)
    if (!ShapedType::isDynamic(output[dim + 1]) && !input.isDynamicDim(dim + 1) &&
        (output[dim + 1] < 1 || output[dim + 1] != input.getDimSize(dim + 1) + conv.getPadsBegin()[dim] + conv.getPadsEnd()[dim] - 2))
      return refuse(conv, "the output is empty or not what the padding gives");
  int64_t lanes = kernel::getTarget(conv).getLanes(input.getElementType());
  if (lanes < leastLanes)
    return refuse(conv, "a CPU without vectors has better use for the memory of four times as large filters");
  auto extent = [&](int64_t dim) { return guessExtent(likely, conv.getInit(), dim, std::max(source[0], source[1])); };
  return Candidate{conv, pack, extent(1), extent(2), source[1], filter[1] * filter.back(), lanes};
}

/// `value` without those elements of dimension `dim` that are not in [group * size, (group + 1) * size).
static Value slice(OpBuilder &builder, Location loc, Value value, int64_t dim, int64_t group, int64_t size) {
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  if (getConstantIntValue(sizes[dim]) == size)
    return value;
  SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  offsets[dim] = builder.getIndexAttr(group * size);
  sizes[dim] = builder.getIndexAttr(size);
  return tensor::ExtractSliceOp::create(builder, loc, value, offsets, sizes, strides);
}

/// What the epilogue of one group reads: operands that have channels are cut to the group's.
static SmallVector<Value> sliceEpilogueInputs(OpBuilder &builder, kernel::ConvOp conv, int64_t group, int64_t size) {
  SmallVector<Value> inputs;
  auto maps = conv.getEpilogueMaps().getAsValueRange<AffineMapAttr>();
  for (auto [input, map] : llvm::zip(conv.getEpilogueInputs(), maps)) {
    Value value = input;
    for (auto [dim, expression] : llvm::enumerate(map.getResults()))
      if (expression.isFunctionOfDim(channelDim))
        value = slice(builder, conv.getLoc(), value, dim, group, size);
    inputs.push_back(value);
  }
  return inputs;
}

/// The kernel for `group`, which writes its channels into `init`; the result has those of all groups.
static Value createGroup(OpBuilder &builder, Candidate candidate, int64_t tile, int64_t group, Value init) {
  kernel::ConvOp conv = candidate.conv;
  Location loc = conv.getLoc();
  auto packed = cast<RankedTensorType>(conv.getFilter().getType());
  int64_t outputs = candidate.getGroupOutputs(), size = tile + 2;
  auto type = packed.clone({size * size, packed.getDimSize(1), candidate.channels, packed.getShape().back()});
  Location packLoc = candidate.pack->getLoc();
  Value empty = tensor::EmptyOp::create(builder, packLoc, type.getShape(), type.getElementType());
  Value source = slice(builder, packLoc, candidate.pack.getSource(), 0, group, outputs);
  Value filter = kernel::PackWinogradOp::create(builder, packLoc, TypeRange(type), source, empty, tile).getResult(0);
  Value input = slice(builder, loc, conv.getInput(), channelDim, group, candidate.channels);
  Value part = slice(builder, loc, init, channelDim, group, outputs);
  auto winograd = kernel::WinogradOp::create(builder, loc, TypeRange(part.getType()), input, filter,
                                             sliceEpilogueInputs(builder, conv, group, outputs), part, tile,
                                             conv.getPadsBegin(), conv.getPadsEnd(), conv.getEpilogueMaps());
  IRMapping mapping;
  conv.getEpilogue().cloneInto(&winograd.getEpilogue(), mapping);
  Value result = winograd.getResult(0);
  if (part == init)
    return result;
  auto place = part.getDefiningOp<tensor::ExtractSliceOp>();
  return tensor::InsertSliceOp::create(builder, loc, result, init, place.getMixedOffsets(), place.getMixedSizes(),
                                       place.getMixedStrides());
}

static void replace(Candidate candidate, int64_t tile) {
  kernel::ConvOp conv = candidate.conv;
  OpBuilder builder(conv);
  Value result = conv.getInit();
  for (int64_t group = 0; group < static_cast<int64_t>(candidate.pack.getGroups()); ++group)
    result = createGroup(builder, candidate, tile, group, result);
  conv.getResult(0).replaceAllUsesWith(result);
  conv.erase();
  if (candidate.pack->use_empty())
    candidate.pack->erase();
}

namespace {

struct ChooseWinogradPass : public impl::ChooseWinogradBase<ChooseWinogradPass> {
  using ChooseWinogradBase::ChooseWinogradBase;

  void runOnOperation() override {
    SmallVector<kernel::ConvOp> convolutions;
    getOperation()->walk([&](kernel::ConvOp op) { convolutions.push_back(op); });
    if (convolutions.empty())
      return;
    LikelyExtents likely(getOperation());
    for (kernel::ConvOp conv : convolutions) {
      FailureOr<Candidate> candidate = match(conv, likely);
      if (failed(candidate))
        continue;
      Arithmetic direct;
      if (bf16)
        direct = {2, kernel::getTarget(conv).getBf16Dot().empty() ? 1.0 : 2.0};
      int64_t tile = candidate->getWinogradCost(4) < candidate->getWinogradCost(2) ? 4 : 2;
      double cost = candidate->getWinogradCost(tile), directCost = candidate->getDirectCost(direct);
      bool isChosen = cost < requiredGain * directCost;
      (isChosen ? remark::passed(conv.getLoc(), about::algorithm) : remark::missed(conv.getLoc(), about::algorithm))
          << remark::add("{0}Winograd's F({1}x{1}, 3x3): estimated {2:f2} of the direct convolution's time{3}",
                         isChosen ? "" : "no ", tile, cost / directCost,
                         isChosen ? "" : ", and only less than 0.9 counts as faster");
      if (isChosen)
        replace(*candidate, tile);
    }
  }
};

} // namespace
} // namespace nnc
