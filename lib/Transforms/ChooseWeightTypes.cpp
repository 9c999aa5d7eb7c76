// Stores the packed weights of f32 kernels in 16 bits, which halves what a product by few rows reads, and weights of
// f16 in 32 where the CPU does not convert them, which takes ten times as long as the products.
//
// Expects kernels on tensors whose constants are evaluated. Kernels widen such weights in registers and sum in f32.
// Where every weight is a number of bf16 or f16 (it was stored so, and was cast), nothing changes but the size. With
// `precision=bf16` weights of any value are rounded to bf16, ties to even. A tensor with a finite weight that would
// become infinite stays as it is. Where the CPU adds products of pairs of bf16 (`bf16Dot`), a product by enough rows,
// or a convolution, with `precision=bf16` has its input rounded too, and weights in pairs; so has one that is of bf16
// anyway; for a unit of tiles an odd number of channels gets another one, of zeros. Transformed filters of
// kernel.winograd stay f32: the transform back would magnify their rounding errors.
#include "lib/Transforms/Passes.h"

#include "lib/Transforms/ConstantBits.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CHOOSEWEIGHTTYPES
#include "lib/Transforms/Passes.h.inc"

/// Weights of fewer bytes are not worth a conversion.
static constexpr int64_t leastBytes = 1024;
static constexpr uint32_t infinity = 0x7f800000;

/// The bf16 next to the f32 `word`, of two the even one; NaN stays NaN.
static uint16_t roundToBF16(uint32_t word) {
  if ((word & ~0x80000000u) > infinity)
    return static_cast<uint16_t>((word >> 16) | 0x40);
  return static_cast<uint16_t>((word + 0x7fff + ((word >> 16) & 1)) >> 16);
}

static bool isBF16(uint32_t word) { return (word & 0xffff) == 0; }

/// The f16 equal to the f32 `word`, if there is one.
static std::optional<uint16_t> getHalf(uint32_t word) {
  uint32_t sign = (word >> 16) & 0x8000, magnitude = word & 0x7fffffff;
  if (magnitude >= infinity)
    return (magnitude & 0x1fff) ? std::nullopt
                                : std::optional<uint16_t>(sign | 0x7c00 | ((magnitude - infinity) >> 13));
  int exponent = static_cast<int>(magnitude >> 23) - 127;
  if (magnitude == 0)
    return sign;
  if (exponent > 15 || exponent < -24)
    return std::nullopt;
  if (exponent >= -14)
    return (magnitude & 0x1fff) ? std::nullopt : std::optional<uint16_t>(sign | ((magnitude - (112u << 23)) >> 13));
  uint32_t fraction = (magnitude & 0x7fffff) | 0x800000, dropped = -1 - exponent; // of 24 bits, 2^-24 is the unit
  return fraction & ((1u << dropped) - 1) ? std::nullopt : std::optional<uint16_t>(sign | (fraction >> dropped));
}

/// Whether a signalling NaN is among these: widened by an instruction, it would come back quiet.
static bool isSignalling(uint32_t word) { return (word & 0x7fffffff) > infinity && !(word & 0x400000); }

/// `words` rounded to bf16; nothing where a finite one would become infinite.
static std::optional<std::vector<uint16_t>> roundAll(ArrayRef<uint32_t> words) {
  std::vector<uint16_t> bits;
  bits.reserve(words.size());
  for (uint32_t word : words) {
    bits.push_back(roundToBF16(word));
    if ((word & 0x7fffffff) < infinity && (bits.back() & 0x7fff) == infinity >> 16)
      return std::nullopt;
  }
  return bits;
}

/// Rows [.., S, W] of packed weights (one for all, or one for each) as [.., ceil(S / 2), W, 2]; behind an odd S, zeros.
static std::vector<uint16_t> makePairs(ArrayRef<uint16_t> bits, ArrayRef<int64_t> shape) {
  int64_t summed = shape[shape.size() - 2], width = shape.back(), pairs = (summed + 1) / 2;
  int64_t panels = ShapedType::getNumElements(shape.drop_back(2));
  std::vector<uint16_t> paired(panels * pairs * width * 2);
  for (int64_t row = 0; row < panels * summed; ++row) {
    uint16_t *to = paired.data() + (row / summed * pairs + row % summed / 2) * width * 2 + row % summed % 2;
    for (int64_t column = 0; column < width; ++column)
      to[2 * column] = bits[bits.size() == 1 ? 0 : row * width + column];
  }
  return paired;
}

