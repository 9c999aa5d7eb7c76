// Products by weights that are small integers times a scale for each block.
#include "lib/Conversion/KernelToVector/BlockWeights.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// f32, or a vector of as many as `type` has.
static Type getFloats(Type type) {
  Type element = Float32Type::get(type.getContext());
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

/// The numbers that 4 bits stand for in two's complement.
static Value createTable(OpBuilder &builder, Location loc, VectorType type) {
  SmallVector<float> numbers;
  for (int code = 0; code < 16; ++code)
    numbers.push_back(static_cast<float>(code < 8 ? code : code - 16));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, ArrayRef(numbers)));
}

/// The same word in each lane of `type`.
Value BlockWeights::createWord(OpBuilder &builder, Type type, uint32_t bits) const {
  return createConstant(builder, loc, type, static_cast<double>(static_cast<int32_t>(bits)));
}

/// The weights of row `row` of `words`, i32 or a vector of it, without offset and scale.
Value BlockWeights::widenCode(OpBuilder &builder, Value words, int64_t row) const {
  constexpr int64_t wordBits = 32, tableLanes = 16;
  int64_t bits = blocks.getBits(), below = blocks.getLowestBit(row), above = wordBits - below - bits;
  Type numbers = getFloats(words.getType());
  auto vector = dyn_cast<VectorType>(words.getType());
  if (bits == 4 && vector && vector.getNumElements() == tableLanes && !target.getFloatLookup().empty()) {
    // Of each index the intrinsic takes the low four bits.
    Value index = words;
    if (below)
      index = arith::ShRUIOp::create(builder, loc, words, createWord(builder, vector, below));
    Value table = createTable(builder, loc, cast<VectorType>(numbers));
    return LLVM::CallIntrinsicOp::create(builder, loc, numbers, builder.getStringAttr(target.getFloatLookup()),
                                         ValueRange{table, index})
        .getResult(0);
  }
  Value high = words;
  if (above)
    high = arith::ShLIOp::create(builder, loc, words, createWord(builder, words.getType(), above));
  Value code = arith::ShRSIOp::create(builder, loc, high, createWord(builder, words.getType(), wordBits - bits));
  return arith::SIToFPOp::create(builder, loc, numbers, code);
}

/// A row of scales or offsets.
Value BlockWeights::getNumbers(OpBuilder &builder, Value words) const {
  return arith::BitcastOp::create(builder, loc, getFloats(words.getType()), words);
}

void BlockWeights::unpackPanel(OpBuilder &builder, Value packed, Value panel, Value numbers, Value at) const {
  auto type = cast<MemRefType>(packed.getType());
  int64_t width = type.getShape().back(), numBlocks = type.getDimSize(1) / blocks.getRows();
  int64_t perWord = blocks.getCodesPerWord(), lanes = std::min(target.getLanes(builder.getF32Type()), width);
  Index index(builder, loc);
  auto unpackBlock = [&](OpBuilder &nested, Value block, Value column) {
    Index inner(nested, loc);
    OpFoldResult base = inner.mul(block, inner.fold(blocks.getRows()));
    auto load = [&](OpBuilder &place, OpFoldResult row) {
      Index local(place, loc);
      return loadWide(place, loc, packed, {panel, local.get(local.add(base, row)), column}, lanes);
    };
    Value scale = getNumbers(nested, load(nested, inner.fold(blocks.getScaleRow()))), offset;
    if (blocks.getOffsets())
      offset = getNumbers(nested, load(nested, inner.fold(blocks.getOffsetRow())));
    forEach(nested, loc, inner.fold(0), inner.fold(blocks.getSize() / perWord), 1, [&](OpBuilder &body, Value word) {
      Index innermost(body, loc);
      OpFoldResult first = innermost.add(innermost.mul(block, innermost.fold(blocks.getSize())),
                                         innermost.mul(word, innermost.fold(perWord)));
      Value words = load(body, word);
      for (int64_t i = 0; i < perWord; ++i) {
        Value number = widenCode(body, words, i);
        if (offset)
          number = createAdd(body, loc, number, offset);
        number = createMul(body, loc, number, scale);
        Value row = innermost.get(innermost.add(first, innermost.fold(i)));
        storeWide(body, loc, number, numbers, {at, row, column}, lanes);
      }
    });
  };
  forEach(builder, loc, index.fold(0), index.fold(numBlocks), 1, [&](OpBuilder &nested, Value block) {
    for (int64_t column = 0; column < width; column += lanes)
      unpackBlock(nested, block, Index(nested, loc).constant(column));
  });
}

