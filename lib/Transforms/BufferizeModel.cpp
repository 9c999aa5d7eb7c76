// From tensors to buffers: @main's results become destination arguments, and
// one-shot bufferisation places every value, so that the operation that makes an
// output writes straight into the caller's memory. Expects linalg, Kernel,
// tensor and scf operations on tensors; leaves memref.alloc without dealloc and
// constants as memref.global.
#include "lib/Transforms/InsertionChains.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/Transforms/Transforms.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_BUFFERIZEMODEL
#include "lib/Transforms/Passes.h.inc"

/// Walks from a returned value up through static reshapes, applying the inverse of each to the destination buffer, so
/// that the operation that computes the value can write to it. Returns the value and the buffer it belongs to.
static std::pair<Value, Value> sinkReshapes(OpBuilder &builder, Value value, Value destination) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
      if (!expand.getResultType().hasStaticShape())
        break;
      destination =
          memref::CollapseShapeOp::create(builder, op->getLoc(), destination, expand.getReassociationIndices());
      value = expand.getSrc();
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
      if (!collapse.getSrcType().hasStaticShape())
        break;
      destination = memref::ExpandShapeOp::create(builder, op->getLoc(), collapse.getSrcType().getShape(), destination,
                                                  collapse.getReassociationIndices());
      value = collapse.getSrc();
    } else {
      break;
    }
  }
  return {value, destination};
}

/// `destination`, a buffer for the bounds of what data decide, as one of the shape that `value` has.
static Value takeTrueShape(OpBuilder &builder, Value value, Value destination) {
  Location loc = value.getLoc();
  auto type = cast<MemRefType>(destination.getType());
  SmallVector<OpFoldResult> sizes, strides(type.getRank());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    sizes.push_back(getAsOpFoldResult(builder.createOrFold<tensor::DimOp>(loc, value, dim)));
  Value stride = arith::ConstantIndexOp::create(builder, loc, 1);
  for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
    strides[dim] = getAsOpFoldResult(stride);
    stride =
        builder.createOrFold<arith::MulIOp>(loc, stride, getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]));
  }
  return memref::ReinterpretCastOp::create(builder, loc, type, destination, OpFoldResult(builder.getIndexAttr(0)),
                                           sizes, strides);
}

/// Appends one destination argument per result and stores each result there; the function then returns nothing.
static LogicalResult appendDestinations(func::FuncOp main) {
  auto returnOp = cast<func::ReturnOp>(main.getBody().front().getTerminator());
  SmallVector<Type> types(main.getResultTypes());
  SmallVector<Value> values(returnOp.getOperands());
  OpBuilder builder(returnOp);
  for (auto [i, type] : llvm::enumerate(types)) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor)
      return main.emitError("result ") << i << " of @main is not a ranked tensor: " << type;
    NamedAttrList attrs(main.getResultAttrDict(i));
    attrs.set("nn.output", builder.getUnitAttr());
    auto buffer = MemRefType::get(tensor.getShape(), tensor.getElementType());
    unsigned position = main.getNumArguments();
    if (failed(main.insertArgument(position, buffer, attrs.getDictionary(builder.getContext()), main.getLoc())))
      return failure();
    builder.setInsertionPointToStart(&main.getBody().front());
    auto [value, place] = sinkReshapes(builder, values[i], main.getArgument(position));
    builder.setInsertionPoint(returnOp);
    if (attrs.get("nn.bounds"))
      place = takeTrueShape(builder, value, place);
    bufferization::MaterializeInDestinationOp::create(builder, returnOp.getLoc(), /*result=*/Type(), value, place,
                                                      /*restrict=*/true, /*writable=*/true);
  }
  returnOp.getOperandsMutable().clear();
  return main.eraseResults(llvm::BitVector(types.size(), true));
}

/// Whether `value` is a filled tensor, or one of which some parts are filled and nothing else is known.
static bool isOnlyFilled(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return fill->getNumResults() && fill.getOutputs().front().getDefiningOp<tensor::EmptyOp>();
  auto insertion = value.getDefiningOp<tensor::InsertSliceOp>();
  return insertion && isOnlyFilled(insertion.getSource()) &&
         (insertion.getDest().getDefiningOp<tensor::EmptyOp>() || isOnlyFilled(insertion.getDest()));
}

