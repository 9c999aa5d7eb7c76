// The module that a frontend hands on: one function @main of NN operations.
#ifndef LIB_FRONTEND_IMPORT_MODELBUILDER_H
#define LIB_FRONTEND_IMPORT_MODELBUILDER_H

#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Frontend/Import/Preprocessing.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

namespace nnc::frontend {

/// Makes all dialects known that a frontend builds with.
void loadDialects(mlir::MLIRContext &context);

/// The shape that the user gives to an input fixes the symbols of its extents, for all inputs. An error, which goes on
/// after the input's name, where a symbol has another extent already.
llvm::Error fixSymbols(ShapeOverrides &shapes, llvm::StringRef input, llvm::ArrayRef<std::string> symbols);

/// Applies what the user says of an input (`--shape`) to the shape of the file, `?` where that is open; `symbols` has
/// one name, or "", per extent. An error says what does not fit.
llvm::Error overrideShape(const ShapeOverrides &shapes, llvm::StringRef input, llvm::ArrayRef<std::string> symbols,
                          llvm::SmallVectorImpl<int64_t> &shape);

/// What the integers of an input or output stand for: (integer - zero point) * scale. It is the attribute
/// `nn.quantization` of @main's argument or result, a dictionary of the fields below.
struct QuantizedNumbers {
  float scale = 1;
  int64_t zeroPoint = 0;
};

class ModelBuilder {
public:
  /// Begins @main of a model called `name`; `builder` is set to its end.
  ModelBuilder(mlir::OpBuilder &builder, llvm::StringRef name);

  /// Adds an argument. `symbols` names the open extents, equal names are one extent.
  mlir::Value addInput(llvm::StringRef name, mlir::RankedTensorType type, llvm::ArrayRef<std::string> symbols = {});
  /// Says how an argument is made of raw numbers; nothing happens where that does not fit it.
  void setPreprocessing(mlir::Value input, const Preprocessing &preprocessing);
  /// Says what an argument's integers stand for.
  void setQuantization(mlir::Value input, const QuantizedNumbers &numbers);
  /// Adds a result; the names of results differ. `labels` are the names of its classes, `numbers` what its integers stand
  /// for, where the model says so.
  void addOutput(llvm::StringRef name, mlir::Value value, llvm::ArrayRef<std::string> labels = {},
                 const std::optional<QuantizedNumbers> &numbers = std::nullopt);
  unsigned getNumOutputs() const { return results.size(); }
  /// Adds a result that is the input `state` of the next run; before the first it is `initial`, zeros where that is null.
  void addNextState(llvm::StringRef name, mlir::Value value, mlir::Value state, mlir::DenseElementsAttr initial = {});
  /// Ends @main; the module is complete.
  mlir::OwningOpRef<mlir::ModuleOp> finish();

private:
  mlir::OpBuilder &builder;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp main;
  llvm::SmallVector<mlir::DictionaryAttr> outputAttributes;
  llvm::SmallVector<mlir::Value> results;
};

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_MODELBUILDER_H
