// Moves transposes towards the graph's results until they cancel.
//
// Expects NN operations. A transpose from channels-last back to channels-first
// is moved below operations that do not care about the order of axes
// (element-wise) or that name the axes they work on (concat, reduce, softmax,
// slice, pad ...), until it meets the opposite transpose of the next spatial
// operation or the end of the graph. Transposes that only move axes of extent
// one become reshapes.
#include "lib/Transforms/Passes.h"

#include "dialects/NN/ConstantFolding.h"
#include "lib/Support/Decision.h"
#include "lib/Transforms/Permutation.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_SINKTRANSPOSES
#include "lib/Transforms/Passes.h.inc"

namespace {

/// Transposed operands of an operation, all by one permutation, and what each was before.
struct TransposedOperands {
  SmallVector<int64_t> permutation;
  SmallVector<Value> sources; // same order as the operands; null where it is not transposed
};

} // namespace

/// (N, spatial..., C) -> (N, C, spatial...): the only direction that sinks, so that rewriting ends.
static bool isToChannelsFirst(ArrayRef<int64_t> permutation) {
  int64_t rank = permutation.size();
  if (rank < 3 || permutation[0] != 0 || permutation[1] != rank - 1)
    return false;
  for (int64_t i = 2; i < rank; ++i)
    if (permutation[i] != i - 1)
      return false;
  return true;
}

static nn::TransposeOp getSinkable(Value value) {
  auto transpose = value.getDefiningOp<nn::TransposeOp>();
  return transpose && isToChannelsFirst(transpose.getPermutation()) ? transpose : nn::TransposeOp();
}

static bool isConstant(Value value) { return matchPattern(value, m_Constant()); }

/// The transposed ones among `operands`; nothing where there is none.
static std::optional<TransposedOperands> findTransposed(ValueRange operands) {
  TransposedOperands result;
  for (Value operand : operands) {
    nn::TransposeOp transpose = getSinkable(operand);
    if (transpose && (result.permutation.empty() || result.permutation == transpose.getPermutation())) {
      result.permutation.assign(transpose.getPermutation().begin(), transpose.getPermutation().end());
      result.sources.push_back(transpose.getInput());
    } else {
      result.sources.push_back({});
    }
  }
  if (result.permutation.empty())
    return std::nullopt;
  return result;
}

/// A copy of `op` on `operands`, its results in the order before the transpose, followed by the transpose.
static void replaceSunk(PatternRewriter &rewriter, Operation *op, ValueRange operands, ArrayRef<int64_t> permutation) {
  Operation *sunk = rewriter.clone(*op);
  sunk->setOperands(operands);
  SmallVector<int64_t> inverse = invertPermutationVector(permutation);
  SmallVector<Value> results;
  for (OpResult result : sunk->getResults()) {
    result.setType(permuteType(cast<RankedTensorType>(result.getType()), inverse));
    results.push_back(nn::TransposeOp::create(rewriter, op->getLoc(), result, permutation));
  }
  rewriter.replaceOp(op, results);
}

static int64_t getElementCount(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.hasStaticShape() ? type.getNumElements() : ShapedType::kDynamic;
}

/// Gives a broadcast operand all axes, then the order before the transpose.
static Value permuteOperand(PatternRewriter &rewriter, Location loc, Value operand, ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t missing = permutation.size() - type.getRank();
  if (getElementCount(operand) == 1 && type.getRank() == 0)
    return operand;
  if (missing > 0) {
    SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, missing));
    operand = rewriter.createOrFold<nn::UnsqueezeOp>(loc, operand, axes);
  }
  return rewriter.createOrFold<nn::TransposeOp>(loc, operand, invertPermutationVector(permutation));
}

/// Whether both have the same extents but for the channels of `channels`, (N, C, spatial...), which `split` has in two
/// axes, (N, C / n, n, spatial...). An extent that only run time knows is the same as well where all others are.
static bool splitsChannels(RankedTensorType channels, RankedTensorType split) {
  int64_t rank = channels.getRank();
  if (rank < 3 || split.getRank() != rank + 1 || channels.getNumDynamicDims() > 1 || channels.isDynamicDim(1) ||
      split.isDynamicDim(1) || split.isDynamicDim(2))
    return false;
  return channels.getDimSize(1) > 0 && channels.getDimSize(1) == split.getDimSize(1) * split.getDimSize(2) &&
         channels.getDimSize(0) == split.getDimSize(0) &&
         channels.getShape().drop_front(2) == split.getShape().drop_front(3);
}

static Value reshapeLast(OpBuilder &builder, Location loc, Value value, size_t kept, ArrayRef<int64_t> last) {
  SmallVector<int64_t> target(kept, 0); // as they are
  target.append(last.begin(), last.end());
  auto type = RankedTensorType::get({static_cast<int64_t>(target.size())}, builder.getI64Type());
  Value shape = arith::ConstantOp::create(builder, loc, DenseIntElementsAttr::get(type, target));
  return nn::ReshapeOp::create(builder, loc, value, shape, /*allow_zero=*/false);
}

