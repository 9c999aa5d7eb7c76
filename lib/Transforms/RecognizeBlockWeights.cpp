// Finds packed f32 weights that are small integers times a scale for each block of rows, and stores them as these.
//
// Expects kernels on tensors whose constants are evaluated. As in choose-weight-types, it is the values that are looked at
// and not how the model came to them: MatMulNBits, a DequantizeLinear with blocks, weights of 8 bits with a scale per
// column, TFLite's of 4 bits. A block is taken only where the integer times the scale, rounded once, is the weight, so the
// numbers stay those of the model.
//
// Where the model allows it (`int8_block`) and the CPU has sums of products of bytes, the input is rounded to 8 bits, and
// the integers are multiplied as they are.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"
#include "lib/Transforms/ConstantBits.h"

#include <cmath>

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_RECOGNIZEBLOCKWEIGHTS
#include "lib/Transforms/Passes.h.inc"

/// Weights of fewer bytes are not worth their widening.
static constexpr int64_t leastBytes = 1024;
/// Rows of a block; besides, all rows may be one.
static constexpr int64_t blockSizes[] = {256, 128, 64, 32, 16};
/// Comparisons for each weight, in all forms together, after which the search is given up.
static constexpr int64_t mostComparisons = 16;
/// Weights of fewer bytes than so many L2 caches have are read faster than they are widened.
static constexpr int64_t cachedBy = 4;
/// The L2 cache that code for several CPUs counts on.
static constexpr int64_t sharedCacheBytes = 1 << 20;
/// CPUs with narrower vectors, or none, keep weights in flash.
static constexpr unsigned leastVectorBits = 128;

namespace {

/// Weights of one column of a block: `scale` times integers, each less `offset` in the range of a code.
struct ScaledBlock {
  float scale;
  int offset;
};

/// The weights [P, K, W] of a constant.
struct PackedWeights {
  ArrayRef<float> values;
  int64_t panels, rows, width;
};

/// What is stored for them, if all blocks are found.
class BlockCoder {
public:
  /// `budget`: comparisons that are left, of this form and others.
  BlockCoder(PackedWeights weights, int64_t bits, int64_t size, int64_t &budget)
      : weights(weights), bits(bits), size(size), budget(budget) {}

  bool findAll();
  kernel::WeightBlocksAttr getBlocks(MLIRContext *context) const {
    return kernel::WeightBlocksAttr::get(context, bits, size, hasOffsets);
  }
  /// Words [P, rows of all blocks, W].
  std::vector<uint32_t> encode(kernel::WeightBlocksAttr blocks) const;

private:
  std::optional<ScaledBlock> find(const float *first);
  std::optional<ScaledBlock> tryScale(const float *first, float scale);

  PackedWeights weights;
  int64_t bits, size;
  int64_t &budget;
  bool hasOffsets = false;
  std::vector<ScaledBlock> found; ///< [P, blocks, W]
};

} // namespace

/// The block with this scale, or its negative where the integers then need no offset.
std::optional<ScaledBlock> BlockCoder::tryScale(const float *first, float scale) {
  int levels = 1 << bits, least = 0, largest = 0;
  for (int64_t i = 0; i < size; ++i) {
    --budget;
    float value = first[i * weights.width], integer = std::nearbyint(value / scale);
    if (std::abs(integer) >= static_cast<float>(levels) || integer * scale != value)
      return std::nullopt;
    least = std::min(least, static_cast<int>(integer));
    largest = std::max(largest, static_cast<int>(integer));
  }
  if (largest - least >= levels)
    return std::nullopt;
  int half = levels / 2;
  if (least >= -half && largest < half)
    return ScaledBlock{scale, 0};
  if (-largest >= -half && -least < half)
    return ScaledBlock{-scale, 0};
  return ScaledBlock{scale, least + half};
}

/// The largest scale of which the block's weights are integer multiples. The least of them is 1, 2, ... times the scale,
/// which its rounding and that of the quotient move by two units in the last place at most.
std::optional<ScaledBlock> BlockCoder::find(const float *first) {
  float least = INFINITY, largest = 0;
  for (int64_t i = 0; i < size; ++i) {
    float magnitude = std::abs(first[i * weights.width]);
    if (!std::isfinite(magnitude))
      return std::nullopt;
    largest = std::max(largest, magnitude);
    if (magnitude != 0)
      least = std::min(least, magnitude);
  }
  if (largest == 0)
    return ScaledBlock{0, 0};
  constexpr float leastScale = 0x1p-120f; // products of smaller ones might be denormal
  float levels = static_cast<float>(1 << bits);
  for (float multiple = 1; multiple < levels; ++multiple) {
    float scale = least / multiple;
    if (scale < leastScale || largest >= scale * levels || budget < 0)
      return std::nullopt;
    for (int ulps = -2; ulps <= 2; ++ulps)
      if (auto block = tryScale(first, llvm::bit_cast<float>(llvm::bit_cast<uint32_t>(scale) + ulps)))
        return block;
  }
  return std::nullopt;
}

