// Compares what the module refers to with what the context holds.
#include "lib/Driver/ReleaseConstants.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {

void releaseUnusedConstants(ArrayRef<OwningOpRef<ModuleOp>> modules) {
  llvm::StringSet<> used;
  for (const OwningOpRef<ModuleOp> &module : modules)
    module.get()->walk([&](Operation *op) {
      op->getAttrDictionary().walk(
          [&](DenseResourceElementsAttr value) { used.insert(value.getRawHandle().getKey()); });
    });
  auto &interface = DenseResourceElementsHandle::getManagerInterface(modules.front().get().getContext());
  DialectResourceBlobManager &manager = interface.getBlobManager();
  SmallVector<std::string> unused;
  manager.getBlobMap([&](const llvm::StringMap<DialectResourceBlobManager::BlobEntry> &blobs) {
    for (const auto &entry : blobs)
      if (entry.second.getBlob() && !used.contains(entry.first()))
        unused.push_back(entry.first().str());
  });
  for (const std::string &name : unused)
    manager.lookup(name)->setBlob(AsmResourceBlob());
}

} // namespace nnc
