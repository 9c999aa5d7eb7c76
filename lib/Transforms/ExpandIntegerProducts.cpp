// Takes the zero points out of integer products.
//
// Expects NN operations, convolutions channels-last. With a' = a - zero_a and
// b' = b - zero_b, the sum of a' b' is
//
//     sum(a b) - zero_a sum(b) - zero_b sum(a) + K zero_a zero_b
//
// where lhs is brought to ui8 and rhs to i8 by adding or subtracting 128 (a flip
// of the highest bit), as the kernels want them. Extents that are summed over are
// padded to a multiple of 4; channels that are filtered by themselves are summed
// in f32, exactly. What has no such form is computed on i32.
#include "lib/Transforms/Passes.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Analysis/TileSteps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_EXPANDINTEGERPRODUCTS
#include "lib/Transforms/Passes.h.inc"

namespace {

/// Summed extents are multiples of this.
constexpr int64_t summedMultiple = 4;

/// An operand as a kernel wants it, and its zero point as i32 (null: 0).
struct Operand {
  Value value, zero;
};

} // namespace

static Value castTo(ImplicitLocOpBuilder &builder, Value value, Type type) {
  if (getElementTypeOrSelf(value) == type)
    return value;
  return nn::CastOp::create(builder, value, type, /*saturate=*/true, nn::PowerRounding::Up);
}

static Value createScalar(ImplicitLocOpBuilder &builder, Type type, int64_t value) {
  auto attribute = IntegerAttr::get(type, APInt(type.getIntOrFloatBitWidth(), value, /*isSigned=*/false, /*implicitTrunc=*/true));
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(RankedTensorType::get({}, type), Attribute(attribute)));
}

static Value createInts(ImplicitLocOpBuilder &builder, ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return arith::ConstantOp::create(builder, DenseElementsAttr::get(type, values));
}

/// Whether a zero point (null: 0) is known to be `value` everywhere.
static bool isZeroPoint(Value zeroPoint, int64_t value) {
  if (!zeroPoint)
    return value == 0;
  auto known = nn::getConstantInts(zeroPoint);
  return known && llvm::all_of(*known, [&](int64_t entry) { return entry == value; });
}

/// `operand` as i32, less its zero point.
static Value widen(ImplicitLocOpBuilder &builder, Value operand, Value zeroPoint) {
  Value wide = castTo(builder, operand, builder.getI32Type());
  if (isZeroPoint(zeroPoint, 0))
    return wide;
  return nn::SubOp::create(builder, wide, castTo(builder, zeroPoint, builder.getI32Type()));
}

/// `operand` as ui8, or i8, with the zero point that goes with it.
static Operand makeByte(ImplicitLocOpBuilder &builder, Value operand, Value zeroPoint, bool isUnsigned) {
  Type own = getElementTypeOrSelf(operand);
  Type wanted = isUnsigned ? builder.getIntegerType(8, /*isSigned=*/false) : Type(builder.getIntegerType(8));
  int64_t shift = own == wanted ? 0 : isUnsigned ? 128 : -128;
  Operand result{operand, Value()};
  if (shift != 0)
    result.value = nn::BitwiseXorOp::create(builder, castTo(builder, operand, wanted), createScalar(builder, wanted, 128));
  if (isZeroPoint(zeroPoint, -shift))
    return result;
  Value zero = zeroPoint ? castTo(builder, zeroPoint, builder.getI32Type()) : Value();
  Value offset = createScalar(builder, builder.getI32Type(), shift);
  result.zero = !zero ? offset : shift ? Value(nn::AddOp::create(builder, zero, offset)) : zero;
  return result;
}

/// Sums of i32 along axes, which stay as axes of extent 1.
static Value sumAlong(ImplicitLocOpBuilder &builder, Value value, ArrayRef<int64_t> axes, bool keepdims) {
  return nn::ReduceOp::create(builder, castTo(builder, value, builder.getI32Type()), nn::ReductionKind::Sum, axes,
                              keepdims);
}

/// `extent` up to what the kernels for `op` sum: a multiple of 4, and with a unit of tiles of equal steps.
static int64_t getPadded(Operation *op, int64_t extent) {
  int64_t groups = llvm::divideCeil(extent, summedMultiple);
  bool hasTiles = groups > 0 && kernel::getTarget(op).getByteTiles();
  return summedMultiple * (hasTiles ? padTileGroups(groups) : groups);
}

/// `value` with `missing` zeros behind `axis`.
static Value padSummed(ImplicitLocOpBuilder &builder, Value value, int64_t axis, int64_t missing) {
  if (missing == 0)
    return value;
  return nn::PadOp::create(builder, value, createInts(builder, {0, missing}), Value(), ArrayRef<int64_t>{axis},
                           nn::PadMode::Constant);
}

