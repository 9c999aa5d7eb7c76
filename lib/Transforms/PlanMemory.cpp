// One arena for all buffers of @main. Expects memref.alloc with identity layouts,
// and sizes that depend on the inputs' extents only, or that kernel.bounded bounds
// by them: then the place is for the bound, and this pass is where the operation
// ends. Static buffers are packed by lib/Analysis/MemoryPlanner; buffers of
// dynamic size share slots behind them, whose offsets are computed at the
// function's entry.
#include "dialects/Kernel/Kernel.h"
#include "lib/Analysis/LayerName.h"
#include "lib/Analysis/MemoryPlanner.h"
#include "lib/Transforms/ExtentFunctions.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/SizeExpressions.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_PLANMEMORY
#include "lib/Transforms/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64;

/// One memref.alloc and the operations between which it is live.
struct Buffer {
  memref::AllocOp alloc;
  Operation *writer = nullptr; ///< the first that touches it
  int64_t first = 0;
  int64_t last = 0;
  int64_t bytes = -1;  ///< -1: known at run time only
  int64_t offset = -1; ///< of static buffers
  int64_t slot = -1;   ///< of dynamic buffers
};

/// A stretch of the arena of run-time size that several dynamic buffers use one after the other.
struct Slot {
  SmallVector<unsigned> members;
  int64_t last = 0;
};

/// Plans and rewrites one function.
class Planner {
public:
  explicit Planner(func::FuncOp main) : main(main), block(main.getBody().front()) {}

  LogicalResult run();

private:
  LogicalResult hoistNested();
  FailureOr<memref::AllocOp> hoist(memref::AllocOp op, Operation *ancestor);
  FailureOr<int64_t> getBoundBytes(memref::AllocOp op);
  LogicalResult collect();
  void planStatic();
  void planSlots();
  LogicalResult rewrite();
  LogicalResult buildWorkspaceFunction();
  FailureOr<SmallVector<Value>> buildOffsets(OpBuilder &builder, SizeExpressions &sizes);
  void recordPlan();

  /// Elements of inputs of @main, in `function`.
  SizeExpressions::ArgumentElement getElementIn(func::FuncOp function) {
    return [=](OpBuilder &builder, BlockArgument argument, int64_t position) {
      return getElementOfArgument(builder, function, main, argument, position);
    };
  }
  void number(Block &numbered);
  Block *getHome(memref::AllocOp alloc) { return homes.lookup_or(alloc, &block); }

  func::FuncOp main;
  Block &block;
  DenseMap<Operation *, Block *> homes;                         ///< blocks in which hoisted allocations were
  DenseMap<Operation *, std::pair<int64_t, int64_t>> positions; ///< of an operation, and of the last one inside it
  int64_t numPositions = 0;
  SmallVector<Buffer> buffers;
  SmallVector<Slot> slots;
  int64_t peak = 0;
  int64_t bound = 0;
};

} // namespace

static int64_t getElementBytes(MemRefType type) {
  return llvm::divideCeil(type.getElementType().isIndex() ? 64u : type.getElementTypeBitWidth(), 8u);
}

/// Row-major strides of `sizes`.
static SmallVector<OpFoldResult> buildStrides(OpBuilder &builder, Location loc, ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> strides(sizes.size());
  Value stride = arith::ConstantIndexOp::create(builder, loc, 1);
  for (size_t dim = sizes.size(); dim-- > 0;) {
    strides[dim] = getAsOpFoldResult(stride);
    stride =
        builder.createOrFold<arith::MulIOp>(loc, stride, getValueOrCreateConstantIndexOp(builder, loc, sizes[dim]));
  }
  return strides;
}

