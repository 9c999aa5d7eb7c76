// Verifiers of the contraction family.
#include "dialects/Kernel/Kernel.h"

using namespace mlir;

namespace nnc::kernel {

LogicalResult ContractOp::verify() {
  auto rank = [](Value value) { return cast<ShapedType>(value.getType()).getRank(); };
  if (rank(getLhs()) < 2 || rank(getRhs()) != rank(getLhs()) + 1 || rank(getInit()) != rank(getLhs()))
    return emitOpError("lhs, packed rhs and destination do not fit");
  if (cast<ShapedType>(getRhs().getType()).isDynamicDim(rank(getRhs()) - 1))
    return emitOpError("the width of a panel must be static");
  if (WeightBlocksAttr blocks = getBlocksAttr()) {
    auto packed = cast<ShapedType>(getRhs().getType()), left = cast<ShapedType>(getLhs().getType());
    bool fits = packed.getRank() == 3 && packed.hasStaticShape() && packed.getElementType().isInteger(32) &&
                packed.getDimSize(1) % blocks.getRows() == 0 && !cast<ShapedType>(getInit().getType()).isDynamicDim(1);
    int64_t numBlocks = packed.getDimSize(1) / blocks.getRows();
    int64_t extent = numBlocks * (left.getElementType().isInteger(32) ? blocks.getInputWords() : blocks.getSize());
    if (!fits || (!left.isDynamicDim(1) && left.getDimSize(1) != extent))
      return emitOpError("the packed rhs is not of the blocks that the product has");
  }
  return verifyStructured(cast<EpilogueOpInterface>(getOperation()));
}

LogicalResult QuantizeBlocksOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()), init = cast<ShapedType>(getInit().getType());
  if (source.getRank() != 2 || init.getRank() != 2 || !source.getElementType().isF32() || !init.getElementType().isInteger(32) ||
      source.isDynamicDim(1) || source.getDimSize(1) % getBlocks().getSize() != 0 || getBlocks().getSize() % 16 != 0 ||
      init.getDimSize(1) != source.getDimSize(1) / getBlocks().getSize() * getBlocks().getInputWords())
    return emitOpError("source and destination do not fit");
  return success();
}

LogicalResult PackMatrixOp::verify() {
  auto source = cast<ShapedType>(getSource().getType()), init = cast<ShapedType>(getInit().getType());
  if (source.getRank() < 2 || init.getRank() != source.getRank() + 1)
    return emitOpError("source and destination do not fit");
  return success();
}

DotPacking getDotPacking(TargetAttr target) {
  // Vectors without an instruction for bytes take pairs of 16-bit integers: what they are multiplied and added in. A CPU
  // without vectors extends each byte when it loads it.
  constexpr unsigned leastVectorBits = 128;
  bool isOfBytes = target.getVnni() || target.getVectorBits() < leastVectorBits;
  return isOfBytes ? DotPacking{4, IntegerType::get(target.getContext(), 8)}
                   : DotPacking{2, IntegerType::get(target.getContext(), 16)};
}

bool isPaired(Type input, int64_t summed, int64_t steps) {
  return input.isBF16() && !ShapedType::isDynamic(summed) && summed > 1 && steps == (summed + 1) / 2;
}

int64_t getTileWidth(TargetAttr target, int64_t n, Type elementType) {
  // Half precision is summed in f32.
  bool isHalf = isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() < 32;
  int64_t lanes = target.getLanes(isHalf ? Float32Type::get(target.getContext()) : elementType);
  // Two vectors wide on most targets (14x2 of 32, 6x2 of 16 registers); one where the matrix is no wider.
  if (!ShapedType::isDynamic(n) && n <= lanes)
    return lanes;
  return 2 * lanes;
}

int64_t getPanelWidth(TargetAttr target, int64_t n, Type elementType) {
  auto packedFor = TargetAttr::get(target.getContext(), std::max(target.getVectorBits(), target.getPackedBits()),
                                   target.getVectorRegisters(), target.getFma(), target.getL1Bytes(),
                                   target.getL2Bytes(), target.getVnni(), /*packedBits=*/0, target.getBf16Dot(),
                                   target.getI16Dot(), target.getByteLookup(), target.getFloatLookup(),
                                   target.getByteTiles(), target.getBf16Tiles());
  return getTileWidth(packedFor, n, elementType);
}

} // namespace nnc::kernel
