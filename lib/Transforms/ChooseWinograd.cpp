// Replaces convolutions by Winograd's algorithm where a cost model says that it
// is faster.
//
// Expects kernels on tensors, filters packed by kernel.pack_filter from constants. Channels in groups become a kernel
// for each group, on its slices of input and output.
// Costs are cycles of a core with two multiply-adders: products, transforms of
// input and output tiles (counted in generated code), and filters read from
// beyond the L2 cache, unless all weights of the network fit there. Estimates within a tenth of the direct
// convolution's do not count as faster. With `bf16` the direct convolution's filter has half the bytes, and where the
// target has `bf16Dot` its products take half the time, with `bf16Tiles` an eighth; Winograd's stay in f32.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"
#include "lib/Transforms/LikelyExtents.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

#include <array>

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CHOOSEWINOGRAD
#include "lib/Transforms/Passes.h.inc"

static constexpr double requiredGain = 0.9;
/// Bytes of a filter that are read in a cycle, from the L2 cache or from beyond.
static constexpr double nearBytesPerCycle = 32, farBytesPerCycle = 5;
/// Targets have the least L2 cache of the CPUs that they stand for; most have this many times as much.
static constexpr int64_t usualCaches = 2;
/// Cycles that a vector of a tile takes for its loads and stores, and for each transform of four or of six points; and
/// that a vector of products takes to be cleared and stored.
static constexpr double perTransform = 12, perFourPoints = 2.9, perSixPoints = 8.2, perProduct = 2;
/// Of images, (N, H, W, C).
static constexpr int64_t imageRank = 4;
/// Each group is a kernel of its own: code grows with their number.
static constexpr int64_t mostGroups = 8;
/// Of a vector: those with less are CPUs of microcontrollers, whose flash is scarce.
static constexpr int64_t leastLanes = 4;

/// How products are computed: bytes of a weight, and multiply-adds of one lane of an instruction.
struct Arithmetic {
  double weightBytes = 4, perLane = 1;
};

namespace {

/// Output rows and columns of a tile.
using Tile = std::array<int64_t, 2>;

/// Products of a tile unit for each that a vector's lane has meanwhile; as measured, half of what it can do.
static constexpr double tilesPerLane = 8;

/// One convolution that Winograd's algorithm can do.
struct Candidate {
  kernel::ConvOp conv;
  kernel::PackFilterOp pack;
  std::array<int64_t, 2> window, extents; ///< of the filter and the output, in rows and columns
  int64_t channels, outputs;              ///< input channels of a group, its outputs in whole vectors
  int64_t lanes;
  double cachedPart; ///< of the network's weights that the cache holds; above 1 where there is room

  int64_t getGroupOutputs() {
    return cast<RankedTensorType>(conv.getInit().getType()).getShape().back() / pack.getGroups();
  }

  double getDirectCost(Arithmetic arithmetic) const {
    return getCost(extents[0] * extents[1], window[0] * window[1], 0, arithmetic);
  }

  double getWinogradCost(Tile tile) const {
    int64_t tiles = llvm::divideCeil(extents[0], tile[0]) * llvm::divideCeil(extents[1], tile[1]);
    int64_t points = kernel::getWinogradPoints(tile, window);
    // A remainder of channels takes narrower vectors, one per power of two.
    int64_t vectors = (channels + outputs) / lanes + llvm::popcount<uint64_t>(channels % lanes);
    double transforms = getTransformCost(tile) * static_cast<double>(tiles * vectors);
    double stores = perProduct * static_cast<double>(tiles * points * (outputs / lanes));
    return getCost(tiles, points, transforms + stores, {});
  }

  /// The tile that is fastest.
  Tile chooseTile() const;

private:
  /// Of one vector of one tile, there or back.
  double getTransformCost(Tile tile) const;
  double getCost(int64_t positions, int64_t products, double others, Arithmetic arithmetic) const {
    double pairs = static_cast<double>(products * channels * outputs);
    double lane = static_cast<double>(lanes),
           growth = static_cast<double>(products) / static_cast<double>(window[0] * window[1]);
    double bytesPerCycle = cachedPart >= growth ? nearBytesPerCycle : farBytesPerCycle;
    return pairs * static_cast<double>(positions) / (2 * lane * arithmetic.perLane) + others +
           arithmetic.weightBytes * pairs / bytesPerCycle;
  }
};

} // namespace

