// From TensorProto to constants, with external data files.
#ifndef LIB_FRONTEND_ONNX_TENSORREADER_H
#define LIB_FRONTEND_ONNX_TENSORREADER_H

#include "lib/Support/OnnxProto.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include <memory>

namespace nnc::onnx {

/// The NN dialect's element type for an ONNX data type; null where there is none.
mlir::Type getElementType(mlir::MLIRContext *context, int64_t dataType);

class TensorReader {
public:
  /// `model` owns the tensors that read() is given; constants keep it alive.
  /// External data are looked for in `folder` only.
  TensorReader(mlir::MLIRContext *context, std::shared_ptr<const ::onnx::ModelProto> model, std::string folder);

  /// The tensor's elements. Large ones are not copied.
  llvm::Expected<mlir::ElementsAttr> read(const ::onnx::TensorProto &tensor);

private:
  llvm::Expected<mlir::ElementsAttr> readTyped(mlir::RankedTensorType type, const ::onnx::TensorProto &tensor);
  llvm::Expected<mlir::ElementsAttr> readExternal(mlir::RankedTensorType type, const ::onnx::TensorProto &tensor);

  mlir::MLIRContext *context;
  std::shared_ptr<const ::onnx::ModelProto> model;
  std::string folder;
  llvm::StringMap<std::shared_ptr<llvm::MemoryBuffer>> files;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_TENSORREADER_H
