// Strings of a model: constants, and which operators take tensors of them.
#ifndef LIB_FRONTEND_ONNX_STRINGS_H
#define LIB_FRONTEND_ONNX_STRINGS_H

#include "dialects/Text/Text.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/GraphValue.h"
#include "lib/Frontend/ONNX/OpTable.h"

namespace nnc::onnx {

/// The operators that are about strings.
llvm::ArrayRef<OpEntry> getStringOps();

/// Whether an ONNX data type is that of strings.
bool isStringType(int64_t dataType);

/// A constant of the strings of `tensor`; an error where their number, or one of them, is not valid.
llvm::Expected<mlir::Value> createStrings(mlir::OpBuilder &builder, mlir::Location loc, const ::onnx::TensorProto &tensor);

/// A constant of `strings`; rejects the node where one is not valid.
mlir::Value createStrings(NodeBinder &node, llvm::ArrayRef<std::string> strings, llvm::ArrayRef<int64_t> shape);

/// What stands where a sequence or an optional has no element: zero, or the empty string.
mlir::Value createFiller(frontend::NodeBuilder &node, mlir::Type elementType);

/// The strings of a constant; nullopt of other values.
std::optional<llvm::SmallVector<std::string>> getConstantStrings(mlir::Value value);

/// Rejects the node where one of `strings` is not valid.
llvm::LogicalResult checkStrings(NodeBinder &node, llvm::ArrayRef<std::string> strings);

/// Why the operator's import function cannot have `operands`: empty where none are strings that it does not take.
llvm::StringRef whyNoStrings(const OpEntry &entry, llvm::ArrayRef<GraphValue> operands);

/// Different strings, ascending, and the place of each in the list that they come from: the first one.
struct SortedKeys {
  llvm::SmallVector<std::string> keys;
  llvm::SmallVector<int64_t> places;

  static SortedKeys get(llvm::ArrayRef<std::string> list);
  /// The place of each string of `x` among `keys`, i64; -1 of those that are not there.
  frontend::Expression find(NodeBinder &node, frontend::Expression x) const;
};

/// The string of `list` at each of `places`, i64.
frontend::Expression chooseStrings(NodeBinder &node, frontend::Expression places, llvm::ArrayRef<std::string> list);

/// As nn.cast, where `x` are strings, or `to` is their type, `index`.
mlir::Value castStrings(NodeBinder &node, mlir::Value x, mlir::Type to);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_STRINGS_H