static Value subtractProduct(ImplicitLocOpBuilder &builder, Value sum, Value a, Value b) {
  return nn::SubOp::create(builder, sum, nn::MulOp::create(builder, a, b));
}

namespace {

struct ExpandMatmul : OpRewritePattern<nn::IntegerMatmulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(nn::IntegerMatmulOp op, PatternRewriter &rewriter) const override {
    RankedTensorType lhs = getRanked(op.getLhs()), rhs = getRanked(op.getRhs());
    int64_t rank = rhs.getRank(), k = lhs.getShape().back();
    bool isKernel = lhs.getRank() > 1 && rank > 1 && !ShapedType::isDynamic(k) && k > 0;
    int64_t missing = isKernel ? getPadded(op, k) - k : 0;
    if (isKernel && !op.getLhsZeroPoint() && !op.getRhsZeroPoint() && lhs.getElementType().isUnsignedInteger() &&
        !rhs.getElementType().isUnsignedInteger() && missing == 0)
      return rewriter.notifyMatchFailure(op, "is in its final form");
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    if (!isKernel) {
      rewriter.replaceOpWithNewOp<nn::MatmulOp>(op, widen(builder, op.getLhs(), op.getLhsZeroPoint()),
                                                widen(builder, op.getRhs(), op.getRhsZeroPoint()),
                                                /*transpose_lhs=*/false, /*transpose_rhs=*/false);
      return success();
    }
    Operand left = makeByte(builder, op.getLhs(), op.getLhsZeroPoint(), /*isUnsigned=*/true);
    Operand right = makeByte(builder, op.getRhs(), op.getRhsZeroPoint(), /*isUnsigned=*/false);
    Value sum = nn::IntegerMatmulOp::create(builder, padSummed(builder, left.value, lhs.getRank() - 1, missing),
                                            padSummed(builder, right.value, rank - 2, missing), Value(), Value());
    // What depends on rhs alone is a constant as a rule: one operand of the epilogue.
    Value correction;
    if (left.zero) {
      Value sums = sumAlong(builder, right.value, {rank - 2}, /*keepdims=*/true);
      if (right.zero) // sum(b) - K zero_b
        sums = subtractProduct(builder, sums, createScalar(builder, builder.getI32Type(), k), right.zero);
      correction = nn::MulOp::create(builder, left.zero, sums);
      sum = nn::SubOp::create(builder, sum, correction);
    }
    if (right.zero)
      sum = subtractProduct(builder, sum, right.zero,
                            sumAlong(builder, left.value, {lhs.getRank() - 1}, /*keepdims=*/true));
    rewriter.replaceOp(op, sum);
    return success();
  }
};

struct ExpandConv : OpRewritePattern<nn::IntegerConvOp> {
  using OpRewritePattern::OpRewritePattern;

  /// Whether each channel is filtered by itself, with sums that f32 has, on a CPU that is faster in it than in i32.
  static bool isDepthwise(nn::IntegerConvOp op) {
    constexpr int64_t largestProduct = 255 * 128, exactIntegers = 1 << 24;
    RankedTensorType filter = getRanked(op.getFilter());
    bool isFiltered = op.getGroups() > 1 && filter.getDimSize(1) == 1 && filter.getDimSize(0) == op.getGroups();
    return isFiltered && filter.hasStaticShape() && kernel::getTarget(op).getFma() &&
           ShapedType::getNumElements(filter.getShape().drop_front(2)) * largestProduct < exactIntegers;
  }

  /// Whether the kernel can have the operands; the filter's zero point must be that of i8 without any.
  static bool isKernel(nn::IntegerConvOp op) {
    RankedTensorType filter = getRanked(op.getFilter());
    bool isUnsigned = filter.getElementType().isUnsignedInteger();
    bool fitsGroups = op.getGroups() == 1 || isDepthwise(op) || filter.getDimSize(1) > 1;
    return op.getLayout() == nn::Layout::ChannelsLast && fitsGroups &&
           isZeroPoint(op.getFilterZeroPoint(), isUnsigned ? 128 : 0);
  }

  static bool isFinal(nn::IntegerConvOp op) {
    RankedTensorType filter = getRanked(op.getFilter());
    return isKernel(op) && !op.getInputZeroPoint() && !op.getFilterZeroPoint() &&
           !filter.getElementType().isUnsignedInteger() &&
           (isDepthwise(op) || (getElementTypeOrSelf(op.getInput()).isUnsignedInteger() && getMissingChannels(op) == 0));
  }

