// How extents of outputs follow from those of inputs, for people.
#ifndef LIB_TARGET_EXTENTFORMULAS_H
#define LIB_TARGET_EXTENTFORMULAS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace nnc {

/// For each result of `function` (@main_output_extents, which works from `tensors` to `arena`) what it is, written with the
/// names of its arguments: `N`, `(H + 1) / 2`, with division as of C. Empty where that is not short, or not known.
std::vector<std::string> listExtentFormulas(mlir::func::FuncOp function, llvm::ArrayRef<std::string> arguments);

} // namespace nnc

#endif // LIB_TARGET_EXTENTFORMULAS_H
