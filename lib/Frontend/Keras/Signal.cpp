// Layers that make spectrograms of signals.
#include "lib/Frontend/Import/Angles.h"
#include "lib/Frontend/Import/Spectrum.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Windows.h"

#include "llvm/Support/MathExtras.h"

#include <cmath>

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

static constexpr double epsilon = 1e-7;
static constexpr int64_t maxElements = int64_t(1) << 26;

//===--- STFTSpectrogram ---===//

static bool hasReal(StringRef mode) { return mode != "imag"; }
static bool hasImaginary(StringRef mode) { return mode != "real"; }

static void listSpectrogram(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  StringRef mode = parameters.getString("mode", "log");
  slots.push_back({"vars/0"});
  if (hasReal(mode) && hasImaginary(mode))
    slots.push_back({"vars/1"});
}

/// What a mode says of the parts of the numbers (batch, channel, frame, bin).
static Expression combineParts(LayerBinder &layer, StringRef mode, Expression real, Expression imaginary) {
  if (mode == "real" || mode == "imag")
    return mode == "real" ? real : imaginary;
  if (mode == "angle")
    return frontend::findAngle(imaginary, real);
  if (mode == "stft")
    return Expression::concat(layer, {real, imaginary}, 3);
  Expression power = real * real + imaginary * imaginary;
  if (mode == "psd") {
    // All but the first and the last bin stand for two.
    std::vector<float> weights(real.getExtent(3), 2);
    weights.front() = weights.back() = 1;
    return power * Expression(layer, layer.floats({real.getExtent(3)}, weights)).cast(power.getElementType());
  }
  Expression magnitude = power.max(power.like(epsilon)).unary<nn::SqrtOp>();
  return mode == "log" ? magnitude.max(magnitude.like(epsilon)).unary<nn::LogOp>() : magnitude;
}

/// (batch, channel, frame, bin) in the order of the layout; without `isImage` bins and channels are one axis.
static Expression arrange(Expression x, nn::Layout layout, bool isImage) {
  bool isFirst = layout == nn::Layout::ChannelsFirst;
  if (isImage)
    return isFirst ? x : x.transpose({0, 2, 3, 1});
  int64_t columns = x.getExtent(1) * x.getExtent(3);
  return isFirst ? x.transpose({0, 1, 3, 2}).reshape({0, columns, -1}) : x.transpose({0, 2, 1, 3}).reshape({0, 0, columns});
}

static LogicalResult importSpectrogram(LayerBinder &layer) {
  Expression x(layer, layer.inputOfRank(3));
  layer.expectInputs(1);
  nn::Layout layout = layer.getLayout();
  Parameters parameters = layer.parameters();
  StringRef mode = parameters.getString("mode", "log");
  int64_t frame = layer.positive("frame_length", 256), step = layer.positive("frame_step", std::max<int64_t>(frame / 2, 1));
  int64_t length = layer.positive("fft_length", static_cast<int64_t>(llvm::PowerOf2Ceil(frame)));
  if (layer.failed())
    return failure();
  if (!llvm::is_contained({"log", "magnitude", "psd", "real", "imag", "angle", "stft"}, mode))
    return layer.reject("mode '" + mode + "' is not known");
  if (!isa<FloatType>(x.getElementType()))
    return layer.reject("its input must be floats");
  (void)layer.extent(x, getChannelAxis(layout, 3));
  if (layout == nn::Layout::ChannelsLast)
    x = x.transpose({0, 2, 1});
  x = x.unsqueeze({3});
  StringRef padding = parameters.getString("padding", "valid");
  if (padding != "valid" && padding != "same")
    return layer.reject("padding '" + padding + "' is not supported");
  Windows windows{nn::Layout::ChannelsLast, {1, frame}, {1, step}, {1, 1}, {}, {}};
  setPads(layer, x, padding, windows);
  auto transform = [&] {
    Expression filters(layer, layer.weight({frame, 1, length / 2 + 1}));
    std::pair pads(windows.padsBegin[1], windows.padsEnd[1]);
    return layer.failed() ? Expression() : frontend::convolveFrames(layer, x, filters, step, pads);
  };
  Expression real = hasReal(mode) ? transform() : Expression();
  Expression imaginary = hasImaginary(mode) ? transform() : Expression();
  if (layer.failed())
    return failure();
  return layer.result(arrange(combineParts(layer, mode, real, imaginary), layout, parameters.getBool("expand_dims", false)));
}

//===--- MelSpectrogram ---===//

namespace {

/// What MelSpectrogram's parameters say.
struct MelParameters {
  int64_t length, step, frame, filters;
  double rate, low, high;
};

} // namespace

/// Whether there is no window: then all of a transform is its frame.
static bool isBare(const Parameters &parameters) {
  const llvm::json::Value *given = parameters.get().get("window");
  return given && given->kind() == llvm::json::Value::Null;
}

/// A window by its name, or the numbers that the model gives; one for which there is none.
static std::optional<std::vector<double>> getWindow(const Parameters &parameters, int64_t length) {
  if (isBare(parameters))
    return std::vector<double>(length, 1);
  const llvm::json::Value *given = parameters.find("window");
  std::vector<double> window;
  if (const llvm::json::Array *numbers = given ? given->getAsArray() : nullptr) {
    for (const llvm::json::Value &number : *numbers)
      window.push_back(number.getAsNumber().value_or(NAN));
    bool isRight = static_cast<int64_t>(window.size()) == length && llvm::none_of(window, [](double w) { return std::isnan(w); });
    return isRight ? std::optional(window) : std::nullopt;
  }
  StringRef name = parameters.getString("window", "hann");
  if (name != "hann" && name != "hamming")
    return std::nullopt;
  return frontend::makeWindow(name == "hann" ? 0.5 : 0.54, length);
}

