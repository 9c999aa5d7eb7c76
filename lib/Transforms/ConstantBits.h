// The bits of constant tensors.
#ifndef LIB_TRANSFORMS_CONSTANTBITS_H
#define LIB_TRANSFORMS_CONSTANTBITS_H

#include "mlir/IR/BuiltinAttributes.h"

namespace nnc {

/// The elements of a constant in memory order, one where all are the same; empty where the bytes are not there.
llvm::ArrayRef<char> getBytes(mlir::Attribute value);

/// A constant of `type` with these bytes, of one element for all or of each.
mlir::TypedAttr makeConstant(mlir::RankedTensorType type, llvm::ArrayRef<char> bytes);

/// The same, with `bits` of the element type's size.
template <typename T> mlir::TypedAttr makeConstant(mlir::RankedTensorType type, llvm::ArrayRef<T> bits) {
  return makeConstant(type, llvm::ArrayRef<char>(reinterpret_cast<const char *>(bits.data()), bits.size() * sizeof(T)));
}

} // namespace nnc

#endif // LIB_TRANSFORMS_CONSTANTBITS_H
