// What an import function of an operation (keras.ops, or a function of TensorFlow) sees: tensors and options, wherever
// the call has them.
#ifndef LIB_FRONTEND_KERAS_OPERATION_H
#define LIB_FRONTEND_KERAS_OPERATION_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Keras/LayerTable.h"

namespace nnc::keras {

class Operation {
public:
  explicit Operation(LayerBinder &layer) : layer(layer) {}

  /// The argument at a position, or of one of these names, as a tensor; a number has the type of `like`, where that is
  /// given. Rejects the operation and gives null where there is none.
  frontend::Expression tensor(int position, llvm::ArrayRef<llvm::StringRef> names, frontend::Expression like = {});
  /// Two tensors of one element type.
  std::pair<frontend::Expression, frontend::Expression> pair();
  /// All tensors of the first argument.
  llvm::SmallVector<mlir::Value> list();
  /// An option that is no tensor; null where it is left out or null.
  const llvm::json::Value *option(int position, llvm::ArrayRef<llvm::StringRef> names);
  /// The axes that an option names, ascending; all axes where it is left out.
  llvm::SmallVector<int64_t> axes(int position, int64_t rank);
  /// As above, one axis.
  int64_t axis(int position, int64_t otherwise, int64_t rank);
  bool flag(int position, llvm::ArrayRef<llvm::StringRef> names);
  double number(int position, llvm::ArrayRef<llvm::StringRef> names, double otherwise);
  /// Integers that an option lists; rejects the operation where it does not.
  llvm::SmallVector<int64_t> ints(int position, llvm::ArrayRef<llvm::StringRef> names);

private:
  const Operand *operand(int position, llvm::ArrayRef<llvm::StringRef> names);
  frontend::Expression constant(const llvm::json::Value &value, mlir::Type type);

  LayerBinder &layer;
};

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_OPERATION_H
