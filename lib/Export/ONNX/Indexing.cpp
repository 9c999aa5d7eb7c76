// Gathers, scatters, shapes and generators.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

static void writeGather(OpWriter &writer, nn::GatherOp op) {
  writer.finish("Gather", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeGatherElements(OpWriter &writer, nn::GatherElementsOp op) {
  writer.finish("GatherElements", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeGatherND(OpWriter &writer, nn::GatherNDOp op) {
  writer.finish("GatherND", writer.operands(), {{"batch_dims", int64_t(op.getBatchDims())}});
}

/// False, with the operation refused, where the opset does not know the reduction.
static bool checkReduction(OpWriter &writer, nn::ScatterReduction reduction) {
  bool isExtreme = reduction == nn::ScatterReduction::Max || reduction == nn::ScatterReduction::Min;
  return reduction == nn::ScatterReduction::None || writer.needsOpset(isExtreme ? 18 : 16);
}

template <typename OpTy> static SmallVector<Attribute> getReduction(OpTy op) {
  if (op.getReduction() == nn::ScatterReduction::None)
    return {};
  return {{"reduction", nn::stringifyScatterReduction(op.getReduction()).str()}};
}

static void writeScatterElements(OpWriter &writer, nn::ScatterElementsOp op) {
  SmallVector<Attribute> attributes = getReduction(op);
  attributes.push_back({"axis", int64_t(op.getAxis())});
  if (checkReduction(writer, op.getReduction()))
    writer.finish("ScatterElements", writer.operands(), attributes);
}

static void writeScatterND(OpWriter &writer, nn::ScatterNDOp op) {
  if (checkReduction(writer, op.getReduction()))
    writer.finish("ScatterND", writer.operands(), getReduction(op));
}

/// Before opset 15 a slice of all extents.
static void writeShape(OpWriter &writer, nn::ShapeOp op) {
  int64_t rank = cast<RankedTensorType>(op.getInput().getType()).getRank();
  int64_t start = op.getStart(), end = op.getEnd();
  if (start == 0 && end == rank)
    return writer.finish("Shape", writer.operands());
  if (writer.getOpset() >= 15)
    return writer.finish("Shape", writer.operands(), {{"start", start}, {"end", end}});
  writer.finish("Slice", {writer.add("Shape", writer.operands()), writer.ints({start}), writer.ints({end})});
}

static void writeSize(OpWriter &writer, nn::SizeOp op) { writer.finish("Size", writer.operands()); }

static void writeFill(OpWriter &writer, nn::FillOp op) {
  writer.finish("Expand", {writer.asScalar(op.getValue()), writer.name(op.getShape())});
}

static void writeRange(OpWriter &writer, nn::RangeOp op) {
  writer.finish("Range", {writer.asScalar(op.getStart()), writer.asScalar(op.getLimit()), writer.asScalar(op.getDelta())});
}

static void writeOneHot(OpWriter &writer, nn::OneHotOp op) {
  writer.finish("OneHot", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeEyeLike(OpWriter &writer, nn::EyeLikeOp op) {
  writer.finish("EyeLike", writer.operands(), {{"dtype", int64_t(getDataType(op.getTo()))}, {"k", int64_t(op.getDiagonal())}});
}

static const WriterEntry table[] = {
    row<nn::GatherOp, writeGather>(),
    row<nn::GatherElementsOp, writeGatherElements>(),
    row<nn::GatherNDOp, writeGatherND>(),
    row<nn::ScatterElementsOp, writeScatterElements>(),
    row<nn::ScatterNDOp, writeScatterND>(),
    row<nn::ShapeOp, writeShape>(),
    row<nn::SizeOp, writeSize>(),
    row<nn::FillOp, writeFill>(),
    row<nn::RangeOp, writeRange>(),
    row<nn::OneHotOp, writeOneHot>(),
    row<nn::EyeLikeOp, writeEyeLike>(),
};

ArrayRef<WriterEntry> getIndexingWriters() { return table; }

} // namespace nnc::onnx_export
