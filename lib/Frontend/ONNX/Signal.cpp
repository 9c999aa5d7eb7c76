// ONNX operators of the signal family. A Fourier transform is a product with a
// matrix of cosines and one of sines, which are constants where its length is.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeAxes.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

#include <cmath>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr double pi = 3.14159265358979323846;

//===--- Windows ---===//

/// offset - first * cos(2 pi i / n) + second * cos(4 pi i / n).
static LogicalResult importWindow(NodeBinder &node, double offset, double first, double second) {
  Expression size(node, node.operand(0));
  bool isPeriodic = node.intAttr("periodic", 1);
  Type type = node.elementType(node.intAttr("output_datatype", 1));
  if (node.failed())
    return failure();
  size = size.cast(node.getBuilder().getI64Type()).reshape({1});
  Type f64 = node.getBuilder().getF64Type();
  Expression period = (isPeriodic ? size : size - 1).cast(f64);
  Expression angle = Expression::range(size).cast(f64) * (2 * pi) / period;
  Expression window = angle.unary<nn::CosOp>() * -first + offset;
  if (second != 0)
    window = window + (angle * 2).unary<nn::CosOp>() * second;
  return node.result(window.cast(type));
}

static LogicalResult importHannWindow(NodeBinder &node) { return importWindow(node, 0.5, 0.5, 0); }
static LogicalResult importHammingWindow(NodeBinder &node) { return importWindow(node, 25.0 / 46, 21.0 / 46, 0); }
static LogicalResult importBlackmanWindow(NodeBinder &node) { return importWindow(node, 0.42, 0.5, 0.08); }

//===--- Fourier transforms ---===//

namespace {

/// What is asked of a transform; `length` is 1-D.
struct Transform {
  Expression length;
  bool inverse = false;
  bool onesided = false;
};

/// Complex numbers; a null part is 0.
struct Complex {
  Expression real, imaginary;
};

} // namespace

/// cos and sin of 2 pi i k / length for each i (rows) and k (columns), in `type`. The product is reduced modulo the
/// length as an integer, so that no angle is large.
static Complex buildCircle(Expression rows, Expression columns, Expression length, Type type) {
  Type f64 = Float64Type::get(type.getContext());
  Expression product = Expression::range(rows).unsqueeze({1}) * Expression::range(columns).unsqueeze({0});
  product = product.unary<nn::ModOp>(Value(length), /*fmod=*/false);
  Expression angle = product.cast(f64) * (2 * pi) / length.cast(f64);
  return {angle.unary<nn::CosOp>().cast(type), angle.unary<nn::SinOp>().cast(type)};
}

/// Transforms the last axis.
static Complex transform(NodeBinder &node, Complex x, const Transform &what) {
  Type type = x.real.getElementType();
  int64_t axis = x.real.getRank() - 1;
  Expression half = what.length / 2 + 1;
  bool toReal = what.inverse && what.onesided;
  Expression used = toReal ? half : what.length, zero = Expression::ints(node, {0});
  x.real = x.real.slice(axis, zero, used);
  if (x.imaginary)
    x.imaginary = x.imaginary.slice(axis, zero, used);
  Expression rows = x.real.extent(axis), columns = what.onesided && !what.inverse ? half : what.length;
  Complex circle = buildCircle(rows, columns, what.length, type);
  if (node.failed())
    return x;
  if (what.inverse) {
    Expression scale = Expression::scalar(node, type, 1) / what.length.cast(type);
    if (toReal) {
      // The frequencies that are not there are the conjugates of those that are, but for the first and the middle one.
      Expression position = Expression::range(rows);
      Expression isOwn = position.equals(zero) | (position * 2).equals(what.length);
      scale = isOwn.choose(scale, scale * 2).unsqueeze({1});
    }
    circle.real = circle.real * scale;
    circle.imaginary = circle.imaginary * scale.unary<nn::NegOp>();
  }
  // (a + bi)(cos - i sin); the sine has changed its sign where the transform is inverse.
  Complex y;
  y.real = x.real.matmul(circle.real);
  if (x.imaginary)
    y.real = y.real + x.imaginary.matmul(circle.imaginary);
  if (toReal)
    return y;
  y.imaginary = x.real.matmul(circle.imaginary).unary<nn::NegOp>();
  if (x.imaginary)
    y.imaginary = y.imaginary + x.imaginary.matmul(circle.real);
  return y;
}

