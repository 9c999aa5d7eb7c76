// Writes the header from the same description of the interface as the code.
#include "lib/Target/Header.h"

#include "lib/Target/EntryPoints.h"
#include "nnc/Runtime.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc {

/// Follows the model's name in the first line of every header.
static constexpr StringLiteral openingPhrase = ": a neural network compiled to machine code by nnc ";

/// `text` as it may stand in a C comment.
static std::string inComment(StringRef text) {
  std::string safe;
  for (char c : text) {
    bool breaks =
        (c == '/' && !safe.empty() && safe.back() == '*') || (c == '*' && !safe.empty() && safe.back() == '/');
    safe += breaks || static_cast<unsigned char>(c) < ' ' ? '_' : c;
  }
  return safe;
}

/// `text` as a C string literal.
static std::string inString(StringRef text) {
  std::string safe = "\"";
  for (char c : text)
    safe += isPrint(c) && c != '"' && c != '\\' ? c : '_';
  return safe + "\"";
}

/// `text`, in any encoding, as a C string literal of the same bytes. No trigraph and no escape is in it by chance.
static std::string quote(StringRef text) {
  std::string safe = "\"";
  for (char c : text)
    if (isPrint(c) && c != '"' && c != '\\' && c != '?')
      safe += c;
    else
      safe += formatv("\\{0}{1}{2}", (c >> 6) & 3, (c >> 3) & 7, c & 7).str();
  return safe + "\"";
}

/// A float of C, with all its digits.
static std::string makeFloat(float value) {
  std::string text;
  raw_string_ostream(text) << format("%.9g", value);
  return text + (StringRef(text).find_first_of(".e") == StringRef::npos ? ".0f" : "f");
}

static std::string makeNumber(int64_t value) { return std::to_string(value) + (value > UINT32_MAX ? "ull" : "u"); }

static std::string makeShape(const TensorInterface &tensor, const ModelInterface &interface, bool isInput) {
  std::string text;
  unsigned dynamic = 0;
  for (int64_t extent : tensor.shape) {
    text += text.empty() ? "" : " x ";
    if (!mlir::ShapedType::isDynamic(extent)) {
      text += std::to_string(extent);
      continue;
    }
    unsigned place = tensor.extentOf[dynamic++];
    bool isInputs = !isInput && place < interface.outputFormulas.size() &&
                    is_contained(interface.extents, interface.outputFormulas[place]);
    text += isInput ? interface.extents[place] : isInputs ? interface.outputFormulas[place] : interface.outputExtents[place];
  }
  return text.empty() ? "scalar" : text;
}

namespace {

class HeaderWriter {
public:
  HeaderWriter(raw_ostream &os, const ModelInterface &interface, const EmittedSizes &sizes, const TargetNames &target,
               const OutputOptions &output)
      : os(os), interface(interface), sizes(sizes), target(target), output(output), name(interface.name),
        macro(StringRef(interface.name).upper()) {}

  void write() {
    writeOpening();
    writeModelMacros();
    for (const TensorInterface &tensor : interface.inputs)
      writeTensorMacros(tensor);
    for (const TensorInterface &tensor : interface.outputs)
      writeTensorMacros(tensor);
    writeExtents();
    writeFunctions();
    os << "\n#ifdef __cplusplus\n}\n#endif\n\n#endif /* " << macro << "_H */\n";
  }

private:
  void writeOpening();
  void writeTable(const TensorInterface &tensor, bool isInput);
  void writeModelMacros();
  void writePreprocessing(const std::string &prefix, const InputPreprocessing &from);
  void writeTensorMacros(const TensorInterface &tensor);
  void writeOutputExtents(const TensorInterface &tensor);
  void writeExtents();
  void writeFunctions();
  void writeCpus();
  void define(const Twine &suffix, const Twine &value, StringRef comment = "") {
    os << "#define " << macro << "_" << suffix << " " << value;
    if (!comment.empty())
      os << " /* " << comment << " */";
    os << "\n";
  }

  raw_ostream &os;
  const ModelInterface &interface;
  const EmittedSizes &sizes;
  const TargetNames &target;
  const OutputOptions &output;
  std::string name, macro;
};

} // namespace

