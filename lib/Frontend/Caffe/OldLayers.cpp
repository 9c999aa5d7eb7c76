// Upgrades networks of the first two generations (`layers`), and inputs that are no layers.
#include "lib/Frontend/Caffe/NetReader.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <google/protobuf/unknown_field_set.h>
#pragma clang diagnostic pop

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace nnc::caffe {

/// What the second generation's enumeration is called in the last one.
static StringRef getTypeName(format::OldLayer::Type type) {
  switch (type) {
#define NNC_TYPE(OLD, NEW)                                                                                             \
  case format::OldLayer::OLD:                                                                                          \
    return NEW;
    NNC_TYPE(ABSVAL, "AbsVal")
    NNC_TYPE(ACCURACY, "Accuracy")
    NNC_TYPE(ANOTHER_FORK, "")
    NNC_TYPE(ARGMAX, "ArgMax")
    NNC_TYPE(BNLL, "BNLL")
    NNC_TYPE(CONCAT, "Concat")
    NNC_TYPE(CONTRASTIVE_LOSS, "ContrastiveLoss")
    NNC_TYPE(CONVOLUTION, "Convolution")
    NNC_TYPE(DATA, "Data")
    NNC_TYPE(DECONVOLUTION, "Deconvolution")
    NNC_TYPE(DROPOUT, "Dropout")
    NNC_TYPE(DUMMY_DATA, "DummyData")
    NNC_TYPE(ELTWISE, "Eltwise")
    NNC_TYPE(EUCLIDEAN_LOSS, "EuclideanLoss")
    NNC_TYPE(EXP, "Exp")
    NNC_TYPE(FLATTEN, "Flatten")
    NNC_TYPE(HDF5_DATA, "HDF5Data")
    NNC_TYPE(HDF5_OUTPUT, "HDF5Output")
    NNC_TYPE(HINGE_LOSS, "HingeLoss")
    NNC_TYPE(IM2COL, "Im2col")
    NNC_TYPE(IMAGE_DATA, "ImageData")
    NNC_TYPE(INFOGAIN_LOSS, "InfogainLoss")
    NNC_TYPE(INNER_PRODUCT, "InnerProduct")
    NNC_TYPE(LRN, "LRN")
    NNC_TYPE(MEMORY_DATA, "MemoryData")
    NNC_TYPE(MULTINOMIAL_LOGISTIC_LOSS, "MultinomialLogisticLoss")
    NNC_TYPE(MVN, "MVN")
    NNC_TYPE(NONE, "")
    NNC_TYPE(POOLING, "Pooling")
    NNC_TYPE(POWER, "Power")
    NNC_TYPE(RELU, "ReLU")
    NNC_TYPE(SIGMOID, "Sigmoid")
    NNC_TYPE(SIGMOID_CROSS_ENTROPY_LOSS, "SigmoidCrossEntropyLoss")
    NNC_TYPE(SILENCE, "Silence")
    NNC_TYPE(SLICE, "Slice")
    NNC_TYPE(SOFTMAX, "Softmax")
    NNC_TYPE(SOFTMAX_LOSS, "SoftmaxWithLoss")
    NNC_TYPE(SPLIT, "Split")
    NNC_TYPE(TANH, "TanH")
    NNC_TYPE(THRESHOLD, "Threshold")
    NNC_TYPE(WINDOW_DATA, "WindowData")
    NNC_TYPE(BN, "BN")
    NNC_TYPE(DENSE_IMAGE_DATA, "DenseImageData")
    NNC_TYPE(IMAGE_SEG_DATA, "ImageSegData")
    NNC_TYPE(INTERP, "Interp")
    NNC_TYPE(PRELU, "PReLU")
    NNC_TYPE(UPSAMPLE, "Upsample")
#undef NNC_TYPE
  }
  return "";
}

/// The same for the words of the first generation.
static StringRef getTypeName(StringRef oldest) {
  return StringSwitch<StringRef>(oldest)
      .Case("accuracy", "Accuracy")
      .Case("bnll", "BNLL")
      .Case("concat", "Concat")
      .Case("conv", "Convolution")
      .Case("data", "Data")
      .Case("dropout", "Dropout")
      .Case("euclidean_loss", "EuclideanLoss")
      .Case("flatten", "Flatten")
      .Case("hdf5_data", "HDF5Data")
      .Case("hdf5_output", "HDF5Output")
      .Case("im2col", "Im2col")
      .Case("images", "ImageData")
      .Case("infogain_loss", "InfogainLoss")
      .Case("innerproduct", "InnerProduct")
      .Case("lrn", "LRN")
      .Case("multinomial_logistic_loss", "MultinomialLogisticLoss")
      .Case("pool", "Pooling")
      .Case("relu", "ReLU")
      .Case("sigmoid", "Sigmoid")
      .Case("softmax", "Softmax")
      .Case("softmax_loss", "SoftmaxWithLoss")
      .Case("split", "Split")
      .Case("tanh", "TanH")
      .Case("window_data", "WindowData")
      .Default("");
}

static Error makeError(const Twine &message) { return createStringError(message.str()); }

/// The parameters of the first generation lie in one message.
static void upgradeParameters(const format::OldestLayer &old, format::Layer &layer) {
  StringRef type = layer.type();
  if (type == "Convolution" || type == "Im2col") {
    format::ConvolutionParam &param = *layer.mutable_convolution_param();
    param.set_num_output(old.num_output());
    param.set_bias_term(old.biasterm());
    param.add_pad(old.pad());
    param.add_kernel_size(old.kernelsize());
    param.add_stride(old.stride());
    param.set_group(old.group());
    *param.mutable_weight_filler() = old.weight_filler();
    *param.mutable_bias_filler() = old.bias_filler();
  } else if (type == "Pooling") {
    format::PoolingParam &param = *layer.mutable_pooling_param();
    param.set_pool(old.pool());
    param.set_pad(old.pad());
    param.set_kernel_size(old.kernelsize());
    param.set_stride(old.stride());
  } else if (type == "InnerProduct") {
    format::InnerProductParam &param = *layer.mutable_inner_product_param();
    param.set_num_output(old.num_output());
    param.set_bias_term(old.biasterm());
    *param.mutable_weight_filler() = old.weight_filler();
    *param.mutable_bias_filler() = old.bias_filler();
  } else if (type == "LRN") {
    format::LRNParam &param = *layer.mutable_lrn_param();
    param.set_local_size(old.local_size());
    param.set_alpha(old.alpha());
    param.set_beta(old.beta());
    param.set_k(old.k());
  } else if (type == "Concat") {
    layer.mutable_concat_param()->set_concat_dim(old.concat_dim());
  }
}

/// The parameters of the second generation are the last one's.
static void upgradeParameters(format::OldLayer &old, format::Layer &layer) {
#define NNC_PARAM(NAME)                                                                                                \
  if (old.has_##NAME())                                                                                                \
    layer.mutable_##NAME()->Swap(old.mutable_##NAME());
  NNC_PARAM(accuracy_param)
  NNC_PARAM(argmax_param)
  NNC_PARAM(bn_param)
  NNC_PARAM(concat_param)
  NNC_PARAM(contrastive_loss_param)
  NNC_PARAM(convolution_param)
  NNC_PARAM(data_param)
  NNC_PARAM(dropout_param)
  NNC_PARAM(dummy_data_param)
  NNC_PARAM(eltwise_param)
  NNC_PARAM(exp_param)
  NNC_PARAM(hdf5_data_param)
  NNC_PARAM(hinge_loss_param)
  NNC_PARAM(image_data_param)
  NNC_PARAM(infogain_loss_param)
  NNC_PARAM(inner_product_param)
  NNC_PARAM(interp_param)
  NNC_PARAM(loss_param)
  NNC_PARAM(lrn_param)
  NNC_PARAM(memory_data_param)
  NNC_PARAM(mvn_param)
  NNC_PARAM(pooling_param)
  NNC_PARAM(power_param)
  NNC_PARAM(prelu_param)
  NNC_PARAM(relu_param)
  NNC_PARAM(sigmoid_param)
  NNC_PARAM(slice_param)
  NNC_PARAM(softmax_param)
  NNC_PARAM(tanh_param)
  NNC_PARAM(threshold_param)
  NNC_PARAM(upsample_param)
  NNC_PARAM(window_data_param)
#undef NNC_PARAM
}

/// A type that the schema lacks stays as its number; weights of such a layer are found all the same. Empty where there is
/// no type.
static std::string getForeignType(const format::OldLayer &old) {
  const google::protobuf::UnknownFieldSet &unknown = old.GetReflection()->GetUnknownFields(old);
  for (int i = 0; i < unknown.field_count(); ++i)
    if (unknown.field(i).number() == format::OldLayer::kTypeFieldNumber &&
        unknown.field(i).type() == google::protobuf::UnknownField::TYPE_VARINT)
      return (foreignTypePrefix + Twine(unknown.field(i).varint())).str();
  return "";
}

static Error upgradeLayer(format::OldLayer &old, format::Layer &layer) {
  for (std::string &bottom : *old.mutable_bottom())
    layer.add_bottom()->swap(bottom);
  for (std::string &top : *old.mutable_top())
    layer.add_top()->swap(top);
  layer.mutable_include()->Swap(old.mutable_include());
  layer.mutable_exclude()->Swap(old.mutable_exclude());
  for (const std::string &name : old.param())
    layer.add_param()->set_name(name);
  for (int i = 0; i < std::min(old.blob_share_mode_size(), layer.param_size()); ++i)
    layer.mutable_param(i)->set_share_mode(static_cast<format::ShareMode>(old.blob_share_mode(i)));
  layer.mutable_blobs()->Swap(old.mutable_blobs());
  if (!old.has_layer()) {
    layer.set_name(old.name());
    layer.set_type(getTypeName(old.type()).str());
    if (layer.type().empty())
      layer.set_type(getForeignType(old));
    upgradeParameters(old, layer);
    return Error::success();
  }
  format::OldestLayer &oldest = *old.mutable_layer();
  layer.set_name(oldest.name());
  layer.set_type(getTypeName(oldest.type()).str());
  if (layer.type().empty())
    return makeError("layer '" + oldest.name() + "': the type '" + oldest.type() + "' of the first generation is not known");
  if (oldest.blobs_size())
    layer.mutable_blobs()->Swap(oldest.mutable_blobs());
  upgradeParameters(oldest, layer);
  return Error::success();
}

/// In the first generation padding is a layer of its own; it becomes the `pad` of the layers that read it.
static Error foldPadding(format::Net &net) {
  StringMap<std::pair<std::string, uint32_t>> padded; // top of a padding layer -> what it pads, and by how much
  format::Net kept;
  for (format::OldLayer &old : *net.mutable_layers()) {
    if (old.layer().type() == "padding") {
      if (old.bottom_size() != 1 || old.top_size() != 1)
        return makeError("layer '" + old.layer().name() + "': padding needs one bottom and one top");
      padded[old.top(0)] = {old.bottom(0), old.layer().pad()};
      continue;
    }
    for (std::string &bottom : *old.mutable_bottom()) {
      auto found = padded.find(bottom);
      if (found == padded.end())
        continue;
      StringRef type = old.layer().type();
      if ((type != "conv" && type != "pool") || old.bottom_size() != 1)
        return makeError("layer '" + old.layer().name() + "': only convolution and pooling can read a padding layer");
      old.mutable_layer()->set_pad(found->second.second);
      bottom = found->second.first;
    }
    for (const std::string &top : old.top())
      padded.erase(top);
    kept.add_layers()->Swap(&old);
  }
  net.mutable_layers()->Swap(kept.mutable_layers());
  return Error::success();
}

/// Inputs of the net itself become a layer of type Input before all others.
static Error upgradeInputs(format::Net &net) {
  if (!net.input_size())
    return Error::success();
  if (net.input_shape_size() && net.input_dim_size())
    return makeError("the net has both input_shape and input_dim");
  format::Net upgraded;
  format::Layer &layer = *upgraded.add_layer();
  layer.set_name("input");
  layer.set_type("Input");
  for (const std::string &input : net.input())
    layer.add_top(input);
  format::InputParam &param = *layer.mutable_input_param();
  for (const format::BlobShape &shape : net.input_shape())
    *param.add_shape() = shape;
  if (net.input_dim_size() % 4)
    return makeError("input_dim needs four numbers for each input");
  for (int i = 0; i < net.input_dim_size(); i += 4) {
    format::BlobShape &shape = *param.add_shape();
    for (int axis = 0; axis < 4; ++axis)
      shape.add_dim(net.input_dim(i + axis));
  }
  for (format::Layer &old : *net.mutable_layer())
    upgraded.add_layer()->Swap(&old);
  net.mutable_layer()->Swap(upgraded.mutable_layer());
  net.clear_input();
  net.clear_input_shape();
  net.clear_input_dim();
  return Error::success();
}

Error upgradeNet(format::Net &net, ArrayRef<std::string> foreignTypes) {
  if (net.layers_size() && net.layer_size())
    return makeError("the net has both `layer` and `layers`, of different generations of the format");
  if (Error error = foldPadding(net))
    return error;
  for (format::OldLayer &old : *net.mutable_layers()) {
    bool isForeign = old.type() == format::OldLayer::ANOTHER_FORK && !foreignTypes.empty();
    format::Layer &layer = *net.add_layer();
    if (Error error = upgradeLayer(old, layer))
      return error;
    if (!isForeign)
      continue;
    layer.set_type("enumerator " + foreignTypes.front()); // no type of the last generation, whatever its name
    foreignTypes = foreignTypes.drop_front();
  }
  net.clear_layers();
  return upgradeInputs(net);
}

} // namespace nnc::caffe
