// A report says of which source it is, and what goes in and out; a compiled model says the same of itself.
#include "tools/nnc-run/Report.h"

#include "lib/Target/OutputFiles.h"
#include "lib/Target/ReportPage.h"

#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace llvm;

namespace nnc {

static std::string getText(const char *text) { return text ? json::fixUTF8(text) : std::string(); }

/// Whether a list of the report describes these tensors. Extents that are known at run time have names there.
static bool areDescribed(const json::Array *listed, ArrayRef<nnc_tensor> tensors) {
  if (!listed || listed->size() != tensors.size())
    return false;
  for (auto [value, tensor] : zip(*listed, tensors)) {
    const json::Object *object = value.getAsObject();
    const json::Array *shape = object ? object->getArray("shape") : nullptr;
    if (!shape || object->getString("name") != getText(tensor.name) || shape->size() != tensor.rank)
      return false;
    for (auto [extent, known] : zip(*shape, ArrayRef(tensor.shape, tensor.rank)))
      if (known < 0 ? !extent.getAsString() : extent.getAsInteger() != known)
        return false;
  }
  return true;
}

/// Whether all layers that were measured are those of kernels in the report.
static bool haveKernels(const json::Array &kernels, const ProfileTimes &times) {
  StringSet<> names;
  for (const json::Value &kernel : kernels)
    if (const json::Object *object = kernel.getAsObject())
      names.insert(object->getString("name").value_or(""));
  return all_of(times.layers, [&](const ProfileTimes::Layer &layer) { return names.contains(json::fixUTF8(layer.name)); });
}

/// Why a report is not that of the model; "" where it is.
static StringRef findMismatch(const json::Object &report, const nnc_model &model, const ProfileTimes &times) {
  std::string hash = getText(model.model_hash);
  if (!hash.empty() && report.getString("sha256") != hash)
    return "it was compiled from another file";
  if (!areDescribed(report.getArray("inputs"), ArrayRef(model.inputs, model.num_inputs)) ||
      !areDescribed(report.getArray("outputs"), ArrayRef(model.outputs, model.num_outputs)))
    return "inputs or outputs are others";
  if (!haveKernels(*report.getArray("kernels"), times))
    return "layers are others";
  return "";
}

Error writeMeasuredReport(StringRef report, const nnc_model &model, const ProfileTimes &times, StringRef path) {
  Expected<json::Value> facts = json::parse(report);
  if (!facts)
    return createStringError("the report to complete is no JSON: " + toString(facts.takeError()));
  json::Object *object = facts->getAsObject();
  if (!object || !object->getArray("layers") || !object->getArray("kernels"))
    return createStringError("the report to complete was not written by nnc");
  if (StringRef reason = findMismatch(*object, model, times); !reason.empty())
    return createStringError("the report to complete is that of another compilation: " + reason);
  (*object)["profile"] = describeProfile(times);
  OutputFiles files;
  auto write = [&](raw_ostream &os) {
    if (isReportPage(path))
      writeReportPage(os, formatv("{0}", *facts).str());
    else
      os << formatv("{0:2}", *facts) << '\n';
  };
  if (Error error = files.add(path, write))
    return error;
  return files.commit();
}

} // namespace nnc