void HeaderWriter::writeTable(const TensorInterface &tensor, bool isInput) {
  std::string state;
  if (tensor.next)
    state = formatv("  state: {0} before the first run, then what {1} was",
                    tensor.initial ? name + "_model.states[...].initial" : "zeros",
                    inComment(interface.outputs[*tensor.next].name));
  os << formatv(" *   {0,-6}  {1,-20}  {2,-5}  {3}{4}\n", isInput ? "input" : "output", inComment(tensor.name),
                tensor.getTypeName(), makeShape(tensor, interface, isInput), state);
}

void HeaderWriter::writeOpening() {
  const Provenance &from = output.provenance;
  os << "/*\n * " << name << openingPhrase << inComment(from.version) << ".\n *\n";
  auto row = [&](StringRef label, StringRef value) {
    if (!value.empty())
      os << formatv(" *   {0,-8}  {1}\n", label, inComment(value));
  };
  row("model", from.sourceName);
  row("sha256", from.sourceSha256);
  row("command", from.commandLine);
  row("target", target.triple);
  row("cpu", target.listCpus());
  os << " *\n * All tensors are row-major, without gaps.\n *\n";
  for (const TensorInterface &tensor : interface.inputs)
    writeTable(tensor, true);
  for (const TensorInterface &tensor : interface.outputs)
    writeTable(tensor, false);
  os << " */\n#ifndef " << macro << "_H\n#define " << macro << "_H\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
     << "#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n";
}

void HeaderWriter::writeModelMacros() {
  define("ABI_VERSION", makeNumber(NNC_ABI_VERSION));
  define("MODEL_HASH", inString(output.provenance.sourceSha256));
  if (!interface.isDynamic())
    define("WORKSPACE_SIZE", makeNumber(sizes.workspace), "bytes");
  define("WORKSPACE_ALIGN", makeNumber(workspaceAlignment), "bytes");
  if (interface.externalWeights) {
    define("WEIGHTS_FILE", inString(sys::path::filename(output.weightsFile)));
    define("WEIGHTS_BYTES", makeNumber(sizes.weights), "of the file");
    define("WEIGHTS_ALIGN", makeNumber(WeightsHeader::alignment), "bytes");
    define("WEIGHTS_HASH", inString(sizes.weightsHash), "SHA-256 of the file from byte 64 on");
  } else {
    define("WEIGHTS_BYTES", makeNumber(sizes.weights));
  }
  define("CODE_BYTES", makeNumber(sizes.code));
  if (sizes.stack >= 0)
    define("STACK_BYTES", makeNumber(sizes.stack), "worst case of one run");
  else
    os << "/* There is no " << macro << "_STACK_BYTES: " << sizes.stackUnknown << ". */\n";
  if (interface.macs)
    define("MACS", makeNumber(*interface.macs), "multiply-adds of one run");
}

void HeaderWriter::writeTensorMacros(const TensorInterface &tensor) {
  std::string prefix = StringRef(tensor.identifier).upper() + "_";
  os << "\n";
  define(prefix + "DTYPE", inString(tensor.getTypeName()));
  define(prefix + "RANK", std::to_string(tensor.getRank()));
  if (tensor.getRank() != 0) {
    std::string extents;
    for (int64_t extent : tensor.shape)
      extents += (extents.empty() ? "" : ", ") + std::to_string(mlir::ShapedType::isDynamic(extent) ? -1 : extent);
    define(prefix + "SHAPE", "{" + extents + "}", tensor.isStatic() ? "" : "-1: known at run time");
  }
  if (tensor.isStatic()) {
    define(prefix + "NUMEL", makeNumber(tensor.getNumElements()));
    define(prefix + "BYTES", makeNumber(tensor.getBytes()));
  } else if (auto largest = tensor.getLargestShape()) {
    TensorInterface room = tensor;
    room.shape = *largest;
    define(prefix + "MAX_NUMEL", makeNumber(room.getNumElements()), "room that its buffer must have");
    define(prefix + "MAX_BYTES", makeNumber(room.getBytes()));
  }
  if (tensor.quantization) {
    define(prefix + "QUANT_SCALE", makeFloat(tensor.quantization->scale), "an element stands for (element - zero point) * scale");
    define(prefix + "QUANT_ZERO_POINT", "(" + Twine(tensor.quantization->zeroPoint) + ")");
  }
  if (tensor.preprocessing)
    writePreprocessing(prefix, *tensor.preprocessing);
  if (!tensor.labels.empty()) {
    define(prefix + "NUM_LABELS", makeNumber(tensor.labels.size()));
    define(prefix + "LABELS", "{" + join(map_range(tensor.labels, quote), ", ") + "}");
  }
}

