// The largest differences of the outputs of a model with f32 weights and with rounded ones.
#include "lib/Driver/MeasurePrecision.h"

using namespace llvm;

namespace nnc {

static Error measure(const CompileOptions &options, ArrayRef<std::string> outputs, CompileFunction compile,
                     PrecisionFacts &facts) {
  CompileOptions unrounded = options;
  unrounded.precision = "f32";
  auto exact = TemporaryLibrary::compile(unrounded, "measured_f32", compile);
  if (!exact)
    return exact.takeError();
  auto rounded = TemporaryLibrary::compile(options, "measured_" + options.precision, compile);
  if (!rounded)
    return rounded.takeError();
  auto differences = compareRuns(*exact, *rounded);
  if (!differences)
    return differences.takeError();
  if (differences->size() != outputs.size())
    return createStringError("the model has other outputs as a library");
  for (auto [name, difference] : zip(outputs, *differences))
    facts.outputs.push_back({name, difference.error, difference.magnitude});
  return Error::success();
}

PrecisionFacts measurePrecision(const CompileOptions &options, bool runsHere, ArrayRef<std::string> outputs,
                                CompileFunction compile) {
  PrecisionFacts facts;
  facts.type = options.precision;
  facts.seed = randomSeed;
  if (!runsHere) {
    facts.unmeasured = "other CPU";
    return facts;
  }
  if (Error error = measure(options, outputs, compile, facts)) {
    facts.unmeasured = toString(std::move(error));
    facts.outputs.clear();
  }
  return facts;
}

} // namespace nnc