namespace {

/// Below an element-wise operation, where as many operands are transposed as would have to be.
struct SinkBelowElementwise : public RewritePattern {
  explicit SinkBelowElementwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (!op->hasTrait<nn::ElementwiseTrait>())
      return rewriter.notifyMatchFailure(op, "not element-wise");
    std::optional<TransposedOperands> transposed = findTransposed(op->getOperands());
    if (!transposed)
      return rewriter.notifyMatchFailure(op, "no operand is transposed");
    auto rank = static_cast<int64_t>(transposed->permutation.size());
    int64_t gained = 0, lost = 0;
    for (auto [operand, source] : llvm::zip(op->getOperands(), transposed->sources)) {
      if (cast<RankedTensorType>(operand.getType()).getRank() > rank)
        return rewriter.notifyMatchFailure(op, "the transposed operand is broadcast to more axes");
      if (source)
        ++gained;
      else if (!isConstant(operand) && getElementCount(operand) != 1)
        ++lost;
    }
    if (lost > gained || (lost == gained && rank == 3 && lost))
      return rewriter.notifyMatchFailure(op, "would add transposes");
    SmallVector<Value> operands;
    for (auto [operand, source] : llvm::zip(op->getOperands(), transposed->sources))
      operands.push_back(source ? source
                                : permuteOperand(rewriter, op->getLoc(), operand, transposed->permutation));
    replaceSunk(rewriter, op, operands, transposed->permutation);
    return success();
  }
};

/// Below an operation that names one axis: concat, softmax ...
template <typename OpTy> struct SinkBelowAxis : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    std::optional<TransposedOperands> transposed = findTransposed(op->getOperands());
    if (!transposed)
      return rewriter.notifyMatchFailure(op, "no operand is transposed");
    auto missing = llvm::count(transposed->sources, Value());
    if (2 * missing >= static_cast<int64_t>(transposed->sources.size()) && missing)
      return rewriter.notifyMatchFailure(op, "would add transposes");
    SmallVector<Value> operands;
    for (auto [operand, source] : llvm::zip(op->getOperands(), transposed->sources))
      operands.push_back(source ? source
                                : permuteOperand(rewriter, op->getLoc(), operand, transposed->permutation));
    int64_t axis = transposed->permutation[op.getAxis()];
    rewriter.modifyOpInPlace(op, [&] { op.setAxis(axis); });
    replaceSunk(rewriter, op, operands, transposed->permutation);
    return success();
  }
};

/// Below an operation on one tensor that names several axes: slice, pad, reverse, resize.
template <typename OpTy> struct SinkBelowAxes : public OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op, PatternRewriter &rewriter) const override {
    nn::TransposeOp transpose = getSinkable(op.getInput());
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the input is not transposed");
    SmallVector<int64_t> permutation(transpose.getPermutation());
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(permutation[axis]);
    rewriter.modifyOpInPlace(op, [&] { op.setAxes(axes); });
    SmallVector<Value> operands(op->getOperands());
    operands[0] = transpose.getInput();
    replaceSunk(rewriter, op, operands, permutation);
    return success();
  }
};

/// Below a reduction. Without keepdims the axes that are left may need no transpose at all.
struct SinkBelowReduce : public OpRewritePattern<nn::ReduceOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ReduceOp op, PatternRewriter &rewriter) const override {
    nn::TransposeOp transpose = getSinkable(op.getInput());
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the input is not transposed");
    SmallVector<int64_t> permutation(transpose.getPermutation()), axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(permutation[axis]);
    SmallVector<int64_t> sortedAxes = axes;
    llvm::sort(sortedAxes);
    SmallVector<int64_t> left = permutation;
    if (!op.getKeepdims()) {
      SmallVector<int64_t> source; // axes of the untransposed input that survive, in their order
      for (int64_t axis = 0, rank = permutation.size(); axis < rank; ++axis)
        if (!llvm::is_contained(axes, axis))
          source.push_back(axis);
      left.clear();
      for (auto [position, axis] : llvm::enumerate(permutation))
        if (!llvm::is_contained(op.getAxes(), static_cast<int64_t>(position)))
          left.push_back(llvm::find(source, axis) - source.begin());
    }
    rewriter.modifyOpInPlace(op, [&] { op.setAxes(sortedAxes); });
    replaceSunk(rewriter, op, transpose.getInput(), left);
    return success();
  }
};

