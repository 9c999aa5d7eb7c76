// Small constants are elements of the attribute, large ones resource blobs that
// point into the model's own memory.
#include "lib/Frontend/Import/Weights.h"

#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace nnc::frontend {

/// Constants of more bytes than this are resource blobs.
static constexpr size_t inlineBytes = 256;
static constexpr int64_t maxElements = int64_t(1) << 40;

std::optional<int64_t> countElements(ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > maxElements / extent))
      return std::nullopt;
    count *= extent;
  }
  return count;
}

RankedTensorType getTensorType(ArrayRef<int64_t> shape, Type elementType) {
  return countElements(shape) ? RankedTensorType::get(shape, elementType) : RankedTensorType();
}

size_t getElementBytes(Type type) { return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8); }

llvm::Expected<ElementsAttr> makeWeights(RankedTensorType type, StringRef bytes, std::shared_ptr<const void> owner,
                                         StringRef name) {
  Type elementType = type.getElementType();
  size_t elementBytes = getElementBytes(elementType), expected = type.getNumElements() * elementBytes;
  if (bytes.size() != expected)
    return llvm::createStringError("tensor '" + name + "': " + Twine(bytes.size()) +
                                   " bytes of data where its shape needs " + Twine(expected));
  if (elementType.isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return cast<ElementsAttr>(DenseElementsAttr::get(type, values));
  }
  if (expected <= inlineBytes)
    return cast<ElementsAttr>(DenseElementsAttr::getFromRawBuffer(type, ArrayRef(bytes.data(), bytes.size())));
  std::string key = name.empty() ? "constant" : name.str();
  if (reinterpret_cast<uintptr_t>(bytes.data()) % elementBytes != 0) {
    auto copy = HeapAsmResourceBlob::allocateAndCopyWithAlign(ArrayRef(bytes.data(), bytes.size()), 64,
                                                              /*dataIsMutable=*/false);
    return cast<ElementsAttr>(DenseResourceElementsAttr::get(type, key, std::move(copy)));
  }
  AsmResourceBlob blob(ArrayRef(bytes.data(), bytes.size()), elementBytes,
                       [owner](void *, size_t, size_t) {}, /*dataIsMutable=*/false);
  return cast<ElementsAttr>(DenseResourceElementsAttr::get(type, key, std::move(blob)));
}

ElementsAttr makeWeights(MLIRContext *context, ArrayRef<int64_t> shape, std::vector<float> values, StringRef name) {
  auto type = RankedTensorType::get(shape, Float32Type::get(context));
  auto owner = std::make_shared<std::vector<float>>(std::move(values));
  StringRef bytes(reinterpret_cast<const char *>(owner->data()), owner->size() * sizeof(float));
  return llvm::cantFail(makeWeights(type, bytes, owner, name));
}

} // namespace nnc::frontend
