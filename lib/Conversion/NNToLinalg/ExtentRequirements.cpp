// Which requirements each operation of the NN dialect has. An operation without an
// entry here is an error of ours: a test looks for all that the dialect registers.
#include "lib/Conversion/NNToLinalg/ExtentRequirements.h"

#include "lib/Conversion/NNToLinalg/RequirementBuilder.h"

#include "dialects/Text/Text.h"

using namespace mlir;

namespace nnc {
namespace {

/// The rules of all operations.
class RequirementRules {
public:
  using Rule = std::function<void(RequirementBuilder &, Operation *)>;

  RequirementRules() {
    addProducts();
    addNormalizations();
    addMovement();
    addIndexing();
    addOthers();
  }

  /// Null where there is none.
  const Rule *find(OperationName name) const {
    if (name.hasTrait<nn::ElementwiseTrait>())
      return &elementwise;
    auto found = rules.find(name.getTypeID());
    return found == rules.end() ? nullptr : &found->second;
  }

private:
  template <typename... OpTys, typename BuildTy> void add(BuildTy build) {
    (rules.try_emplace(TypeID::get<OpTys>(),
                       [build](RequirementBuilder &builder, Operation *op) { build(builder, cast<OpTys>(op)); }),
     ...);
  }
  /// Operations that take all extents that their verifiers cannot refuse.
  template <typename... OpTys> void addUnconditional() {
    add<OpTys...>([](RequirementBuilder &, Operation *) {});
  }
  void addProducts();
  void addNormalizations();
  void addMovement();
  void addIndexing();
  void addOthers();

