// Random numbers by SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
// generators, OOPSLA 2014), whose n-th number is a hash of its seed and n.
#include "lib/Frontend/ONNX/RandomNumbers.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/xxhash.h"

#include <cmath>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// 2^64 divided by the golden ratio: how far apart seeds of neighbours are.
static constexpr uint64_t golden = 0x9E3779B97F4A7C15;
static constexpr uint64_t firstFactor = 0xBF58476D1CE4E5B9, secondFactor = 0x94D049BB133111EB;

/// The finalizer of SplitMix64, at compile time.
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * firstFactor;
  x = (x ^ (x >> 27)) * secondFactor;
  return x ^ (x >> 31);
}

RandomNumbers::RandomNumbers(NodeBinder &node, uint64_t seed) : node(node) {
  std::string name;
  if (auto loc = dyn_cast<NameLoc>(node.getLoc()))
    name = loc.getName().str();
  key = mix(mix(seed) ^ llvm::xxh3_64bits(name));
  Block *block = node.getBuilder().getInsertionBlock();
  if (!block || !block->getParentOp() || isa<nn::IfOp, nn::LoopOp>(block->getParentOp()))
    (void)node.reject("random numbers in a branch or a loop, which would be the same each time, are not supported");
}

RandomNumbers RandomNumbers::fromFloatSeed(NodeBinder &node) {
  auto seed = static_cast<float>(node.floatAttr("seed", 0));
  return {node, llvm::bit_cast<uint32_t>(seed)};
}

/// A constant of 64 bits.
static Expression word(NodeBinder &node, uint64_t value) {
  auto type = RankedTensorType::get({}, IntegerType::get(node.getBuilder().getContext(), 64, IntegerType::Unsigned));
  return {node, node.constant(DenseElementsAttr::get(type, APInt(64, value)))};
}

Expression RandomNumbers::bits(Expression shape, uint64_t stream) const {
  if (node.failed())
    return {};
  Expression count(node, node.create<nn::ReduceOp>(shape, nn::ReductionKind::Prod, ArrayRef<int64_t>{0},
                                                   /*keepdims=*/true));
  Expression number = Expression::range(count).cast(word(node, 0).getElementType());
  Expression x = (number + word(node, 1)) * word(node, golden) + word(node, mix(key + stream));
  auto shift = [&](Expression value, uint64_t by) { return value.binary<nn::ShiftRightOp>(word(node, by)); };
  auto exclusiveOr = [](Expression a, Expression b) { return a.binary<nn::BitwiseXorOp>(b); };
  x = exclusiveOr(x, shift(x, 30)) * word(node, firstFactor);
  x = exclusiveOr(x, shift(x, 27)) * word(node, secondFactor);
  x = exclusiveOr(x, shift(x, 31));
  return {node, node.create<nn::ReshapeOp>(x, shape, /*allow_zero=*/true)};
}

/// The upper `count` bits as a number of `type`.
static Expression takeUpper(NodeBinder &node, Expression bits, uint64_t count, Type type) {
  Builder &builder = node.getBuilder();
  Expression upper = bits.binary<nn::ShiftRightOp>(word(node, 64 - count));
  return upper.cast(count < 32 ? builder.getI32Type() : builder.getI64Type()).cast(type);
}

Expression RandomNumbers::uniform(Expression shape, Type type) const {
  uint64_t digits = type.isF64() ? 53 : 24;
  Expression x = bits(shape, 0);
  return node.failed() ? Expression() : takeUpper(node, x, digits, type) * std::ldexp(1.0, -static_cast<int>(digits));
}

Expression RandomNumbers::normal(Expression shape, Type type) const {
  constexpr double pi = 3.14159265358979323846;
  uint64_t digits = type.isF64() ? 53 : 24;
  double unit = std::ldexp(1.0, -static_cast<int>(digits));
  Expression x = bits(shape, 0), y = bits(shape, 1);
  if (node.failed())
    return {};
  // Box and Muller; the first is above 0.
  Expression first = (takeUpper(node, x, digits, type) + 1) * unit, second = takeUpper(node, y, digits, type) * unit;
  return (first.unary<nn::LogOp>() * -2).unary<nn::SqrtOp>() * (second * (2 * pi)).unary<nn::CosOp>();
}

} // namespace nnc::onnx
