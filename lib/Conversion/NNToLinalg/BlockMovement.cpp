// Blocks of an image become channels, or the other way round: the axes are split,
// permuted and merged.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc {

/// depth_to_space and space_to_depth: split, permute, merge. `split` are the
/// extents of the six axes after splitting.
static Value moveBlocks(ImplicitLocOpBuilder &builder, Value input, RankedTensorType type, ArrayRef<int64_t> split,
                        ArrayRef<Value> extents, ArrayRef<int64_t> permutation) {
  RankedTensorType splitType = type.clone(split);
  Value blocks = reshapeTo(builder, input, splitType, extents);
  SmallVector<int64_t> shape;
  SmallVector<Value> permuted;
  for (int64_t axis : permutation) {
    shape.push_back(split[axis]);
    permuted.push_back(extents[axis]);
  }
  return transposeTo(builder, blocks, type.clone(shape), permutation);
}

template <typename OpTy>
static Value convertBlocks(ImplicitLocOpBuilder &builder, OpTy op, Value input, RankedTensorType type, bool grow) {
  bool first = op.getLayout() == nn::Layout::ChannelsFirst, dcr = op.getOrder() == nn::DepthOrder::DepthColumnRow;
  int64_t block = op.getBlock(), channel = first ? 1 : 3, row = first ? 2 : 1;
  RankedTensorType source = getRanked(input);
  auto divided = [&](int64_t axis, int64_t by) {
    return source.isDynamicDim(axis) ? ShapedType::kDynamic : source.getDimSize(axis) / by;
  };
  // The three channel parts (row in block, column in block, depth), in the order of memory.
  int64_t depth = divided(channel, grow ? block * block : 1), unit = grow ? 1 : block;
  SmallVector<int64_t> split;       // the six extents
  SmallVector<int64_t> owner;       // the input axis of an extent that is not static
  SmallVector<int64_t> parts(7);    // positions of: batch, row, column, depth, row in block, column in block
  auto push = [&](int64_t part, int64_t extent, int64_t axis) {
    parts[part] = split.size();
    split.push_back(extent);
    owner.push_back(axis);
  };
  auto pushChannels = [&] {
    if (grow && dcr)
      push(4, block, -1), push(5, block, -1), push(3, depth, channel);
    else if (grow)
      push(3, depth, channel), push(4, block, -1), push(5, block, -1);
    else
      push(3, depth, channel);
  };
  push(0, source.getDimSize(0), 0);
  if (first)
    pushChannels();
  push(1, divided(row, unit), row);
  if (!grow)
    push(4, block, -1);
  push(2, divided(row + 1, unit), row + 1);
  if (!grow)
    push(5, block, -1);
  if (!first)
    pushChannels();
  SmallVector<Value> extents(split.size());
  for (auto [i, extent] : llvm::enumerate(split)) {
    if (!ShapedType::isDynamic(extent))
      continue;
    int64_t by = owner[i] == channel ? (grow ? block * block : 1) : owner[i] == 0 ? 1 : unit;
    extents[i] = builder.createOrFold<arith::DivUIOp>(getExtent(builder, builder.getLoc(), input, owner[i]),
                                                      getIndex(builder, by));
  }
  // The order of the parts in the result.
  SmallVector<int64_t> order;
  SmallVector<int64_t> channels = grow ? SmallVector<int64_t>{3} : dcr ? SmallVector<int64_t>{4, 5, 3}
                                                                      : SmallVector<int64_t>{3, 4, 5};
  SmallVector<int64_t> space = grow ? SmallVector<int64_t>{1, 4, 2, 5} : SmallVector<int64_t>{1, 2};
  order.push_back(0);
  llvm::append_range(order, first ? channels : space);
  llvm::append_range(order, first ? space : channels);
  SmallVector<int64_t> permutation = llvm::map_to_vector(order, [&](int64_t part) { return parts[part]; });
  Value moved = moveBlocks(builder, input, type, split, extents, permutation);
  SmallVector<ReassociationIndices> groups;
  auto group = [&](int64_t size) {
    int64_t start = groups.empty() ? 0 : groups.back().back() + 1;
    groups.push_back(llvm::to_vector(llvm::seq(start, start + size)));
  };
  group(1);
  if (first)
    group(channels.size());
  group(grow ? 2 : 1);
  group(grow ? 2 : 1);
  if (!first)
    group(channels.size());
  return castTo(builder, tensor::CollapseShapeOp::create(builder, moved, groups), type);
}

template <>
Value LowerOp<nn::DepthToSpaceOp>::build(ImplicitLocOpBuilder &builder, nn::DepthToSpaceOp op,
                                                 OpAdaptor adaptor, RankedTensorType type) const {
  return convertBlocks(builder, op, adaptor.getInput(), type, /*grow=*/true);
}

template <>
Value LowerOp<nn::SpaceToDepthOp>::build(ImplicitLocOpBuilder &builder, nn::SpaceToDepthOp op,
                                                 OpAdaptor adaptor, RankedTensorType type) const {
  return convertBlocks(builder, op, adaptor.getInput(), type, /*grow=*/false);
}

void populateBlockMovementToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::DepthToSpaceOp>, LowerOp<nn::SpaceToDepthOp>>(types, patterns.getContext());
}

} // namespace nnc
