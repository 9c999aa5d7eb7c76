// From the names of Keras 1 to those of Keras 2.
#include "lib/Frontend/Keras/FirstGeneration.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace llvm;

namespace nnc::keras {

/// Gives a parameter its later name, unless that is there.
static void rename(json::Object &config, StringRef old, StringRef name) {
  auto found = config.find(old);
  if (found == config.end())
    return;
  if (!config.get(name))
    config[name] = found->second;
  config.erase(old);
}

/// One parameter of the numbers that several have.
static void join(json::Object &config, ArrayRef<StringRef> parts, StringRef name) {
  json::Array numbers;
  for (StringRef part : parts) {
    auto number = config.getInteger(part);
    if (!number)
      return;
    numbers.push_back(*number);
  }
  for (StringRef part : parts)
    config.erase(part);
  config[name] = std::move(numbers);
}

static bool isConvolution(StringRef name) { return name.contains("Conv") || name == "LocallyConnected2D"; }

/// The class of a layer Merge.
static StringRef getMergeClass(StringRef mode) {
  return StringSwitch<StringRef>(mode)
      .Case("sum", "Add")
      .Case("mul", "Multiply")
      .Case("ave", "Average")
      .Case("max", "Maximum")
      .Case("concat", "Concatenate")
      .Default("Merge");
}

static std::string getClass(StringRef name, const json::Object &config) {
  if (name == "Merge")
    return getMergeClass(config.getString("mode").value_or("")).str();
  return StringSwitch<StringRef>(name)
      .Case("Convolution1D", "Conv1D")
      .Cases({"Convolution2D", "AtrousConvolution2D", "AtrousConv2D"}, "Conv2D")
      .Case("AtrousConvolution1D", "Conv1D")
      .Case("Convolution3D", "Conv3D")
      .Case("SeparableConvolution2D", "SeparableConv2D")
      .Case("TimeDistributedDense", "Dense")
      .Default(name)
      .str();
}

static void renameConvolution(json::Object &config) {
  rename(config, "nb_filter", "filters");
  rename(config, "filter_length", "kernel_size");
  rename(config, "subsample_length", "strides");
  rename(config, "subsample", "strides");
  rename(config, "atrous_rate", "dilation_rate");
  join(config, {"nb_row", "nb_col"}, "kernel_size");
  join(config, {"kernel_dim1", "kernel_dim2", "kernel_dim3"}, "kernel_size");
}

static void renamePool(json::Object &config) {
  rename(config, "pool_length", "pool_size");
  rename(config, "stride", "strides");
}

static void modernizeLayer(json::Object &layer);

static void modernizeConfig(StringRef name, json::Object &config) {
  bool isRecurrent = is_contained({"LSTM", "GRU", "SimpleRNN"}, name);
  bool isFirst = config.get("consume_less") || config.get("inner_activation");
  bool isTheano = config.getString("dim_ordering") == StringRef("th");
  if (isConvolution(name)) {
    if (isTheano)
      config[channelsFirstKernel] = true;
    renameConvolution(config);
  }
  if (StringRef(name).contains("Pooling"))
    renamePool(config);
  if (isRecurrent || name == "Dense")
    rename(config, "output_dim", "units");
  if (isRecurrent && isFirst && name != "SimpleRNN" && config.getString("consume_less") != StringRef("gpu"))
    config[separateGates] = true;
  if (name == "Concatenate")
    rename(config, "concat_axis", "axis");
  if (name.contains("Dropout"))
    rename(config, "p", "rate");
  if (name == "GaussianNoise")
    rename(config, "sigma", "stddev");
  if (name == "UpSampling1D")
    rename(config, "length", "size");
  rename(config, "inner_activation", "recurrent_activation");
  rename(config, "border_mode", "padding");
  rename(config, "bias", "use_bias");
  if (config.get("dim_ordering")) {
    config["data_format"] = isTheano ? "channels_first" : "channels_last";
    config.erase("dim_ordering");
  }
  for (StringRef wrapped : {"layer", "forward_layer", "backward_layer"})
    if (json::Object *inner = config.getObject(wrapped))
      modernizeLayer(*inner);
}

static void modernizeLayers(json::Array &layers) {
  for (json::Value &layer : layers)
    if (json::Object *object = layer.getAsObject())
      modernizeLayer(*object);
}

static void modernizeLayer(json::Object &layer) {
  auto name = layer.getString("class_name");
  if (json::Array *layers = layer.getArray("config")) // a Sequential
    return modernizeLayers(*layers);
  json::Object *config = layer.getObject("config");
  if (!name || !config)
    return;
  if (json::Array *layers = config->getArray("layers"))
    return modernizeLayers(*layers);
  std::string className = getClass(*name, *config);
  modernizeConfig(className, *config);
  layer["class_name"] = className;
}

void modernize(json::Value &model) {
  if (json::Object *object = model.getAsObject())
    modernizeLayer(*object);
}

} // namespace nnc::keras