  Rule elementwise = [](RequirementBuilder &builder, Operation *op) { builder.requireBroadcast(op->getOperands()); };
  llvm::DenseMap<TypeID, Rule> rules;
};

} // namespace

void RequirementRules::addProducts() {
  add<nn::MatmulOp>([](RequirementBuilder &builder, nn::MatmulOp matmul) {
    int64_t lhs = getRanked(matmul.getLhs()).getRank(), rhs = getRanked(matmul.getRhs()).getRank();
    builder.ofMatmul(matmul.getLhs(), matmul.getTransposeLhs() ? lhs - 2 : lhs - 1, matmul.getRhs(),
                     rhs == 1 || matmul.getTransposeRhs() ? rhs - 1 : rhs - 2);
  });
  // The zero points of integer products have become operations of their own.
  add<nn::IntegerMatmulOp>([](RequirementBuilder &builder, nn::IntegerMatmulOp matmul) {
    int64_t rhs = getRanked(matmul.getRhs()).getRank();
    builder.ofMatmul(matmul.getLhs(), getRanked(matmul.getLhs()).getRank() - 1, matmul.getRhs(),
                     std::max<int64_t>(rhs - 2, 0));
  });
  add<nn::ConvOp, nn::IntegerConvOp>([](RequirementBuilder &builder, auto conv) { builder.ofConv(conv); });
  add<nn::ConvTransposeOp>([](RequirementBuilder &builder, nn::ConvTransposeOp op) { builder.ofConvTranspose(op); });
  add<nn::MaxPoolOp, nn::AvgPoolOp, nn::SumPoolOp>(
      [](RequirementBuilder &builder, auto pool) { builder.ofPool(pool); });
  add<nn::RnnOp>([](RequirementBuilder &builder, nn::RnnOp layer) { builder.ofRecurrent(layer, 1); });
  add<nn::GruOp>([](RequirementBuilder &builder, nn::GruOp layer) { builder.ofRecurrent(layer, 3); });
  add<nn::LstmOp>([](RequirementBuilder &builder, nn::LstmOp layer) { builder.ofRecurrent(layer, 4); });
}

void RequirementRules::addNormalizations() {
  add<nn::BatchNormOp, nn::InstanceNormOp>([](RequirementBuilder &builder, auto norm) {
    builder.requireChannels(norm.getInput(), norm.getLayout(), norm->getOperands().drop_front());
  });
  add<nn::LayerNormOp, nn::RmsNormOp>([](RequirementBuilder &builder, Operation *norm) {
    builder.requireBroadcastTo(norm->getOperand(0), norm->getOperands().drop_front());
  });
  addUnconditional<nn::SoftmaxOp, nn::LogSoftmaxOp, nn::LrnOp>();
}

void RequirementRules::addMovement() {
  add<nn::ReshapeOp>([](RequirementBuilder &builder, nn::ReshapeOp op) { builder.ofReshape(op); });
  add<nn::SqueezeOp>([](RequirementBuilder &builder, nn::SqueezeOp squeeze) {
    for (int64_t axis : squeeze.getAxes())
      builder.requireConstant({squeeze.getInput(), axis}, 1, "a removed axis has one element");
  });
  add<nn::ConcatOp>([](RequirementBuilder &builder, nn::ConcatOp op) { builder.ofConcat(op); });
  add<nn::PadOp>([](RequirementBuilder &builder, nn::PadOp op) { builder.ofPad(op); });
  add<nn::BroadcastToOp>([](RequirementBuilder &builder, nn::BroadcastToOp op) { builder.ofBroadcastTo(op); });
  add<nn::TileOp>([](RequirementBuilder &builder, nn::TileOp tile) {
    for (int64_t i = 0; i < getRanked(tile.getInput()).getRank(); ++i)
      builder.requireEntry(tile.getRepeats(), i, "repeats are not negative");
  });
  add<nn::DepthToSpaceOp>([](RequirementBuilder &builder, nn::DepthToSpaceOp op) {
    builder.ofBlocks(op.getInput(), op.getBlock(), op.getLayout(), /*grow=*/true);
  });
  add<nn::SpaceToDepthOp>([](RequirementBuilder &builder, nn::SpaceToDepthOp op) {
    builder.ofBlocks(op.getInput(), op.getBlock(), op.getLayout(), /*grow=*/false);
  });
  addUnconditional<nn::UnsqueezeOp, nn::FlattenOp, nn::TransposeOp, nn::SliceOp, nn::ReverseOp, nn::TriluOp>();
}

void RequirementRules::addIndexing() {
  add<nn::GatherOp>([](RequirementBuilder &builder, nn::GatherOp gather) {
    builder.requireElements({gather.getData(), static_cast<int64_t>(gather.getAxis())}, gather.getIndices());
  });
  add<nn::GatherElementsOp>([](RequirementBuilder &builder, nn::GatherElementsOp gather) {
    builder.ofIndicesBeside(gather.getIndices(), gather.getData(), gather.getAxis());
  });
  add<nn::GatherNDOp>([](RequirementBuilder &builder, nn::GatherNDOp op) { builder.ofGatherND(op); });
  add<nn::ScatterElementsOp>(
      [](RequirementBuilder &builder, nn::ScatterElementsOp op) { builder.ofScatterElements(op); });
  add<nn::ScatterNDOp>([](RequirementBuilder &builder, nn::ScatterNDOp op) { builder.ofScatterND(op); });
  add<nn::FillOp>([](RequirementBuilder &builder, nn::FillOp fill) {
    for (int64_t i = 0; i < fill.getType().getRank(); ++i)
      builder.requireEntry(fill.getShape(), i, "extents are not negative");
  });
  add<nn::OneHotOp>([](RequirementBuilder &builder, nn::OneHotOp oneHot) {
    builder.requireEntry(oneHot.getDepth(), 0, "the depth is not negative");
  });
  addUnconditional<nn::ShapeOp, nn::SizeOp, nn::RangeOp, nn::EyeLikeOp>();
}

void RequirementRules::addOthers() {
  add<nn::ArgReduceOp>([](RequirementBuilder &builder, nn::ArgReduceOp reduce) {
    builder.requireElementsAlong(reduce.getInput(), reduce.getAxis());
  });
  add<nn::TopKOp>([](RequirementBuilder &builder, nn::TopKOp op) { builder.ofTopK(op); });
  add<nn::ResizeOp>([](RequirementBuilder &builder, nn::ResizeOp op) { builder.ofResize(op); });
  addUnconditional<nn::ReduceOp, nn::CumSumOp, nn::CumProdOp>();
  addUnconditional<nn::FindLeavesOp>(); // the features are static
  addUnconditional<nn::NonZeroOp, nn::UniqueOp>();
  add<nn::NonMaxSuppressionOp>([](RequirementBuilder &builder, nn::NonMaxSuppressionOp op) {
    builder.requireConstant({op.getBoxes(), 2}, 4, "a box has four numbers");
    builder.requireEqual({op.getBoxes(), 0}, {op.getScores(), 0}, "boxes and scores are of as many images");
    builder.requireEqual({op.getBoxes(), 1}, {op.getScores(), 2}, "each box has a score");
  });
  addUnconditional<text::ConstantOp, text::SplitOp>();
  // What is in their regions has its own.
  addUnconditional<nn::IfOp, nn::LoopOp>();
  add<nn::YieldOp>([](RequirementBuilder &builder, nn::YieldOp yield) {
    if (auto loop = dyn_cast<nn::LoopOp>(yield->getParentOp()))
      builder.ofCarried(loop, yield);
  });
}

static const RequirementRules &getRules() {
  static const RequirementRules rules;
  return rules;
}

bool hasExtentRule(OperationName name) { return getRules().find(name) != nullptr; }

LogicalResult addExtentRequirements(Operation *root) {
  nn::ExtentOrigins origins;
  WalkResult result = root->walk([&](Operation *op) {
    if (!isa_and_nonnull<nn::NNDialect, text::TextDialect>(op->getDialect()))
      return WalkResult::advance();
    const RequirementRules::Rule *rule = getRules().find(op->getName());
    if (!rule) {
      op->emitError("has no rule for run-time extents");
      return WalkResult::interrupt();
    }
    RequirementBuilder builder(op, origins);
    (*rule)(builder, op);
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

} // namespace nnc