namespace {

/// A kernel's operands: what is multiplied by which packed weights, summed over how much, for how many rows (kDynamic:
/// not known, or many).
struct Product {
  kernel::EpilogueOpInterface kernel;
  OpOperand &input, &weights;
  int64_t summed, rows;
};

/// Other weights in the place of a constant; null where it stays.
struct Chosen {
  Value weights;
  bool isPaired = false;
};

struct ChooseWeightTypesPass : public impl::ChooseWeightTypesBase<ChooseWeightTypesPass> {
  using ChooseWeightTypesBase::ChooseWeightTypesBase;

  void runOnOperation() override {
    chosen.clear();
    rounded.clear();
    widened.clear();
    getOperation()->walk([&](Operation *op) {
      if (auto contract = dyn_cast<kernel::ContractOp>(op)) {
        ArrayRef<int64_t> lhs = cast<ShapedType>(contract.getLhs().getType()).getShape();
        choose({contract, contract.getLhsMutable(), contract.getRhsMutable(), lhs.back(), lhs[lhs.size() - 2]});
      } else if (auto conv = dyn_cast<kernel::ConvOp>(op)) {
        int64_t channels = cast<ShapedType>(conv.getInput().getType()).getShape().back();
        int64_t groups = cast<ShapedType>(conv.getFilter().getType()).getDimSize(0);
        choose({conv, conv.getInputMutable(), conv.getFilterMutable(),
                ShapedType::isDynamic(channels) ? channels : channels / groups, ShapedType::kDynamic});
      }
    });
  }

private:
  /// Whether the CPU may sum products of pairs here.
  static bool canPair(Product product, ArrayRef<int64_t> packed) {
    return !kernel::getTarget(product.kernel).getBf16Dot().empty() && product.summed > 1 &&
           packed[packed.size() - 2] == product.summed &&
           (ShapedType::isDynamic(product.rows) || product.rows >= kernel::leastPairedRows);
  }

  /// Replaces the weights, if they are a constant, and rounds the input where pairs are multiplied.
  void choose(Product product) {
    auto constant = product.weights.get().getDefiningOp<arith::ConstantOp>();
    if (!constant)
      return;
    auto packed = cast<ShapedType>(constant.getType());
    Type input = getElementTypeOrSelf(product.input.get()), weight = packed.getElementType();
    Type sum = product.kernel.getEpilogue().front().getArgument(0).getType();
    bool isOfF32 = input.isF32() && weight.isF32() && sum.isF32();
    bool isOfBF16 = input.isBF16() && weight.isBF16() && (sum.isBF16() || sum.isF32());
    bool isOfF16 = weight.isF16() && sum.isF16() && !toHalf;
    bool pairs = canPair(product, packed.getShape()) && (isOfBF16 || precision == "bf16");
    if (!isOfF32 && !isOfF16 && !(isOfBF16 && pairs))
      return;
    auto [found, isNew] = chosen.try_emplace({constant.getOperation(), unsigned(pairs)});
    if (isNew)
      found->second = isOfF16 ? widen(constant) : narrow(constant, pairs);
    if (!found->second.weights)
      return;
    product.weights.set(found->second.weights);
    if (found->second.isPaired && isOfF32)
      product.input.set(needsChannel(product) ? roundAndAddChannel(product) : round(product));
  }

  Chosen narrow(arith::ConstantOp constant, bool pairs) {
    auto type = cast<ShapedType>(constant.getType());
    bool isOfBF16 = type.getElementType().isBF16();
    ArrayRef<char> raw = getBytes(constant.getValue());
    auto count = static_cast<int64_t>(raw.size() / (isOfBF16 ? 2 : 4));
    if (type.getNumElements() * 4 < leastBytes || (count != 1 && count != type.getNumElements()))
      return {};
    Type element = BFloat16Type::get(&getContext());
    std::optional<std::vector<uint16_t>> bits;
    if (isOfBF16) {
      ArrayRef<uint16_t> own(reinterpret_cast<const uint16_t *>(raw.data()), count);
      bits = std::vector<uint16_t>(own);
    } else {
      ArrayRef<uint32_t> words(reinterpret_cast<const uint32_t *>(raw.data()), count);
      if (pairs)
        bits = roundAll(words);
      pairs = bits.has_value();
      if (!bits)
        bits = narrowExactly(words, element);
      if (!bits && precision == "bf16")
        bits = roundAll(words);
    }
    if (!bits)
      return {};
    SmallVector<int64_t> shape(type.getShape());
    if (pairs) {
      bits = makePairs(*bits, shape);
      shape[shape.size() - 2] = (shape[shape.size() - 2] + 1) / 2;
      shape.back() *= 2;
    }
    OpBuilder builder(constant);
    auto narrow = RankedTensorType::get(shape, element);
    return {arith::ConstantOp::create(builder, constant.getLoc(), makeConstant(narrow, ArrayRef(*bits))), pairs};
  }

