// The scalar bodies of nn.quantize and nn.dequantize.
#ifndef LIB_CONVERSION_NNTOLINALG_QUANTIZATION_H
#define LIB_CONVERSION_NNTOLINALG_QUANTIZATION_H

#include "dialects/NN/NN.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace nnc {

/// One element from computed values of the operands, as a computed value.
mlir::Value buildQuantize(mlir::ImplicitLocOpBuilder &builder, nn::QuantizeOp op, mlir::ValueRange operands);
mlir::Value buildDequantize(mlir::ImplicitLocOpBuilder &builder, nn::DequantizeOp op, mlir::ValueRange operands);

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_QUANTIZATION_H
