// Caffe's files, whatever their generation, as networks of the last one.
#ifndef LIB_FRONTEND_CAFFE_NETREADER_H
#define LIB_FRONTEND_CAFFE_NETREADER_H

#include "lib/Frontend/Caffe/Proto.h"
#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelFiles.h"

#include "llvm/Support/Error.h"

#include <memory>
#include <vector>

namespace nnc::caffe {

/// A text that only Caffe's networks begin with.
bool looksLikeText(llvm::StringRef content);
/// A sequence of protobuf fields as Caffe's networks have them.
bool looksLikeBinary(llvm::StringRef content);

/// A file's network, upgraded to the last generation: only `layer`, inputs are layers of type Input.
struct NetFile {
  std::shared_ptr<format::Net> net;
  /// Fields of a text that are not known, each with its first place; they belong to a fork, or are misspelt.
  std::vector<std::string> unknownFields;
  /// The file has weights by the names of layers, and no network.
  bool isWeightsOnly = false;
};

/// Parses and upgrades. An error where the file is damaged or mixes generations. Of weights in HDF5 form it reads
/// nothing: that is for readHdf5Weights, when the network is known.
llvm::Expected<NetFile> readNet(const frontend::ModelFile &file);

/// Reads weights in HDF5 form: a layer with blobs for each group of `data`. Those of layers that `net` does not have
/// stay empty. An error where the file is damaged.
llvm::Error readHdf5Weights(const frontend::ModelFile &file, const format::Net &net, format::Net &weights);

/// Keeps the layers that a net of phase TEST has: rules of inclusion and exclusion.
void selectLayers(format::Net &net);

/// What is to be said of fields that the schema lacks, by number; data layers may hold what they like.
std::vector<std::string> listUnknownFields(const format::Layer &layer);

/// Turns `layers` of the first two generations, and inputs that are no layers, into `layer`. `foreignTypes` are the
/// types of those that have ANOTHER_FORK instead, in their order.
llvm::Error upgradeNet(format::Net &net, llvm::ArrayRef<std::string> foreignTypes);
/// Types of the second generation that the schema lacks are called this and their number.
inline constexpr llvm::StringLiteral foreignTypePrefix = "number ";

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_NETREADER_H
