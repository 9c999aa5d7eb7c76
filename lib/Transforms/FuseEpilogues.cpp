// Moves element-wise consumers of a kernel into its epilogue region.
//
// Expects tensors. A linalg.generic qualifies when it is all-parallel with one
// result, reads and writes in the kernel's own index order, and is the only
// user of the kernel's result (through at most one tensor.expand_shape or
// collapse_shape). Its other inputs become epilogue inputs.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/LayerName.h"
#include "lib/Support/Decision.h"

#include "mlir/IR/IRMapping.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_FUSEEPILOGUES
#include "lib/Transforms/Passes.h.inc"

namespace {

/// A kernel, the generic that consumes it, and the reshape between the two.
struct Candidate {
  kernel::EpilogueOpInterface kernel;
  tensor::ExpandShapeOp expand; // null where the generic reads the kernel itself
  linalg::GenericOp generic;
};

/// An input of the generic, brought into the kernel's index space.
struct EpilogueInput {
  Value value;
  AffineMap map;
};

} // namespace

/// The only user of `value`; null where there are several (one op may use it in several operands).
static Operation *getOnlyUser(Value value) {
  Operation *user = nullptr;
  for (Operation *op : value.getUsers()) {
    if (user && user != op)
      return nullptr;
    user = op;
  }
  return user;
}

static bool isScalarBody(Block &body) {
  return llvm::all_of(body.without_terminator(), [](Operation &op) {
    return op.getNumRegions() == 0 && op.getNumResults() == 1 &&
           isa<arith::ArithDialect, math::MathDialect>(op.getDialect());
  });
}

/// Whether `generic` maps its result's index to itself and computes nothing but scalars of its inputs.
static bool isElementwise(linalg::GenericOp generic) {
  return generic.getNumResults() == 1 && generic.getNumParallelLoops() == generic.getNumLoops() &&
         generic.getMatchingIndexingMap(generic.getDpsInitOperand(0)).isIdentity() &&
         generic.getBody()->getArguments().back().use_empty() && isScalarBody(*generic.getBody());
}

/// Whether `map` is the identity on a tensor of this shape: where the extent is 1, index 0 is the loop's own.
static bool isIdentityOn(AffineMap map, ArrayRef<int64_t> shape) {
  if (map.getNumResults() != map.getNumDims() || map.getNumResults() != shape.size())
    return false;
  return llvm::all_of(llvm::enumerate(map.getResults()), [&](auto entry) {
    auto constant = dyn_cast<AffineConstantExpr>(entry.value());
    return constant ? constant.getValue() == 0 && shape[entry.index()] == 1
                    : entry.value() == getAffineDimExpr(entry.index(), map.getContext());
  });
}

/// Whether an element-wise loop is among several users of `value`: it would be fused if it were the only one.
static bool hasElementwiseUser(Value value) {
  return llvm::any_of(value.getUsers(), [](Operation *user) {
    auto generic = dyn_cast<linalg::GenericOp>(user);
    return generic && isElementwise(generic);
  });
}

/// The next loop to fuse; where there is none, `obstacle` says why, unless the consumer is no element-wise loop at all.
static std::optional<Candidate> findCandidate(kernel::EpilogueOpInterface kernel, StringRef &obstacle) {
  obstacle = "";
  if (kernel->getNumResults() != 1)
    return std::nullopt;
  Value result = kernel->getResult(0);
  Operation *user = getOnlyUser(result);
  auto expand = dyn_cast_if_present<tensor::ExpandShapeOp>(user);
  if (expand)
    user = getOnlyUser(result = expand.getResult());
  if (!user && hasElementwiseUser(result))
    obstacle = "several layers use the result";
  auto generic = dyn_cast_if_present<linalg::GenericOp>(user);
  if (!generic || generic->getBlock() != kernel->getBlock() || !isElementwise(generic))
    return std::nullopt;
  auto resultType = cast<RankedTensorType>(generic.getResult(0).getType());
  // A kernel that stores another type needs another destination: one that nothing else uses.
  if (resultType.getElementType() != getElementTypeOrSelf(result.getType()) &&
      !cast<DestinationStyleOpInterface>(kernel.getOperation())
           .getDpsInits()
           .front()
           .getDefiningOp<tensor::EmptyOp>()) {
    obstacle = "it gives another element type than the place of the result has";
    return std::nullopt;
  }
  for (OpOperand *input : generic.getDpsInputOperands())
    if (input->get() == result && !isIdentityOn(generic.getMatchingIndexingMap(input), resultType.getShape())) {
      obstacle = "it reads the result in another order, or broadcasts it";
      return std::nullopt;
    }
  if (llvm::is_contained(generic.getDpsInits(), result))
    return std::nullopt;
  return Candidate{kernel, expand, generic};
}

