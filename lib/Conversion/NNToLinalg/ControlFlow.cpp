// Branches and loops become scf operations. Results of a branch go to a place
// that is made before it; what a loop collects goes into one tensor, with room for
// the iterations that there may be. Of results of branches whose extents only a branch
// tells, which have no place yet, copies are yielded (place-branch-results).
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {

static bool isConstantTrue(Value value) {
  auto ints = nn::getConstantInts(value);
  return ints && ints->size() == 1 && ints->front() != 0;
}

/// A stored boolean of one element as an i1.
static Value readCondition(ImplicitLocOpBuilder &builder, Value stored) {
  Value element = extractOnlyElement(builder, stored);
  Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(element.getType()));
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, element, zero);
}

/// Where an extent that a loop's body computes is that of what it carries on: the extent that this has from the
/// beginning.
static std::pair<Value, int64_t> traceToInitial(nn::LoopOp loop, std::pair<Value, int64_t> extent) {
  auto yield = cast<nn::YieldOp>(loop.getBody().front().getTerminator());
  for (auto [next, argument, initial] :
       llvm::zip(yield.getValues().drop_front(), loop.getBody().getArguments().drop_front(), loop.getInitial()))
    for (int64_t axis = 0; axis < getRanked(next).getRank(); ++axis)
      if (nn::traceExtent(next, axis) == extent || std::pair<Value, int64_t>(argument, axis) == extent)
        return nn::traceExtent(initial, axis);
  return extent;
}

static Value findExtent(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter, Operation *op, Value value,
                        int64_t axis);

/// Whether the shape of what it gives depends on the values of none of its operands but the constant ones.
static bool hasShapeOfExtents(Operation *op) {
  return isa_and_present<nn::SliceOp, nn::PadOp, nn::ConcatOp, nn::TileOp, nn::ReshapeOp, nn::FlattenOp, nn::ConvOp,
                         nn::ConvTransposeOp, nn::MaxPoolOp, nn::AvgPoolOp, nn::SumPoolOp, nn::ResizeOp,
                         nn::DepthToSpaceOp, nn::SpaceToDepthOp>(op);
}

/// The extent `axis` of what an operation in `loop` gives, that of a copy before the loop, of operands that are nothing but
/// as large: nothing reads them. Null where values decide it that the loop computes.
static Value copyExtent(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter, nn::LoopOp loop, OpResult result,
                        int64_t axis) {
  Operation *op = result.getOwner();
  auto isStored = [](Type type) { return type.isFloat() || (type.isSignlessInteger() && !type.isInteger(1)); };
  if (!hasShapeOfExtents(op) || op->getNumResults() != 1 || !isStored(getElementTypeOrSelf(result)))
    return {};
  IRMapping operands;
  for (Value operand : op->getOperands()) {
    if (!nn::isInside(operand, loop.getBody()) || operands.contains(operand))
      continue;
    RankedTensorType type = getRanked(operand);
    if (Operation *constant = operand.getDefiningOp(); constant && constant->hasTrait<OpTrait::ConstantLike>()) {
      builder.clone(*constant, operands);
      continue;
    }
    bool isShape = type.getRank() == 1 && operand != op->getOperand(0) && !isa<nn::ConcatOp>(op);
    SmallVector<Value> extents;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      Value extent = isShape || !isStored(type.getElementType()) ? Value() : findExtent(builder, rewriter, loop, operand, i);
      if (!extent)
        return {};
      extents.push_back(extent);
    }
    operands.map(operand, createEmpty(builder, builder.getLoc(), type, extents));
  }
  return getExtent(builder, builder.getLoc(), builder.clone(*op, operands)->getResult(0), axis);
}

