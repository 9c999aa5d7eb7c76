// The register tile.
#include "lib/Conversion/KernelToVector/MicroKernel.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// More rows than this bring nothing: the multiply-add chains are long enough and weights are reused enough.
static constexpr int64_t maxRows = 14;
/// Of a cache line.
static constexpr int64_t lineBytes = 64;
/// Of vectors that some CPUs take in two halves.
static constexpr unsigned halvedBits = 512;

MicroKernel::MicroKernel(Operation *kernel, Type inputType, int64_t packedWidth, bool isPaired)
    : loc(kernel->getLoc()), target(kernel::getTarget(kernel)), inputType(inputType) {
  auto epilogue = cast<kernel::EpilogueOpInterface>(kernel);
  Type result = epilogue.getEpilogue().front().getArgument(0).getType();
  accumulatorType = nnc::getAccumulatorType(result);
  if (inputType.isInteger(8) && accumulatorType.isInteger(32))
    group = kernel::getDotPacking(target).group;
  else if (isPaired)
    group = 2;
  int64_t columns = packedWidth / group;
  panelWidth = std::min(columns, kernel::getTileWidth(target, columns, accumulatorType));
  parts = columns / panelWidth;
  lanes = std::min<int64_t>(target.getLanes(accumulatorType), panelWidth);
}

int64_t MicroKernel::getMaxRows(int64_t vectors) const {
  // Without fused multiply-add the product needs a register of its own.
  bool isFused = inputType.isInteger(8) && group > 1 ? target.getVnni() : group > 1 || target.getFma();
  int64_t available = target.getVectorRegisters() - vectors - (isFused ? 1 : 2);
  return std::clamp<int64_t>(available / vectors, 1, maxRows);
}

/// Lanes of vector `number` of `columns` columns. CPUs that take 512 bits in two halves need half the time for a half, the
/// others no more.
int64_t MicroKernel::getVectorLanes(int64_t number, int64_t columns) const {
  bool isHalf = group == 1 && lanes > 1 && columns - number * lanes <= lanes / 2;
  return isHalf && target.getVectorBits() == halvedBits ? lanes / 2 : lanes;
}

Accumulators MicroKernel::createZeros(OpBuilder &builder, int64_t rows, int64_t columns) const {
  Accumulators row;
  for (int64_t vector = 0; vector < getNumVectors(columns); ++vector)
    row.push_back(createConstant(builder, loc, getWideType(accumulatorType, getVectorLanes(vector, columns)), 0));
  Accumulators zeros;
  for (int64_t i = 0; i < rows; ++i)
    zeros.append(row);
  return zeros;
}

Accumulators MicroKernel::step(OpBuilder &builder, ArrayRef<Value> inputs, ArrayRef<Value> weights,
                               ValueRange accumulators) const {
  Accumulators next(accumulators);
  for (auto [row, input] : llvm::enumerate(inputs)) {
    if (!input)
      continue;
    Value wide = spreadInput(builder, input);
    for (auto [column, weight] : llvm::enumerate(weights)) {
      Value &accumulator = next[row * weights.size() + column];
      if (group > 1)
        accumulator = accumulateDot(builder, wide, weight, accumulator);
      else if (weight.getType() == wide.getType())
        accumulator = multiplyAdd(builder, loc, wide, weight, accumulator, target.getFma());
      else
        accumulator = multiplyAdd(builder, loc, broadcastTo(builder, loc, input, lanes / 2), weight, accumulator, target.getFma());
    }
  }
  return next;
}

/// `input` in each lane. Bytes that are multiplied as i16 become that behind the broadcast, in one instruction for all.
Value MicroKernel::spreadInput(OpBuilder &builder, Value input) const {
  Value wide = broadcastTo(builder, loc, input, lanes);
  if (group == 1 || !input.getType().isInteger(16))
    return wide;
  Type word = kernel::getDotPacking(target).type;
  Value bytes = vector::BitCastOp::create(builder, loc, VectorType::get({lanes * group}, builder.getI8Type()), wide);
  Value words = arith::ExtUIOp::create(builder, loc, VectorType::get({lanes * group}, word), bytes);
  return vector::BitCastOp::create(builder, loc, VectorType::get({lanes}, builder.getI32Type()), words);
}

