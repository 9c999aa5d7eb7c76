// Reads layers off NN operations, and their arithmetic off the kernels that came from them.
#include "lib/Analysis/Layers.h"

#include "lib/Analysis/LayerName.h"
#include "lib/Analysis/MultiplyAdds.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace nnc {

/// Bytes of all elements; nullopt where an extent is dynamic.
static std::optional<int64_t> getBytes(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasStaticShape() || !shaped.getElementType().isIntOrFloat())
    return std::nullopt;
  return llvm::divideCeil(shaped.getNumElements() * shaped.getElementTypeBitWidth(), 8);
}

static void append(std::string &list, Type type) {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  StringRef bare(text);
  if (bare.consume_front("tensor<"))
    bare.consume_back(">");
  list += (list.empty() ? "" : ", ") + bare.str();
}

/// What `op` reads, by itself or inside its regions.
static llvm::SetVector<Value> getRead(Operation *op) {
  llvm::SetVector<Value> read(op->operand_begin(), op->operand_end());
  getUsedValuesDefinedAbove(op->getRegions(), read);
  return read;
}

/// Values that are computed from constants alone.
static llvm::DenseSet<Value> findConstants(func::FuncOp main) {
  llvm::DenseSet<Value> constants;
  for (Operation &op : main.getBody().front())
    if (llvm::all_of(getRead(&op), [&](Value value) { return constants.contains(value); }))
      constants.insert(op.result_begin(), op.result_end());
  return constants;
}

SmallVector<Operation *> getLayers(func::FuncOp main) {
  SmallVector<Operation *> layers;
  llvm::DenseSet<Value> constants = findConstants(main);
  for (Operation &op : main.getBody().front()) {
    bool isConstant = op.getNumResults() && constants.contains(op.getResult(0));
    if (op.getName().getDialectNamespace() == "nn" && !isConstant)
      layers.push_back(&op);
  }
  return layers;
}

/// Inputs and layers from which `layer` is computed, looking through what is no layer.
static void addSources(Operation *op, const llvm::DenseMap<Operation *, int64_t> &numbers, LayerFacts &layer) {
  llvm::SetVector<Value> read = getRead(op);
  llvm::SetVector<int64_t, std::vector<int64_t>> from, inputs;
  for (size_t i = 0; i < read.size(); ++i) { // grows
    Operation *source = read[i].getDefiningOp();
    if (auto argument = dyn_cast<BlockArgument>(read[i])) {
      if (argument.getOwner()->isEntryBlock() && isa<func::FuncOp>(argument.getOwner()->getParentOp()))
        inputs.insert(argument.getArgNumber());
    } else if (auto found = numbers.find(source); found != numbers.end()) {
      from.insert(found->second);
    } else {
      for (Value value : getRead(source))
        read.insert(value);
    }
  }
  layer.from = from.takeVector();
  layer.fromInputs = inputs.takeVector();
}

static LayerFacts describe(Operation *op, const llvm::DenseSet<Value> &constants) {
  LayerFacts layer;
  layer.name = getLayerName(op->getLoc());
  layer.sources = getLayerNames(op->getLoc());
  layer.kind = op->getName().stripDialect().str();
  for (Value operand : op->getOperands())
    if (constants.contains(operand))
      layer.weightBytes += getBytes(operand.getType()).value_or(0);
    else
      append(layer.inputs, operand.getType());
  layer.bytes = 0;
  for (Type type : op->getResultTypes()) {
    append(layer.outputs, type);
    std::optional<int64_t> bytes = getBytes(type);
    layer.bytes = layer.bytes && bytes ? std::optional(*layer.bytes + *bytes) : std::nullopt;
  }
  return layer;
}

std::vector<LayerFacts> listLayers(ModuleOp module) {
  std::vector<LayerFacts> layers;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return layers;
  llvm::DenseSet<Value> constants = findConstants(main);
  llvm::DenseMap<Operation *, int64_t> numbers;
  for (Operation *op : getLayers(main)) {
    layers.push_back(describe(op, constants));
    addSources(op, numbers, layers.back());
    numbers[op] = static_cast<int64_t>(layers.size()) - 1;
  }
  for (auto [position, value] : llvm::enumerate(main.getBody().front().getTerminator()->getOperands()))
    if (auto found = numbers.find(value.getDefiningOp()); found != numbers.end())
      layers[found->second].toOutputs.push_back(static_cast<int64_t>(position));
  return layers;
}

void addMultiplyAdds(ModuleOp module, std::vector<LayerFacts> &layers) {
  llvm::StringMap<std::optional<int64_t>> byName;
  visitMultiplyAdds(module, [&](Operation *op, std::optional<int64_t> number) {
    auto [entry, isNew] = byName.try_emplace(getLayerName(op->getLoc()), number);
    if (!isNew)
      entry->second = entry->second && number ? std::optional(*entry->second + *number) : std::nullopt;
  });
  llvm::StringMap<LayerFacts *> heaviest;
  for (LayerFacts &layer : layers) {
    LayerFacts *&known = heaviest[layer.name];
    if (!known || layer.weightBytes > known->weightBytes)
      known = &layer;
  }
  for (auto &[name, number] : byName)
    if (LayerFacts *layer = heaviest.lookup(name))
      layer->macs = number;
}

} // namespace nnc
