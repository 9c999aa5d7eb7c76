// What an import function sees of its layer: the row of the file, the layer before, weights, and a way to say no.
#ifndef LIB_FRONTEND_CCV_LAYERBINDER_H
#define LIB_FRONTEND_CCV_LAYERBINDER_H

#include "lib/Frontend/Ccv/Network.h"
#include "lib/Frontend/Import/NodeBuilder.h"

namespace nnc::ccv {

class LayerBinder : public frontend::NodeBuilder {
public:
  LayerBinder(mlir::OpBuilder &builder, mlir::Location loc, const Layer &layer, mlir::Value input, llvm::StringRef name)
      : NodeBuilder(builder, loc), layer(layer), input(input), name(name) {}

  const Layer &get() const { return layer; }
  /// What the layer reads, (images, rows, columns, channels); rejects the layer where the one before makes vectors.
  mlir::Value image();
  /// The same as (images, elements).
  mlir::Value flat();
  /// The weights, and the bias of `layer.count` numbers, as f32; rejects the layer where the file has another number.
  mlir::Value weights(llvm::ArrayRef<int64_t> shape) { return numbers(layer.weights, shape, "weights"); }
  mlir::Value bias() { return numbers(layer.bias, {layer.count}, "biases"); }
  /// Rejects the layer where windows of this size do not cover the image and its border exactly, as libccv demands.
  llvm::LogicalResult checkWindows(int64_t rows, int64_t columns);

  llvm::LogicalResult result(mlir::Value value) {
    made = value;
    return llvm::success(value && !failed());
  }
  mlir::Value getResult() const { return made; }

private:
  mlir::Value numbers(const std::shared_ptr<std::string> &bytes, llvm::ArrayRef<int64_t> shape, llvm::StringRef what);

  const Layer &layer;
  mlir::Value input, made;
  llvm::StringRef name;
};

} // namespace nnc::ccv

#endif // LIB_FRONTEND_CCV_LAYERBINDER_H
