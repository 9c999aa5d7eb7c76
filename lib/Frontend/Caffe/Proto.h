// The protobuf classes of Caffe's format (Net.proto), apart from MLIR's headers and warnings.
#ifndef LIB_FRONTEND_CAFFE_PROTO_H
#define LIB_FRONTEND_CAFFE_PROTO_H

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "Net.pb.h"
#pragma GCC diagnostic pop
#pragma clang diagnostic pop

#endif // LIB_FRONTEND_CAFFE_PROTO_H
