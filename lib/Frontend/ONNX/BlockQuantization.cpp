// Operators of com.microsoft whose weights have a scale for each block: products and rows of tables.
#include "lib/Frontend/ONNX/BlockQuantization.h"

#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "com.microsoft";

Expression unpackBits(NodeBinder &node, Expression packed, int64_t bits, bool highFirst) {
  if (node.failed() || bits == 8)
    return packed;
  int64_t last = packed.getRank() - 1, perByte = 8 / bits;
  Type byte = node.getBuilder().getIntegerType(8, /*isSigned=*/false);
  Value mask = node.scalar(byte, (1 << bits) - 1);
  SmallVector<Expression> parts;
  for (int64_t i = 0; i < perByte; ++i) {
    int64_t shift = bits * (highFirst ? perByte - 1 - i : i);
    Value part = node.create<nn::ShiftRightOp>(packed, node.scalar(byte, shift));
    parts.push_back(Expression(node, node.create<nn::BitwiseAndOp>(part, mask)).unsqueeze({last + 1}));
  }
  Expression count = Expression::ints(node, {packed.getExtent(last) * perByte});
  Expression shape = last ? Expression::concat(node, {packed.shape(0, last), count}, 0) : count;
  return {node, node.create<nn::ReshapeOp>(Expression::concat(node, parts, last + 1), shape, /*allow_zero=*/true)};
}

Expression spreadBlocks(NodeBinder &node, Expression blocks, int64_t axis, int64_t extent, int64_t size) {
  if (extent < 0 || extent > (1 << 24)) {
    (void)node.reject("blocks along an axis of more than 2^24 elements are not supported");
    return {node, Value()};
  }
  if (size == 1)
    return blocks;
  SmallVector<int64_t> places = llvm::map_to_vector(llvm::seq<int64_t>(0, extent), [&](int64_t i) { return i / size; });
  return blocks.gather(Expression::ints(node, places), axis);
}

Expression dequantizeBlocks(Expression value, Expression scale, Expression zero) {
  Type type = scale.getElementType();
  return (zero ? value.cast(type) - zero.cast(type) : value.cast(type)) * scale;
}

//===--- Products ---===//

namespace {

/// Weights (N, K) in blocks along K, as MatMulNBits has them.
struct BlockedWeights {
  int64_t rows, columns, bits, size;

  int64_t getNumBlocks() const { return llvm::divideCeilSigned(columns, size); }
  /// As floats (N, K); `groups`, where it is there, has the block of each of K.
  Expression dequantize(NodeBinder &node, Value packed, Value scales, Value zeroPoints, Value groups) const;
};

} // namespace

static bool hasElements(Value value, int64_t count) {
  auto type = NodeBinder::getType(value);
  return type.hasStaticShape() && type.getNumElements() == count;
}

/// Rejects weights or scales with another number of elements than K, N and block_size say.
static LogicalResult checkElements(NodeBinder &node, Value weights, int64_t numWeights, Value scales, int64_t numScales) {
  if (hasElements(weights, numWeights) && hasElements(scales, numScales))
    return success();
  return node.reject("K, N and block_size say that there are " + Twine(numWeights) + " bytes of weights and " + Twine(numScales) +
                     " scales, which is not so");
}

Expression BlockedWeights::dequantize(NodeBinder &node, Value packed, Value scales, Value zeroPoints,
                                      Value groups) const {
  int64_t blocks = getNumBlocks();
  Expression weights(node, packed), scale(node, scales), zero(node, zeroPoints);
  scale = scale.cast(node.getBuilder().getF32Type());
  weights = unpackBits(node, weights.reshape({rows, blocks * (size * bits / 8)}), bits);
  scale = scale.reshape({rows, blocks});
  if (zero && !isa<FloatType>(zero.getElementType()))
    zero = unpackBits(node, zero.reshape({rows, llvm::divideCeilSigned(blocks * bits, 8)}), bits).slice(1, 0, blocks);
  else
    zero = zero ? zero.reshape({rows, blocks}) : scale * 0 + static_cast<double>(1 << (bits - 1));
  if (node.failed())
    return {};
  if (groups) { // the block of each column
    Expression places(node, groups);
    return dequantizeBlocks(weights.slice(1, 0, columns), scale.gather(places, 1), zero.gather(places, 1));
  }
  Expression numbers =
      dequantizeBlocks(weights.reshape({rows, blocks, size}), scale.unsqueeze({2}), zero.unsqueeze({2}));
  return numbers.reshape({rows, blocks * size}).slice(1, 0, columns);
}