/// One linalg.fill per use, and one filling of borders, for the same reason as tensor.empty below.
static void separateFills(func::FuncOp function) {
  SmallVector<Operation *> fills;
  function.walk([&](Operation *op) {
    if (isa<linalg::FillOp, tensor::InsertSliceOp>(op) && op->getNumResults() && isOnlyFilled(op->getResult(0)))
      fills.push_back(op);
  });
  for (Operation *op : llvm::reverse(fills)) { // a copy of the last insertion uses those before it again
    OpBuilder builder(op);
    for (OpOperand &use : llvm::make_early_inc_range(llvm::drop_begin(op->getUses())))
      use.set(builder.clone(*op)->getResult(0));
  }
}

/// One tensor.empty per use: shared ones (CSE) would tie unrelated operations to one buffer. Each as early as its
/// operands allow, so that what replaces it (a slice of a destination) is there before the first operation that could
/// write to it.
static void separateEmptyTensors(func::FuncOp function) {
  SmallVector<tensor::EmptyOp> empties;
  function.walk([&](tensor::EmptyOp op) { empties.push_back(op); });
  Block &block = function.getBody().front();
  for (tensor::EmptyOp op : empties) {
    OpBuilder builder(op);
    Operation *latest = nullptr;
    bool movable = op->getBlock() == &block;
    for (Value operand : op->getOperands())
      if (Operation *def = operand.getDefiningOp()) {
        movable &= def->getBlock() == &block;
        if (movable && (!latest || latest->isBeforeInBlock(def)))
          latest = def;
      }
    if (movable && latest)
      op->moveAfter(latest);
    else if (movable)
      op->moveBefore(&block, block.begin());
    for (OpOperand &use : llvm::make_early_inc_range(llvm::drop_begin(op->getUses()))) {
      builder.setInsertionPoint(op);
      use.set(builder.clone(*op)->getResult(0));
    }
  }
}

/// tensor.concat and tensor.pad have no destination of their own: they become insertions into one.
static LogicalResult decomposeLeftovers(ModuleOp module) {
  RewritePatternSet patterns(module.getContext());
  tensor::populateDecomposeTensorConcatPatterns(patterns);
  linalg::populateDecomposePadPatterns(patterns);
  return applyPatternsGreedily(module, std::move(patterns));
}

/// Lets operations write straight to the place that their result is inserted into. Outer insertions go first (reverse
/// order), so that a concatenation's operands find the concatenation's own final place.
static LogicalResult placeInDestinations(func::FuncOp main, const bufferization::OneShotBufferizationOptions &options) {
  bufferization::OneShotAnalysisState state(main, options);
  if (failed(bufferization::analyzeOp(main, state)))
    return failure();
  SmallVector<Operation *> insertions;
  main.walk([&](SubsetInsertionOpInterface op) { insertions.push_back(op); });
  IRRewriter rewriter(main.getContext());
  InsertionClusters clusters(main);
  for (Operation *op : llvm::reverse(insertions))
    if (clusters.join(op) && failed(bufferization::eliminateEmptyTensors(rewriter, op, state)))
      return failure();
  return success();
}

/// What a loop or an insertion changes to make `value`; null where another operation makes it, or others read it too.
static OpOperand *getChanged(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.hasOneUse())
    return nullptr;
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return &loop.getInitArgsMutable()[cast<OpResult>(value).getResultNumber()];
  if (auto insertion = dyn_cast<tensor::InsertSliceOp>(op))
    return &insertion.getDestMutable();
  return nullptr;
}

