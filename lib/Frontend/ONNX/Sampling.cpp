// ONNX operators that read images between their elements: each is a sum of
// gathered elements with weights, channels last.
#include "lib/Frontend/ONNX/Sampling.h"

#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

//===--- GridSample ---===//

namespace {

enum class SampleMode { Nearest, Linear, Cubic };
enum class SamplePadding { Zeros, Border, Reflection };

/// An element to read along one axis: where (a whole number), with what weight (null: 1), and whether it is inside (null: always).
struct Tap {
  Expression position, weight, inside;
};

/// One spatial axis of the image, with its extent as a number of the grid's type.
struct SampledAxis {
  Expression extent;
  bool alignCorners;
  SamplePadding padding;

  /// From [-1, 1] to elements.
  Expression denormalize(Expression x) const {
    if (alignCorners)
      return (x + 1) * 0.5 * (extent - 1);
    return ((x + 1) * extent - 1) * 0.5;
  }
  Expression getFirst() const { return extent.like(alignCorners ? 0 : -0.5); }
  /// A triangle wave between the borders; an axis of one element has no width.
  Expression reflect(Expression x) const {
    Expression width = alignCorners ? (extent - 1).max(extent.like(1e-6)) : extent;
    Expression distance = (x - getFirst()).unary<nn::AbsOp>();
    Expression phase = distance.unary<nn::ModOp>(Value(width * 2), /*fmod=*/true);
    return width - (phase - width).unary<nn::AbsOp>() + getFirst();
  }
  /// What a coordinate outside becomes before elements are chosen.
  Expression pad(Expression x) const {
    if (padding == SamplePadding::Border)
      return x.max(extent.like(0)).min(extent - 1);
    if (padding == SamplePadding::Reflection) {
      Expression isInside = (x >= getFirst()) & (x <= extent - 1 - getFirst());
      return isInside.choose(x, reflect(x));
    }
    return x;
  }
  Tap tap(Expression position, Expression weight) const {
    if (padding != SamplePadding::Zeros)
      return {pad(position), weight, {}};
    return {position, weight, (position >= 0) & (position < extent)};
  }
};

} // namespace

/// The weights of four neighbours at distance `x` from the second (Keys, a = -0.75).
static SmallVector<Expression> getCubicWeights(Expression x) {
  const double a = -0.75;
  auto outer = [&](Expression d) { return ((d * a - 5 * a) * d + 8 * a) * d - 4 * a; };
  auto inner = [&](Expression d) { return (d * (a + 2) - (a + 3)) * d * d + 1; };
  Expression rest = x * -1 + 1;
  return {outer(x + 1), inner(x), inner(rest), outer(rest + 1)};
}

static SmallVector<Tap> getTaps(const SampledAxis &axis, Expression x, SampleMode mode) {
  if (mode == SampleMode::Nearest)
    return {axis.tap(x.unary<nn::RoundOp>(), {})};
  Expression low = x.unary<nn::FloorOp>(), fraction = x - low;
  if (mode == SampleMode::Linear)
    return {axis.tap(low, fraction * -1 + 1), axis.tap(low + 1, fraction)};
  SmallVector<Tap> taps;
  for (auto [i, weight] : llvm::enumerate(getCubicWeights(fraction)))
    taps.push_back(axis.tap(low + (static_cast<double>(i) - 1), weight));
  return taps;
}

/// The product of extents from axis `start` up to `end`, 1-D.
static Expression countElements(NodeBinder &node, Expression x, int64_t start, int64_t end) {
  Expression count = Expression::ints(node, {1});
  for (int64_t axis = start; axis < end; ++axis)
    count = count * x.extent(axis);
  return count;
}

static Expression reshape(NodeBinder &node, Expression x, ArrayRef<Expression> extents) {
  return {node, node.create<nn::ReshapeOp>(x, Expression::concat(node, extents, 0), /*allow_zero=*/true)};
}

namespace {

/// Images (N, ..., C, ...) whose elements have numbers: in each image, where the channels come last; in all of them, where the
/// channels come first, so that neighbours stay neighbours.
class NumberedImage {
public:
  NumberedImage(NodeBinder &node, Expression image, bool isChannelsFirst) : node(node), isChannelsFirst(isChannelsFirst) {
    int64_t rank = image.getRank(), first = isChannelsFirst ? 2 : 1, end = first + rank - 2;
    Type type = getNumberType(image, first, end);
    for (int64_t axis = first; axis < end; ++axis)
      extents.push_back(image.extent(axis).cast(type));
    Expression count = countElements(node, image, first, end);
    batch = image.extent(0);
    if (!isChannelsFirst) {
      elements = reshape(node, image, {batch, count, image.extent(end)});
      return;
    }
    SmallVector<int64_t> channelsFirst = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    std::swap(channelsFirst[0], channelsFirst[1]);
    elements = reshape(node, image.transpose(channelsFirst), {image.extent(1), batch * count});
    firstNumbers = (Expression::range(batch) * count).cast(type).unsqueeze({1});
  }

