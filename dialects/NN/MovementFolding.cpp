// Folders and canonicalisation of the movement family: what moves nothing, what
// undoes or continues the movement before it, and constants.
#include "dialects/NN/ExtentTracing.h"
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace nnc::nn {

//===----------------------------------------------------------------------===//
// Shape changes that keep the order of the elements
//===----------------------------------------------------------------------===//

/// `attribute`, a constant of any size, in another static shape.
static Attribute reshapeConstant(Attribute attribute, RankedTensorType type) {
  if (!type.hasStaticShape())
    return {};
  if (auto dense = dyn_cast_if_present<DenseElementsAttr>(attribute))
    return dense.getNumElements() == type.getNumElements() ? dense.reshape(type) : Attribute();
  if (auto resource = dyn_cast_if_present<DenseResourceElementsAttr>(attribute))
    return resource.getNumElements() == type.getNumElements()
               ? DenseResourceElementsAttr::get(type, resource.getRawHandle())
               : Attribute();
  return {};
}

/// Folds a constant, and a shape change to the type that the input has, where at
/// most one extent is unknown (so that it must be the same).
static OpFoldResult foldReshape(Operation *op, Attribute input) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  if (op->getOperand(0).getType() == type && type.getNumDynamicDims() <= 1 && !llvm::is_contained(type.getShape(), 0))
    return op->getOperand(0);
  if (Attribute constant = reshapeConstant(input, type))
    return constant;
  return foldKnownInts(op);
}

/// Whether the number of elements stays the same whatever the unknown extents are; elsewhere it is a requirement, which
/// no fold may drop.
static bool keepsElements(ReshapeOp op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  std::optional<SmallVector<KnownInt>> shape = getKnownInts(op.getShape());
  if (!shape)
    return false;
  llvm::SmallBitVector copied(input.getRank());
  int64_t own = 1, others = 1;
  bool hasRemaining = false, isCut = false;
  for (auto [i, entry] : llvm::enumerate(*shape)) {
    if (entry.value == -1)
      hasRemaining = true;
    else if (entry.value == 0 && !op.getAllowZero() && i < copied.size() && !copied[i])
      copied.set(i);
    else if (entry.value)
      others *= *entry.value;
    else {
      int64_t axis = 0;
      while (axis < input.getRank() &&
             (copied[axis] || !entry.tensor || !haveSameExtent(entry.tensor, entry.axis, op.getInput(), axis)))
        ++axis;
      if (axis == input.getRank())
        return false;
      copied.set(axis);
    }
  }
  for (int64_t axis = 0; axis < input.getRank(); ++axis) {
    if (copied[axis])
      continue;
    isCut |= input.isDynamicDim(axis);
    own *= input.isDynamicDim(axis) ? 1 : input.getDimSize(axis);
  }
  return hasRemaining ? others != 0 && own % others == 0 : !isCut && own == others;
}

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  if (getType().hasStaticShape() || keepsElements(*this))
    if (OpFoldResult folded = foldReshape(*this, adaptor.getInput()))
      return folded;
  auto producer = getInput().getDefiningOp<ReshapeOp>();
  std::optional<SmallVector<int64_t>> shape = getConstantInts(getShape());
  if (!producer || !shape || (!getAllowZero() && llvm::is_contained(*shape, 0)) || !keepsElements(producer))
    return {};
  getInputMutable().assign(producer.getInput());
  return getResult();
}

OpFoldResult SqueezeOp::fold(FoldAdaptor adaptor) { return foldReshape(*this, adaptor.getInput()); }
OpFoldResult UnsqueezeOp::fold(FoldAdaptor adaptor) { return foldReshape(*this, adaptor.getInput()); }
OpFoldResult FlattenOp::fold(FoldAdaptor adaptor) { return foldReshape(*this, adaptor.getInput()); }

/// Replaces a change of shape with a static result by a reshape.
template <typename OpTy>
static LogicalResult toReshape(OpTy op, PatternRewriter &rewriter) {
  RankedTensorType type = op.getType();
  if (!type.hasStaticShape())
    return rewriter.notifyMatchFailure(op, "the result's shape is not static");
  auto shape = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getI64TensorAttr(type.getShape()));
  rewriter.replaceOpWithNewOp<ReshapeOp>(op, TypeRange{type}, ValueRange{op.getInput(), shape},
                                         ArrayRef<NamedAttribute>{rewriter.getNamedAttr("allow_zero", rewriter.getUnitAttr())});
  return success();
}

void SqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(toReshape<SqueezeOp>);
}
void UnsqueezeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(toReshape<UnsqueezeOp>);
}
void FlattenOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(toReshape<FlattenOp>);
}

//===----------------------------------------------------------------------===//
// Permutation, concatenation, cutting
//===----------------------------------------------------------------------===//

OpFoldResult TransposeOp::fold(FoldAdaptor adaptor) {
  if (isIdentityPermutation(getPermutation()) && getInput().getType() == getType())
    return getInput();
  if (ConstantElements input{adaptor.getInput()})
    return buildConstant(getType(), [&](ArrayRef<int64_t> index) {
      return input.at(applyPermutation(index, invertPermutationVector(getPermutation())));
    });
  auto producer = getInput().getDefiningOp<TransposeOp>();
  if (!producer)
    return {};
  setPermutation(applyPermutation(producer.getPermutation(), getPermutation()));
  getInputMutable().assign(producer.getInput());
  return getResult();
}

