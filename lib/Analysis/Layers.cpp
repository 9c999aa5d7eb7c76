// Reads layers off NN operations, and their arithmetic off the kernels that came from them.
#include "lib/Analysis/Layers.h"

#include "lib/Analysis/LayerName.h"
#include "lib/Analysis/MultiplyAdds.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Matchers.h"
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

std::vector<LayerFacts> listLayers(ModuleOp module) {
  std::vector<LayerFacts> layers;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return layers;
  for (Operation &op : main.getBody().front()) {
    if (op.getName().getDialectNamespace() != "nn")
      continue;
    LayerFacts layer;
    layer.name = getLayerName(op.getLoc());
    layer.kind = op.getName().stripDialect().str();
    for (Value operand : op.getOperands())
      if (matchPattern(operand, m_Constant()))
        layer.weightBytes += getBytes(operand.getType()).value_or(0);
      else
        append(layer.inputs, operand.getType());
    layer.bytes = 0;
    for (Type type : op.getResultTypes()) {
      append(layer.outputs, type);
      std::optional<int64_t> bytes = getBytes(type);
      layer.bytes = layer.bytes && bytes ? std::optional(*layer.bytes + *bytes) : std::nullopt;
    }
    layers.push_back(std::move(layer));
  }
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
