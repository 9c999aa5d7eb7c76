// Each frontend is one row; which of them reads a model is decided by the contents of its files.
#include "lib/Driver/Formats.h"

#include "lib/Frontend/Caffe/Caffe.h"
#include "lib/Frontend/Ccv/Ccv.h"
#include "lib/Frontend/Darknet/Darknet.h"
#include "lib/Frontend/Keras/Keras.h"
#include "lib/Frontend/ONNX/ONNX.h"
#include "lib/Frontend/OverFeat/OverFeat.h"
#include "lib/Frontend/TFLite/TFLite.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using nnc::frontend::ImportOptions;
using nnc::frontend::ModelFile;

namespace nnc {

static bool isMLIR(const ModelFile &file) { return StringRef(file.path).ends_with(".mlir"); }

static OwningOpRef<ModuleOp> importMLIR(MLIRContext &context, ArrayRef<ModelFile> files, const ImportOptions &) {
  return parseSourceFile<ModuleOp>(files.front().path, &context);
}

static OwningOpRef<ModuleOp> importCcv(MLIRContext &context, ArrayRef<ModelFile> files, const ImportOptions &options) {
  return ccv::importModel(context, files.front(), options);
}

static OwningOpRef<ModuleOp> importOnnx(MLIRContext &context, ArrayRef<ModelFile> files, const ImportOptions &options) {
  return onnx::importModel(context, files.front(), options);
}

static OwningOpRef<ModuleOp> importKeras(MLIRContext &context, ArrayRef<ModelFile> files, const ImportOptions &options) {
  return keras::importModel(context, files.front(), options);
}

static OwningOpRef<ModuleOp> importOverFeat(MLIRContext &context, ArrayRef<ModelFile> files,
                                            const ImportOptions &options) {
  return overfeat::importModel(context, files.front(), options);
}

static OwningOpRef<ModuleOp> importTFLite(MLIRContext &context, ArrayRef<ModelFile> files,
                                          const ImportOptions &options) {
  return tflite::importModel(context, files.front(), options);
}

static const Format formats[] = {
    {"mlir", "MLIR named *.mlir", isMLIR, nullptr, importMLIR, nullptr},
    {"tflite", "TFLite", tflite::isTFLite, nullptr, importTFLite, tflite::printSupportedOps},
    {"ccv", "libccv (SQLite)", ccv::isCcv, nullptr, importCcv, ccv::printSupportedOps},
    {"overfeat", "OverFeat (weights)", overfeat::isOverFeat, nullptr, importOverFeat, overfeat::printSupportedOps},
    {"caffe", "Caffe (.prototxt, .caffemodel)", caffe::isCaffe, caffe::findCompanion, caffe::importModel,
     caffe::printSupportedOps},
    {"darknet", "darknet (.cfg, .weights)", darknet::isDarknet, darknet::findCompanion, darknet::importModel,
     darknet::printSupportedOps},
    {"keras", "Keras (.keras, .h5)", keras::isKeras, nullptr, importKeras, keras::printSupportedOps},
    {"onnx", "ONNX", onnx::isOnnx, nullptr, importOnnx, onnx::printSupportedOps},
};

ArrayRef<Format> getFormats() { return formats; }

static const Format *chooseFormat(const ModelFile &file, StringRef name) {
  const Format *found = llvm::find_if(
      formats, [&](const Format &format) { return name.empty() ? format.matches(file) : format.name == name; });
  return found == std::end(formats) ? nullptr : found;
}

static std::string listFormats(StringRef separator) {
  return llvm::join(llvm::map_range(formats, [](const Format &format) { return format.description; }), separator);
}

const Format *openModel(MLIRContext &context, ArrayRef<std::string> paths, StringRef name,
                        std::vector<ModelFile> &files) {
  const Format *format = nullptr;
  auto open = [&](StringRef path) {
    Location loc = FileLineColLoc::get(&context, path, 0, 0);
    auto file = ModelFile::open(path);
    if (!file) {
      emitError(loc) << llvm::toString(file.takeError());
      return false;
    }
    const Format *theirs = chooseFormat(*file, name);
    if (!theirs)
      emitError(loc) << "not a model in a format that nnc reads (" << listFormats(", ") << ")";
    else if (format && theirs != format)
      emitError(loc) << "does not belong to '" << files.front().path << "', a file of the format " << format->name;
    if (!theirs || (format && theirs != format))
      return false;
    format = theirs;
    files.push_back(std::move(*file));
    return true;
  };
  for (const std::string &path : paths)
    if (!open(path))
      return nullptr;
  size_t limit = format->findCompanion ? 2 : 1;
  if (files.size() > limit) {
    emitError(FileLineColLoc::get(&context, files[limit].path, 0, 0))
        << "one file too many: a model in the format " << format->name << " has " << limit;
    return nullptr;
  }
  if (format->findCompanion && files.size() == 1)
    if (std::string companion = format->findCompanion(files.front()); !companion.empty() && !open(companion))
      return nullptr;
  return format;
}

void noteOtherFormats(MLIRContext &context, ArrayRef<ModelFile> files, const Format &named) {
  for (const ModelFile &file : files)
    if (const Format *other = named.matches(file) ? nullptr : chooseFormat(file, ""))
      emitRemark(FileLineColLoc::get(&context, file.path, 0, 0))
          << "its contents seem to be " << other->description << "; without --format=" << named.name
          << " it is read as that";
}

} // namespace nnc