/// Moves an allocation out of `ancestor`, a loop or branch; sizes that are computed inside are computed before it, from
/// the extents of the arguments. Where that gives bounds only, the allocation is for them, and what was allocated is
/// the beginning of it.
FailureOr<memref::AllocOp> Planner::hoist(memref::AllocOp op, Operation *ancestor) {
  OpBuilder builder = OpBuilder::atBlockBegin(&block);
  SizeExpressions sizes(
      main,
      [&](OpBuilder &b, BlockArgument argument, int64_t dim) -> Value {
        return memref::DimOp::create(b, main.getLoc(), argument, dim);
      },
      getElementIn(main));
  SmallVector<Value> outside;
  bool isExact = true;
  for (Value size : op.getDynamicSizes()) {
    if (Operation *def = size.getDefiningOp(); def && def->getBlock() == &block) {
      outside.push_back(size);
      continue;
    }
    FailureOr<ExtentInterval> bound = sizes.rebuild(size, builder);
    if (failed(bound))
      return failure();
    isExact &= bound->isExact();
    outside.push_back(bound->upper);
  }
  if (isExact) {
    op.getDynamicSizesMutable().assign(outside);
    homes[op] = op->getBlock();
    op->moveBefore(ancestor);
    return op;
  }
  builder.setInsertionPoint(op);
  SmallVector<OpFoldResult> shape = op.getMixedSizes();
  builder.setInsertionPoint(ancestor);
  auto largest = memref::AllocOp::create(builder, op.getLoc(), op.getType(), outside, op.getAlignmentAttr());
  homes[largest] = op->getBlock();
  builder.setInsertionPoint(op);
  auto part = memref::ReinterpretCastOp::create(builder, op.getLoc(), op.getType(), largest,
                                                OpFoldResult(builder.getIndexAttr(0)), shape,
                                                buildStrides(builder, op.getLoc(), shape));
  op.replaceAllUsesWith(part.getResult());
  op.erase();
  return largest;
}

/// Moves allocations out of loops and branches: one buffer serves all iterations, because its contents do not outlive
/// one.
LogicalResult Planner::hoistNested() {
  BufferViewFlowAnalysis aliases(main);
  SmallVector<memref::AllocOp> nested;
  main.walk([&](memref::AllocOp op) {
    if (op->getBlock() != &block)
      nested.push_back(op);
  });
  for (memref::AllocOp op : nested) {
    for (Operation *parent = op->getParentOp(); parent != main; parent = parent->getParentOp())
      if (isa<scf::ParallelOp, scf::ForallOp>(parent))
        return op.emitError(
            "a buffer is allocated inside a parallel loop; use memref.alloca for scratch of one iteration");
    Operation *ancestor = block.findAncestorOpInBlock(*op);
    for (Value alias : aliases.resolve(op.getResult()))
      for (Operation *user : alias.getUsers())
        if (isa<scf::YieldOp, scf::ConditionOp>(user))
          return op.emitError("a buffer made inside a loop or branch is passed on to the next iteration or outside");
    if (failed(hoist(op, ancestor)))
      return failure();
  }
  return success();
}

/// Positions in program order. Operations inside others count only where a buffer was made there: its contents do not
/// outlive an iteration, so that it may share its place with others of the same loop.
void Planner::number(Block &numbered) {
  for (Operation &op : numbered) {
    int64_t first = numPositions++;
    auto hasHomes = llvm::any_of(homes, [&](auto &entry) { return op.isAncestor(entry.second->getParentOp()); });
    if (hasHomes)
      for (Region &region : op.getRegions())
        for (Block &inner : region)
          number(inner);
    positions[&op] = {first, numPositions - 1};
  }
}

/// Whether an input of `main` has an extent that only the caller knows.
static bool hasDynamicInputs(func::FuncOp main) {
  for (BlockArgument argument : main.getArguments())
    if (auto type = dyn_cast<MemRefType>(argument.getType());
        type && !type.hasStaticShape() && !main.getArgAttr(argument.getArgNumber(), "nn.output"))
      return true;
  return false;
}

