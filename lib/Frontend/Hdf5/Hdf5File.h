// The groups, attributes and datasets of an HDF5 file.
//
// The HDF5 library sees the file only in a child process: it was not made for files that lie. What comes back is a list
// of the objects; the elements of a contiguous dataset are a place in the file's own memory.
#ifndef LIB_FRONTEND_HDF5_HDF5FILE_H
#define LIB_FRONTEND_HDF5_HDF5FILE_H

#include "lib/Frontend/Import/Archive.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace nnc::frontend {

/// How elements are stored: a letter of 'f', 'i', 'u' (and 'b' for booleans) and their bytes.
struct Hdf5ElementType {
  char kind = 0;
  uint8_t bytes = 0;
};

struct Hdf5Dataset {
  std::string path; ///< from the root, without a leading slash
  llvm::SmallVector<int64_t> shape;
  Hdf5ElementType type; ///< kind 0: a type that is not supported
  /// Where the elements lie in the file, little-endian and one after the other; else they are decoded when they are
  /// read.
  std::optional<uint64_t> offset;

  /// Null where the type is not supported.
  mlir::Type getElementType(mlir::MLIRContext *context) const;
};

class Hdf5File {
public:
  static constexpr llvm::StringLiteral signature = "\x89HDF\r\n\x1a\n";
  /// Reads all that is not elements; an error says what is wrong with the file. `sourceBytes` is the size of the file
  /// that was given, which may be an archive around `content`.
  static llvm::Expected<Hdf5File> open(SharedBytes content, size_t sourceBytes);

  /// The strings of an attribute of an object; null where there is none. "" is the root's path.
  const std::vector<std::string> *findAttribute(llvm::StringRef path, llvm::StringRef name) const;
  /// As above, of an attribute that Keras may have divided: name, or name0, name1, ... together.
  std::vector<std::string> joinAttribute(llvm::StringRef path, llvm::StringRef name) const;
  bool hasGroup(llvm::StringRef path) const { return groups.contains(path); }
  const Hdf5Dataset *findDataset(llvm::StringRef path) const;
  /// All datasets below a group, in the order of their paths.
  std::vector<const Hdf5Dataset *> listDatasets(llvm::StringRef group) const;
  /// The elements of a dataset, little-endian; `bytes` is how many the reader expects. An error where what was read
  /// of the file until now is more than compression can reach.
  llvm::Expected<SharedBytes> read(const Hdf5Dataset &dataset, size_t bytes) const;

private:
  SharedBytes content;
  size_t sourceBytes = 0;
  /// Bytes of all that was read until now.
  mutable size_t bytesRead = 0;
  /// The library failed to read a dataset: it is not asked for others.
  mutable bool isDamaged = false;
  llvm::StringMap<char> groups;
  llvm::StringMap<Hdf5Dataset> datasets;
  std::map<std::pair<std::string, std::string>, std::vector<std::string>> attributes;

  llvm::Error parse(llvm::StringRef listing);
};

} // namespace nnc::frontend

#endif // LIB_FRONTEND_HDF5_HDF5FILE_H
