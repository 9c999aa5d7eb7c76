// Imports the sections of a network one after the other.
#ifndef LIB_FRONTEND_DARKNET_CFGIMPORTER_H
#define LIB_FRONTEND_DARKNET_CFGIMPORTER_H

#include "lib/Frontend/Darknet/SectionBinder.h"
#include "lib/Frontend/Import/Blockers.h"

namespace nnc::darknet {

class CfgImporter {
public:
  CfgImporter(mlir::MLIRContext *context, const Config &config, NetworkState &network,
              const frontend::ImportOptions &options)
      : builder(context), config(config), network(network), options(options) {}

  /// The module, or null with the blockers recorded.
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef modelName);
  const frontend::Blockers &getBlockers() const { return blockers; }
  /// What was unlike other formats, one line each.
  llvm::ArrayRef<std::string> getRemarks() const { return remarks; }

private:
  bool addInput(frontend::ModelBuilder &main);
  bool importSection(size_t index);
  void addOutputs(frontend::ModelBuilder &main);

  mlir::OpBuilder builder;
  const Config &config;
  NetworkState &network;
  const frontend::ImportOptions &options;
  frontend::Blockers blockers{"layer"};
  std::vector<std::string> remarks;
};

} // namespace nnc::darknet

#endif // LIB_FRONTEND_DARKNET_CFGIMPORTER_H
