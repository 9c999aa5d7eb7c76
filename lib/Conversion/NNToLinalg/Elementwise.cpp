// Element-wise NN operations become one linalg.generic each; the scalar bodies
// are in ElementwiseBodies.cpp. Constants that are one value everywhere become
// scalars of the body. An operand whose unknown extent may turn out to be 1 is
// read with tensor.extract at an index chosen at run time.
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/NarrowElements.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {

namespace {

/// How an operand's element reaches the body.
struct ElementSource {
  TypedAttr constant;             ///< a constant, the same everywhere
  std::optional<unsigned> input;  ///< or the block argument of a linalg input
  SmallVector<Value> extents;     ///< or, of `tensor`, extents that may be 1 at run time
  Value tensor;
};

struct ConvertElementwise : ConversionPattern {
  ConvertElementwise(const TypeConverter &types, MLIRContext *context)
      : ConversionPattern(types, MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                ConversionPatternRewriter &rewriter) const override;
};

} // namespace

/// The storage value of a constant operand that is the same everywhere, or null.
static TypedAttr getSplat(Value operand, Type storage) {
  DenseElementsAttr dense = nn::getDenseConstant(operand, /*maxElements=*/std::numeric_limits<int64_t>::max());
  if (!dense || !dense.isSplat())
    return {};
  if (isNarrowElement(dense.getElementType()))
    return IntegerAttr::get(storage, getStoredBits(dense.getSplatValue<Attribute>()));
  if (isa<FloatType>(storage))
    return FloatAttr::get(storage, dense.getSplatValue<APFloat>());
  return IntegerAttr::get(storage, dense.getSplatValue<APInt>().zext(storage.getIntOrFloatBitWidth()));
}

/// The stored element of `source` at the current point of the iteration space.
static Value readElement(ImplicitLocOpBuilder &builder, const ElementSource &source, ValueRange arguments,
                         int64_t rank) {
  if (source.constant)
    return arith::ConstantOp::create(builder, source.constant);
  if (source.input)
    return arguments[*source.input];
  SmallVector<Value> indices;
  Value zero = arith::ConstantIndexOp::create(builder, 0), one = arith::ConstantIndexOp::create(builder, 1);
  int64_t offset = rank - source.extents.size();
  for (auto [axis, extent] : llvm::enumerate(source.extents)) {
    Value index = linalg::IndexOp::create(builder, axis + offset);
    Value isOne = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, extent, one);
    indices.push_back(arith::SelectOp::create(builder, isOne, zero, index));
  }
  return tensor::ExtractOp::create(builder, source.tensor, indices);
}

Value buildElementwise(OpBuilder &rewriter, Operation *op, ValueRange operands, RankedTensorType type,
                       ElementwiseBuilder body) {
  Location loc = op->getLoc();
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  SmallVector<ElementSource> sources(operands.size());
  for (auto [source, original, operand] : llvm::zip(sources, op->getOperands(), operands)) {
    auto operandType = cast<RankedTensorType>(operand.getType());
    if ((source.constant = getSplat(original, operandType.getElementType())))
      continue;
    if (mayBroadcastAtRunTime(op->getOperands(), original)) {
      source.tensor = operand;
      for (int64_t axis = 0; axis < operandType.getRank(); ++axis)
        source.extents.push_back(getExtent(rewriter, loc, operand, axis));
      continue;
    }
    source.input = inputs.size();
    inputs.push_back(operand);
    maps.push_back(getBroadcastMap(op->getContext(), operandType, type.getRank()));
  }
  maps.push_back(rewriter.getMultiDimIdentityMap(type.getRank()));
  Value init = createEmpty(rewriter, loc, type, getBroadcastExtents(rewriter, loc, operands, type));
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto generic = linalg::GenericOp::create(
      rewriter, loc, type, inputs, init, maps, iterators, [&](OpBuilder &nested, Location, ValueRange arguments) {
        ImplicitLocOpBuilder builder(loc, nested);
        SmallVector<Value> elements;
        for (auto [source, original] : llvm::zip(sources, op->getOperands())) {
          Value stored = readElement(builder, source, arguments, type.getRank());
          elements.push_back(loadElement(builder, stored, getElementTypeOrSelf(original)));
        }
        Value result = storeElement(builder, body(builder, elements), getElementTypeOrSelf(op->getResult(0)));
        linalg::YieldOp::create(builder, result);
      });
  return generic.getResult(0);
}

LogicalResult ConvertElementwise::matchAndRewrite(Operation *op, ArrayRef<Value> operands,
                                                  ConversionPatternRewriter &rewriter) const {
  if (!hasElementwiseBody(op))
    return failure();
  auto type = getTypeConverter()->convertType<RankedTensorType>(op->getResult(0).getType());
  rewriter.replaceOp(op, buildElementwise(rewriter, op, operands, type, [&](auto &builder, ValueRange elements) {
                       return buildElementwiseBody(builder, op, elements);
                     }));
  return success();
}

void populateElementwiseToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<ConvertElementwise>(types, patterns.getContext());
}

} // namespace nnc
