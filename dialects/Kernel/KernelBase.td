//===- KernelBase.td - the Kernel dialect and the base of its operations ---===//

#ifndef DIALECTS_KERNEL_KERNELBASE_TD
#define DIALECTS_KERNEL_KERNELBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Kernel/KernelInterfaces.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::nnc::kernel";
  let summary = "Hot loops before they are loops";
  let description = [{
    Structured kernels in destination style: `outs` is the last operand, the
    result (on tensors) is the destination's new value; on memrefs there is no
    result. Bufferised like any linalg operation, then expanded to
    scf/vector/memref loop nests by `convert-kernel-to-vector`. Element types are
    signless. Spatial tensors are channels-last: (N, spatial..., C).
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasOperationAttrVerify = 0;
}

def Kernel_TargetAttr : AttrDef<Kernel_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "what code generation must know of the CPU";
  let description = [{
    Attached to the module as `kernel.target`. Passes read it with
    `kernel::getTarget(op)`, which gives the x86-64 baseline (SSE2) where there
    is none. No pass may assume a vector width.
  }];
  let parameters = (ins
    "unsigned":$vectorBits,       // width of one hardware vector
    "unsigned":$vectorRegisters,  // number of architectural vector registers
    "bool":$fma,                  // fused multiply-add is one instruction
    "unsigned":$l1Bytes,          // data cache, per core
    "unsigned":$l2Bytes,
    DefaultValuedParameter<"bool", "false">:$vnni, // x86's sums of four products of ui8 and i8 are one instruction
    DefaultValuedParameter<"unsigned", "0">:$packedBits, // vector width that panels are packed for, where wider
    // LLVM's intrinsic that adds products of pairs of bf16 to f32, of the whole vector; "": none
    StringRefParameter<"", "\"\"">:$bf16Dot,
    // LLVM's intrinsic that adds products of pairs of i16, i32, of the whole vector; "": none
    StringRefParameter<"", "\"\"">:$i16Dot,
    // LLVM's intrinsic that reads bytes of a table, at a vector of indices; "": none
    StringRefParameter<"", "\"\"">:$byteLookup,
    // LLVM's intrinsic that reads f32 of a vector of 16 at the low four bits of each i32 of another; "": none
    StringRefParameter<"", "\"\"">:$floatLookup,
    // tile registers, and products of their tiles, of ui8 and i8 and of bf16 (see kernel.tile_dot)
    DefaultValuedParameter<"bool", "false">:$byteTiles,
    DefaultValuedParameter<"bool", "false">:$bf16Tiles
  );
  let assemblyFormat = "`<` struct(params) `>`";
  let extraClassDeclaration = [{
    /// Elements of `type` in one hardware vector; 1 where the type is wider.
    int64_t getLanes(::mlir::Type type) const;
  }];
}

def Kernel_WeightBlocksAttr : AttrDef<Kernel_Dialect, "WeightBlocks"> {
  let mnemonic = "blocks";
  let summary = "packed weights that are small integers times a scale";
  let description = [{
    Each `size` rows of one column are integers of `bits` bits (4 or 8) in two's complement, plus an integer where there are
    `offsets`, all times a scale. A block takes rows of i32: first those with the integers, 32 / bits rows of weights in each;
    then one with the scale, and one with the offset, both as the bits of an f32. Of 4 bits, the low halves of a word's bytes
    are the first four rows, the high halves the next four.
  }];
  let parameters = (ins "int64_t":$bits, "int64_t":$size, DefaultValuedParameter<"bool", "false">:$offsets);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    int64_t getCodesPerWord() const { return 32 / getBits(); }
    /// The lowest bit of row `row` of a word's.
    int64_t getLowestBit(int64_t row) const { return getBits() == 8 ? 8 * row : row % 4 * 8 + row / 4 * 4; }
    /// Rows of a block, and which of them the scale and the offset are.
    int64_t getRows() const { return getScaleRow() + (getOffsets() ? 2 : 1); }
    int64_t getScaleRow() const { return getSize() / getCodesPerWord(); }
    int64_t getOffsetRow() const { return getScaleRow() + 1; }
    /// Rows of weights in `packedRows` rows.
    int64_t getSummed(int64_t packedRows) const { return packedRows / getRows() * getSize(); }
    /// Of the words of a block of an input that kernel.quantize_blocks rounded: which are the scale and the sum, and how
    /// many there are.
    int64_t getInputScale() const { return getSize() / 4; }
    int64_t getInputSum() const { return getInputScale() + 1; }
    int64_t getInputWords() const { return getInputScale() + 2; }
  }];
}

def Kernel_Shaped : AnyTypeOf<[AnyRankedTensor, AnyStridedMemRef]>;

/// A structured kernel: inputs, epilogue inputs, one destination.
class Kernel_StructuredOp<string mnemonic, dag inputs, dag attributes, list<Trait> traits = []>
    : Op<Kernel_Dialect, mnemonic, !listconcat(traits, [
        SingleBlockImplicitTerminator<"::nnc::kernel::YieldOp">,
        DestinationStyleOpInterface,
        DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
        Kernel_EpilogueOpInterface])> {
  let arguments = !con(inputs, (ins Variadic<Kernel_Shaped>:$epilogueInputs, Kernel_Shaped:$init),
                       attributes, (ins AffineMapArrayAttr:$epilogue_maps));
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$epilogue);
  let assemblyFormat = [{
    `(` operands `)` attr-dict-with-keyword $epilogue `:` functional-type(operands, results)
  }];
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      ::nnc::kernel::getStructuredEffects(::llvm::cast<::mlir::DestinationStyleOpInterface>(getOperation()), effects);
    }
  }];
  let hasVerifier = 1;
}

/// Rearranges a constant, or an activation at run time, for a kernel to read.
class Kernel_PackOp<string mnemonic, dag attributes>
    : Op<Kernel_Dialect, mnemonic, [DestinationStyleOpInterface, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let arguments = !con((ins Kernel_Shaped:$source, Kernel_Shaped:$init), attributes);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let assemblyFormat = "`(` operands `)` attr-dict `:` functional-type(operands, results)";
  let extraClassDeclaration = [{
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }
  }];
  let extraClassDefinition = [{
    void $cppClass::getEffects(
        ::llvm::SmallVectorImpl<::mlir::SideEffects::EffectInstance<::mlir::MemoryEffects::Effect>> &effects) {
      ::nnc::kernel::getStructuredEffects(::llvm::cast<::mlir::DestinationStyleOpInterface>(getOperation()), effects);
    }
  }];
  let hasVerifier = 1;
}

#endif // DIALECTS_KERNEL_KERNELBASE_TD
