// From one element to one hardware vector: scalar bodies applied to vectors,
// and loads and stores of a given width.
#ifndef LIB_CODEGEN_WIDENING_H
#define LIB_CODEGEN_WIDENING_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace nnc {

/// `type` itself for a width of 1, else a vector of it.
mlir::Type getWideType(mlir::Type type, int64_t width);

/// `value` at `width`: itself where it already is, else a broadcast.
mlir::Value broadcastTo(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, int64_t width);

/// A constant of `type` (scalar or vector), the same in each lane.
mlir::Value createConstant(mlir::OpBuilder &builder, mlir::Location loc, mlir::Type type, double value);

/// Copies the scalar operations of `block` without its terminator, `width`
/// lanes at once; `mapping` holds the block's arguments, scalars or vectors of
/// that width, and receives all results. Values from outside are broadcast.
void widenBody(mlir::OpBuilder &builder, mlir::Block &block, mlir::IRMapping &mapping, int64_t width);

/// `width` elements from `indices` on along dimension `along` (-1: the last).
/// Contiguous ones are one load, strided ones are gathered.
mlir::Value loadWide(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref, mlir::ValueRange indices,
                     int64_t width, int64_t along = -1);

/// Every `stride`-th element, `width` of them, from `indices` on along dimension `along`. No element behind the last one is
/// read.
mlir::Value loadEvery(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref, mlir::ValueRange indices,
                      int64_t width, int64_t along, int64_t stride);

/// The first `count` of `width` elements from `indices` on, which are contiguous; the others are zeros and are not read.
mlir::Value loadFirst(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value memref, mlir::ValueRange indices,
                      int64_t count, int64_t width);

/// The opposite of loadWide.
void storeWide(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Value memref,
               mlir::ValueRange indices, int64_t width, int64_t along = -1);

/// lhs * rhs + accumulator; one instruction where `fma` says that the CPU has it.
mlir::Value multiplyAdd(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs,
                        mlir::Value accumulator, bool fma);

/// max(lhs, rhs), NaN where one is NaN; integers by `isUnsigned`.
mlir::Value createMax(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs,
                      bool isUnsigned = false);
/// min(lhs, rhs), NaN where one is NaN.
mlir::Value createMin(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs,
                      bool isUnsigned = false);
/// Sum and product of scalars or vectors of floats or integers.
mlir::Value createAdd(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs);
mlir::Value createMul(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs);
mlir::Value createSub(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value lhs, mlir::Value rhs);

/// `value` (scalar or vector) with elements of float or integer type `elementType`; integers are signed.
mlir::Value convertElements(mlir::OpBuilder &builder, mlir::Location loc, mlir::Value value, mlir::Type elementType);

/// The type in which sums of products of `type` are kept: at least f32; integers as they are.
mlir::Type getAccumulatorType(mlir::Type type);

} // namespace nnc

#endif // LIB_CODEGEN_WIDENING_H
