// What an import function sees of its operator: operands, options, a way to build
// NN operations, and a way to say no.
//
//   static LogicalResult importLeakyRelu(OpBinder &op) {
//     Value x = op.operand(0);                                            // bind
//     float alpha = op.options<format::LeakyReluOptions>().alpha();
//     return op.result(op.create<nn::LeakyReluOp>(x, alpha));             // build, return
//   }
//
// Every accessor that fails records why; create() then does nothing.
#ifndef LIB_FRONTEND_TFLITE_OPBINDER_H
#define LIB_FRONTEND_TFLITE_OPBINDER_H

#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/TFLite/Format.h"

namespace nnc::tflite {

/// What the integers of a tensor stand for: scale * (integer - zero point). One entry, or one for each slice of an
/// axis.
struct Quantization {
  llvm::SmallVector<float> scales;
  llvm::SmallVector<int64_t> zeroPoints;
  int64_t axis = 0;
  int64_t lowest = 0, highest = 0; ///< integers of the tensor's type

  float scale() const { return scales.front(); }
  int64_t zeroPoint() const { return zeroPoints.front(); }
};

class OpBinder : public frontend::NodeBuilder {
public:
  /// What the file says of an operator's tensors; null where it leaves one out.
  struct Tensors {
    llvm::ArrayRef<const format::Tensor *> operands, results, intermediates;
  };
  /// `operands` are null where the operator leaves them out.
  OpBinder(mlir::OpBuilder &builder, mlir::Location loc, const format::Operator &op,
           llvm::ArrayRef<mlir::Value> operands, Tensors tensors)
      : NodeBuilder(builder, loc), op(op), operands(operands.begin(), operands.end()), operandTensors(tensors.operands),
        resultTensors(tensors.results), intermediates(tensors.intermediates) {}

  //===--- Operands ---===//

  unsigned getNumOperands() const { return operands.size(); }
  /// Operand `index`; rejects the operator and gives null where it is left out.
  mlir::Value operand(unsigned index);
  /// Operand `index`, or null where it is left out.
  mlir::Value optionalOperand(unsigned index) const;
  /// Puts a value in the place of operand `index`.
  void replaceOperand(unsigned index, mlir::Value value) { operands[index] = value; }
  /// From now on results that are quantised numbers are given as floats, which result() quantises.
  void computeInFloats() { isInFloats = true; }
  /// All operands; rejects the operator where one is left out.
  llvm::SmallVector<mlir::Value> allOperands();
  /// The integers of a constant operand; rejects the operator where it is not constant.
  llvm::SmallVector<int64_t> constantInts(unsigned index);
  /// The one integer of a constant operand.
  int64_t constantInt(unsigned index);
  /// The one axis of the tensor `of` that a constant operand names.
  int64_t constantAxis(unsigned index, mlir::Value of);
  /// Operand `index`, a list of extents or positions, as a 1-D i64 tensor.
  mlir::Value indexList(unsigned index);

  //===--- Quantised numbers ---===//

  bool isOperandQuantized(unsigned index) const;
  /// Whether the file has the elements of operand `index` as these numbers.
  bool isOperandOf(unsigned index, format::TensorType type) const;
  /// How operand or result `index` is quantised, with as many zero points as scales; rejects the operator where it is
  /// not, or where the numbers make no sense.
  Quantization quantizationOf(unsigned index);
  Quantization resultQuantization(unsigned index);
  /// How number `index` of what it computes on the way is quantised.
  Quantization intermediateQuantization(unsigned index);
  /// The same, with one scale for the whole tensor.
  Quantization tensorQuantization(unsigned index) { return requireOne(quantizationOf(index)); }
  Quantization resultTensorQuantization(unsigned index) { return requireOne(resultQuantization(index)); }

  //===--- Options ---===//

  /// The operator's options, all at their defaults where the file has none; rejects the operator where they are of
  /// another kind, or have fields that nnc does not know.
  template <typename Options> const Options &options() {
    const void *given =
        checkOptions(format::BuiltinOptionsTraits<Options>::enum_value, Options::MiniReflectTypeTable()->num_elems);
    return *static_cast<const Options *>(given);
  }
  /// The same for operators whose options are in the second union.
  template <typename Options> const Options &options2() {
    const void *given =
        checkOptions2(format::BuiltinOptions2Traits<Options>::enum_value, Options::MiniReflectTypeTable()->num_elems);
    return *static_cast<const Options *>(given);
  }

  /// A number, or a boolean, of a custom operator's options; `otherwise` where they do not have it, and rejects the
  /// operator where that is left out too. CustomOptions.cpp
  double customNumber(const char *key, std::optional<double> otherwise = {});
  /// As above, an integer from `least` on, at most 2^24.
  int64_t customInt(const char *key, int64_t least, std::optional<int64_t> otherwise = {});
  /// The integers of an option, from 0 to 2^24; rejects the operator where it has no such typed vector.
  llvm::SmallVector<int64_t> customInts(const char *key);
  /// The 32-bit integers of options that are the bytes of a C struct; rejects the operator where they are fewer than
  /// `least` or more than `most`.
  llvm::SmallVector<int64_t> customWords(size_t least, size_t most);

  //===--- Building what many operators need ---===//

  /// The NN type of result `index`, as the file has it, or f32 where it is to be quantised.
  mlir::Type getResultType(unsigned index) const;
  unsigned getNumResults() const { return resultTensors.size(); }
  /// `value` with another element type.
  mlir::Value cast(mlir::Value value, mlir::Type elementType);
  /// `value` behind the activation that an operator has built in.
  mlir::Value activate(mlir::Value value, format::Activation activation);
  /// `value` limited to an interval.
  mlir::Value clip(mlir::Value value, double minimum, double maximum);
  /// Elements from `start` on up to `end` along one axis.
  mlir::Value sliceAxis(mlir::Value value, int64_t axis, int64_t start, int64_t end);

  //===--- Ending ---===//

  /// Gives the operator's next result its value, which must have the element type that the file says; complex numbers are
  /// a last axis of two f32.
  llvm::LogicalResult result(mlir::Value value);
  /// The same; rejects the operator where the file says that the result has other extents, unless operand 0 has others too.
  llvm::LogicalResult declaredResult(mlir::Value value);
  llvm::ArrayRef<mlir::Value> getResults() const { return results; }
  /// Gives the state that operand `index` is its value after the operator; of the type that it had.
  void setState(unsigned index, mlir::Value value);
  llvm::ArrayRef<std::pair<unsigned, mlir::Value>> getStates() const { return states; }

private:
  Quantization readQuantization(const format::Tensor *tensor);
  Quantization requireOne(Quantization quantization);
  bool isQuantizedAfterwards(unsigned index) const;
  bool hasOptionsMap();
  mlir::Value quantize(mlir::Value value, const Quantization &numbers, const format::Tensor &tensor);
  const void *checkOptions(format::BuiltinOptions kind, size_t numFields);
  const void *checkOptions2(format::BuiltinOptions2 kind, size_t numFields);
  const void *checkFields(const void *options, size_t numFields);

  const format::Operator &op;
  bool isInFloats = false;
  llvm::SmallVector<mlir::Value> operands;
  llvm::ArrayRef<const format::Tensor *> operandTensors, resultTensors, intermediates;
  llvm::SmallVector<mlir::Value> results;
  llvm::SmallVector<std::pair<unsigned, mlir::Value>> states;
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_OPBINDER_H
