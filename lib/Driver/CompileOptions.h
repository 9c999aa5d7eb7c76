// What a caller may ask of a compilation, as one plain struct.
#ifndef LIB_DRIVER_COMPILEOPTIONS_H
#define LIB_DRIVER_COMPILEOPTIONS_H

#include "lib/Frontend/ONNX/ONNX.h"
#include "lib/Pipelines/Stages.h"
#include "lib/Target/TargetOptions.h"

#include <optional>
#include <string>

namespace nnc {

struct CompileOptions {
  std::string input;
  /// The model's name, prefix of its symbols; empty: made from the output's or the input's name.
  std::string name;
  onnx::ShapeOverrides shapes;
  /// Set: the module is printed as MLIR after this stage, and nothing else is written.
  std::optional<Stage> stopAfter;
  /// MLIR is printed with all constants, not only with the small ones.
  bool printWeights = false;
  /// Folder for one MLIR file per stage; empty: none.
  std::string dumpFolder;
  bool printMemoryPlan = false;
  /// Time of each stage on the standard error stream.
  bool verbose = false;
  TargetOptions target;
  OutputOptions output;
};

} // namespace nnc

#endif // LIB_DRIVER_COMPILEOPTIONS_H
