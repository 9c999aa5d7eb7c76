// Two models that ought to compute the same, on the same random inputs.
#ifndef LIB_DRIVER_RANDOMRUNS_H
#define LIB_DRIVER_RANDOMRUNS_H

#include "lib/Driver/CompileOptions.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileUtilities.h"

#include <memory>

namespace nnc {

/// Compiles a model as its options say, and prints nothing.
using CompileFunction = llvm::function_ref<llvm::Error(const CompileOptions &)>;

/// The seed of all inputs, and the extent of what is known at run time only.
inline constexpr uint64_t randomSeed = 0;
inline constexpr int64_t runTimeExtent = 32;

/// A model as a library in a temporary file, which ends with this.
class TemporaryLibrary {
public:
  /// Compiles the model of `options`. Symbols of loaded libraries would replace those of the same name, so models have
  /// different names.
  static llvm::Expected<TemporaryLibrary> compile(CompileOptions options, llvm::StringRef name, CompileFunction compile);

  llvm::StringRef getName() const { return name; }
  llvm::StringRef getPath() const { return path; }

private:
  std::string name, path;
  std::unique_ptr<llvm::FileRemover> remover;
};

/// How much an output of one model differs from that of another.
struct Difference {
  double error = 0;     ///< the largest of an element, infinite where only one side is a number
  double magnitude = 0; ///< the largest finite one of the output that is held to be right
  int64_t numElements = 0, numDifferent = 0;
};

/// Runs both on the same inputs, those of `files` and random ones, in a child process, which a model may bring down: a
/// difference for each output.
llvm::Expected<std::vector<Difference>> compareRuns(const TemporaryLibrary &right, const TemporaryLibrary &other,
                                                    llvm::ArrayRef<NamedFile> files = {});

} // namespace nnc

#endif // LIB_DRIVER_RANDOMRUNS_H
