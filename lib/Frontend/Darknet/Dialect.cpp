// Tells the forks apart.
#include "lib/Frontend/Darknet/Config.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace nnc::darknet {

static const StringRef alexeySections[] = {"scale_channels", "sam",     "gaussian_yolo", "conv_lstm", "history",
                                           "local_avgpool",  "reorg3d", "contrastive",   "silence",   "implicit"};
static const StringRef pjreddieSections[] = {"deconvolutional", "iseg", "l2norm", "logistic"};
static const StringRef alexeyActivations[] = {"mish",     "swish", "hard_mish", "relu6", "gelu", "revleaky",
                                              "normalize_channels", "normalize_channels_softmax",
                                              "normalize_channels_softmax_maxval"};

namespace {

/// The first thing that only this fork has.
struct Evidence {
  std::string forAlexeyAB, forPjreddie;
  bool isAlexeyFirst = false;

  void add(bool isAlexeyAB, const Section &section, const Twine &what) {
    std::string &place = isAlexeyAB ? forAlexeyAB : forPjreddie;
    if (!place.empty())
      return;
    if (forAlexeyAB.empty() && forPjreddie.empty())
      isAlexeyFirst = isAlexeyAB;
    place = ("line " + Twine(section.line) + ": " + what).str();
  }
};

} // namespace

static void collect(const Section &section, Evidence &evidence) {
  std::string name = "[" + section.type + "]";
  if (is_contained(alexeySections, section.type) || is_contained(pjreddieSections, section.type))
    evidence.add(is_contained(alexeySections, section.type), section, name);
  SmallVector<StringRef> keys(section.options.keys());
  llvm::sort(keys);
  for (StringRef key : keys)
    if (KeyOwner owner = findOwner(section.type, key); owner == KeyOwner::AlexeyAB || owner == KeyOwner::Pjreddie)
      evidence.add(owner == KeyOwner::AlexeyAB, section, key + " in " + name);
  if (StringRef activation = section.text("activation"); is_contained(alexeyActivations, activation))
    evidence.add(true, section, "activation=" + activation);
  if (section.type == "shortcut" && section.text("from").contains(','))
    evidence.add(true, section, "several layers in " + name);
}

DetectedDialect detectDialect(const Config &config, int64_t patchLevel) {
  Evidence evidence;
  collect(config.net, evidence);
  for (const Section &layer : config.layers)
    collect(layer, evidence);
  // AlexeyAB's fork writes version 0.2.5, the original 0.2.0; so did older ones of AlexeyAB's.
  std::string header = patchLevel == 5 ? "the weights' version, x.y.5" : "";
  if (!evidence.forAlexeyAB.empty() && (evidence.isAlexeyFirst || evidence.forPjreddie.empty()))
    return {Dialect::AlexeyAB, evidence.forAlexeyAB, evidence.forPjreddie};
  if (!evidence.forPjreddie.empty())
    return {Dialect::Pjreddie, evidence.forPjreddie, evidence.forAlexeyAB.empty() ? header : evidence.forAlexeyAB};
  if (!header.empty())
    return {Dialect::AlexeyAB, header, ""};
  return {Dialect::Pjreddie, "nothing in it is AlexeyAB's alone", ""};
}

} // namespace nnc::darknet