void HeaderWriter::writePreprocessing(const std::string &prefix, const InputPreprocessing &from) {
  auto list = [](ArrayRef<float> values) { return "{" + join(map_range(values, makeFloat), ", ") + "}"; };
  if (from.isApplied)
    define(prefix + "IS_RAW", "1", "raw numbers; the model normalises them as follows");
  if (from.hasMeanImage)
    define(prefix + "HAS_MEAN_IMAGE", "1", from.isApplied ? "each element has its own" : "subtracted --with-preprocessing");
  else
    define(prefix + "MEAN", list(from.mean), "the input is (raw - mean) * scale");
  define(prefix + "SCALE", list(from.scale), from.scale.size() > 1 ? "per channel" : "");
  if (from.channelAxis >= 0)
    define(prefix + "CHANNEL_AXIS", std::to_string(from.channelAxis));
  if (!from.channelOrder.empty())
    define(prefix + "CHANNEL_ORDER", inString(from.channelOrder));
}

void HeaderWriter::writeOutputExtents(const TensorInterface &tensor) {
  unsigned dynamic = 0;
  for (auto [axis, extent] : enumerate(tensor.shape)) {
    if (!mlir::ShapedType::isDynamic(extent))
      continue;
    unsigned place = tensor.extentOf[dynamic];
    os << " *   " << interface.outputExtents[place] << ": dimension " << axis << " of " << inComment(tensor.name);
    if (place < interface.outputFormulas.size() && !interface.outputFormulas[place].empty())
      os << ", always " << interface.outputFormulas[place];
    if (dynamic < tensor.bounds.size() && !mlir::ShapedType::isDynamic(tensor.bounds[dynamic]))
      os << ", at most " << tensor.bounds[dynamic];
    os << "\n";
    ++dynamic;
  }
}

void HeaderWriter::writeExtents() {
  auto writeStruct = [&](StringRef suffix, ArrayRef<std::string> fields) {
    os << "typedef struct " << name << suffix << " {\n";
    for (const std::string &field : fields)
      os << "  int64_t " << field << ";\n";
    os << "} " << name << suffix << ";\n\n";
  };
  // What the functions about sizes take.
  std::string given = interface.takesExtents() ? "const " + name + "_extents *extents" : "";
  for (const TensorInterface &input : interface.inputs)
    if (input.decidesSizes)
      given += (given.empty() ? "const " : ", const ") + input.getCType() + " *" + input.identifier;
  if (interface.takesExtents()) {
    os << "\n/* Extents of the inputs that are chosen at run time: each from 0 to 2147483647. */\n";
    writeStruct("_extents", interface.extents);
  }
  if (interface.hasSizeInputs())
    os << (interface.takesExtents() ? "" : "\n") << "/* Bytes of workspace for these "
       << (interface.takesExtents() ? "extents and " : "")
       << "values of inputs; 0 if one is out of range. */\nuint64_t " << name << "_workspace_size(" << given << ");\n";
  else if (interface.isDynamic())
    os << "/* Bytes of workspace for these extents; 0 if one is out of range. */\nuint64_t " << name
       << "_workspace_size(" << given << ");\n";
  if (interface.outputExtents.empty())
    return;
  os << "\n/*\n * Extents of the outputs that "
     << (interface.reportsExtents || interface.hasSizeInputs() ? "are known at run time"
                                                               : "follow from those of the inputs")
     << ". Each field is called after an output and the place of\n * its dimension, from 0:\n";
  for (const TensorInterface &tensor : interface.outputs)
    writeOutputExtents(tensor);
  if (interface.reportsExtents)
    os << " * Some follow from data: " << name << "_run stores what they all are. An output lies without gaps in that "
       << "shape\n * at the start of its buffer, which must have room for the most that they can be.\n";
  if (interface.isDynamic())
    os << " * " << name << "_output_extents fills "
       << (interface.reportsExtents ? "in the most that they can be" : "them in") << " from the extents"
       << (interface.hasSizeInputs() ? " and values" : "")
       << " of the inputs, before or without a run; it returns 0,\n * or a code as " << name << "_run does.\n";
  os << " */\n";
  writeStruct("_output_shape", interface.outputExtents);
  if (interface.isDynamic())
    os << "int " << name << "_output_extents(" << given << ", " << name << "_output_shape *shape);\n";
}

