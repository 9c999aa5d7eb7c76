// What a caller may choose about the machine code, as plain structs: the CPU it
// is for, and the files it goes to.
#ifndef LIB_TARGET_TARGETOPTIONS_H
#define LIB_TARGET_TARGETOPTIONS_H

#include <cstdint>
#include <string>
#include <vector>

namespace nnc {

/// The CPU and the ABI to generate code for; spelled as clang's options are.
struct TargetOptions {
  std::string triple;          ///< "--target=": empty means the host
  std::string cpu;             ///< "--cpu=": empty or "native" means the host's CPU, or "generic" for a foreign triple
  std::string features;        ///< "--features=+avx2,-fma", on top of the CPU's
  std::string floatAbi;        ///< "", "soft", "softfp" or "hard"
  std::string relocationModel; ///< "", "static" or "pic" (the default)
  std::string codeModel;       ///< "", "tiny", "small", "medium" or "large"
  unsigned optLevel = 2;       ///< 0 to 3
};

/// The files that emission can write.
enum class OutputKind { Object, Assembly, LLVMIR, Library, Shared };

/// Where a model came from: the header opens with it.
struct Provenance {
  std::string sourceName;   ///< file name of the model, without its folders
  std::string sourceSha256; ///< in hexadecimal
  std::string version;      ///< of nnc
  std::string commandLine;  ///< without folders
};

/// What rounded weights (`--precision`) do to the outputs.
struct PrecisionFacts {
  struct Output {
    std::string name;
    double error = 0;     ///< the largest of an element; infinite where only one side is a finite number
    double magnitude = 0; ///< the largest of an element with f32 weights
  };

  std::string type;       ///< of the weights; empty: as the model says
  std::string unmeasured; ///< why there are no errors; empty: there are
  uint64_t seed = 0;      ///< of the inputs, normally distributed
  std::vector<Output> outputs;
};

/// What to write, and under which names.
struct OutputOptions {
  OutputKind kind = OutputKind::Object;
  std::string outputFile;     ///< "-o"
  std::string headerFile;     ///< "--header=", made from the output's by default; empty: none
  std::string reportFile;     ///< "--report=": empty means none
  std::string listingFile;    ///< "-g": the MLIR that debug lines refer to; empty: no debug lines
  std::string listing;        ///< its contents
  std::string weightsSection; ///< "--weights-section=": empty means ".rodata.<name>.weights"
  bool externalWeights = false; ///< "--weights=extern": the caller has the weights
  std::string weightsFile;    ///< where they go then
  bool freestanding = false;  ///< no undefined symbol at all: memcpy, memmove and memset come with the object
  bool threads = false;       ///< parallel loops ask the caller's parallel-for callback
  Provenance provenance;
  PrecisionFacts precision; ///< for the report
};

/// One phase of the compilation and the wall-clock seconds it took, for the report.
struct StageTime {
  std::string stage;
  double seconds = 0;
};

} // namespace nnc

#endif // LIB_TARGET_TARGETOPTIONS_H
