// Import functions of operators on quantised numbers, and what they share with those on floats.
#ifndef LIB_FRONTEND_TFLITE_QUANTIZEDOPS_H
#define LIB_FRONTEND_TFLITE_QUANTIZEDOPS_H

#include "lib/Frontend/TFLite/OpTable.h"
#include "lib/Frontend/TFLite/Windows.h"

#include <optional>

namespace nnc::tflite {

//===--- Layers: QuantizedLayers.cpp ---===//

llvm::LogicalResult importQuantizedConv2D(OpBinder &op);
llvm::LogicalResult importQuantizedDepthwiseConv2D(OpBinder &op);
llvm::LogicalResult importQuantizedFullyConnected(OpBinder &op);
llvm::LogicalResult importQuantizedBatchMatMul(OpBinder &op);
llvm::LogicalResult importQuantizedTransposeConv(OpBinder &op);

//===--- Arithmetic: QuantizedArithmetic.cpp ---===//

llvm::LogicalResult importQuantize(OpBinder &op);
llvm::LogicalResult importDequantize(OpBinder &op);
/// Puts floats in the place of all operands that are quantised.
void dequantizeWeights(OpBinder &op);
/// Whether an operator on quantised numbers can be the one on floats between dequantised operands and quantised results.
/// `isWide`: of 16 bits.
bool canComputeInFloats(format::BuiltinOperator kind, const OpEntry &entry, bool isWide);
/// Puts floats in the place of all operands that are quantised, biases among them.
void dequantizeOperands(OpBinder &op, format::BuiltinOperator kind);
llvm::LogicalResult importQuantizedAdd(OpBinder &op);
llvm::LogicalResult importQuantizedSub(OpBinder &op);
llvm::LogicalResult importQuantizedMul(OpBinder &op);
llvm::LogicalResult importQuantizedDiv(OpBinder &op);
llvm::LogicalResult importQuantizedPRelu(OpBinder &op);
llvm::LogicalResult importQuantizedSquaredDifference(OpBinder &op);
/// Operands of a comparison in units of one scale.
std::pair<mlir::Value, mlir::Value> bindCompared(OpBinder &op);
llvm::LogicalResult importQuantizedMean(OpBinder &op);
llvm::LogicalResult importQuantizedSum(OpBinder &op);
llvm::LogicalResult importQuantizedAveragePool(OpBinder &op);
llvm::LogicalResult importQuantizedMaxPool(OpBinder &op);
llvm::LogicalResult importQuantizedConcatenation(OpBinder &op);
llvm::LogicalResult importQuantizedPad(OpBinder &op);
/// Operators that compare their operands, all of one scale, and give one of them.
llvm::LogicalResult importQuantizedMaximum(OpBinder &op);
llvm::LogicalResult importQuantizedMinimum(OpBinder &op);
/// Rejects the operator unless its operands that are quantised and its result have one scale and zero point.
void requireOneScale(OpBinder &op);

//===--- Functions of one number: QuantizedFunctions.cpp ---===//

llvm::LogicalResult importQuantizedLogistic(OpBinder &op);
llvm::LogicalResult importQuantizedAbs(OpBinder &op);
llvm::LogicalResult importQuantizedGelu(OpBinder &op);
llvm::LogicalResult importQuantizedLog(OpBinder &op);
llvm::LogicalResult importQuantizedRsqrt(OpBinder &op);
llvm::LogicalResult importQuantizedSqrt(OpBinder &op);
llvm::LogicalResult importQuantizedTanh(OpBinder &op);
llvm::LogicalResult importQuantizedHardSwish(OpBinder &op);
llvm::LogicalResult importQuantizedElu(OpBinder &op);
llvm::LogicalResult importQuantizedExp(OpBinder &op);
llvm::LogicalResult importQuantizedLeakyRelu(OpBinder &op);
llvm::LogicalResult importQuantizedRelu(OpBinder &op);
llvm::LogicalResult importQuantizedRelu6(OpBinder &op);
llvm::LogicalResult importQuantizedReluN1To1(OpBinder &op);
llvm::LogicalResult importQuantizedRelu0To1(OpBinder &op);
/// The entry of a table of 256 for each integer of `x`; entry i - 256 of negative ones is entry i from the end.
mlir::Value lookUp(OpBinder &op, mlir::Value x, llvm::ArrayRef<int32_t> table, mlir::Type elementType);
/// Beyond these integers, less the zero point, a number with `integerBits` before its point would overflow.
int64_t getRadius(int integerBits, int shift);
/// Rejects the operator unless its result has the scale that this operator always has.
bool checkResult(OpBinder &op, float scale, int64_t zeroPointAboveLowest);
/// Whether operand 0 has numbers of 16 bits.
bool isWide(OpBinder &op);

//===--- Along the last axis: QuantizedNormalization.cpp ---===//

llvm::LogicalResult importQuantizedSoftmax(OpBinder &op);
llvm::LogicalResult importQuantizedLogSoftmax(OpBinder &op);
llvm::LogicalResult importQuantizedL2Normalization(OpBinder &op);

//===--- Of 16 bits: WideFunctions.cpp ---===//

/// What a function gives for each integer of 16 bits, those below 0 behind the others.
mlir::Value makeWideTable(OpBinder &op, llvm::function_ref<int16_t(int16_t)> function);
/// A function of numbers that TFLite has as 512 lines.
llvm::LogicalResult importWideLines(OpBinder &op, llvm::function_ref<float(float)> function);
llvm::LogicalResult importWideLogistic(OpBinder &op);
llvm::LogicalResult importWideTanh(OpBinder &op);
llvm::LogicalResult importWideSoftmax(OpBinder &op);

//===--- Layers with a state: QuantizedSequences.cpp ---===//

llvm::LogicalResult importQuantizedLstm(OpBinder &op);
llvm::LogicalResult importQuantizedSequenceLstm(OpBinder &op);
llvm::LogicalResult importQuantizedSvdf(OpBinder &op);

//===--- Shared with operators on floats ---===//

/// [batch, time, feature] with its first two axes in the other order, if they are not in it already.
mlir::Value swapTimeAndBatch(OpBinder &op, mlir::Value sequence, bool isTimeMajor);

/// A layer that remembers the last products of its input with some filters, and weighs them.
struct Svdf {
  mlir::Value input, features, time, bias, state; ///< the bias may be null
  int64_t rank, filters = 0, memory = 0;
};
/// Its parts; none, with the operator rejected, where they do not fit.
std::optional<Svdf> bindSvdf(OpBinder &op, const format::SVDFOptions &options);
/// The memory [batch, filter, time] without the oldest products, with the newest [batch, filter].
mlir::Value shiftMemory(OpBinder &op, const Svdf &svdf, mlir::Value newest);
/// Makes `memory` the state after the operator.
void keepMemory(OpBinder &op, const Svdf &svdf, mlir::Value memory);
/// [batch, filter] to [batch, unit], each of which has as many filters as the rank says.
mlir::Value sumRanks(OpBinder &op, const Svdf &svdf, mlir::Value filters);

/// A convolution in the terms of nn.conv.
struct Conv2D {
  mlir::Value filter; ///< (out, in / groups, h, w)
  Windows windows;
  int64_t groups;
};
/// The parts of a convolution; none, with the operator rejected, where they do not fit.
std::optional<Conv2D> bindConv2D(OpBinder &op, mlir::Value input, mlir::Value filter,
                                 const format::Conv2DOptions &options);
std::optional<Conv2D> bindDepthwiseConv2D(OpBinder &op, mlir::Value input, mlir::Value filter,
                                          const format::DepthwiseConv2DOptions &options);

struct TransposedConv {
  mlir::Value filter; ///< (in, out, h, w)
  Windows windows;
  llvm::SmallVector<int64_t> outputPadding;
  mlir::Value shape; ///< of the result, where it is known at run time only; else null
};
/// The sums of a transposed convolution without its bias.
mlir::Value buildTransposedConv(OpBinder &op, mlir::Value input, mlir::Value filter, const TransposedConv &conv,
                                format::Padding padding);
/// The parts of a transposed convolution, whose operand 0 is the shape of its result.
std::optional<TransposedConv> bindTransposedConv(OpBinder &op, mlir::Value input, mlir::Value filter,
                                                 const format::TransposeConvOptions &options);

/// The input of FULLY_CONNECTED as rows that are as long as those of the weights; checks these.
mlir::Value bindRows(OpBinder &op, mlir::Value input, mlir::Value weights,
                     const format::FullyConnectedOptions &options);
/// `rows` in the shape of `input`, the last extent aside.
mlir::Value restoreAxes(OpBinder &op, mlir::Value rows, mlir::Value input);

/// The windows of a pool.
Windows readPool(OpBinder &op, mlir::Value input, const format::Pool2DOptions &options);
/// The pads that PAD and MIRROR_PAD have as operand `index`, as nn.pad wants them.
mlir::Value bindPads(OpBinder &op, unsigned index, mlir::Value x);
/// The axes of `of` that a constant operand names, ascending.
llvm::SmallVector<int64_t> constantAxes(OpBinder &op, unsigned index, mlir::Value of);

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_QUANTIZEDOPS_H
