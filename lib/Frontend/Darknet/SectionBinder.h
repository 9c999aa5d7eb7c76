// What an import function sees of its section: keys, the layers before it,
// weights in their order in the file, a way to build NN operations, and a way to
// say no.
//
//   static LogicalResult importAvgpool(SectionBinder &layer) {
//     Value x = layer.image();                                        // bind
//     return layer.result(layer.create<nn::ReduceOp>(...));           // build, return
//   }
//
// Weights must be asked for even where the layer will be refused later, and in
// the order of the file: what follows depends on it.
#ifndef LIB_FRONTEND_DARKNET_SECTIONBINDER_H
#define LIB_FRONTEND_DARKNET_SECTIONBINDER_H

#include "lib/Frontend/Darknet/WeightStream.h"
#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/Import/NodeBuilder.h"

namespace nnc::darknet {

/// Weights of a convolution, for layers that share them.
struct ConvolutionWeights {
  mlir::Value filter, bias, scale, mean, variance;
};

/// A layer that has been imported. `value` is (rows, channels, height, width), or (rows, elements) where it is no image.
struct Layer {
  mlir::Value value;
  /// Rows are an image of one position in layers that make vectors of channels.
  bool isVector = false;
  ConvolutionWeights weights;
};

/// Recurrent state: an input of the network, and what follows on it.
struct State {
  std::string name;
  mlir::Value before, after; ///< the latter is null until its layer sets it
};

/// What is the same for all layers of a network.
struct NetworkState {
  Dialect dialect = Dialect::Pjreddie;
  WeightStream weights;
  std::string weightsPath; ///< of the file, or of the one that there should be
  std::string folder; ///< of the .cfg, for trees
  std::vector<std::string> labels; ///< of classes; none where there is no .names file
  int64_t batch = 1, steps = 1;
  std::vector<Layer> layers; ///< imported so far, the first is the input
  frontend::ModelBuilder *main = nullptr;
  std::vector<State> states; ///< in the order of their layers
  std::vector<std::pair<std::string, std::string>> warnings; ///< cause and text; a cause is told once
};

class SectionBinder : public frontend::NodeBuilder {
public:
  SectionBinder(mlir::OpBuilder &builder, mlir::Location loc, const Section &section, size_t index,
                NetworkState &network)
      : NodeBuilder(builder, loc), section(section), index(index), network(network) {}

  //===--- Keys ---===//

  const Section &get() const { return section; }
  bool isAlexeyAB() const { return network.dialect == Dialect::AlexeyAB; }
  NetworkState &getNetwork() { return network; }
  /// A key that must be a positive number below 2^20; rejects the layer otherwise.
  int64_t positive(llvm::StringRef key, int64_t otherwise);
  /// Rejects the layer where one of these keys is there and not 0.
  void refuseKeys(std::initializer_list<llvm::StringRef> keys);

  //===--- Layers before ---===//

  /// The layer before this one, and the one that a key's number means: negative ones count back from here.
  const Layer &previous() { return network.layers.back(); }
  const Layer *layerAt(int64_t number);
  /// A layer as (rows, channels, height, width); rejects this layer where it is none. As (rows, elements).
  mlir::Value image(const Layer &layer);
  mlir::Value image() { return image(previous()); }
  mlir::Value flat(const Layer &layer);
  mlir::Value flat() { return flat(previous()); }

  //===--- Weights ---===//

  /// The next numbers of the file; rejects the layer where it ends before.
  mlir::Value weights(llvm::ArrayRef<int64_t> shape);
  std::vector<float> weightNumbers(int64_t count);
  /// x normalised per channel (axis 1) with the fork's formula; scale, mean and variance come next in the file.
  void readStatistics(int64_t channels, ConvolutionWeights &weights);
  mlir::Value normalize(mlir::Value x, const ConvolutionWeights &weights, mlir::Value bias);

  //===--- State ---===//

  /// The state before this call, an input of the network; setState gives the one after it.
  mlir::Value getState(llvm::StringRef name, llvm::ArrayRef<int64_t> shape);
  void setState(llvm::StringRef name, mlir::Value value);

  //===--- Ending ---===//

  llvm::LogicalResult result(mlir::Value value, bool isVector = false);
  const Layer &getResult() const { return made; }
  Layer &getResult() { return made; }
  /// Says with -v what is unlike other formats and was met.
  void remark(const llvm::Twine &text) { remarks.push_back(text.str()); }
  llvm::ArrayRef<std::string> getRemarks() const { return remarks; }
  /// Says always what may not be meant, for the first of all layers with this cause.
  void warn(llvm::StringRef cause, const llvm::Twine &text);

private:
  std::string describeMissingWeights() const;

  const Section &section;
  size_t index;
  NetworkState &network;
  Layer made;
  std::vector<std::string> remarks;
};

/// Elements of x (axis 1: channels) after an activation of darknet; `isImage` is true in layers that know the
/// activations of images. Activations.cpp
mlir::Value activate(SectionBinder &layer, mlir::Value x, llvm::StringRef name, bool isImage);

/// A convolution with weights of its own, for layers that are made of several.
struct ConvolutionShape {
  int64_t filters = 1, size = 1, strideY = 1, strideX = 1, pad = 0, dilation = 1, groups = 1;
  bool normalizes = false, isFlipped = false, isBinary = false, binarizesInput = false;
};
/// Reads the weights of a convolution over `channels`. Convolution.cpp
ConvolutionWeights readConvolution(SectionBinder &layer, const ConvolutionShape &shape, int64_t channels);
/// The convolution without its activation. Convolution.cpp
mlir::Value convolve(SectionBinder &layer, mlir::Value x, const ConvolutionShape &shape,
                     const ConvolutionWeights &weights);

/// A fully connected layer.
struct ConnectedWeights {
  mlir::Value weights, bias;
  ConvolutionWeights statistics;
};
ConnectedWeights readConnected(SectionBinder &layer, int64_t inputs, int64_t outputs);
/// x (rows, inputs) without its activation. Contraction.cpp
mlir::Value connect(SectionBinder &layer, mlir::Value x, const ConnectedWeights &weights);

/// Sizes of the groups of siblings of a tree, consecutive entries; empty, with the layer rejected, on errors. Trees.cpp
llvm::SmallVector<int64_t> readTree(SectionBinder &layer, llvm::StringRef file);
/// Softmax inside each group along `axis`. Trees.cpp
mlir::Value softmaxOfGroups(SectionBinder &layer, mlir::Value x, llvm::ArrayRef<int64_t> groups, int64_t axis);
/// Elements `start` up to but without `end` of an axis. Movement.cpp
mlir::Value sliceAxis(SectionBinder &layer, mlir::Value x, int64_t axis, int64_t start, int64_t end);

} // namespace nnc::darknet

#endif // LIB_FRONTEND_DARKNET_SECTIONBINDER_H
