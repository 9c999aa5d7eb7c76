// Zero points of integer products.
#ifndef LIB_EXPORT_ONNX_QUANTIZATION_H
#define LIB_EXPORT_ONNX_QUANTIZATION_H

#include "lib/Export/ONNX/OpWriter.h"

namespace nnc::onnx_export {

/// The name of the zero point `value` of an operand of `rank`: one number, or one for each place along `axis`; refuses
/// others. "" for null.
std::string getProductZeroPoint(OpWriter &writer, mlir::Value value, int64_t rank, int64_t axis);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_QUANTIZATION_H
