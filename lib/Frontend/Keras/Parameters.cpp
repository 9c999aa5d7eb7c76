// Reads the JSON of a model.
#include "lib/Frontend/Keras/Parameters.h"

using namespace llvm;

namespace nnc::keras {

/// LLVM's parser calls itself for each level.
static constexpr int maxNesting = 256;

static bool isTooDeep(StringRef text) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        inString = false;
    } else if (c == '"') {
      inString = true;
    } else if (c == '[' || c == '{') {
      if (++depth > maxNesting)
        return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

Expected<json::Value> parseJson(StringRef text) {
  if (isTooDeep(text))
    return createStringError("the configuration of the model is nested too deeply");
  if (auto value = json::parse(text))
    return value;
  else
    return createStringError("the configuration of the model is not JSON: " + toString(value.takeError()));
}

std::optional<TypedObject> asTypedObject(const json::Value *value) {
  const json::Object *object = value ? value->getAsObject() : nullptr;
  if (!object)
    return std::nullopt;
  auto className = object->getString("class_name");
  if (!className)
    return std::nullopt;
  return TypedObject{*className, object->getObject("config")};
}

const json::Value *Parameters::find(StringRef key) const {
  const json::Value *value = object->get(key);
  return value && value->kind() != json::Value::Null ? value : nullptr;
}

std::optional<int64_t> Parameters::getInt(StringRef key) const {
  const json::Value *value = find(key);
  return value ? value->getAsInteger() : std::nullopt;
}

bool Parameters::getBool(StringRef key, bool otherwise) const {
  const json::Value *value = find(key);
  return value ? value->getAsBoolean().value_or(otherwise) : otherwise;
}

double Parameters::getNumber(StringRef key, double otherwise) const {
  const json::Value *value = find(key);
  return value ? value->getAsNumber().value_or(otherwise) : otherwise;
}

StringRef Parameters::getString(StringRef key, StringRef otherwise) const {
  const json::Value *value = find(key);
  return value ? value->getAsString().value_or(otherwise) : otherwise;
}

std::optional<SmallVector<int64_t>> Parameters::getInts(StringRef key, size_t count) const {
  const json::Value *value = find(key);
  if (!value)
    return std::nullopt;
  if (auto number = value->getAsInteger())
    return SmallVector<int64_t>(count, *number);
  return asInts(*value);
}

std::optional<SmallVector<int64_t>> asInts(const json::Value &value, std::optional<int64_t> null) {
  const json::Array *array = value.getAsArray();
  if (!array)
    return std::nullopt;
  SmallVector<int64_t> numbers;
  for (const json::Value &entry : *array) {
    std::optional<int64_t> number = entry.kind() == json::Value::Null ? null : entry.getAsInteger();
    if (!number)
      return std::nullopt;
    numbers.push_back(*number);
  }
  return numbers;
}

} // namespace nnc::keras
