// A compiled model in this process.
#ifndef LIB_DRIVER_MODELLIBRARY_H
#define LIB_DRIVER_MODELLIBRARY_H

#include "lib/Driver/HostTensor.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MemoryBuffer.h"

namespace nnc {

/// Loads shared libraries and objects that nnc made, and runs them through their descriptor.
class ModelLibrary {
public:
  /// Loads a shared library, or links an object into one first. An error where the file holds no model, or several and
  /// none is named `name`.
  static llvm::Expected<ModelLibrary> load(llvm::StringRef path, llvm::StringRef name);

  const nnc_model &getModel() const { return *model; }
  /// How an input is made of raw numbers, and the names of an output's classes; null where the model does not say.
  const nnc_preprocessing *getPreprocessing(unsigned input) const;
  const nnc_labels *getLabels(unsigned output) const;

  /// Whether the model needs a file of weights (`--weights=extern`).
  bool needsWeights() const { return getWeights(); }
  /// Maps that file; an error where it has not the model's weights.
  llvm::Error readWeights(llvm::StringRef path);

  /// Loops of a model that was compiled with `--threads` run on `pool` from now on, as long as it lives.
  void setParallel(const nnc_parallel *pool) { parallel = pool; }

  /// Runs the code for `cpu`, one of those that the model was compiled for, from now on.
  llvm::Error useCpu(llvm::StringRef cpu) const;

  /// The run-time extents that the inputs' shapes imply; an error where a tensor does not fit its input.
  llvm::Expected<std::vector<int64_t>> getExtents(llvm::ArrayRef<HostTensor> inputs) const;

  /// Outputs of undefined contents, for these extents.
  llvm::Expected<std::vector<HostTensor>> createOutputs(llvm::ArrayRef<HostTensor> inputs,
                                                        llvm::ArrayRef<int64_t> extents) const;

  /// Bytes of workspace for these extents; an error where they are out of range.
  llvm::Expected<size_t> getWorkspaceSize(llvm::ArrayRef<HostTensor> inputs, llvm::ArrayRef<int64_t> extents) const;

  /// Runs the model once. Outputs of which data decide extents get the shape that they have.
  llvm::Error run(llvm::ArrayRef<HostTensor> inputs, llvm::MutableArrayRef<HostTensor> outputs,
                  llvm::ArrayRef<int64_t> extents, const AlignedMemory &workspace) const;

private:
  const nnc_weights *getWeights() const;

  const nnc_model *model = nullptr;
  const nnc_parallel *parallel = nullptr; ///< null: the calling thread alone
  std::unique_ptr<llvm::MemoryBuffer> weightsFile;
  AlignedMemory weightsCopy; ///< where the file is not mapped, and lies at another address than it may
};

} // namespace nnc

#endif // LIB_DRIVER_MODELLIBRARY_H
