// What an import function sees of its layer: parameters, arguments, weights, a way to build NN operations, and a way to
// say no.
//
//   static LogicalResult importDense(LayerBinder &layer) {
//     Value x = layer.input();                                            // bind
//     Value kernel = layer.weight({layer.getChannels(x), units});
//     return layer.result(layer.activate(layer.create<...>(x, kernel)));   // build, return
//   }
#ifndef LIB_FRONTEND_KERAS_LAYERBINDER_H
#define LIB_FRONTEND_KERAS_LAYERBINDER_H

#include "lib/Frontend/Import/Archive.h"
#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/Keras/Graph.h"

namespace nnc::keras {

/// The element type of a name; null where there is no such type.
mlir::Type parseElementType(mlir::Builder &builder, llvm::StringRef name);

/// An argument of a call with the values of its tensors.
struct Operand {
  Argument::Kind kind = Argument::Constant;
  mlir::Value value;
  /// Some time steps are not to count: which ones (batch, time) says `mask`, null where that is not known.
  bool isMasked = false;
  mlir::Value mask;
  std::vector<Operand> items;
  const llvm::json::Value *constant = nullptr;
};

struct Operands {
  std::vector<Operand> positional;
  std::vector<std::pair<std::string, Operand>> named;
};

class ModelImporter;

class LayerBinder : public frontend::NodeBuilder {
public:
  LayerBinder(ModelImporter &importer, mlir::OpBuilder &builder, mlir::Location loc, const Layer &layer,
              const Operands &operands);
  /// The binder of a layer that another one holds, with the same operands.
  LayerBinder(LayerBinder &outer, const Layer &inner)
      : LayerBinder(outer.importer, outer.builder, outer.loc, inner, outer.operands) {}

  //===--- Parameters ---===//

  const Layer &get() const { return layer; }
  Parameters parameters() const { return layer.parameters(); }
  /// A list of `count` positive numbers below 2^31; rejects the layer otherwise. One number stands for all.
  llvm::SmallVector<int64_t> positives(llvm::StringRef key, size_t count, int64_t otherwise);
  int64_t positive(llvm::StringRef key, int64_t otherwise) { return positives(key, 1, otherwise).front(); }
  /// Rejects the layer where one of these parameters is there and not null, false or 0.
  void refuse(std::initializer_list<llvm::StringRef> keys);
  /// The layout that data_format says.
  nn::Layout getLayout();
  /// Whether an older Keras made the file: some functions had other formulas then.
  bool isBeforeKeras3() const;
  /// The element type that the layer computes in.
  mlir::Type getComputeType();

  //===--- Arguments ---===//

  /// All tensors of the first arguments, in order: lists of tensors are opened.
  llvm::ArrayRef<Operand> getInputs() const { return inputs; }
  /// Input `index`, converted to the compute type where it is a float; rejects the layer and gives null where there is
  /// none.
  mlir::Value input(unsigned index = 0);
  /// As above, with a rank.
  mlir::Value inputOfRank(int64_t rank);
  /// Rejects the layer where there is another number of inputs.
  void expectInputs(unsigned count);
  /// An argument by its name, or by its position where it has none; null where it is left out.
  const Operand *argument(llvm::StringRef name, int position = -1) const;
  const Operands &getOperands() const { return operands; }
  /// Which steps of the input count, (batch, time) of booleans; null where all do. Rejects the layer where that is not known.
  mlir::Value mask();

  //===--- Weights ---===//

  /// The next weight, which must have this shape, in the compute type.
  mlir::Value weight(llvm::ArrayRef<int64_t> shape);
  /// As above, of any shape.
  mlir::Value weight();

  /// A file that the archive keeps for the layer; an error where there is none.
  llvm::Expected<frontend::SharedBytes> readAsset(llvm::StringRef name);

  //===--- Building what many layers need ---===//

  /// The static extent of an axis; rejects the layer where it is only known at run time.
  int64_t extent(mlir::Value value, int64_t axis);
  mlir::Value add(mlir::Value x, mlir::Value y) { return create<nn::AddOp>(x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return create<nn::MulOp>(x, y); }
  /// A constant of rank 0 with the element type of a value.
  mlir::Value like(mlir::Value value, double number);
  /// As many axes in another order.
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  /// `value` (one axis) as a tensor that broadcasts along `axis` of one of `rank` axes.
  mlir::Value alignWithAxis(mlir::Value value, int64_t axis, int64_t rank);
  /// x after the function that the parameter `key` names, the identity where it is left out. Activations.cpp
  mlir::Value activate(mlir::Value x, llvm::StringRef key = "activation");
  /// The axis that a parameter names, one of `rank`, made non-negative; rejects the layer where it is none.
  int64_t axis(llvm::StringRef key, int64_t otherwise, int64_t rank);

  //===--- Ending ---===//

  /// Gives the layer's next result its value.
  llvm::LogicalResult result(mlir::Value value);
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }
  /// Says which steps of the first result count.
  void setMask(mlir::Value mask) { resultMask = mask; }
  mlir::Value getResultMask() const { return resultMask; }
  /// Imports a layer that this one holds, with other inputs; its results, none where this layer has been rejected.
  llvm::SmallVector<mlir::Value> importInner(const Layer &inner, const Operands &arguments);

private:
  ModelImporter &importer;
  const Layer &layer;
  const Operands &operands;
  std::vector<Operand> inputs;
  unsigned nextWeight = 0;
  llvm::SmallVector<mlir::Value> results;
  mlir::Value resultMask;
};

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_LAYERBINDER_H
