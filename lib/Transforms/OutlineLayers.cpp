// Moves the code of each layer into a function of its own, named after the layer.
//
// Expects loops on memrefs in @main, after the arena is planned. Functions that
// differ in nothing but their name are one. Small functions compile faster than
// one large one, have a section each, and a profile or a debugger names the layer.
//
// Loops of one iteration are no loops any more: what they held is outlined with its neighbours, unless other layers need
// its results, which then stay in @main between the loops.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/LayerName.h"
#include "lib/Transforms/WindowPair.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_OUTLINELAYERS
#include "lib/Transforms/Passes.h.inc"

/// With those in its regions.
static size_t countOperations(Operation *op) {
  size_t count = 0;
  op->walk([&](Operation *) { ++count; });
  return count;
}

namespace {

/// Neighbouring operations of one layer, and of those that are fused into it.
struct Layer {
  SmallVector<Operation *> operations;
  llvm::StringSet<> names;
  size_t size = 0; ///< nested operations count

  void add(Operation *op) {
    operations.push_back(op);
    size += countOperations(op);
    for (const std::string &name : getLayerNames(op->getLoc()))
      names.insert(name);
  }
  bool hasNameOf(Operation *op) const {
    std::vector<std::string> own = getLayerNames(op->getLoc());
    return own.empty() ? names.empty() : llvm::any_of(own, [&](const std::string &name) { return names.contains(name); });
  }
  bool endsWithStore() const { return isa<memref::StoreOp, vector::StoreOp>(operations.back()); }
  /// The loop's: single operations may be of a layer that is fused into it.
  Location getLoc() const {
    auto loop = llvm::find_if(operations, [](Operation *op) { return op->getNumRegions() > 0; });
    return (loop == operations.end() ? operations.front() : *loop)->getLoc();
  }
};

class LayerOutlining {
public:
  explicit LayerOutlining(func::FuncOp main) : main(main), builder(main.getContext()) {
    for (Operation &op : *main->getBlock())
      if (auto symbol = dyn_cast<SymbolOpInterface>(op))
        names.insert(symbol.getName());
  }
  /// Outlines what is in `block`, of @main or of a loop over blocks of rows in it.
  void run(Block &block);

private:
  void outline(const Layer &layer);
  void outlineLoops(const Layer &layer);
  func::FuncOp createFunction(const Layer &layer, ValueRange captured); ///< without its own name
  func::FuncOp findTwin(func::FuncOp function);
  std::string makeName(StringRef layer);

  func::FuncOp main;
  OpBuilder builder;
  llvm::StringSet<> names;
  llvm::StringMap<unsigned> numbers; // the last that was tried behind each name
  llvm::DenseMap<std::pair<FunctionType, size_t>, SmallVector<func::FuncOp>> functions; // by type and number of operations
};

} // namespace

/// Code without loops becomes a function from this many operations on.
static constexpr size_t leastOperations = 16;
/// Loops of one layer with more operations are functions of their own.
static constexpr size_t mostOperations = 2048;

static bool isLoop(Operation *op) {
  return op->getNumRegions() > 0 && op->getNumResults() == 0 && isa<scf::SCFDialect>(op->getDialect());
}

/// Computes names of memory and indices, for all layers.
static bool isSetup(Operation &op) {
  return isMemoryEffectFree(&op) && op.getNumRegions() == 0 &&
         (op.hasTrait<OpTrait::ConstantLike>() ||
          llvm::all_of(op.getResultTypes(), llvm::IsaPred<IndexType, BaseMemRefType>));
}

/// Whether the run may end inside of `op`, which a function could not do.
static bool hasChecks(Operation &op) {
  return op.getNumRegions() > 0 &&
         op.walk([](cf::AssertOp) { return WalkResult::interrupt(); }).wasInterrupted();
}

/// Computes elements: may move into a function.
static bool isWork(Operation &op) {
  if (hasChecks(op))
    return false;
  return isa<scf::ForOp, scf::IfOp, scf::WhileOp, scf::ExecuteRegionOp, memref::LoadOp, memref::StoreOp>(op) ||
         isLoop(&op) ||
         isa<arith::ArithDialect, math::MathDialect, vector::VectorDialect>(op.getDialect());
}

/// Values that a function can make for itself: constants, and other names of memory that it has anyway.
static bool isCheap(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Values that `op` uses, by itself or inside.
static llvm::SetVector<Value> getUsed(Operation *op) {
  llvm::SetVector<Value> used(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), used);
  return used;
}

/// Whether nothing else needs the results of `layer`.
static bool isClosed(const Layer &layer) {
  llvm::SmallPtrSet<Operation *, 16> own(layer.operations.begin(), layer.operations.end());
  return llvm::all_of(layer.operations, [&](Operation *op) {
    return llvm::all_of(op->getUsers(), [&](Operation *user) {
      return own.contains(op->getBlock()->findAncestorOpInBlock(*user));
    });
  });
}

