// Spectra of frames of a signal. The transform of a frame is a product with cosines and sines, and so that of all frames a
// convolution over time, of which the window is a factor of the filter.
#ifndef LIB_FRONTEND_IMPORT_SPECTRUM_H
#define LIB_FRONTEND_IMPORT_SPECTRUM_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::frontend {

/// offset - (1 - offset) cos(2 pi i / length) for each i: 0.5 is Hann's window, 0.54 Hamming's.
std::vector<double> makeWindow(double offset, int64_t length);

/// Filters of all bins from 0 to half of `length` for frames under a window, (frame, 1, bin): cosines, or sines. The first
/// number of a frame is number `before` of those that are transformed, the others of which are 0.
Expression buildFourierFilters(NodeBuilder &node, llvm::ArrayRef<double> window, int64_t length, int64_t before, bool isSine);

/// x, (batch, channel, time, 1), with filters (frame, 1, bin) at every `step`: (batch, channel, frame, bin). `pads`, before
/// and behind, are for the time.
Expression convolveFrames(NodeBuilder &node, Expression x, Expression filters, int64_t step, std::pair<int64_t, int64_t> pads);

/// The largest transform that is still believed.
inline constexpr int64_t maxTransform = 1 << 13;

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_SPECTRUM_H
