// Static and shared libraries around one object.
#ifndef LIB_TARGET_LINK_H
#define LIB_TARGET_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <string>

namespace nnc {

/// An archive with the object as its only member. Deterministic.
llvm::Error writeStaticLibrary(llvm::ArrayRef<char> object, const std::string &member, llvm::StringRef path);

/// Links the object with the first linker found: ld.lld, or the C compiler where
/// the target is the host's.
llvm::Error linkSharedLibrary(llvm::ArrayRef<char> object, const llvm::Triple &triple, bool freestanding,
                              llvm::StringRef path);

} // namespace nnc

#endif // LIB_TARGET_LINK_H
