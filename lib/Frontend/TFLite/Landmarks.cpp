// Custom operators of MediaPipe's networks of landmarks with attention: a 4 x 4 matrix puts landmarks, or places of an
// image, into a part of another image. Of the matrix only x and y of its first two rows count.
#include "lib/Frontend/Import/Angles.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/OpTable.h"

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// The version of these operators; what version 1 computes differs.
static constexpr int32_t version = 2;

/// Rejects an operator whose operand is no f32 of one slice of `rank` axes of known extents.
static bool checkTensor(OpBinder &op, unsigned index, int64_t rank) {
  Value operand = op.operand(index);
  if (op.failed())
    return false;
  ArrayRef<int64_t> shape = op.getShape(operand);
  if (!op.getType(operand).getElementType().isF32() || op.getRank(operand) != rank || shape.front() != 1 ||
      llvm::any_of(shape, [](int64_t extent) { return extent < 1; }))
    (void)op.reject("operand " + Twine(index) + " must be f32 of " + Twine(rank) +
                    " axes, the first of extent 1, all known at compile time");
  return !op.failed();
}

namespace {

/// A row of the matrix without what is for z.
struct Row {
  Expression x, y, shift;

  Expression apply(Expression atX, Expression atY) const { return x * atX + y * atY + shift; }
};

} // namespace

/// Row `number` of the matrix that operand 1 is.
static Row readRow(OpBinder &op, int64_t number) {
  Expression matrix(op, op.operand(1));
  auto read = [&](int64_t place) { return matrix.slice(1, number, number + 1).slice(2, place, place + 1); };
  return {read(0), read(1), read(3)};
}

static bool checkMatrix(OpBinder &op) {
  if (checkTensor(op, 1, 3) && op.getShape(op.operand(1)) != ArrayRef<int64_t>{1, 4, 4})
    (void)op.reject("its matrix must be of 4 x 4 numbers");
  return !op.failed();
}

/// (1, landmarks, 2 or 3); z stays.
static LogicalResult importTransformLandmarks(OpBinder &op) {
  if (!checkTensor(op, 0, 3) || !checkMatrix(op))
    return failure();
  Expression landmarks(op, op.operand(0));
  int64_t dimensions = landmarks.getExtent(2);
  if (dimensions != 2 && dimensions != 3)
    return op.reject("its landmarks must have two or three coordinates, not " + Twine(dimensions));
  Expression x = landmarks.slice(2, 0, 1), y = landmarks.slice(2, 1, 2);
  SmallVector<Expression> parts = {readRow(op, 0).apply(x, y), readRow(op, 1).apply(x, y)};
  if (dimensions == 3)
    parts.push_back(landmarks.slice(2, 2, 3));
  return op.failed() ? failure() : op.declaredResult(Expression::concat(op, parts, 2));
}

/// Elements of an image between its pixels. Centres of pixels are at halves; beyond the outermost ones all is zero.
static LogicalResult importTransformTensor(OpBinder &op) {
  int64_t height = op.customInt("output_height", 1), width = op.customInt("output_width", 1);
  if (!checkTensor(op, 0, 4) || !checkMatrix(op))
    return failure();
  Expression image(op, op.operand(0));
  int64_t rows = image.getExtent(1), columns = image.getExtent(2), channels = image.getExtent(3);
  if (rows > (1 << 16) || columns > (1 << 16) || height > (1 << 16) || width > (1 << 16))
    return op.reject("its images are too large");
  Type i64 = op.getBuilder().getI64Type();
  auto count = [&](int64_t length, ArrayRef<int64_t> others) {
    return Expression::range(Expression::ints(op, {length})).cast(image.getElementType()).unsqueeze(others);
  };
  Expression outX = count(width, {0, 1}), outY = count(height, {0, 2}); // (1, 1, width), (1, height, 1)
  auto locate = [&](int64_t row) {
    Row matrix = readRow(op, row);
    matrix.shift = matrix.shift + (matrix.x * 0.5 + matrix.y * 0.5 - 0.5);
    return matrix.apply(outX, outY);
  };
  Expression x = locate(0), y = locate(1);
  Expression isInside = (x >= 0) & (x <= static_cast<double>(columns - 1)) & (y >= 0) & (y <= static_cast<double>(rows - 1));
  x = isInside.choose(x, x.like(0));
  y = isInside.choose(y, y.like(0));
  Expression left = x.unary<nn::FloorOp>(), top = y.unary<nn::FloorOp>();
  Expression right = (x - left).unsqueeze({3}), lower = (y - top).unsqueeze({3});
  // Behind the last row and column there are zeros.
  Expression padded(op, op.create<nn::PadOp>(image, op.ints({0, 0, 1, 1}), Value(), ArrayRef<int64_t>{1, 2},
                                             nn::PadMode::Constant));
  if (op.failed())
    return failure();
  Expression pixels = padded.reshape({(rows + 1) * (columns + 1), channels});
  Expression place = top.cast(i64) * static_cast<double>(columns + 1) + left.cast(i64);
  auto read = [&](int64_t behind) { return pixels.gather(place + static_cast<double>(behind), 0); };
  auto mix = [&](Expression a, Expression b, Expression share) { return (share.like(1) - share) * a + share * b; };
  Expression upperRow = mix(read(0), read(1), right), lowerRow = mix(read(columns + 1), read(columns + 2), right);
  Expression mixed = mix(upperRow, lowerRow, lower);
  if (op.failed())
    return failure();
  return op.declaredResult(isInside.unsqueeze({3}).choose(mixed, mixed.like(0)));
}