/// The extent `axis` of `value`, which `op` computes inside, as a value from before `op`; null where it depends on what
/// happens inside.
static Value findExtent(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter, Operation *op, Value value,
                        int64_t axis) {
  if (!getRanked(value).isDynamicDim(axis))
    return getIndex(builder, getRanked(value).getDimSize(axis));
  std::pair<Value, int64_t> extent = nn::traceExtent(value, axis);
  if (auto loop = dyn_cast<nn::LoopOp>(op))
    extent = traceToInitial(loop, extent);
  auto [origin, originAxis] = extent;
  if (!getRanked(origin).isDynamicDim(originAxis))
    return getIndex(builder, getRanked(origin).getDimSize(originAxis));
  Region *region = origin.getParentRegion(); // none of an argument that is converted already
  if (region && op->isAncestor(region->getParentOp())) {
    auto loop = dyn_cast<nn::LoopOp>(op);
    auto result = dyn_cast<OpResult>(origin);
    return loop && result ? copyExtent(builder, rewriter, loop, result, originAxis) : Value();
  }
  Value converted = rewriter.getRemappedValue(origin);
  return getExtent(builder, builder.getLoc(), converted ? converted : origin, originAxis);
}

/// Whether an extent of what an iteration carries on is certainly another one than it began with: it is static, or that
/// of a concatenation with what it began with. Where neither this nor the opposite is known, ExtentRequirements asks.
static bool changesExtent(Value value, Value argument, int64_t axis) {
  auto [origin, originAxis] = nn::traceExtent(value, axis);
  bool isStatic = !getRanked(origin).isDynamicDim(originAxis) && !getRanked(argument).isDynamicDim(axis);
  if (isStatic)
    return getRanked(origin).getDimSize(originAxis) != getRanked(argument).getDimSize(axis);
  auto concat = origin.getDefiningOp<nn::ConcatOp>();
  return concat && static_cast<int64_t>(concat.getAxis()) == originAxis && concat.getInputs().size() > 1 &&
         llvm::any_of(concat.getInputs(), [&, at = originAxis](Value input) {
           return nn::haveSameExtent(input, at, argument, axis);
         });
}

static Value createPlace(ImplicitLocOpBuilder &builder, RankedTensorType type, ArrayRef<Value> extents) {
  SmallVector<Value> dynamic;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      dynamic.push_back(extents[axis]);
  return bufferization::AllocTensorOp::create(builder, type, dynamic);
}

namespace {

struct LowerIf : OpConversionPattern<nn::IfOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::IfOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto thenYield = cast<nn::YieldOp>(op.getThenRegion().front().getTerminator());
    auto elseYield = cast<nn::YieldOp>(op.getElseRegion().front().getTerminator());
    Value condition = readCondition(builder, adaptor.getCondition());
    SmallVector<Value> places;
    SmallVector<Type> types;
    for (OpResult result : op->getResults()) {
      auto type = getTypeConverter()->convertType<RankedTensorType>(result.getType());
      unsigned number = result.getResultNumber();
      types.push_back(type);
      SmallVector<Value> extents;
      for (int64_t axis = 0; axis < type.getRank(); ++axis)
        extents.push_back(findJoinedExtent(builder, rewriter, op, condition,
                                           {thenYield.getValues()[number], elseYield.getValues()[number]}, axis));
      bool isKnown = !llvm::is_contained(extents, Value());
      places.push_back(isKnown ? createPlace(builder, type, extents) : Value());
    }
    auto branch = scf::IfOp::create(builder, types, condition, /*addThenBlock=*/true, /*addElseBlock=*/true);
    moveBranch(rewriter, thenYield, places, op.getThenRegion(), branch.getThenRegion());
    moveBranch(rewriter, elseYield, places, op.getElseRegion(), branch.getElseRegion());
    rewriter.replaceOp(op, branch.getResults());
    return success();
  }

