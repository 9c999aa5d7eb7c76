// Tells the forks apart.
#include "lib/Frontend/Darknet/Config.h"

#include "llvm/ADT/STLExtras.h"

using namespace llvm;

namespace nnc::darknet {

static const StringRef alexeySections[] = {"scale_channels", "sam",      "gaussian_yolo", "conv_lstm", "history",
                                           "local_avgpool",  "reorg3d",  "contrastive",   "silence",   "implicit"};
static const StringRef pjreddieSections[] = {"deconvolutional", "iseg", "l2norm", "logistic"};
/// Keys of layers that only one fork knows.
static const StringRef alexeyKeys[] = {
    "antialiasing",      "assisted_excitation", "beta_nms",  "counters_per_class", "dilation",     "group_id",
    "iou_loss",          "iou_normalizer",      "iou_thresh", "cls_normalizer",    "maxpool_depth", "max_delta",
    "new_coords",        "nms_kind",            "obj_normalizer", "scale_x_y",     "share_index",  "stride_x",
    "stride_y",          "weights_type",        "weights_normalization", "hidden", "resize"};
static const StringRef alexeyNetKeys[] = {"mosaic", "cutmix", "mixup", "letter_box", "optimized_memory", "blur",
                                          "ema_alpha", "label_smooth_eps", "workspace_size_limit_MB"};
static const StringRef pjreddieKeys[] = {"hidden_filters", "output_filters", "background", "extra", "tanh"};
static const StringRef alexeyActivations[] = {"mish",     "swish", "hard_mish", "relu6", "gelu", "revleaky",
                                              "normalize_channels", "normalize_channels_softmax",
                                              "normalize_channels_softmax_maxval"};

Dialect detectDialect(const Config &config, int64_t patchLevel) {
  auto hasAny = [](const Section &section, ArrayRef<StringRef> keys) {
    return any_of(keys, [&](StringRef key) { return section.has(key); });
  };
  if (hasAny(config.net, alexeyNetKeys))
    return Dialect::AlexeyAB;
  for (const Section &layer : config.layers) {
    if (is_contained(alexeySections, layer.type) || hasAny(layer, alexeyKeys) ||
        is_contained(alexeyActivations, layer.text("activation")) || (layer.type == "route" && layer.has("groups")) ||
        (layer.type == "shortcut" && layer.text("from").contains(',')))
      return Dialect::AlexeyAB;
    if (is_contained(pjreddieSections, layer.type) || hasAny(layer, pjreddieKeys) ||
        (layer.type == "shortcut" && (layer.has("alpha") || layer.has("beta"))))
      return Dialect::Pjreddie;
  }
  // AlexeyAB's fork writes version 0.2.5, the original 0.2.0.
  return patchLevel == 5 ? Dialect::AlexeyAB : Dialect::Pjreddie;
}

} // namespace nnc::darknet
