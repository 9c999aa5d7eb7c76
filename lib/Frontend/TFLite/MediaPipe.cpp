// Custom operators of MediaPipe's networks of segmentation: their options are the bytes of a C struct of TFLite's, a
// sequence of 32-bit integers, and all their numbers are floats.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/OpTable.h"
#include "lib/Frontend/TFLite/Windows.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// Windows with more places would become as many operations.
static constexpr int64_t maxPlaces = 1024;

/// TfLitePadding, whose 0 is no padding at all.
static std::optional<format::Padding> readPadding(OpBinder &op, int64_t number) {
  if (number == 1)
    return format::Padding::SAME;
  if (number == 2)
    return format::Padding::VALID;
  (void)op.reject("its padding " + Twine(number) + " is not known");
  return std::nullopt;
}

/// Rejects an operator that has an operand that is no f32, or image operands of other than four axes, of which all but
/// the first are known.
static bool checkImages(OpBinder &op, unsigned numImages) {
  for (Value operand : op.allOperands())
    if (operand && !op.getType(operand).getElementType().isF32())
      (void)op.reject("its operands must be f32");
  for (unsigned index = 0; index < numImages && !op.failed(); ++index) {
    ArrayRef<int64_t> shape = op.getShape(op.operand(index));
    if (shape.size() != 4 || llvm::any_of(shape.drop_front(), [](int64_t extent) { return extent < 1; }))
      (void)op.reject("its input must have four axes, all but the first of extents that are known at compile time, and "
                      "positive; give them with --shape");
  }
  return !op.failed();
}

//===--- Convolution2DTransposeBias ---===//

/// Reads TfLiteTransposeConvParams: padding, stride_width, stride_height, and of newer files activation and
/// quantized_bias_type, which MediaPipe does not look at. Elements are taken away from what windows reach so that a
/// stride is what they reach beyond the input; TRANSPOSE_CONV counts otherwise.
static LogicalResult readTransposedWindows(OpBinder &op, Value input, ArrayRef<int64_t> filter, Windows &windows) {
  SmallVector<int64_t> words = op.customWords(3, 5);
  if (op.failed())
    return failure();
  std::optional<format::Padding> padding = readPadding(op, words[0]);
  if (words.size() > 3 && words[3] != 0)
    return op.reject("an activation in its options is not supported");
  windows.size = {filter[1], filter[2]};
  windows.strides = {words[2], words[1]};
  windows.dilations = {1, 1};
  setPads(op, input, format::Padding::VALID, windows);
  for (unsigned axis = 0; axis < 2 && !op.failed() && padding == format::Padding::SAME; ++axis) {
    int64_t beyond = (op.getShape(input)[axis + 1] - 1) % windows.strides[axis];
    int64_t total = std::max<int64_t>(windows.size[axis] - beyond - 1, 0);
    windows.padsBegin[axis] = total / 2;
    windows.padsEnd[axis] = total - total / 2;
  }
  return success(!op.failed());
}

static LogicalResult importTransposedConvWithBias(OpBinder &op) {
  Value input = op.operand(0), filter = op.operand(1), bias = op.operand(2);
  if (!checkImages(op, 1))
    return failure();
  ArrayRef<int64_t> extents = op.getShape(filter), image = op.getShape(input); // (out, h, w, in)
  if (extents.size() != 4 || llvm::any_of(extents, [](int64_t extent) { return extent < 1; }) ||
      extents[3] != image[3] || op.getShape(bias) != extents.take_front())
    return op.reject("its filter and its bias do not fit each other or its input");
  Windows windows;
  if (failed(readTransposedWindows(op, input, extents, windows)))
    return failure();
  filter = op.create<nn::TransposeOp>(filter, ArrayRef<int64_t>{3, 0, 1, 2});
  Value result = op.create<nn::ConvTransposeOp>(input, filter, bias, nn::Layout::ChannelsLast, windows.strides,
                                                windows.dilations, windows.padsBegin, windows.padsEnd, /*groups=*/1,
                                                ArrayRef<int64_t>{0, 0});
  return op.failed() ? failure() : op.declaredResult(result);
}

//===--- MaxPoolingWithArgmax2D and MaxUnpooling2D ---===//

namespace {

/// TfLitePoolParams: padding, stride_width, stride_height, filter_width, filter_height, activation, and padding of the
/// run time, of two or four numbers.
struct PoolOptions {
  int64_t padding = 0;
  SmallVector<int64_t> size, strides;
  format::Activation activation = format::Activation::NONE;
};

} // namespace

