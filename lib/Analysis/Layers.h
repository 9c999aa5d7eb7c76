// The layers of a model, for reports.
#ifndef LIB_ANALYSIS_LAYERS_H
#define LIB_ANALYSIS_LAYERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// What a report says of one operation of the network.
struct LayerFacts {
  std::string name;                 ///< of the source's layer
  std::vector<std::string> sources; ///< names of all source layers that are merged in it, its own first
  std::string kind;                 ///< the NN operation: "conv"
  std::string inputs, outputs;      ///< types of the operands that are no constants, and of the results: "1x8x8x16xf32"
  int64_t weightBytes = 0;          ///< of the constant operands
  std::optional<int64_t> bytes;     ///< of the results; nullopt where run-time extents decide
  std::vector<int64_t> from;        ///< layers that it reads, by number
  std::vector<int64_t> fromInputs;  ///< inputs of the model that it reads, by number
  std::vector<int64_t> toOutputs;   ///< outputs of the model that are its results, by number
  std::optional<int64_t> macs;      ///< multiply-adds; nullopt where there are none or run-time extents decide
};

/// The operations that count as layers: those of NN in the body of @main, in order, without those that are computed
/// from constants alone.
llvm::SmallVector<mlir::Operation *> getLayers(mlir::func::FuncOp main);

/// What is known of the layers after the stage `nn`.
std::vector<LayerFacts> listLayers(mlir::ModuleOp module);

/// Adds the multiply-adds to `layers`; call it after the stage `tensors`, where kernels do them. Of several operations of
/// one name, the one with the most weights has them all.
void addMultiplyAdds(mlir::ModuleOp module, std::vector<LayerFacts> &layers);

} // namespace nnc

#endif // LIB_ANALYSIS_LAYERS_H
