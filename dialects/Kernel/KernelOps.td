//===- KernelOps.td - all families of the Kernel dialect -------------------===//

#ifndef DIALECTS_KERNEL_KERNELOPS_TD
#define DIALECTS_KERNEL_KERNELOPS_TD

include "dialects/Kernel/KernelBase.td"
include "dialects/Kernel/Contraction.td"
include "dialects/Kernel/Convolution.td"
include "dialects/Kernel/MatrixTiles.td"
include "dialects/Kernel/Row.td"
include "dialects/Kernel/Stencil.td"
include "dialects/Kernel/Winograd.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def Kernel_YieldOp : Op<Kernel_Dialect, "yield", [Pure, Terminator]> {
  let summary = "the value that a kernel stores";
  let description = "Ends the epilogue region of a structured kernel; one scalar of the destination's element type.";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ /* for SingleBlockImplicitTerminator; never valid */ }]>];
}

def Kernel_BoundedOp : Op<Kernel_Dialect, "bounded", [Pure, SameOperandsAndResultType]> {
  let summary = "an extent that data decide, and the most that it can be";
  let description = [{
    The value of `extent`, which is not negative and at most `bound`. Loops run to the extent; buffers are sized for
    the bound. Nothing folds it: it ends with `plan-memory`.
  }];
  let arguments = (ins Index:$extent, Index:$bound);
  let results = (outs Index:$result);
  let assemblyFormat = "$extent `,` $bound attr-dict";
}

def Kernel_ByteTableOp : Op<Kernel_Dialect, "byte_table",
    [Pure, SameOperandsAndResultType, Elementwise, Scalarizable, Vectorizable, Tensorizable]> {
  let summary = "a function of one byte, as a table";
  let description = [{
    `table` has 256 entries, the first for the index 0; indices are unsigned. `convert-kernel-to-vector` leaves it in
    loops of vectors; it ends with `lower-byte-tables`.
  }];
  let arguments = (ins AnyTypeOf<[I8, VectorOfRankAndType<[1], [I8]>]>:$index, DenseI8ArrayAttr:$table);
  let results = (outs AnyTypeOf<[I8, VectorOfRankAndType<[1], [I8]>]>:$result);
  let assemblyFormat = "$index $table attr-dict `:` type($index)";
  let hasFolder = 1;
  let hasVerifier = 1;
}

#endif // DIALECTS_KERNEL_KERNELOPS_TD
