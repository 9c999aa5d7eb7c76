// From a TFLite model to the module: inputs, the main graph, outputs, and what the model keeps between calls.
#ifndef LIB_FRONTEND_TFLITE_MODELIMPORTER_H
#define LIB_FRONTEND_TFLITE_MODELIMPORTER_H

#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/TFLite/GraphImporter.h"

#include "llvm/ADT/StringSet.h"

namespace nnc::tflite {

class ModelImporter {
public:
  ModelImporter(mlir::MLIRContext *context, const ModelReader &reader, const frontend::ImportOptions &options)
      : model(context, reader, options.dequantizes), options(options) {}

  /// The module, or null with the blockers recorded.
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef modelName);
  const frontend::Blockers &getBlockers() const { return model.blockers; }

private:
  bool addInputs(frontend::ModelBuilder &main, GraphImporter &graph);
  bool addOutputs(frontend::ModelBuilder &main, GraphImporter &graph);
  void addNextStates(frontend::ModelBuilder &main);
  mlir::Value addInput(frontend::ModelBuilder &main, llvm::StringRef name, llvm::SmallVector<int64_t> shape,
                       mlir::Type elementType);

  ModelState model;
  const frontend::ImportOptions &options;
  llvm::StringSet<> inputNames, outputNames;
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_MODELIMPORTER_H