/// x (..., 1 or 2) with both parts; a run says which it has.
static Expression completeParts(NodeBinder &node, Expression x) {
  int64_t last = x.getRank() - 1;
  Expression parts = x.extent(last), isComplex = parts.equals(2);
  x = {node, require(node, x, isComplex | parts.equals(1))};
  Expression added = isComplex.choose(parts.like(0), parts.like(1));
  Value pads = Expression::concat(node, {Expression::ints(node, {0}), added}, 0);
  Expression padded(node, node.create<nn::PadOp>(x, pads, Value(), ArrayRef<int64_t>{last}, nn::PadMode::Constant));
  return padded.slice(last, 0, 2);
}

/// x (..., 1 or 2), a real or complex signal, transformed along `axis`.
static Expression transformAxis(NodeBinder &node, Expression x, int64_t axis, const Transform &what) {
  if (node.failed())
    return {};
  int64_t last = x.getRank() - 1, parts = x.getExtent(last);
  if (ShapedType::isDynamic(parts)) {
    x = completeParts(node, x);
    parts = 2;
  }
  if (parts != 1 && parts != 2) {
    (void)node.reject("the last axis must have one or two elements, real and imaginary part");
    return {};
  }
  SmallVector<int64_t> order, back(last);
  for (int64_t i = 0; i < last; ++i)
    if (i != axis)
      order.push_back(i);
  order.push_back(axis);
  for (auto [to, from] : llvm::enumerate(order))
    back[from] = to;
  auto part = [&](int64_t i) { return x.slice(last, i, i + 1).squeeze({last}).transpose(order); };
  Complex signal{part(0), parts == 2 ? part(1) : Expression()};
  if (node.failed())
    return {};
  Complex y = transform(node, signal, what);
  if (node.failed())
    return {};
  auto place = [&](Expression value) { return value.transpose(back).unsqueeze({last}); };
  return y.imaginary ? Expression::concat(node, {place(y.real), place(y.imaginary)}, last) : place(y.real);
}

/// What is transformed along an axis that only a run knows; the axes before it become one, and those after it.
static LogicalResult transformAlong(NodeBinder &node, Expression x, Transform what) {
  RunTimeAxes axes(node, node.operand(2), x.getRank());
  if (node.failed())
    return failure();
  if (axes.size() != 1)
    return node.reject("the axis must be one number");
  int64_t last = x.getRank() - 1;
  Expression isNamed = axes.getChosen().equals(1);
  // The parts cannot be transformed.
  x = {node, require(node, axes.check(x), ~isNamed.slice(0, last, last + 1))};
  Expression extents = x.shape(), before = multiplyWhere(axes.isBefore(), extents);
  auto signal = [&](Expression value) { return value.slice(0, 0, last); };
  Expression own = multiplyWhere(isNamed, extents), after = multiplyWhere(signal(axes.isAfter()), signal(extents));
  Expression rows(node, node.create<nn::ReshapeOp>(x, Expression::concat(node, {before, own, after, x.extent(last)}, 0),
                                                   /*allow_zero=*/true));
  if (!what.length)
    what.length = what.inverse && what.onesided ? (own - 1) * 2 : own;
  rows = {node, require(node, rows, what.length >= 1)};
  Expression result = transformAxis(node, rows, 1, what);
  if (node.failed())
    return failure();
  Expression shape = signal(isNamed.choose(result.extent(1), extents));
  shape = Expression::concat(node, {shape, result.extent(3)}, 0);
  return node.result(node.create<nn::ReshapeOp>(result, shape, /*allow_zero=*/true));
}