/// Bytes of a buffer of a model whose inputs are static: of sizes that follow from data the bounds are constants; -1
/// where they are made of values of inputs.
FailureOr<int64_t> Planner::getBoundBytes(memref::AllocOp op) {
  OpBuilder builder(op);
  SizeExpressions sizes(
      main,
      [&](OpBuilder &b, BlockArgument argument, int64_t dim) -> Value {
        auto bounds = main.getArgAttrOfType<DenseI64ArrayAttr>(argument.getArgNumber(), "nn.bounds");
        unsigned place = cast<MemRefType>(argument.getType()).getDynamicDimIndex(dim);
        if (!bounds || ShapedType::isDynamic(bounds[place])) // an output's extent, made of values of inputs
          return memref::DimOp::create(b, op.getLoc(), argument, dim);
        return arith::ConstantIndexOp::create(b, op.getLoc(), bounds[place]);
      },
      getElementIn(main));
  int64_t limit = getSizeLimit(DataLayout::closest(main).getTypeSizeInBits(builder.getIndexType()));
  int64_t bytes = getElementBytes(op.getType());
  for (OpFoldResult size : op.getMixedSizes()) {
    int64_t extent = getConstantIntValue(size).value_or(-1);
    if (auto value = dyn_cast<Value>(size)) {
      FailureOr<ExtentInterval> bound = sizes.rebuild(value, builder);
      if (failed(bound))
        return failure();
      APInt constant;
      if (!matchPattern(bound->upper, m_ConstantInt(&constant)))
        return -1;
      extent = std::max<int64_t>(constant.getSExtValue(), 0);
    }
    if (llvm::MulOverflow(bytes, extent, bytes) || bytes > limit)
      return op.emitError("a buffer for the bound of what data decide would be larger than memory");
  }
  return bytes;
}

LogicalResult Planner::collect() {
  bool isDynamic = hasDynamicInputs(main);
  number(block);
  BufferViewFlowAnalysis aliases(main);
  for (auto alloc : block.getOps<memref::AllocOp>()) {
    MemRefType type = alloc.getType();
    if (!type.getLayout().isIdentity())
      return alloc.emitError("a buffer of a non-identity layout cannot be planned: ") << type;
    Buffer buffer;
    buffer.alloc = alloc;
    buffer.first = positions[block.getTerminator()].first;
    Block *home = getHome(alloc);
    buffer.last = 0;
    for (Value alias : aliases.resolve(alloc.getResult()))
      for (Operation *user : alias.getUsers()) {
        if (isa<ViewLikeOpInterface, memref::DimOp>(user) && isMemoryEffectFree(user))
          continue; // touches no element; the users of a view are among the aliases'
        Operation *inHome = home->findAncestorOpInBlock(*user);
        Operation *place = inHome ? inHome : block.findAncestorOpInBlock(*user);
        auto [first, last] = positions[place];
        if (first < buffer.first)
          buffer.writer = place;
        buffer.first = std::min(buffer.first, first);
        buffer.last = std::max(buffer.last, last);
      }
    buffer.first = std::min(buffer.first, buffer.last);
    if (alloc->hasAttr("nn.lasting")) // results point into it
      buffer.last = positions[block.getTerminator()].second;
    if (type.hasStaticShape())
      buffer.bytes = type.getNumElements() * getElementBytes(type);
    else if (FailureOr<int64_t> bytes = isDynamic ? FailureOr<int64_t>(-1) : getBoundBytes(alloc); succeeded(bytes))
      buffer.bytes = *bytes;
    else
      return failure();
    buffers.push_back(buffer);
  }
  return success();
}

void Planner::planStatic() {
  MemoryPlanner planner(alignment);
  SmallVector<Buffer *> planned;
  for (Buffer &buffer : buffers)
    if (buffer.bytes >= 0) {
      planner.add(buffer.bytes, buffer.first, buffer.last);
      planned.push_back(&buffer);
    }
  planner.plan();
  for (auto [buffer, place] : llvm::zip(planned, planner.getBuffers()))
    buffer->offset = place.offset;
  peak = planner.getPeak();
  bound = planner.getLowerBound();
}

