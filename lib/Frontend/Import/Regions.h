// What branches and loops of all formats have in common.
#ifndef LIB_FRONTEND_IMPORT_REGIONS_H
#define LIB_FRONTEND_IMPORT_REGIONS_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace nnc::frontend {

/// The type of which both are; nullopt where rank or element type differ.
std::optional<mlir::RankedTensorType> joinTypes(mlir::RankedTensorType a, mlir::RankedTensorType b);

/// Ends the block of a region with `nn.yield`.
void yield(mlir::OpBuilder &builder, mlir::Region &region, mlir::Location loc, mlir::ValueRange values);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_REGIONS_H
