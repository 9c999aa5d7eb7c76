// What a caller may ask of a compilation, as one plain struct.
#ifndef LIB_DRIVER_COMPILEOPTIONS_H
#define LIB_DRIVER_COMPILEOPTIONS_H

#include "lib/Driver/ModelInputs.h"
#include "lib/Frontend/Import/ImportOptions.h"
#include "lib/Pipelines/Stages.h"
#include "lib/Target/TargetOptions.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

struct CompileOptions {
  /// The model: one file, or the two of a format that has its weights in a second one.
  std::vector<std::string> inputs;
  /// The format to read them as (`--format`); empty: told from their contents.
  std::string format;
  /// darknet's fork that the model was made for (`--darknet-dialect`); empty: told from the file.
  std::string darknetDialect;
  /// The type of raw numbers that inputs take (`--with-preprocessing`), "u8" or "f32"; empty: inputs are the model's own.
  std::string rawInputs;
  /// The model's name, prefix of its symbols; empty: made from the output's or the input's name.
  std::string name;
  frontend::ShapeOverrides shapes;
  llvm::StringMap<int64_t> elements; ///< of inputs that are sequences or optionals
  /// Set: the module is printed as MLIR after this stage, and nothing else is written.
  std::optional<Stage> stopAfter;
  /// Set: the model is written as ONNX of this opset (`--emit=onnx`), and nothing else.
  std::optional<int64_t> exportOpset;
  /// Layers on quantised numbers are exported as ones on floats between QuantizeLinear and DequantizeLinear, instead of the
  /// format's own integer arithmetic.
  bool exportsQDQ = false;
  /// Weights are exported into a second file (`--external-data`), the output's name with .data behind.
  bool externalData = false;
  /// Set: what was exported is compared with the model; the largest error that is taken, of the largest magnitude.
  std::optional<double> verifyTolerance;
  std::vector<NamedFile> verifyInputs; ///< on which they are compared; others are random
  /// MLIR is printed with all constants, not only with the small ones.
  bool printWeights = false;
  /// Folder for one MLIR file per stage; empty: none.
  std::string dumpFolder;
  bool printMemoryPlan = false;
  /// Convolutions of small windows may use Winograd's algorithm.
  bool winograd = true;
  /// Denormal weights of products count.
  bool keepDenormals = false;
  /// "bf16": the weights of f32 products and convolutions are rounded to bf16; "f32": they keep their values.
  std::string precision = "f32";
  /// Bytes for the strings that a run makes, and pieces into which one is split at most.
  int64_t stringSpace = 64 << 10, maxPieces = 64;
  /// The code counts how long each layer takes.
  bool profile = false;
  /// Time of each stage on the standard error stream.
  bool verbose = false;
  TargetOptions target;
  OutputOptions output;
};

} // namespace nnc

#endif // LIB_DRIVER_COMPILEOPTIONS_H