/// The axis is an attribute up to opset 19, then operand 2.
static LogicalResult importDft(NodeBinder &node) {
  Expression x(node, node.operand(0)), length(node, node.optionalOperand(1));
  Transform what;
  what.inverse = node.intAttr("inverse", 0);
  what.onesided = node.intAttr("onesided", 0);
  if (length)
    what.length = length.cast(node.getBuilder().getI64Type()).reshape({1});
  if (node.getOpset() >= 20 && isKnownAtRunTime(node, 2) && x.getRank() >= 2)
    return transformAlong(node, x, what);
  int64_t axis = node.getOpset() < 20 ? node.intAttr("axis", 1) : -2;
  if (node.getOpset() >= 20 && node.optionalOperand(2)) {
    SmallVector<int64_t> given = node.constantInts(2);
    if (given.size() == 1)
      axis = given.front();
  }
  axis = node.normalizeAxis(axis, x.getRank());
  if (node.failed())
    return failure();
  if (x.getRank() < 2 || axis == x.getRank() - 1)
    return node.reject("the axis of the parts cannot be transformed");
  if (!what.length)
    what.length = what.inverse && what.onesided ? (x.extent(axis) - 1) * 2 : x.extent(axis);
  x = {node, require(node, x, what.length >= 1)};
  return node.result(transformAxis(node, x, axis, what));
}

/// Frames of the signal, weighted by the window, transformed.
static LogicalResult importStft(NodeBinder &node) {
  Expression x(node, node.operand(0)), step(node, node.operand(1)), window(node, node.optionalOperand(2)),
      length(node, node.optionalOperand(3));
  Transform what;
  what.onesided = node.intAttr("onesided", 1);
  if (node.failed())
    return failure();
  if (!window && !length)
    return node.reject("neither the window nor the length of a frame is given");
  if (x.getRank() == 2)
    x = x.unsqueeze({2});
  if (x.getRank() != 3)
    return node.reject("the signal must have two or three axes");
  Type i64 = node.getBuilder().getI64Type();
  what.length = length ? length.cast(i64).reshape({1}) : window.extent(0);
  step = step.cast(i64).reshape({1});
  Expression frames = (x.extent(1) - what.length) / step + 1;
  Expression start = Expression::range(frames) * step;
  Expression positions = start.unsqueeze({1}) + Expression::range(what.length).unsqueeze({0});
  Expression framed = x.gather(positions, 1); // batch, frame, position, part
  if (window)
    framed = framed * window.unsqueeze({1});
  return node.result(transformAxis(node, framed, 2, what));
}

//===--- Mel filters ---===//

/// The one number of a constant; none of other values.
static std::optional<double> getConstantNumber(Value value) {
  if (auto floats = nn::getConstantFloats(value); floats && floats->size() == 1)
    return floats->front();
  if (auto ints = nn::getConstantInts(value); ints && ints->size() == 1)
    return static_cast<double>(ints->front());
  return std::nullopt;
}

/// The bins of a spectrum at which the triangles begin, have their peaks and end, [filters + 2]: equal steps in mel.
static Expression buildMelEdges(NodeBinder &node, Expression filters, Expression length) {
  Type f64 = node.getBuilder().getF64Type(), i64 = node.getBuilder().getI64Type();
  auto number = [&](unsigned index) { return Expression(node, node.operand(index)).cast(f64).reshape({1}); };
  auto toMel = [&](Expression hertz) { return (hertz / 700 + 1).unary<nn::LogOp>() * (2595 / std::log(10.0)); };
  Expression rate = number(2), low = toMel(number(3)), high = toMel(number(4)), count = filters + 2;
  Expression step = (high - low) / count.cast(f64), mel = Expression::range(count).cast(f64) * step + low;
  Expression hertz = ((mel * (std::log(10.0) / 2595)).unary<nn::ExpOp>() - 1) * 700;
  return ((length + 1).cast(f64) * hertz / rate).unary<nn::FloorOp>().cast(i64);
}

