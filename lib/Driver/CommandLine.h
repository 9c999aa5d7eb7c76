// The compiler's command line options, shared by nnc and nnc-run.
#ifndef LIB_DRIVER_COMMANDLINE_H
#define LIB_DRIVER_COMMANDLINE_H

#include "lib/Driver/CompileOptions.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace nnc {

/// Registers the compiler's options while it lives; after parsing, turns them
/// into CompileOptions.
class CompilerCommandLine {
public:
  /// `withOutputs` adds the options that name output files and kinds (`-o`, `--emit`, `--stop-after` ...).
  explicit CompilerCommandLine(bool withOutputs);
  ~CompilerCommandLine();

  /// The category of all options, for --help.
  llvm::cl::OptionCategory &getCategory();
  /// What the user asked for, for the model in the files `inputs`; an error where options contradict each other.
  llvm::Expected<CompileOptions> getOptions(llvm::ArrayRef<std::string> inputs) const;
  /// True where the user asked for the list of operators (`--list-ops`).
  bool wantsOperatorList() const;
  /// An error where an option was given that means nothing to a compiled model, or a --shape of another name than its
  /// run-time `extents`. `hasReport`: --report has a meaning.
  llvm::Error checkForCompiled(llvm::ArrayRef<llvm::StringRef> extents, bool hasReport) const;

  /// True where the user chose the model's name (`--name`).
  bool wasNamed() const;

private:
  llvm::Error checkEffects(const CompileOptions &result) const;

  struct Options;
  struct OutputChoices;
  std::unique_ptr<Options> options;
  std::unique_ptr<OutputChoices> outputs;
};

/// Prints nnc's and LLVM's version (`--version`).
void printVersion(llvm::raw_ostream &os);

/// Remembers the command line, without folders, for the header of compiled models.
std::string describeCommandLine(int argc, char **argv);

} // namespace nnc

#endif // LIB_DRIVER_COMMANDLINE_H
