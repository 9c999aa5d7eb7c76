// The layers of a model, for reports.
#ifndef LIB_ANALYSIS_LAYERS_H
#define LIB_ANALYSIS_LAYERS_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// What a report says of one operation of the network.
struct LayerFacts {
  std::string name;             ///< of the source's layer
  std::string kind;             ///< the NN operation: "conv"
  std::string inputs, outputs;  ///< types of the operands that are no constants, and of the results: "1x8x8x16xf32"
  int64_t weightBytes = 0;      ///< of the constant operands
  std::optional<int64_t> bytes; ///< of the results; nullopt where run-time extents decide
  std::optional<int64_t> macs;  ///< multiply-adds; nullopt where there are none or run-time extents decide
};

/// The operations of @main after the stage `nn`, in order.
std::vector<LayerFacts> listLayers(mlir::ModuleOp module);

/// Adds the multiply-adds to `layers`; call it after the stage `tensors`, where kernels do them. Of several operations of
/// one name, the one with the most weights has them all.
void addMultiplyAdds(mlir::ModuleOp module, std::vector<LayerFacts> &layers);

} // namespace nnc

#endif // LIB_ANALYSIS_LAYERS_H