bool BlockCoder::findAll() {
  found.clear();
  for (int64_t panel = 0; panel < weights.panels; ++panel)
    for (int64_t row = 0; row < weights.rows; row += size)
      for (int64_t column = 0; column < weights.width; ++column) {
        auto block = find(weights.values.data() + (panel * weights.rows + row) * weights.width + column);
        if (!block)
          return false;
        found.push_back(*block);
        hasOffsets |= block->offset != 0;
      }
  return true;
}

std::vector<uint32_t> BlockCoder::encode(kernel::WeightBlocksAttr blocks) const {
  int64_t width = weights.width, numBlocks = weights.rows / size, perWord = blocks.getCodesPerWord();
  std::vector<uint32_t> words(weights.panels * numBlocks * blocks.getRows() * width, 0);
  uint32_t mask = (1u << bits) - 1;
  for (auto [number, block] : llvm::enumerate(found)) {
    int64_t column = number % width, first = number / width;
    uint32_t *to = words.data() + first * blocks.getRows() * width + column;
    const float *from = weights.values.data() + first * size * width + column;
    for (int64_t i = 0; i < size && block.scale != 0; ++i) {
      int code = static_cast<int>(std::nearbyint(from[i * width] / block.scale)) - block.offset;
      to[i / perWord * width] |= (static_cast<uint32_t>(code) & mask) << blocks.getLowestBit(i % perWord);
    }
    to[blocks.getScaleRow() * width] = llvm::bit_cast<uint32_t>(block.scale);
    if (hasOffsets)
      to[blocks.getOffsetRow() * width] = llvm::bit_cast<uint32_t>(static_cast<float>(block.offset));
  }
  return words;
}

namespace {

struct RecognizeBlockWeightsPass : public impl::RecognizeBlockWeightsBase<RecognizeBlockWeightsPass> {
  using RecognizeBlockWeightsBase::RecognizeBlockWeightsBase;

  void runOnOperation() override {
    stored.clear();
    quantized.clear();
    weightBytes = 0;
    getOperation()->walk([&](Operation *op) {
      if (isa<kernel::ContractOp, kernel::ConvOp>(op) && op->getOperand(1).getDefiningOp<arith::ConstantOp>())
        weightBytes += cast<ShapedType>(op->getOperand(1).getType()).getNumElements() * 4;
    });
    getOperation()->walk([&](kernel::ContractOp product) { recognize(product); });
  }

private:
  bool isFasterInPairs(kernel::ContractOp product) const {
    int64_t rows = cast<ShapedType>(product.getInit().getType()).getDimSize(0);
    return precision == "bf16" && !mayMultiplyBytes(product) && !kernel::getTarget(product).getBf16Dot().empty() &&
           (ShapedType::isDynamic(rows) || rows >= kernel::leastPairedRows);
  }

  static bool mayMultiplyBytes(kernel::ContractOp product) {
    return product.getInt8Block() && kernel::getTarget(product).getVnni();
  }

  /// Not where all weights of the model stay in a cache, nor, in a loop, those of the product.
  bool isWorthWidening(kernel::ContractOp product) const {
    kernel::TargetAttr target = kernel::getTarget(product);
    int64_t own = cast<ShapedType>(product.getRhs().getType()).getNumElements() * 4;
    bool isRepeated = product->getParentOfType<LoopLikeOpInterface>() != nullptr;
    // Code for several CPUs shares the weights, and so the choice.
    int64_t cache = std::max<int64_t>(target.getL2Bytes(), target.getPackedBits() ? sharedCacheBytes : 0);
    return target.getVectorBits() < leastVectorBits || (isRepeated ? own : weightBytes) > cachedBy * cache;
  }

  struct Stored {
    Value words;
    kernel::WeightBlocksAttr blocks;
  };

