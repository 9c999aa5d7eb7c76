// Functions from the run-time extents of a model's inputs: of the outputs'
// extents, of the workspace's size, of whether the extents fit each other.
#ifndef LIB_TRANSFORMS_EXTENTFUNCTIONS_H
#define LIB_TRANSFORMS_EXTENTFUNCTIONS_H

#include "lib/Transforms/SizeExpressions.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace nnc {

/// Creates, in front of `main`, a function of every dynamic extent of its inputs in order, then of every input whose
/// values sizes may be made of, as memrefs, with an empty entry block. Arguments marked `nn.output` are no inputs;
/// those whose values count get `nn.size_values`: i32, i64 or floats, of rank 0 or 1 and few elements.
mlir::func::FuncOp createExtentFunction(mlir::func::FuncOp main, llvm::StringRef name, mlir::TypeRange results);

/// The argument of `function` for extent `dim` of `argument`, an argument of `main`; null where that is an output.
mlir::Value getExtentArgument(mlir::func::FuncOp function, mlir::func::FuncOp main, mlir::BlockArgument argument,
                              int64_t dim);

/// Element `position` of the input `argument` of `main` in `function`, which may be `main` itself; null where sizes are
/// not made of its values.
mlir::Value getElementOfArgument(mlir::OpBuilder &builder, mlir::func::FuncOp function, mlir::func::FuncOp main,
                                 mlir::BlockArgument argument, int64_t position);

/// The sizes of `main` as values in `function`, which createExtentFunction made of it.
SizeExpressions getSizesIn(mlir::func::FuncOp function, mlir::func::FuncOp main);

/// For an output `argument` of `main`: the position of its extent `dim` among the results of @main_output_extents; none
/// where it is packed, as these are its elements' extents then.
std::optional<unsigned> getOutputExtentIndex(mlir::func::FuncOp main, mlir::BlockArgument argument, int64_t dim);

} // namespace nnc

#endif // LIB_TRANSFORMS_EXTENTFUNCTIONS_H
