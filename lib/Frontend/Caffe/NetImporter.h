// Walks a net in the order of its layers, as Caffe runs them, and imports one
// after the other; collects every reason for which it cannot.
//
// Blobs have names, and memory behind them that Caffe lets several blobs share:
// Split, Reshape and Flatten copy nothing, so what a layer in place does to one
// blob shows in the others to every layer that runs later. The importer keeps
// this memory apart (Memory) from the blobs (BlobRef) that look at it.
#ifndef LIB_FRONTEND_CAFFE_NETIMPORTER_H
#define LIB_FRONTEND_CAFFE_NETIMPORTER_H

#include "lib/Frontend/Caffe/LayerBinder.h"
#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelBuilder.h"

namespace nnc::caffe {

class NetImporter {
public:
  /// `net` is upgraded, only with layers for inference; `weights`, which may be the same net, has the blobs.
  NetImporter(mlir::MLIRContext *context, std::shared_ptr<const format::Net> net,
              std::shared_ptr<const format::Net> weights, std::string folder, const frontend::ImportOptions &options);

  /// The module, or null with the blockers recorded.
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef modelName);
  frontend::Blockers &getBlockers() { return blockers; }
  /// What was unlike other formats, one line each.
  llvm::ArrayRef<std::string> getRemarks() const { return remarks; }

private:
  struct Memory {
    mlir::Value value;
    unsigned writes = 0;
  };
  struct BlobRef {
    enum Kind { Normal, Label, Failed } kind = Normal;
    unsigned memory = 0;
    llvm::SmallVector<int64_t> shape;
    /// The memory's value in this shape, as it was after `writes` writes.
    mlir::Value value;
    unsigned writes = 0;
    /// Layers that read this blob, and whether a layer's top is an input as it is.
    unsigned numReaders = 0;
    bool isInput = false;
  };

  void findUnsupported();
  void joinWeights();
  bool checkBlobs();
  void importLayer(int index);
  void importDataLayer(int index);
  void addInput(int index, int top);
  void defineResults(int index, llvm::ArrayRef<mlir::Value> results);
  void addOutputs();

  mlir::Value read(BlobRef &blob, mlir::Location loc);
  BlobRef makeBlob(mlir::Value value);
  void defineTop(int layer, int top, BlobRef blob);
  void block(const format::Layer &layer, const llvm::Twine &reason);
  /// Whether the layer has fields that are not known.
  bool blockUnknownFields(const format::Layer &layer);

  mlir::OpBuilder builder;
  std::shared_ptr<const format::Net> net, weightNet;
  std::string folder; ///< of the net, for mean images
  const frontend::ImportOptions &options;
  frontend::Blockers blockers{"layer"};
  std::vector<std::string> remarks;
  frontend::ModelBuilder *main = nullptr;
  std::vector<LayerWeights> weights; ///< one per layer
  std::vector<Memory> memories;
  llvm::StringMap<BlobRef> blobs;
  /// Names of blobs in the order in which they were made.
  llvm::SmallVector<llvm::StringRef> order;
  /// Readers of each top, by layer and index.
  std::vector<llvm::SmallVector<unsigned>> readers;
};

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_NETIMPORTER_H
