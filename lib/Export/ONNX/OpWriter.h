// What the writer of an operation sees: names of its operands, a way to add nodes,
// a way to refuse. The last node takes the names of the operation's results:
//
//   static void writeSoftmax(OpWriter &writer, nn::SoftmaxOp op) {
//     writer.finish("Softmax", {writer.name(op.getInput())}, {{"axis", int64_t(op.getAxis())}});
//   }
#ifndef LIB_EXPORT_ONNX_OPWRITER_H
#define LIB_EXPORT_ONNX_OPWRITER_H

#include "lib/Export/ONNX/GraphWriter.h"

namespace nnc::onnx_export {

class OpWriter {
public:
  OpWriter(GraphWriter &graph, mlir::Operation *op);

  int64_t getOpset() const { return graph.getOpset(); }
  GraphWriter &getGraph() { return graph; }
  mlir::MLIRContext *getContext() const { return op->getContext(); }
  /// A name that no other tensor has, from the layer's and `part`.
  std::string makeName(llvm::StringRef part) { return graph.makeUnique(layer + "/" + part.str()); }
  /// The ONNX name of a value; "" for null.
  std::string name(mlir::Value value) { return graph.getName(value); }
  /// Names of all operands, in order.
  llvm::SmallVector<std::string> operands();

  /// A node between; the name of its output.
  std::string add(llvm::StringRef type, Names inputs, Attributes attributes = {});
  /// A node between of several outputs; their names.
  llvm::SmallVector<std::string> addAll(llvm::StringRef type, Names inputs, Attributes attributes, unsigned numOutputs);
  /// The node whose output is the operation's result `index`.
  void finishResult(unsigned index, llvm::StringRef type, Names inputs, Attributes attributes = {});
  /// The node whose outputs are the operation's results, behind `numUnused` others.
  void finish(llvm::StringRef type, Names inputs, Attributes attributes = {}, unsigned numUnused = 0);

  /// A node between of another domain, whose `version` the model imports; the name of its output.
  std::string addOf(llvm::StringRef domain, int64_t version, llvm::StringRef type, Names inputs, Attributes attributes);
  /// The operation's result, a constant, as an initializer; false where it must be a node's output.
  bool finishAsConstant(mlir::RankedTensorType type, std::string bytes) {
    return graph.defineConstant(op->getResult(0), type, std::move(bytes));
  }

  /// Constants of the operation's own.
  std::string ints(llvm::ArrayRef<int64_t> values) { return graph.addInts(layer + "/constant", values); }
  /// A constant of one element, of rank 0.
  std::string scalar(mlir::Type elementType, double value);
  /// A constant of f32.
  std::string floats(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<float> values);
  std::string constant(mlir::ElementsAttr elements) { return graph.addConstant(layer + "/constant", elements); }
  /// A tensor of one element as a scalar.
  std::string asScalar(mlir::Value value);
  std::string transpose(const std::string &input, llvm::ArrayRef<int64_t> permutation);

  /// Says why ONNX cannot express the operation; the first reason counts.
  void refuse(const llvm::Twine &reason);
  /// False, with the operation refused, where the opset to write is older than `least`.
  bool needsOpset(int64_t least);
  /// The reason was told by an operation inside.
  void setFailed() { failed = true; }
  bool hasFailed() const { return failed; }

private:
  GraphWriter &graph;
  mlir::Operation *op;
  std::string layer;
  bool failed = false;
};

/// Around a spatial operation: ONNX knows channels-first alone.
class ChannelsFirst {
public:
  ChannelsFirst(OpWriter &writer, mlir::Value data, nn::Layout layout);
  /// The data, channels first.
  const std::string &getInput() const { return input; }
  /// Its extents, channels first.
  llvm::ArrayRef<int64_t> getShape() const { return shape; }
  /// The last node, and the way back.
  void finish(llvm::StringRef type, Names inputs, Attributes attributes);

private:
  OpWriter &writer;
  bool isLast;
  std::string input;
  llvm::SmallVector<int64_t> shape;
};

using WriteFunction = void (*)(OpWriter &, mlir::Operation *);

struct WriterEntry {
  llvm::StringRef operation; ///< with its dialect: nn.conv
  WriteFunction write;
};

/// A table's row for an operation class and its typed function.
template <typename OpTy, void (*function)(OpWriter &, OpTy)> WriterEntry row() {
  return {OpTy::getOperationName(), [](OpWriter &writer, mlir::Operation *op) { function(writer, llvm::cast<OpTy>(op)); }};
}

/// One list per family of the NN dialect.
llvm::ArrayRef<WriterEntry> getContractionWriters();
llvm::ArrayRef<WriterEntry> getControlFlowWriters();
llvm::ArrayRef<WriterEntry> getConvolutionWriters();
llvm::ArrayRef<WriterEntry> getDecisionTreeWriters();
llvm::ArrayRef<WriterEntry> getElementwiseWriters();
llvm::ArrayRef<WriterEntry> getIndexingWriters();
llvm::ArrayRef<WriterEntry> getMovementWriters();
llvm::ArrayRef<WriterEntry> getNormalizationWriters();
llvm::ArrayRef<WriterEntry> getPoolingWriters();
llvm::ArrayRef<WriterEntry> getQuantizationWriters();
llvm::ArrayRef<WriterEntry> getRecurrentWriters();
llvm::ArrayRef<WriterEntry> getReductionWriters();
llvm::ArrayRef<WriterEntry> getResamplingWriters();
llvm::ArrayRef<WriterEntry> getSelectionWriters();

/// Writes one operation; false, after a diagnostic, where ONNX cannot express it.
bool writeOperation(GraphWriter &graph, mlir::Operation &op);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_OPWRITER_H
