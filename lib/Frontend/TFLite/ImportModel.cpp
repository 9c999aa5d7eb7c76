// Opens a TFLite file and imports it.
#include "lib/Frontend/TFLite/TFLite.h"

#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/TFLite/ModelImporter.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc::tflite {

/// Where a FlatBuffer has the identifier of its format.
static constexpr size_t identifierOffset = 4;

bool isTFLite(const frontend::ModelFile &file) {
  return file.getContent().substr(identifierOffset).starts_with(format::ModelIdentifier()) ||
         StringRef(file.path).ends_with(".tflite");
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, const frontend::ModelFile &file,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  Location loc = FileLineColLoc::get(&context, file.path, 0, 0);
  auto reader = ModelReader::open(file);
  if (!reader) {
    emitError(loc) << llvm::toString(reader.takeError());
    return {};
  }
  ModelImporter importer(&context, *reader, options);
  OwningOpRef<ModuleOp> module =
      importer.import(options.name.empty() ? llvm::sys::path::stem(file.path) : StringRef(options.name));
  if (!module)
    importer.getBlockers().report(loc);
  return module;
}

} // namespace nnc::tflite
