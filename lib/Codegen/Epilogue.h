// The epilogue of a kernel, applied to a vector of results before it is stored.
#ifndef LIB_CODEGEN_EPILOGUE_H
#define LIB_CODEGEN_EPILOGUE_H

#include "dialects/Kernel/Kernel.h"

namespace nnc {

/// Passes `value`, `width` results from output index `indices` on along dimension
/// `along` (-1: the last), through the kernel's epilogue and stores what it yields.
void storeThroughEpilogue(mlir::OpBuilder &builder, kernel::EpilogueOpInterface kernel, mlir::Value value,
                          mlir::ValueRange indices, int64_t width, int64_t along = -1);

/// As storeThroughEpilogue for the first `count` lanes of `value`, in pieces whose widths are powers of two.
void storePartially(mlir::OpBuilder &builder, kernel::EpilogueOpInterface kernel, mlir::Value value,
                    mlir::ValueRange indices, int64_t count);

} // namespace nnc

#endif // LIB_CODEGEN_EPILOGUE_H
