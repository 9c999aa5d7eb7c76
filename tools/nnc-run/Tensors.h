// What is said of what comes out of a run.
#ifndef TOOLS_NNC_RUN_TENSORS_H
#define TOOLS_NNC_RUN_TENSORS_H

#include "lib/Driver/HostTensor.h"

#include "llvm/Support/raw_ostream.h"

namespace nnc {

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
