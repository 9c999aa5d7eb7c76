// Pools become kernel.pool, on planes where channels are first. Kernels compare signed integers: unsigned ones are
// compared with their sign bit flipped.
#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ChannelsLast.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/Planes.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace nnc {

/// Every element with its highest bit flipped: the order of unsigned integers becomes that of signed ones.
static Value flipSign(ImplicitLocOpBuilder &builder, Value value) {
  RankedTensorType type = getRanked(value);
  Value init = createEmptyLike(builder, builder.getLoc(), type, value);
  AffineMap identity = builder.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [&](OpBuilder &nested, Location loc, ValueRange arguments) {
    APInt highest = APInt::getSignMask(type.getElementTypeBitWidth());
    Value mask = arith::ConstantOp::create(nested, loc, nested.getIntegerAttr(type.getElementType(), highest));
    linalg::YieldOp::create(nested, loc, Value(arith::XOrIOp::create(nested, loc, arguments[0], mask)));
  };
  return linalg::GenericOp::create(builder, type, value, init, ArrayRef<AffineMap>{identity, identity}, iterators, body)
      .getResult(0);
}

template <typename OpTy>
static Value lowerPool(ImplicitLocOpBuilder &builder, OpTy op, Value source, RankedTensorType type,
                       kernel::PoolKind kind) {
  bool isPlanes = op.getLayout() == nn::Layout::ChannelsFirst;
  Value input = isPlanes ? toPlanes(builder, source) : source;
  RankedTensorType last = isPlanes ? getPlanesType(type) : type;
  SmallVector<Value> extents = getExtents(builder, input);
  for (int64_t axis = 1; axis < last.getRank() - 1; ++axis) {
    nn::Window window{op.getWindow()[axis - 1], op.getStrides()[axis - 1], op.getDilations()[axis - 1],
                      op.getPadsBegin()[axis - 1], op.getPadsEnd()[axis - 1]};
    if (last.isDynamicDim(axis))
      extents[axis] = getWindowCount(builder, extents[axis], window, op.getCeil());
  }
  Type element = getElementTypeOrSelf(op.getType());
  bool flips = element.isUnsignedInteger();
  if (flips)
    input = flipSign(builder, input);
  Value init = createEmpty(builder, builder.getLoc(), last, extents);
  SmallVector<NamedAttribute> attributes;
  attributes.push_back(builder.getNamedAttr("kind", kernel::PoolKindAttr::get(builder.getContext(), kind)));
  auto add = [&](StringRef name, ArrayRef<int64_t> values) {
    attributes.push_back(builder.getNamedAttr(name, builder.getDenseI64ArrayAttr(values)));
  };
  add("window", op.getWindow());
  add("strides", op.getStrides());
  add("dilations", op.getDilations());
  add("pads_begin", op.getPadsBegin());
  add("pads_end", op.getPadsEnd());
  Value result = createKernel<kernel::PoolOp>(builder, input, init, attributes);
  if (flips)
    result = flipSign(builder, result);
  return isPlanes ? fromPlanes(builder, result, source, type) : castTo(builder, result, type);
}

template <>
Value LowerOp<nn::MaxPoolOp>::build(ImplicitLocOpBuilder &builder, nn::MaxPoolOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  return lowerPool(builder, op, adaptor.getInput(), type, kernel::PoolKind::Max);
}

/// Sums and means of integers would need a divisor and a wider accumulator of their own.
template <typename OpTy> static bool isFloat(OpTy op) {
  if (isa<FloatType>(getElementTypeOrSelf(op.getType())))
    return true;
  op.emitError("only tensors of floats are supported, not ") << op.getType();
  return false;
}

template <>
Value LowerOp<nn::AvgPoolOp>::build(ImplicitLocOpBuilder &builder, nn::AvgPoolOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  if (!isFloat(op))
    return {};
  auto kind = op.getCountIncludePad() ? kernel::PoolKind::AverageIncludePad : kernel::PoolKind::Average;
  return lowerPool(builder, op, adaptor.getInput(), type, kind);
}

template <>
Value LowerOp<nn::SumPoolOp>::build(ImplicitLocOpBuilder &builder, nn::SumPoolOp op, OpAdaptor adaptor,
                                    RankedTensorType type) const {
  return isFloat(op) ? lowerPool(builder, op, adaptor.getInput(), type, kernel::PoolKind::Sum) : Value();
}

void populatePoolingToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::AvgPoolOp>, LowerOp<nn::MaxPoolOp>, LowerOp<nn::SumPoolOp>>(types, patterns.getContext());
}

} // namespace nnc
