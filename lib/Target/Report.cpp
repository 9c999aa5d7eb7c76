// JSON report, and the memory plan as a table for people. The plan comes from the
// module's `nn.memory_plan`, which plan-memory wrote.
#include "lib/Target/Report.h"

#include "lib/Target/ReportPage.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <cmath>

using namespace mlir;

namespace nnc {

static std::optional<int64_t> getNumber(DictionaryAttr dictionary, StringRef name) {
  if (auto number = dictionary.getAs<IntegerAttr>(name))
    return number.getInt();
  return std::nullopt;
}

/// `text` with what is no UTF-8 replaced.
static std::string makeText(StringRef text) {
  return llvm::json::isUTF8(text) ? text.str() : llvm::json::fixUTF8(text);
}

static void writeNumbers(llvm::json::OStream &json, StringRef key, ArrayRef<int64_t> numbers) {
  if (numbers.empty())
    return;
  json.attributeArray(key, [&] {
    for (int64_t number : numbers)
      json.value(number);
  });
}

static void writeNames(llvm::json::OStream &json, StringRef key, ArrayRef<std::string> names) {
  json.attributeArray(key, [&] {
    for (const std::string &name : names)
      json.value(makeText(name));
  });
}

template <typename T> static void writeKnown(llvm::json::OStream &json, StringRef key, std::optional<T> number) {
  if (number)
    json.attribute(key, *number);
}

static void writeTensors(llvm::json::OStream &json, StringRef key, ArrayRef<TensorInterface> tensors,
                         ArrayRef<std::string> extents) {
  json.attributeArray(key, [&] {
    for (const TensorInterface &tensor : tensors)
      json.object([&] {
        json.attribute("name", makeText(tensor.name));
        json.attribute("type", tensor.getTypeName());
        json.attributeArray("shape", [&] {
          unsigned dynamic = 0;
          for (int64_t extent : tensor.shape)
            if (ShapedType::isDynamic(extent))
              json.value(makeText(extents[tensor.extentOf[dynamic++]]));
            else
              json.value(extent);
        });
        if (tensor.isStatic())
          json.attribute("bytes", tensor.getBytes());
      });
  });
}

static void writePlan(llvm::json::OStream &json, DictionaryAttr plan) {
  json.attributeObject("memory", [&] {
    for (StringRef key : {"peak", "bound", "slots"})
      if (auto number = getNumber(plan, key))
        json.attribute(key, *number);
    json.attributeArray("buffers", [&] {
      for (Attribute entry : plan.getAs<ArrayAttr>("buffers"))
        json.object([&] {
          auto buffer = cast<DictionaryAttr>(entry);
          json.attribute("layer", makeText(buffer.getAs<StringAttr>("layer").getValue()));
          if (auto layers = buffer.getAs<DenseI64ArrayAttr>("layers"))
            writeNumbers(json, "layers", layers.asArrayRef());
          for (StringRef key : {"offset", "bytes", "slot", "first", "last"})
            if (auto number = getNumber(buffer, key))
              json.attribute(key, *number);
        });
    });
  });
}

static void writeLayers(llvm::json::OStream &json, ArrayRef<LayerFacts> layers) {
  json.attributeArray("layers", [&] {
    for (const LayerFacts &layer : layers)
      json.object([&] {
        json.attribute("name", makeText(layer.name));
        json.attribute("operation", layer.kind);
        json.attribute("inputs", layer.inputs);
        json.attribute("outputs", layer.outputs);
        json.attribute("weights", layer.weightBytes);
        writeKnown(json, "bytes", layer.bytes);
        writeKnown(json, "macs", layer.macs);
        if (layer.sources.size() > 1)
          writeNames(json, "sources", layer.sources);
        writeNumbers(json, "from", layer.from);
        writeNumbers(json, "from_inputs", layer.fromInputs);
        writeNumbers(json, "to_outputs", layer.toOutputs);
      });
  });
}

static void writeKernels(llvm::json::OStream &json, ArrayRef<KernelFacts> kernels) {
  json.attributeArray("kernels", [&] {
    for (const KernelFacts &kernel : kernels)
      json.object([&] {
        json.attribute("name", makeText(kernel.name));
        json.attribute("kind", kernel.kind);
        writeNumbers(json, "layers", kernel.layers);
        writeNames(json, "sources", kernel.sources);
        writeKnown(json, "macs", kernel.macs);
        writeKnown(json, "operations", kernel.operations);
        writeKnown(json, "read", kernel.bytesRead);
        writeKnown(json, "written", kernel.bytesWritten);
        json.attribute("weights", kernel.weightBytes);
        writeKnown(json, "compute_cycles", kernel.computeCycles);
        writeKnown(json, "memory_cycles", kernel.memoryCycles);
      });
  });
}

static void writeDecisions(llvm::json::OStream &json, ArrayRef<Decision> decisions) {
  json.attributeArray("decisions", [&] {
    for (const Decision &decision : decisions)
      json.object([&] {
        json.attribute("about", decision.about);
        json.attribute("outcome", decision.outcome);
        json.attribute("layer", makeText(decision.layer));
        writeNumbers(json, "layers", decision.layers);
        json.attribute("text", makeText(decision.text));
      });
  });
}

static void writeMachine(llvm::json::OStream &json, const MachineModel &machine) {
  json.attributeObject("machine", [&] {
    json.attribute("vector_bits", machine.vectorBits);
    json.attribute("fma", machine.fma);
    json.attribute("instructions_per_cycle", machine.instructionsPerCycle);
    json.attribute("cache_bytes", machine.cacheBytes);
    json.attribute("cache_bytes_per_cycle", machine.cacheBytesPerCycle);
    json.attribute("memory_bytes_per_cycle", machine.memoryBytesPerCycle);
  });
}

static void writeSizes(llvm::json::OStream &json, const EmittedSizes &sizes, bool isDynamic) {
  json.attributeObject("sizes", [&] {
    json.attribute("code", sizes.code);
    json.attribute("weights", sizes.weights);
    if (!isDynamic) {
      json.attribute("workspace", sizes.workspace);
      json.attribute("workspace_lower_bound", sizes.workspaceBound);
    }
    if (sizes.stack >= 0)
      json.attribute("stack", sizes.stack);
    json.attribute("object", sizes.object);
  });
}

/// Numbers that JSON has not are null.
static void writeDouble(llvm::json::OStream &json, StringRef key, double number) {
  json.attribute(key, std::isfinite(number) ? llvm::json::Value(number) : llvm::json::Value(nullptr));
}

static void writePrecision(llvm::json::OStream &json, const PrecisionFacts &facts) {
  json.attributeObject("precision", [&] {
    json.attribute("type", facts.type);
    if (!facts.unmeasured.empty())
      return json.attribute("not_measured", facts.unmeasured);
    json.attribute("measured", describeMeasurement(facts));
    json.attributeArray("outputs", [&] {
      for (const PrecisionFacts::Output &output : facts.outputs)
        json.object([&] {
          json.attribute("name", output.name);
          writeDouble(json, "largest_error", output.error);
          writeDouble(json, "largest_magnitude", output.magnitude);
          if (output.magnitude > 0)
            writeDouble(json, "relative_error", output.error / output.magnitude);
        });
    });
  });
}

std::string describeMeasurement(const PrecisionFacts &facts) {
  return "on random inputs, normal distribution, seed " + std::to_string(facts.seed);
}

static void writeJson(llvm::raw_ostream &os, const ReportFacts &facts, unsigned indent) {
  const ModelInterface &interface = facts.interface;
  const Provenance &from = facts.output.provenance;
  llvm::json::OStream json(os, indent);
  json.object([&] {
    json.attribute("name", makeText(interface.name));
    json.attribute("model", makeText(from.sourceName));
    json.attribute("sha256", from.sourceSha256);
    json.attribute("version", from.version);
    json.attribute("target", facts.target.triple);
    json.attribute("cpu", facts.target.listCpus());
    writeTensors(json, "inputs", interface.inputs, interface.extents);
    writeTensors(json, "outputs", interface.outputs, interface.outputExtents);
    writeSizes(json, facts.sizes, interface.isDynamic());
    if (interface.macs)
      json.attribute("macs", *interface.macs);
    if (!facts.output.precision.type.empty())
      writePrecision(json, facts.output.precision);
    writeMachine(json, MachineModel::get(facts.module));
    writeLayers(json, facts.network.layers);
    writeKernels(json, facts.network.kernels);
    writeDecisions(json, facts.network.decisions);
    if (auto plan = facts.module->getAttrOfType<DictionaryAttr>("nn.memory_plan"))
      writePlan(json, plan);
    json.attributeArray("stages", [&] {
      for (const StageTime &time : facts.times)
        json.object([&] {
          json.attribute("stage", time.stage);
          json.attribute("seconds", time.seconds);
        });
    });
  });
}

void writeReport(llvm::raw_ostream &os, const ReportFacts &facts) {
  writeJson(os, facts, /*indent=*/2);
  os << "\n";
}

void writeReportAs(llvm::raw_ostream &os, StringRef path, const ReportFacts &facts) {
  if (!isReportPage(path))
    return writeReport(os, facts);
  std::string json;
  llvm::raw_string_ostream text(json);
  writeJson(text, facts, /*indent=*/0);
  writeReportPage(os, json);
}

void printMemoryPlan(ModuleOp module, llvm::raw_ostream &os) {
  auto plan = module->getAttrOfType<DictionaryAttr>("nn.memory_plan");
  if (!plan) {
    os << "no memory plan\n";
    return;
  }
  os << llvm::formatv("{0,12} {1,12} {2,6} {3,6}  {4}\n", "offset", "bytes", "first", "last", "layer");
  for (Attribute entry : plan.getAs<ArrayAttr>("buffers")) {
    auto buffer = cast<DictionaryAttr>(entry);
    auto slot = getNumber(buffer, "slot");
    std::string offset = slot ? "slot " + std::to_string(*slot) : std::to_string(*getNumber(buffer, "offset"));
    auto bytes = getNumber(buffer, "bytes");
    os << llvm::formatv("{0,12} {1,12} {2,6} {3,6}  {4}\n", offset, bytes ? std::to_string(*bytes) : "run time",
                        *getNumber(buffer, "first"), *getNumber(buffer, "last"),
                        buffer.getAs<StringAttr>("layer").getValue());
  }
  int64_t peak = getNumber(plan, "peak").value_or(0), bound = getNumber(plan, "bound").value_or(0);
  os << llvm::formatv("arena {0} bytes, lower bound {1} bytes ({2:P2} above)\n", peak, bound,
                      bound ? static_cast<double>(peak - bound) / bound : 0.0);
  if (int64_t slots = getNumber(plan, "slots").value_or(0))
    os << "and " << slots << " slots whose sizes are known at run time\n";
}

} // namespace nnc
