// What an import function sees of its layer: bottoms, parameters, weights, a way
// to build NN operations, and a way to say no.
//
//   static LogicalResult importSoftmax(LayerBinder &layer) {
//     Value x = layer.bottom(0);                                     // bind
//     int64_t axis = layer.getAxis(layer.get().softmax_param().axis(), x);
//     return layer.result(layer.create<nn::SoftmaxOp>(x, axis));     // build, return
//   }
//
// Every shape is static: Caffe fixes all extents when a net is made. What data choose (detections, regions) has one
// open extent, which only layers see whose table entry says that they can (LayerTable.h).
#ifndef LIB_FRONTEND_CAFFE_LAYERBINDER_H
#define LIB_FRONTEND_CAFFE_LAYERBINDER_H

#include "lib/Frontend/Caffe/Proto.h"
#include "lib/Frontend/Import/NodeBuilder.h"

#include <memory>

namespace nnc::caffe {

/// The weights that the files have for one layer.
struct LayerWeights {
  /// Keeps all blobs alive.
  std::shared_ptr<const format::Net> owner;
  /// One per blob of the layer's record; null or beyond the end: the layer's filler counts.
  llvm::SmallVector<const format::Blob *> blobs;
  /// The blob is of another layer that shares it by a name: only the number of elements must fit.
  llvm::SmallVector<bool> isShared;
  /// Whether the files have a record of this layer at all.
  bool hasRecord = false;
  /// Whether the weights are in a file of their own.
  bool hasOwnFile = false;
  /// Layers of that file with weights whose names no layer of the network has: 'a', 'b'.
  std::string unmatched;
};

class LayerBinder : public frontend::NodeBuilder {
public:
  LayerBinder(mlir::OpBuilder &builder, mlir::Location loc, const format::Layer &layer,
              llvm::ArrayRef<mlir::Value> bottoms, const LayerWeights &weights)
      : NodeBuilder(builder, loc), layer(layer), bottoms(bottoms), weights(weights) {}

  /// The layer's parameters.
  const format::Layer &get() const { return layer; }

  //===--- Bottoms ---===//

  /// Bottom `index`; rejects the layer and gives null where there is none.
  mlir::Value bottom(unsigned index);
  unsigned getNumBottoms() const { return bottoms.size(); }
  unsigned getNumTops() const { return layer.top_size(); }
  /// An axis of `of`, made non-negative; rejects the layer where it is out of range.
  int64_t getAxis(int64_t axis, mlir::Value of) { return normalizeAxis(axis, getRank(of)); }
  /// The image of four axes that a bottom must be; rejects the layer otherwise.
  mlir::Value imageBottom(unsigned index);

  //===--- Weights ---===//

  /// Weight blob `index` of the files, which must have this shape; where they have none of this layer, what `filler`
  /// makes of it. Rejects the layer where that is random.
  mlir::Value weight(unsigned index, llvm::ArrayRef<int64_t> shape, const format::Filler &filler);
  /// The same as numbers.
  std::vector<float> weightNumbers(unsigned index, llvm::ArrayRef<int64_t> shape, const format::Filler &filler);
  /// How many weight blobs the files have for the layer.
  unsigned getNumWeights() const { return weights.blobs.size(); }
  /// The shape of a vector of `count` weights as the files have it in blob `index`, with axes of 1 around.
  llvm::SmallVector<int64_t> getVectorShape(unsigned index, int64_t count) const;
  /// Rejects the layer where its record has more blobs than were asked for, or fewer.
  void checkWeights();

  //===--- Building what many layers need ---===//

  /// `value` in another shape of as many elements, of which one extent may be open: it takes what the others leave.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// The product of extents; open where one is.
  static int64_t multiplyExtents(llvm::ArrayRef<int64_t> extents);
  /// `value`, of axes `axis` on, as a tensor that broadcasts against one of `rank` axes.
  mlir::Value alignWithAxis(mlir::Value value, int64_t axis, int64_t rank);

  //===--- Ending ---===//

  /// Gives the layer's next top its value.
  llvm::LogicalResult result(mlir::Value value);
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }
  /// Says with -v what is unlike other formats and was met.
  void remark(const llvm::Twine &text) { remarks.push_back(text.str()); }
  llvm::ArrayRef<std::string> getRemarks() const { return remarks; }

private:
  /// Says that no file has weights for this layer, and why that may be.
  std::string describeMissingWeights() const;

  /// The elements of a blob of the files, or null where the filler counts; rejects the layer where they do not fit.
  const format::Blob *findBlob(unsigned index, llvm::ArrayRef<int64_t> shape);

  const format::Layer &layer;
  llvm::ArrayRef<mlir::Value> bottoms;
  const LayerWeights &weights;
  unsigned numWeights = 0;
  llvm::SmallVector<mlir::Value> results;
  std::vector<std::string> remarks;
};

/// The elements that a filler makes; nullopt where it is random. Fillers.cpp
std::optional<std::vector<float>> makeFilled(const format::Filler &filler, llvm::ArrayRef<int64_t> shape);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_LAYERBINDER_H
