// The writers of operations on strings.
#ifndef LIB_EXPORT_ONNX_TEXT_H
#define LIB_EXPORT_ONNX_TEXT_H

#include "lib/Export/ONNX/OpWriter.h"

namespace nnc::onnx_export {

llvm::ArrayRef<WriterEntry> getTextWriters();

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_TEXT_H
