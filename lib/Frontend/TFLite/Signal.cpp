// Custom operators of TFLite's interpreter that make features of sounds.
#include "lib/Frontend/Import/Spectrum.h"
#include "lib/Frontend/TFLite/OpTable.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// The powers, or magnitudes, of the bins of frames: (samples, channels) becomes (channels, frames, bins).
static LogicalResult importAudioSpectrogram(OpBinder &op) {
  Expression x(op, op.operand(0));
  int64_t frame = op.customInt("window_size", 2), step = op.customInt("stride", 1);
  bool isSquared = op.customNumber("magnitude_squared", 0) != 0;
  auto length = static_cast<int64_t>(llvm::PowerOf2Ceil(frame));
  if (op.failed())
    return failure();
  if (x.getRank() != 2 || !x.getElementType().isF32())
    return op.reject("its input must be floats of two axes");
  if (length > frontend::maxTransform)
    return op.reject("its frames are too long");
  std::vector<double> window = frontend::makeWindow(0.5, frame);
  x = x.transpose({1, 0}).unsqueeze({1, 3});
  auto transform = [&](bool isSine) {
    return frontend::convolveFrames(op, x, frontend::buildFourierFilters(op, window, length, 0, isSine), step, {0, 0});
  };
  Expression real = transform(false), imaginary = transform(true), power = real * real + imaginary * imaginary;
  return op.result((isSquared ? power : power.unary<nn::SqrtOp>()).squeeze({1}));
}

/// How far bins are from each other.
static double toHertz(int64_t bins, double rate) { return 0.5 * rate / static_cast<double>(bins - 1); }

/// Weights of bins in bands whose centres are equally far from each other in mel, (bin, band). A bin between two centres
/// is divided between their bands; those outside of the limits are in none.
static std::vector<float> makeBands(int64_t bins, int64_t bands, double rate, double low, double high) {
  auto toMel = [](double hertz) { return 1127 * std::log1p(hertz / 700); };
  double lowest = toMel(low), step = (toMel(high) - lowest) / static_cast<double>(bands + 1);
  double hertz = toHertz(bins, rate);
  auto first = static_cast<int64_t>(1.5 + low / hertz), last = static_cast<int64_t>(high / hertz);
  std::vector<float> weights(bins * bands, 0);
  for (int64_t bin = std::max<int64_t>(first, 0); bin < bins && bin <= last; ++bin) {
    double mel = toMel(static_cast<double>(bin) * hertz);
    int64_t above = 0; // the first centre that is not below
    while (above < bands && lowest + step * static_cast<double>(above + 1) < mel)
      ++above;
    double share = (lowest + step * static_cast<double>(above + 1) - mel) / step;
    if (above > 0)
      weights[bin * bands + above - 1] += static_cast<float>(share);
    if (above < bands)
      weights[bin * bands + above] += static_cast<float>(1 - share);
  }
  return weights;
}

/// Cepstral coefficients: the cosine transform of the logarithms of what is in bands.
static LogicalResult importMfcc(OpBinder &op) {
  Expression x(op, op.operand(0));
  int64_t rate = op.constantInt(1);
  auto limit = [&](const char *key) { return std::trunc(op.customNumber(key)); }; // TFLite reads them as integers
  double high = limit("upper_frequency_limit"), low = limit("lower_frequency_limit");
  int64_t bands = op.customInt("filterbank_channel_count", 1), count = op.customInt("dct_coefficient_count", 1);
  if (op.failed())
    return failure();
  if (x.getRank() != 3 || !x.getElementType().isF32() || ShapedType::isDynamic(x.getExtent(2)))
    return op.reject("its input must be floats of three axes, the last of a known extent");
  int64_t bins = x.getExtent(2);
  if (bins < 2 || bins > (1 << 16) || bands > 4096 || count > bands || rate < 1 || !(low >= 0) || !(high > low))
    return op.reject("sizes or frequencies are out of range");
  if (!(high / toHertz(bins, static_cast<double>(rate)) < static_cast<double>(bins)))
    return op.reject("its upper frequency is above those of its input");
  Expression weights(op, op.floats({bins, bands}, makeBands(bins, bands, static_cast<double>(rate), low, high)));
  Expression energies = x.unary<nn::SqrtOp>().matmul(weights);
  Expression logarithms = energies.max(energies.like(1e-12)).unary<nn::LogOp>();
  std::vector<float> cosines;
  const double pi = 3.14159265358979323846;
  for (int64_t band = 0; band < bands; ++band)
    for (int64_t i = 0; i < count; ++i) {
      double angle = pi / static_cast<double>(bands) * static_cast<double>(i) * (static_cast<double>(band) + 0.5);
      cosines.push_back(static_cast<float>(std::sqrt(2.0 / static_cast<double>(bands)) * std::cos(angle)));
    }
  return op.result(logarithms.matmul({op, op.floats({bands, count}, std::move(cosines))}));
}

static const CustomEntry table[] = {
    {"AudioSpectrogram", {format::BuiltinOperator::CUSTOM, importAudioSpectrogram}},
    {"Mfcc", {format::BuiltinOperator::CUSTOM, importMfcc}},
};

ArrayRef<CustomEntry> getSignalOps() { return table; }

} // namespace nnc::tflite