static LogicalResult importMatMulNBits(NodeBinder &node) {
  Expression x(node, node.operand(0)), bias(node, node.optionalOperand(5));
  Value packed = node.operand(1), scales = node.operand(2), zeroPoints = node.optionalOperand(3),
        groups = node.optionalOperand(4);
  BlockedWeights weights{node.intAttr("N", 0), node.intAttr("K", 0), node.intAttr("bits", 4),
                         node.intAttr("block_size", 0)};
  bool isInt8Enough = node.intAttr("accuracy_level", 0) == 4; // else in f32, the most accurate
  node.ignoreAttrs({"weight_prepacked"});
  if (node.failed())
    return failure();
  constexpr int64_t most = int64_t(1) << 31;
  int64_t bits = weights.bits, n = weights.rows, k = weights.columns, size = weights.size;
  if ((bits != 2 && bits != 4 && bits != 8) || size < 16 || k < 1 || n < 1 || size > most || k > most || n > most)
    return node.reject("bits must be 2, 4 or 8, block_size at least 16, K and N positive");
  int64_t blocks = weights.getNumBlocks();
  if (failed(checkElements(node, packed, n * blocks * (size * bits / 8), scales, n * blocks)))
    return failure();
  if (groups && !hasElements(groups, k) && !hasElements(groups, blocks * size))
    return node.reject("g_idx does not have a block for each of K");
  // ONNX Runtime takes packed ones for none then, which its documentation does not say.
  if (groups && zeroPoints && !isa<FloatType>(getElementTypeOrSelf(zeroPoints)))
    return node.reject("zero points of integers beside g_idx are not supported");
  if (groups && !hasElements(groups, k))
    groups = Expression(node, groups).slice(0, 0, k);
  Expression numbers = weights.dequantize(node, packed, scales, zeroPoints, groups);
  if (node.failed())
    return failure();
  auto int8Block = isInt8Enough ? node.getBuilder().getI64IntegerAttr(size) : IntegerAttr();
  // Products of f16 would be rounded twice.
  Type type = x.getElementType(), computed = node.getBuilder().getF32Type();
  Expression result(node, node.create<nn::MatmulOp>(x.cast(computed), numbers, /*transpose_lhs=*/false,
                                                    /*transpose_rhs=*/true, int8Block));
  result = result.cast(type);
  if (bias && !node.failed())
    result = {node, keepShape(node, result + bias, result)};
  return node.result(result);
}

/// The sixteen numbers that bitsandbytes' types of 4 bits stand for.
static const float floats4[] = {0,     5.208333333e-03f,  0.66666667f,  1,  0.33333333f,  0.5f,  0.16666667f,  0.25f,
                                -0.0f, -5.208333333e-03f, -0.66666667f, -1, -0.33333333f, -0.5f, -0.16666667f, -0.25f};
static const float normalFloats4[] = {-1,
                                      -0.6961928009986877f,
                                      -0.5250730514526367f,
                                      -0.39491748809814453f,
                                      -0.28444138169288635f,
                                      -0.18477343022823334f,
                                      -0.09105003625154495f,
                                      0,
                                      0.07958029955625534f,
                                      0.16093020141124725f,
                                      0.24611230194568634f,
                                      0.33791524171829224f,
                                      0.44070982933044434f,
                                      0.5626170039176941f,
                                      0.7229568362236023f,
                                      1};

