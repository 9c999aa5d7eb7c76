// What runs in the child process: the calls of the HDF5 library. Only Hdf5Listing.cpp sees its headers.
#ifndef LIB_FRONTEND_HDF5_HDF5LISTING_H
#define LIB_FRONTEND_HDF5_HDF5LISTING_H

#include "lib/Support/ChildProcess.h"

namespace nnc::frontend {

/// The records of a listing, each a letter and then numbers (64 bits) and texts (a number and as many bytes).
enum class Hdf5Record : char {
  Group = 'G',     ///< path
  Attribute = 'A', ///< path, name, number of strings, strings
  Dataset = 'D',   ///< path, kind, bytes, has offset, offset, rank, extents
};

/// Lists all objects of the file `content`, and those attributes that Keras writes.
bool listHdf5(llvm::StringRef content, Sink sink);
/// The elements of a dataset in native byte order, `bytes` of them.
bool readHdf5(llvm::StringRef content, llvm::StringRef path, size_t bytes, Sink sink);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_HDF5_HDF5LISTING_H
