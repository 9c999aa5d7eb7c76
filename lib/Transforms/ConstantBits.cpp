// The bits of constant tensors.
#include "lib/Transforms/ConstantBits.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;

namespace nnc {

ArrayRef<char> getBytes(Attribute value) {
  ArrayRef<char> raw;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      raw = blob->getData();
  } else if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    raw = dense.getRawData();
  }
  return reinterpret_cast<uintptr_t>(raw.data()) % alignof(uint32_t) == 0 ? raw : ArrayRef<char>();
}

TypedAttr makeConstant(RankedTensorType type, ArrayRef<char> bytes) {
  if (static_cast<int64_t>(bytes.size()) * 8 != type.getNumElements() * type.getElementTypeBitWidth())
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, /*align=*/64, /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, "weights", std::move(blob));
}

} // namespace nnc
