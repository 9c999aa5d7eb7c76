// What data choose.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

static void writeNonZero(OpWriter &writer, nn::NonZeroOp op) { writer.finish("NonZero", writer.operands()); }

/// ONNX's first output, the distinct slices themselves, is a gather here.
static void writeUnique(OpWriter &writer, nn::UniqueOp op) {
  if (getElementTypeOrSelf(op.getInput().getType()).isBF16())
    return writer.refuse("its Unique has no bfloat16 in the opsets that are written");
  writer.finish("Unique", writer.operands(), {{"axis", int64_t(op.getAxis())}, {"sorted", int64_t(op.getSorted())}},
                /*numUnused=*/1);
}

static void writeNonMaxSuppression(OpWriter &writer, nn::NonMaxSuppressionOp op) {
  writer.finish("NonMaxSuppression", writer.operands(), {{"center_point_box", int64_t(op.getCenterPointBox())}});
}

static const WriterEntry table[] = {row<nn::NonZeroOp, writeNonZero>(), row<nn::UniqueOp, writeUnique>(),
                                    row<nn::NonMaxSuppressionOp, writeNonMaxSuppression>()};

ArrayRef<WriterEntry> getSelectionWriters() { return table; }

} // namespace nnc::onnx_export