  void recognize(kernel::ContractOp product) {
    auto constant = product.getRhs().getDefiningOp<arith::ConstantOp>();
    auto lhs = cast<ShapedType>(product.getLhs().getType()), type = cast<ShapedType>(product.getRhs().getType());
    auto init = cast<ShapedType>(product.getInit().getType());
    Type sum = product.getEpilogue().front().getArgument(0).getType();
    bool isOfF32 = lhs.getElementType().isF32() && type.getElementType().isF32() && sum.isF32();
    if (!constant || !isOfF32 || type.getRank() != 3 || lhs.isDynamicDim(1) || init.isDynamicDim(1) ||
        type.getNumElements() * 4 < leastBytes || isFasterInPairs(product) ||
        (!mayMultiplyBytes(product) && !isWorthWidening(product)))
      return;
    int64_t largest = product.getInt8Block().value_or(type.getDimSize(1));
    auto [place, isNew] = stored.try_emplace({constant.getOperation(), largest});
    if (isNew)
      place->second = store(constant, type, largest);
    if (!place->second.words)
      return;
    product.getRhsMutable().set(place->second.words);
    kernel::WeightBlocksAttr blocks = place->second.blocks;
    product.setBlocksAttr(blocks);
    remark::passed(product.getLoc(), about::algorithm)
        << remark::add("weights are integers of {0} bits with a scale for each {1}", blocks.getBits(), blocks.getSize());
    if (mayMultiplyBytes(product))
      product.getLhsMutable().set(quantize(product));
  }

  /// The product's input as bytes. Blocks have whole vectors of them, and no sum of a block overflows.
  Value quantize(kernel::ContractOp product) {
    constexpr int64_t step = 16, most = 1 << 15;
    kernel::WeightBlocksAttr blocks = product.getBlocksAttr();
    Value input = product.getLhs();
    if (blocks.getSize() % step != 0 || blocks.getSize() > most)
      return input;
    Value &result = quantized[{input, {blocks, product->getBlock()}}];
    if (result)
      return result;
    OpBuilder builder(product);
    Operation *producer = input.getDefiningOp(); // of whose kernel it becomes a part as a rule
    Location loc = producer ? producer->getLoc() : product.getLoc();
    SmallVector<OpFoldResult> extents = tensor::getMixedSizes(builder, loc, input);
    int64_t numBlocks = cast<ShapedType>(product.getRhs().getType()).getDimSize(1) / blocks.getRows();
    extents.back() = builder.getIndexAttr(numBlocks * blocks.getInputWords());
    Value init = tensor::EmptyOp::create(builder, loc, extents, builder.getI32Type());
    result = kernel::QuantizeBlocksOp::create(builder, loc, TypeRange(init.getType()), input, init, blocks).getResult(0);
    return result;
  }

  /// The forms with the fewest bytes come first.
  Stored store(arith::ConstantOp constant, ShapedType type, int64_t largest) {
    ArrayRef<char> raw = getBytes(constant.getValue());
    if (static_cast<int64_t>(raw.size()) != type.getNumElements() * 4)
      return {};
    PackedWeights weights{{reinterpret_cast<const float *>(raw.data()), raw.size() / 4},
                          type.getDimSize(0), type.getDimSize(1), type.getDimSize(2)};
    int64_t budget = mostComparisons * type.getNumElements();
    SmallVector<int64_t> sizes{weights.rows};
    llvm::append_range(sizes, blockSizes);
    for (int64_t bits : {4, 8})
      for (int64_t size : sizes)
        if (size <= largest && size >= 16 && size % (32 / bits) == 0 && weights.rows % size == 0)
          if (BlockCoder coder(weights, bits, size, budget); coder.findAll())
            return create(constant, weights, coder);
    return {};
  }

  Stored create(arith::ConstantOp constant, PackedWeights weights, const BlockCoder &coder) {
    OpBuilder builder(constant);
    kernel::WeightBlocksAttr blocks = coder.getBlocks(&getContext());
    int64_t rows = weights.rows / blocks.getSize() * blocks.getRows();
    auto type = RankedTensorType::get({weights.panels, rows, weights.width}, builder.getI32Type());
    std::vector<uint32_t> words = coder.encode(blocks);
    return {arith::ConstantOp::create(builder, constant.getLoc(), makeConstant(type, ArrayRef(words))), blocks};
  }

  /// Of all weights of products and convolutions, in f32.
  int64_t weightBytes = 0;
  /// What is stored for a constant of the model in blocks of at most so many rows; null where it stays.
  DenseMap<std::pair<Operation *, int64_t>, Stored> stored;
  /// Inputs as bytes, by what they are of, their blocks, and where.
  DenseMap<std::pair<Value, std::pair<Attribute, Block *>>, Value> quantized;
};

} // namespace
} // namespace nnc