private:
  /// The extent `axis` of what either branch gives, as a value from before `op`; null where a branch decides it.
  static Value findJoinedExtent(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter, nn::IfOp op,
                                Value condition, std::pair<Value, Value> values, int64_t axis) {
    Value yes = findExtent(builder, rewriter, op, values.first, axis);
    if (!yes || nn::haveSameExtent(values.first, axis, values.second, axis))
      return yes;
    Value no = findExtent(builder, rewriter, op, values.second, axis);
    if (!no)
      return {};
    if (Value known = findEntry(builder, op.getCondition(), 0)) {
      Value isThen = arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, known, getIndex(builder, 0));
      return arith::SelectOp::create(builder, isThen, yes, no);
    }
    Value chosen = arith::SelectOp::create(builder, condition, yes, no);
    return kernel::BoundedOp::create(builder, chosen, builder.createOrFold<arith::MaxSIOp>(yes, no));
  }

  /// The terminator is given the places as well, or a value again where it has none; its own pattern puts each value in
  /// its place.
  static void moveBranch(ConversionPatternRewriter &rewriter, nn::YieldOp yield, ArrayRef<Value> places,
                         Region &source, Region &target) {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPoint(yield);
    SmallVector<Value> values(yield.getValues());
    for (auto [value, place] : llvm::zip(yield.getValues(), places))
      values.push_back(place ? place : value);
    nn::YieldOp::create(rewriter, yield.getLoc(), values);
    rewriter.eraseOp(yield);
    while (!target.empty())
      rewriter.eraseBlock(&target.front());
    rewriter.inlineRegionBefore(source, target, target.end());
  }
};

struct LowerLoop : OpConversionPattern<nn::LoopOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::LoopOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto yield = cast<nn::YieldOp>(op.getBody().front().getTerminator());
    SmallVector<Value> carried;
    for (auto [initial, argument] : llvm::zip(adaptor.getInitial(), op.getBody().getArguments().drop_front()))
      carried.push_back(castTo(builder, initial, getTypeConverter()->convertType<RankedTensorType>(argument.getType())));
    for (auto [value, argument] : llvm::zip(yield.getValues().drop_front(), op.getBody().getArguments().drop_front()))
      for (int64_t axis = 0; axis < getRanked(value).getRank(); ++axis)
        if (changesExtent(value, argument, axis))
          return op.emitError("the shape of a value that it carries changes from iteration to iteration");
    Value trips, isEntered;
    if (op.getTrips()) {
      trips = getRangedEntry(builder, op.getTrips(), adaptor.getTrips(), 0);
      trips = builder.createOrFold<arith::MaxSIOp>(trips, getIndex(builder, 0));
    }
    if (op.getCondition() && !isConstantTrue(op.getCondition()))
      isEntered = readCondition(builder, adaptor.getCondition());
    bool isCounted = trips && isConstantTrue(yield.getValues().front());
    if (!trips && op.getNumResults() > op.getNumCarried())
      return op.emitError("how much it collects depends on data, and nothing bounds the number of its iterations");
    if (isCounted && isEntered)
      trips = arith::SelectOp::create(builder, isEntered, trips, getIndex(builder, 0));
    FailureOr<SmallVector<Value>> results = isCounted
                                                ? lowerCounted(builder, rewriter, op, carried, trips)
                                                : lowerConditional(builder, rewriter, op, carried, trips, isEntered);
    if (failed(results))
      return failure();
    SmallVector<Value> replacements;
    for (auto [value, result] : llvm::zip(*results, op.getResults()))
      replacements.push_back(castTo(builder, value, getTypeConverter()->convertType<RankedTensorType>(result.getType())));
    rewriter.replaceOp(op, replacements);
    return success();
  }

