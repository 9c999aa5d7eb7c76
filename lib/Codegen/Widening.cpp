// Scalars to vectors.
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc {

Type getWideType(Type type, int64_t width) { return width == 1 ? type : VectorType::get({width}, type); }

Value broadcastTo(OpBuilder &builder, Location loc, Value value, int64_t width) {
  if (width == 1 || isa<VectorType>(value.getType()))
    return value;
  return vector::BroadcastOp::create(builder, loc, VectorType::get({width}, value.getType()), value);
}

Value createConstant(OpBuilder &builder, Location loc, Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr scalar;
  if (isa<FloatType>(element))
    scalar = builder.getFloatAttr(element, value);
  else // the largest i64 is no double
    scalar = builder.getIntegerAttr(element, value >= 0x1p63 ? INT64_MAX : static_cast<int64_t>(value));
  if (auto vector = dyn_cast<VectorType>(type))
    scalar = DenseElementsAttr::get(vector, Attribute(scalar));
  return arith::ConstantOp::create(builder, loc, scalar);
}

/// A scalar constant as a splat.
static Value widenConstant(OpBuilder &builder, arith::ConstantOp op, int64_t width) {
  if (width == 1 || isa<VectorType>(op.getType()))
    return builder.clone(*op)->getResult(0);
  auto type = VectorType::get({width}, op.getType());
  return arith::ConstantOp::create(builder, op.getLoc(), DenseElementsAttr::get(type, Attribute(op.getValue())));
}

void widenBody(OpBuilder &builder, Block &block, IRMapping &mapping, int64_t width) {
  for (Operation &op : block.without_terminator()) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      mapping.map(constant.getResult(), widenConstant(builder, constant, width));
      continue;
    }
    IRMapping operands;
    for (Value operand : op.getOperands()) {
      Value mapped = mapping.lookupOrDefault(operand);
      if (auto constant = mapped.getDefiningOp<arith::ConstantOp>(); constant && mapped == operand)
        mapped = widenConstant(builder, constant, width);
      operands.map(operand, broadcastTo(builder, op.getLoc(), mapped, width));
    }
    Operation *wide = builder.clone(op, operands);
    for (auto [result, original] : llvm::zip(wide->getResults(), op.getResults())) {
      result.setType(getWideType(original.getType(), width));
      mapping.map(original, result);
    }
  }
}

/// Makes dimension `along` the last one by dropping dimensions of extent one behind it; false where its neighbours are
/// no neighbours in memory.
static bool makeLast(OpBuilder &builder, Location loc, Value &memref, SmallVectorImpl<Value> &indices, int64_t along) {
  auto type = cast<MemRefType>(memref.getType());
  int64_t rank = type.getRank();
  if (along == rank - 1)
    return type.isLastDimUnitStride();
  if (llvm::any_of(type.getShape().drop_front(along + 1), [](int64_t extent) { return extent != 1; }) ||
      !type.getLayout().isIdentity())
    return false;
  SmallVector<ReassociationIndices> groups;
  for (int64_t dim = 0; dim <= along; ++dim)
    groups.push_back({dim});
  for (int64_t dim = along + 1; dim < rank; ++dim)
    groups.back().push_back(dim);
  memref = memref::CollapseShapeOp::create(builder, loc, memref, groups);
  indices.truncate(along + 1);
  return true;
}

/// `indices` with `offset` added at `along`.
static SmallVector<Value> shift(OpBuilder &builder, Location loc, ArrayRef<Value> indices, int64_t along,
                                int64_t offset) {
  SmallVector<Value> shifted(indices);
  if (offset)
    shifted[along] = builder.createOrFold<arith::AddIOp>(loc, shifted[along],
                                                         arith::ConstantIndexOp::create(builder, loc, offset));
  return shifted;
}

Value loadWide(OpBuilder &builder, Location loc, Value memref, ValueRange indices, int64_t width, int64_t along) {
  if (width == 1)
    return memref::LoadOp::create(builder, loc, memref, indices);
  if (along < 0)
    along = static_cast<int64_t>(indices.size()) - 1;
  auto type = VectorType::get({width}, cast<MemRefType>(memref.getType()).getElementType());
  SmallVector<Value> at(indices);
  if (makeLast(builder, loc, memref, at, along))
    return vector::LoadOp::create(builder, loc, type, memref, at);
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < width; ++lane)
    elements.push_back(memref::LoadOp::create(builder, loc, memref, shift(builder, loc, at, along, lane)));
  return vector::FromElementsOp::create(builder, loc, type, elements);
}

Value loadEvery(OpBuilder &builder, Location loc, Value memref, ValueRange indices, int64_t width, int64_t along,
                int64_t stride) {
  if (width == 1 || stride == 1)
    return loadWide(builder, loc, memref, indices, width, along);
  Value result;
  for (int64_t part = 0; part < stride; ++part) {
    // No vector ends behind the last element.
    int64_t start = std::min(part * width, (width - 1) * (stride - 1));
    Value next = loadWide(builder, loc, memref, shift(builder, loc, SmallVector<Value>(indices), along, start), width, along);
    SmallVector<int64_t> lanes;
    for (int64_t lane = 0; lane < width; ++lane) {
      int64_t at = lane * stride, owner = std::min(at / width, stride - 1);
      lanes.push_back(owner == part ? width + at - start : part == 1 ? std::min(at, width - 1) : lane);
    }
    result = result ? vector::ShuffleOp::create(builder, loc, result, next, lanes).getResult() : next;
  }
  return result;
}

