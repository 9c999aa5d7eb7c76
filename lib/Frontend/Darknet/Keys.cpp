// The keys that darknet's forks read, section by section.
#include "lib/Frontend/Darknet/Config.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SmallVector.h"

using namespace llvm;

namespace nnc::darknet {

namespace {

/// Words are divided by blanks.
struct SectionKeys {
  StringRef type, both, alexeyAB, pjreddie;
};

} // namespace

/// Keys of every layer.
static const SectionKeys ofAll = {
    "",
    "clip dontload dontloadscales learning_rate onlyforward stopbackward",
    "burnin_update dont_update train_only_bn",
    "dontsave numload smooth truth",
};

static const SectionKeys table[] = {
    {"activation", "activation", "", ""},
    {"connected", "activation batch_normalize output", "", ""},
    {"contrastive", "", "classes cls_normalizer contrastive_neg_max max_delta temperature yolo_layer", ""},
    {"conv_lstm", "",
     "activation batch_normalize bottleneck dilation groups lstm_activation output pad padding peephole shortcut size "
     "state_constrain stride time_normalizer xnor",
     ""},
    {"convolutional",
     "activation batch_normalize binary dot filters flipped groups pad padding size stride xnor",
     "angle antialiasing assisted_excitation bin_output cbn coordconv dilation grad_centr reverse rotate share_index "
     "stream stretch stretch_sway stride_x stride_y sway wait_stream",
     ""},
    {"cost", "noobj ratio scale thresh type", "", ""},
    {"crnn", "activation batch_normalize shortcut", "dilation groups hidden output pad padding size stride xnor",
     "hidden_filters output_filters"},
    {"crop", "angle crop_height crop_width exposure flip noadjust saturation shift", "", ""},
    {"deconvolutional", "", "", "activation batch_normalize filters pad padding size stride"},
    {"detection",
     "class_scale classes coord_scale coords forced jitter max noobject_scale num object_scale random reorg rescore "
     "side softmax sqrt",
     "resize", ""},
    {"dropout", "probability", "dropblock dropblock_size_abs dropblock_size_rel", ""},
    {"gaussian_yolo", "",
     "anchors beta_nms classes cls_normalizer counters_per_class delta_normalizer ignore_thresh iou_loss "
     "iou_normalizer iou_thresh iou_thresh_kind jitter label_smooth_eps map mask max max_delta nms_kind num "
     "obj_normalizer objectness_smooth random resize scale_x_y truth_thresh uc_normalizer yolo_point",
     ""},
    {"gru", "batch_normalize output", "", "tanh"},
    {"history", "", "history_size", ""},
    {"implicit", "", "atoms filters mean std", ""},
    {"iseg", "", "", "classes ids"},
    {"local", "activation filters pad size stride", "", ""},
    {"local_avgpool", "", "padding size stride stride_x stride_y", ""},
    {"lrn", "alpha beta kappa size", "", ""},
    {"lstm", "batch_normalize output", "", ""},
    {"maxpool", "padding size stride",
     "antialiasing maxpool_depth maxpool_zero_nonmax out_channels stride_x stride_y", ""},
    {"net",
     "B1 B2 adam angle aspect batch burn_in center channels clip decay eps exposure flip gamma height hue inputs "
     "learning_rate max_batches max_crop max_ratio min_crop min_ratio momentum notruth policy power random saturation "
     "scale scales step steps subdivisions time_steps width",
     "adversarial_lr attention augment_speed badlabels_rejection_percentage blur contrastive contrastive_color "
     "contrastive_jit_flip cutmix dynamic_minibatch ema_alpha equidistant_point gaussian_noise label_smooth_eps "
     "learning_rate_min letter_box loss_scale max_chart_loss mixup mosaic mosaic_bound num_sigmas_reject_badlabels "
     "optimized_memory resize_step seq_scales sequential_subdivisions sgdr_cycle sgdr_mult show_receptive_field track "
     "try_fix_nan unsupervised use_cuda_graph weights_reject_freq workspace_size_limit_MB",
     ""},
    {"region",
     "absolute anchors bias_match class_scale classes classfix coord_scale coords jitter log map mask_scale max "
     "noobject_scale num object_scale random rescore softmax sqrt thresh tree",
     "focal_loss resize", "background"},
    {"reorg", "reverse stride", "", "extra flatten"},
    {"reorg3d", "", "reverse stride", ""},
    {"rnn", "activation batch_normalize output shortcut", "hidden logistic", ""},
    {"route", "layers", "group_id groups stream wait_stream", ""},
    {"sam", "", "activation from", ""},
    {"scale_channels", "", "activation from scale_wh", ""},
    {"shortcut", "activation from", "weights_normalization weights_type", "alpha beta"},
    {"softmax", "groups noloss spatial temperature tree", "", ""},
    {"upsample", "scale stride", "", ""},
    {"yolo", "anchors classes ignore_thresh jitter map mask max num random truth_thresh",
     "beta_nms cls_normalizer counters_per_class delta_normalizer dets_for_show dets_for_track embedding_layer "
     "focal_loss iou_loss iou_normalizer iou_thresh iou_thresh_kind label_smooth_eps max_delta new_coords nms_kind "
     "obj_normalizer objectness_smooth resize scale_x_y show_details sim_thresh track_ciou_norm track_history_size",
     ""},
};

static SmallVector<StringRef> split(StringRef words) {
  SmallVector<StringRef> parts;
  words.split(parts, ' ', -1, /*KeepEmpty=*/false);
  return parts;
}

/// The tables in which keys of a section may be.
static SmallVector<const SectionKeys *> findTables(StringRef type) {
  SmallVector<const SectionKeys *> found;
  if (type != "net")
    found.push_back(&ofAll);
  for (const SectionKeys &keys : table)
    if (keys.type == type)
      found.push_back(&keys);
  return found;
}

KeyOwner findOwner(StringRef type, StringRef key) {
  for (const SectionKeys *keys : findTables(type)) {
    if (is_contained(split(keys->both), key))
      return KeyOwner::Both;
    if (is_contained(split(keys->alexeyAB), key))
      return KeyOwner::AlexeyAB;
    if (is_contained(split(keys->pjreddie), key))
      return KeyOwner::Pjreddie;
  }
  return KeyOwner::None;
}

/// The key of this fork that a misspelled one may mean, or nothing.
static StringRef findSimilar(StringRef type, StringRef key, Dialect dialect) {
  StringRef best;
  unsigned least = key.size() < 4 ? 2 : 3;
  for (const SectionKeys *keys : findTables(type))
    for (StringRef words : {keys->both, dialect == Dialect::AlexeyAB ? keys->alexeyAB : keys->pjreddie})
      for (StringRef word : split(words))
        if (unsigned distance = key.edit_distance(word, /*AllowReplacements=*/true, least); distance < least) {
          least = distance;
          best = word;
        }
  return best;
}

std::vector<std::string> findIgnoredKeys(const Config &config, Dialect dialect) {
  KeyOwner own = dialect == Dialect::AlexeyAB ? KeyOwner::AlexeyAB : KeyOwner::Pjreddie;
  // Of a key, the sections that have it: one cause, one message.
  MapVector<std::pair<StringRef, StringRef>, SmallVector<const Section *>> ignored;
  auto collect = [&](const Section &section) {
    SmallVector<StringRef> keys(section.options.keys());
    llvm::sort(keys);
    for (StringRef key : keys) {
      KeyOwner owner = findOwner(section.type, key);
      // What only training reads matters to neither fork.
      if (owner == KeyOwner::None || (owner != KeyOwner::Both && owner != own && section.type != "net"))
        ignored[{section.type, key}].push_back(&section);
    }
  };
  collect(config.net);
  for_each(config.layers, collect);
  std::vector<std::string> messages;
  for (const auto &[place, sections] : ignored) {
    auto [type, key] = place;
    std::string text = ("line " + Twine(sections.front()->line) + ": ").str();
    text += "[" + type.str() + "] has no key '" + key.str() + "'";
    if (findOwner(type, key) != KeyOwner::None)
      text += std::string(" in ") + (own == KeyOwner::AlexeyAB ? "AlexeyAB's" : "pjreddie's") + " fork";
    if (sections.size() > 1)
      text += (", nor have " + Twine(sections.size() - 1) + " more of these sections").str();
    text += ": it is ignored, as darknet does";
    if (StringRef similar = findSimilar(type, key, dialect); !similar.empty())
      text += "; is '" + similar.str() + "' meant?";
    messages.push_back(std::move(text));
  }
  return messages;
}

} // namespace nnc::darknet
