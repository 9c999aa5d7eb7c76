// The C header beside the object.
#ifndef LIB_TARGET_HEADER_H
#define LIB_TARGET_HEADER_H

#include "lib/Target/Emit.h"

#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// The CPU and target that code was generated for, for people.
struct TargetNames {
  std::string triple;
  std::string cpu;
};

/// Writes the header of `interface`: valid as C99 and as C++11, free of warnings.
void writeHeader(llvm::raw_ostream &os, const ModelInterface &interface, const EmittedSizes &sizes,
                 const TargetNames &target, const OutputOptions &output);

/// Whether `contents` opens like a header that writeHeader wrote: such a one may be overwritten.
bool isGeneratedHeader(llvm::StringRef contents);

} // namespace nnc

#endif // LIB_TARGET_HEADER_H