static LogicalResult importMatMulBnb4(NodeBinder &node) {
  Expression x(node, node.operand(0)), packed(node, node.operand(1)), scales(node, node.operand(2));
  int64_t k = node.intAttr("K", 0), n = node.intAttr("N", 0), size = node.intAttr("block_size", 0);
  int64_t kind = node.intAttr("quant_type", 1), transposes = node.intAttr("transB", 1);
  node.ignoreAttrs({"training_mode"});
  if (node.failed())
    return failure();
  constexpr int64_t most = int64_t(1) << 31;
  if (size < 16 || k < 1 || n < 1 || size > most || k > most || n > most || kind < 0 || kind > 1)
    return node.reject("block_size must be at least 16, K and N positive, quant_type 0 or 1");
  int64_t count = n * k, blocks = llvm::divideCeilSigned(count, size);
  if (failed(checkElements(node, packed, llvm::divideCeilSigned(count, 2), scales, blocks)))
    return failure();
  if (count % size)
    return node.reject("weights that do not fill their blocks are not supported");
  ArrayRef<float> table = kind ? ArrayRef(normalFloats4) : ArrayRef(floats4);
  Expression numbers(node, node.floats({16}, std::vector<float>(table.begin(), table.end())));
  Expression codes = unpackBits(node, packed.reshape({-1}), 4, /*highFirst=*/true);
  Expression weights = numbers.gather(codes.cast(node.getBuilder().getI32Type()), 0).reshape({blocks, size});
  weights = weights * scales.cast(weights.getElementType()).reshape({blocks, 1});
  weights = transposes ? weights.reshape({n, k}) : weights.reshape({k, n});
  if (node.failed())
    return failure();
  return node.result(x.matmul(weights.cast(x.getElementType()), transposes != 0));
}

//===--- Rows of tables ---===//

/// Whether `x` has the extents of `data`, but `count` of them along `axis`.
static bool fitsAround(Expression x, Expression data, int64_t axis, int64_t count) {
  SmallVector<int64_t> wanted(NodeBinder::getShape(data));
  wanted[axis] = count;
  return NodeBinder::getShape(x) == ArrayRef(wanted) && !llvm::any_of(wanted, ShapedType::isDynamic);
}

/// Rows are taken first, then dequantised.
static LogicalResult importGatherBlockQuantized(NodeBinder &node) {
  Expression data(node, node.operand(0)), indices(node, node.operand(1)), scales(node, node.operand(2)),
      zeros(node, node.optionalOperand(3));
  int64_t bits = node.intAttr("bits", 4), size = node.intAttr("block_size", 128);
  int64_t gatherAxis = node.axisAttr("gather_axis", 0, data), axis = node.axisAttr("quantize_axis", 1, data);
  if (node.failed())
    return failure();
  int64_t rank = data.getRank(), last = rank - 1;
  bool isPacked = data.getElementType().isUnsignedInteger(8);
  if (size < 16 || (isPacked && bits != 2 && bits != 4 && bits != 8) || !isa<IntegerType>(data.getElementType()))
    return node.reject("bits must be 2, 4 or 8, block_size at least 16, data integers");
  if (isPacked && (gatherAxis != 0 || axis != last || rank < 2))
    return node.reject("packed bits need gather_axis 0 and the last axis as quantize_axis");
  constexpr int64_t most = 1 << 24;
  if (llvm::any_of(NodeBinder::getShape(data), ShapedType::isDynamic) || data.getExtent(axis) > most)
    return node.reject("data must have a known shape, and at most 2^24 elements along quantize_axis");
  int64_t perByte = isPacked ? 8 / bits : 1, extent = data.getExtent(axis) * perByte;
  int64_t blocks = llvm::divideCeilSigned(extent, size);
  if (!fitsAround(scales, data, axis, blocks) || !isa<FloatType>(scales.getElementType()))
    return node.reject("there must be a scale for each block");
  if (zeros && (!fitsAround(zeros, data, axis, llvm::divideCeilSigned(blocks, perByte)) ||
                zeros.getElementType() != data.getElementType()))
    return node.reject("there must be a zero point for each block");
  bool isApart = gatherAxis != axis;
  auto take = [&](Expression x) { return isApart ? x.gather(indices, gatherAxis) : x; };
  auto unpack = [&](Expression x) { return isPacked ? unpackBits(node, x, bits) : x; };
  // Where the indices are, there are as many axes as they have.
  int64_t place = isApart && axis > gatherAxis ? axis - 1 + indices.getRank() : axis;
  Expression values = unpack(take(data)), scale = spreadBlocks(node, take(scales), place, extent, size), zero;
  if (zeros) {
    zero = unpack(take(zeros));
    if (zero.getExtent(place) != blocks)
      zero = zero.slice(place, 0, blocks);
    zero = spreadBlocks(node, zero, place, extent, size);
  } else if (isPacked) {
    zero = scales.like(1 << (bits - 1));
  }
  if (node.failed())
    return failure();
  Expression result = dequantizeBlocks(values, scale, zero);
  return node.result(isApart ? result : result.gather(indices, gatherAxis));
}