/// The same where one lane is a scalar.
static Value accumulateScalarDot(OpBuilder &builder, Location loc, Value input, Value weight, Value accumulator) {
  auto packed = cast<VectorType>(weight.getType());
  Value bits = vector::BroadcastOp::create(builder, loc, VectorType::get({1}, input.getType()), input);
  Value spread = vector::BitCastOp::create(builder, loc, packed, bits);
  for (int64_t i = 0; i < packed.getNumElements(); ++i) {
    Value x = vector::ExtractOp::create(builder, loc, spread, i), y = vector::ExtractOp::create(builder, loc, weight, i);
    // Inputs of 8 bits are unsigned; those that are wider by now are so much wider that no sign is left.
    Value wide = arith::ExtUIOp::create(builder, loc, accumulator.getType(), x);
    Value product = arith::MulIOp::create(builder, loc, wide, arith::ExtSIOp::create(builder, loc, accumulator.getType(), y));
    accumulator = arith::AddIOp::create(builder, loc, product, accumulator);
  }
  return accumulator;
}

/// Adds to each lane the sum of the products of its group; `input` has the group's bits in each lane.
Value MicroKernel::accumulateDot(OpBuilder &builder, Value input, Value weight, Value accumulator) const {
  auto call = [&](StringRef intrinsic, ValueRange arguments) -> Value {
    return LLVM::CallIntrinsicOp::create(builder, loc, accumulator.getType(), builder.getStringAttr(intrinsic), arguments)
        .getResult(0);
  };
  if (isa<FloatType>(accumulatorType)) {
    Value pairs = vector::BitCastOp::create(builder, loc, weight.getType(), input);
    return call(target.getBf16Dot(), {accumulator, pairs, weight});
  }
  if (!isa<VectorType>(input.getType()))
    return accumulateScalarDot(builder, loc, input, weight, accumulator);
  auto packed = cast<VectorType>(weight.getType());
  Value spread = vector::BitCastOp::create(builder, loc, packed, input);
  if (target.getVnni())
    return call("llvm.x86.avx512.vpdpbusd." + std::to_string(target.getVectorBits()), {accumulator, spread, weight});
  // By name: LLVM adds the accumulator between the two products, and no longer sees the pair.
  if (!target.getI16Dot().empty())
    return arith::AddIOp::create(builder, loc, call(target.getI16Dot(), {spread, weight}), accumulator);
  // Even and odd neighbours apart, multiplied in i32 and added.
  auto sumOfProducts = [&](unsigned half) -> Value {
    Value a = vector::DeinterleaveOp::create(builder, loc, spread).getResult(half);
    Value b = vector::DeinterleaveOp::create(builder, loc, weight).getResult(half);
    Value product = arith::MulIOp::create(builder, loc, arith::ExtSIOp::create(builder, loc, accumulator.getType(), a),
                                          arith::ExtSIOp::create(builder, loc, accumulator.getType(), b));
    return product;
  };
  Value sum = arith::AddIOp::create(builder, loc, sumOfProducts(0), sumOfProducts(1));
  return arith::AddIOp::create(builder, loc, sum, accumulator);
}

/// Whether panels follow each other, the last one filled up; else they are columns of a matrix (see readUnpacked).
static bool isPacked(MemRefType type) {
  return type.getLayout().isIdentity() || type.getStridesAndOffset().first[type.getRank() - 2] == type.getShape().back();
}

Value MicroKernel::loadPacked(OpBuilder &builder, Value packed, ValueRange outer, Value panel, ValueRange inner,
                              int64_t number, int64_t columns) const {
  Index index(builder, loc);
  OpFoldResult column = index.mul(index.rem(panel, index.fold(parts)), index.fold(panelWidth * group));
  SmallVector<Value> indices(outer);
  indices.push_back(index.get(index.div(panel, parts)));
  llvm::append_range(indices, inner);
  indices.push_back(index.get(index.add(column, index.fold(number * lanes * group))));
  int64_t width = getVectorLanes(number, columns), existing = columns - number * lanes;
  if (existing < width && !isPacked(cast<MemRefType>(packed.getType())))
    return loadFirst(builder, loc, packed, indices, existing, width);
  return loadWide(builder, loc, packed, indices, width * group);
}

Value MicroKernel::loadWeights(OpBuilder &builder, Value packed, ValueRange outer, Value panel, ValueRange inner,
                               int64_t number, int64_t columns) const {
  Value weights = loadPacked(builder, packed, outer, panel, inner, number, columns);
  return group > 1 ? weights : convertElements(builder, loc, weights, accumulatorType);
}