double Candidate::getTransformCost(Tile tile) const {
  double cost = perTransform;
  for (int64_t dim = 0; dim < 2; ++dim) {
    int64_t points = tile[dim] + window[dim] - 1, others = tile[1 - dim] + window[1 - dim] - 1;
    if (points > 1)
      cost += (points == 4 ? perFourPoints : perSixPoints) * static_cast<double>(others);
  }
  return cost;
}

Tile Candidate::chooseTile() const {
  Tile best{};
  double least = std::numeric_limits<double>::max();
  for (int64_t rows : kernel::getWinogradTiles(window[0]))
    for (int64_t columns : kernel::getWinogradTiles(window[1]))
      if (double cost = getWinogradCost({rows, columns}); cost < least) {
        least = cost;
        best = {rows, columns};
      }
  return best;
}

namespace {

/// Tells what is computed from constants alone; looks at each operation once.
class ConstantOps {
public:
  bool contains(Value value);

private:
  llvm::DenseMap<Operation *, bool> known;
};

} // namespace

bool ConstantOps::contains(Value value) {
  SmallVector<Operation *> open{value.getDefiningOp()};
  if (!open.back())
    return false;
  while (!open.empty()) {
    Operation *op = open.back();
    llvm::SetVector<Value> needed(op->operand_begin(), op->operand_end());
    getUsedValuesDefinedAbove(op->getRegions(), needed);
    bool isConstant = true, isReady = true;
    for (Value other : needed) {
      Operation *def = other.getDefiningOp();
      auto found = def ? known.find(def) : known.end();
      isConstant &= def && (found == known.end() || found->second);
      if (!isConstant)
        break;
      if (found == known.end()) {
        open.push_back(def);
        isReady = false;
        break;
      }
    }
    if (isReady) {
      known[op] = isConstant;
      open.pop_back();
    }
  }
  return known.lookup(value.getDefiningOp());
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

/// Says why a convolution is computed directly; always a failure.
static LogicalResult refuse(kernel::ConvOp conv, StringRef reason) {
  remark::missed(conv.getLoc(), about::algorithm) << remark::add("no Winograd: {0}", reason);
  return failure();
}

/// Whether what the epilogue reads can be cut to the channels of a group.
static bool canSlice(kernel::ConvOp conv) {
  return llvm::all_of(conv.getEpilogueMaps().getAsValueRange<AffineMapAttr>(), [](AffineMap map) {
    return llvm::all_of(map.getResults(), [&](AffineExpr expression) {
      return !expression.isFunctionOfDim(map.getNumDims() - 1) || isa<AffineDimExpr>(expression);
    });
  });
}

/// Bytes of the weights that kernels in `function` read again and again.
static int64_t getWeightBytes(func::FuncOp function, ConstantOps &constants) {
  int64_t bytes = 0;
  function.walk([&](Operation *op) {
    if (!isa<kernel::PackFilterOp, kernel::PackMatrixOp>(op))
      return;
    auto type = cast<ShapedType>(op->getOperand(0).getType());
    if (type.hasStaticShape() && constants.contains(op->getOperand(0)))
      bytes += type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8u);
  });
  return bytes;
}