//===--- Register tiles ---===//

/// Row `row` of the packed weights: one value for each vector.
SmallVector<Value> BlockWeights::loadRow(OpBuilder &builder, const BlockTile &tile, OpFoldResult row) const {
  SmallVector<Value> words;
  int64_t perPanel = tile.tile.getPanelVectors(), width = tile.tile.getPanelWidth();
  for (int64_t i = 0; i < tile.getNumVectors(); ++i)
    words.push_back(tile.tile.loadPacked(builder, tile.rhs, {}, tile.panels[i / perPanel], Index(builder, loc).get(row),
                                         i % perPanel, tile.columns - i / perPanel * width));
  return words;
}

SmallVector<Value> BlockWeights::loadNumbers(OpBuilder &builder, const BlockTile &tile, OpFoldResult row) const {
  return llvm::map_to_vector(loadRow(builder, tile, row), [&](Value words) { return getNumbers(builder, words); });
}

/// Column `column` of the rows of lhs.
SmallVector<Value> BlockWeights::loadInputs(OpBuilder &builder, const BlockTile &tile, OpFoldResult column) const {
  Index index(builder, loc);
  SmallVector<Value> inputs;
  for (int64_t i = 0; i < tile.rows; ++i)
    inputs.push_back(memref::LoadOp::create(
        builder, loc, tile.lhs, ValueRange{index.get(index.add(tile.row, index.fold(i))), index.get(column)}));
  return inputs;
}

Accumulators BlockWeights::accumulate(OpBuilder &builder, const BlockTile &tile) const {
  bool isOfBytes = getElementTypeOrSelf(tile.lhs.getType()).isInteger(32);
  int64_t numBlocks = cast<MemRefType>(tile.rhs.getType()).getDimSize(1) / blocks.getRows();
  Index index(builder, loc);
  auto addBlock = [&](OpBuilder &nested, Value block, ValueRange carried) {
    Index inner(nested, loc);
    OpFoldResult base = inner.mul(block, inner.fold(blocks.getRows()));
    auto getRow = [&](int64_t row) { return loadNumbers(nested, tile, inner.add(base, inner.fold(row))); };
    SmallVector<Value> offsets, scales = getRow(blocks.getScaleRow()), inputScales, inputSums;
    if (blocks.getOffsets())
      offsets = getRow(blocks.getOffsetRow());
    if (isOfBytes) {
      OpFoldResult words = inner.mul(block, inner.fold(blocks.getInputWords()));
      inputScales = loadInputs(nested, tile, inner.add(words, inner.fold(blocks.getInputScale())));
      inputSums = loadInputs(nested, tile, inner.add(words, inner.fold(blocks.getInputSum())));
    }
    Accumulators sums = isOfBytes ? sumIntegers(nested, tile, block, base, inputSums)
                                  : sumBlock(nested, tile, block, base, offsets);
    int64_t vectors = tile.getNumVectors();
    for (auto [i, sum] : llvm::enumerate(sums)) {
      Value scale = scales[i % vectors];
      auto spread = [&](Value number) {
        auto type = dyn_cast<VectorType>(scale.getType());
        return broadcastTo(nested, loc, number, type ? type.getNumElements() : 1);
      };
      if (isOfBytes) {
        sum = convertElements(nested, loc, sum, nested.getF32Type());
        if (!offsets.empty()) {
          Value inputSum = convertElements(nested, loc, inputSums[i / vectors], nested.getF32Type());
          sum = multiplyAdd(nested, loc, spread(inputSum), offsets[i % vectors], sum, target.getFma());
        }
        scale = createMul(nested, loc, scale, spread(getNumbers(nested, inputScales[i / vectors])));
      }
      sum = multiplyAdd(nested, loc, sum, scale, carried[i], target.getFma());
    }
    return sums;
  };
  return forEachCarrying(builder, loc, index.fold(0), index.fold(numBlocks), 1,
                         tile.tile.createZeros(builder, tile.rows, tile.columns), addBlock);
}

/// The products of one row of words, from column `first` of lhs on, added to `sums`.
Accumulators BlockWeights::sumWord(OpBuilder &builder, const BlockTile &tile, ArrayRef<Value> words,
                                   ArrayRef<Value> offsets, OpFoldResult first, Accumulators sums) const {
  Index index(builder, loc);
  for (int64_t i = 0; i < blocks.getCodesPerWord(); ++i) {
    SmallVector<Value> weights;
    for (auto [number, word] : llvm::enumerate(words)) {
      weights.push_back(widenCode(builder, word, i));
      if (!offsets.empty())
        weights.back() = createAdd(builder, loc, weights.back(), offsets[number]);
    }
    sums = tile.tile.step(builder, loadInputs(builder, tile, index.add(first, index.fold(i))), weights, sums);
  }
  return sums;
}

