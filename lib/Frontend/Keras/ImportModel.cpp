// Opens a file of any generation of Keras and imports its model.
#include "lib/Frontend/Keras/Keras.h"

#include "lib/Frontend/Import/Archive.h"
#include "lib/Frontend/Keras/FirstGeneration.h"
#include "lib/Frontend/Keras/ModelImporter.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using nnc::frontend::hasArchiveFile;
using nnc::frontend::readArchiveFile;

namespace nnc::keras {

static constexpr llvm::StringLiteral configName = "config.json", metadataName = "metadata.json",
                                     weightsName = "model.weights.h5";

/// A truncated archive has lost the list of its files, but still begins with one of them.
bool isKeras(const frontend::ModelFile &file) {
  StringRef content = file.getContent(), first = frontend::getFirstArchiveFile(content);
  return content.starts_with(Hdf5File::signature) || hasArchiveFile(content, configName) || first == configName ||
         first == metadataName || first == weightsName;
}

namespace {

/// What a file has: the configuration, and where the weights are.
struct Contents {
  std::unique_ptr<llvm::json::Value> config;
  Hdf5File weights;
  bool isArchive = false;
  int kerasVersion = 1; ///< the major number; files that do not say are Keras 1's
};

} // namespace

/// The number before the first dot.
static int getMajor(StringRef version, int otherwise) {
  int major;
  return version.split('.').first.getAsInteger(10, major) ? otherwise : major;
}

static llvm::Expected<Contents> openArchive(const frontend::ModelFile &file) {
  Contents contents;
  contents.isArchive = true;
  if (!frontend::isZip(file.getContent()))
    return llvm::createStringError("neither a zip archive (.keras) nor an HDF5 file (.h5)");
  auto text = readArchiveFile(file.getContent(), configName);
  if (!text)
    return text.takeError();
  auto config = parseJson(text->bytes);
  if (!config)
    return config.takeError();
  contents.config = std::make_unique<llvm::json::Value>(std::move(*config));
  contents.kerasVersion = 3;
  if (hasArchiveFile(file.getContent(), metadataName)) {
    auto metadataText = readArchiveFile(file.getContent(), metadataName);
    if (!metadataText)
      return metadataText.takeError();
    auto metadata = parseJson(metadataText->bytes);
    if (!metadata)
      return metadata.takeError();
    if (const llvm::json::Object *object = metadata->getAsObject())
      contents.kerasVersion = getMajor(object->getString("keras_version").value_or(""), 3);
  }
  if (hasArchiveFile(file.getContent(), "model.weights.npz") || hasArchiveFile(file.getContent(), "model.weights.json"))
    return llvm::createStringError("the weights of the archive are not in one " + weightsName +
                                   ", other forms are not supported");
  // A model of layers without weights needs no file for them.
  if (!hasArchiveFile(file.getContent(), weightsName))
    return contents;
  auto bytes = readArchiveFile(file.getContent(), weightsName);
  if (!bytes)
    return bytes.takeError();
  auto weights = Hdf5File::open(std::move(*bytes), file.getContent().size());
  if (!weights)
    return weights.takeError();
  contents.weights = std::move(*weights);
  return contents;
}

static llvm::Expected<Contents> openHdf5(const frontend::ModelFile &file) {
  Contents contents;
  auto weights = Hdf5File::open({file.getContent(), file.buffer}, file.getContent().size());
  if (!weights)
    return weights.takeError();
  contents.weights = std::move(*weights);
  const std::vector<std::string> *text = contents.weights.findAttribute("", "model_config");
  if (!text || text->size() != 1)
    return llvm::createStringError("an HDF5 file without the attribute model_config: it has weights at most; save the "
                                   "whole model");
  for (StringRef path : {"", "model_weights"})
    if (const std::vector<std::string> *version = contents.weights.findAttribute(path, "keras_version"))
      contents.kerasVersion = version->empty() ? 1 : getMajor(version->front(), 1);
  auto config = parseJson(text->front());
  if (!config)
    return config.takeError();
  modernize(*config);
  contents.config = std::make_unique<llvm::json::Value>(std::move(*config));
  return contents;
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, const frontend::ModelFile &file,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  Location loc = FileLineColLoc::get(&context, file.path, 0, 0);
  auto fail = [&](llvm::Error error) {
    emitError(loc) << llvm::toString(std::move(error));
    return OwningOpRef<ModuleOp>();
  };
  auto contents = file.getContent().starts_with(Hdf5File::signature) ? openHdf5(file) : openArchive(file);
  if (!contents)
    return fail(contents.takeError());
  auto graph = readGraph(*contents->config);
  if (!graph)
    return fail(graph.takeError());
  if (contents->isArchive)
    joinByPath(**graph, contents->weights);
  else
    joinByName(**graph, contents->weights, "model_weights");
  StringRef archive = contents->isArchive ? file.getContent() : StringRef();
  ModelImporter importer(&context, **graph, contents->weights, archive, contents->kerasVersion, options);
  OwningOpRef<ModuleOp> module =
      importer.import(options.name.empty() ? llvm::sys::path::stem(file.path) : StringRef(options.name));
  if (!module)
    importer.getBlockers().report(loc);
  return module;
}

} // namespace nnc::keras
