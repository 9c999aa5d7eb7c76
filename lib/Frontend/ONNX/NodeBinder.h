// What an import function sees of its node: operands, attributes, a way to
// build NN operations, and a way to say no.
//
//   static LogicalResult importSoftmax(NodeBinder &node) {
//     Value x = node.operand(0);                       // bind
//     int64_t axis = node.axisAttr("axis", -1, x);
//     if (node.failed()) return failure();             // check
//     return node.result(node.create<nn::SoftmaxOp>(x, axis)); // build, return
//   }
//
// Every accessor that fails records why; create() then does nothing.
#ifndef LIB_FRONTEND_ONNX_NODEBINDER_H
#define LIB_FRONTEND_ONNX_NODEBINDER_H

#include "dialects/NN/ConstantFolding.h"
#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/ONNX/GraphValue.h"
#include "lib/Support/OnnxProto.h"
#include "lib/Frontend/ONNX/TensorReader.h"

#include "llvm/ADT/StringSet.h"

namespace nnc::onnx {

class NodeBinder : public frontend::NodeBuilder {
public:
  /// `operands` are null where the node leaves them out; only operators on sequences are given other ones than tensors.
  /// `declaredRanks` has what the graph says of the numbers of dimensions of its values.
  NodeBinder(mlir::OpBuilder &builder, const ::onnx::NodeProto &node, int64_t opset, mlir::Location loc,
             llvm::ArrayRef<GraphValue> operands, TensorReader &tensors, const llvm::StringMap<int64_t> &declaredRanks);

  /// The operator's name and the version of its domain in this model.
  llvm::StringRef getOpType() const { return node.op_type(); }
  int64_t getOpset() const { return opset; }

  //===--- Operands ---===//

  /// Number of operands the node lists, left-out ones included.
  unsigned getNumOperands() const { return operands.size(); }
  /// Operand `index`; rejects the node and gives null where it is left out.
  mlir::Value operand(unsigned index);
  /// Operand `index`, or null where it is left out.
  mlir::Value optionalOperand(unsigned index) const;
  /// Operand `index`, be it a tensor or not; null where it is left out.
  GraphValue anyOperand(unsigned index) const;
  /// Operand `index`, a sequence; rejects the node where it is none.
  Sequence sequenceOperand(unsigned index);
  /// All operands; rejects the node where one is left out.
  llvm::SmallVector<mlir::Value> allOperands();
  /// The integers of a constant operand; rejects the node where it is not constant. Empty where it is left out.
  llvm::SmallVector<int64_t> constantInts(unsigned index);
  /// Number of outputs the node lists, left-out ones included.
  int64_t getNumResults() const { return node.output_size(); }
  /// True where output `index` is asked for.
  bool wantsResult(unsigned index) const;
  /// The number of dimensions that the model says output `index` has; none where it says nothing.
  std::optional<int64_t> getDeclaredRank(int index) const;

  //===--- Attributes; each asked for is marked as understood ---===//

  bool hasAttr(llvm::StringRef name);
  int64_t intAttr(llvm::StringRef name, int64_t otherwise);
  double floatAttr(llvm::StringRef name, double otherwise);
  std::string stringAttr(llvm::StringRef name, llvm::StringRef otherwise);
  llvm::SmallVector<int64_t> intsAttr(llvm::StringRef name, llvm::ArrayRef<int64_t> otherwise = {});
  llvm::SmallVector<double> floatsAttr(llvm::StringRef name, llvm::ArrayRef<double> otherwise = {});
  llvm::SmallVector<std::string> stringsAttr(llvm::StringRef name, llvm::ArrayRef<std::string> otherwise = {});
  /// A tensor attribute as a constant; null where there is none.
  mlir::Value tensorAttr(llvm::StringRef name);
  /// All elements of a sparse tensor as a constant; rejects the node where there is none.
  mlir::Value sparseAttr(llvm::StringRef name);
  /// An axis of a tensor of `rank` axes, made non-negative; rejects the node where it is out of range.
  int64_t axisAttr(llvm::StringRef name, int64_t otherwise, mlir::Value of);
  /// Marks attributes that do not matter for inference as understood.
  void ignoreAttrs(std::initializer_list<llvm::StringRef> names);
  /// The type of an optional's or a sequence's tensors that an attribute gives; null where there is none.
  const ::onnx::TypeProto *typeAttr(llvm::StringRef name);
  /// The element type of an ONNX data type number; rejects the node where nnc has none.
  mlir::Type elementType(int64_t dataType);

  /// Operands of half precision count as f32 from here on, and results are rounded to their type: once, where the
  /// operator's last step is done.
  void widenHalf();

  //===--- Ending ---===//

  /// Gives the node's next output its value.
  llvm::LogicalResult result(mlir::Value value);
  llvm::LogicalResult result(GraphValue value);
  llvm::ArrayRef<GraphValue> getResults() const { return results; }

  /// Attributes that the import function never asked for.
  llvm::SmallVector<std::string> getUnknownAttrs() const;

private:
  const ::onnx::AttributeProto *findAttr(llvm::StringRef name, ::onnx::AttributeProto::AttributeType type);

  const ::onnx::NodeProto &node;
  int64_t opset;
  llvm::SmallVector<mlir::Value> operands; ///< null where they are no tensors
  TensorReader &tensors;
  const llvm::StringMap<int64_t> &declaredRanks;
  llvm::StringSet<> understood;
  llvm::SmallVector<GraphValue> results;
  llvm::SmallVector<GraphValue> values; ///< of all operands
  mlir::Type narrow;                    ///< the type that f32 results are rounded to, or null
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_NODEBINDER_H