/// Below a shuffle of channels: two axes of the channels change places between two reshapes.
struct SinkBelowChannelShuffle : public OpRewritePattern<nn::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::ReshapeOp op, PatternRewriter &rewriter) const override {
    auto shuffle = op.getInput().getDefiningOp<nn::TransposeOp>();
    auto split = shuffle ? shuffle.getInput().getDefiningOp<nn::ReshapeOp>() : nn::ReshapeOp();
    nn::TransposeOp transpose = split ? getSinkable(split.getInput()) : nn::TransposeOp();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the input is not transposed, split and transposed again");
    auto splitType = cast<RankedTensorType>(split.getType()), type = cast<RankedTensorType>(op.getType());
    if (type != transpose.getType() || !splitsChannels(type, splitType) ||
        !splitsChannels(type, cast<RankedTensorType>(shuffle.getType())))
      return rewriter.notifyMatchFailure(op, "the reshapes do more than to split and join channels");
    SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(0, splitType.getRank()));
    std::swap(order[1], order[2]);
    if (order != ArrayRef<int64_t>(shuffle.getPermutation()))
      return rewriter.notifyMatchFailure(op, "other axes change places");
    Location loc = op.getLoc();
    size_t kept = type.getRank() - 1; // all but the channels, which are last
    Value parts = reshapeLast(rewriter, loc, transpose.getInput(), kept, splitType.getShape().slice(1, 2));
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[kept], order[kept + 1]);
    Value shuffled = nn::TransposeOp::create(rewriter, shuffle.getLoc(), parts, order);
    Value joined = reshapeLast(rewriter, loc, shuffled, kept, type.getDimSize(1));
    rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, joined, transpose.getPermutation());
    return success();
  }
};

/// Two transposes in a row are one, or none.
struct MergeTransposes : public OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<nn::TransposeOp>();
    if (!inner)
      return rewriter.notifyMatchFailure(op, "not a transpose of a transpose");
    SmallVector<int64_t> both;
    for (int64_t axis : op.getPermutation())
      both.push_back(inner.getPermutation()[axis]);
    if (isIdentityPermutation(both))
      rewriter.replaceOp(op, inner.getInput());
    else
      rewriter.replaceOpWithNewOp<nn::TransposeOp>(op, inner.getInput(), both);
    return success();
  }
};

/// A transpose that only moves axes of extent one moves no element.
struct TransposeOfUnitAxes : public OpRewritePattern<nn::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::TransposeOp op, PatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getInput().getType());
    if (!type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "dynamic shape");
    int64_t last = -1;
    for (int64_t axis : op.getPermutation()) {
      if (type.getDimSize(axis) == 1)
        continue;
      if (axis < last)
        return rewriter.notifyMatchFailure(op, "moves elements");
      last = axis;
    }
    ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getType()).getShape();
    auto shapeType = RankedTensorType::get({static_cast<int64_t>(shape.size())}, rewriter.getI64Type());
    Value target = arith::ConstantOp::create(rewriter, op.getLoc(), DenseElementsAttr::get(shapeType, shape));
    rewriter.replaceOpWithNewOp<nn::ReshapeOp>(op, op.getInput(), target, /*allow_zero=*/true);
    return success();
  }
};

/// A product reads its right-hand side in either order.
struct MergeIntoMatmul : public OpRewritePattern<nn::MatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::MatmulOp op, PatternRewriter &rewriter) const override {
    auto transpose = op.getRhs().getDefiningOp<nn::TransposeOp>();
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "the right-hand side is not transposed");
    SmallVector<int64_t> order(transpose.getPermutation());
    if (order.size() < 2)
      return rewriter.notifyMatchFailure(op, "a column");
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    if (!isIdentityPermutation(order))
      return rewriter.notifyMatchFailure(op, "other axes than those of the matrices change places");
    rewriter.modifyOpInPlace(op, [&] {
      op.getRhsMutable().set(transpose.getInput());
      op.setTransposeRhs(!op.getTransposeRhs());
    });
    return success();
  }
};

/// Says why a transpose that moves elements is left.
void explainTranspose(nn::TransposeOp op) {
  if (isConstant(op.getInput()))
    return; // done while compiling
  bool isToFirst = isToChannelsFirst(op.getPermutation()), isRead = false;
  std::string user;
  for (Operation *reader : op->getUsers()) {
    isRead |= !isa<func::ReturnOp>(reader);
    if (user.empty())
      user = reader->getName().stripDialect().str();
  }
  StringRef reason = "the model asks for it";
  if (isa<BlockArgument>(op.getInput()))
    reason = "the model's input has another order of axes than the kernels";
  else if (!isRead)
    reason = "the model's output has another order of axes than the kernels";
  else if (isToFirst)
    reason = "what reads it needs this order of axes, or would need more transposes without";
  remark::missed(op.getLoc(), about::layout) << remark::add("a transpose is left before '{0}': {1}", user, reason);
}

struct SinkTransposesPass : public impl::SinkTransposesBase<SinkTransposesPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkBelowElementwise, SinkBelowAxis<nn::ConcatOp>, SinkBelowAxis<nn::SoftmaxOp>,
                 SinkBelowAxes<nn::SliceOp>, SinkBelowAxes<nn::PadOp>, SinkBelowAxes<nn::ReverseOp>,
                 SinkBelowAxes<nn::ResizeOp>, SinkBelowReduce, SinkBelowChannelShuffle, MergeIntoMatmul, MergeTransposes,
                 TransposeOfUnitAxes>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    if (getContext().getRemarkEngine())
      getOperation()->walk(explainTranspose);
  }
};

} // namespace
} // namespace nnc
