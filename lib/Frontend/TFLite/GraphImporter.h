// Imports the operators of a TFLite graph in the order of the file; collects every reason for which it cannot.
#ifndef LIB_FRONTEND_TFLITE_GRAPHIMPORTER_H
#define LIB_FRONTEND_TFLITE_GRAPHIMPORTER_H

#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/TFLite/ModelReader.h"
#include "lib/Frontend/TFLite/OpTable.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringSet.h"

namespace nnc::tflite {

class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext *context, const ModelReader &reader, const frontend::ImportOptions &options);

  /// The module, or null with the blockers recorded.
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef modelName);
  const frontend::Blockers &getBlockers() const { return blockers; }

private:
  void findUnsupported();
  bool addInputs(frontend::ModelBuilder &main);
  bool addOutputs(frontend::ModelBuilder &main);
  mlir::RankedTensorType getInputType(const format::Tensor &tensor, llvm::StringRef name,
                                      llvm::SmallVectorImpl<std::string> &symbols);
  bool hasQuantizedWeights(llvm::ArrayRef<const format::Tensor *> operands,
                           llvm::ArrayRef<const format::Tensor *> results) const;
  bool importOp(unsigned position, const format::Operator &op);
  /// The value of a tensor: produced before, or a constant. Null where there is none.
  mlir::Value lookup(int32_t index);
  void block(unsigned position, const format::Operator &op, const llvm::Twine &reason);
  llvm::StringRef getName(int32_t index) const { return getText(graph.tensors()->Get(index)->name()); }

  mlir::OpBuilder builder;
  const ModelReader &reader;
  const format::SubGraph &graph;
  const frontend::ImportOptions &options;
  frontend::Blockers blockers{"operator"};
  llvm::SmallVector<mlir::Value> values; ///< by tensor
  llvm::DenseSet<int32_t> poisoned;      ///< tensors whose producer failed
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_GRAPHIMPORTER_H
