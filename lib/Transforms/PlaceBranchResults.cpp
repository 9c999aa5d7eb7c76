// What a branch gives, of extents that only the branch tells, goes to a place for
// their bound.
//
// Expects @main on tensors, with scf.if that yields copies of what has no place. The
// bounds are computed at the beginning of @main, from what is known before the
// run; the true extents are results too, and what follows reads that part of the
// place.
#include "dialects/Kernel/Kernel.h"
#include "lib/Transforms/ExtentFunctions.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/SizeExpressions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_PLACEBRANCHRESULTS
#include "lib/Transforms/Passes.h.inc"

namespace {

/// Places the results of branches of one function.
class BranchPlacement {
public:
  explicit BranchPlacement(func::FuncOp main)
      : main(main), entry(OpBuilder::atBlockBegin(&main.getBody().front())),
        sizes(
            main,
            [](OpBuilder &builder, BlockArgument argument, int64_t dim) -> Value {
              return tensor::DimOp::create(builder, argument.getLoc(), argument, dim);
            },
            [main](OpBuilder &builder, BlockArgument argument, int64_t position) {
              return getElementOfArgument(builder, main, main, argument, position);
            }) {}

  LogicalResult place(scf::IfOp branch);

private:
  /// A place for one result, which has a type, and the bounds of its dynamic extents.
  struct Place {
    unsigned result;
    RankedTensorType type;
    Value tensor;
    SmallVector<Value> bounds;
  };

  FailureOr<Place> createPlace(scf::IfOp branch, unsigned number);
  static void yieldPlaced(Region &region, ArrayRef<Place> places);

  func::FuncOp main;
  OpBuilder entry; ///< the beginning of `main`
  SizeExpressions sizes;
};

} // namespace

FailureOr<BranchPlacement::Place> BranchPlacement::createPlace(scf::IfOp branch, unsigned number) {
  auto type = cast<RankedTensorType>(branch.getResult(number).getType());
  Location loc = branch.getLoc();
  Place place{number, type, {}, {}};
  SmallVector<int64_t> shape(type.getShape()); // static where bounds are: a cast in the branches would hide the place
  SmallVector<Value> dynamic;
  for (int64_t axis = 0; axis < type.getRank(); ++axis) {
    if (!type.isDynamicDim(axis))
      continue;
    Value bound = arith::ConstantIndexOp::create(entry, loc, 0);
    for (scf::YieldOp yield : {branch.thenYield(), branch.elseYield()}) {
      FailureOr<ExtentInterval> extent = sizes.rebuildExtent(yield.getOperand(number), axis, entry);
      if (failed(extent))
        return failure();
      bound = entry.createOrFold<arith::MaxSIOp>(loc, bound, extent->upper);
    }
    place.bounds.push_back(bound);
    if (std::optional<int64_t> known = getConstantIntValue(bound))
      shape[axis] = *known;
    else
      dynamic.push_back(bound);
  }
  OpBuilder before(branch);
  place.tensor = bufferization::AllocTensorOp::create(before, loc, type.clone(shape), dynamic);
  return place;
}

/// A branch ends with the place of what it gave, and with the extents of that.
void BranchPlacement::yieldPlaced(Region &region, ArrayRef<Place> places) {
  auto yield = cast<scf::YieldOp>(region.front().getTerminator());
  OpBuilder builder(yield);
  SmallVector<Value> extents;
  for (const Place &place : places) {
    Value value = yield.getOperand(place.result);
    SmallVector<OpFoldResult> shape = tensor::getMixedSizes(builder, yield.getLoc(), value);
    SmallVector<OpFoldResult> zeros(shape.size(), builder.getIndexAttr(0)), ones(shape.size(), builder.getIndexAttr(1));
    // In its place even where that is as large: an insertion of all would fold.
    auto type = cast<RankedTensorType>(value.getType());
    Location loc = yield.getLoc();
    Value part = tensor::ExtractSliceOp::create(builder, loc, type, place.tensor, zeros, shape, ones);
    Value put = bufferization::MaterializeInDestinationOp::create(builder, loc, type, value, part).getResult();
    yield.setOperand(place.result, tensor::InsertSliceOp::create(builder, loc, put, place.tensor, zeros, shape, ones));
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      if (type.isDynamicDim(axis))
        extents.push_back(getValueOrCreateConstantIndexOp(builder, yield.getLoc(), shape[axis]));
  }
  yield->insertOperands(yield.getNumOperands(), extents);
}

LogicalResult BranchPlacement::place(scf::IfOp branch) {
  SmallVector<Place> places;
  SmallVector<Type> types(branch.getResultTypes());
  for (unsigned number = 0, end = types.size(); number < end; ++number) {
    if (!isUnplaced(branch, number))
      continue;
    for (scf::YieldOp yield : {branch.thenYield(), branch.elseYield()})
      if (Value value = getUnplaced(yield.getOperand(number)))
        yield.setOperand(number, value);
    FailureOr<Place> made = createPlace(branch, number);
    if (failed(made))
      return failure();
    places.push_back(*made);
    types[number] = made->tensor.getType();
    types.append(made->bounds.size(), entry.getIndexType());
  }
  unsigned next = branch.getNumResults();
  ImplicitLocOpBuilder builder(branch.getLoc(), branch);
  auto placed = scf::IfOp::create(builder, types, branch.getCondition(), /*addThenBlock=*/false, /*addElseBlock=*/false);
  for (auto [region, source] : llvm::zip(placed->getRegions(), branch->getRegions())) {
    region.takeBody(source);
    yieldPlaced(region, places);
  }
  SmallVector<Value> results(placed.getResults().take_front(next));
  for (const Place &place : places) {
    SmallVector<OpFoldResult> shape;
    RankedTensorType type = place.type;
    for (int64_t axis = 0; axis < type.getRank(); ++axis)
      shape.push_back(type.isDynamicDim(axis)
                          ? OpFoldResult(kernel::BoundedOp::create(builder, placed.getResult(next++),
                                                                   place.bounds[type.getDynamicDimIndex(axis)])
                                             .getResult())
                          : OpFoldResult(builder.getIndexAttr(type.getDimSize(axis))));
    SmallVector<OpFoldResult> zeros(shape.size(), builder.getIndexAttr(0)), ones(shape.size(), builder.getIndexAttr(1));
    results[place.result] = tensor::ExtractSliceOp::create(builder, type, results[place.result], zeros, shape, ones);
  }
  branch.replaceAllUsesWith(results);
  branch.erase();
  return success();
}

namespace {

struct PlaceBranchResultsPass : public impl::PlaceBranchResultsBase<PlaceBranchResultsPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    SmallVector<scf::IfOp> branches; // inner ones first
    main.walk([&](scf::IfOp branch) {
      if (llvm::any_of(llvm::seq<unsigned>(0, branch.getNumResults()), [&](unsigned i) { return isUnplaced(branch, i); }))
        branches.push_back(branch);
    });
    BranchPlacement placement(main);
    for (scf::IfOp branch : branches)
      if (failed(placement.place(branch)))
        return signalPassFailure();
  }
};

} // namespace
} // namespace nnc