static FailureOr<Candidate> match(kernel::ConvOp conv, LikelyExtents &likely, bool isFilterConstant, double cachedPart) {
  auto pack = conv.getFilter().getDefiningOp<kernel::PackFilterOp>();
  auto input = dyn_cast<RankedTensorType>(conv.getInput().getType());
  if (!pack || !input || input.getRank() < 3 || input.getRank() > 4 || conv.getTransposed())
    return failure();
  ArrayRef<int64_t> source = cast<RankedTensorType>(pack.getSource().getType()).getShape();
  ArrayRef<int64_t> output = cast<RankedTensorType>(conv.getInit().getType()).getShape();
  int64_t spatial = input.getRank() - 2;
  std::array<int64_t, 2> window{spatial == 1 ? 1 : source[2], source.back()};
  if (kernel::getWinogradTiles(window[0]).empty() || kernel::getWinogradTiles(window[1]).empty() ||
      window[0] * window[1] == 1)
    return failure();
  if (static_cast<int64_t>(pack.getGroups()) > mostGroups)
    return refuse(conv, "the channels are in many groups");
  if (pack.getGroups() != 1 && !canSlice(conv))
    return refuse(conv, "the channels are in groups, and what follows does not take them one by one");
  if (!input.getElementType().isF32())
    return refuse(conv, "the elements are no f32");
  if (!areAll(conv.getStrides(), 1) || !areAll(conv.getDilations(), 1))
    return refuse(conv, "strides or dilations are not 1");
  if (ShapedType::isDynamic(input.getShape().back()) || ShapedType::isDynamic(output.back()))
    return refuse(conv, "the number of channels is known only at run time");
  if (!isFilterConstant)
    return refuse(conv, "the filter is no constant");
  for (int64_t dim = 0; dim < spatial; ++dim) {
    int64_t from = input.getDimSize(dim + 1), to = output[dim + 1],
            pads = conv.getPadsBegin()[dim] + conv.getPadsEnd()[dim];
    if (!ShapedType::isDynamic(from) && !ShapedType::isDynamic(to) &&
        (from < 1 || to < 1 || to != from + pads - source[dim + 2] + 1))
      return refuse(conv, "input or output are empty, or not what the padding gives");
  }
  int64_t lanes = kernel::getTarget(conv).getLanes(input.getElementType());
  if (lanes < leastLanes)
    return refuse(conv, "a CPU without vectors has better use for the memory of four times as large filters");
  auto extent = [&](int64_t dim) { return guessExtent(likely, conv.getInit(), dim, std::max(source[0], source[1])); };
  int64_t outputs = source[0] / static_cast<int64_t>(pack.getGroups()), vectors = llvm::divideCeil(outputs, lanes);
  return Candidate{
      conv,  pack,      window, {spatial == 1 ? 1 : extent(1), extent(spatial)}, source[1], vectors * lanes,
      lanes, cachedPart};
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

/// `values` with one more, `value`, at `place`.
template <typename T> static SmallVector<T> insertAt(ArrayRef<T> values, size_t place, T value) {
  SmallVector<T> result(values);
  result.insert(result.begin() + static_cast<ptrdiff_t>(place), value);
  return result;
}

/// `value` with an extent of 1 before dimension `dim`.
static Value insertUnit(OpBuilder &builder, Location loc, Value value, int64_t dim) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<ReassociationIndices> groups;
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups.push_back(i < dim    ? ReassociationIndices{i}
                     : i == dim ? ReassociationIndices{i, i + 1}
                                : ReassociationIndices{i + 1});
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
  return tensor::ExpandShapeOp::create(builder, loc, type.clone(insertAt<int64_t>(type.getShape(), dim, 1)), value,
                                       groups, insertAt<OpFoldResult>(sizes, dim, builder.getIndexAttr(1)));
}

/// A convolution of rows, (N, W, C), as one of images of one row each.
static void convolveImages(Candidate &candidate) {
  kernel::ConvOp conv = candidate.conv;
  OpBuilder builder(conv);
  Location loc = conv.getLoc();
  auto packed = cast<RankedTensorType>(conv.getFilter().getType());
  auto packedImages = packed.clone(insertAt<int64_t>(packed.getShape(), 2, 1));
  Value source = insertUnit(builder, loc, candidate.pack.getSource(), 2);
  Value place = tensor::EmptyOp::create(builder, loc, packedImages.getShape(), packedImages.getElementType());
  candidate.pack = kernel::PackFilterOp::create(builder, candidate.pack->getLoc(), TypeRange(packedImages), source,
                                                place, candidate.pack.getGroups(), candidate.pack.getTransposed());
  Value init = insertUnit(builder, loc, conv.getInit(), 1);
  AffineExpr image = builder.getAffineDimExpr(0), column = builder.getAffineDimExpr(2),
             channel = builder.getAffineDimExpr(3);
  SmallVector<AffineMap> maps;
  for (AffineMap map : conv.getEpilogueMaps().getAsValueRange<AffineMapAttr>())
    maps.push_back(map.replaceDimsAndSymbols({image, column, channel}, {}, 4, 0));
  auto list = [&](ArrayRef<int64_t> values, int64_t ofRows) { return insertAt<int64_t>(values, 0, ofRows); };
  candidate.conv =
      kernel::ConvOp::create(builder, loc, TypeRange(init.getType()), insertUnit(builder, loc, conv.getInput(), 1),
                             candidate.pack.getResult(0), conv.getEpilogueInputs(), init, list(conv.getStrides(), 1),
                             list(conv.getDilations(), 1), list(conv.getPadsBegin(), 0), list(conv.getPadsEnd(), 0),
                             conv.getTransposed(), builder.getAffineMapArrayAttr(maps));
  candidate.conv.getEpilogue().takeBody(conv.getEpilogue());
  ReassociationIndices groups[] = {{0}, {1, 2}, {3}};
  Value rows =
      tensor::CollapseShapeOp::create(builder, loc, conv.getInit().getType(), candidate.conv.getResult(0), groups);
  conv.getResult(0).replaceAllUsesWith(rows);
  conv.erase();
}