  /// Weights of f16 as f32.
  Chosen widen(arith::ConstantOp constant) {
    auto type = cast<ShapedType>(constant.getType());
    ArrayRef<char> raw = getBytes(constant.getValue());
    auto count = static_cast<int64_t>(raw.size() / 2);
    if (count == 0 || (count != 1 && count != type.getNumElements()))
      return {};
    std::vector<float> values;
    for (uint16_t half : ArrayRef(reinterpret_cast<const uint16_t *>(raw.data()), count)) {
      APFloat number(APFloat::IEEEhalf(), APInt(16, half));
      bool losesInfo;
      number.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven, &losesInfo);
      values.push_back(number.convertToFloat());
    }
    OpBuilder builder(constant);
    auto wide = RankedTensorType::get(type.getShape(), builder.getF32Type());
    return {arith::ConstantOp::create(builder, constant.getLoc(), makeConstant(wide, ArrayRef(values)))};
  }

  /// The product's input in bf16.
  Value round(Product product) {
    Value input = product.input.get();
    Value &result = rounded[{input, product.kernel->getBlock()}];
    if (result)
      return result;
    OpBuilder builder(product.kernel);
    Operation *producer = input.getDefiningOp(); // of whose kernel it becomes a part as a rule
    Location loc = producer ? producer->getLoc() : product.kernel.getLoc();
    Type element = builder.getBF16Type();
    SmallVector<OpFoldResult> extents = tensor::getMixedSizes(builder, loc, input);
    Value empty = tensor::EmptyOp::create(builder, loc, extents, element);
    auto rank = static_cast<int64_t>(extents.size());
    SmallVector<AffineMap> maps(2, builder.getMultiDimIdentityMap(rank));
    SmallVector<utils::IteratorType> iterators(rank, utils::IteratorType::parallel);
    auto body = [&](OpBuilder &nested, Location at, ValueRange values) {
      Value narrow = arith::TruncFOp::create(nested, at, element, values[0]);
      linalg::YieldOp::create(nested, at, narrow);
    };
    result = linalg::GenericOp::create(builder, loc, empty.getType(), input, empty, maps, iterators, body).getResult(0);
    return result;
  }

  /// Whether a unit of tiles could multiply if the last of an odd number of channels were a pair.
  static bool needsChannel(Product product) {
    return product.summed % 2 != 0 && isa<kernel::ConvOp>(product.kernel) && kernel::getTarget(product.kernel).getBf16Tiles() &&
           cast<ShapedType>(product.input.get().getType()).getShape().back() == product.summed;
  }

  /// The product's input in bf16 with one more channel, of zeros.
  Value roundAndAddChannel(Product product) {
    Value &result = widened[{product.input.get(), product.kernel->getBlock()}];
    if (result)
      return result;
    Value image = round(product);
    OpBuilder builder(product.kernel);
    Location loc = image.getLoc();
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(builder, loc, image), wider(sizes);
    SmallVector<OpFoldResult> origin(sizes.size(), builder.getIndexAttr(0)), ones(sizes.size(), builder.getIndexAttr(1));
    wider.back() = builder.getIndexAttr(*getConstantIntValue(sizes.back()) + 1);
    Type element = getElementTypeOrSelf(image);
    Value zero = arith::ConstantOp::create(builder, loc, builder.getZeroAttr(element));
    Value place = tensor::EmptyOp::create(builder, loc, wider, element);
    Value zeros = linalg::FillOp::create(builder, loc, zero, place).getResult(0);
    return result = tensor::InsertSliceOp::create(builder, loc, image, zeros, origin, sizes, ones);
  }

  /// Constants by those of the model, and whether in pairs.
  DenseMap<std::pair<Operation *, unsigned>, Chosen> chosen;
  /// Rounded inputs by what they are of, and where; those with one more channel.
  DenseMap<std::pair<Value, Block *>, Value> rounded, widened;

  /// `words` as 16-bit numbers of the same values, and `element`, their type; nothing where there is no such type.
  std::optional<std::vector<uint16_t>> narrowExactly(ArrayRef<uint32_t> words, Type &element) {
    if (llvm::any_of(words, isSignalling))
      return std::nullopt;
    std::vector<uint16_t> bits(words.size());
    if (llvm::all_of(words, isBF16)) {
      llvm::transform(words, bits.begin(), [](uint32_t word) { return word >> 16; });
      return bits;
    }
    if (!toHalf || !llvm::all_of(words, [](uint32_t word) { return getHalf(word).has_value(); }))
      return std::nullopt;
    llvm::transform(words, bits.begin(), [](uint32_t word) { return *getHalf(word); });
    element = Float16Type::get(&getContext());
    return bits;
  }
};

} // namespace
} // namespace nnc
