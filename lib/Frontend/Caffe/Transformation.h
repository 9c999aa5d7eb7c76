// How a data layer makes the network's input of images.
#ifndef LIB_FRONTEND_CAFFE_TRANSFORMATION_H
#define LIB_FRONTEND_CAFFE_TRANSFORMATION_H

#include "lib/Frontend/Caffe/Proto.h"
#include "lib/Frontend/Import/Preprocessing.h"

#include "mlir/IR/BuiltinTypes.h"

namespace nnc::caffe {

/// What a data layer's transform_param (and the fields that older generations had instead) does to an image of the
/// type (images, channels, rows, columns). A mean image is read from `folder`; where it is not there, `remark` says so
/// and nothing is known.
std::optional<frontend::Preprocessing> readTransformation(const format::Layer &layer, mlir::RankedTensorType type,
                                                          llvm::StringRef folder, std::string &remark);

} // namespace nnc::caffe

#endif // LIB_FRONTEND_CAFFE_TRANSFORMATION_H