//===--- Landmarks2TransformMatrix ---===//

namespace {

/// The options.
struct Crop {
  int64_t left, right, height, width;
  double target, scaleX, scaleY;
  SmallVector<int64_t> subset;
};

} // namespace

static Crop bindCrop(OpBinder &op) {
  Crop crop;
  crop.left = op.customInt("left_rotation_idx", 0);
  crop.right = op.customInt("right_rotation_idx", 0);
  crop.height = op.customInt("output_height", 1);
  crop.width = op.customInt("output_width", 1);
  crop.target = op.customNumber("target_rotation_radians");
  crop.scaleX = op.customNumber("scale_x");
  crop.scaleY = op.customNumber("scale_y");
  crop.subset = op.customInts("subset_idxs");
  if (op.failed())
    return crop;
  if (!(crop.scaleX > 0 && crop.scaleY > 0))
    (void)op.reject("a scale is not positive");
  SmallVector<int64_t> all(crop.subset);
  all.append({crop.left, crop.right});
  int64_t count = op.getShape(op.operand(0))[1];
  if (crop.subset.empty() || llvm::any_of(all, [&](int64_t index) { return index < 0 || index >= count; }))
    (void)op.reject("it names no landmarks, or such as its input does not have");
  return crop;
}

/// The matrix from places of a crop to those of the image: a box around some landmarks, turned so that two of them are
/// at an angle that the options name.
static LogicalResult importLandmarksToMatrix(OpBinder &op) {
  if (!checkTensor(op, 0, 3))
    return failure();
  Expression landmarks(op, op.operand(0));
  if (landmarks.getExtent(2) != 3)
    return op.reject("its landmarks must have three coordinates, not " + Twine(landmarks.getExtent(2)));
  Crop crop = bindCrop(op);
  if (op.failed())
    return failure();
  auto read = [&](Expression points, int64_t axis) { return points.slice(2, axis, axis + 1); };
  Expression from = landmarks.slice(1, crop.left, crop.left + 1), to = landmarks.slice(1, crop.right, crop.right + 1);
  Expression angle = frontend::findAngle(read(to, 1) - read(from, 1), read(to, 0) - read(from, 0));
  Expression turn = angle.like(crop.target) - angle, cosine = turn.unary<nn::CosOp>(), sine = turn.unary<nn::SinOp>();
  Expression points = landmarks.gather(Expression::ints(op, crop.subset), 1), x = read(points, 0), y = read(points, 1);
  // The middle and the extent of the box along one axis.
  auto measure = [](Expression at) {
    Expression most = at.reduce(nn::ReductionKind::Max, {1}, /*keepdims=*/true);
    Expression least = at.reduce(nn::ReductionKind::Min, {1}, /*keepdims=*/true);
    return std::pair((least + most) / 2, most - least);
  };
  auto [middleX, sizeX] = measure(cosine * x - sine * y);
  auto [middleY, sizeY] = measure(sine * x + cosine * y);
  Expression scaleX = sizeX * crop.scaleX / static_cast<double>(crop.width);
  Expression scaleY = sizeY * crop.scaleY / static_cast<double>(crop.height);
  double shiftX = -static_cast<double>(crop.width) / 2, shiftY = -static_cast<double>(crop.height) / 2;
  Expression xToX = cosine * scaleX, yToX = sine * scaleY, xToY = sine.like(0) - sine * scaleX, yToY = cosine * scaleY;
  Expression toX = xToX * shiftX + yToX * shiftY + (cosine * middleX + sine * middleY);
  Expression toY = xToY * shiftX + yToY * shiftY + (cosine * middleY - sine * middleX);
  Expression none(op, op.floats({1, 1, 1}, {0})), rest(op, op.floats({1, 1, 8}, {0, 0, 1, 0, 0, 0, 0, 1}));
  if (op.failed())
    return failure();
  Expression numbers = Expression::concat(op, {xToX, yToX, none, toX, xToY, yToY, none, toY, rest}, 2);
  return op.failed() ? failure() : op.declaredResult(numbers.reshape({1, 4, 4}));
}

static const CustomEntry table[] = {
    {"Landmarks2TransformMatrix", {format::BuiltinOperator::CUSTOM, importLandmarksToMatrix}, version},
    {"TransformLandmarks", {format::BuiltinOperator::CUSTOM, importTransformLandmarks}, version},
    {"TransformTensorBilinear", {format::BuiltinOperator::CUSTOM, importTransformTensor}, version},
};

ArrayRef<CustomEntry> getLandmarkOps() { return table; }

} // namespace nnc::tflite
