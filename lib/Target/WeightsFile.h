// The file of `--weights=extern`: a header that says which weights these are, then the weights.
#ifndef LIB_TARGET_WEIGHTSFILE_H
#define LIB_TARGET_WEIGHTSFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <array>
#include <cstdint>

namespace nnc {

/// What a file of weights begins with. Numbers are little-endian, as in the code that compares them:
///
///     0  8   "nncw", then the version of this layout, 1
///     8  8   bytes of the file
///    16 32   SHA-256 of what follows the header
///    48 16   zeros
class WeightsHeader {
public:
  static constexpr size_t size = 64;          ///< the weights begin here
  static constexpr size_t comparedWords = 6;  ///< of 64 bits, those that are not always zero
  static constexpr int64_t alignment = 64;    ///< of the file in memory

  WeightsHeader() = default;
  explicit WeightsHeader(llvm::ArrayRef<char> weights);

  llvm::StringRef getBytes() const { return llvm::StringRef(bytes.data(), bytes.size()); }
  uint64_t getWord(size_t place) const;
  /// In hexadecimal.
  std::string getDigest() const;

  /// Whether `contents` begins as a file of weights does: such a one may be overwritten.
  static bool opens(llvm::StringRef contents);

private:
  std::array<char, size> bytes = {};
};

} // namespace nnc

#endif // LIB_TARGET_WEIGHTSFILE_H
