// Static and shared libraries around one object.
#ifndef LIB_TARGET_LINK_H
#define LIB_TARGET_LINK_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"

#include <string>

namespace nnc {

/// The bytes of an archive with the object as its only member. Deterministic.
llvm::Expected<llvm::SmallVector<char, 0>> makeStaticLibrary(llvm::ArrayRef<char> object, const std::string &member);

/// The bytes of a shared library, linked from the object with the first linker found: ld.lld, or the C compiler where
/// the target is the host's.
llvm::Expected<llvm::SmallVector<char, 0>> linkSharedLibrary(llvm::ArrayRef<char> object, const llvm::Triple &triple,
                                                             bool freestanding);

} // namespace nnc

#endif // LIB_TARGET_LINK_H
