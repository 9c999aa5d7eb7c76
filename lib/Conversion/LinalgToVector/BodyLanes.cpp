// Conversion between the forms of a value.
#include "lib/Conversion/LinalgToVector/BodyLanes.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc {

BodyLanes BodyLanes::fromVector(Value vector) {
  BodyLanes lanes;
  lanes.vector = vector;
  return lanes;
}

BodyLanes BodyLanes::fromElements(ArrayRef<Value> elements) {
  BodyLanes lanes;
  lanes.elements.assign(elements.begin(), elements.end());
  return lanes;
}

Value BodyLanes::getLane(OpBuilder &builder, Location loc, int64_t lane) const {
  if (!elements.empty())
    return elements[lane];
  if (vector)
    return vector::ExtractOp::create(builder, loc, vector, lane);
  if (step == 0 || lane == 0)
    return first;
  Value offset = createConstant(builder, loc, first.getType(), step * lane);
  if (condition) {
    Value zero = createConstant(builder, loc, first.getType(), 0);
    offset = arith::SelectOp::create(builder, loc, condition, offset, zero);
  }
  return arith::AddIOp::create(builder, loc, first, offset);
}

Value BodyLanes::getVector(OpBuilder &builder, Location loc, int64_t width) {
  if (vector)
    return vector;
  if (!elements.empty()) {
    auto type = VectorType::get({width}, elements.front().getType());
    return vector = vector::FromElementsOp::create(builder, loc, type, elements);
  }
  TypedAttr constant;
  auto type = VectorType::get({width}, first.getType());
  if (step == 0 && matchPattern(first, m_Constant(&constant)))
    return vector = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, Attribute(constant)));
  vector = vector::BroadcastOp::create(builder, loc, type, first);
  if (step == 0)
    return vector;
  SmallVector<Attribute> offsets;
  for (int64_t lane = 0; lane < width; ++lane)
    offsets.push_back(builder.getIntegerAttr(first.getType(), step * lane));
  Value offset = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, offsets));
  if (condition) {
    Value zero = createConstant(builder, loc, type, 0);
    offset = arith::SelectOp::create(builder, loc, condition, offset, zero);
  }
  return vector = arith::AddIOp::create(builder, loc, vector, offset);
}

} // namespace nnc
