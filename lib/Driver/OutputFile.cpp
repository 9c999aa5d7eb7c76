// Writes to a temporary file and renames it.
#include "lib/Driver/OutputFile.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;

namespace nnc {

LogicalResult writeFile(StringRef path, Location loc, function_ref<void(llvm::raw_ostream &)> write) {
  auto fail = [&](const Twine &reason) { return emitError(loc) << "cannot write '" << path << "': " << reason.str(); };
  if (path == "-") {
    write(llvm::outs());
    llvm::outs().flush();
    if (!llvm::outs().has_error())
      return success();
    std::string reason = llvm::outs().error().message();
    llvm::outs().clear_error();
    return fail(reason);
  }
  // Devices and pipes cannot be replaced by renaming.
  llvm::sys::fs::file_status status;
  if (!llvm::sys::fs::status(path, status) && status.type() != llvm::sys::fs::file_type::regular_file) {
    std::error_code error;
    llvm::raw_fd_ostream os(path, error);
    if (error)
      return fail(error.message());
    write(os);
    return success();
  }
  auto file = llvm::sys::fs::TempFile::create(path + ".tmp-%%%%%%", 0666 & ~llvm::sys::fs::getUmask());
  if (!file)
    return fail(llvm::toString(file.takeError()));
  llvm::raw_fd_ostream os(file->FD, /*shouldClose=*/false);
  write(os);
  os.flush();
  if (os.has_error()) {
    std::string reason = os.error().message();
    os.clear_error();
    llvm::consumeError(file->discard());
    return fail(reason);
  }
  if (llvm::Error error = file->keep(path))
    return fail(llvm::toString(std::move(error)));
  return success();
}

} // namespace nnc
