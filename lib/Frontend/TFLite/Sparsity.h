// Decodes sparse weights.
#ifndef LIB_FRONTEND_TFLITE_SPARSITY_H
#define LIB_FRONTEND_TFLITE_SPARSITY_H

#include "lib/Frontend/TFLite/Format.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace nnc::tflite {

/// The elements of a tensor of these extents, `elementBytes` each, in memory order, zeros where the file has none. `values`
/// are those that it has. An error where the tree of their positions does not fit the extents or the values.
llvm::Expected<std::shared_ptr<const std::string>> decodeSparse(const format::Sparsity &sparsity,
                                                                llvm::ArrayRef<int64_t> shape, llvm::StringRef values,
                                                                size_t elementBytes);

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_SPARSITY_H
