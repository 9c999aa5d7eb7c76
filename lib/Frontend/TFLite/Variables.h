// What a model keeps from one call to the next: variables that it reads and assigns, and tensors in which operators keep
// their state. The compiled model keeps nothing: each becomes an input, its value before the call, and an output with that
// after it.
#ifndef LIB_FRONTEND_TFLITE_VARIABLES_H
#define LIB_FRONTEND_TFLITE_VARIABLES_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"

#include <functional>
#include <string>

namespace nnc::tflite {

struct Variable {
  std::string name;                  ///< in the file
  mlir::ElementsAttr initial = {};   ///< before the first call; null where nothing says so
  mlir::Value before = {};           ///< the input; null as long as nothing reads it
};

class Variables {
public:
  /// Adds an input of @main for a variable; null, with the reason recorded, where it cannot.
  using AddInput = std::function<mlir::Value(Variable &, mlir::RankedTensorType)>;

  void setAddInput(AddInput function) { addInput = std::move(function); }
  /// Where nothing assigns variables but what initialises them, they are constants.
  void setConstant() { areConstant = true; }
  bool isConstant() const { return areConstant && !isInitialising; }
  /// The number of a variable; `key` tells it from all others.
  unsigned find(llvm::StringRef key, llvm::StringRef name);
  /// Its value now. `type` counts where this is the first that is heard of it. Null where there is none: while variables
  /// are initialised, and where it cannot become an input.
  mlir::Value read(unsigned variable, mlir::RankedTensorType type);
  void assign(unsigned variable, mlir::Value value) { current[variable] = value; }

  /// The values now, null where nothing was assigned yet; those of variables found later are missing.
  llvm::SmallVector<mlir::Value> save() const { return current; }
  /// Goes back to values that `save` gave.
  void restore(llvm::ArrayRef<mlir::Value> values);
  /// Between the two, variables have no values but those assigned there, the last of which `endInitialising` gives.
  void beginInitialising();
  llvm::SmallVector<mlir::Value> endInitialising();

  unsigned size() const { return variables.size(); }
  Variable &operator[](unsigned variable) { return variables[variable]; }

private:
  AddInput addInput;
  llvm::StringMap<unsigned> numbers;
  llvm::SmallVector<Variable> variables;
  llvm::SmallVector<mlir::Value> current, outside;
  bool isInitialising = false, areConstant = false;
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_VARIABLES_H
