// The files of a zip archive in memory. Only Archive.cpp sees the zip library.
#ifndef LIB_FRONTEND_IMPORT_ARCHIVE_H
#define LIB_FRONTEND_IMPORT_ARCHIVE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace nnc::frontend {

/// Bytes in memory and what keeps them alive.
struct SharedBytes {
  llvm::StringRef bytes;
  std::shared_ptr<const void> owner;
};

/// Whether `content` begins as a zip archive with files does.
bool isZip(llvm::StringRef content);
/// Whether `content` is a zip archive that has a file of this name.
bool hasArchiveFile(llvm::StringRef content, llvm::StringRef name);
/// The name of the file that an archive begins with, which a damaged one has as well; empty where `content` is none.
llvm::StringRef getFirstArchiveFile(llvm::StringRef content);
/// A file of the archive, which may lie behind something else; an error says why it cannot be read.
llvm::Expected<SharedBytes> readArchiveFile(llvm::StringRef content, llvm::StringRef name);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_ARCHIVE_H