void HeaderWriter::writeFunctions() {
  os << "\n/*\n * Runs the network. `workspace` is memory of the caller's, aligned to " << macro << "_WORKSPACE_ALIGN";
  os << (interface.isDynamic() ? ", of " + name + "_workspace_size bytes" : ", of " + macro + "_WORKSPACE_SIZE bytes");
  os << ";\n * nothing in it has to survive between calls. Outputs must not overlap anything else. Safe to call from\n"
     << " * several threads, each with its own workspace. Returns 0, or 1: a null pointer, 2: a misaligned pointer,\n"
     << " * 3: an unsupported CPU, 4: an extent out of range" << (interface.externalWeights ? ", 6: other weights" : "")
     << ".\n";
  auto isText = [](const TensorInterface &tensor) { return tensor.isStrings(); };
  if (any_of(interface.inputs, isText) || any_of(interface.outputs, isText))
    os << " * A string is UTF-8 that ends with a zero. Those of outputs are the inputs', constants, or lie in the workspace:\n"
       << " * use or copy them before the next run with it. 5: there is no room for strings, or one is no number.\n";
  if (interface.externalWeights)
    os << " *\n * `weights` are the " << macro << "_WEIGHTS_BYTES bytes of the file " << macro
       << "_WEIGHTS_FILE: mapped (mmap, MapViewOfFile), read, or\n * placed in flash, at a multiple of " << macro
       << "_WEIGHTS_ALIGN. They are only read, so all threads can share them. A file of\n"
       << " * another model or another compilation is refused; see that yours has all its bytes.\n";
  if (interface.threads)
    os << " * Loops are run by `parallel` (see nnc/Runtime.h), or by the caller's thread alone where it is null.\n";
  os << " */\n" << (interface.threads ? "struct nnc_parallel;\n" : "") << "int " << name << "_run(";
  for (const TensorInterface &tensor : interface.inputs)
    os << (tensor.isStrings() ? "const char *const *" : "const " + tensor.getCType() + " *") << tensor.identifier << ", ";
  for (const TensorInterface &tensor : interface.outputs)
    os << tensor.getCType() << (tensor.isStrings() ? "*" : " *") << tensor.identifier << ", ";
  if (interface.reportsExtents)
    os << name << "_output_shape *shape, ";
  if (interface.takesExtents())
    os << "const " << name << "_extents *extents, ";
  if (interface.externalWeights)
    os << "const void *weights, ";
  os << "void *workspace" << (interface.threads ? ", const struct nnc_parallel *parallel" : "")
     << ");\n\n/* The same model for tools that know nnc/Runtime.h. */\nstruct nnc_model;\n"
     << "extern const struct nnc_model " << name << "_model;\n";
  if (target.cpus.size() > 1)
    writeCpus();
}

void HeaderWriter::writeCpus() {
  os << "\n/* There is code for several CPUs. The last that this CPU can run is taken. */\n";
  define("CPUS", "{" + join(map_range(target.cpus, inString), ", ") + "}");
  os << "\n/* The place in " << macro << "_CPUS of the code that runs; -1: this CPU can run none, and " << name
     << "_run returns 3. */\nint " << name << "_cpu(void);\n"
     << "/* Runs the code for " << macro
     << "_CPUS[place] from the next call on; with -1 the best again. Returns 0, or 3 "
        "where this CPU cannot\n * run it. */\nint "
     << name << "_use_cpu(int place);\n";
}

bool isGeneratedHeader(StringRef contents) {
  return contents.consume_front("/*\n * ") &&
         contents.take_until([](char c) { return c == '\n'; }).contains(openingPhrase);
}

void writeHeader(raw_ostream &os, const ModelInterface &interface, const EmittedSizes &sizes, const TargetNames &target,
                 const OutputOptions &output) {
  HeaderWriter(os, interface, sizes, target, output).write();
}

} // namespace nnc