  /// Channels of zeros that the kernel wants behind those of each group.
  static int64_t getMissingChannels(nn::IntegerConvOp op) {
    int64_t channels = getRanked(op.getFilter()).getDimSize(1);
    return isDepthwise(op) ? 0 : getPadded(op, channels) - channels;
  }

  /// `image` with `channels` as the extents of its last axes, in place of those that it has there.
  static Value splitChannels(ImplicitLocOpBuilder &builder, Value image, int64_t leading, ArrayRef<int64_t> channels) {
    SmallVector<int64_t> shape(leading, 0); // as they are
    llvm::append_range(shape, channels);
    return nn::ReshapeOp::create(builder, image, createInts(builder, shape), /*allow_zero=*/false);
  }

  /// The input with `zero` where padding was and each group's channels up to a multiple of the kernels' step.
  static Value pad(ImplicitLocOpBuilder &builder, nn::IntegerConvOp op, const Operand &input, bool padsWindows) {
    int64_t spatial = op.getStrides().size(), missing = getMissingChannels(op), groups = op.getGroups();
    if (!padsWindows && missing == 0)
      return input.value;
    SmallVector<int64_t> axes, begin, end;
    for (int64_t i = 0; i < spatial; ++i) {
      axes.push_back(i + 1);
      begin.push_back(padsWindows ? op.getPadsBegin()[i] : 0);
      end.push_back(padsWindows ? op.getPadsEnd()[i] : 0);
    }
    bool splits = groups > 1 && missing > 0;
    int64_t channels = getRanked(op.getFilter()).getDimSize(1);
    axes.push_back(spatial + (splits ? 2 : 1));
    begin.push_back(0);
    end.push_back(missing);
    llvm::append_range(begin, end);
    Value fill = input.zero ? castTo(builder, input.zero, getElementTypeOrSelf(input.value)) : Value();
    if (fill && getRanked(fill).getRank() != 0) {
      SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(0, getRanked(fill).getRank()));
      fill = nn::SqueezeOp::create(builder, fill, all);
    }
    Value image = splits ? splitChannels(builder, input.value, spatial + 1, {groups, channels}) : input.value;
    image = nn::PadOp::create(builder, image, createInts(builder, begin), fill, axes, nn::PadMode::Constant);
    return splits ? splitChannels(builder, image, spatial + 1, {groups * (channels + missing)}) : image;
  }

  LogicalResult matchAndRewrite(nn::IntegerConvOp op, PatternRewriter &rewriter) const override {
    if (isFinal(op))
      return rewriter.notifyMatchFailure(op, "is in its final form");
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    if (!isKernel(op)) {
      rewriter.replaceOpWithNewOp<nn::ConvOp>(op, widen(builder, op.getInput(), op.getInputZeroPoint()),
                                              widen(builder, op.getFilter(), op.getFilterZeroPoint()), Value(),
                                              op.getLayout(), op.getStrides(), op.getDilations(), op.getPadsBegin(),
                                              op.getPadsEnd(), op.getGroups());
      return success();
    }
    bool isUnsigned = !isDepthwise(op) || getElementTypeOrSelf(op.getInput()).isUnsignedInteger();
    Operand input = makeByte(builder, op.getInput(), op.getInputZeroPoint(), isUnsigned);
    Operand filter = makeByte(builder, op.getFilter(), op.getFilterZeroPoint(), /*isUnsigned=*/false);
    auto isNotZero = [](int64_t pad) { return pad != 0; };
    bool padsWindows = input.zero && (llvm::any_of(op.getPadsBegin(), isNotZero) || llvm::any_of(op.getPadsEnd(), isNotZero));
    SmallVector<int64_t> none(op.getStrides().size(), 0);
    Value data = pad(builder, op, input, padsWindows);
    Value weights = padSummed(builder, filter.value, 1, getMissingChannels(op));
    Value sum = nn::IntegerConvOp::create(builder, data, weights, Value(), Value(), op.getLayout(), op.getStrides(),
                                          op.getDilations(), padsWindows ? ArrayRef<int64_t>(none) : op.getPadsBegin(),
                                          padsWindows ? ArrayRef<int64_t>(none) : op.getPadsEnd(), op.getGroups());
    if (input.zero) {
      SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(1, getRanked(filter.value).getRank()));
      sum = subtractProduct(builder, sum, input.zero, sumAlong(builder, filter.value, axes, /*keepdims=*/false));
    }
    rewriter.replaceOp(op, sum);
    return success();
  }
};

struct ExpandIntegerProductsPass : public impl::ExpandIntegerProductsBase<ExpandIntegerProductsPass> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ExpandMatmul, ExpandConv>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
