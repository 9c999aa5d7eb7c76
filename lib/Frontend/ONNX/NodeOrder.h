// The order in which nodes can be imported.
#ifndef LIB_FRONTEND_ONNX_NODEORDER_H
#define LIB_FRONTEND_ONNX_NODEORDER_H

#include "lib/Support/OnnxProto.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace nnc::onnx {

/// The nodes such that producers come before users, files' order kept where it
/// is one. `isDefined` tells which names come from outside. The error names a
/// cycle, an undefined input or a name with two producers.
llvm::Expected<llvm::SmallVector<const ::onnx::NodeProto *>>
orderNodes(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes,
           llvm::function_ref<bool(llvm::StringRef)> isDefined);

/// The node's name, or one made from its operator and first output.
std::string getNodeName(const ::onnx::NodeProto &node);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_NODEORDER_H
