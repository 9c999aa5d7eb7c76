// What a name of an ONNX graph stands for: a tensor, a sequence of tensors, or
// an optional. Only tensors are left in the module: a sequence of which the number
// of elements is known is that many values, any other one a tensor of all elements.
#ifndef LIB_FRONTEND_ONNX_GRAPHVALUE_H
#define LIB_FRONTEND_ONNX_GRAPHVALUE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc::onnx {

/// A sequence of tensors of one element type, listed or stacked.
struct Sequence {
  Sequence() = default;
  /// Listed and empty, or stacked.
  explicit Sequence(mlir::Type elementType, mlir::Value stack = {}, mlir::Value length = {})
      : elementType(elementType), stack(stack), length(length) {}

  mlir::Type elementType;                     ///< null where nothing says it yet
  llvm::SmallVector<mlir::Value> elements;    ///< of a listed one, each of a shape of its own
  mlir::Value stack;                          ///< of a stacked one: its elements along the first axis
  /// One i64, 1-D: as many of `stack` are elements, the rest is room; null: all are.
  mlir::Value length;
  /// Of one that a loop carries, the stack of which has room for all that the loop inserts: how many elements an
  /// iteration inserted so far.
  std::optional<int64_t> inserted;
  /// Of such a one: the place among what the loop carries at which an iteration begins with it.
  size_t roomOf = 0;
  /// Of one that a loop only appends to: the place among what it carries. Its elements are those of this iteration.
  std::optional<size_t> collectedFor;

  /// Whether all elements are values of their own; others may be behind those that a loop collects.
  bool isListed() const { return !stack; }
  /// The number of elements, where it is known.
  std::optional<int64_t> getSize() const;
};

/// A tensor, a sequence, or an optional: one that has an element is that element, but for `hasElement`.
class GraphValue {
public:
  /// Null: nothing is there, as for an input that a node leaves out.
  GraphValue() = default;
  GraphValue(mlir::Value tensor) : tensor(tensor) {}
  GraphValue(Sequence sequence) : sequence(std::move(sequence)) {}
  /// An optional without an element.
  static GraphValue absent();

  explicit operator bool() const { return tensor || sequence || isEmpty; }
  /// A tensor and nothing with it.
  bool isTensor() const { return tensor && !hasElement && keys.empty(); }
  bool isSequence() const { return sequence.has_value(); }
  bool isAbsent() const { return isEmpty; }
  /// Null where it is no tensor; that of an optional or of maps, too.
  mlir::Value getTensor() const { return tensor; }
  const Sequence &getSequence() const { return *sequence; }
  /// "a tensor", "a sequence" ...
  llvm::StringRef describe() const;

  /// Whether both are made of as many tensors in the same way.
  bool isLike(const GraphValue &other) const;
  /// The tensors that it is made of, in an order that `rebuild` expects.
  llvm::SmallVector<mlir::Value> getParts() const;
  /// The same with other tensors.
  GraphValue rebuild(llvm::ArrayRef<mlir::Value> parts) const;

  /// A boolean of one element: whether an optional has its element, where only a run knows; else null.
  mlir::Value hasElement;
  /// Of a map, which is a row of its values, or a sequence of maps, a row for each: the keys of the columns. Only inputs and
  /// outputs of the model are such.
  std::vector<std::string> keys;

private:
  mlir::Value tensor;
  std::optional<Sequence> sequence;
  bool isEmpty = false;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_GRAPHVALUE_H