void Planner::planSlots() {
  SmallVector<unsigned> order;
  for (unsigned i = 0; i < buffers.size(); ++i)
    if (buffers[i].bytes < 0)
      order.push_back(i);
  llvm::stable_sort(order, [&](unsigned a, unsigned b) { return buffers[a].first < buffers[b].first; });
  auto sameSize = [&](unsigned a, unsigned b) {
    return buffers[a].alloc.getType() == buffers[b].alloc.getType() &&
           llvm::equal(buffers[a].alloc.getDynamicSizes(), buffers[b].alloc.getDynamicSizes());
  };
  for (unsigned i : order) {
    int64_t chosen = -1;
    for (auto [number, slot] : llvm::enumerate(slots)) {
      if (slot.last >= buffers[i].first)
        continue;
      bool exact = llvm::any_of(slot.members, [&](unsigned member) { return sameSize(i, member); });
      if (chosen < 0 || exact)
        chosen = number;
      if (exact)
        break;
    }
    if (chosen < 0) {
      chosen = slots.size();
      slots.emplace_back();
    }
    slots[chosen].members.push_back(i);
    slots[chosen].last = buffers[i].last;
    buffers[i].slot = chosen;
  }
}

/// bytes * extent, at most `limit`.
static Value multiplyBytes(OpBuilder &builder, Location loc, Value bytes, Value extent, Value limit) {
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  auto product = arith::MulUIExtendedOp::create(builder, loc, bytes, extent);
  Value wraps = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, product.getHigh(), zero);
  Value atMost = arith::MinUIOp::create(builder, loc, product.getLow(), limit);
  return arith::SelectOp::create(builder, loc, wraps, limit, atMost);
}

/// The offset of each slot, then the arena's total size.
FailureOr<SmallVector<Value>> Planner::buildOffsets(OpBuilder &builder, SizeExpressions &sizes) {
  Location loc = main.getLoc();
  unsigned indexBits = DataLayout::closest(main).getTypeSizeInBits(builder.getIndexType());
  Value limit = arith::ConstantIndexOp::create(builder, loc, getSizeLimit(indexBits));
  SmallVector<Value> offsets{arith::ConstantIndexOp::create(builder, loc, peak)};
  for (Slot &slot : slots) {
    Value largest;
    for (unsigned member : slot.members) {
      memref::AllocOp alloc = buffers[member].alloc;
      MemRefType type = alloc.getType();
      int64_t staticBytes = getElementBytes(type);
      for (int64_t extent : type.getShape())
        staticBytes *= ShapedType::isDynamic(extent) ? 1 : extent;
      Value bytes = arith::ConstantIndexOp::create(builder, loc, staticBytes);
      for (Value size : alloc.getDynamicSizes()) {
        FailureOr<ExtentInterval> extent = sizes.rebuild(size, builder);
        if (failed(extent))
          return failure();
        bytes = multiplyBytes(builder, loc, bytes, extent->upper, limit);
      }
      largest = largest ? arith::MaxUIOp::create(builder, loc, largest, bytes).getResult() : bytes;
    }
    Value mask = arith::ConstantIndexOp::create(builder, loc, alignment - 1);
    Value clear = arith::ConstantIndexOp::create(builder, loc, -alignment);
    Value sum = arith::AddIOp::create(builder, loc, offsets.back(), largest);
    Value end = arith::AddIOp::create(builder, loc, arith::MinUIOp::create(builder, loc, sum, limit), mask);
    offsets.push_back(arith::AndIOp::create(builder, loc, end, clear));
  }
  return offsets;
}

LogicalResult Planner::buildWorkspaceFunction() {
  OpBuilder builder(main.getContext());
  func::FuncOp function = createExtentFunction(main, "main_workspace", builder.getIndexType());
  builder.setInsertionPointToStart(&function.getBody().front());
  auto ofOutputs = main->getParentOfType<ModuleOp>().lookupSymbol<func::FuncOp>("main_output_extents");
  func::CallOp outputExtents;
  SizeExpressions sizes(
      main,
      [&](OpBuilder &, BlockArgument argument, int64_t dim) -> Value {
        if (Value extent = getExtentArgument(function, main, argument, dim))
          return extent;
        std::optional<unsigned> index = getOutputExtentIndex(main, argument, dim);
        if (!index || !ofOutputs)
          return {};
        if (!outputExtents) {
          OpBuilder start = OpBuilder::atBlockBegin(&function.getBody().front());
          outputExtents = func::CallOp::create(start, main.getLoc(), ofOutputs, function.getArguments());
        }
        return outputExtents.getResult(*index);
      },
      getElementIn(function));
  FailureOr<SmallVector<Value>> offsets = buildOffsets(builder, sizes);
  if (failed(offsets))
    return failure();
  func::ReturnOp::create(builder, main.getLoc(), offsets->back());
  return success();
}

