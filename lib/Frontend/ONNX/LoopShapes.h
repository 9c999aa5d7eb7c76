// Tensors whose shape changes while a loop carries them.
#ifndef LIB_FRONTEND_ONNX_LOOPSHAPES_H
#define LIB_FRONTEND_ONNX_LOOPSHAPES_H

#include "lib/Frontend/ONNX/LoopGrowth.h"

namespace nnc::onnx {

/// What is known of an extent of a value that a loop carries.
enum class CarriedExtent {
  Changing,  ///< nothing
  Shrinking, ///< is never above the one that it begins with
  Kept,      ///< is the one that it begins with
};

/// Of all that a loop carries, and of all axes.
using CarriedExtents = llvm::SmallVector<llvm::SmallVector<CarriedExtent>>;

/// `yielded` are whether to go on and what is carried on, at least; `initial` what is carried first.
CarriedExtents findCarriedExtents(mlir::Block &body, llvm::ArrayRef<mlir::Value> yielded, mlir::ValueRange initial);

/// The one axis along which a value shrinks that keeps its other extents.
std::optional<int64_t> findShrinkingAxis(llvm::ArrayRef<CarriedExtent> extents);

/// Lets the loop carry what shrinks in the place of what it began with, and its length behind the rest.
llvm::SmallVector<RoomyValue> carryLengths(frontend::NodeBuilder &node, mlir::Block &body,
                                           llvm::SmallVectorImpl<mlir::Value> &yielded,
                                           llvm::SmallVectorImpl<mlir::Value> &initial);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_LOOPSHAPES_H
