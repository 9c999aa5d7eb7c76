// What an ONNX file says of images and of classes beside its graph: metadata_props.
#ifndef LIB_FRONTEND_ONNX_METADATA_H
#define LIB_FRONTEND_ONNX_METADATA_H

#include "lib/Frontend/Import/Preprocessing.h"

#include "lib/Support/OnnxProto.h"
#include "mlir/IR/BuiltinTypes.h"

namespace nnc::onnx {

/// What the key `nnc.preprocessing.INPUT`, or without it the keys Image.* of ONNX's own list, say of raw bytes, for an
/// input that is an image of `type`; nullopt where it is none, or there are no such keys.
std::optional<frontend::Preprocessing> readImageMetadata(const ::onnx::ModelProto &model,
                                                         const ::onnx::ValueInfoProto &input,
                                                         mlir::RankedTensorType type);

/// The names of classes under the key `names`, as Ultralytics' exporter writes them ({0: 'person', 1: 'bicycle'}), or as
/// a list of JSON. None where there is no such key, or another text.
std::vector<std::string> readClassNames(const ::onnx::ModelProto &model);

/// The names of classes under the key `nnc.labels.OUTPUT`, which nnc writes, a list of JSON; none where there are none.
std::vector<std::string> readOutputLabels(const ::onnx::ModelProto &model, llvm::StringRef output);

/// Whether an output of this type tells `numClasses` classes apart: an extent is their number, or that of a box (4) and
/// perhaps of its score more.
bool hasClasses(mlir::RankedTensorType type, int64_t numClasses);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_METADATA_H