std::string LayerOutlining::makeName(StringRef layer) {
  std::string base = "layer_";
  for (char c : layer)
    base += llvm::isAlnum(c) ? c : '_';
  std::string name = base;
  for (unsigned &number = numbers[base]; !names.insert(name).second;)
    name = base + "_" + std::to_string(++number);
  return name;
}

func::FuncOp LayerOutlining::createFunction(const Layer &layer, ValueRange captured) {
  builder.setInsertionPoint(main);
  Location loc = layer.getLoc();
  auto type = builder.getFunctionType(TypeRange(captured), {});
  auto function = func::FuncOp::create(builder, loc, "layer", type);
  function.setPrivate();
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  mapping.map(captured, body->getArguments());
  for (Operation *op : layer.operations) {
    for (Value value : getUsed(op))
      if (isCheap(value) && !mapping.contains(value))
        mapping.map(value, builder.clone(*value.getDefiningOp())->getResult(0));
    builder.clone(*op, mapping);
  }
  func::ReturnOp::create(builder, loc);
  return function;
}

/// A function made before that does the same.
func::FuncOp LayerOutlining::findTwin(func::FuncOp function) {
  SmallVector<func::FuncOp> &candidates = functions[{function.getFunctionType(), countOperations(function)}];
  for (func::FuncOp candidate : candidates)
    if (OperationEquivalence::isRegionEquivalentTo(&candidate.getBody(), &function.getBody(),
                                                   OperationEquivalence::IgnoreLocations))
      return candidate;
  candidates.push_back(function);
  return {};
}

void LayerOutlining::outline(const Layer &layer) {
  llvm::SmallPtrSet<Operation *, 16> own(layer.operations.begin(), layer.operations.end());
  llvm::SetVector<Value> captured;
  for (Operation *op : layer.operations)
    for (Value value : getUsed(op))
      if (!isCheap(value) && !own.contains(value.getDefiningOp()))
        captured.insert(value);
  func::FuncOp function = createFunction(layer, captured.getArrayRef());
  if (func::FuncOp twin = findTwin(function)) {
    function.erase();
    function = twin;
  } else {
    function.setName(makeName(getLayerName(function.getLoc())));
  }
  builder.setInsertionPoint(layer.operations.back()); // where all that is captured is there
  func::CallOp::create(builder, layer.getLoc(), function, captured.getArrayRef());
  for (Operation *op : llvm::reverse(layer.operations))
    op->erase();
}

/// Outlines the loops alone, those together that follow each other.
void LayerOutlining::outlineLoops(const Layer &layer) {
  Layer loops;
  for (Operation *op : layer.operations) {
    if (isLoop(op)) {
      loops.add(op);
      continue;
    }
    if (!loops.operations.empty())
      outline(loops);
    loops = Layer();
  }
  if (!loops.operations.empty())
    outline(loops);
}

/// Whether `loop` may be in one function with `layer`: not after its last store, and not where it needs names of memory
/// that were made meanwhile, as those of other kernels are. A register tile is best alone in its function, and so is a
/// kernel with code for many sizes of tiles: registers are assigned in more time than functions grow.
static bool canFollow(Operation *loop, const Layer &layer) {
  Operation *first = layer.operations.front();
  return !layer.endsWithStore() && layer.size + countOperations(loop) <= mostOperations && llvm::all_of(getUsed(loop), [&](Value value) {
    Operation *definition = value.getDefiningOp();
    return !definition || isCheap(value) || definition->isBeforeInBlock(first) ||
           llvm::is_contained(layer.operations, definition);
  });
}

void LayerOutlining::run(Block &block) {
  std::vector<Layer> layers;
  bool continues = false; // nothing but names of memory and indices since the last operation of a layer
  for (Operation &op : block) {
    if (isSetup(op))
      continue;
    auto loop = dyn_cast<scf::ForOp>(op);
    bool hasKernels = loop && loop->hasAttr(holdsKernels);
    if (hasKernels)
      run(*loop.getBody());
    if (hasKernels || !isWork(op)) {
      continues = false;
      continue;
    }
    if (!continues || !layers.back().hasNameOf(&op) || (op.getNumRegions() > 0 && !canFollow(&op, layers.back())))
      layers.emplace_back();
    layers.back().add(&op);
    continues = true;
  }
  for (const Layer &layer : layers) {
    bool isLarge = layer.operations.size() >= leastOperations || llvm::any_of(layer.operations, [](Operation *op) {
                     return op->getNumRegions() > 0;
                   });
    if (isLarge && isClosed(layer))
      outline(layer);
    else
      outlineLoops(layer);
  }
}

namespace {

struct OutlineLayersPass : public impl::OutlineLayersBase<OutlineLayersPass> {
  void runOnOperation() override {
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"); main && !main.isExternal())
      LayerOutlining(main).run(main.getBody().front());
  }
};

} // namespace
} // namespace nnc
