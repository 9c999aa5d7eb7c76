// What runs: the kernels and loop nests of a model, what each of them costs at least, and what of the CPU binds it.
#ifndef LIB_ANALYSIS_KERNELS_H
#define LIB_ANALYSIS_KERNELS_H

#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// The machine as the estimates see it: a roofline of one core, in cycles. What is not in kernel.target is the same for
/// all CPUs, and no measurement.
struct MachineModel {
  unsigned vectorBits = 128;
  bool fma = false;
  int64_t cacheBytes = 0;          ///< of the second level: kernels that touch no more are fed from it
  double instructionsPerCycle = 2; ///< on vectors; a multiply-add is one with FMA, else two
  double cacheBytesPerCycle = 32;  ///< from and to that cache
  double memoryBytesPerCycle = 8;  ///< from and to beyond it

  static MachineModel get(mlir::ModuleOp module);
};

/// One kernel, loop nest or copy of @main. Numbers are of one run; nullopt where run-time extents
/// decide.
struct KernelFacts {
  std::string name;                  ///< of the first layer, as in profiles
  std::string kind;                  ///< "conv", "winograd", "loops" (of linalg), "copy", "branch" ...
  std::vector<int64_t> layers;       ///< that it computes, by number
  std::vector<std::string> sources;  ///< names of the source's layers
  std::optional<int64_t> macs;       ///< multiply-adds, of Winograd's as of the convolution that it computes
  std::optional<int64_t> operations; ///< besides
  std::optional<int64_t> bytesRead, bytesWritten; ///< activations, each once
  int64_t weightBytes = 0;                        ///< constants, as they are packed
  std::optional<double> computeCycles; ///< if nothing but arithmetic took time, and no part of a vector was idle
  std::optional<double> memoryCycles;  ///< if nothing but moving each byte once took time
};

/// The kernels of @main, in order. Call it after the stage `tensors`.
std::vector<KernelFacts> listKernels(mlir::ModuleOp module);

/// Adds layers that are nothing but copies, such as concatenations, to `kernels`, by the numbers of layers. Call it after the
/// stage `buffers`, which leaves no copy that can be avoided.
void addCopies(mlir::ModuleOp module, std::vector<KernelFacts> &kernels);

} // namespace nnc

#endif // LIB_ANALYSIS_KERNELS_H
