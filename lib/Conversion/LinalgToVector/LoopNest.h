// A linalg.generic on memrefs in a normal form for code generation: loops in the
// order of the output, without extents of one, neighbours merged where all
// operands walk through memory alike.
#ifndef LIB_CONVERSION_LINALGTOVECTOR_LOOPNEST_H
#define LIB_CONVERSION_LINALGTOVECTOR_LOOPNEST_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace nnc {

/// What the body's argument is read from, or written to.
struct LoopOperand {
  mlir::Value value;                            ///< a memref, or a scalar
  llvm::SmallVector<mlir::AffineExpr> indices; ///< one per dimension of the memref, of the loop indices

  bool isScalar() const { return !llvm::isa<mlir::MemRefType>(value.getType()); }
};

struct LoopNest {
  mlir::Location loc;
  mlir::Block *body;
  llvm::SmallVector<mlir::OpFoldResult> extents;
  llvm::SmallVector<bool> isReduction;      ///< reductions come after all parallel loops
  llvm::SmallVector<LoopOperand> inputs;
  llvm::SmallVector<LoopOperand> outputs;
  llvm::SmallVector<mlir::AffineExpr> sourceIndices; ///< linalg.index of each dimension of the operation

  /// Builds the normal form; collapsed views of memrefs are created at `builder`.
  static LoopNest get(mlir::OpBuilder &builder, mlir::linalg::GenericOp op);

  int64_t getNumLoops() const { return extents.size(); }
  int64_t getNumReductions() const { return llvm::count(isReduction, true); }
  /// Extent of a loop, where it is known.
  std::optional<int64_t> getStaticExtent(int64_t loop) const;
  /// True where some extent is known to be 0.
  bool isEmpty() const;
  /// Operands in the order of the body's arguments.
  llvm::SmallVector<LoopOperand *> getOperands();
};

/// True where neighbours along the last dimension of `memref` are neighbours in memory.
bool isContiguous(mlir::Value memref);

/// How an operand moves when one loop advances by one.
enum class Access { Invariant, Contiguous, Scattered };
Access getAccess(const LoopOperand &operand, int64_t loop);

} // namespace nnc

#endif // LIB_CONVERSION_LINALGTOVECTOR_LOOPNEST_H
