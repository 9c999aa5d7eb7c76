// Constants of which the file lists the elements that are not zero.
#ifndef LIB_FRONTEND_ONNX_SPARSECONSTANTS_H
#define LIB_FRONTEND_ONNX_SPARSECONSTANTS_H

#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/ONNX/TensorReader.h"

namespace nnc::onnx {

/// All elements of a sparse tensor; rejects the node, and gives null, where its parts do not fit each other.
mlir::Value createDense(frontend::NodeBuilder &node, TensorReader &tensors, const ::onnx::SparseTensorProto &sparse);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_SPARSECONSTANTS_H
