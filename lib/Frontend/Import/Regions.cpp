// Types and ends of regions.
#include "lib/Frontend/Import/Regions.h"

#include "dialects/NN/NN.h"

using namespace mlir;

namespace nnc::frontend {

std::optional<RankedTensorType> joinTypes(RankedTensorType a, RankedTensorType b) {
  if (a.getRank() != b.getRank() || a.getElementType() != b.getElementType())
    return std::nullopt;
  SmallVector<int64_t> shape(a.getShape());
  for (auto [extent, other] : llvm::zip(shape, b.getShape()))
    if (extent != other)
      extent = ShapedType::kDynamic;
  return a.clone(shape);
}

void yield(OpBuilder &builder, Region &region, Location loc, ValueRange values) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(&region.front());
  nn::YieldOp::create(builder, loc, values);
}

} // namespace nnc::frontend
