//===- MatrixTiles.td - a unit for products of tiles (Intel AMX) -----------===//
//
// Eight registers each hold a tile of up to 16 rows of 64 bytes. What a tile register holds is the CPU's state, not a value:
// these operations are executed in the order in which they are written. `convert-kernel-to-vector` makes them,
// `lower-matrix-tiles` ends them.
//
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_KERNEL_MATRIXTILES_TD
#define DIALECTS_KERNEL_MATRIXTILES_TD

include "dialects/Kernel/KernelBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Kernel_TileRegisters : Resource<"::nnc::kernel::TileRegisters">;
class Kernel_TileOp<string mnemonic> : Op<Kernel_Dialect, mnemonic, [MemoryEffects<[MemWrite<Kernel_TileRegisters>]>]>;

def Kernel_TileConfigureOp : Kernel_TileOp<"tile_configure"> {
  let summary = "gives all tile registers their shapes";
  let description = [{
    Registers 0 to 3 are sums, `rows` (1 to 16) by 16 of 32 bits; 4 and 5 left-hand sides, `rows` by `groups` (1 to 16) of
    32 bits; 6 and 7 right-hand sides, `groups` by 16 of 32 bits. Their contents are lost.
  }];
  let arguments = (ins Index:$rows, I64Attr:$groups);
  let assemblyFormat = "$rows `by` $groups attr-dict";
}

def Kernel_TileReleaseOp : Kernel_TileOp<"tile_release"> {
  let summary = "the tile registers are no longer used";
  let assemblyFormat = "attr-dict";
}

def Kernel_TileZeroOp : Kernel_TileOp<"tile_zero"> {
  let summary = "zeros in a tile register";
  let arguments = (ins I64Attr:$tile);
  let assemblyFormat = "$tile attr-dict";
}

def Kernel_TileLoadOp : Kernel_TileOp<"tile_load"> {
  let summary = "a tile register from memory";
  let description = [{
    Row r is contiguous bytes from `indices` on, where r * `step` is added to the index of dimension `along`. An index may
    exceed its extent where the memory behind it is meant.
  }];
  let arguments = (ins I64Attr:$tile, Arg<AnyStridedMemRef, "", [MemRead]>:$memref, Variadic<Index>:$indices,
                       I64Attr:$along, I64Attr:$step);
  let assemblyFormat = "$tile `from` $memref `[` $indices `]` `along` $along `step` $step attr-dict `:` type($memref)";
}

def Kernel_TileStoreOp : Kernel_TileOp<"tile_store"> {
  let summary = "a tile register to memory";
  let description = "The opposite of kernel.tile_load, row r at index r of dimension `along`.";
  let arguments = (ins I64Attr:$tile, Arg<AnyStridedMemRef, "", [MemWrite]>:$memref, Variadic<Index>:$indices,
                       I64Attr:$along);
  let assemblyFormat = "$tile `to` $memref `[` $indices `]` `along` $along attr-dict `:` type($memref)";
}

def Kernel_TileDotOp : Kernel_TileOp<"tile_dot"> {
  let summary = "adds the product of two tiles to a third";
  let description = [{
    sum[r][c] += lhs[r][g] . rhs[g][c] over all g, where the factors are groups of 32 bits: four bytes, of lhs unsigned and of
    rhs signed, summed in i32, or (`bf16`) two bf16, summed in f32, denormal inputs and results as zero.
  }];
  let arguments = (ins I64Attr:$sum, I64Attr:$lhs, I64Attr:$rhs, UnitAttr:$bf16);
  let assemblyFormat = "$sum `,` $lhs `,` $rhs (`bf16` $bf16^)? attr-dict";
}

#endif // DIALECTS_KERNEL_MATRIXTILES_TD
