// What people write for a target or a CPU that LLVM calls by another name.
#ifndef LIB_TARGET_TARGETNAMES_H
#define LIB_TARGET_TARGETNAMES_H

#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/TargetParser/Triple.h"

#include <string>

namespace nnc {

/// What to write instead of `--target=name`, which LLVM does not know, or which says too little to compile for: a clause
/// for the end of an error.
std::string suggestTarget(llvm::StringRef name);

/// What to write instead of `--cpu=name`, which is none of the CPUs of `triple`, whose CPUs `info` lists: a clause for the
/// end of an error.
std::string suggestCpu(llvm::StringRef name, const llvm::Triple &triple, const llvm::MCSubtargetInfo &info);

/// The feature of the target that is spelt most like `name`; empty where none is near.
std::string findNearestFeature(llvm::StringRef name, const llvm::MCSubtargetInfo &info);

} // namespace nnc

#endif // LIB_TARGET_TARGETNAMES_H
