// What a loop carries from one iteration to the next stays in one buffer.
//
// Expects tensors. A value that a loop yields is put into the place of the value
// that it follows, so that bufferisation neither makes a new buffer in each
// iteration nor passes one on. Where the yielded value is another carried one
// (they change places), it is copied first. Elements are inserted into a copy
// where the carried value is read later, or where the result follows another one. What
// a loop inside collects has a place of its own, too.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_PLACECARRIEDVALUES
#include "lib/Transforms/Passes.h.inc"

/// The value that `value` is a view of.
static Value getViewed(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

/// The value before the loop that its result `number` follows; null where the first region does not hand it on.
static Value getFollowed(scf::WhileOp loop, unsigned number) {
  auto before = dyn_cast<BlockArgument>(loop.getConditionOp().getArgs()[number]);
  bool isHandedOn = before && before.getOwner() == loop.getBeforeBody();
  return isHandedOn ? loop.getInits()[before.getArgNumber()] : Value();
}

/// Whether `value` is `argument` with elements inserted: it is in its place already.
static bool isInsertedInto(Value value, BlockArgument argument) {
  while (value != argument) {
    Operation *op = value.getDefiningOp();
    if (auto insert = dyn_cast_if_present<tensor::InsertOp>(op))
      value = insert.getDest();
    else if (auto insert = dyn_cast_if_present<tensor::InsertSliceOp>(op))
      value = insert.getDest();
    else if (auto loop = dyn_cast_if_present<scf::ForOp>(op))
      value = loop.getInitArgs()[cast<OpResult>(value).getResultNumber()];
    else if (auto loop = dyn_cast_if_present<scf::WhileOp>(op))
      value = getFollowed(loop, cast<OpResult>(value).getResultNumber());
    else if (auto branch = dyn_cast_if_present<scf::IfOp>(op))
      return llvm::all_of(branch->getRegions(), [&](Region &region) {
        Operation *yield = region.front().getTerminator();
        return isInsertedInto(yield->getOperand(cast<OpResult>(value).getResultNumber()), argument);
      });
    else
      return false;
    if (!value)
      return false;
  }
  return true;
}

/// Where `value` is computed element by element from `argument`, which nothing reads later, lets it overwrite it.
static void overwrite(Value value, BlockArgument argument) {
  auto generic = value.getDefiningOp<linalg::GenericOp>();
  if (!generic || generic->getNumResults() != 1 || generic->getBlock() != argument.getOwner() ||
      generic.getNumParallelLoops() != generic.getNumLoops() || value.getType() != argument.getType())
    return;
  OpOperand *init = generic.getDpsInitOperand(0), *read = nullptr;
  if (!init->get().getDefiningOp<tensor::EmptyOp>() || generic.payloadUsesValueFromOperand(init) ||
      !generic.getMatchingIndexingMap(init).isIdentity())
    return;
  for (OpOperand &use : argument.getUses()) {
    Operation *user = use.getOwner();
    if (user == generic && !read)
      read = &use;
    else if (user->getBlock() != generic->getBlock() || user == generic || !user->isBeforeInBlock(generic) ||
             isa<ViewLikeOpInterface, tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp>(user))
      return;
  }
  if (!read)
    return;
  // Each element is read where it is written; along an axis of one element a map may say 0 as well.
  SmallVector<AffineMap> maps = generic.getIndexingMapsArray();
  AffineMap identity = generic.getMatchingIndexingMap(init);
  for (auto [axis, expr] : llvm::enumerate(maps[read->getOperandNumber()].getResults())) {
    bool isZero = expr == getAffineConstantExpr(0, value.getContext());
    if (expr != identity.getResult(axis) && !(isZero && cast<RankedTensorType>(value.getType()).getDimSize(axis) == 1))
      return;
  }
  maps[read->getOperandNumber()] = identity;
  generic.setIndexingMapsAttr(Builder(value.getContext()).getAffineMapArrayAttr(maps));
  init->set(argument);
}

/// The carried value that `value` is with elements inserted, as an operand of the first insertion; null where there is none.
static OpOperand *getInsertionBase(Value value, ArrayRef<BlockArgument> carried) {
  OpOperand *base = nullptr;
  while (!llvm::is_contained(carried, value)) {
    Operation *op = value.getDefiningOp();
    if (auto insert = dyn_cast_if_present<tensor::InsertOp>(op))
      base = &insert.getDestMutable();
    else if (auto insert = dyn_cast_if_present<tensor::InsertSliceOp>(op))
      base = &insert.getDestMutable();
    else if (auto loop = dyn_cast_if_present<scf::ForOp>(op))
      base = &loop.getInitArgsMutable()[cast<OpResult>(value).getResultNumber()];
    else
      return nullptr;
    value = base->get();
  }
  return base;
}

/// Whether anything but `base` reads `value`, or what is a view of it, from the operation of `base` on.
static bool isReadLater(Value value, OpOperand &base) {
  Operation *first = base.getOwner();
  return llvm::any_of(value.getUses(), [&](OpOperand &use) {
    Operation *user = use.getOwner(), *ancestor = first->getBlock()->findAncestorOpInBlock(*user);
    if (&use == &base || isa<tensor::DimOp>(user))
      return false;
    if (!ancestor || !ancestor->isBeforeInBlock(first))
      return true;
    return isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp>(user) &&
           isReadLater(user->getResult(0), base);
  });
}

/// Lets what a loop yields be inserted into a copy of a carried value that is needed as it was.
static void separateInsertions(Operation *yield, ArrayRef<BlockArgument> carried) {
  for (auto [operand, argument] : llvm::zip_equal(yield->getOperands(), carried)) {
    OpOperand *base = getInsertionBase(operand, carried);
    if (!base || base->getOwner()->getBlock() != yield->getBlock() ||
        (base->get() == argument && !isReadLater(argument, *base)))
      continue;
    OpBuilder builder(base->getOwner());
    base->set(bufferization::AllocTensorOp::create(builder, yield->getLoc(), cast<RankedTensorType>(base->get().getType()),
                                                   ValueRange(), base->get()));
  }
}

/// The empty tensor that loops inside begin with to make `value`, as an operand of the first of them; null where anything
/// else makes it.
static OpOperand *getCollectedInto(Value value) {
  OpOperand *base = nullptr;
  while (true) {
    value = getViewed(value);
    Operation *op = value.getDefiningOp();
    if (auto loop = dyn_cast_if_present<scf::ForOp>(op))
      base = &loop.getInitArgsMutable()[cast<OpResult>(value).getResultNumber()];
    else if (auto loop = dyn_cast_if_present<scf::WhileOp>(op))
      base = &loop.getInitsMutable()[cast<OpResult>(value).getResultNumber()];
    else
      return base && isa_and_present<tensor::EmptyOp>(op) ? base : nullptr;
    value = base->get();
  }
}

/// What a loop collects is not collected in the place of the carried `argument`: the analysis of bufferisation sees conflicts
/// where there are none, too, and refuses them.
static void separateCollected(Value value, BlockArgument argument) {
  OpOperand *base = getCollectedInto(value);
  if (!base || base->getOwner()->getBlock() != argument.getOwner())
    return;
  OpBuilder builder(base->getOwner());
  auto empty = base->get().getDefiningOp<tensor::EmptyOp>();
  base->set(bufferization::AllocTensorOp::create(builder, empty.getLoc(), empty.getType(), empty.getDynamicSizes()));
}

static void placeYielded(Operation *yield, ArrayRef<BlockArgument> carried) {
  separateInsertions(yield, carried);
  OpBuilder builder(yield);
  SmallVector<Value> sources;
  for (auto [operand, argument] : llvm::zip_equal(yield->getOperands(), carried)) {
    Value viewed = getViewed(operand);
    bool isOther = operand != argument && llvm::is_contained(carried, viewed);
    if (isa<RankedTensorType>(operand.getType()) && isOther) {
      SmallVector<Value> sizes;
      auto copy = bufferization::AllocTensorOp::create(builder, yield->getLoc(),
                                                       cast<RankedTensorType>(operand.getType()), sizes, operand);
      sources.push_back(copy);
    } else {
      sources.push_back(operand);
    }
  }
  for (auto [i, source, argument] : llvm::enumerate(sources, carried))
    if (isa<RankedTensorType>(source.getType()) && argument && !isInsertedInto(source, argument)) {
      overwrite(source, argument);
      separateCollected(source, argument);
      yield->setOperand(i, bufferization::MaterializeInDestinationOp::create(builder, yield->getLoc(),
                                                                             argument.getType(), source, argument)
                               .getResult());
    }
}

/// For each value that the loop's second region yields, the argument of that region with the value it follows; null
/// where the first region does not hand it on.
static SmallVector<BlockArgument> getCarried(scf::WhileOp loop) {
  SmallVector<BlockArgument> carried;
  for (BlockArgument before : loop.getBeforeArguments()) {
    OperandRange handedOn = loop.getConditionOp().getArgs();
    auto place = llvm::find(handedOn, Value(before));
    carried.push_back(place == handedOn.end() ? BlockArgument() : loop.getAfterArguments()[place - handedOn.begin()]);
  }
  return carried;
}

namespace {

struct PlaceCarriedValuesPass : public impl::PlaceCarriedValuesBase<PlaceCarriedValuesPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      if (auto loop = dyn_cast<scf::ForOp>(op))
        placeYielded(loop.getBody()->getTerminator(), loop.getRegionIterArgs());
      else if (auto loop = dyn_cast<scf::WhileOp>(op))
        placeYielded(loop.getYieldOp(), getCarried(loop));
    });
  }
};

} // namespace
} // namespace nnc