/// The map of an input of the expanded index space, seen from the kernel's collapsed one, and the groups by which
/// the input itself must be collapsed. Fails where the input mixes dimensions of one group with others.
static std::optional<AffineMap> collapseMap(AffineMap map, ArrayRef<ReassociationIndices> groups,
                                            SmallVectorImpl<ReassociationIndices> &inputGroups) {
  MLIRContext *context = map.getContext();
  SmallVector<AffineExpr> exprs;
  unsigned position = 0;
  while (position < map.getNumResults()) {
    auto dim = dyn_cast<AffineDimExpr>(map.getResult(position));
    if (!dim) { // a broadcast dimension: constant zero
      inputGroups.push_back({static_cast<int64_t>(position++)});
      exprs.push_back(getAffineConstantExpr(0, context));
      continue;
    }
    const auto *group = llvm::find_if(groups, [&](const ReassociationIndices &indices) {
      return indices.front() == static_cast<int64_t>(dim.getPosition());
    });
    if (group == groups.end())
      return std::nullopt;
    ReassociationIndices taken;
    for (int64_t expected : *group) {
      if (position >= map.getNumResults() || map.getResult(position) != getAffineDimExpr(expected, context))
        return std::nullopt;
      taken.push_back(position++);
    }
    inputGroups.push_back(taken);
    exprs.push_back(getAffineDimExpr(group - groups.begin(), context));
  }
  return AffineMap::get(groups.size(), 0, exprs, context);
}

/// Brings one input of the generic into the kernel's index space; nothing where it cannot be.
static std::optional<EpilogueInput> adaptInput(OpBuilder &builder, Candidate candidate, OpOperand *input) {
  linalg::GenericOp generic = candidate.generic;
  AffineMap map = generic.getMatchingIndexingMap(input);
  if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return std::nullopt;
  if (!candidate.expand)
    return EpilogueInput{input->get(), map};
  SmallVector<ReassociationIndices> inputGroups;
  std::optional<AffineMap> collapsed = collapseMap(map, candidate.expand.getReassociationIndices(), inputGroups);
  if (!collapsed)
    return std::nullopt;
  Value value = input->get();
  if (inputGroups.size() != map.getNumResults())
    value = tensor::CollapseShapeOp::create(builder, generic.getLoc(), value, inputGroups);
  return EpilogueInput{value, *collapsed};
}

/// Appends the generic's body to the kernel's epilogue in `fused`.
static void appendBody(RewriterBase &rewriter, const Candidate &candidate, kernel::EpilogueOpInterface fused,
                       const DenseMap<unsigned, unsigned> &argumentOf) {
  Block &epilogue = fused.getEpilogue().front();
  Operation *yield = epilogue.getTerminator();
  linalg::GenericOp generic = candidate.generic;
  IRMapping mapping;
  for (auto [index, argument] : llvm::enumerate(generic.getBody()->getArguments().drop_back())) {
    auto found = argumentOf.find(index);
    mapping.map(argument, found == argumentOf.end() ? yield->getOperand(0)
                                                    : Value(epilogue.getArgument(found->second)));
  }
  rewriter.setInsertionPoint(yield);
  for (Operation &op : generic.getBody()->without_terminator())
    rewriter.clone(op, mapping);
  Value stored = mapping.lookupOrDefault(generic.getBody()->getTerminator()->getOperand(0));
  rewriter.modifyOpInPlace(yield, [&] { yield->setOperand(0, stored); });
}