//===--- MatMulFpQ4 ---===//

/// Weights (K, N) of 4 bits as bytes: for each block of a column a scale of f32, a zero point where the type has them, and the
/// weights, of which a byte has one of 16 and the one 16 behind it.
static LogicalResult importMatMulFpQ4(NodeBinder &node) {
  Expression x(node, node.operand(0)), packed(node, node.operand(1));
  SmallVector<int64_t> shape = node.constantInts(2);
  int64_t form = node.intAttr("blk_quant_type", 1);
  if (node.failed())
    return failure();
  if (form < 0 || form > 1 || shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
    return node.reject("needs blocks of type 0 or 1, and the shape (K, N) of B");
  int64_t size = 32, zeros = form, columns = shape[0], rows = shape[1];
  int64_t blocks = llvm::divideCeilSigned(columns, size), bytes = 4 + zeros + size / 2;
  if (!hasElements(packed, rows * blocks * bytes))
    return node.reject("B does not have as many bytes as its shape says");
  OpBuilder &builder = node.getBuilder();
  Type f32 = builder.getF32Type(), ui32 = builder.getIntegerType(32, /*isSigned=*/false);
  packed = packed.reshape({rows, blocks, bytes});
  Expression bits;
  for (int64_t i = 0; i < 4; ++i) {
    Expression byte = packed.slice(2, i, i + 1).cast(ui32), part = byte.binary<nn::ShiftLeftOp>(byte.like(8.0 * i));
    bits = bits ? bits.binary<nn::BitwiseOrOp>(part) : part;
  }
  Expression scale = bits.unary<nn::BitcastOp>(f32), zero = zeros ? packed.slice(2, 4, 5) : packed.like(8);
  Expression weights = packed.slice(2, 4 + zeros, bytes).reshape({rows, blocks, 16});
  Expression low = weights.binary<nn::BitwiseAndOp>(weights.like(15)), high = weights.binary<nn::ShiftRightOp>(weights.like(4));
  Expression numbers = Expression::concat(node, {low, high}, 2);
  if (node.failed())
    return failure();
  numbers = dequantizeBlocks(numbers, scale, zero).reshape({rows, blocks * size}).slice(1, 0, columns);
  return node.failed() ? failure() : node.result(x.matmul(numbers, /*transposeY=*/true));
}

static const OpEntry table[] = {
    {"GatherBlockQuantized", 1, importGatherBlockQuantized, domain},
    {"MatMulBnb4", 1, importMatMulBnb4, domain},
    {"MatMulFpQ4", 1, importMatMulFpQ4, domain},
    {"MatMulNBits", 1, importMatMulNBits, domain},
};

ArrayRef<OpEntry> getBlockQuantizationOps() { return table; }

} // namespace nnc::onnx
