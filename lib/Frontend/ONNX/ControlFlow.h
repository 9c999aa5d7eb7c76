// What the importer asks of nodes with graphs of their own: If, Loop and Scan.
#ifndef LIB_FRONTEND_ONNX_CONTROLFLOW_H
#define LIB_FRONTEND_ONNX_CONTROLFLOW_H

#include "dialects/NN/ExtentTracing.h"
#include "dialects/NN/NN.h"
#include "lib/Frontend/Import/Regions.h"
#include "lib/Support/OnnxProto.h"

namespace nnc::onnx {

/// The operators that are not in the table: they import graphs.
bool isControlFlow(const ::onnx::NodeProto &node);

/// Whether this version of the operator is supported.
bool isControlFlowSince(const ::onnx::NodeProto &node, int64_t opset);

/// The graph of an attribute; null where there is none.
const ::onnx::GraphProto *findGraph(const ::onnx::NodeProto &node, llvm::StringRef name);

/// A tensor of `count` elements of this type.
mlir::RankedTensorType getStackedType(mlir::RankedTensorType element, int64_t count);

/// An attribute that is a list of integers; `count` zeros where there is none.
llvm::SmallVector<int64_t> readInts(const ::onnx::NodeProto &node, llvm::StringRef name, size_t count);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_CONTROLFLOW_H
