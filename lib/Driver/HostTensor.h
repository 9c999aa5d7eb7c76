// A tensor in the host's memory, and the files it comes from and goes to.
#ifndef LIB_DRIVER_HOSTTENSOR_H
#define LIB_DRIVER_HOSTTENSOR_H

#include "nnc/Runtime.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace nnc {

/// Memory aligned to 64 bytes, as generated code likes it.
class AlignedMemory {
public:
  AlignedMemory() = default;
  /// data() is null where there is no such memory.
  explicit AlignedMemory(size_t bytes);
  char *data() const { return memory.get(); }
  size_t size() const { return bytes; }

private:
  struct Free {
    void operator()(char *memory) const;
  };
  std::unique_ptr<char, Free> memory;
  size_t bytes = 0;
};

struct HostTensor {
  std::string name;
  uint32_t type = NNC_FLOAT32; ///< NNC_FLOAT32 ...
  std::vector<int64_t> shape;
  AlignedMemory data; ///< of strings their addresses
  bool isRandom = false;

  /// A tensor of undefined contents; an error where its size overflows.
  static llvm::Expected<HostTensor> create(llvm::StringRef name, uint32_t type, std::vector<int64_t> shape);
  int64_t getNumElements() const;
  /// The element at a row-major position as a double; NaN of strings.
  double getElement(int64_t position) const;
  /// Stores `value`, converted to the element type.
  void setElement(int64_t position, double value);
  /// The element at a row-major position as text: integers in full, floats with `digits` significant ones.
  std::string describeElement(int64_t position, int digits) const;
  /// Of strings: the one at a row-major position.
  llvm::StringRef getString(int64_t position) const;
  /// Makes strings, one for each element, those of the tensor; without a zero inside.
  void setStrings(std::vector<std::string> strings);
  /// Makes copies of strings that are elsewhere the tensor's own.
  void ownStrings();
  /// "float32 [1, 10]"
  std::string describeType() const;

private:
  std::vector<std::string> ownedStrings;
};

/// How far an element is from that of another tensor of the same type: 0 where both are NaN or the same infinity, infinite
/// where only one is a number, or where strings differ.
double getDistance(const HostTensor &one, const HostTensor &other, int64_t position);

/// Words of at most seven letters, normal floats, bytes from their whole range, other integers 0 or 1: most are indices into something. The same
/// numbers with every standard library.
void fillRandomly(HostTensor &tensor, std::mt19937_64 &generator);

/// Bytes of all elements; an error where the type is unknown, or an extent is negative, or the size too large.
llvm::Expected<size_t> getTensorBytes(llvm::StringRef name, uint32_t type, llvm::ArrayRef<int64_t> shape);
/// Bytes of one element; 0 for an unknown type.
size_t getElementBytes(uint32_t type);
/// numpy's name ("float32"); bfloat16 has none of numpy's, but its own.
llvm::StringRef getTypeName(uint32_t type);
/// "[1, 10]"
std::string describeShape(llvm::ArrayRef<int64_t> shape);

/// Reads a .npy file (versions 1 to 3, C or Fortran order, either byte order; strings as numpy's U or S) or
/// an ONNX TensorProto (.pb).
llvm::Expected<HostTensor> readTensorFile(llvm::StringRef path);
/// Writes a .npy file; an error where a string is not UTF-8.
llvm::Error writeNumpyFile(const HostTensor &tensor, llvm::StringRef path);

} // namespace nnc

#endif // LIB_DRIVER_HOSTTENSOR_H
