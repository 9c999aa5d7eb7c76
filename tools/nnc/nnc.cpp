// nnc: compiles one trained network to one object file and one C header.
#include "lib/Driver/CommandLine.h"
#include "lib/Driver/Compiler.h"
#include "lib/Driver/Formats.h"
#include "lib/Driver/OptionNames.h"
#include "lib/Target/OutputFiles.h"

#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"

using namespace llvm;

static int fail(Error error) {
  errs() << "nnc: error: " << toString(std::move(error)) << '\n';
  return 1;
}

/// The exit code of what has printed all that it had to print.
static int finish() {
  Error error = nnc::flushStandardOutput();
  return error ? fail(std::move(error)) : 0;
}

int main(int argc, char **argv) {
  InitLLVM init(argc, argv);
  setBugReportMsg("nnc has crashed. This is a bug in nnc: please report it with the model and these lines.\n");
  nnc::CompilerCommandLine commandLine(/*withOutputs=*/true);
  cl::list<std::string> inputs(cl::Positional, cl::desc("<model> [<weights>]"), cl::cat(commandLine.getCategory()));
  cl::HideUnrelatedOptions(commandLine.getCategory());
  cl::SetVersionPrinter(nnc::printVersion);
  if (Error error = nnc::readOptions(argc, argv, "nnc: compiles a trained network to an object file and a C header\n"))
    return fail(std::move(error));
  if (commandLine.wantsOperatorList()) {
    for (const nnc::Format &format : nnc::getFormats())
      if (format.printSupportedOps)
        format.printSupportedOps(outs());
    return finish();
  }
  if (inputs.empty())
    return fail(createStringError("no model file given; see nnc --help"));
  auto options = commandLine.getOptions(inputs);
  if (!options)
    return fail(options.takeError());
  options->output.provenance.commandLine = nnc::describeCommandLine(argc, argv);
  return succeeded(nnc::compileModel(*options)) ? finish() : 1;
}
