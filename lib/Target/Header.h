// The C header beside the object.
#ifndef LIB_TARGET_HEADER_H
#define LIB_TARGET_HEADER_H

#include "lib/Target/Emit.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// The CPUs and the target that code was generated for, for people.
struct TargetNames {
  std::string triple;
  std::vector<std::string> cpus; ///< at least one

  std::string listCpus() const { return llvm::join(cpus, ", "); }
};

/// Writes the header of `interface`: valid as C99 and as C++11, free of warnings.
void writeHeader(llvm::raw_ostream &os, const ModelInterface &interface, const EmittedSizes &sizes,
                 const TargetNames &target, const OutputOptions &output);

/// Whether `contents` opens like a header that writeHeader wrote: such a one may be overwritten.
bool isGeneratedHeader(llvm::StringRef contents);

} // namespace nnc

#endif // LIB_TARGET_HEADER_H
