// Movement: the operations are ONNX's, but for reverse.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc::onnx_export {

static void writeReshape(OpWriter &writer, nn::ReshapeOp op) {
  SmallVector<Attribute> attributes;
  if (op.getAllowZero() && writer.getOpset() >= 14)
    attributes.push_back({"allowzero", int64_t(1)});
  auto shape = nn::getConstantInts(op.getShape());
  bool mayHaveZero = !shape || llvm::is_contained(*shape, 0);
  if (op.getAllowZero() && mayHaveZero && !writer.needsOpset(14))
    return;
  if (!mayHaveZero)
    attributes.clear();
  writer.finish("Reshape", {writer.name(op.getInput()), writer.name(op.getShape())}, attributes);
}

static void writeSqueeze(OpWriter &writer, nn::SqueezeOp op) {
  writer.finish("Squeeze", {writer.name(op.getInput()), writer.ints(op.getAxes())});
}

static void writeUnsqueeze(OpWriter &writer, nn::UnsqueezeOp op) {
  writer.finish("Unsqueeze", {writer.name(op.getInput()), writer.ints(op.getAxes())});
}

static void writeFlatten(OpWriter &writer, nn::FlattenOp op) {
  writer.finish("Flatten", {writer.name(op.getInput())}, {{"axis", int64_t(op.getAxis())}});
}

/// The elements of a constant in another order of its axes, as raw_data has them.
static std::string transposeBytes(ElementsAttr elements, ArrayRef<int64_t> permutation) {
  std::string bytes = getRawData(elements), result;
  ArrayRef<int64_t> shape = elements.getShapedType().getShape();
  int64_t count = elements.getNumElements(), rank = shape.size();
  if (count == 0)
    return bytes;
  size_t width = bytes.size() / count;
  SmallVector<int64_t> strides(rank, 1), place(rank, 0);
  for (int64_t axis = rank - 2; axis >= 0; --axis)
    strides[axis] = strides[axis + 1] * shape[axis + 1];
  result.reserve(bytes.size());
  for (int64_t i = 0, from = 0; i < count; ++i) {
    result.append(bytes, from * width, width);
    for (int64_t axis = rank - 1; axis >= 0; --axis) { // of the result
      from += strides[permutation[axis]];
      if (++place[axis] < shape[permutation[axis]])
        break;
      from -= strides[permutation[axis]] * shape[permutation[axis]];
      place[axis] = 0;
    }
  }
  return result;
}

/// Weights are written in the order in which they are used.
static void writeTranspose(OpWriter &writer, nn::TransposeOp op) {
  ElementsAttr elements;
  if (matchPattern(op.getInput(), m_Constant(&elements)) &&
      writer.finishAsConstant(cast<RankedTensorType>(op.getType()), transposeBytes(elements, op.getPermutation())))
    return;
  writer.finish("Transpose", {writer.name(op.getInput())}, {{"perm", op.getPermutation()}});
}

static void writeConcat(OpWriter &writer, nn::ConcatOp op) {
  writer.finish("Concat", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeSlice(OpWriter &writer, nn::SliceOp op) {
  writer.finish("Slice", {writer.name(op.getInput()), writer.name(op.getStarts()), writer.name(op.getEnds()),
                          writer.ints(op.getAxes()), writer.name(op.getSteps())});
}

static void writeReverse(OpWriter &writer, nn::ReverseOp op) {
  size_t count = op.getAxes().size();
  SmallVector<int64_t> last(count, -1), beforeFirst(count, std::numeric_limits<int64_t>::min());
  writer.finish("Slice", {writer.name(op.getInput()), writer.ints(last), writer.ints(beforeFirst),
                          writer.ints(op.getAxes()), writer.ints(last)});
}

/// Before opset 18 the pads are those of all axes.
static void writePad(OpWriter &writer, nn::PadOp op) {
  if (op.getMode() == nn::PadMode::Wrap && !writer.needsOpset(19))
    return;
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  std::string pads = writer.name(op.getPads()), axes;
  bool areAll = llvm::equal(op.getAxes(), llvm::seq<int64_t>(0, rank));
  if (!areAll && writer.getOpset() >= 18) {
    axes = writer.ints(op.getAxes());
  } else if (!areAll) {
    auto known = nn::getConstantInts(op.getPads());
    if (!known)
      return writer.refuse("pads that are not constant need --opset=18");
    SmallVector<int64_t> all(2 * rank, 0);
    for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
      all[axis] = (*known)[i];
      all[rank + axis] = (*known)[i + op.getAxes().size()];
    }
    pads = writer.ints(all);
  }
  std::string value = op.getValue() ? writer.asScalar(op.getValue()) : "";
  writer.finish("Pad", {writer.name(op.getInput()), pads, value, axes},
                {{"mode", nn::stringifyPadMode(op.getMode()).str()}});
}

static void writeBroadcastTo(OpWriter &writer, nn::BroadcastToOp op) { writer.finish("Expand", writer.operands()); }

static void writeTile(OpWriter &writer, nn::TileOp op) { writer.finish("Tile", writer.operands()); }

static void writeDepthToSpace(OpWriter &writer, nn::DepthToSpaceOp op) {
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  std::string mode = op.getOrder() == nn::DepthOrder::DepthColumnRow ? "DCR" : "CRD";
  around.finish("DepthToSpace", {around.getInput()}, {{"blocksize", int64_t(op.getBlock())}, {"mode", mode}});
}

static void writeSpaceToDepth(OpWriter &writer, nn::SpaceToDepthOp op) {
  if (op.getOrder() != nn::DepthOrder::DepthColumnRow)
    return writer.refuse("space_to_depth in the order crd");
  ChannelsFirst around(writer, op.getInput(), op.getLayout());
  around.finish("SpaceToDepth", {around.getInput()}, {{"blocksize", int64_t(op.getBlock())}});
}

static void writeTrilu(OpWriter &writer, nn::TriluOp op) {
  if (!writer.needsOpset(14))
    return;
  std::string diagonal = op.getDiagonal() ? writer.asScalar(op.getDiagonal()) : "";
  writer.finish("Trilu", {writer.name(op.getInput()), diagonal}, {{"upper", int64_t(op.getUpper())}});
}

static const WriterEntry table[] = {
    row<nn::ReshapeOp, writeReshape>(),           row<nn::SqueezeOp, writeSqueeze>(),
    row<nn::UnsqueezeOp, writeUnsqueeze>(),       row<nn::FlattenOp, writeFlatten>(),
    row<nn::TransposeOp, writeTranspose>(),       row<nn::ConcatOp, writeConcat>(),
    row<nn::SliceOp, writeSlice>(),               row<nn::ReverseOp, writeReverse>(),
    row<nn::PadOp, writePad>(),                   row<nn::BroadcastToOp, writeBroadcastTo>(),
    row<nn::TileOp, writeTile>(),                 row<nn::DepthToSpaceOp, writeDepthToSpace>(),
    row<nn::SpaceToDepthOp, writeSpaceToDepth>(), row<nn::TriluOp, writeTrilu>(),
};

ArrayRef<WriterEntry> getMovementWriters() { return table; }

} // namespace nnc::onnx_export
