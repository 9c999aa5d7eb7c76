// The protobuf classes of the ONNX file format (libonnx), apart from MLIR's headers and warnings.
#ifndef LIB_SUPPORT_ONNXPROTO_H
#define LIB_SUPPORT_ONNXPROTO_H

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#ifndef ONNX_NAMESPACE
#define ONNX_NAMESPACE onnx
#endif

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <onnx/onnx_pb.h>
#pragma GCC diagnostic pop
#pragma clang diagnostic pop

#endif // LIB_SUPPORT_ONNXPROTO_H