LogicalResult Planner::rewrite() {
  OpBuilder builder(main.getContext());
  auto arenaType = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
  auto attrs = builder.getDictionaryAttr(builder.getNamedAttr("nn.arena", builder.getUnitAttr()));
  if (failed(main.insertArgument(main.getNumArguments(), arenaType, attrs, main.getLoc())))
    return failure();
  Value arena = block.getArguments().back();
  SmallVector<Value> offsets;
  if (!slots.empty()) {
    builder.setInsertionPointToStart(&block);
    SizeExpressions sizes(
        main,
        [&](OpBuilder &b, BlockArgument argument, int64_t dim) -> Value {
          return memref::DimOp::create(b, main.getLoc(), argument, dim);
        },
        getElementIn(main));
    auto built = buildOffsets(builder, sizes);
    if (failed(built))
      return failure();
    offsets = *built;
  }
  for (Buffer &buffer : buffers) {
    memref::AllocOp alloc = buffer.alloc;
    builder.setInsertionPoint(alloc);
    Value offset = buffer.slot >= 0
                       ? offsets[buffer.slot]
                       : arith::ConstantIndexOp::create(builder, alloc.getLoc(), buffer.offset).getResult();
    Value view =
        memref::ViewOp::create(builder, alloc.getLoc(), alloc.getType(), arena, offset, alloc.getDynamicSizes());
    for (Operation *user : llvm::make_early_inc_range(alloc->getUsers()))
      if (isa<memref::DeallocOp>(user))
        user->erase();
    alloc.getResult().replaceAllUsesWith(view);
    alloc.erase();
  }
  return success();
}

void Planner::recordPlan() {
  Builder builder(main.getContext());
  auto number = [&](int64_t value) { return builder.getI64IntegerAttr(value); };
  SmallVector<Attribute> entries;
  for (Buffer &buffer : buffers) {
    // The allocation may come from an empty tensor that several layers shared.
    Location loc = buffer.writer ? buffer.writer->getLoc() : buffer.alloc.getLoc();
    if (getLayerName(loc).empty())
      loc = buffer.alloc.getLoc();
    NamedAttrList entry;
    entry.set("layer", builder.getStringAttr(getLayerName(loc)));
    if (std::vector<int64_t> layers = getLayerNumbers(loc); !layers.empty())
      entry.set("layers", builder.getDenseI64ArrayAttr(layers));
    entry.set("first", number(buffer.first));
    entry.set("last", number(buffer.last));
    if (buffer.slot >= 0) {
      entry.set("slot", number(buffer.slot));
    } else {
      entry.set("bytes", number(buffer.bytes));
      entry.set("offset", number(buffer.offset));
    }
    entries.push_back(entry.getDictionary(main.getContext()));
  }
  NamedAttrList plan;
  plan.set("buffers", builder.getArrayAttr(entries));
  plan.set("peak", number(peak));
  plan.set("bound", number(bound));
  plan.set("slots", number(slots.size()));
  main->getParentOfType<ModuleOp>()->setAttr("nn.memory_plan", plan.getDictionary(main.getContext()));
}

LogicalResult Planner::run() {
  if (failed(hoistNested()) || failed(collect()))
    return failure();
  planStatic();
  planSlots();
  recordPlan();
  if ((hasDynamicInputs(main) || !slots.empty()) && failed(buildWorkspaceFunction()))
    return failure();
  if (failed(rewrite()))
    return failure();
  // Nothing asks for bounds from here on.
  main->getParentOfType<ModuleOp>().walk([](kernel::BoundedOp op) {
    op.replaceAllUsesWith(op.getExtent());
    op.erase();
  });
  return success();
}

namespace {

struct PlanMemoryPass : public impl::PlanMemoryBase<PlanMemoryPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("plan-memory needs a function @main of one block");
      return signalPassFailure();
    }
    if (failed(Planner(main).run()))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
