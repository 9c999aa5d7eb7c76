// Opens the file or the two files of a network and imports it.
#include "lib/Frontend/Caffe/Caffe.h"

#include "lib/Frontend/Caffe/NetImporter.h"
#include "lib/Frontend/Caffe/NetReader.h"

#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/Path.h"

#include <cstring>

using namespace mlir;

namespace nnc::caffe {

bool isCaffe(const frontend::ModelFile &file) {
  StringRef content = file.getContent(), path = file.path;
  return looksLikeText(content) || looksLikeBinary(content) || path.ends_with(".prototxt") ||
         path.ends_with(".caffemodel") || path.ends_with(".caffemodel.h5");
}

std::string findCompanion(const frontend::ModelFile &file) {
  StringRef path = file.path;
  if (!frontend::isText(file.getContent())) {
    if (path.ends_with(".caffemodel.h5"))
      path = path.drop_back(strlen(".h5"));
    return frontend::findSibling(path, ".prototxt");
  }
  std::string weights = frontend::findSibling(path, ".caffemodel");
  return weights.empty() ? frontend::findSibling(path, ".caffemodel.h5") : weights;
}

/// The net and the weights of one or two files. Null, with an error emitted, where they do not fit together.
static bool readFiles(MLIRContext &context, ArrayRef<frontend::ModelFile> files, NetFile &net, NetFile &weights) {
  const frontend::ModelFile *weightFile = nullptr;
  for (const frontend::ModelFile &file : files) {
    Location loc = FileLineColLoc::get(&context, file.path, 0, 0);
    auto read = readNet(file);
    if (!read) {
      emitError(loc) << llvm::toString(read.takeError());
      return false;
    }
    // A network in text form has no weights; a binary file has both.
    bool isText = frontend::isText(file.getContent());
    NetFile &place = isText || (files.size() == 1 && !read->isWeightsOnly) ? net : weights;
    if (place.net) {
      emitError(loc) << (isText ? "a second network; its weights are a binary file (.caffemodel)"
                                : "a second file of weights; the network is a text file (.prototxt)");
      return false;
    }
    place = std::move(*read);
    if (&place == &weights)
      weightFile = &file;
  }
  if (net.net && weights.isWeightsOnly) {
    if (llvm::Error error = readHdf5Weights(*weightFile, *net.net, *weights.net)) {
      emitError(FileLineColLoc::get(&context, weightFile->path, 0, 0)) << llvm::toString(std::move(error));
      return false;
    }
  }
  if (!weights.net)
    weights = net;
  return true;
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, ArrayRef<frontend::ModelFile> files,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  NetFile net, weights;
  if (!readFiles(context, files, net, weights))
    return {};
  if (!net.net) {
    emitError(FileLineColLoc::get(&context, files.front().path, 0, 0))
        << "these are weights alone; give the network, a text file (.prototxt), as well";
    return {};
  }
  StringRef path = files.front().path;
  for (const frontend::ModelFile &file : files)
    if (frontend::isText(file.getContent()))
      path = file.path;
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  selectLayers(*net.net);
  NetImporter importer(&context, net.net, weights.net, llvm::sys::path::parent_path(path).str(), options);
  for (const std::string &field : net.unknownFields)
    importer.getBlockers().addToModel(field);
  OwningOpRef<ModuleOp> module =
      importer.import(options.name.empty() ? llvm::sys::path::stem(path) : StringRef(options.name));
  if (!module)
    importer.getBlockers().report(loc);
  else if (options.verbose)
    for (const std::string &remark : importer.getRemarks())
      emitRemark(loc) << remark;
  return module;
}

} // namespace nnc::caffe
