// What goes into a run of a compiled model.
#ifndef LIB_DRIVER_MODELINPUTS_H
#define LIB_DRIVER_MODELINPUTS_H

#include "lib/Driver/HostTensor.h"

#include "llvm/ADT/StringMap.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// Tensor files as the user names them: `NAME=FILE`, or `FILE` for the next one in order.
struct NamedFile {
  std::string name; ///< empty: the next in order
  std::string path;

  static NamedFile parse(llvm::StringRef argument);
};

/// Where inputs come from.
struct InputSources {
  llvm::ArrayRef<NamedFile> files;      ///< those not named there are random
  llvm::StringMap<int64_t> symbols;     ///< run-time extents of random ones, by name; others are those of the files
  std::optional<int64_t> otherExtents;  ///< of which neither tells; else an error
  uint64_t seed = 0;
  bool startsStates = true;             ///< states are those before the first run, not random
  uint64_t maxBytes = UINT64_MAX;       ///< of all inputs
};

/// One tensor per input. An error where a file fits no input, an extent is not known, or there is no memory.
llvm::Expected<std::vector<HostTensor>> makeInputs(const nnc_model &model, const InputSources &sources);

/// Bytes of memory of this machine, used or not.
uint64_t getMemoryBytes();

} // namespace nnc

#endif // LIB_DRIVER_MODELINPUTS_H