Value loadFirst(OpBuilder &builder, Location loc, Value memref, ValueRange indices, int64_t count,
                int64_t width) {
  if (count == width)
    return loadWide(builder, loc, memref, indices, width);
  auto type = VectorType::get({width}, cast<MemRefType>(memref.getType()).getElementType());
  SmallVector<bool> exists(width, false);
  std::fill_n(exists.begin(), count, true);
  auto bits = DenseElementsAttr::get(VectorType::get({width}, builder.getI1Type()), ArrayRef<bool>(exists));
  Value mask = arith::ConstantOp::create(builder, loc, bits);
  Value zeros = createConstant(builder, loc, type, 0);
  return vector::MaskedLoadOp::create(builder, loc, type, memref, indices, mask, zeros);
}

void storeWide(OpBuilder &builder, Location loc, Value value, Value memref, ValueRange indices, int64_t width,
               int64_t along) {
  if (width == 1) {
    memref::StoreOp::create(builder, loc, value, memref, indices);
    return;
  }
  if (along < 0)
    along = static_cast<int64_t>(indices.size()) - 1;
  SmallVector<Value> at(indices);
  if (makeLast(builder, loc, memref, at, along)) {
    vector::StoreOp::create(builder, loc, value, memref, at);
    return;
  }
  for (int64_t lane = 0; lane < width; ++lane) {
    Value element = vector::ExtractOp::create(builder, loc, value, lane);
    memref::StoreOp::create(builder, loc, element, memref, shift(builder, loc, at, along, lane));
  }
}

static bool isFloat(Value value) { return isa<FloatType>(getElementTypeOrSelf(value.getType())); }

Value createAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  if (isFloat(lhs))
    return arith::AddFOp::create(builder, loc, lhs, rhs, arith::FastMathFlags::contract);
  return arith::AddIOp::create(builder, loc, lhs, rhs);
}

Value createMul(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  if (isFloat(lhs))
    return arith::MulFOp::create(builder, loc, lhs, rhs, arith::FastMathFlags::contract);
  return arith::MulIOp::create(builder, loc, lhs, rhs);
}

Value createSub(OpBuilder &builder, Location loc, Value lhs, Value rhs) {
  if (isFloat(lhs))
    return arith::SubFOp::create(builder, loc, lhs, rhs, arith::FastMathFlags::contract);
  return arith::SubIOp::create(builder, loc, lhs, rhs);
}

Value multiplyAdd(OpBuilder &builder, Location loc, Value lhs, Value rhs, Value accumulator, bool fma) {
  if (fma && isa<VectorType>(lhs.getType()) && isFloat(lhs))
    return vector::FMAOp::create(builder, loc, lhs, rhs, accumulator);
  return createAdd(builder, loc, createMul(builder, loc, lhs, rhs), accumulator);
}

/// Picks `lhs` where `predicate` holds, or where lhs is NaN: a comparison and a select are one instruction on most
/// targets, where arith.maximumf is several.
static Value createExtremum(OpBuilder &builder, Location loc, Value lhs, Value rhs, arith::CmpFPredicate floats,
                            arith::CmpIPredicate integers) {
  if (!isFloat(lhs)) {
    Value better = arith::CmpIOp::create(builder, loc, integers, lhs, rhs);
    return arith::SelectOp::create(builder, loc, better, lhs, rhs);
  }
  Value better = arith::CmpFOp::create(builder, loc, floats, lhs, rhs);
  Value extremum = arith::SelectOp::create(builder, loc, better, lhs, rhs);
  Value isNaN = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::UNO, lhs, lhs);
  return arith::SelectOp::create(builder, loc, isNaN, lhs, extremum);
}

Value createMax(OpBuilder &builder, Location loc, Value lhs, Value rhs, bool isUnsigned) {
  return createExtremum(builder, loc, lhs, rhs, arith::CmpFPredicate::OGT,
                        isUnsigned ? arith::CmpIPredicate::ugt : arith::CmpIPredicate::sgt);
}

Value createMin(OpBuilder &builder, Location loc, Value lhs, Value rhs, bool isUnsigned) {
  return createExtremum(builder, loc, lhs, rhs, arith::CmpFPredicate::OLT,
                        isUnsigned ? arith::CmpIPredicate::ult : arith::CmpIPredicate::slt);
}

Value convertElements(OpBuilder &builder, Location loc, Value value, Type elementType) {
  Type from = getElementTypeOrSelf(value.getType());
  if (from == elementType)
    return value;
  Type type = elementType;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(elementType);
  bool fromFloat = isa<FloatType>(from), toFloat = isa<FloatType>(elementType);
  unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = elementType.getIntOrFloatBitWidth();
  if (fromFloat && toFloat && fromWidth == toWidth) { // f16 and bf16
    value = convertElements(builder, loc, value, builder.getF32Type());
    return arith::TruncFOp::create(builder, loc, type, value);
  }
  if (fromFloat && toFloat)
    return fromWidth < toWidth ? Value(arith::ExtFOp::create(builder, loc, type, value))
                               : Value(arith::TruncFOp::create(builder, loc, type, value));
  if (toFloat)
    return arith::SIToFPOp::create(builder, loc, type, value);
  if (fromFloat)
    return arith::FPToSIOp::create(builder, loc, type, value);
  return fromWidth < toWidth ? Value(arith::ExtSIOp::create(builder, loc, type, value))
                             : Value(arith::TruncIOp::create(builder, loc, type, value));
}

Type getAccumulatorType(Type type) {
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32 ? Float32Type::get(type.getContext()) : type;
}

} // namespace nnc