/// Triangles whose edges are equally far from each other in mel, over the bins of a spectrum but the first: (bin, filter).
static Expression buildMelFilters(LayerBinder &layer, const MelParameters &mel) {
  auto toMel = [](double hertz) { return 1127 * std::log(1 + hertz / 700); };
  int64_t bins = mel.length / 2 + 1;
  double low = toMel(mel.low), step = (toMel(mel.high) - low) / static_cast<double>(mel.filters + 1);
  std::vector<float> weights;
  for (int64_t bin = 0; bin < bins; ++bin)
    for (int64_t filter = 0; filter < mel.filters; ++filter) {
      double place = toMel(mel.rate / 2 * bin / (bins - 1)), left = low + step * filter;
      double rise = (place - left) / step, fall = (left + 2 * step - place) / step;
      weights.push_back(bin == 0 ? 0 : static_cast<float>(std::max(0.0, std::min(rise, fall))));
    }
  return {layer, layer.floats({bins, mel.filters}, std::move(weights))};
}

static MelParameters bindMel(LayerBinder &layer) {
  Parameters parameters = layer.parameters();
  MelParameters mel{};
  mel.length = layer.positive("fft_length", 2048);
  mel.step = layer.positive("sequence_stride", 512);
  mel.frame = layer.positive("sequence_length", mel.length);
  mel.filters = layer.positive("num_mel_bins", 128);
  if (isBare(parameters))
    mel.frame = mel.length;
  mel.rate = parameters.getNumber("sampling_rate", 16000);
  mel.low = parameters.getNumber("min_freq", 20);
  mel.high = parameters.getNumber("max_freq", 0);
  if (mel.high == 0)
    mel.high = std::trunc(mel.rate / 2);
  if (mel.length < 2 || mel.frame > mel.length || mel.length > frontend::maxTransform ||
      mel.filters > maxElements / mel.length || !(mel.rate > 0) || !(mel.low >= 0) || !(mel.high > mel.low))
    (void)layer.reject("lengths or frequencies are out of range");
  return mel;
}

/// Powers as decibels above `ref_power`, the lowest `top_db` below the highest of all.
static Expression measureInDecibels(Expression x, const Parameters &parameters) {
  double least = parameters.getNumber("min_power", 1e-10), reference = std::fabs(parameters.getNumber("ref_power", 1));
  Expression decibels = x.max(x.like(least)).unary<nn::LogOp>() * (10 / std::log(10.0));
  decibels = decibels - 10 * std::log10(std::max(reference, least));
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, x.getRank()));
  Expression highest = decibels.reduce(nn::ReductionKind::Max, axes, /*keepdims=*/true);
  return decibels.max(highest - parameters.getNumber("top_db", 80));
}

static LogicalResult importMelSpectrogram(LayerBinder &layer) {
  Expression x(layer, layer.input());
  layer.expectInputs(1);
  MelParameters mel = bindMel(layer);
  if (layer.failed())
    return failure();
  auto window = getWindow(layer.parameters(), mel.frame);
  if (!window)
    return layer.reject("its window is neither hann nor hamming, nor a list of as many numbers as a frame has");
  bool isSingle = x.getRank() == 1;
  if (!isSingle && x.getRank() != 2)
    return layer.reject("its input must have one or two dimensions, and has " + Twine(x.getRank()));
  Type type = layer.getComputeType();
  Type wide = type.isF64() ? type : Type(layer.getBuilder().getF32Type());
  x = x.cast(wide);
  if (isSingle)
    x = x.unsqueeze({0});
  Value pads = layer.ints({mel.length / 2, mel.length / 2});
  x = {layer, layer.create<nn::PadOp>(x, pads, Value(), ArrayRef<int64_t>{1}, nn::PadMode::Reflect)};
  // A frame shorter than the transform lies in its middle.
  int64_t before = (mel.length - mel.frame) / 2, after = mel.length - mel.frame - before;
  if (mel.frame < mel.length)
    x = x.slice(1, Expression::ints(layer, {before}), x.extent(1) - static_cast<double>(after));
  x = x.unsqueeze({1, 3});
  auto transform = [&](bool isSine) {
    Expression filters = frontend::buildFourierFilters(layer, *window, mel.length, before, isSine).cast(wide);
    return frontend::convolveFrames(layer, x, filters, mel.step, {0, 0});
  };
  Expression real = transform(false), imaginary = transform(true), power = real * real + imaginary * imaginary;
  double exponent = layer.parameters().getNumber("mag_exp", 2);
  if (exponent == 1)
    power = power.unary<nn::SqrtOp>();
  else if (exponent != 2)
    power = power.binary<nn::PowOp>(power.like(exponent / 2));
  Expression result = power.squeeze({1}).matmul(buildMelFilters(layer, mel).cast(wide));
  if (isSingle)
    result = result.squeeze({0});
  if (layer.parameters().getBool("power_to_db", true))
    result = measureInDecibels(result, layer.parameters());
  if (layer.failed())
    return failure();
  result = isSingle ? result.transpose({1, 0}) : result.transpose({0, 2, 1});
  return layer.result(result.cast(type));
}

static const LayerEntry table[] = {
    {"MelSpectrogram", importMelSpectrogram},
    {"STFTSpectrogram", importSpectrogram, listSpectrogram},
};

ArrayRef<LayerEntry> getSignalLayers() { return table; }

} // namespace nnc::keras
