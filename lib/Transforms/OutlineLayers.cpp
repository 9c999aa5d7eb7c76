// Moves the loops of each layer into a function of its own, named after the layer.
//
// Expects loops on memrefs in @main, after the arena is planned. Functions that
// differ in nothing but their name are one. Small functions compile faster than
// one large one, have a section each, and a profile or a debugger names the layer.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/LayerName.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_OUTLINELAYERS
#include "lib/Transforms/Passes.h.inc"

namespace {

/// Neighbouring loops of one layer.
struct Layer {
  std::string name;
  SmallVector<Operation *> loops;
};

class LayerOutlining {
public:
  explicit LayerOutlining(func::FuncOp main) : main(main), builder(main.getContext()) {
    for (Operation &op : *main->getBlock())
      if (auto symbol = dyn_cast<SymbolOpInterface>(op))
        names.insert(symbol.getName());
  }
  void run();

private:
  void outline(Layer &layer);
  func::FuncOp createFunction(Layer &layer, ValueRange captured);
  func::FuncOp findTwin(func::FuncOp function);
  std::string makeName(StringRef layer);

  func::FuncOp main;
  OpBuilder builder;
  llvm::StringSet<> names;
  llvm::DenseMap<std::pair<FunctionType, size_t>, SmallVector<func::FuncOp>> functions; // by type and number of operations
};

} // namespace

static bool isLoop(Operation &op) {
  return op.getNumRegions() > 0 && op.getNumResults() == 0 && isa<scf::SCFDialect>(op.getDialect());
}

/// Values that a function can make for itself: constants, and other names of memory that it has anyway.
static bool isCheap(Value value) {
  Operation *op = value.getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Values from outside that `loop` uses.
static llvm::SetVector<Value> getUsed(Operation *loop) {
  llvm::SetVector<Value> used(loop->operand_begin(), loop->operand_end());
  getUsedValuesDefinedAbove(loop->getRegions(), used);
  return used;
}

std::string LayerOutlining::makeName(StringRef layer) {
  std::string base = "layer_";
  for (char c : layer)
    base += llvm::isAlnum(c) ? c : '_';
  std::string name = base;
  for (unsigned number = 1; !names.insert(name).second; ++number)
    name = base + "_" + std::to_string(number);
  return name;
}

func::FuncOp LayerOutlining::createFunction(Layer &layer, ValueRange captured) {
  builder.setInsertionPoint(main);
  Location loc = layer.loops.front()->getLoc();
  auto type = builder.getFunctionType(TypeRange(captured), {});
  auto function = func::FuncOp::create(builder, loc, makeName(layer.name), type);
  function.setPrivate();
  Block *body = function.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  mapping.map(captured, body->getArguments());
  for (Operation *loop : layer.loops) {
    for (Value value : getUsed(loop))
      if (isCheap(value) && !mapping.contains(value))
        mapping.map(value, builder.clone(*value.getDefiningOp())->getResult(0));
    builder.clone(*loop, mapping);
  }
  func::ReturnOp::create(builder, loc);
  return function;
}

/// A function made before that does the same.
func::FuncOp LayerOutlining::findTwin(func::FuncOp function) {
  size_t count = 0;
  function.walk([&](Operation *) { ++count; });
  SmallVector<func::FuncOp> &candidates = functions[{function.getFunctionType(), count}];
  for (func::FuncOp candidate : candidates)
    if (OperationEquivalence::isRegionEquivalentTo(&candidate.getBody(), &function.getBody(),
                                                   OperationEquivalence::IgnoreLocations))
      return candidate;
  candidates.push_back(function);
  return {};
}

void LayerOutlining::outline(Layer &layer) {
  llvm::SetVector<Value> captured;
  for (Operation *loop : layer.loops) {
    for (Value value : getUsed(loop))
      if (!isCheap(value))
        captured.insert(value);
  }
  func::FuncOp function = createFunction(layer, captured.getArrayRef());
  if (func::FuncOp twin = findTwin(function)) {
    names.erase(function.getName());
    function.erase();
    function = twin;
  }
  builder.setInsertionPoint(layer.loops.front());
  func::CallOp::create(builder, layer.loops.front()->getLoc(), function, captured.getArrayRef());
  for (Operation *loop : layer.loops)
    loop->erase();
}

/// Whether all that `loop` uses is there before `first`, so that it can move up to it.
static bool canJoin(Operation *loop, Operation *first) {
  return llvm::all_of(getUsed(loop), [&](Value value) {
    Operation *definition = value.getDefiningOp();
    return !definition || isCheap(value) || definition->isBeforeInBlock(first);
  });
}

void LayerOutlining::run() {
  std::vector<Layer> layers;
  bool continues = false; // nothing but views and index arithmetic since the last loop
  for (Operation &op : main.getBody().front()) {
    if (!isLoop(op)) {
      continues &= isMemoryEffectFree(&op);
      continue;
    }
    std::string name = getLayerName(op.getLoc());
    if (!continues || layers.back().name != name || !canJoin(&op, layers.back().loops.front()))
      layers.push_back({name, {}});
    layers.back().loops.push_back(&op);
    continues = true;
  }
  for (Layer &layer : layers)
    outline(layer);
}

namespace {

struct OutlineLayersPass : public impl::OutlineLayersBase<OutlineLayersPass> {
  void runOnOperation() override {
    if (auto main = getOperation().lookupSymbol<func::FuncOp>("main"); main && !main.isExternal())
      LayerOutlining(main).run();
  }
};

} // namespace
} // namespace nnc