static PoolOptions readPoolOptions(OpBinder &op) {
  SmallVector<int64_t> words = op.customWords(6, 10);
  PoolOptions options;
  if (op.failed())
    return options;
  options.padding = words[0];
  options.strides = {words[2], words[1]};
  options.size = {words[4], words[3]};
  if (words[5] < 0 || words[5] > static_cast<int64_t>(format::Activation::RELU6))
    (void)op.reject("its activation " + Twine(words[5]) + " is not supported");
  else
    options.activation = static_cast<format::Activation>(words[5]);
  for (int64_t size : options.size)
    if (size < 1 || size > maxPlaces || options.size[0] * options.size[1] > maxPlaces)
      (void)op.reject("its window must have 1 to " + Twine(maxPlaces) + " elements");
  return options;
}

/// The largest element of each window and its place there, counted row by row and in padding too: 0.1 more than it, as
/// MediaPipe has it. The first of several stays; windows without a number above the lowest one have their first place.
static LogicalResult importMaxPoolWithPlaces(OpBinder &op) {
  if (!checkImages(op, 1))
    return failure();
  Expression x(op, op.operand(0));
  PoolOptions options = readPoolOptions(op);
  if (op.failed())
    return failure();
  std::optional<format::Padding> padding = readPadding(op, options.padding);
  Windows windows{options.size, options.strides, {1, 1}, {}, {}};
  if (padding)
    setPads(op, x, *padding, windows);
  if (op.failed())
    return failure();
  SmallVector<int64_t> pads(windows.padsBegin), lengths;
  pads.append(windows.padsEnd.begin(), windows.padsEnd.end());
  for (unsigned axis = 0; axis < 2; ++axis) {
    int64_t rest = x.getExtent(axis + 1) + windows.padsBegin[axis] + windows.padsEnd[axis] - windows.size[axis];
    if (rest < 0)
      return op.reject("its window is larger than its input");
    lengths.push_back(rest / windows.strides[axis]);
  }
  Expression lowest = x.like(std::numeric_limits<float>::lowest()), largest = lowest, place = x.like(0.1F);
  Expression padded(op, op.create<nn::PadOp>(x, op.ints(pads), Value(lowest), ArrayRef<int64_t>{1, 2},
                                             nn::PadMode::Constant));
  for (int64_t number = 0; number < options.size[0] * options.size[1] && !op.failed(); ++number) {
    Expression element = padded;
    int64_t starts[] = {number / options.size[1], number % options.size[1]};
    for (unsigned axis = 0; axis < 2; ++axis)
      element = element.slice(axis + 1, starts[axis], starts[axis] + lengths[axis] * windows.strides[axis] + 1,
                              windows.strides[axis]);
    Expression isLarger = element > largest;
    largest = isLarger.choose(element, largest);
    place = isLarger.choose(x.like(static_cast<float>(number) + 0.1F), place);
  }
  if (op.failed() || failed(op.declaredResult(op.activate(largest, options.activation))))
    return failure();
  return op.declaredResult(place);
}

/// Windows of zeros with an element each at its place, whose fraction does not count.
static LogicalResult importMaxUnpool(OpBinder &op) {
  if (!checkImages(op, 2))
    return failure();
  Expression x(op, op.operand(0)), place(op, op.operand(1));
  PoolOptions options = readPoolOptions(op);
  if (op.failed())
    return failure();
  if (options.strides != options.size)
    return op.reject("strides that are not the extents of its window are not supported");
  if (options.activation != format::Activation::NONE)
    return op.reject("an activation in its options is not supported");
  if (op.getShape(x) != op.getShape(place))
    return op.reject("its inputs must have one shape");
  int64_t height = options.size[0], width = options.size[1];
  std::vector<float> low, high;
  for (int64_t number = 0; number < height * width; ++number) {
    low.push_back(number ? static_cast<float>(number) : std::nextafter(-1.0F, 0.0F));
    high.push_back(static_cast<float>(number + 1));
  }
  Expression least(op, op.floats({1, 1, height, 1, width, 1}, low)), limit(op, op.floats({1, 1, height, 1, width, 1}, high));
  place = place.unsqueeze({2, 4});
  Expression value = x.unsqueeze({2, 4}), isHere = (place >= least) & (place < limit);
  Expression windows = isHere.choose(value, value.like(0));
  if (op.failed())
    return failure();
  return op.declaredResult(windows.reshape({0, x.getExtent(1) * height, x.getExtent(2) * width, x.getExtent(3)}));
}

static const CustomEntry table[] = {
    {"Convolution2DTransposeBias", {format::BuiltinOperator::CUSTOM, importTransposedConvWithBias}},
    {"MaxPoolingWithArgmax2D", {format::BuiltinOperator::CUSTOM, importMaxPoolWithPlaces}},
    {"MaxUnpooling2D", {format::BuiltinOperator::CUSTOM, importMaxUnpool}},
};

ArrayRef<CustomEntry> getMediaPipeOps() { return table; }

} // namespace nnc::tflite
