// Builds NN operations for one operation of a model, and says why it cannot.
//
// Types are inferred; an operation whose shapes do not fit becomes a reason
// instead of a diagnostic, so that a frontend can tell all blockers at once.
// After the first reason nothing more is built: an import function may go on
// with null values and needs to look at failed() only before it uses one.
#ifndef LIB_FRONTEND_IMPORT_NODEBUILDER_H
#define LIB_FRONTEND_IMPORT_NODEBUILDER_H

#include "dialects/NN/NN.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SmallVector.h"

#include <string>
#include <vector>

namespace nnc::frontend {

class NodeBuilder {
public:
  NodeBuilder(mlir::OpBuilder &builder, mlir::Location loc) : builder(builder), loc(loc) {}

  mlir::OpBuilder &getBuilder() { return builder; }
  mlir::Location getLoc() const { return loc; }

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
  /// A constant of f32; there are as many values as the shape says.
  mlir::Value floats(llvm::ArrayRef<int64_t> shape, std::vector<float> values);
  /// A one-element constant of f32.
  mlir::Value number(double value) { return scalar(builder.getF32Type(), value); }
  /// `value` of a static shape in another one of as many elements.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// A constant.
  mlir::Value constant(mlir::ElementsAttr elements);

  //===--- Types ---===//

  /// The type and rank of a value; of null: a null type, and rank 0.
  static mlir::RankedTensorType getType(mlir::Value value);
  static int64_t getRank(mlir::Value value);
  /// The extents of a value; none of null.
  static llvm::ArrayRef<int64_t> getShape(mlir::Value value);
  /// An axis of a tensor of `rank` axes, made non-negative; rejects the node where it is out of range.
  int64_t normalizeAxis(int64_t axis, int64_t rank);

  //===--- Refusing ---===//

  /// Records why this node cannot be imported; the first reason counts.
  llvm::LogicalResult reject(const llvm::Twine &reason);
  bool failed() const { return !reason.empty(); }
  llvm::StringRef getReason() const { return reason; }

protected:
  mlir::OpBuilder &builder;
  mlir::Location loc;

private:
  using Infer = llvm::function_ref<llvm::LogicalResult(mlir::MLIRContext *, mlir::Location, mlir::OperationState &,
                                                       llvm::SmallVectorImpl<mlir::Type> &)>;
  llvm::SmallVector<mlir::Value> finish(mlir::OperationState &state, Infer infer);

  std::string reason;
};

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_NODEBUILDER_H
