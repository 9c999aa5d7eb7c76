// What goes into a run of a model and what is said of what comes out.
#ifndef TOOLS_NNC_RUN_TENSORS_H
#define TOOLS_NNC_RUN_TENSORS_H

#include "lib/Driver/ModelLibrary.h"

#include "llvm/Support/raw_ostream.h"

namespace nnc {

/// Tensor files as the user names them: `NAME=FILE`, or `FILE` for the next one in order.
struct NamedFile {
  std::string name; ///< empty: the next in order
  std::string path;

  static NamedFile parse(llvm::StringRef argument);
};

/// One tensor per input: from `files`, or random by `seed`. Run-time extents of random tensors come from the other
/// inputs or from `symbols`; an error where neither tells one, or a file fits no input.
llvm::Expected<std::vector<HostTensor>> makeInputs(const nnc_model &model, llvm::ArrayRef<NamedFile> files,
                                                   const llvm::StringMap<int64_t> &symbols, uint64_t seed);

struct Tolerance {
  double relative, absolute;
};

/// Prints the largest error of `actual` and where it is; false where an element is farther from `expected` than the
/// tolerance allows, or types or shapes differ. NaN equals NaN, infinities must be the same.
bool compare(const HostTensor &actual, const HostTensor &expected, Tolerance tolerance, llvm::raw_ostream &os);

/// One line: name, type, shape, smallest, largest (its label, where there is one for each element of a row), mean, and the
/// first elements.
void summarise(const HostTensor &tensor, llvm::ArrayRef<const char *> labels, llvm::raw_ostream &os);

/// One line: how the input `name` is made of raw numbers.
void describePreprocessing(llvm::StringRef name, const nnc_preprocessing &preprocessing, llvm::raw_ostream &os);

} // namespace nnc

#endif // TOOLS_NNC_RUN_TENSORS_H
