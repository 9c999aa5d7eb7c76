// TFLite operators that put gaps between elements, and those that reduce what a window sees.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// Extents, windows and steps that are still believed.
static constexpr int64_t maxExtent = 1 << 24;

/// `step` - 1 elements `rest` between those of an axis, whose extent is known.
static Expression dilate(OpBinder &op, Expression x, int64_t axis, int64_t step, Value rest) {
  int64_t extent = x.getExtent(axis);
  if (step == 1 || op.failed())
    return x;
  // Each element gets its gap behind it, the last one loses it again.
  Value padded = op.create<nn::PadOp>(x.unsqueeze({axis + 1}), op.ints({0, step - 1}), rest, ArrayRef<int64_t>{axis + 1},
                                      nn::PadMode::Constant);
  if (op.failed())
    return {};
  SmallVector<Expression> shape;
  if (axis > 0)
    shape.push_back(x.shape(0, axis));
  shape.push_back(Expression::ints(op, {extent * step}));
  if (axis + 1 < x.getRank())
    shape.push_back(x.shape(axis + 1, x.getRank()));
  return Expression(op, padded).reshape(Expression::concat(op, shape, 0)).slice(axis, 0, (extent - 1) * step + 1);
}

/// Gaps of one element, operand 2, between those of the others: as many steps from one to the next as operand 1 says.
static LogicalResult importDilate(OpBinder &op) {
  Expression x(op, op.operand(0));
  SmallVector<int64_t> steps = op.constantInts(1);
  Value rest = op.operand(2);
  if (op.failed())
    return failure();
  if (static_cast<int64_t>(steps.size()) != x.getRank() || op.getRank(rest) != 0)
    return op.reject("it needs a step for each axis, and one element between the others");
  for (auto [axis, step] : llvm::enumerate(steps)) {
    int64_t extent = x.getExtent(axis);
    if (step < 1 || (step > 1 && (extent < 1 || extent > maxExtent || step > maxExtent / extent)))
      return op.reject("its steps and the extents that they change must be known at compile time, positive and reasonable");
    x = dilate(op, x, axis, step, rest);
  }
  return op.result(x);
}

//===--- Windows ---===//

/// The operation between two elements, and the one over an axis.
static std::optional<nn::ReductionKind> getReduction(format::WindowFunction function) {
  switch (function) {
  case format::WindowFunction::ADD:
    return nn::ReductionKind::Sum;
  case format::WindowFunction::MUL:
    return nn::ReductionKind::Prod;
  case format::WindowFunction::MINIMUM:
    return nn::ReductionKind::Min;
  case format::WindowFunction::MAXIMUM:
    return nn::ReductionKind::Max;
  default:
    return std::nullopt;
  }
}

static Expression combine(Expression x, Expression y, nn::ReductionKind kind) {
  switch (kind) {
  case nn::ReductionKind::Sum:
    return x + y;
  case nn::ReductionKind::Prod:
    return x * y;
  case nn::ReductionKind::Min:
    return x.min(y);
  default:
    return x.max(y);
  }
}

/// The windows of one axis: which elements each of them sees, and what these give.
static Expression reduceAxis(OpBinder &op, Expression x, int64_t axis, ArrayRef<int64_t> window, nn::ReductionKind kind) {
  auto [size, stride, dilation] = std::tuple(window[0], window[1], window[2]);
  int64_t extent = x.getExtent(axis), reach = (size - 1) * dilation + 1;
  if (size == 1 && stride == 1)
    return x;
  if (reach > extent || (extent - reach) % stride != 0) {
    // TFLite's kernel reads past the end then.
    (void)op.reject("its windows do not end where the axis they slide over ends");
    return {};
  }
  int64_t count = (extent - reach) / stride + 1;
  if (count > maxExtent / size) {
    (void)op.reject("its windows are too many");
    return {};
  }
  SmallVector<int64_t> places;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t k = 0; k < size; ++k)
      places.push_back(i * stride + k * dilation);
  Expression seen = x.gather({op, op.reshape(op.ints(places), {count, size})}, axis);
  return seen.reduce(kind, {axis + 1}, /*keepdims=*/false);
}

/// Sizes, strides and dilations are operands 2 to 4, a number for each axis; operand 1 is what each result begins with. One
/// axis is reduced after the other.
static LogicalResult importReduceWindow(OpBinder &op) {
  Expression x(op, op.operand(0)), start(op, op.operand(1));
  SmallVector<int64_t> sizes = op.constantInts(2), strides = op.constantInts(3), dilations = op.constantInts(4);
  std::optional<nn::ReductionKind> kind = getReduction(op.options2<format::ReduceWindowOptions>().reduce_function());
  if (op.failed())
    return failure();
  if (!kind)
    return op.reject("it is supported for sums, products, minima and maxima");
  size_t rank = x.getRank();
  if (sizes.size() != rank || strides.size() != rank || dilations.size() != rank)
    return op.reject("it needs a size, a stride and a dilation for each axis");
  for (int64_t axis = 0; axis < x.getRank(); ++axis) {
    SmallVector<int64_t> window{sizes[axis], strides[axis], dilations[axis]};
    auto isReasonable = [](int64_t number) { return number >= 1 && number <= (1 << 20); };
    bool isIdentity = window[0] == 1 && window[1] == 1;
    if (!llvm::all_of(window, isReasonable) || (!isIdentity && ShapedType::isDynamic(x.getExtent(axis))))
      return op.reject("its windows and the extents they slide over must be known at compile time, positive and reasonable");
    x = reduceAxis(op, x, axis, window, *kind);
    if (op.failed())
      return failure();
  }
  return op.result(combine(x, start.reshape(ArrayRef<int64_t>{1}), *kind));
}

static const OpEntry table[] = {
    {format::BuiltinOperator::DILATE, importDilate, importDilate},
    {format::BuiltinOperator::REDUCE_WINDOW, importReduceWindow},
};

ArrayRef<OpEntry> getDilationOps() { return table; }

} // namespace nnc::tflite
