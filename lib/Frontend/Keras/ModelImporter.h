// Imports the layers of a model in the order in which they need each other; collects every reason for which it cannot.
#ifndef LIB_FRONTEND_KERAS_MODELIMPORTER_H
#define LIB_FRONTEND_KERAS_MODELIMPORTER_H

#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/Keras/LayerTable.h"

#include "llvm/ADT/DenseMap.h"

namespace nnc::keras {

class ModelImporter {
public:
  /// `archive` has the assets of layers, or is empty; `kerasVersion` is the major version that made the file.
  ModelImporter(mlir::MLIRContext *context, const Graph &graph, const Hdf5File &file, llvm::StringRef archive,
                int kerasVersion, const frontend::ImportOptions &options);

  /// The module, or null with the blockers recorded.
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef modelName);
  frontend::Blockers &getBlockers() { return blockers; }
  int getKerasVersion() const { return kerasVersion; }

  /// The constant of a weight; null, with the layer rejected, where its elements cannot be read.
  mlir::Value getWeight(LayerBinder &layer, const Hdf5Dataset &dataset);
  /// A file that the archive keeps for the layer; an error where there is none.
  llvm::Expected<frontend::SharedBytes> readAsset(const Layer &layer, llvm::StringRef name) const;
  /// Imports one call of a layer; false, with the blockers recorded, where that fails. `results` may be null where a
  /// layer before it failed.
  bool importLayer(const Layer &layer, const Operands &operands, std::vector<Operand> &results);

private:
  /// Values of a graph that is being imported: per layer and call the results.
  using Values = std::vector<std::vector<std::vector<Operand>>>;

  /// Whether Keras ran on Theano, which convolves with mirrored kernels.
  bool isOfTheano() const;
  void findUnsupported(const Graph &graph);
  void findUnsupported(const Layer &layer);
  bool importGraph(const Graph &graph, llvm::ArrayRef<Operand> inputs, std::vector<Operand> &outputs);
  bool importCalls(const Graph &graph, Values &values);
  std::optional<Operand> resolve(const Graph &graph, const Argument &argument, const Values &values);
  Operand addInput(const Layer &layer, llvm::StringRef name);
  void addInputs(std::vector<Operand> &inputs);
  void addOutputs(llvm::ArrayRef<Operand> outputs);
  void block(const Layer &layer, const llvm::Twine &reason);

  mlir::OpBuilder builder;
  const Graph &graph;
  const Hdf5File &file;
  llvm::StringRef archive;
  int kerasVersion;
  frontend::ShapeOverrides shapes;
  frontend::Blockers blockers{"layer"};
  frontend::ModelBuilder *main = nullptr;
  llvm::DenseMap<const Hdf5Dataset *, mlir::Value> weights;
};

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_MODELIMPORTER_H
