// Operands, weights and windows of one layer.
#include "lib/Frontend/Ccv/LayerBinder.h"

#include "lib/Frontend/Import/Weights.h"

using namespace mlir;

namespace nnc::ccv {

Value LayerBinder::image() {
  if (getRank(input) == 4)
    return input;
  (void)reject("needs an image, and the layer before it makes vectors");
  return {};
}

Value LayerBinder::flat() {
  int64_t images = getShape(input)[0];
  return reshape(input, {images, getType(input).getNumElements() / images});
}

Value LayerBinder::numbers(const std::shared_ptr<std::string> &bytes, ArrayRef<int64_t> shape, StringRef what) {
  RankedTensorType type = frontend::getTensorType(shape, layer.isHalf ? Type(builder.getF16Type()) : builder.getF32Type());
  int64_t expected = type ? frontend::getBytes(type) : 0, present = bytes ? bytes->size() : 0;
  if (!type || expected != present) {
    (void)reject("the file has " + Twine(present) + " bytes of " + what + " where the layer needs " +
                 (type ? Twine(expected) : Twine("too many")));
    return {};
  }
  Value value = constant(llvm::cantFail(frontend::makeWeights(type, *bytes, bytes, name)));
  return layer.isHalf ? create<nn::CastOp>(value, builder.getF32Type(), /*saturate=*/true, nn::PowerRounding::Up) : value;
}

LogicalResult LayerBinder::checkWindows(int64_t rows, int64_t columns) {
  ArrayRef<int64_t> shape = getShape(input);
  if (layer.strides < 1 || rows < 1 || columns < 1)
    return reject("its window and strides must be positive");
  for (auto [extent, window] : {std::pair(shape[1], rows), std::pair(shape[2], columns)}) {
    int64_t room = extent + 2 * layer.border - window;
    if (room < 0)
      return reject("its window is larger than the image and its border");
    if (room % layer.strides)
      return reject("windows of " + Twine(window) + " with strides of " + Twine(layer.strides) + " do not cover " +
                    Twine(extent + 2 * layer.border) + " elements exactly, as libccv demands");
  }
  return success();
}

} // namespace nnc::ccv
