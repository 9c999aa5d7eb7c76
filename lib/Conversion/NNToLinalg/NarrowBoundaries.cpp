// Packing of arguments and results: the first element of a byte is in its low bits.
#include "lib/Conversion/NNToLinalg/NarrowBoundaries.h"

#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/NarrowElements.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {

BoundaryTypes::BoundaryTypes(func::FuncOp function) {
  for (Type type : function.getArgumentTypes())
    arguments.push_back(getElementTypeOrSelf(type));
  for (Type type : function.getResultTypes())
    results.push_back(getElementTypeOrSelf(type));
}

static bool isPacked(Type type) { return isNarrowElement(type) && type.getIntOrFloatBitWidth() < 8; }

static Value getByte(ImplicitLocOpBuilder &builder, int64_t value) {
  return arith::ConstantOp::create(builder, builder.getI8IntegerAttr(static_cast<int8_t>(value)));
}

/// `bits` times an index below 8 / bits, as an i8.
static Value getShift(ImplicitLocOpBuilder &builder, Value place, int64_t bits) {
  return arith::IndexCastOp::create(builder, builder.getI8Type(), mul(builder, place, getIndex(builder, bits)));
}

/// A row of bytes, one for each element of `packed`, a row of as many of which only the first are there.
static Value unpackRow(ImplicitLocOpBuilder &builder, Value packed, int64_t bits) {
  auto type = cast<RankedTensorType>(packed.getType());
  Value perByte = getIndex(builder, 8 / bits);
  return generate(builder, type, getExtents(builder, packed), [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    Value place = arith::RemUIOp::create(inner, index[0], perByte);
    Value byte = tensor::ExtractOp::create(inner, packed, arith::DivUIOp::create(inner, index[0], perByte).getResult());
    Value shifted = arith::ShRUIOp::create(inner, byte, getShift(inner, place, bits));
    return arith::AndIOp::create(inner, shifted, getByte(inner, (1 << bits) - 1)).getResult();
  });
}

/// The packed bytes of `row`.
static Value packRow(ImplicitLocOpBuilder &builder, Value row, int64_t bits) {
  auto type = cast<RankedTensorType>(row.getType());
  int64_t perByte = 8 / bits;
  Value count = getExtents(builder, row).front();
  int64_t bytes = ShapedType::kDynamic;
  SmallVector<Value> extents;
  if (type.hasStaticShape())
    bytes = llvm::divideCeil(type.getDimSize(0), perByte);
  else
    extents.push_back(arith::DivUIOp::create(builder, add(builder, count, getIndex(builder, perByte - 1)),
                                             getIndex(builder, perByte)));
  return generate(builder, type.clone({bytes}), extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) {
    Value byte = getByte(inner, 0), last = sub(inner, count, getIndex(inner, 1));
    for (int64_t i = 0; i < perByte; ++i) {
      Value at = add(inner, mul(inner, index[0], getIndex(inner, perByte)), getIndex(inner, i));
      Value exists = arith::CmpIOp::create(inner, arith::CmpIPredicate::ule, at, last);
      at = arith::SelectOp::create(inner, exists, at, last);
      Value element = tensor::ExtractOp::create(inner, row, at);
      element = arith::ShLIOp::create(inner, element, getByte(inner, bits * i));
      byte = arith::OrIOp::create(inner, byte, arith::SelectOp::create(inner, exists, element, getByte(inner, 0)));
    }
    return byte;
  });
}

static void unpackArgument(func::FuncOp function, unsigned position, int64_t bits) {
  Block &body = function.getBody().front();
  ImplicitLocOpBuilder builder(function.getLoc(), OpBuilder::atBlockBegin(&body));
  Value argument = body.getArgument(position);
  auto type = cast<RankedTensorType>(argument.getType());
  SmallVector<OpOperand *> uses;
  for (OpOperand &use : argument.getUses())
    uses.push_back(&use);
  if (uses.empty())
    return;
  SmallVector<Value> extents = getExtents(builder, argument);
  Value row = unpackRow(builder, mergeAxes(builder, argument, {type.getRank()}), bits);
  Value unpacked = splitAxes(builder, row, type, {type.getRank()}, extents);
  for (OpOperand *use : uses)
    if (!isa<tensor::DimOp>(use->getOwner()))
      use->set(unpacked);
}

/// Adds `value`, whose extents are those of the packed result `position`, to the results.
static void returnUnpacked(func::FuncOp function, unsigned position, Value value) {
  Builder builder(function.getContext());
  Operation *returned = function.getBody().front().getTerminator();
  auto type = cast<RankedTensorType>(value.getType());
  function.setResultAttr(position, "nn.packed", builder.getI64IntegerAttr(type.getNumDynamicDims()));
  auto attrs = builder.getDictionaryAttr(builder.getNamedAttr("nn.unpacked", builder.getI64IntegerAttr(position)));
  (void)function.insertResult(function.getNumResults(), type, attrs);
  returned->insertOperands(returned->getNumOperands(), value);
}

void packBoundaries(func::FuncOp function, const BoundaryTypes &types) {
  if (function.isExternal())
    return;
  for (auto [position, type] : llvm::enumerate(types.arguments))
    if (isPacked(type))
      unpackArgument(function, position, type.getIntOrFloatBitWidth());
  Operation *returned = function.getBody().front().getTerminator();
  ImplicitLocOpBuilder builder(function.getLoc(), returned);
  for (auto [position, type] : llvm::enumerate(types.results)) {
    if (!isPacked(type))
      continue;
    Value value = returned->getOperand(position);
    auto tensor = cast<RankedTensorType>(value.getType());
    Value row = mergeAxes(builder, value, {tensor.getRank()});
    bool isEmpty = tensor.hasStaticShape() && tensor.getNumElements() == 0;
    returned->setOperand(position, isEmpty ? row : packRow(builder, row, type.getIntOrFloatBitWidth()));
    if (!tensor.hasStaticShape())
      returnUnpacked(function, position, value);
  }
  function.setFunctionType(builder.getFunctionType(function.getArgumentTypes(), returned->getOperandTypes()));
}

} // namespace nnc
