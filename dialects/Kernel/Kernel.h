// The Kernel dialect: declarations of its operations, interfaces and attributes.
#ifndef DIALECTS_KERNEL_KERNEL_H
#define DIALECTS_KERNEL_KERNEL_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/Kernel/KernelDialect.h.inc"
#include "dialects/Kernel/KernelEnums.h.inc"
#include "dialects/Kernel/KernelInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelAttributes.h.inc"

namespace nnc::kernel {

/// The target description of the module around `op`; the x86-64 baseline where
/// the module has none.
TargetAttr getTarget(mlir::Operation *op);

/// Reads of the inputs and writes of the destination, for kernels on memrefs;
/// none on tensors.
void getStructuredEffects(
    mlir::DestinationStyleOpInterface op,
    llvm::SmallVectorImpl<mlir::SideEffects::EffectInstance<mlir::MemoryEffects::Effect>> &effects);

/// Checks what all structured kernels share: the epilogue's block arguments and
/// yield, and one map per epilogue input from the destination's index space.
llvm::LogicalResult verifyStructured(EpilogueOpInterface op);

/// Fills an empty epilogue region with the identity: one argument of the
/// destination's element type, yielded.
void buildIdentityEpilogue(mlir::OpBuilder &builder, mlir::Region &epilogue, mlir::Type elementType,
                           mlir::Location loc);

/// Checks that each list has one entry per spatial dimension, of which there are one to three.
llvm::LogicalResult verifyWindows(mlir::Operation *op, int64_t spatial, llvm::ArrayRef<llvm::ArrayRef<int64_t>> lists);

/// Width nr of the panels in which a right-hand side of `n` columns (or a filter
/// of n output channels per group; kDynamic where not known) is packed.
int64_t getPanelWidth(TargetAttr target, int64_t n, mlir::Type elementType);

/// How many of each row's first elements kernel.top_k keeps in registers.
int64_t getMostSelected(TargetAttr target);

/// Columns of a panel that a register tile takes at once: all of them, unless panels are packed for wider vectors.
int64_t getTileWidth(TargetAttr target, int64_t n, mlir::Type elementType);

/// How right-hand sides of i8 are packed for sums of products in i32: so many neighbours along the summed extent are
/// together, as elements of this type.
struct DotPacking {
  int64_t group;
  mlir::Type type;
};
DotPacking getDotPacking(TargetAttr target);

/// Products by fewer rows are as slow as their weights are read, whatever the arithmetic (docs/adr/0010): pairs bring
/// nothing.
inline constexpr int64_t leastPairedRows = 4;

/// Whether packed weights hold pairs of neighbours along the summed extent: those of bf16 that multiply `input` of bf16
/// may, where `summed` (kDynamic where not known) is more than the `steps` of the packed operand.
bool isPaired(mlir::Type input, int64_t summed, int64_t steps);

/// Extents of the tiles of outputs that kernel.winograd has for a window of so many taps, in one dimension; none for
/// other windows.
llvm::ArrayRef<int64_t> getWinogradTiles(int64_t window);

/// Products of kernel.winograd for a tile, of each input with each output channel.
int64_t getWinogradPoints(llvm::ArrayRef<int64_t> tile, llvm::ArrayRef<int64_t> window);

/// What kernel.tile_load and the like change.
struct TileRegisters : mlir::SideEffects::Resource::Base<TileRegisters> {
  llvm::StringRef getName() final { return "tile registers"; }
};

/// Tile registers, as kernel.tile_configure gives them their shapes: sums come first, then left and right-hand sides.
inline constexpr int64_t firstLeftTile = 4, firstRightTile = 6, numTiles = 8;

/// Lets one-shot bufferisation handle the dialect's kernels.
void registerBufferization(mlir::DialectRegistry &registry);

} // namespace nnc::kernel

#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.h.inc"

#endif // DIALECTS_KERNEL_KERNEL_H
