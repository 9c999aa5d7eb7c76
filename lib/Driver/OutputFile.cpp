// One file of the kind that lib/Target writes several of.
#include "lib/Driver/OutputFile.h"

#include "lib/Target/OutputFiles.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace nnc {

LogicalResult writeFile(StringRef path, Location loc, function_ref<void(llvm::raw_ostream &)> write) {
  OutputFiles files;
  llvm::Error error = files.add(path, write);
  if (!error)
    error = files.commit();
  return error ? emitError(loc) << llvm::toString(std::move(error)) : success();
}

} // namespace nnc