/// Inputs and constants of which results are changed versions are copied to empty tensors, which can be the results' own
/// places. What bufferisation would copy them to can not.
static void copyWhatResultsChange(func::FuncOp main) {
  for (auto op : main.getBody().front().getOps<bufferization::MaterializeInDestinationOp>()) {
    OpOperand *changed = nullptr;
    for (OpOperand *next = getChanged(op.getSource()); next; next = getChanged(next->get()))
      changed = next;
    Value value = changed ? changed->get() : Value();
    bool isFixed = value && (isa<BlockArgument>(value) || value.getDefiningOp<arith::ConstantOp>());
    if (!isFixed)
      continue;
    OpBuilder builder(changed->getOwner());
    Location loc = op.getLoc();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, value);
    Value empty = tensor::EmptyOp::create(builder, loc, sizes, getElementTypeOrSelf(value.getType()));
    int64_t rank = sizes.size();
    SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(rank));
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    auto yield = [](OpBuilder &nested, Location loc, ValueRange arguments) {
      linalg::YieldOp::create(nested, loc, arguments.front());
    };
    auto copy = linalg::GenericOp::create(builder, loc, empty.getType(), value, empty, maps, iterators, yield);
    changed->set(copy.getResult(0));
  }
}

/// The output of @main that `buffer` is, or is a view of; null for any other.
static BlockArgument getOutput(func::FuncOp main, Value buffer) {
  while (auto view = buffer.getDefiningOp<ViewLikeOpInterface>())
    buffer = view.getViewSource();
  auto argument = dyn_cast<BlockArgument>(buffer);
  bool isOutput = argument && argument.getOwner() == &main.getBody().front() && main.getArgAttr(argument.getArgNumber(), "nn.output");
  return isOutput ? argument : BlockArgument();
}

/// Results that lie in the buffer of another result are copied before the first is stored, which may be over them. The
/// analysis does not know that an output's buffer, which placeInDestinations handed out as a tensor, is written to at the end.
static LogicalResult saveFromOtherOutputs(func::FuncOp main, const bufferization::OneShotBufferizationOptions &options) {
  auto results = llvm::to_vector(main.getBody().front().getOps<bufferization::MaterializeInDestinationOp>());
  bool hasSaved = results.size() > 1;
  while (hasSaved) { // each copy may change what is computed in place, but there is at most one for each result
    hasSaved = false;
    bufferization::OneShotAnalysisState state(main->getParentOp(), options);
    if (failed(bufferization::analyzeModuleOp(main->getParentOp(), state)))
      return failure();
    SmallVector<std::pair<Value, BlockArgument>> handedOut;
    main.walk([&](bufferization::ToTensorOp op) {
      if (BlockArgument output = getOutput(main, op.getBuffer()))
        handedOut.push_back({op.getResult(), output});
    });
    for (bufferization::MaterializeInDestinationOp op : results) {
      BlockArgument own = getOutput(main, op.getDest());
      // What another result is made in place of is not stored again.
      auto isStoredOver = [&](Value place, BlockArgument output) {
        return llvm::any_of(results, [&](bufferization::MaterializeInDestinationOp other) {
          return getOutput(main, other.getDest()) == output && !state.areEquivalentBufferizedValues(place, other.getSource());
        });
      };
      bool isInOther = llvm::any_of(handedOut, [&](const auto &pair) {
        return pair.second != own && state.areAliasingBufferizedValues(pair.first, op.getSource()) &&
               isStoredOver(pair.first, pair.second);
      });
      if (!isInOther)
        continue;
      OpBuilder builder(results.front());
      auto copy = bufferization::AllocTensorOp::create(builder, op.getLoc(), cast<RankedTensorType>(op.getSource().getType()),
                                                       /*dynamicSizes=*/ValueRange(), op.getSource());
      op.getSourceMutable().assign(copy.getResult());
      hasSaved = true;
    }
  }
  return success();
}

/// Whether an operation computes a size that slices cannot be compared by: the analysis would build systems of inequalities
/// of all that it is made of, and solve them again for each arith.select in it.
static bool isInvolved(Operation *op) {
  if (op->getNumResults() != 1 || !op->getResult(0).getType().isIndex() || !isa<arith::ArithDialect>(op->getDialect()))
    return false;
  if (auto product = dyn_cast<arith::MulIOp>(op))
    return !matchPattern(product.getLhs(), m_Constant()) && !matchPattern(product.getRhs(), m_Constant());
  return !isa<arith::ConstantOp, arith::AddIOp, arith::SubIOp>(op);
}