private:
  /// The number of an iteration as the body is given it.
  static Value getNumber(ImplicitLocOpBuilder &builder, Value index) {
    Value number = arith::IndexCastOp::create(builder, builder.getI64Type(), index);
    return tensor::FromElementsOp::create(builder, RankedTensorType::get({}, builder.getI64Type()), number);
  }

  /// Moves the body to the end of `block`, which has a number and arguments for it.
  static void inlineBody(ConversionPatternRewriter &rewriter, nn::LoopOp op, Block *block, Value index,
                         ValueRange arguments) {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    builder.setInsertionPointToEnd(block);
    SmallVector<Value> values{getNumber(builder, index)};
    llvm::append_range(values, arguments);
    rewriter.inlineBlockBefore(&op.getBody().front(), block, block->end(), values);
  }

  /// Appends, to `initial`, a tensor for each value that the loop collects, of as many entries as `trips`.
  LogicalResult addCollected(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter, nn::LoopOp op,
                             Value trips, SmallVectorImpl<Value> &initial) const {
    auto yield = cast<nn::YieldOp>(op.getBody().front().getTerminator());
    unsigned numCarried = op.getNumCarried();
    for (auto [element, result] :
         llvm::zip(yield.getValues().drop_front(numCarried + 1), op.getResults().drop_front(numCarried))) {
      SmallVector<Value> extents{trips};
      for (int64_t axis = 0; axis < getRanked(element).getRank(); ++axis) {
        extents.push_back(findExtent(builder, rewriter, op, element, axis));
        if (!extents.back())
          return op->emitError("the extents of what it collects are not known before it runs");
      }
      auto type = getTypeConverter()->convertType<RankedTensorType>(result.getType());
      initial.push_back(createEmpty(builder, builder.getLoc(), type, extents));
    }
    return success();
  }

  FailureOr<SmallVector<Value>> lowerCounted(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter,
                                             nn::LoopOp op, ArrayRef<Value> carried, Value trips) const {
    SmallVector<Value> initial(carried);
    if (op.getNumResults() > carried.size() && isMadeOfValues(trips))
      require(builder, builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sle, trips, getIndex(builder, INT32_MAX)),
              "nn.loop: what it collects has at most 2147483647 elements");
    if (failed(addCollected(builder, rewriter, op, trips, initial)))
      return failure();
    auto loop = scf::ForOp::create(builder, getIndex(builder, 0), trips, getIndex(builder, 1), initial);
    if (initial.empty())
      rewriter.eraseOp(loop.getBody()->getTerminator());
    inlineBody(rewriter, op, loop.getBody(), loop.getInductionVar(), loop.getRegionIterArgs().take_front(carried.size()));
    return SmallVector<Value>(loop.getResults());
  }

  /// What a loop collects has room for `trips` entries, of which those of the iterations that ran are the result.
  FailureOr<SmallVector<Value>> lowerConditional(ImplicitLocOpBuilder &builder, ConversionPatternRewriter &rewriter,
                                                 nn::LoopOp op, ArrayRef<Value> carried, Value trips,
                                                 Value isEntered) const {
    // Tensors first: bufferisation wants them at one place in both regions, where canonicalisation drops scalars.
    SmallVector<Value> initial(carried);
    if (failed(addCollected(builder, rewriter, op, trips, initial)))
      return failure();
    size_t numTensors = initial.size();
    initial.push_back(getIndex(builder, 0));
    initial.push_back(isEntered ? isEntered : arith::ConstantIntOp::create(builder, 1, 1).getResult());
    auto before = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
      Value goesOn = arguments.back();
      if (trips) {
        Value isInside = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::slt, arguments[numTensors], trips);
        goesOn = arith::AndIOp::create(nested, loc, goesOn, isInside);
      }
      scf::ConditionOp::create(nested, loc, goesOn, arguments);
    };
    auto after = [](OpBuilder &, Location, ValueRange) {};
    auto loop = scf::WhileOp::create(builder, ValueRange(initial).getTypes(), initial, before, after);
    Block *body = loop.getAfterBody();
    inlineBody(rewriter, op, body, body->getArgument(numTensors), body->getArguments().take_front(carried.size()));
    SmallVector<Value> results(loop.getResults().take_front(numTensors));
    if (results.size() == carried.size())
      return results;
    Value count = kernel::BoundedOp::create(builder, loop.getResult(numTensors), trips);
    for (Value &all : MutableArrayRef(results).drop_front(carried.size()))
      all = takeBeginning(builder, all, count);
    return results;
  }

  /// The first `count` entries of `all` along its first axis.
  static Value takeBeginning(ImplicitLocOpBuilder &builder, Value all, Value count) {
    SmallVector<OpFoldResult> sizes{count};
    for (int64_t axis = 1; axis < getRanked(all).getRank(); ++axis)
      sizes.push_back(getAsOpFoldResult(getExtent(builder, builder.getLoc(), all, axis)));
    SmallVector<OpFoldResult> offsets(sizes.size(), builder.getIndexAttr(0)), strides(sizes.size(), builder.getIndexAttr(1));
    return tensor::ExtractSliceOp::create(builder, all, offsets, sizes, strides);
  }
};

