// The formats that nnc reads, and the choice between them.
#ifndef LIB_DRIVER_FORMATS_H
#define LIB_DRIVER_FORMATS_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace nnc {

/// One frontend.
struct Format {
  llvm::StringRef name; ///< what `--format` calls it
  llvm::StringRef description;
  /// Whether the file's contents look like this format, or like one of its two files.
  bool (*matches)(const frontend::ModelFile &file);
  /// The path of the file that belongs to `file`, empty where there is none. Null where a model is one file.
  std::string (*findCompanion)(const frontend::ModelFile &file);
  /// Errors have been emitted where the module is null. The order of the files does not matter.
  mlir::OwningOpRef<mlir::ModuleOp> (*import)(mlir::MLIRContext &context, llvm::ArrayRef<frontend::ModelFile> files,
                                              const frontend::ImportOptions &options);
  void (*printSupportedOps)(llvm::raw_ostream &os);
};

/// All formats; the first that matches is taken.
llvm::ArrayRef<Format> getFormats();

/// Opens the files of a model and adds those that belong to them by name. `format` is a name, or empty: the
/// contents decide. Errors are emitted; null then.
const Format *openModel(mlir::MLIRContext &context, llvm::ArrayRef<std::string> paths, llvm::StringRef format,
                        std::vector<frontend::ModelFile> &files);

/// Behind errors of a format that the user named: says so where the contents of a file are of another one.
void noteOtherFormats(mlir::MLIRContext &context, llvm::ArrayRef<frontend::ModelFile> files, const Format &named);

} // namespace nnc

#endif // LIB_DRIVER_FORMATS_H
