// What a TFLite file says of raw numbers and of classes beside its graph.
#ifndef LIB_FRONTEND_TFLITE_METADATA_H
#define LIB_FRONTEND_TFLITE_METADATA_H

#include "lib/Frontend/Import/Preprocessing.h"

#include "mlir/IR/BuiltinTypes.h"

#include <memory>
#include <optional>

namespace nnc::tflite {

class Metadata {
public:
  /// `bytes` is the FlatBuffer with the description, `file` all of the model with the archive behind it. What is damaged
  /// says nothing.
  Metadata(llvm::StringRef bytes, llvm::StringRef file);

  /// How input number `index`, of this type, is made of raw numbers. Of quantised inputs nothing is said: they take other
  /// numbers than those that the description is about.
  std::optional<frontend::Preprocessing> getPreprocessing(unsigned index, mlir::RankedTensorType type) const;
  /// The labels of output number `index`; none where there are none.
  std::vector<std::string> getLabels(unsigned index) const;

private:
  std::vector<uint64_t> memory; ///< the FlatBuffer, aligned; empty where there is none
  llvm::StringRef file;
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_METADATA_H
