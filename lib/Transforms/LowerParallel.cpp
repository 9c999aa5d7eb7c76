// Turns the kernels' parallel loops into sequential ones or, with threads, into
// functions that the caller's parallel-for callback can run. Expects scf.parallel
// without reductions.
//
// With threads, @main gets the callback as its last argument. A loop with enough
// work becomes two functions: one for one task, a run of neighbouring iterations,
// and one that calls it for all tasks, marked `nn.parallel_for` for
// emit-parallel-calls. Which iterations make a task does not depend on the number
// of threads, and neither do results. Other loops become sequential ones; loops of
// several dimensions a nest in the same order.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/LayerName.h"
#include "lib/Support/Decision.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_LOWERPARALLEL
#include "lib/Transforms/Passes.h.inc"

/// Work in operations, most of them on vectors: less than this is not worth waking threads (some 20 us).
static constexpr int64_t leastLoopWork = 60000;
/// Work of one task, against the cost of handing it out.
static constexpr int64_t leastTaskWork = 6000;
/// What is assumed of a loop whose number of iterations is not known.
static constexpr int64_t unknownTrips = 16;

static LogicalResult lowerToFor(scf::ParallelOp parallel) {
  OpBuilder builder(parallel);
  Location loc = parallel.getLoc();
  SmallVector<Value> indices;
  scf::ForOp loop;
  for (auto [lower, upper, step] :
       llvm::zip(parallel.getLowerBound(), parallel.getUpperBound(), parallel.getStep())) {
    loop = scf::ForOp::create(builder, loc, lower, upper, step);
    indices.push_back(loop.getInductionVar());
    builder.setInsertionPointToStart(loop.getBody());
  }
  Block *source = parallel.getBody();
  source->getTerminator()->erase();
  IRRewriter rewriter(builder);
  rewriter.inlineBlockBefore(source, loop.getBody()->getTerminator(), indices);
  rewriter.eraseOp(parallel);
  return success();
}

static std::optional<int64_t> getTrips(Value lower, Value upper, Value step) {
  auto first = getConstantIntValue(lower), end = getConstantIntValue(upper), by = getConstantIntValue(step);
  if (!first || !end || !by || *by <= 0)
    return std::nullopt;
  return *end <= *first ? 0 : llvm::divideCeil(*end - *first, *by);
}

/// Operations that one execution of `block` takes; of branches the dearer one.
static int64_t estimateWork(Block &block) {
  int64_t work = 0;
  for (Operation &op : block) {
    if (auto loop = dyn_cast<scf::ForOp>(op)) {
      auto trips = getTrips(loop.getLowerBound(), loop.getUpperBound(), loop.getStep());
      work += trips.value_or(unknownTrips) * estimateWork(*loop.getBody());
      continue;
    }
    int64_t most = 1;
    for (Region &region : op.getRegions())
      for (Block &nested : region)
        most = std::max(most, estimateWork(nested));
    work += most;
  }
  return work;
}

namespace {

class ParallelOutlining {
public:
  ParallelOutlining(func::FuncOp main, Value callback)
      : main(main), callback(callback), symbols(main->getParentOfType<ModuleOp>()) {}

  /// False where the loop has too little work; it stays.
  bool outline(scf::ParallelOp loop);

private:
  func::FuncOp createTask(scf::ParallelOp loop, ValueRange captured, int64_t grain, StringRef name);
  func::FuncOp createLoop(scf::ParallelOp loop, ValueRange captured, func::FuncOp task, StringRef name);
  func::FuncOp createFunction(Location loc, StringRef name, TypeRange arguments);

  func::FuncOp main;
  Value callback;
  SymbolTable symbols;
};

} // namespace

func::FuncOp ParallelOutlining::createFunction(Location loc, StringRef name, TypeRange arguments) {
  OpBuilder builder(main);
  auto function = func::FuncOp::create(builder, loc, name, builder.getFunctionType(arguments, {}));
  function.setPrivate();
  function.addEntryBlock();
  symbols.insert(function); // makes the name unique
  return function;
}

/// Iterations [task * grain, min((task + 1) * grain, all)) of `loop`; arguments: what is captured, the task.
func::FuncOp ParallelOutlining::createTask(scf::ParallelOp loop, ValueRange captured, int64_t grain, StringRef name) {
  SmallVector<Type> types(captured.getTypes());
  types.push_back(IndexType::get(main.getContext()));
  Location loc = loop.getLoc();
  func::FuncOp function = createFunction(loc, (name + "_task").str(), types);
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  IRMapping mapping;
  mapping.map(captured, function.getArguments().drop_back());
  llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
  getUsedValuesDefinedAbove(loop->getRegions(), used);
  for (Value value : used)
    if (!mapping.contains(value))
      mapping.map(value, builder.clone(*value.getDefiningOp())->getResult(0));
  Value task = function.getArguments().back();
  Value step = mapping.lookup(loop.getStep()[0]), lower = mapping.lookup(loop.getLowerBound()[0]);
  Value upper = mapping.lookup(loop.getUpperBound()[0]);
  Value stride = arith::MulIOp::create(builder, loc, step, arith::ConstantIndexOp::create(builder, loc, grain));
  Value first = arith::AddIOp::create(builder, loc, lower, arith::MulIOp::create(builder, loc, task, stride));
  Value end = arith::MinSIOp::create(builder, loc, arith::AddIOp::create(builder, loc, first, stride), upper);
  auto outer = scf::ForOp::create(builder, loc, first, end, step);
  SmallVector<Value> indices{outer.getInductionVar()};
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(outer.getBody());
  for (unsigned dim = 1; dim < loop.getNumLoops(); ++dim) {
    auto inner = scf::ForOp::create(builder, loc, mapping.lookup(loop.getLowerBound()[dim]),
                                    mapping.lookup(loop.getUpperBound()[dim]), mapping.lookup(loop.getStep()[dim]));
    indices.push_back(inner.getInductionVar());
    builder.setInsertionPointToStart(inner.getBody());
  }
  mapping.map(loop.getInductionVars(), indices);
  for (Operation &op : loop.getBody()->without_terminator())
    builder.clone(op, mapping);
  return function;
}

