// Strings beyond the lowering of single operations.
#ifndef LIB_CONVERSION_NNTOLINALG_TEXT_H
#define LIB_CONVERSION_NNTOLINALG_TEXT_H

#include "lib/Conversion/NNToLinalg/NNToLinalg.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// What operations on strings need before they are converted: memory for the strings that a run makes, at the entry of
/// @main, a check at its end, and declarations of functions. Returns the memory's address; null without such operations.
mlir::Value prepareText(mlir::ModuleOp module);

/// The operations of the Text dialect; `space` is what prepareText returned.
void populateTextToLinalg(const StorageTypeConverter &types, mlir::RewritePatternSet &patterns, mlir::Value space);

/// Less than 0, 0, or more (i32): strings compared by their bytes. prepareText declares what it calls for nn.unique.
mlir::Value compareStrings(mlir::ImplicitLocOpBuilder &builder, mlir::Value a, mlir::Value b);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_TEXT_H
