// Element types that are stored in a byte of their own inside the compiler: floats
// of 8 and 4 bits, integers of 4 and 2. A stored element has the format's bits in
// the low bits of the byte and zeros above.
#ifndef LIB_CONVERSION_NNTOLINALG_NARROWELEMENTS_H
#define LIB_CONVERSION_NNTOLINALG_NARROWELEMENTS_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// Whether elements of `type` are stored in a byte that is not of that type.
bool isNarrowElement(mlir::Type type);

/// The stored byte as a value to compute with: f32 for floats, i8 for integers.
mlir::Value decodeNarrow(mlir::ImplicitLocOpBuilder &builder, mlir::Value stored, mlir::Type type);

/// The inverse. Floats round to nearest, halves to even; beyond the largest they
/// become infinity where the format has it, else NaN, else the largest. Integers wrap.
mlir::Value encodeNarrow(mlir::ImplicitLocOpBuilder &builder, mlir::Value computed, mlir::Type type);

/// The bits of a constant element of any narrow type, as stored.
llvm::APInt getStoredBits(mlir::Attribute element);

/// An f32 value limited to the finite range of the narrow float `type`; NaN stays.
mlir::Value clampToFinite(mlir::ImplicitLocOpBuilder &builder, mlir::Value x, mlir::FloatType type);

/// A non-negative f32 value as a power of two by the rules of casts to f8E8M0:
/// `rounding` is 0 (up), 1 (down) or 2 (nearest).
mlir::Value roundToPowerOfTwo(mlir::ImplicitLocOpBuilder &builder, mlir::Value x, int rounding, bool saturate);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_NARROWELEMENTS_H