/// Calls `task` for each task in turn; arguments: the callback, what is captured, the number of tasks.
func::FuncOp ParallelOutlining::createLoop(scf::ParallelOp loop, ValueRange captured, func::FuncOp task,
                                           StringRef name) {
  SmallVector<Type> types{callback.getType()};
  llvm::append_range(types, task.getArgumentTypes());
  Location loc = loop.getLoc();
  func::FuncOp function = createFunction(loc, name, types);
  function->setAttr("nn.parallel_for", UnitAttr::get(main.getContext()));
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0), one = arith::ConstantIndexOp::create(builder, loc, 1);
  auto sequential = scf::ForOp::create(builder, loc, zero, function.getArguments().back(), one);
  func::ReturnOp::create(builder, loc);
  builder.setInsertionPointToStart(sequential.getBody());
  SmallVector<Value> arguments(function.getArguments().drop_front().drop_back());
  arguments.push_back(sequential.getInductionVar());
  func::CallOp::create(builder, loc, task, arguments);
  return function;
}

bool ParallelOutlining::outline(scf::ParallelOp loop) {
  Value lower = loop.getLowerBound()[0], upper = loop.getUpperBound()[0], step = loop.getStep()[0];
  std::optional<int64_t> trips = getTrips(lower, upper, step);
  int64_t work = estimateWork(*loop.getBody());
  for (unsigned dim = 1; dim < loop.getNumLoops(); ++dim)
    work *= getTrips(loop.getLowerBound()[dim], loop.getUpperBound()[dim], loop.getStep()[dim]).value_or(unknownTrips);
  int64_t grain = std::max<int64_t>(1, leastTaskWork / std::max<int64_t>(1, work));
  if (trips && (*trips * work < leastLoopWork || *trips <= grain)) {
    remark::missed(loop.getLoc(), about::threads) << remark::add(
        "one thread: {0} operations in {1} iterations are not worth waking others", *trips * work, *trips);
    return false;
  }
  remark::passed(loop.getLoc(), about::threads)
      << remark::add("{0} tasks of up to {1} iterations, each of about {2} operations",
                     trips ? std::to_string(llvm::divideCeil(*trips, grain)) : "as many as extents give", grain, work);
  llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end()), captured;
  getUsedValuesDefinedAbove(loop->getRegions(), used);
  for (Value value : used)
    if (Operation *def = value.getDefiningOp(); !def || !def->hasTrait<OpTrait::ConstantLike>())
      captured.insert(value);
  std::string name = "layer_";
  for (char c : getLayerName(loop.getLoc()))
    name += llvm::isAlnum(c) ? c : '_';
  name += "_loop";
  func::FuncOp task = createTask(loop, captured.getArrayRef(), grain, name);
  func::FuncOp function = createLoop(loop, captured.getArrayRef(), task, name);
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  Value range = arith::SubIOp::create(builder, loc, upper, lower);
  Value positive = arith::MaxSIOp::create(builder, loc, range, arith::ConstantIndexOp::create(builder, loc, 0));
  Value stride = arith::MulIOp::create(builder, loc, step, arith::ConstantIndexOp::create(builder, loc, grain));
  SmallVector<Value> arguments{callback};
  llvm::append_range(arguments, captured);
  arguments.push_back(arith::CeilDivUIOp::create(builder, loc, positive, stride));
  func::CallOp::create(builder, loc, function, arguments);
  loop.erase();
  return true;
}

namespace {

struct LowerParallelPass : public impl::LowerParallelBase<LowerParallelPass> {
  using LowerParallelBase::LowerParallelBase;

  void runOnOperation() override {
    SmallVector<scf::ParallelOp> loops;
    WalkResult result = getOperation().walk<WalkOrder::PreOrder>([&](scf::ParallelOp op) {
      if (op.getNumReductions() != 0) {
        op.emitOpError("reduces: the kernels' outermost loops must not");
        return WalkResult::interrupt();
      }
      loops.push_back(op);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (threads && main && !main.isExternal())
      loops = outlineFrom(main, loops);
    for (scf::ParallelOp loop : loops)
      if (failed(lowerToFor(loop)))
        return signalPassFailure();
  }

private:
  /// Gives @main the callback and outlines its outermost loops; returns those that stay.
  SmallVector<scf::ParallelOp> outlineFrom(func::FuncOp main, ArrayRef<scf::ParallelOp> loops) {
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    if (failed(main.insertArgument(main.getNumArguments(), pointer, {}, main.getLoc())))
      return SmallVector<scf::ParallelOp>(loops);
    ParallelOutlining outlining(main, main.getArguments().back());
    SmallVector<scf::ParallelOp> inner, staying;
    for (scf::ParallelOp loop : loops) // those inside others first: they are sequential
      if (loop->getParentOfType<scf::ParallelOp>())
        inner.push_back(loop);
    for (scf::ParallelOp loop : llvm::reverse(inner))
      (void)lowerToFor(loop);
    for (scf::ParallelOp loop : loops)
      if (!llvm::is_contained(inner, loop) && !(loop->getParentOfType<func::FuncOp>() == main && outlining.outline(loop)))
        staying.push_back(loop);
    return staying;
  }
};

} // namespace
} // namespace nnc
