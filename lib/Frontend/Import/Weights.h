// Constants from the bytes of a model file.
#ifndef LIB_FRONTEND_IMPORT_WEIGHTS_H
#define LIB_FRONTEND_IMPORT_WEIGHTS_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>

namespace nnc::frontend {

/// Product of the extents; nullopt where one is negative or the product is beyond 2^40.
std::optional<int64_t> countElements(llvm::ArrayRef<int64_t> shape);

/// The type, or null where `shape` is not static or countElements refuses it.
mlir::RankedTensorType getTensorType(llvm::ArrayRef<int64_t> shape, mlir::Type elementType);

/// Bytes of one element, booleans one byte.
size_t getElementBytes(mlir::Type type);

/// Bytes of a tensor in a file: elements of 4 and 2 bits are packed, the first in the low bits of a byte.
size_t getBytes(mlir::RankedTensorType type);

/// A constant of `type`, from elements in memory order (little-endian, packed as getBytes says). Large
/// ones are not copied: they point into `bytes`, which `owner` keeps alive. An
/// error where the number of bytes does not fit; `name` is for the message and
/// the resource.
llvm::Expected<mlir::ElementsAttr> makeWeights(mlir::RankedTensorType type, llvm::StringRef bytes,
                                               std::shared_ptr<const void> owner, llvm::StringRef name);

/// A constant of f32 of its own memory; `values` must be as many as the shape says.
mlir::ElementsAttr makeWeights(mlir::MLIRContext *context, llvm::ArrayRef<int64_t> shape, std::vector<float> values,
                               llvm::StringRef name);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_WEIGHTS_H
