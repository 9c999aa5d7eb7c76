// Tensors in files of their own, as ONNX's test data have them.
#ifndef LIB_FRONTEND_ONNX_TENSORFILE_H
#define LIB_FRONTEND_ONNX_TENSORFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace nnc::onnx {

/// A TensorProto, its elements in memory order, little-endian.
struct TensorFile {
  std::string name;
  int dataType = 0; ///< TensorProto::DataType
  std::vector<int64_t> shape;
  std::string bytes;
  std::vector<std::string> strings; ///< in place of bytes
};

/// Reads a serialised TensorProto; an error where it is damaged, or its elements are in another file.
llvm::Expected<TensorFile> parseTensor(llvm::StringRef content);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_TENSORFILE_H
