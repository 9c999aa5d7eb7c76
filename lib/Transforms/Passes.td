//===- Passes.td - passes that improve within a language -------------------===//

#ifndef LIB_TRANSFORMS_PASSES_TD
#define LIB_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def FuseEpilogues : Pass<"fuse-epilogues"> {
  let summary = "Move element-wise consumers of a kernel into its epilogue region";
  let description = [{
    Before: `%c = kernel.conv(...)`, its only user `linalg.generic` adds a bias
    and clamps.
    After: one `kernel.conv` whose epilogue adds and clamps, while the value is
    in a register. The bias is an epilogue input with an index map. Reshapes
    between the two are moved behind.
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect", "::nnc::kernel::KernelDialect"];
}

def FuseElementwise : Pass<"fuse-elementwise"> {
  let summary = "Fuse element-wise operations into one loop, up to a size";
  let description = [{
    Before: two `linalg.generic` in a row, the first used by the second alone.
    After: one, whose body is both. What would become a loop of very many
    operands or operations (a sum of thousands) stays several loops.
    What the body reads by `tensor.extract`, because its extents may be 1 at run time, is computed there too.
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect", "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def ChooseWeightTypes : Pass<"choose-weight-types"> {
  let summary = "Store packed weights in 16 bits, or in 32 where the CPU does not convert f16";
  let description = [{
    Before: `kernel.contract` or `kernel.conv` of f32 on a constant of f32
    After: the same on a constant of bf16 or f16, which the kernel widens in registers: where
    all weights have such values anyway, or, with `precision=bf16`, rounded. Weights of f16 become f32 where the
    CPU does not convert them (`half=false`). Where the target
    has `bf16Dot`, products of bf16 (the input is rounded as well) are of weights in pairs.
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"f32\"", "f32 (weights keep their values) or bf16">,
    Option<"toHalf", "half", "bool", "true", "the CPU converts f16">,
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect", "::mlir::tensor::TensorDialect"];
}

def RecognizeBlockWeights : Pass<"recognize-block-weights"> {
  let summary = "Store packed weights that are small integers times a scale as these";
  let description = [{
    Before: `kernel.contract` on a constant of f32 [P, K, nr]
    After: the same with `blocks`, on a constant of i32: integers of 4 or 8 bits, a scale (and an offset) for
    each block of rows, where their products are the weights; where `int8_block` and the CPU allow it, on an input
    that `kernel.quantize_blocks` rounds to 8 bits. Not where `precision=bf16` and `bf16Dot` make products of
    16 bits faster.
  }];
  let options = [Option<"precision", "precision", "std::string", "\"f32\"", "f32 or bf16">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::nnc::kernel::KernelDialect"];
}

def ChooseWinograd : Pass<"choose-winograd", "::mlir::func::FuncOp"> {
  let summary = "Replace convolutions by Winograd's algorithm where that is faster";
  let description = [{
    Before: `kernel.conv` of stride 1 on a filter of 1, 3 or 5 rows and columns packed by `kernel.pack_filter`
    After: `kernel.winograd` on the filter transformed by `kernel.pack_winograd`, where
    a cost model finds F(4x4), F(2x2), F(4x1) ... faster
  }];
  let options = [Option<"bf16", "bf16", "bool", "false", "direct convolutions are of weights in bf16">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::nnc::kernel::KernelDialect"];
}

def FlipFilters : Pass<"flip-filters"> {
  let summary = "Make transposed convolutions of stride 1 ordinary ones";
  let description = [{
    Before: `nn.conv_transpose %x, %w` of stride 1 and pads of 1, with a filter of 16x8x3x3
    After: `nn.conv %x, %v` with pads of 1, where %v is the filter as 8x16x3x3, its taps in reverse
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def MultiplyPatches : Pass<"multiply-patches"> {
  let summary = "Make convolutions products of matrices where windows do not overlap and channels are few";
  let description = [{
    Before: `nn.conv %x, %w {strides = 16, 16}` with a filter of 768x3x16x16
    After: `nn.reshape`, `nn.transpose`, `nn.matmul` with a filter of 768x768
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def SinkDequantize : Pass<"sink-dequantize"> {
  let summary = "Move and choose integers, not what they stand for";
  let description = [{
    Before: `nn.dequantize`, `nn.max_pool`, `nn.quantize` with the same scale and zero point
    After: `nn.max_pool` of the integers
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def MultiplyPixels : Pass<"multiply-pixels"> {
  let summary = "Make pointwise convolutions that stand alone products of matrices";
  let description = [{
    Before: `nn.conv %x, %w` of a model's input, with a filter of 8x16x1x1
    After: `nn.matmul %w, %x` of 8x16 and 16x(H*W), between reshapes
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def SplitWindows : Pass<"split-windows"> {
  let summary = "Split convolutions whose weights for a register tile exceed the L2 cache";
  let description = [{
    Before: `nn.conv %x, %w` with a filter of 64x384x9x9
    After: `nn.conv` with its first 4 rows, plus `nn.conv` with the other 5
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def AssignLayouts : Pass<"assign-layouts"> {
  let summary = "Make every spatial operation channels-last, between transposes";
  let description = [{
    Before: `nn.conv %x, %w {layout = channels_first}`
    After: `nn.transpose`, `nn.conv {layout = channels_last}`, `nn.transpose`
  }];
  let dependentDialects = ["::nnc::kernel::KernelDialect", "::nnc::nn::NNDialect"];
}

def SinkTransposes : Pass<"sink-transposes"> {
  let summary = "Move transposes towards the results until they cancel";
  let description = [{
    Before: transpose back, `nn.relu`, transpose, `nn.conv`
    After: `nn.relu`, `nn.conv`
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def PlaceBranchResults : Pass<"place-branch-results", "::mlir::ModuleOp"> {
  let summary = "Give results of branches whose extents only a branch tells a place for their bound";
  let description = [{
    Before: `scf.if` whose branches yield copies, `bufferization.alloc_tensor`, of tensors of some extent
    After: both yield the tensors inserted into one `bufferization.alloc_tensor` of the
    bound, and their extents; a slice of the `kernel.bounded` extents is the result.
    What nothing bounds is an error.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect",
                           "::mlir::tensor::TensorDialect", "::nnc::kernel::KernelDialect"];
}

def PlaceCarriedValues : Pass<"place-carried-values"> {
  let summary = "Keep what a loop carries in one buffer";
  let description = [{
    Before: `scf.for` yields a tensor made in its body
    After: it yields `bufferization.materialize_in_destination` of that tensor in
    the iteration argument it follows
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def FoldBatchNorm : Pass<"fold-batch-norm"> {
  let summary = "Fold a batch norm into the convolution before it";
  let description = [{
    Before: `nn.batch_norm` of a `nn.conv` that nothing else uses
    After: `nn.conv` with scaled filter and bias, computed from constants
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def RecognizeIntegerProducts : Pass<"recognize-integer-products"> {
  let summary = "Make products of dequantised integers integer products";
  let description = [{
    Before: `nn.matmul` or `nn.conv` of two `nn.dequantize` of 8-bit integers
    After: `nn.integer_matmul` or `nn.integer_conv`, cast and scaled; a `nn.quantize`
    behind it shares the factor.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::nn::NNDialect"];
}

def ExpandIntegerProducts : Pass<"expand-integer-products"> {
  let summary = "Take the zero points out of integer products";
  let description = [{
    Before: `nn.integer_matmul %a, %b lhs_zero %z` of i8 and i8
    After: `nn.integer_matmul` of ui8 and i8 without zero points, less the zero
    point times the sums of rhs. What no kernel can compute becomes `nn.matmul` or
    `nn.conv` on i32.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::nnc::kernel::KernelDialect", "::nnc::nn::NNDialect"];
}

def BufferizeModel : Pass<"bufferize-model", "::mlir::ModuleOp"> {
  let summary = "Place every tensor of @main in a buffer; results become destination arguments";
  let description = [{
    Before: `func.func @main(%x: tensor<4xf32>) -> tensor<4xf32>`
    After: `func.func @main(%x: memref<4xf32>, %y: memref<4xf32> {nn.output})`.
    The operation that makes an output writes straight to its argument; other
    values become memref.alloc without dealloc, constants memref.global.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"
  ];
}

def TileAttention : Pass<"tile-attention"> {
  let summary = "Compute attention a block of rows at a time";
  let description = [{
    Before: `kernel.contract`, `kernel.softmax`, `kernel.contract` on scores of all rows
    After: loops over batches and blocks of rows around the three, with the scores of one block
  }];
  let options = [Option<"threads", "threads", "bool", "false", "Batches may run at the same time: each has a buffer">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def TileWindows : Pass<"tile-windows", "::mlir::func::FuncOp"> {
  let summary = "Compute a convolution and the windows that read it a block of rows at a time";
  let description = [{
    Before: `kernel.conv` to a large buffer, of which `kernel.depthwise` or a maximum of `kernel.pool` alone reads
    After: a loop over blocks of rows around the two, with the rows of one block
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::scf::SCFDialect"];
}

def PadRows : Pass<"pad-rows"> {
  let summary = "Keep the rows that a product reads at the same time out of each other's cache sets";
  let description = [{
    Before: `memref.alloc() : memref<128x1024xf32>`, the left-hand side of `kernel.contract`
    After: `memref.alloc() : memref<128x1040xf32>`, of which it sees 1024 columns; or such a copy of what the caller owns
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def FlushDenormals : Pass<"flush-denormals"> {
  let summary = "Make denormal weights of products, and biases of their sums, zero";
  let description = [{
    Before: `kernel.conv` of a filter [1.0, 1.0e-40]
    After: `kernel.conv` of a filter [1.0, 0.0]
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def TabulateBytes : Pass<"tabulate-bytes"> {
  let summary = "Read what a body computes from one byte in a table";
  let description = [{
    Before: the body of a loop or an epilogue dequantizes a byte, computes `x * sigmoid(x)` and quantizes the result
    After: `kernel.byte_table` of that byte
  }];
  let dependentDialects = ["::nnc::kernel::KernelDialect"];
}

def SimplifyQuantization : Pass<"simplify-quantization"> {
  let summary = "Quantize by clamping and one addition, and dequantize that without integers";
  let description = [{
    Before: a body computes `trunci(fptosi(clamp(roundeven(x) + zero, 0, 255)))`
    After: `trunci(bitcast(clamp(x, -zero, 255 - zero) + 1.5 * 2^23) + zero)`
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def LowerByteTables : Pass<"lower-byte-tables", "::mlir::ModuleOp"> {
  let summary = "Read tables of bytes by the CPU's permutations, or byte by byte";
  let description = [{
    Before: `kernel.byte_table` of a byte or of a vector of bytes
    After: a constant of 256 bytes and loads from it, or the intrinsic `byteLookup` of the target
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def LowerMatrixTiles : Pass<"lower-matrix-tiles", "::mlir::func::FuncOp"> {
  let summary = "Tile registers by the intrinsics of AMX";
  let description = [{
    Before: `kernel.tile_load 4 from %memref[%i, %j] along 0 step 1`
    After: the address, and a call of `llvm.x86.tileloadd64`
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect", "::mlir::vector::VectorDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def UpdateInPlace : Pass<"update-in-place"> {
  let summary = "Write results of products and convolutions over what their epilogues read last";
  let description = [{
    Before: `kernel.conv ... epilogue(%x) outs(%new)`, where `%x` is read by nobody after it
    After: `kernel.conv ... epilogue(%x) outs(%x)`
  }];
}

def PlanMemory : Pass<"plan-memory", "::mlir::ModuleOp"> {
  let summary = "Give every buffer of @main a place in one arena";
  let description = [{
    Before: `%a = memref.alloc() : memref<4xf32>` at the top level of @main.
    After: `%a = memref.view %arena[%c0][] : memref<?xi8> to memref<4xf32>`, with
    `%arena` the new last argument, marked `nn.arena`. Buffers that are never live
    at the same time share their bytes. The module gets `nn.memory_plan`. Where sizes are
    run-time values, offsets are computed at the function's entry and
    `@main_workspace`, a function of the inputs' dynamic extents, gives the total.
    `kernel.bounded` is replaced by its extent; what it sizes has place for the bound.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def NumberLayers : Pass<"number-layers", "::mlir::ModuleOp"> {
  let summary = "Number the layers of @main in their locations, for reports";
  let description = [{
    Before: `nn.relu ... loc("a")`
    After: `nn.relu ... loc(fused<7>["a"])`, of the eighth operation of NN in @main
  }];
}

def LowerParallel : Pass<"lower-parallel", "::mlir::ModuleOp"> {
  let summary = "Turn scf.parallel into sequential loops, or functions that threads can run";
  let description = [{
    Before: `scf.parallel (%i) = (%c0) to (%n) step (%c1) { ... }`
    After: `scf.for %i = %c0 to %n step %c1 { ... }`, or with `threads`, where there is work enough,
    `call @layer_x_loop(%parallel, ..., %tasks)`, which calls `@layer_x_loop_task(..., %task)` for each.
  }];
  let dependentDialects = ["::mlir::scf::SCFDialect", "::mlir::func::FuncDialect", "::mlir::LLVM::LLVMDialect"];
  let options = [Option<"threads", "threads", "bool", "false", "the caller may run loops on several threads">];
}

def EmitParallelCalls : Pass<"emit-parallel-calls", "::mlir::ModuleOp"> {
  let summary = "Let parallel loops ask the caller's callback";
  let description = [{
    Before: `llvm.func @f(%parallel, ..., %tasks)` marked `nn.parallel_for` calls a task for each number below
    %tasks.
    After: where %parallel is not null it calls `parallel->parallel_for(context, tasks, f_body, environment)` instead.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def HoistStackBuffers : Pass<"hoist-stack-buffers", "::mlir::LLVM::LLVMFuncOp"> {
  let summary = "Allocate buffers on the stack where their function begins";
  let description = [{
    Before: `llvm.alloca` of constant size in a loop, which takes stack with each iteration.
    After: the `llvm.alloca` is in the function's first block.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def ProfileLayers : Pass<"profile-layers", "::mlir::ModuleOp"> {
  let summary = "Count how long each layer takes";
  let description = [{
    Before: calls of layers, and copies, in @main of the stage `arena`.
    After: `memref.global "private" @main_ticks : memref<Nxi64>` has the ticks of each layer, summed over all runs;
    `nn.profiled_layers` of the module their names.
  }];
  let options = [Option<"counter", "counter", "std::string", "\"llvm.readcyclecounter\"",
                        "the LLVM intrinsic that reads the target's counter">];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def NarrowFloatsAsIntegers : Pass<"narrow-floats-as-integers", "::mlir::ModuleOp"> {
  let summary = "Move bf16 as integers of 16 bits";
  let description = [{
    Before: `llvm.select %c, %x, %y : i1, bf16` and others that move bits, in a module that does not compute in bf16.
    After: the same of i16.
  }];
  let options = [Option<"half", "half", "bool", "false", "the same of f16">];
}

def GatherWeights : Pass<"gather-weights", "::mlir::ModuleOp"> {
  let summary = "Put all constants into one aligned blob, one copy of each";
  let description = [{
    Before: several `memref.global "private" constant @c : memref<4xf32> = dense<...>`.
    After: one `memref.global "private" constant @weights : memref<Nxi8>`, and a
    `memref.view` of it at a multiple of 64 bytes for each `memref.get_global`. The
    blob ends in zeros, as many as 16 vectors have, so that whole-vector reads past the last weight stay inside.

    With `external`, the blob is the module's attribute `nn.weights` instead, and its address an argument of `@main`,
    the last. Constants of other functions stay as they are.
  }];
  let options = [Option<"external", "external", "bool", "false", "The caller of @main has the weights">];
  let dependentDialects = ["::nnc::kernel::KernelDialect", "::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def ComputeOutputExtents : Pass<"compute-output-extents", "::mlir::ModuleOp"> {
  let summary = "Add a function from the inputs' run-time extents to the outputs'";
  let description = [{
    Before: `@main` on tensors, with `?` in its results.
    After: also `@main_output_extents`, which takes every dynamic extent of the
    inputs in order and returns every dynamic extent of the outputs in order: the
    bounds of those that data decide. Results with such extents, or with constant
    ones, are marked `nn.bounds` (for each dynamic extent a constant, or what stands
    for none), and where data decide some, `@main` has one more result, marked `nn.true_extents`: all dynamic extents as they are.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def OutlineExtentChecks : Pass<"outline-extent-checks", "::mlir::ModuleOp"> {
  let summary = "Move what is asserted of run-time extents into a function of the inputs' extents";
  let description = [{
    Before: `cf.assert` in `@main` on tensors.
    After: none; `@main_extents_fit`, which takes every dynamic extent of the
    inputs in order and returns whether all assertions hold, where there are any.
    In a branch that the extents decide, they count where it is taken; in one that
    data decide, they are dropped; one that is marked `nn.indispensable` is an error
    there, as one that never holds is. What is asserted, in no branch or loop, of
    extents that data decide stays.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

def ReturnOnFailedChecks : Pass<"return-on-failed-checks", "::mlir::ModuleOp"> {
  let summary = "Let @main return whether what it asserts holds";
  let description = [{
    Before: `cf.assert` in `@main`, of blocks and branches.
    After: `@main` returns an i1: false at the first assertion that does not hold,
    else true at its end. Without assertions nothing changes.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::cf::ControlFlowDialect"];
}

def LowerVectors : Pass<"lower-vectors", "::mlir::ModuleOp"> {
  let summary = "Break vector operations down to those that LLVM has";
  let description = [{
    Before: `vector.transpose`, `vector.shape_cast`, `vector.multi_reduction`, ...
    After: shuffles, extractions, insertions and one-dimensional reductions.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::vector::VectorDialect"];
}

def ExpandMath : Pass<"expand-math"> {
  let summary = "Replace math functions by arithmetic";
  let description = [{
    Before: `math.exp %x : vector<16xf32>`
    After: range reduction and a polynomial on `vector<16xf32>`; no libm.
  }];
  let options = [Option<"convertsHalf", "converts-half", "bool", "true",
                        "the CPU converts f16 to and from f32; else integer arithmetic does">];
  let dependentDialects = ["::nnc::kernel::KernelDialect", "::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect", "::mlir::vector::VectorDialect"];
}

def LowerReshapes : Pass<"lower-reshapes", "::mlir::ModuleOp"> {
  let summary = "Turn splits into several run-time extents into explicit sizes and strides";
  let description = [{
    Before: `memref.expand_shape %x [[0, 1]] output_shape [%a, %b]`
    After: `memref.reinterpret_cast %base to offset: [0], sizes: [%a, %b], strides: [%b, 1]`.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::memref::MemRefDialect"];
}

def OutlineLayers : Pass<"outline-layers", "::mlir::ModuleOp"> {
  let summary = "Move the code of each layer into a function named after it";
  let description = [{
    Before: `@main` with one loop nest per layer.
    After: `@main` calls `@layer_conv1(...)`, `@layer_conv2(...)`; layers that
    compute the same on different memory share a function.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
}

#endif // LIB_TRANSFORMS_PASSES_TD