struct LowerYield : OpConversionPattern<nn::YieldOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(nn::YieldOp op, OpAdaptor adaptor, ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    ValueRange values = adaptor.getValues();
    SmallVector<Value> yielded;
    if (auto branch = dyn_cast<scf::IfOp>(op->getParentOp())) {
      size_t count = values.size() / 2;
      for (auto [value, place, type] :
           llvm::zip(values.take_front(count), values.drop_front(count), branch.getResultTypes())) {
        Value fitting = castTo(builder, value, cast<RankedTensorType>(type));
        if (value != place)
          fitting = bufferization::MaterializeInDestinationOp::create(builder, place.getType(), fitting, place)
                        .getResult();
        else
          fitting = bufferization::AllocTensorOp::create(builder, cast<RankedTensorType>(type), ValueRange(), fitting);
        yielded.push_back(fitting);
      }
    } else if (auto loop = dyn_cast<scf::ForOp>(op->getParentOp())) {
      for (auto [value, argument] : llvm::zip(values.drop_front(), loop.getRegionIterArgs()))
        yielded.push_back(carryOn(builder, value, argument, loop.getInductionVar()));
    } else {
      auto repeat = cast<scf::WhileOp>(op->getParentOp());
      Value number = repeat.getAfterArguments()[values.size() - 1];
      for (auto [value, argument] : llvm::zip(values.drop_front(), repeat.getAfterArguments()))
        yielded.push_back(carryOn(builder, value, argument, number));
      yielded.push_back(arith::AddIOp::create(builder, number, getIndex(builder, 1)));
      yielded.push_back(readCondition(builder, values.front()));
    }
    rewriter.replaceOpWithNewOp<scf::YieldOp>(op, yielded);
    return success();
  }

  /// What an iteration goes on with in the place of `argument`: `value`, or that with `value` as its entry `at`.
  static Value carryOn(ImplicitLocOpBuilder &builder, Value value, Value argument, Value at) {
    return getRanked(value).getRank() == getRanked(argument).getRank() ? castTo(builder, value, getRanked(argument))
                                                                       : collect(builder, value, argument, at);
  }

  /// `all` with `element` as its entry `at`.
  static Value collect(ImplicitLocOpBuilder &builder, Value element, Value all, Value at) {
    if (getRanked(element).hasStaticShape() && getRanked(element).getNumElements() == 0)
      return all;
    SmallVector<OpFoldResult> offsets{at}, sizes{builder.getIndexAttr(1)};
    SmallVector<OpFoldResult> strides(getRanked(all).getRank(), builder.getIndexAttr(1));
    for (int64_t axis = 0; axis < getRanked(element).getRank(); ++axis) {
      offsets.push_back(builder.getIndexAttr(0));
      sizes.push_back(getAsOpFoldResult(getExtent(builder, builder.getLoc(), element, axis)));
    }
    return tensor::InsertSliceOp::create(builder, element, all, offsets, sizes, strides);
  }
};

} // namespace

void populateControlFlowToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerIf, LowerLoop, LowerYield>(types, patterns.getContext());
}

} // namespace nnc
