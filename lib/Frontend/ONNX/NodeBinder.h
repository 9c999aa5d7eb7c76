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
#include "dialects/NN/NN.h"
#include "lib/Frontend/ONNX/Proto.h"
#include "lib/Frontend/ONNX/TensorReader.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/StringSet.h"

namespace nnc::onnx {

class NodeBinder {
public:
  /// `operands` are null where the node leaves them out.
  NodeBinder(mlir::OpBuilder &builder, const ::onnx::NodeProto &node, int64_t opset, mlir::Location loc,
             llvm::ArrayRef<mlir::Value> operands, TensorReader &tensors);

  /// The operator's name and the version of its domain in this model.
  llvm::StringRef getOpType() const { return node.op_type(); }
  int64_t getOpset() const { return opset; }
  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLoc() const { return loc; }

  //===--- Operands ---===//

  /// Number of operands the node lists, left-out ones included.
  unsigned getNumOperands() const { return operands.size(); }
  /// Operand `index`; rejects the node and gives null where it is left out.
  mlir::Value operand(unsigned index);
  /// Operand `index`, or null where it is left out.
  mlir::Value optionalOperand(unsigned index) const;
  /// All operands; rejects the node where one is left out.
  llvm::SmallVector<mlir::Value> allOperands();
  /// The type and rank of a value; of null: a null type, and rank 0.
  static mlir::RankedTensorType getType(mlir::Value value);
  static int64_t getRank(mlir::Value value);
  /// The integers of a constant operand; rejects the node where it is not constant. Empty where it is left out.
  llvm::SmallVector<int64_t> constantInts(unsigned index);
  /// True where output `index` is asked for.
  bool wantsResult(unsigned index) const;

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
  /// An axis of a tensor of `rank` axes, made non-negative; rejects the node where it is out of range.
  int64_t axisAttr(llvm::StringRef name, int64_t otherwise, mlir::Value of);
  int64_t normalizeAxis(int64_t axis, int64_t rank);
  /// Marks attributes that do not matter for inference as understood.
  void ignoreAttrs(std::initializer_list<llvm::StringRef> names);
  /// The element type of an ONNX data type number; rejects the node where nnc has none.
  mlir::Type elementType(int64_t dataType);

  //===--- Building ---===//

  /// Creates the operation, or folds it; its first result. Null, with the node
  /// rejected, where shapes or types do not fit.
  template <typename OpTy, typename... Args> mlir::Value create(Args &&...args) {
    auto results = createAll<OpTy>(1, std::forward<Args>(args)...);
    return results.empty() ? mlir::Value() : results.front();
  }
  /// As create, for an operation with `numResults` results.
  template <typename OpTy, typename... Args>
  llvm::SmallVector<mlir::Value> createAll(unsigned numResults, Args &&...args) {
    if (failed())
      return {};
    mlir::OperationState state(loc, OpTy::getOperationName());
    llvm::SmallVector<mlir::Type> placeholders(numResults, builder.getNoneType());
    OpTy::build(builder, state, mlir::TypeRange(placeholders), std::forward<Args>(args)...);
    return finish(state, [](mlir::MLIRContext *context, mlir::Location at, mlir::OperationState &built,
                            llvm::SmallVectorImpl<mlir::Type> &types) {
      return OpTy::inferReturnTypes(context, at, built.operands, built.attributes.getDictionary(context),
                                    built.getRawProperties(), built.regions, types);
    });
  }
  /// A 1-D i64 constant.
  mlir::Value ints(llvm::ArrayRef<int64_t> values);
  /// A one-element constant of rank 0 and the given float or integer type.
  mlir::Value scalar(mlir::Type elementType, double value);

  /// Gives the node's next output its value.
  llvm::LogicalResult result(mlir::Value value);
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }

  //===--- Refusing ---===//

  /// Records why this node cannot be imported; the first reason counts.
  llvm::LogicalResult reject(const llvm::Twine &reason);
  bool failed() const { return !reason.empty(); }
  llvm::StringRef getReason() const { return reason; }
  /// Attributes that the import function never asked for.
  llvm::SmallVector<std::string> getUnknownAttrs() const;

private:
  using Infer = llvm::function_ref<llvm::LogicalResult(mlir::MLIRContext *, mlir::Location, mlir::OperationState &,
                                                       llvm::SmallVectorImpl<mlir::Type> &)>;
  llvm::SmallVector<mlir::Value> finish(mlir::OperationState &state, Infer infer);
  const ::onnx::AttributeProto *findAttr(llvm::StringRef name, ::onnx::AttributeProto::AttributeType type);

  mlir::OpBuilder &builder;
  const ::onnx::NodeProto &node;
  int64_t opset;
  mlir::Location loc;
  llvm::SmallVector<mlir::Value> operands;
  TensorReader &tensors;
  llvm::StringSet<> understood;
  llvm::SmallVector<mlir::Value> results;
  std::string reason;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_NODEBINDER_H