/// Puts casts, of which nobody knows anything, behind involved sizes: equal ones are one value anyway.
static void hideInvolvedSizes(func::FuncOp main) {
  SmallVector<Operation *> involved;
  main.walk([&](Operation *op) {
    if (isInvolved(op))
      involved.push_back(op);
  });
  OpBuilder builder(main.getContext());
  for (Operation *op : involved) {
    builder.setInsertionPointAfter(op);
    Value size = op->getResult(0);
    auto cast = UnrealizedConversionCastOp::create(builder, op->getLoc(), size.getType(), size);
    size.replaceAllUsesExcept(cast.getResult(0), cast);
  }
}

static void showInvolvedSizes(ModuleOp module) {
  module.walk([](UnrealizedConversionCastOp op) {
    if (op.getNumOperands() != 1 || op.getNumResults() != 1 || !op.getOperand(0).getType().isIndex() ||
        !op.getResult(0).getType().isIndex())
      return;
    op.getResult(0).replaceAllUsesWith(op.getOperand(0));
    op.erase();
  });
}

/// Moves `value` of `block`, and what it is made of, as early as their operands allow, where nothing else tells.
static void computeEarly(Value value, Block &block, llvm::SmallDenseSet<Operation *> &done) {
  Operation *op = value.getDefiningOp(), *latest = nullptr;
  if (!op || op->getBlock() != &block || !done.insert(op).second)
    return;
  auto extract = dyn_cast<tensor::ExtractOp>(op);
  bool isSize = extract ? extract.getIndices().empty() : isa<arith::ArithDialect>(op->getDialect()) || isa<tensor::DimOp>(op);
  if (!isSize || !isPure(op) || op->getNumRegions() != 0)
    return;
  for (Value operand : op->getOperands()) {
    computeEarly(operand, block, done);
    Operation *def = operand.getDefiningOp();
    if (def && def->getBlock() == &block && (!latest || latest->isBeforeInBlock(def)))
      latest = def;
  }
  if (latest)
    op->moveAfter(latest);
  else
    op->moveBefore(&block, block.begin());
}

/// Places in destinations must be known before what they are for is computed.
static void computePlacesEarly(func::FuncOp main) {
  Block &block = main.getBody().front();
  llvm::SmallDenseSet<Operation *> done;
  for (auto insertion : llvm::to_vector(block.getOps<tensor::InsertSliceOp>())) {
    SmallVector<Value> sizes(insertion->getOperands().drop_front(2)); // all but the source and the destination
    if (auto empty = insertion.getDest().getDefiningOp<tensor::EmptyOp>())
      llvm::append_range(sizes, empty.getDynamicSizes());
    for (Value size : sizes)
      computeEarly(size, block, done);
  }
}

namespace {

struct BufferizeModelPass : public impl::BufferizeModelBase<BufferizeModelPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      module.emitError("bufferize-model needs a function @main of one block");
      return signalPassFailure();
    }
    // The inputs belong to the caller: what changes one works on a copy.
    for (unsigned i = 0, numInputs = main.getNumArguments(); i < numInputs; ++i)
      main.setArgAttr(i, bufferization::BufferizationDialect::kWritableAttrName, BoolAttr::get(&getContext(), false));
    if (failed(decomposeLeftovers(module)) || failed(appendDestinations(main)))
      return signalPassFailure();
    copyWhatResultsChange(main);
    separateFills(main);
    computePlacesEarly(main);
    separateEmptyTensors(main);
    copyLongInsertionChains(main);
    hideInvolvedSizes(main);

    bufferization::OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(bufferization::LayoutMapOption::IdentityLayoutMap);
    options.bufferAlignment = 64;
    if (failed(placeInDestinations(main, options)) || failed(saveFromOtherOutputs(main, options)))
      return signalPassFailure();
    bufferization::BufferizationState state;
    if (failed(bufferization::runOneShotModuleBufferize(module, options, state)))
      return signalPassFailure();
    showInvolvedSizes(module);
    OpPassManager cleanup("builtin.module");
    cleanup.addPass(createCanonicalizerPass());
    cleanup.addPass(createCSEPass());
    cleanup.addPass(createCanonicalizerPass()); // copies that CSE showed to be from a place to itself
    if (failed(runPipeline(cleanup, module)))
      return signalPassFailure();
  }
};

} // namespace
} // namespace nnc