/// Gives the kernel, and the reshape behind it, a destination with elements of `elementType`.
static void changeElementType(RewriterBase &rewriter, const Candidate &candidate, Type elementType) {
  kernel::EpilogueOpInterface fused = candidate.kernel;
  auto kernel = cast<DestinationStyleOpInterface>(fused.getOperation());
  OpOperand &init = *kernel.getDpsInitOperand(0);
  auto type = cast<RankedTensorType>(init.get().getType());
  if (type.getElementType() == elementType)
    return;
  rewriter.setInsertionPoint(kernel);
  auto old = init.get().getDefiningOp<tensor::EmptyOp>();
  Value empty = tensor::EmptyOp::create(rewriter, old.getLoc(), type.getShape(), elementType, old.getDynamicSizes());
  rewriter.modifyOpInPlace(kernel, [&] {
    init.set(empty);
    kernel->getResult(0).setType(type.clone(elementType));
  });
  if (tensor::ExpandShapeOp expand = candidate.expand)
    rewriter.modifyOpInPlace(expand,
                             [&] { expand.getResult().setType(expand.getResultType().clone(elementType)); });
}

static LogicalResult fuse(RewriterBase &rewriter, const Candidate &candidate) {
  kernel::EpilogueOpInterface kernel = candidate.kernel;
  tensor::ExpandShapeOp expand = candidate.expand;
  linalg::GenericOp generic = candidate.generic;
  Value consumed = kernel->getResult(0);
  if (expand)
    consumed = expand.getResult();
  rewriter.setInsertionPoint(generic);

  SmallVector<EpilogueInput> inputs;
  DenseMap<unsigned, unsigned> argumentOf; // generic's body argument -> epilogue argument
  for (OpOperand *input : generic.getDpsInputOperands()) {
    if (input->get() == consumed)
      continue;
    std::optional<EpilogueInput> adapted = adaptInput(rewriter, candidate, input);
    if (!adapted)
      return failure();
    argumentOf[input->getOperandNumber()] = 1 + kernel.getEpilogueInputs().size() + inputs.size();
    inputs.push_back(*adapted);
  }

  remark::passed(generic.getLoc(), about::fusion)
      << remark::add("computed by the kernel before ({0} of '{1}') while its results are in registers",
                     kernel->getName().stripDialect(), getLayerName(kernel->getLoc()));
  rewriter.moveOpBefore(kernel, generic);
  rewriter.setInsertionPointAfter(kernel);
  Block &epilogue = kernel.getEpilogue().front();
  SmallVector<Attribute> maps(kernel.getEpilogueMaps().getValue());
  rewriter.modifyOpInPlace(kernel, [&] {
    for (const EpilogueInput &input : inputs) {
      kernel.getEpilogueInputsMutable().append(input.value);
      maps.push_back(AffineMapAttr::get(input.map));
      epilogue.addArgument(getElementTypeOrSelf(input.value.getType()), generic.getLoc());
    }
    kernel.setEpilogueMaps(rewriter.getArrayAttr(maps));
  });
  appendBody(rewriter, candidate, kernel, argumentOf);
  changeElementType(rewriter, candidate, getElementTypeOrSelf(generic.getResult(0).getType()));
  kernel->setLoc(rewriter.getFusedLoc({kernel->getLoc(), generic.getLoc()}));
  if (expand)
    rewriter.moveOpBefore(expand, generic);
  Value replacement = consumed;
  if (replacement.getType() != generic.getResult(0).getType()) {
    rewriter.setInsertionPoint(generic);
    replacement = tensor::CastOp::create(rewriter, generic.getLoc(), generic.getResult(0).getType(), replacement);
  }
  rewriter.replaceOp(generic, replacement);
  return success();
}

namespace {

struct FuseEpiloguesPass : public impl::FuseEpiloguesBase<FuseEpiloguesPass> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    SmallVector<kernel::EpilogueOpInterface> kernels;
    getOperation()->walk([&](kernel::EpilogueOpInterface op) { kernels.push_back(op); });
    // Later kernels first: of two kernels that are added, the later takes the sum and the earlier is its residual.
    for (kernel::EpilogueOpInterface op : llvm::reverse(kernels)) {
      StringRef obstacle;
      while (std::optional<Candidate> candidate = findCandidate(op, obstacle))
        if (failed(fuse(rewriter, *candidate))) {
          obstacle = "it reads another operand in an order that cannot follow the kernel's";
          break;
        }
      if (!obstacle.empty())
        remark::missed(op.getLoc(), about::fusion) << remark::add("what follows is a loop of its own: {0}", obstacle);
    }
  }
};

} // namespace
} // namespace nnc