  Expression read(ArrayRef<Tap> taps) const;

private:
  /// 32 bits where they are known to be enough.
  Type getNumberType(Expression image, int64_t first, int64_t end) const {
    int64_t count = 1;
    for (int64_t axis = isChannelsFirst ? 0 : first; axis < end; ++axis) {
      int64_t extent = isChannelsFirst && axis == 1 ? 1 : image.getExtent(axis);
      if (ShapedType::isDynamic(extent) || count * extent > INT32_MAX)
        return node.getBuilder().getI64Type();
      count *= extent;
    }
    return node.getBuilder().getI32Type();
  }
  Expression gather(Expression number) const;

  NodeBinder &node;
  bool isChannelsFirst;
  Expression batch, elements, firstNumbers; ///< the last: of each image's first element
  SmallVector<Expression> extents;          ///< of the spatial axes, of the type of the numbers
};

} // namespace

/// The elements of the given numbers.
Expression NumberedImage::gather(Expression number) const {
  if (!isChannelsFirst) {
    Expression index = number.unsqueeze({number.getRank()});
    return {node, node.create<nn::GatherNDOp>(elements, index, /*batch_dims=*/1)};
  }
  Expression samples = number.extent(1);
  Expression flat = reshape(node, number + firstNumbers, {batch * samples});
  return reshape(node, elements.gather(flat, 1), {elements.extent(0), batch, samples});
}

/// The image at one tap per axis, weighted: of taps (N, out...) it is (N, out..., C); where channels come first it is (C, N, samples)
/// of taps (N, samples).
Expression NumberedImage::read(ArrayRef<Tap> taps) const {
  Expression number, weight, inside;
  for (auto [tap, extent] : llvm::zip(taps, extents)) {
    Expression index = tap.position;
    if (tap.inside) // elsewhere any element will do
      index = tap.inside.choose(index, index.like(0));
    index = index.cast(extent.getElementType());
    number = number ? number * extent + index : index;
    if (tap.weight)
      weight = weight ? weight * tap.weight : tap.weight;
    if (tap.inside)
      inside = inside ? inside & tap.inside : tap.inside;
  }
  if (node.failed())
    return {};
  int64_t channels = isChannelsFirst ? 0 : number.getRank();
  Expression found = gather(number);
  if (node.failed())
    return {};
  if (inside)
    found = inside.unsqueeze({channels}).choose(found, found.like(0));
  return weight ? found * weight.cast(found.getElementType()).unsqueeze({channels}) : found;
}

/// The sum over all combinations of taps, one of each axis.
static Expression sumTaps(NodeBinder &node, Expression image, bool isChannelsFirst, ArrayRef<SmallVector<Tap>> axes) {
  if (node.failed())
    return {};
  Expression sum;
  NumberedImage numbered(node, image, isChannelsFirst);
  SmallVector<size_t> chosen(axes.size(), 0);
  while (!node.failed()) {
    SmallVector<Tap> taps;
    for (auto [axis, i] : llvm::zip(axes, chosen))
      taps.push_back(axis[i]);
    Expression read = numbered.read(taps);
    sum = sum ? sum + read : read;
    size_t axis = axes.size();
    while (axis > 0 && ++chosen[axis - 1] == axes[axis - 1].size())
      chosen[--axis] = 0;
    if (axis == 0)
      break;
  }
  return sum;
}

Expression sampleLinearly(NodeBinder &node, Expression image, ArrayRef<Expression> positions) {
  SmallVector<SmallVector<Tap>> taps;
  for (auto [axis, position] : llvm::enumerate(positions)) {
    Expression extent = image.extent(axis + 1).cast(position.getElementType());
    taps.push_back(getTaps({extent, /*alignCorners=*/true, SamplePadding::Zeros}, position, SampleMode::Linear));
  }
  return node.failed() ? Expression() : sumTaps(node, image, /*isChannelsFirst=*/false, taps);
}

static std::optional<SampleMode> getSampleMode(NodeBinder &node) {
  std::string name = node.stringAttr("mode", node.getOpset() < 20 ? "bilinear" : "linear");
  if (name == "bilinear" || name == "linear")
    return SampleMode::Linear;
  if (name == "bicubic" || name == "cubic")
    return SampleMode::Cubic;
  if (name == "nearest")
    return SampleMode::Nearest;
  (void)node.reject("mode '" + name + "' is not known");
  return std::nullopt;
}

static std::optional<SamplePadding> getSamplePadding(NodeBinder &node) {
  std::string name = node.stringAttr("padding_mode", "zeros");
  if (name == "zeros")
    return SamplePadding::Zeros;
  if (name == "border")
    return SamplePadding::Border;
  if (name == "reflection")
    return SamplePadding::Reflection;
  (void)node.reject("padding_mode '" + name + "' is not known");
  return std::nullopt;
}

