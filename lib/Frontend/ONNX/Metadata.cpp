// Keys and values are those of ONNX's MetadataProps.md. Channels are dimension 1, as in all of its image models.
#include "lib/Frontend/ONNX/Metadata.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/JSON.h"

#include <cmath>
#include <map>

using namespace mlir;

namespace nnc::onnx {

/// Brackets in a property that nnc itself wrote.
static constexpr unsigned maxBrackets = 8;

static StringRef findProperty(const ::onnx::ModelProto &model, StringRef key) {
  for (const auto &property : model.metadata_props())
    if (property.key() == key)
      return property.value();
  return {};
}

/// A value of JSON whose lists and objects are not nested deeper than those that nnc writes: the parser calls itself.
static std::optional<llvm::json::Value> parseShallow(StringRef text) {
  unsigned depth = 0;
  bool isQuoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"')
      isQuoted = !isQuoted;
    else if (isQuoted)
      i += text[i] == '\\';
    else if (text[i] == '[' || text[i] == '{')
      ++depth;
    if (depth > maxBrackets)
      return std::nullopt;
  }
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (value)
    return std::move(*value);
  llvm::consumeError(value.takeError());
  return std::nullopt;
}

static std::vector<float> readNumbers(const llvm::json::Object &object, StringRef key) {
  std::vector<float> numbers;
  if (const llvm::json::Array *list = object.getArray(key))
    for (const llvm::json::Value &value : *list)
      numbers.push_back(static_cast<float>(value.getAsNumber().value_or(NAN))); // which is refused where it is used
  return numbers;
}

/// What nnc itself says as it exports (lib/Export/ONNX/Metadata.h); nullopt where it does not, and of what is in the graph
/// already, or lacks its mean image.
static std::optional<frontend::Preprocessing> readOwnPreprocessing(StringRef text) {
  std::optional<llvm::json::Value> value = parseShallow(text);
  const llvm::json::Object *object = value ? value->getAsObject() : nullptr;
  if (!object || object->get("applied") || object->get("has_mean_image"))
    return std::nullopt;
  frontend::Preprocessing result;
  result.mean = readNumbers(*object, "mean");
  result.scale = readNumbers(*object, "scale");
  result.channelAxis = object->getInteger("channel_axis").value_or(-1);
  StringRef order = object->getString("channel_order").value_or("");
  if (order == "RGB" || order == "BGR" || order == "gray")
    result.channelOrder = order.str();
  return result;
}

std::vector<std::string> readOutputLabels(const ::onnx::ModelProto &model, StringRef output) {
  StringRef text = findProperty(model, ("nnc.labels." + output).str());
  std::optional<llvm::json::Value> value = parseShallow(text);
  const llvm::json::Array *list = value ? value->getAsArray() : nullptr;
  std::string lines;
  for (size_t i = 0; list && i < list->size(); ++i) {
    std::optional<StringRef> label = (*list)[i].getAsString();
    if (!label || label->contains('\n'))
      return {};
    lines += (*label + "\n").str();
  }
  return frontend::splitLabels(lines);
}

std::optional<frontend::Preprocessing> readImageMetadata(const ::onnx::ModelProto &model,
                                                         const ::onnx::ValueInfoProto &input, RankedTensorType type) {
  static constexpr int64_t channelAxis = 1;
  if (StringRef own = findProperty(model, "nnc.preprocessing." + input.name()); !own.empty())
    return readOwnPreprocessing(own);
  StringRef format = findProperty(model, "Image.BitmapPixelFormat"), range = findProperty(model, "Image.NominalPixelRange");
  StringRef denotation = input.type().denotation();
  bool isImage = denotation.empty() || denotation == "IMAGE";
  if (!isImage || type.getRank() != 4 || (format.empty() && range.empty()))
    return std::nullopt;
  frontend::Preprocessing result;
  result.channelAxis = channelAxis;
  result.channelOrder = llvm::StringSwitch<StringRef>(format)
                            .Case("Bgr8", "BGR")
                            .Case("Rgb8", "RGB")
                            .Case("Gray8", "gray")
                            .Default("")
                            .str();
  if (range == "Normalized_0_1") {
    result.scale = {1.0f / 255};
  } else if (range == "Normalized_1_1") {
    result.mean = {127.5f};
    result.scale = {1 / 127.5f};
  } else if (!range.empty() && range != "NominalRange_0_255") {
    return std::nullopt; // of video, not of bytes of an image; or not known
  }
  return result;
}

/// A quoted text at the beginning of `rest`, without its quotes, and `rest` behind it; nullopt where there is none, or one
/// with escapes that stand for other characters.
static std::optional<std::string> takeQuoted(StringRef &rest) {
  if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
    return std::nullopt;
  char quote = rest.front();
  std::string text;
  for (size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == quote) {
      rest = rest.drop_front(i + 1).ltrim();
      return text;
    }
    if (rest[i] == '\\' && (++i == rest.size() || !StringRef("\\'\"/").contains(rest[i])))
      break;
    text += rest[i];
  }
  return std::nullopt;
}

std::vector<std::string> readClassNames(const ::onnx::ModelProto &model) {
  StringRef rest = findProperty(model, "names").trim();
  bool isList = rest.starts_with("[") && rest.ends_with("]"), isMap = rest.starts_with("{") && rest.ends_with("}");
  if (!isList && !isMap)
    return {};
  rest = rest.drop_front().drop_back().trim();
  std::map<uint64_t, std::string> names;
  for (uint64_t number = 0; !rest.empty(); ++number) {
    uint64_t key = number;
    if (isMap) {
      bool isQuoted = rest.consume_front("\""); // as JSON has it
      if (rest.consumeInteger(10, key) || (isQuoted && !rest.consume_front("\"")))
        return {};
      rest = rest.ltrim();
      if (!rest.consume_front(":"))
        return {};
      rest = rest.ltrim();
    }
    auto text = takeQuoted(rest);
    if (!text || StringRef(*text).contains('\n') || (!rest.empty() && !rest.consume_front(",")))
      return {};
    if (!names.emplace(key, *text).second)
      return {};
    rest = rest.ltrim();
  }
  if (!names.empty() && names.rbegin()->first + 1 != names.size())
    return {};
  std::string lines;
  for (const auto &[key, name] : names)
    lines += name + "\n";
  return frontend::splitLabels(lines);
}

bool hasClasses(RankedTensorType type, int64_t numClasses) {
  return numClasses > 0 && llvm::any_of(type.getShape(), [&](int64_t extent) {
    return extent == numClasses || extent == numClasses + 4 || extent == numClasses + 5;
  });
}

} // namespace nnc::onnx
