// TFLite operators that cut tensors.
#include "lib/Frontend/TFLite/OpTable.h"

#include "dialects/NN/ConstantFolding.h"

using namespace mlir;

namespace nnc::tflite {

/// Behind all extents, on either side.
static constexpr int64_t farAway = int64_t(1) << 31;

/// Sizes of -1 reach to the end.
static LogicalResult importSlice(OpBinder &op) {
  Value x = op.operand(0), starts = op.indexList(1), sizes = op.indexList(2);
  if (op.failed())
    return failure();
  Value ends = op.create<nn::AddOp>(starts, sizes);
  Type i64 = op.getBuilder().getI64Type();
  if (auto known = nn::getConstantInts(sizes); !known || llvm::is_contained(*known, -1)) {
    Value isOpen = op.create<nn::CompareOp>(sizes, op.scalar(i64, 0), nn::ComparePredicate::Less);
    ends = op.create<nn::WhereOp>(isOpen, op.scalar(i64, farAway), ends);
  }
  return op.result(
      op.create<nn::SliceOp>(x, starts, ends, Value(), llvm::to_vector(llvm::seq<int64_t>(0, op.getRank(x)))));
}

namespace {

/// A slice in Python's words, one entry for each of its items.
struct StridedSlice {
  SmallVector<int64_t> begin, end, strides;
  const format::StridedSliceOptions &options;

  static bool isSet(int32_t mask, size_t item) { return item < 32 && ((mask >> item) & 1); }
};

/// What it does to the axes of its input.
struct AxisSlices {
  SmallVector<int64_t> axes, starts, ends, steps;
  SmallVector<int64_t> newAxes; ///< places in the result before `removed` are removed
  SmallVector<int64_t> removed;
};

} // namespace

/// Adds what one item does to the next axis of the input.
static void addItem(OpBinder &op, const StridedSlice &slice, size_t item, int64_t axis, int64_t place,
                    AxisSlices &slices) {
  int64_t begin = slice.begin[item], end = slice.end[item], stride = slice.strides[item];
  if (stride == 0) {
    (void)op.reject("a stride of 0");
    return;
  }
  if (slice.options.offset())
    end += begin;
  if (slice.isSet(slice.options.begin_mask(), item))
    begin = stride > 0 ? 0 : farAway;
  if (slice.isSet(slice.options.end_mask(), item))
    end = stride > 0 ? farAway : -farAway;
  if (slice.isSet(slice.options.shrink_axis_mask(), item)) {
    stride = 1;
    end = begin == -1 ? farAway : begin + 1;
    slices.removed.push_back(place);
  }
  slices.axes.push_back(axis);
  slices.starts.push_back(begin);
  slices.ends.push_back(end);
  slices.steps.push_back(stride);
}

/// Distributes the items over the axes of a tensor of `rank` axes.
static AxisSlices distribute(OpBinder &op, const StridedSlice &slice, int64_t rank) {
  AxisSlices slices;
  int64_t numItems = slice.begin.size(), named = 0, axis = 0, place = 0;
  bool hasEllipsis = false;
  for (int64_t item = 0; item < numItems; ++item)
    named += !slice.isSet(slice.options.ellipsis_mask(), item) && !slice.isSet(slice.options.new_axis_mask(), item);
  for (int64_t item = 0; item < numItems; ++item) {
    if (slice.isSet(slice.options.ellipsis_mask(), item)) {
      if (hasEllipsis)
        (void)op.reject("it has two ellipses");
      hasEllipsis = true;
      place += std::max<int64_t>(rank - named, 0);
      axis += std::max<int64_t>(rank - named, 0);
    } else if (slice.isSet(slice.options.new_axis_mask(), item)) {
      slices.newAxes.push_back(place++);
    } else {
      addItem(op, slice, item, axis++, place++, slices);
    }
  }
  if (axis > rank)
    (void)op.reject("it names " + Twine(axis) + " axes of a tensor of " + Twine(rank));
  return slices;
}

static LogicalResult importStridedSlice(OpBinder &op) {
  Value x = op.operand(0);
  StridedSlice slice{op.constantInts(1), op.constantInts(2), op.constantInts(3),
                     op.options<format::StridedSliceOptions>()};
  if (op.failed())
    return failure();
  if (slice.begin.size() != slice.end.size() || slice.begin.size() != slice.strides.size())
    return op.reject("begin, end and strides must have one length");
  AxisSlices slices = distribute(op, slice, op.getRank(x));
  if (op.failed())
    return failure();
  x = op.create<nn::SliceOp>(x, op.ints(slices.starts), op.ints(slices.ends), op.ints(slices.steps), slices.axes);
  if (!slices.newAxes.empty())
    x = op.create<nn::UnsqueezeOp>(x, slices.newAxes);
  if (!slices.removed.empty())
    x = op.create<nn::SqueezeOp>(x, slices.removed);
  return op.result(x);
}

static LogicalResult splitInto(OpBinder &op, Value x, int64_t axis, ArrayRef<int64_t> sizes) {
  int64_t start = 0;
  for (int64_t size : sizes) {
    if (failed(op.result(op.sliceAxis(x, axis, start, start + size))))
      return failure();
    start += size;
  }
  return success();
}

static LogicalResult importSplit(OpBinder &op) {
  Value x = op.operand(1);
  int64_t axis = op.constantAxis(0, x), count = op.options<format::SplitOptions>().num_splits();
  if (op.failed())
    return failure();
  int64_t extent = op.getShape(x)[axis];
  if (ShapedType::isDynamic(extent) || count != op.getNumResults() || count < 1 || extent % count != 0)
    return op.reject("an extent that is not known at compile time, or no multiple of the number of results");
  return splitInto(op, x, axis, SmallVector<int64_t>(count, extent / count));
}

/// One of the sizes may be -1: what the others leave.
static LogicalResult importSplitV(OpBinder &op) {
  Value x = op.operand(0);
  SmallVector<int64_t> sizes = op.constantInts(1);
  int64_t axis = op.constantAxis(2, x);
  if (op.failed())
    return failure();
  int64_t extent = op.getShape(x)[axis], known = 0, open = llvm::count(sizes, -1);
  for (int64_t size : sizes)
    known += size < 0 ? 0 : size;
  if (ShapedType::isDynamic(extent) || open > 1 || known > extent || (open == 0 && known != extent) ||
      sizes.size() != op.getNumResults() || llvm::any_of(sizes, [](int64_t size) { return size < -1; }))
    return op.reject("its sizes do not fit an extent that is known at compile time");
  for (int64_t &size : sizes)
    size = size < 0 ? extent - known : size;
  return splitInto(op, x, axis, sizes);
}

static const OpEntry table[] = {
    {format::BuiltinOperator::SLICE, importSlice, importSlice},
    {format::BuiltinOperator::SPLIT, importSplit, importSplit},
    {format::BuiltinOperator::SPLIT_V, importSplitV, importSplitV},
    {format::BuiltinOperator::STRIDED_SLICE, importStridedSlice, importStridedSlice},
};

ArrayRef<OpEntry> getSlicingOps() { return table; }

} // namespace nnc::tflite