/// The sums of one block, whose words begin at row `base`, before its scale.
Accumulators BlockWeights::sumBlock(OpBuilder &builder, const BlockTile &tile, Value block, OpFoldResult base,
                                    ArrayRef<Value> offsets) const {
  int64_t perWord = blocks.getCodesPerWord();
  Index index(builder, loc);
  auto addWord = [&](OpBuilder &nested, Value word, ValueRange sums) {
    Index inner(nested, loc);
    OpFoldResult first = inner.add(inner.mul(block, inner.fold(blocks.getSize())), inner.mul(word, inner.fold(perWord)));
    return sumWord(nested, tile, loadRow(nested, tile, inner.add(base, word)), offsets, first, Accumulators(sums));
  };
  return forEachCarrying(builder, loc, index.fold(0), index.fold(blocks.getSize() / perWord), 1,
                         tile.tile.createZeros(builder, tile.rows, tile.columns), addWord);
}

/// Adds to each lane four products of a byte of lhs, signed, and one of `words`. Unsigned bytes are what the instruction
/// takes there: codes are above their values by half of their range. Of 4 bits, `part` says which half of each byte.
void BlockWeights::addProducts(OpBuilder &builder, ArrayRef<Value> words, ArrayRef<Value> inputs, Accumulators &sums,
                               int64_t part) const {
  SmallVector<Value> bytes;
  for (Value word : words) {
    Type type = word.getType();
    bool isOfHalves = blocks.getBits() == 4;
    Value codes = arith::XOrIOp::create(builder, loc, word, createWord(builder, type, isOfHalves ? 0x88888888 : 0x80808080));
    if (part)
      codes = arith::ShRUIOp::create(builder, loc, codes, createWord(builder, type, 4));
    if (isOfHalves)
      codes = arith::AndIOp::create(builder, loc, codes, createWord(builder, type, 0x0f0f0f0f));
    bytes.push_back(codes);
  }
  for (auto [i, sum] : llvm::enumerate(sums)) {
    Value codes = bytes[i % bytes.size()];
    auto type = cast<VectorType>(codes.getType());
    int64_t lanes = type.getNumElements();
    auto ofBytes = VectorType::get({4 * lanes}, builder.getI8Type());
    Value input = broadcastTo(builder, loc, inputs[i / bytes.size()], lanes);
    SmallVector<Value> arguments{sum, vector::BitCastOp::create(builder, loc, ofBytes, codes),
                                 vector::BitCastOp::create(builder, loc, ofBytes, input)};
    std::string intrinsic = "llvm.x86.avx512.vpdpbusd." + std::to_string(32 * lanes);
    sum = LLVM::CallIntrinsicOp::create(builder, loc, type, builder.getStringAttr(intrinsic), arguments).getResult(0);
  }
}

/// The sums of one block of bytes of lhs and codes, as i32.
Accumulators BlockWeights::sumIntegers(OpBuilder &builder, const BlockTile &tile, Value block, OpFoldResult base,
                                       ArrayRef<Value> inputSums) const {
  int64_t perWord = blocks.getCodesPerWord(), parts = perWord / 4;
  Index index(builder, loc);
  Value half = createConstant(builder, loc, builder.getI32Type(), -(1 << (blocks.getBits() - 1)));
  Accumulators first;
  for (Value sum : inputSums) {
    Value correction = arith::MulIOp::create(builder, loc, sum, half);
    for (Value zeros : tile.tile.createZeros(builder, 1, tile.columns))
      first.push_back(broadcastTo(builder, loc, correction, cast<VectorType>(zeros.getType()).getNumElements()));
  }
  return forEachCarrying(
      builder, loc, index.fold(0), index.fold(blocks.getSize() / perWord), 1, first,
      [&](OpBuilder &nested, Value word, ValueRange carried) {
        Index inner(nested, loc);
        OpFoldResult column = inner.add(inner.mul(block, inner.fold(blocks.getInputWords())), inner.mul(word, inner.fold(parts)));
        SmallVector<Value> words = loadRow(nested, tile, inner.add(base, word));
        Accumulators sums(carried);
        for (int64_t part = 0; part < parts; ++part)
          addProducts(nested, words, loadInputs(nested, tile, inner.add(column, inner.fold(part))), sums, part);
        return sums;
      });
}

} // namespace nnc
