// TFLite operators of the movement family: the elements stay as they are.
#include "lib/Frontend/TFLite/ModelReader.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

using namespace mlir;

namespace nnc::tflite {

//===--- The same order of elements ---===//

/// The shape is the second operand, or in old files an option.
static LogicalResult importReshape(OpBinder &op) {
  Value x = op.operand(0);
  ArrayRef<int32_t> option = getElements(op.options<format::ReshapeOptions>().new_shape());
  Value shape;
  if (op.optionalOperand(1))
    shape = op.indexList(1);
  else if (option.size() == 1 && option[0] == 0) // a scalar, in files of the first versions
    shape = op.ints({});
  else
    shape = op.ints(SmallVector<int64_t>(option.begin(), option.end()));
  return op.result(op.create<nn::ReshapeOp>(x, shape, /*allow_zero=*/true));
}

/// Sparse weights are decoded where they are read.
static LogicalResult importDensify(OpBinder &op) { return op.result(op.operand(0)); }

static LogicalResult importSqueeze(OpBinder &op) {
  Value x = op.operand(0);
  if (!x)
    return failure();
  SmallVector<int64_t> axes;
  for (int64_t axis : getElements(op.options<format::SqueezeOptions>().squeeze_dims()))
    axes.push_back(op.normalizeAxis(axis, op.getRank(x)));
  if (axes.empty())
    for (auto [axis, extent] : llvm::enumerate(op.getShape(x)))
      if (extent == 1)
        axes.push_back(axis);
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return op.result(op.create<nn::SqueezeOp>(x, axes));
}

static LogicalResult importExpandDims(OpBinder &op) {
  Value x = op.operand(0);
  int64_t axis = op.normalizeAxis(op.constantInt(1), op.getRank(x) + 1);
  return op.result(op.create<nn::UnsqueezeOp>(x, ArrayRef<int64_t>{axis}));
}

static LogicalResult importTranspose(OpBinder &op) {
  Value x = op.operand(0);
  SmallVector<int64_t> permutation = op.constantInts(1);
  for (int64_t &axis : permutation)
    axis = op.normalizeAxis(axis, op.getRank(x));
  return op.result(op.create<nn::TransposeOp>(x, permutation));
}

static LogicalResult importReverse(OpBinder &op) {
  Value x = op.operand(0);
  SmallVector<int64_t> axes = op.constantInts(1);
  for (int64_t &axis : axes)
    axis = op.normalizeAxis(axis, op.getRank(x));
  llvm::sort(axes);
  if (llvm::unique(axes) != axes.end())
    return op.reject("an axis is there twice");
  return op.result(op.create<nn::ReverseOp>(x, axes));
}

//===--- Several tensors ---===//

static LogicalResult importConcatenation(OpBinder &op) {
  SmallVector<Value> parts = op.allOperands();
  const auto &options = op.options<format::ConcatenationOptions>();
  if (op.failed())
    return failure();
  int64_t axis = op.normalizeAxis(options.axis(), op.getRank(parts.front()));
  return op.result(op.activate(op.create<nn::ConcatOp>(parts, axis), options.fused_activation_function()));
}

static LogicalResult importPack(OpBinder &op) {
  SmallVector<Value> parts = op.allOperands();
  int64_t axis = op.options<format::PackOptions>().axis();
  if (op.failed())
    return failure();
  axis = op.normalizeAxis(axis, op.getRank(parts.front()) + 1);
  for (Value &part : parts)
    part = op.create<nn::UnsqueezeOp>(part, ArrayRef<int64_t>{axis});
  if (op.failed())
    return failure();
  return op.result(op.create<nn::ConcatOp>(parts, axis));
}

static LogicalResult importUnpack(OpBinder &op) {
  Value x = op.operand(0);
  int64_t axis = op.normalizeAxis(op.options<format::UnpackOptions>().axis(), op.getRank(x));
  if (op.failed())
    return failure();
  int64_t extent = op.getShape(x)[axis], count = op.getNumResults();
  if (!ShapedType::isDynamic(extent) && extent != count)
    return op.reject("it has " + Twine(count) + " results for an extent of " + Twine(extent));
  for (int64_t i = 0; i < count; ++i) {
    Value part = op.sliceAxis(x, axis, i, i + 1);
    if (failed(op.result(op.create<nn::SqueezeOp>(part, ArrayRef<int64_t>{axis}))))
      return failure();
  }
  return success();
}

//===--- Growth ---===//

Value bindPads(OpBinder &op, unsigned index, Value x) {
  Value pads = op.operand(index);
  if (op.failed())
    return {};
  if (op.getRank(pads) != 2 || op.getShape(pads)[0] != op.getRank(x) || op.getShape(pads)[1] != 2) {
    (void)op.reject("operand " + Twine(index) + " must have two numbers for each axis");
    return {};
  }
  pads = op.create<nn::TransposeOp>(pads, ArrayRef<int64_t>{1, 0});
  pads = op.create<nn::ReshapeOp>(pads, op.ints({2 * op.getRank(x)}), /*allow_zero=*/true);
  return op.cast(pads, op.getBuilder().getI64Type());
}

static LogicalResult importPad(OpBinder &op) {
  Value x = op.operand(0), pads = bindPads(op, 1, x), value = op.optionalOperand(2);
  return op.result(op.create<nn::PadOp>(x, pads, value, llvm::to_vector(llvm::seq<int64_t>(0, op.getRank(x))),
                                        nn::PadMode::Constant));
}

/// `x` with its first and last elements along an axis once more in front and behind, mirrored, the edge as well.
static Value padSymmetric(OpBinder &op, Value x, int64_t axis, int64_t before, int64_t after) {
  int64_t extent = op.failed() ? 0 : op.getShape(x)[axis];
  if (op.failed() || (before == 0 && after == 0))
    return x;
  if (ShapedType::isDynamic(extent) || before < 0 || after < 0 || before > extent || after > extent) {
    (void)op.reject("symmetric padding needs extents that are known at compile time and not less than the padding");
    return {};
  }
  SmallVector<Value> parts;
  if (before > 0)
    parts.push_back(op.create<nn::ReverseOp>(op.sliceAxis(x, axis, 0, before), ArrayRef<int64_t>{axis}));
  parts.push_back(x);
  if (after > 0)
    parts.push_back(op.create<nn::ReverseOp>(op.sliceAxis(x, axis, extent - after, extent), ArrayRef<int64_t>{axis}));
  return op.failed() ? Value() : op.create<nn::ConcatOp>(parts, axis);
}

static LogicalResult importMirrorPad(OpBinder &op) {
  Value x = op.operand(0);
  int64_t rank = op.getRank(x);
  format::MirrorPadMode mode = op.options<format::MirrorPadOptions>().mode();
  if (mode == format::MirrorPadMode::REFLECT) {
    Value pads = bindPads(op, 1, x);
    return op.result(
        op.create<nn::PadOp>(x, pads, Value(), llvm::to_vector(llvm::seq<int64_t>(0, rank)), nn::PadMode::Reflect));
  }
  SmallVector<int64_t> pads = op.constantInts(1);
  if (op.failed())
    return failure();
  if (mode != format::MirrorPadMode::SYMMETRIC || static_cast<int64_t>(pads.size()) != 2 * rank)
    return op.reject("its mode is not known, or its padding does not have two numbers for each axis");
  for (int64_t axis = 0; axis < rank; ++axis)
    x = padSymmetric(op, x, axis, pads[2 * axis], pads[2 * axis + 1]);
  return op.result(x);
}

static LogicalResult importTile(OpBinder &op) {
  Value x = op.operand(0), repeats = op.indexList(1);
  return op.result(op.create<nn::TileOp>(x, repeats));
}

static LogicalResult importBroadcastTo(OpBinder &op) {
  Value x = op.operand(0), shape = op.indexList(1);
  return op.result(op.create<nn::BroadcastToOp>(x, shape));
}

//===--- Images and batches ---===//

static LogicalResult importDepthToSpace(OpBinder &op) {
  Value x = op.operand(0);
  int64_t block = op.options<format::DepthToSpaceOptions>().block_size();
  return op.result(op.create<nn::DepthToSpaceOp>(x, block, nn::DepthOrder::DepthColumnRow, nn::Layout::ChannelsLast));
}

static LogicalResult importSpaceToDepth(OpBinder &op) {
  Value x = op.operand(0);
  int64_t block = op.options<format::SpaceToDepthOptions>().block_size();
  return op.result(op.create<nn::SpaceToDepthOp>(x, block, nn::DepthOrder::DepthColumnRow, nn::Layout::ChannelsLast));
}

namespace {

/// What SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND have in common: blocks of the first axes behind the batch, and a pair
/// of pads or crops for each.
struct Blocks {
  Value x;
  SmallVector<int64_t> shape, sizes, pairs;
  int64_t elements = 1; ///< of a block
};

} // namespace

static Blocks bindBlocks(OpBinder &op) {
  Blocks blocks{op.operand(0), {}, op.constantInts(1), op.constantInts(2)};
  if (op.failed())
    return blocks;
  blocks.shape.assign(op.getShape(blocks.x).begin(), op.getShape(blocks.x).end());
  size_t count = blocks.sizes.size();
  if (!op.getType(blocks.x).hasStaticShape() || count + 1 > blocks.shape.size() || blocks.pairs.size() != 2 * count)
    (void)op.reject("its blocks do not fit its input, or the extents of that are not known at compile time");
  for (int64_t size : blocks.sizes) {
    if (size < 1 || size > (1 << 16) || blocks.elements > (int64_t(1) << 32))
      (void)op.reject("the extents of a block must be positive and reasonable");
    blocks.elements *= size;
    if (op.failed())
      return blocks;
  }
  if (llvm::any_of(blocks.pairs, [](int64_t number) { return number < 0; }))
    (void)op.reject("its padding or cropping must not be negative");
  return blocks;
}

static LogicalResult importSpaceToBatch(OpBinder &op) {
  Blocks blocks = bindBlocks(op);
  if (op.failed())
    return failure();
  int64_t count = blocks.sizes.size(), rank = blocks.shape.size();
  SmallVector<int64_t> pads(2 * count), split{blocks.shape[0]}, permutation, result{blocks.shape[0] * blocks.elements};
  for (int64_t i = 0; i < count; ++i) {
    pads[i] = blocks.pairs[2 * i];
    pads[count + i] = blocks.pairs[2 * i + 1];
    int64_t extent = blocks.shape[i + 1] + pads[i] + pads[count + i];
    if (extent % blocks.sizes[i] != 0)
      return op.reject("an extent of " + Twine(extent) + " is no multiple of its block's " + Twine(blocks.sizes[i]));
    split.append({extent / blocks.sizes[i], blocks.sizes[i]});
    result.push_back(extent / blocks.sizes[i]);
    permutation.push_back(2 * i + 2);
  }
  permutation.push_back(0);
  for (int64_t i = 0; i < count; ++i)
    permutation.push_back(2 * i + 1);
  for (int64_t axis = count + 1; axis < rank; ++axis) {
    permutation.push_back(axis + count);
    split.push_back(blocks.shape[axis]);
    result.push_back(blocks.shape[axis]);
  }
  Value x = op.create<nn::PadOp>(blocks.x, op.ints(pads), Value(), llvm::to_vector(llvm::seq<int64_t>(1, count + 1)),
                                 nn::PadMode::Constant);
  x = op.create<nn::ReshapeOp>(x, op.ints(split), /*allow_zero=*/true);
  x = op.create<nn::TransposeOp>(x, permutation);
  return op.result(op.create<nn::ReshapeOp>(x, op.ints(result), /*allow_zero=*/true));
}

static LogicalResult importBatchToSpace(OpBinder &op) {
  Blocks blocks = bindBlocks(op);
  if (op.failed())
    return failure();
  int64_t count = blocks.sizes.size(), rank = blocks.shape.size();
  if (blocks.shape[0] % blocks.elements != 0)
    return op.reject("a batch of " + Twine(blocks.shape[0]) + " is no multiple of its block's " +
                     Twine(blocks.elements));
  SmallVector<int64_t> split(blocks.sizes), permutation{count}, joined{blocks.shape[0] / blocks.elements};
  SmallVector<int64_t> starts, ends;
  split.push_back(joined.front());
  for (int64_t i = 0; i < count; ++i) {
    int64_t extent = blocks.shape[i + 1] * blocks.sizes[i];
    split.push_back(blocks.shape[i + 1]);
    permutation.append({count + 1 + i, i});
    joined.push_back(extent);
    starts.push_back(blocks.pairs[2 * i]);
    ends.push_back(extent - blocks.pairs[2 * i + 1]);
    if (ends.back() < starts.back())
      return op.reject("its cropping leaves nothing");
  }
  for (int64_t axis = count + 1; axis < rank; ++axis) {
    split.push_back(blocks.shape[axis]);
    permutation.push_back(axis + count);
    joined.push_back(blocks.shape[axis]);
  }
  Value x = op.create<nn::ReshapeOp>(blocks.x, op.ints(split), /*allow_zero=*/true);
  x = op.create<nn::TransposeOp>(x, permutation);
  x = op.create<nn::ReshapeOp>(x, op.ints(joined), /*allow_zero=*/true);
  return op.result(op.create<nn::SliceOp>(x, op.ints(starts), op.ints(ends), Value(),
                                          llvm::to_vector(llvm::seq<int64_t>(1, count + 1))));
}

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::BATCH_TO_SPACE_ND, importBatchToSpace, importBatchToSpace},
    {Op::BROADCAST_TO, importBroadcastTo, importBroadcastTo},
    {Op::CONCATENATION, importConcatenation, importQuantizedConcatenation},
    {Op::DENSIFY, importDensify, importDensify},
    {Op::DEPTH_TO_SPACE, importDepthToSpace, importDepthToSpace},
    {Op::EXPAND_DIMS, importExpandDims, importExpandDims},
    {Op::MIRROR_PAD, importMirrorPad, importMirrorPad},
    {Op::PACK, importPack, importPack},
    {Op::PAD, importPad, importQuantizedPad},
    {Op::PADV2, importPad, importQuantizedPad},
    {Op::RESHAPE, importReshape, importReshape},
    {Op::REVERSE_V2, importReverse, importReverse},
    {Op::SPACE_TO_BATCH_ND, importSpaceToBatch},
    {Op::SPACE_TO_DEPTH, importSpaceToDepth, importSpaceToDepth},
    {Op::SQUEEZE, importSqueeze, importSqueeze},
    {Op::TILE, importTile, importTile},
    {Op::TRANSPOSE, importTranspose, importTranspose},
    {Op::UNPACK, importUnpack, importUnpack},
};

ArrayRef<OpEntry> getMovementOps() { return table; }

} // namespace nnc::tflite