/// As importMelWeightMatrix, of numbers that only a run knows.
static LogicalResult importRunTimeMelWeights(NodeBinder &node, Type type) {
  Type i64 = node.getBuilder().getI64Type(), f64 = node.getBuilder().getF64Type();
  Expression filters = Expression(node, node.operand(0)).cast(i64).reshape({1});
  Expression length = Expression(node, node.operand(1)).cast(i64).reshape({1});
  Expression edges = buildMelEdges(node, filters, length), zero = Expression::ints(node, {0});
  auto shifted = [&](double by) { return edges.slice(0, zero + by, filters + by).unsqueeze({0}); };
  Expression left = shifted(0), centre = shifted(1), right = shifted(2);
  Expression bin = Expression::range(length / 2 + 1).unsqueeze({1});
  auto divide = [&](Expression a, Expression b) { return a.cast(f64) / b.cast(f64); };
  Expression none = Expression::scalar(node, f64, 0), one = Expression::scalar(node, f64, 1);
  Expression falls = (bin > centre) & (bin < right), rises = (bin >= left) & (bin < centre);
  Expression weights = falls.choose(divide(right - bin, right - centre), none);
  weights = rises.choose(divide(bin - left, centre - left), weights);
  weights = bin.equals(centre).choose(one, weights);
  return node.result(Expression(node, require(node, weights, (filters >= 1) & (length >= 1))).cast(type));
}

/// Triangles between neighbouring mel frequencies, as columns over the bins of a spectrum.
static LogicalResult importMelWeightMatrix(NodeBinder &node) {
  Type type = node.elementType(node.intAttr("output_datatype", 1));
  SmallVector<Value> operands;
  for (unsigned i = 0; i < 5; ++i)
    operands.push_back(node.operand(i));
  if (node.failed())
    return failure();
  if (!llvm::all_of(operands, [](Value value) { return getConstantNumber(value).has_value(); }))
    return importRunTimeMelWeights(node, type);
  auto number = [&](unsigned index) { return *getConstantNumber(operands[index]); };
  double filters = number(0), length = number(1), rate = number(2), low = number(3), high = number(4);
  if (!(filters >= 1 && filters <= 65536 && length >= 1 && length <= 65536 && rate > 0 && low >= 0 && high > low))
    return node.reject("sizes or frequencies are out of range");
  auto count = static_cast<int64_t>(filters), bins = static_cast<int64_t>(length) / 2 + 1;
  if (count * bins > (int64_t(1) << 24))
    return node.reject("the matrix is too large");
  auto toMel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double step = (toMel(high) - toMel(low)) / (filters + 2);
  SmallVector<int64_t> edges;
  for (int64_t i = 0; i < count + 2; ++i) {
    double hertz = 700 * (std::pow(10.0, (i * step + toMel(low)) / 2595) - 1);
    double bin = std::floor((length + 1) * hertz / rate);
    if (!(bin >= 0 && bin < bins))
      return node.reject("a frequency lies beyond the spectrum");
    edges.push_back(static_cast<int64_t>(bin));
  }
  std::vector<float> weights(count * bins, 0);
  for (int64_t i = 0; i < count; ++i) {
    int64_t left = edges[i], center = edges[i + 1], right = edges[i + 2];
    if (left == center)
      weights[center * count + i] = 1;
    for (int64_t bin = left; bin <= center && left < center; ++bin)
      weights[bin * count + i] = static_cast<float>(static_cast<double>(bin - left) / (center - left));
    for (int64_t bin = center; bin < right; ++bin)
      weights[bin * count + i] = static_cast<float>(static_cast<double>(right - bin) / (right - center));
  }
  return node.result(Expression(node, node.floats({bins, count}, weights)).cast(type));
}

static const OpEntry table[] = {
    {"BlackmanWindow", 17, importBlackmanWindow},
    {"DFT", 17, importDft},
    {"HammingWindow", 17, importHammingWindow},
    {"HannWindow", 17, importHannWindow},
    {"MelWeightMatrix", 17, importMelWeightMatrix},
    {"STFT", 17, importStft},
};

ArrayRef<OpEntry> getSignalOps() { return table; }

} // namespace nnc::onnx
