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

/// Whether several elements share a byte.
static bool isPacked(Type type) { return type.getIntOrFloatBitWidth() < 8 && !type.isInteger(1); }

size_t getBytes(RankedTensorType type) {
  if (isPacked(type.getElementType()))
    return llvm::divideCeil(type.getNumElements() * type.getElementTypeBitWidth(), 8);
  return type.getNumElements() * getElementBytes(type.getElementType());
}

/// One byte for each element of packed data, the first element in the low bits of a byte.
static std::shared_ptr<std::vector<char>> unpack(RankedTensorType type, StringRef bytes) {
  unsigned bits = type.getElementTypeBitWidth(), perByte = 8 / bits;
  auto elements = std::make_shared<std::vector<char>>(type.getNumElements());
  for (size_t i = 0; i < elements->size(); ++i)
    (*elements)[i] = (static_cast<uint8_t>(bytes[i / perByte]) >> (bits * (i % perByte))) & ((1u << bits) - 1);
  return elements;
}

llvm::Expected<ElementsAttr> makeWeights(RankedTensorType type, StringRef bytes, std::shared_ptr<const void> owner,
                                         StringRef name) {
  Type elementType = type.getElementType();
  size_t elementBytes = getElementBytes(elementType), expected = getBytes(type);
  if (bytes.size() != expected)
    return llvm::createStringError("tensor '" + name + "': " + Twine(bytes.size()) +
                                   " bytes of data where its shape needs " + Twine(expected));
  if (isPacked(elementType)) {
    auto elements = unpack(type, bytes);
    bytes = StringRef(elements->data(), elements->size());
    owner = elements;
  }
  if (elementType.isInteger(1)) {
    SmallVector<bool> values;
    for (char byte : bytes)
      values.push_back(byte != 0);
    return cast<ElementsAttr>(DenseElementsAttr::get(type, values));
  }
  if (bytes.size() <= inlineBytes)
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
