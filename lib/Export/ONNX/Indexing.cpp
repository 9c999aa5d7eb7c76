// Gathers, scatters, shapes and generators.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

static void writeGather(OpWriter &writer, nn::GatherOp op) {
  writer.finish("Gather", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

static void writeGatherElements(OpWriter &writer, nn::GatherElementsOp op) {
  writer.finish("GatherElements", writer.operands(), {{"axis", int64_t(op.getAxis())}});
}

/// `value` with another element type.
static std::string castTo(OpWriter &writer, Value value, Type type) {
  if (getElementTypeOrSelf(value) == type)
    return writer.name(value);
  return writer.add("Cast", {writer.name(value)}, {{"to", int64_t(getDataType(type))}});
}

/// Unlike GatherElements, GatherND and ScatterND have no indices of i32.
static std::string asIndices(OpWriter &writer, Value indices) {
  return castTo(writer, indices, IntegerType::get(indices.getContext(), 64));
}

static void writeGatherND(OpWriter &writer, nn::GatherNDOp op) {
  writer.finish("GatherND", {writer.name(op.getData()), asIndices(writer, op.getIndices())},
                {{"batch_dims", int64_t(op.getBatchDims())}});
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
    writer.finish("ScatterND",
                  {writer.name(op.getData()), asIndices(writer, op.getIndices()), writer.name(op.getUpdates())},
                  getReduction(op));
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

/// ONNX Runtime has it for indices and a depth of i64 and values of f32 and i64; those of other types are exact in these,
/// or f64, of which it has the choice.
static void writeOneHot(OpWriter &writer, nn::OneHotOp op) {
  Builder builder(op.getContext());
  Type i64 = builder.getI64Type(), type = getElementTypeOrSelf(op.getResult());
  std::string indices = castTo(writer, op.getIndices(), i64), depth = castTo(writer, op.getDepth(), i64);
  Attribute axis("axis", int64_t(op.getAxis()));
  if (type.isF64()) {
    std::string bits = writer.constant(DenseElementsAttr::get(RankedTensorType::get({2}, i64), ArrayRef<int64_t>{0, 1}));
    std::string isHot = writer.add("Cast", {writer.add("OneHot", {indices, depth, bits}, {axis})},
                                   {{"to", int64_t(getDataType(builder.getI1Type()))}});
    std::string values = writer.name(op.getValues());
    auto pick = [&](int64_t place) { return writer.add("Gather", {values, writer.scalar(i64, place)}); };
    std::string off = pick(0), on = pick(1);
    return writer.finish("Where", {isHot, on, off});
  }
  Type between = isa<FloatType>(type) ? Type(builder.getF32Type()) : i64;
  SmallVector<std::string> inputs{indices, depth, castTo(writer, op.getValues(), between)};
  if (type == between)
    return writer.finish("OneHot", inputs, {axis});
  writer.finish("Cast", {writer.add("OneHot", inputs, {axis})}, {{"to", int64_t(getDataType(type))}});
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