/// What the epilogue of one group reads: operands that have channels are cut to the group's.
static SmallVector<Value> sliceEpilogueInputs(OpBuilder &builder, kernel::ConvOp conv, int64_t group, int64_t size) {
  SmallVector<Value> inputs;
  auto maps = conv.getEpilogueMaps().getAsValueRange<AffineMapAttr>();
  for (auto [input, map] : llvm::zip(conv.getEpilogueInputs(), maps)) {
    Value value = input;
    for (auto [dim, expression] : llvm::enumerate(map.getResults()))
      if (expression.isFunctionOfDim(map.getNumDims() - 1))
        value = slice(builder, conv.getLoc(), value, dim, group, size);
    inputs.push_back(value);
  }
  return inputs;
}

/// The kernel for `group`, which writes its channels into `init`; the result has those of all groups.
static Value createGroup(OpBuilder &builder, Candidate candidate, Tile tile, int64_t group, Value init) {
  kernel::ConvOp conv = candidate.conv;
  Location loc = conv.getLoc();
  auto packed = cast<RankedTensorType>(conv.getFilter().getType());
  int64_t outputs = candidate.getGroupOutputs();
  auto type = packed.clone({kernel::getWinogradPoints(tile, candidate.window), packed.getDimSize(1), candidate.channels,
                            packed.getShape().back()});
  Location packLoc = candidate.pack->getLoc();
  Value empty = tensor::EmptyOp::create(builder, packLoc, type.getShape(), type.getElementType());
  Value source = slice(builder, packLoc, candidate.pack.getSource(), 0, group, outputs);
  Value filter = kernel::PackWinogradOp::create(builder, packLoc, TypeRange(type), source, empty, tile).getResult(0);
  Value input = slice(builder, loc, conv.getInput(), imageRank - 1, group, candidate.channels);
  Value part = slice(builder, loc, init, imageRank - 1, group, outputs);
  auto winograd = kernel::WinogradOp::create(
      builder, loc, TypeRange(part.getType()), input, filter, sliceEpilogueInputs(builder, conv, group, outputs), part,
      tile, candidate.window, conv.getPadsBegin(), conv.getPadsEnd(), conv.getEpilogueMaps());
  IRMapping mapping;
  conv.getEpilogue().cloneInto(&winograd.getEpilogue(), mapping);
  Value result = winograd.getResult(0);
  if (part == init)
    return result;
  auto place = part.getDefiningOp<tensor::ExtractSliceOp>();
  return tensor::InsertSliceOp::create(builder, loc, result, init, place.getMixedOffsets(), place.getMixedSizes(),
                                       place.getMixedStrides());
}

static void replace(Candidate candidate, Tile tile) {
  if (cast<RankedTensorType>(candidate.conv.getInit().getType()).getRank() < imageRank)
    convolveImages(candidate);
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
    double cache = static_cast<double>(usualCaches * kernel::getTarget(getOperation()).getL2Bytes());
    ConstantOps constants;
    double cachedPart = cache / static_cast<double>(std::max<int64_t>(1, getWeightBytes(getOperation(), constants)));
    SmallVector<bool> areConstant; // before operations are replaced
    for (kernel::ConvOp conv : convolutions) {
      auto pack = conv.getFilter().getDefiningOp<kernel::PackFilterOp>();
      areConstant.push_back(pack && constants.contains(pack.getSource()));
    }
    for (auto [conv, isFilterConstant] : llvm::zip(convolutions, areConstant)) {
      FailureOr<Candidate> candidate = match(conv, likely, isFilterConstant, cachedPart);
      if (failed(candidate))
        continue;
      Arithmetic direct;
      if (kernel::TargetAttr target = kernel::getTarget(conv); bf16)
        direct = {2, target.getBf16Tiles() ? tilesPerLane : target.getBf16Dot().empty() ? 1.0 : 2.0};
      Tile tile = candidate->chooseTile();
      double cost = candidate->getWinogradCost(tile), directCost = candidate->getDirectCost(direct);
      bool isChosen = cost < requiredGain * directCost;
      (isChosen ? remark::passed(conv.getLoc(), about::algorithm) : remark::missed(conv.getLoc(), about::algorithm))
          << remark::add("{0}Winograd's F({1}x{2}, {3}x{4}): estimated {5:f2} of the direct convolution's time{6}",
                         isChosen ? "" : "no ", tile[0], tile[1], candidate->window[0], candidate->window[1],
                         cost / directCost, isChosen ? "" : ", and only less than 0.9 counts as faster");
      if (isChosen)
        replace(*candidate, tile);
    }
  }
};

} // namespace
} // namespace nnc
