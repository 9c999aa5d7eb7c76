// What the entries of a reshape's shape mean, where extents are known at run time only.
#ifndef LIB_CONVERSION_NNTOLINALG_RESHAPEEXTENTS_H
#define LIB_CONVERSION_NNTOLINALG_RESHAPEEXTENTS_H

#include "dialects/NN/NN.h"

namespace nnc {

/// What is copied from the input drops out of both products, as in the inference of the type: it may be zero.
struct ReshapeExtents {
  llvm::SmallVector<mlir::Value> entries;     ///< index values; where 0 copies, the input's extent; -1 as it stands
  llvm::SmallVector<mlir::Value> isRemaining; ///< booleans: the entry is -1
  llvm::SmallVector<mlir::Value> products;    ///< of the entries up to each that are neither copied nor -1
  mlir::Value hasRemaining;                   ///< a boolean: one entry is -1
  mlir::Value isAsInferred;                   ///< a boolean: no extent of 0 in the shape copies another one
  mlir::Value total;                          ///< the product of the input's extents
  mlir::Value left;                           ///< the product of those that no entry copies

  mlir::Value getOthers(mlir::ImplicitLocOpBuilder &builder) const;
  /// What -1 stands for.
  mlir::Value getRemaining(mlir::ImplicitLocOpBuilder &builder) const;
  /// A boolean: the result has as many elements as the input, and what -1 stands for is determined.
  mlir::Value keepsElements(mlir::ImplicitLocOpBuilder &builder) const;
};

/// Of the extents of the input and the entries of the shape, all index values.
ReshapeExtents getReshapeExtents(mlir::ImplicitLocOpBuilder &builder, nn::ReshapeOp op, llvm::ArrayRef<mlir::Value> input,
                                 llvm::ArrayRef<mlir::Value> entries);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_RESHAPEEXTENTS_H
