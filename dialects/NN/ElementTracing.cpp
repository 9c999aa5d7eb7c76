// Follows the elements of small tensors back through operations that only move
// them.
#include "dialects/NN/ElementTracing.h"

#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/NN.h"
#include "dialects/NN/ShapeInference.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc::nn {

/// The place in the input of each element of the result, row-major.
using Places = SmallVector<int64_t>;

static Places stepOfTranspose(TransposeOp op) {
  SmallVector<int64_t> inputStrides = computeStrides(cast<RankedTensorType>(op.getInput().getType()).getShape());
  SmallVector<int64_t> strides = computeStrides(op.getType().getShape());
  Places places;
  for (int64_t i = 0; i < op.getType().getNumElements(); ++i) {
    int64_t place = 0;
    for (auto [axis, index] : llvm::enumerate(delinearize(i, strides)))
      place += index * inputStrides[op.getPermutation()[axis]];
    places.push_back(place);
  }
  return places;
}

static std::optional<Places> stepOfSlice(SliceOp op) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getInput().getType()).getShape();
  std::optional<SmallVector<int64_t>> starts = getConstantInts(op.getStarts()), ends = getConstantInts(op.getEnds());
  std::optional<SmallVector<int64_t>> steps =
      op.getSteps() ? getConstantInts(op.getSteps()) : SmallVector<int64_t>(op.getAxes().size(), 1);
  if (!starts || !ends || !steps || llvm::is_contained(*steps, 0))
    return std::nullopt;
  SmallVector<int64_t> first(shape.size(), 0), step(shape.size(), 1);
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    first[axis] = clampSlice(shape[axis], (*starts)[i], (*ends)[i], (*steps)[i]).start;
    step[axis] = (*steps)[i];
  }
  SmallVector<int64_t> inputStrides = computeStrides(shape), strides = computeStrides(op.getType().getShape());
  Places places;
  for (int64_t i = 0; i < op.getType().getNumElements(); ++i) {
    int64_t place = 0;
    for (auto [axis, index] : llvm::enumerate(delinearize(i, strides)))
      place += (first[axis] + index * step[axis]) * inputStrides[axis];
    places.push_back(place);
  }
  return places;
}

std::optional<MovedElements> traceMovedElements(Value value) {
  constexpr int64_t maxElements = 256;
  auto getType = [](Value tensor) { return cast<RankedTensorType>(tensor.getType()); };
  if (!getType(value).hasStaticShape())
    return std::nullopt;
  Places places = llvm::to_vector(llvm::seq<int64_t>(0, getType(value).getNumElements()));
  while (getType(value).getRank() > 1) {
    Operation *op = value.getDefiningOp();
    bool isMovement = isa_and_present<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp, TransposeOp, SliceOp>(op);
    if (!isMovement || getType(value).getNumElements() > maxElements || !getType(op->getOperand(0)).hasStaticShape())
      return std::nullopt;
    std::optional<Places> moved;
    if (auto transpose = dyn_cast<TransposeOp>(op))
      moved = stepOfTranspose(transpose);
    else if (auto slice = dyn_cast<SliceOp>(op); slice && !(moved = stepOfSlice(slice)))
      return std::nullopt;
    if (moved)
      for (int64_t &place : places)
        place = (*moved)[place];
    value = op->getOperand(0);
  }
  return MovedElements{value, places};
}

} // namespace nnc::nn