OpFoldResult ConcatOp::fold(FoldAdaptor adaptor) {
  if (getInputs().size() == 1 && getInputs().front().getType() == getType())
    return getInputs().front();
  SmallVector<ConstantElements> inputs;
  for (Attribute input : adaptor.getInputs())
    inputs.emplace_back(input);
  if (llvm::all_of(inputs, [](const ConstantElements &input) { return static_cast<bool>(input); }))
    return buildConstant(getType(), [&](ArrayRef<int64_t> index) {
      SmallVector<int64_t> local(index);
      const ConstantElements *input = inputs.begin();
      while (local[getAxis()] >= input->getType().getDimSize(getAxis()))
        local[getAxis()] -= (input++)->getType().getDimSize(getAxis());
      return input->at(local);
    });
  for (auto [i, input] : llvm::enumerate(getInputs())) {
    if (getInputs().size() > 1 && cast<RankedTensorType>(input.getType()).getDimSize(getAxis()) == 0) {
      getInputsMutable().erase(i);
      return getResult();
    }
  }
  return foldKnownInts(*this);
}

/// True where a slice with constant bounds leaves nothing out.
static bool isWhole(SliceOp op) {
  if (op.getInput().getType() != op.getType())
    return false;
  std::optional<SmallVector<int64_t>> starts = getConstantInts(op.getStarts()), ends = getConstantInts(op.getEnds());
  std::optional<SmallVector<int64_t>> steps =
      op.getSteps() ? getConstantInts(op.getSteps()) : SmallVector<int64_t>(op.getAxes().size(), 1);
  if (!starts || !ends || !steps)
    return false;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    bool isStatic = !op.getType().isDynamicDim(axis);
    if ((*steps)[i] != 1 || (!isStatic && ((*starts)[i] != 0 || (*ends)[i] < std::numeric_limits<int32_t>::max())))
      return false;
  }
  return true;
}

OpFoldResult SliceOp::fold(FoldAdaptor adaptor) {
  if (isWhole(*this))
    return getInput();
  ConstantElements input{adaptor.getInput()};
  std::optional<SmallVector<int64_t>> starts = getConstantInts(getStarts()), ends = getConstantInts(getEnds());
  std::optional<SmallVector<int64_t>> steps =
      getSteps() ? getConstantInts(getSteps()) : SmallVector<int64_t>(getAxes().size(), 1);
  if (!input || !starts || !ends || !steps)
    return foldKnownInts(*this);
  return buildConstant(getType(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    for (auto [i, axis] : llvm::enumerate(getAxes())) {
      SliceBounds bounds = clampSlice(input.getType().getDimSize(axis), (*starts)[i], (*ends)[i], (*steps)[i]);
      source[axis] = bounds.start + index[axis] * (*steps)[i];
    }
    return input.at(source);
  });
}

OpFoldResult ReverseOp::fold(FoldAdaptor adaptor) {
  RankedTensorType type = getType();
  if (getInput().getType() == type && llvm::all_of(getAxes(), [&](int64_t axis) { return type.getDimSize(axis) == 1; }))
    return getInput();
  ConstantElements input{adaptor.getInput()};
  if (!input)
    return {};
  return buildConstant(type, [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    for (int64_t axis : getAxes())
      source[axis] = type.getDimSize(axis) - 1 - index[axis];
    return input.at(source);
  });
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

OpFoldResult PadOp::fold(FoldAdaptor adaptor) {
  std::optional<SmallVector<int64_t>> pads = getConstantInts(getPads());
  if (pads && llvm::all_of(*pads, [](int64_t pad) { return pad == 0; }) && getInput().getType() == getType())
    return getInput();
  return {};
}

OpFoldResult BroadcastToOp::fold(FoldAdaptor adaptor) {
  if (getType().hasStaticShape() && getInput().getType() == getType())
    return getInput();
  ConstantElements input{adaptor.getInput()};
  if (!input)
    return {};
  return buildConstant(getType(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index.take_back(input.getType().getRank()));
    for (auto [i, extent] : llvm::zip(source, input.getType().getShape()))
      i = extent == 1 ? 0 : i;
    return input.at(source);
  });
}

OpFoldResult TileOp::fold(FoldAdaptor adaptor) {
  std::optional<SmallVector<int64_t>> repeats = getConstantInts(getRepeats());
  if (repeats && llvm::all_of(*repeats, [](int64_t i) { return i == 1; }) && getInput().getType() == getType())
    return getInput();
  ConstantElements input{adaptor.getInput()};
  if (!input)
    return {};
  return buildConstant(getType(), [&](ArrayRef<int64_t> index) {
    SmallVector<int64_t> source(index);
    for (auto [i, extent] : llvm::zip(source, input.getType().getShape()))
      i %= extent;
    return input.at(source);
  });
}

} // namespace nnc::nn
