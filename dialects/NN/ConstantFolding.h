// What is known of a value at compile time: whole constants, and single elements
// of the small integer tensors that carry shapes. Folders, shape inference,
// frontends and lowerings all ask here.
#ifndef DIALECTS_NN_CONSTANTFOLDING_H
#define DIALECTS_NN_CONSTANTFOLDING_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace nnc::nn {

/// Tensors of more elements than this are not folded; constant subgraphs of
/// such tensors are evaluated later by compiling and running them.
constexpr int64_t maxFoldedElements = 4096;

/// `attribute` as dense elements, wherever they are stored; null where it is no
/// constant tensor or has more than `maxElements` elements.
mlir::DenseElementsAttr getDenseConstant(mlir::Attribute attribute, int64_t maxElements = maxFoldedElements);

/// The constant that `value` is, or null.
mlir::DenseElementsAttr getDenseConstant(mlir::Value value, int64_t maxElements = maxFoldedElements);

/// All elements, row-major, of a constant tensor of integers (unsigned ones are
/// zero-extended, booleans 0 or 1).
std::optional<llvm::SmallVector<int64_t>> getConstantInts(mlir::Value value);

/// All elements, row-major, of a constant tensor of floats.
std::optional<llvm::SmallVector<double>> getConstantFloats(mlir::Value value);

/// What is known of one element of a tensor of integers: its value, or that it is
/// the extent `axis` of `tensor`, or nothing.
struct KnownInt {
  std::optional<int64_t> value;
  mlir::Value tensor;
  int64_t axis = 0;

  bool operator==(const KnownInt &other) const;
};

/// What is known of each element of `value`, a tensor of integers of rank 0 or 1;
/// nullopt where not even their number is known.
std::optional<llvm::SmallVector<KnownInt>> getKnownInts(mlir::Value value);

/// The extents that the 1-D tensor `shape` states, `?` where not known; nullopt
/// where the rank is not known.
std::optional<llvm::SmallVector<int64_t>> getKnownShape(mlir::Value shape);

/// Folds an operation whose result is a tensor of integers that are all known to
/// getKnownInts; null where they are not.
mlir::OpFoldResult foldKnownInts(mlir::Operation *op);

/// A constant of `type` whose element at each index is what `element` says; null
/// where the type is not static or larger than maxFoldedElements.
mlir::Attribute buildConstant(mlir::RankedTensorType type,
                              llvm::function_ref<mlir::Attribute(llvm::ArrayRef<int64_t>)> element);

/// The elements of a small constant, read by index. Tests false where the
/// attribute given was no small constant.
class ConstantElements {
public:
  explicit ConstantElements(mlir::Attribute attribute);
  explicit operator bool() const { return static_cast<bool>(dense); }
  mlir::Attribute at(llvm::ArrayRef<int64_t> index) const;
  mlir::RankedTensorType getType() const { return mlir::cast<mlir::RankedTensorType>(dense.getType()); }

private:
  mlir::DenseElementsAttr dense;
};

/// Folds an element-wise operation: identities and constant operands.
mlir::OpFoldResult foldElementwise(mlir::Operation *op, llvm::ArrayRef<mlir::Attribute> operands);

} // namespace nnc::nn

#endif // DIALECTS_NN_CONSTANTFOLDING_H