PanelAhead MicroKernel::getPanelAhead(OpBuilder &builder, Value packed, ValueRange outer, Value panel,
                                      OpFoldResult row, int64_t rows, OpFoldResult total) const {
  constexpr int64_t leastPanel = 4 << 10, leastWeights = 128 << 10, leastRows = 4;
  auto type = cast<MemRefType>(packed.getType());
  std::optional<int64_t> all = getStatic(total);
  bool isTooShort = rows < leastRows && all.value_or(rows) == rows;
  if (isTooShort || !type.hasStaticShape() || parts > 1 || !packed.getDefiningOp<memref::GetGlobalOp>())
    return {};
  int64_t elementBytes = llvm::divideCeil(type.getElementTypeBitWidth(), 8), width = type.getShape().back();
  int64_t elements = ShapedType::getNumElements(type.getShape().drop_front(outer.size() + 1));
  if (elements * elementBytes < leastPanel || type.getNumElements() * elementBytes < leastWeights)
    return {};
  Index index(builder, loc);
  PanelAhead ahead{packed, llvm::to_vector(outer), {}, {}, 1};
  ahead.at.push_back(index.get(index.add(panel, index.fold(1))));
  ahead.at.resize(type.getRank(), index.constant(0));
  int64_t line = lineBytes / elementBytes;
  if (all) {
    int64_t perStep = llvm::divideCeil(width * rows, std::max<int64_t>(*all, 1));
    ahead.first = index.div(index.mul(row, index.fold(elements)), *all);
    ahead.perStep = index.fold(perStep);
    ahead.lines = llvm::divideCeil(perStep, line);
    return ahead.lines > 2 ? PanelAhead() : ahead;
  }
  // A line per step, of small tiles, which may be the only one, two. Both quotients are the same for all tiles.
  ahead.lines = std::min<int64_t>(2 * rows <= maxRows ? 2 : 1, llvm::divideCeil(width, line));
  total = index.max(total, index.fold(1)); // of what has no rows, quotients may be computed ahead
  ahead.first = index.mul(row, index.quotient(index.fold(elements), total));
  ahead.perStep = index.min(index.fold(ahead.lines * line), index.add(index.quotient(index.fold(width * rows), total), index.fold(1)));
  return ahead;
}

/// The last panel's addresses are those behind the weights: often of the next layer, and never read.
void MicroKernel::prefetch(OpBuilder &builder, const PanelAhead &ahead, OpFoldResult step) const {
  if (ahead.lines == 0)
    return;
  Index index(builder, loc);
  SmallVector<Value> at(ahead.at);
  OpFoldResult first = index.add(ahead.first, index.mul(step, ahead.perStep));
  int64_t line = 8 * lineBytes / cast<MemRefType>(ahead.packed.getType()).getElementTypeBitWidth();
  for (int64_t number = 0; number < ahead.lines; ++number) {
    at.back() = index.get(index.add(first, index.fold(number * line)));
    memref::PrefetchOp::create(builder, loc, ahead.packed, at, /*isWrite=*/false, /*localityHint=*/2,
                               /*isDataCache=*/true);
  }
}

Value MicroKernel::loadInput(OpBuilder &builder, Value input, ValueRange indices, bool isLast) const {
  if (group == 1)
    return convertElements(builder, loc, memref::LoadOp::create(builder, loc, input, indices), accumulatorType);
  Type word = builder.getI32Type();
  if (isLast) {
    Value bits = arith::BitcastOp::create(builder, loc, builder.getI16Type(),
                                          memref::LoadOp::create(builder, loc, input, indices));
    return arith::ExtUIOp::create(builder, loc, word, bits);
  }
  Value bytes = loadWide(builder, loc, input, indices, group);
  Type element = kernel::getDotPacking(target).type;
  if (inputType.isInteger(8) && !element.isInteger(8)) {
    if (lanes > 1)
      word = builder.getI16Type(); // widened where it is in all lanes
    else
      bytes = arith::ExtUIOp::create(builder, loc, VectorType::get({group}, element), bytes);
  }
  Value bits = vector::BitCastOp::create(builder, loc, VectorType::get({1}, word), bytes);
  return vector::ExtractOp::create(builder, loc, bits, ArrayRef<int64_t>{0});
}

void storeTile(OpBuilder &builder, kernel::EpilogueOpInterface kernel, ValueRange accumulators,
               ArrayRef<SmallVector<Value>> rowIndices, int64_t lanes, int64_t columns) {
  Index index(builder, kernel->getLoc());
  int64_t vectors = accumulators.size() / std::max<size_t>(1, rowIndices.size());
  for (auto [row, indices] : llvm::enumerate(rowIndices)) {
    for (int64_t vector = 0; vector < vectors; ++vector) {
      int64_t count = std::min(lanes, columns - vector * lanes);
      if (count <= 0)
        break;
      SmallVector<Value> at(indices);
      at.back() = index.get(index.add(at.back(), index.fold(vector * lanes)));
      storePartially(builder, kernel, accumulators[row * vectors + vector], at, count);
    }
  }
}

} // namespace nnc
