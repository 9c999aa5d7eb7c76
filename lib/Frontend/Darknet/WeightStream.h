// A .weights file: a header, then the numbers of all layers one after the other.
#ifndef LIB_FRONTEND_DARKNET_WEIGHTSTREAM_H
#define LIB_FRONTEND_DARKNET_WEIGHTSTREAM_H

#include "lib/Frontend/Darknet/Config.h"
#include "lib/Frontend/Import/ModelFiles.h"

namespace nnc::darknet {

/// The version in the header.
struct WeightHeader {
  int32_t major = 0, minor = 0, patch = 0;
};

/// Whether a binary file begins with a version that darknet writes.
bool looksLikeWeights(llvm::StringRef content);
llvm::Expected<WeightHeader> readHeader(llvm::StringRef content);

class WeightStream {
public:
  /// No file: every layer with weights is refused.
  WeightStream() = default;
  WeightStream(const frontend::ModelFile &file, const WeightHeader &header, Dialect dialect);

  bool isMissing() const { return !buffer; }
  /// The next `count` numbers as bytes in the file; nullopt where it ends before.
  std::optional<llvm::StringRef> take(int64_t count);
  std::shared_ptr<const void> getOwner() const { return buffer; }
  /// Weights of [connected] are stored the other way round.
  bool isTransposed() const { return transposed; }
  /// Numbers that no layer took.
  int64_t getRest() const { return rest.size() / sizeof(float); }

private:
  std::shared_ptr<llvm::MemoryBuffer> buffer;
  llvm::StringRef rest;
  bool transposed = false;
};

} // namespace nnc::darknet

#endif // LIB_FRONTEND_DARKNET_WEIGHTSTREAM_H
