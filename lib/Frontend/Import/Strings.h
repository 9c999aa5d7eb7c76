// Tensors of strings: constants, look-ups in lists, and casts.
#ifndef LIB_FRONTEND_IMPORT_STRINGS_H
#define LIB_FRONTEND_IMPORT_STRINGS_H

#include "dialects/Text/Text.h"
#include "lib/Frontend/Import/Expression.h"

#include <string>

namespace nnc::frontend {

/// A constant of `strings`; rejects the node where one is not valid.
mlir::Value createStrings(NodeBuilder &node, llvm::ArrayRef<std::string> strings, llvm::ArrayRef<int64_t> shape);

/// What stands where a sequence or an optional has no element: zero, or the empty string.
mlir::Value createFiller(NodeBuilder &node, mlir::Type elementType);

/// The strings of a constant; nullopt of other values.
std::optional<llvm::SmallVector<std::string>> getConstantStrings(mlir::Value value);

/// Rejects the node where one of `strings` is not valid.
llvm::LogicalResult checkStrings(NodeBuilder &node, llvm::ArrayRef<std::string> strings);

/// Different strings, ascending, and the place of each in the list that they come from: the first one.
struct SortedKeys {
  llvm::SmallVector<std::string> keys;
  llvm::SmallVector<int64_t> places;

  static SortedKeys get(llvm::ArrayRef<std::string> list);
  /// The place of each string of `x` among `keys`, i64; -1 of those that are not there.
  Expression find(NodeBuilder &node, Expression x) const;
};

/// The string of `list` at each of `places`, i64.
Expression chooseStrings(NodeBuilder &node, Expression places, llvm::ArrayRef<std::string> list);

/// As nn.cast, where `x` are strings, or `to` is their type, `index`.
mlir::Value castStrings(NodeBuilder &node, mlir::Value x, mlir::Type to);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_STRINGS_H
