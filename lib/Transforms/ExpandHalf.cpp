// f16 has 5 bits of exponent and 10 of fraction. They are moved to the place of those of an f32, and the exponent gets the
// other bias. The way back adds the difference of the biases and half a unit of the last place; results that are
// subnormal are rounded by the sum with 1/2, whose last place is theirs. The formulas are those of F. Giesen's "half to
// float done quick".
#include "lib/Transforms/ExpandHalf.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {
namespace {

/// Integer arithmetic on `like`'s shape.
class Bits {
public:
  Bits(ImplicitLocOpBuilder &builder, Type like) : builder(builder), like(like) {}

  Type type(Type element) const {
    auto vector = dyn_cast<VectorType>(like);
    return vector ? Type(vector.clone(element)) : element;
  }
  Type integer(unsigned width) const { return type(builder.getIntegerType(width)); }
  Value constant(Type element, uint64_t bits) const {
    unsigned width = element.getIntOrFloatBitWidth();
    TypedAttr attribute = isa<FloatType>(element)
                              ? TypedAttr(FloatAttr::get(element, APFloat(cast<FloatType>(element).getFloatSemantics(),
                                                                          APInt(width, bits))))
                              : TypedAttr(IntegerAttr::get(element, APInt(width, bits)));
    if (auto vector = dyn_cast<VectorType>(like))
      attribute = DenseElementsAttr::get(vector.clone(element), Attribute(attribute));
    return arith::ConstantOp::create(builder, attribute);
  }
  Value word(uint32_t bits) const { return constant(builder.getI32Type(), bits); }
  Value as(Type element, Value value) const { return arith::BitcastOp::create(builder, type(element), value); }
  template <typename OpTy> Value make(Value a, Value b) const { return OpTy::create(builder, a, b); }
  Value isAbove(Value a, uint32_t limit) const {
    return arith::CmpIOp::create(builder, arith::CmpIPredicate::uge, a, word(limit));
  }
  Value select(Value condition, Value a, Value b) const { return arith::SelectOp::create(builder, condition, a, b); }

private:
  ImplicitLocOpBuilder &builder;
  Type like;
};

} // namespace

/// f32 of the f16 `half`.
static Value extend(ImplicitLocOpBuilder &builder, Value half) {
  Bits bits(builder, half.getType());
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  Value all = arith::ExtUIOp::create(builder, bits.integer(32), bits.as(builder.getI16Type(), half));
  Value sign = bits.make<arith::ShLIOp>(bits.make<arith::AndIOp>(all, bits.word(0x8000)), bits.word(16));
  Value magnitude = bits.make<arith::ShLIOp>(bits.make<arith::AndIOp>(all, bits.word(0x7fff)), bits.word(13));
  Value rebias = bits.word(112 << 23), number = bits.make<arith::AddIOp>(magnitude, rebias);
  Value infinite = bits.make<arith::AddIOp>(number, rebias); // or NaN, with its fraction
  // A subnormal number behind the exponent of 2^-14, which then is taken off: no f32 on the way is subnormal.
  Value raised = bits.as(f32, bits.make<arith::AddIOp>(number, bits.word(1 << 23)));
  Value subnormal = bits.as(i32, bits.make<arith::SubFOp>(raised, bits.constant(f32, 0x38800000)));
  number = bits.select(bits.isAbove(magnitude, 0x7c00 << 13), infinite, number);
  number = bits.select(bits.isAbove(magnitude, 0x0400 << 13), number, subnormal);
  return bits.as(f32, bits.make<arith::OrIOp>(number, sign));
}

/// f16 of the f32 `number`.
static Value truncate(ImplicitLocOpBuilder &builder, Value number) {
  Bits bits(builder, number.getType());
  Type f32 = builder.getF32Type(), i32 = builder.getI32Type();
  Value all = bits.as(i32, number);
  Value sign = bits.make<arith::AndIOp>(all, bits.word(0x80000000));
  Value magnitude = bits.make<arith::XOrIOp>(all, sign);
  // Exponent 127 becomes 15; ties go to the even fraction.
  Value odd = bits.make<arith::AndIOp>(bits.make<arith::ShRUIOp>(magnitude, bits.word(13)), bits.word(1));
  Value rebased = bits.make<arith::AddIOp>(magnitude, bits.word(0xc8000fff));
  Value normal = bits.make<arith::ShRUIOp>(bits.make<arith::AddIOp>(rebased, odd), bits.word(13));
  Value half = bits.constant(f32, 0x3f000000);
  Value subnormal = bits.make<arith::SubIOp>(
      bits.as(i32, bits.make<arith::AddFOp>(bits.as(f32, magnitude), half)), bits.word(0x3f000000));
  Value isNormal = bits.isAbove(magnitude, 0x38800000); // 2^-14
  Value isTooLarge = bits.isAbove(magnitude, 0x47800000), isNaN = bits.isAbove(magnitude, 0x7f800001);
  // A NaN is quiet and keeps the upper part of its fraction.
  Value fraction = bits.make<arith::AndIOp>(bits.make<arith::ShRUIOp>(magnitude, bits.word(13)), bits.word(0x3ff));
  Value nan = bits.make<arith::OrIOp>(fraction, bits.word(0x7e00));
  Value result = bits.select(isNormal, normal, subnormal);
  result = bits.select(isTooLarge, bits.select(isNaN, nan, bits.word(0x7c00)), result);
  result = bits.make<arith::OrIOp>(result, bits.make<arith::ShRUIOp>(sign, bits.word(16)));
  return bits.as(builder.getF16Type(), arith::TruncIOp::create(builder, bits.integer(16), result));
}

namespace {

struct ExpandExtension : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF16())
      return failure();
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value wide = extend(builder, op.getIn());
    if (wide.getType() != op.getType())
      wide = arith::ExtFOp::create(builder, op.getType(), wide);
    rewriter.replaceOp(op, wide);
    return success();
  }
};

struct ExpandTruncation : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getType()).isF16() || !getElementTypeOrSelf(op.getIn()).isF32())
      return failure();
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    rewriter.replaceOp(op, truncate(builder, op.getIn()));
    return success();
  }
};

/// MLIR's own pattern is of f32 only. LLVM would keep a bf16 number that is also moved as bits in f32, and call a function
/// to round it again.
struct ExtendBF16ToF64 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isBF16() || !getElementTypeOrSelf(op.getType()).isF64())
      return failure();
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Bits bits(builder, op.getIn().getType());
    Value all = arith::ExtUIOp::create(builder, bits.integer(32), bits.as(builder.getI16Type(), op.getIn()));
    Value wide = bits.as(builder.getF32Type(), bits.make<arith::ShLIOp>(all, bits.word(16)));
    rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, op.getType(), wide);
    return success();
  }
};

} // namespace

void populateExtendBF16Patterns(RewritePatternSet &patterns) { patterns.add<ExtendBF16ToF64>(patterns.getContext()); }

void populateExpandHalfPatterns(RewritePatternSet &patterns) {
  patterns.add<ExpandExtension, ExpandTruncation>(patterns.getContext());
}

} // namespace nnc
