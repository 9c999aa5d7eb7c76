// Opens the .cfg and the .weights of a network and imports them.
#include "lib/Frontend/Darknet/Darknet.h"

#include "lib/Frontend/Darknet/CfgImporter.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc::darknet {

bool isDarknet(const frontend::ModelFile &file) {
  StringRef path = file.path;
  return looksLikeConfig(file.getContent()) || path.ends_with(".cfg") || path.ends_with(".weights") ||
         (!frontend::isText(file.getContent()) && looksLikeWeights(file.getContent()));
}

std::string findCompanion(const frontend::ModelFile &file) {
  return frontend::findSibling(file.path, frontend::isText(file.getContent()) ? ".weights" : ".cfg");
}

static StringRef getName(Dialect dialect) { return dialect == Dialect::AlexeyAB ? "alexeyab" : "pjreddie"; }

static DetectedDialect chooseDialect(const Config &config, int64_t patchLevel, StringRef wanted) {
  for (Dialect dialect : {Dialect::AlexeyAB, Dialect::Pjreddie})
    if (wanted == getName(dialect))
      return {dialect, "--darknet-dialect", ""};
  return detectDialect(config, patchLevel);
}

/// What the text says and darknet does not read, or reads otherwise than it may be meant.
static void warnOfConfig(Location loc, const Config &config, const DetectedDialect &detected) {
  if (!detected.counter.empty())
    emitWarning(loc) << "darknet dialect: " << getName(detected.dialect) << " (" << detected.reason
                     << "), but the other fork's is " << detected.counter << "; --darknet-dialect= decides";
  for (const std::string &message : config.repeated)
    emitWarning(loc) << message;
  for (const std::string &message : findIgnoredKeys(config, detected.dialect))
    emitWarning(loc) << message;
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, ArrayRef<frontend::ModelFile> files,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  const frontend::ModelFile *text = nullptr, *weights = nullptr;
  for (const frontend::ModelFile &file : files) {
    bool isText = frontend::isText(file.getContent());
    const frontend::ModelFile *&place = isText ? text : weights;
    if (place) {
      emitError(FileLineColLoc::get(&context, file.path, 0, 0)) 
          << (isText ? "a second network; its weights are a binary file (.weights)"
                     : "a second file of weights; the network is a text file (.cfg)");
      return {};
    }
    place = &file;
  }
  if (!text) {
    StringRef path = files.front().path;
    emitError(FileLineColLoc::get(&context, path, 0, 0))
        << "these are weights alone, and there is no '" << frontend::getSiblingName(path, ".cfg")
        << "'; give the network's .cfg file as well";
    return {};
  }
  Location loc = FileLineColLoc::get(&context, text->path, 0, 0);
  auto config = parseConfig(text->getContent());
  if (!config) {
    emitError(loc) << llvm::toString(config.takeError());
    return {};
  }
  WeightHeader header;
  header.patch = -1;
  if (weights) {
    auto read = readHeader(weights->getContent());
    if (!read) {
      emitError(FileLineColLoc::get(&context, weights->path, 0, 0)) << llvm::toString(read.takeError());
      return {};
    }
    header = *read;
  }
  NetworkState network;
  DetectedDialect detected = chooseDialect(*config, header.patch, options.darknetDialect);
  network.dialect = detected.dialect;
  network.weightsPath = weights ? weights->path : frontend::getSiblingName(text->path, ".weights");
  if (weights)
    network.weights = WeightStream(*weights, header, network.dialect);
  network.folder = llvm::sys::path::parent_path(text->path).str();
  if (std::string names = frontend::findSibling(text->path, ".names"); !names.empty()) {
    if (auto file = frontend::ModelFile::open(names))
      network.labels = frontend::splitLabels(file->getContent());
    else
      llvm::consumeError(file.takeError());
  }
  warnOfConfig(loc, *config, detected);
  CfgImporter importer(&context, *config, network, options);
  OwningOpRef<ModuleOp> module =
      importer.import(options.name.empty() ? llvm::sys::path::stem(text->path) : StringRef(options.name));
  for (const auto &[cause, message] : network.warnings)
    emitWarning(loc) << message;
  if (!module) {
    importer.getBlockers().report(loc);
    return {};
  }
  if (options.verbose) {
    emitRemark(loc) << "darknet dialect: " << getName(detected.dialect) << " (" << detected.reason << ")";
    for (const std::string &remark : importer.getRemarks())
      emitRemark(loc) << remark;
  }
  return module;
}

} // namespace nnc::darknet