/// x (N, C, spatial...) at grid (N, out..., coordinates), the last spatial axis first.
static LogicalResult importGridSample(NodeBinder &node) {
  Expression x(node, node.operand(0)), grid(node, node.operand(1));
  bool alignCorners = node.intAttr("align_corners", 0);
  std::optional<SampleMode> mode = getSampleMode(node);
  std::optional<SamplePadding> padding = getSamplePadding(node);
  if (node.failed())
    return failure();
  int64_t rank = x.getRank(), spatial = rank - 2;
  if (spatial < 1 || grid.getRank() != rank)
    return node.reject("image and grid must have the same number of axes, three or more");
  if (!isa<FloatType>(x.getElementType()) && *mode != SampleMode::Nearest)
    return node.reject("interpolates only floats");
  if (!isa<FloatType>(grid.getElementType()))
    return node.reject("the grid must be of floats");
  if (grid.getExtent(rank - 1) != ShapedType::kDynamic && grid.getExtent(rank - 1) != spatial)
    return node.reject("the grid has another number of coordinates than the image has spatial axes");
  // All samples of an image are one axis meanwhile.
  Expression positions = reshape(node, grid, {grid.extent(0), countElements(node, grid, 1, rank - 1), grid.extent(rank - 1)});
  SmallVector<SmallVector<Tap>> taps;
  SmallVector<Expression> shape{grid.extent(0), x.extent(1)};
  for (int64_t i = 0; i < spatial; ++i) {
    SampledAxis axis{x.extent(i + 2).cast(grid.getElementType()), alignCorners, *padding};
    int64_t coordinate = spatial - 1 - i;
    Expression at = axis.denormalize(positions.slice(2, coordinate, coordinate + 1).squeeze({2}));
    if (*mode == SampleMode::Nearest)
      at = at.unary<nn::RoundOp>();
    // Cubic weights follow from where the sample is, outside too, as in PyTorch; its neighbours are those of the border.
    bool isPadded = *mode != SampleMode::Cubic || *padding != SamplePadding::Border;
    taps.push_back(getTaps(axis, isPadded ? axis.pad(at) : at, *mode));
    shape.push_back(grid.extent(i + 1));
  }
  Expression sum = sumTaps(node, x, /*isChannelsFirst=*/true, taps);
  return node.failed() ? failure() : node.result(reshape(node, sum.transpose({1, 0, 2}), shape));
}

//===--- AffineGrid ---===//

/// The normalized positions of the centres of `size` (1-D) elements, as f32.
static Expression getCentres(NodeBinder &node, Expression size, bool alignCorners) {
  Type f32 = node.getBuilder().getF32Type();
  Expression position = Expression::range(size).cast(f32), extent = size.cast(f32);
  return alignCorners ? position * 2 / (extent - 1) - 1 : (position * 2 + 1) / extent - 1;
}

/// theta (N, 2 or 3, 3 or 4) times the homogeneous position of each element of an image of `size`.
static LogicalResult importAffineGrid(NodeBinder &node) {
  Expression theta(node, node.operand(0)), size(node, node.operand(1));
  bool alignCorners = node.intAttr("align_corners", 0);
  if (node.failed())
    return failure();
  int64_t length = size.getExtent(0);
  if (length != 4 && length != 5)
    return node.reject("the size must be known to have four or five entries");
  if (theta.getRank() != 3)
    return node.reject("theta must have three axes");
  int64_t spatial = length - 2;
  Type type = theta.getElementType();
  size = size.cast(node.getBuilder().getI64Type());
  SmallVector<Expression> coordinates;
  Expression shape = size.slice(0, 2, length);
  for (int64_t axis = spatial - 1; axis >= 0; --axis) {
    Expression centres = getCentres(node, size.slice(0, axis + 2, axis + 3), alignCorners);
    SmallVector<int64_t> others;
    for (int64_t i = 0; i < spatial; ++i)
      if (i != axis)
        others.push_back(i);
    coordinates.push_back(centres.unsqueeze(others).broadcast(shape).reshape({-1, 1}));
  }
  if (node.failed())
    return failure();
  Expression ones = (coordinates.front() * 0 + 1);
  coordinates.push_back(ones);
  Expression positions = Expression::concat(node, coordinates, 1).cast(type); // elements, coordinates + 1
  Expression grid = positions.matmul(theta, /*transposeY=*/true);             // N, elements, coordinates
  return node.result(grid.reshape(
      Expression::concat(node, {theta.extent(0), shape, Expression::ints(node, {spatial})}, 0)));
}

static const OpEntry table[] = {
    {"AffineGrid", 20, importAffineGrid},
    {"GridSample", 16, importGridSample},
    {"GridSample", 1, importGridSample, "com.microsoft"},
};

ArrayRef<OpEntry> getSamplingOps() { return table; }

} // namespace nnc::onnx
