// The files of a zip archive in memory. Only Archive.cpp sees the zip library.
#ifndef LIB_FRONTEND_KERAS_ARCHIVE_H
#define LIB_FRONTEND_KERAS_ARCHIVE_H

#include "lib/Frontend/Keras/Hdf5File.h"

namespace nnc::keras {

/// Whether `content` is a zip archive that has a file of this name.
bool hasArchiveFile(llvm::StringRef content, llvm::StringRef name);
/// A file of the archive; an error says why it cannot be read.
llvm::Expected<SharedBytes> readArchiveFile(llvm::StringRef content, llvm::StringRef name);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_ARCHIVE_H
