// Reads .cfg files as darknet does.
#include "lib/Frontend/Darknet/Config.h"

#include "lib/Frontend/Import/ModelFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

#include <cstdlib>

using namespace llvm;

namespace nnc::darknet {

/// Layers that are still believed.
static constexpr size_t maxLayers = 1 << 14;

StringRef Section::text(StringRef key, StringRef otherwise) const {
  auto found = options.find(key);
  return found == options.end() ? otherwise : StringRef(found->second);
}

int64_t Section::integer(StringRef key, int64_t otherwise) const {
  auto found = options.find(key);
  if (found == options.end())
    return otherwise;
  return std::max(-2147483648LL, std::min(2147483647LL, std::strtoll(found->second.c_str(), nullptr, 10)));
}

double Section::real(StringRef key, double otherwise) const {
  auto found = options.find(key);
  return found == options.end() ? otherwise : std::strtod(found->second.c_str(), nullptr);
}

SmallVector<int64_t> Section::integers(StringRef key) const {
  SmallVector<StringRef> parts;
  text(key).split(parts, ',', -1, /*KeepEmpty=*/false);
  SmallVector<int64_t> values;
  for (StringRef part : parts)
    values.push_back(std::strtol(part.str().c_str(), nullptr, 10));
  return values;
}

/// Sections have several names.
static StringRef resolveAlias(StringRef name) {
  return StringSwitch<StringRef>(name)
      .Case("network", "net")
      .Case("conv", "convolutional")
      .Case("deconv", "deconvolutional")
      .Case("conn", "connected")
      .Case("max", "maxpool")
      .Case("avg", "avgpool")
      .Case("local_avg", "local_avgpool")
      .Case("soft", "softmax")
      .Case("normalization", "lrn")
      .Case("Gaussian_yolo", "gaussian_yolo")
      .Case("empty", "silence")
      .Default(name);
}

/// A line without its blanks; darknet drops all of them.
static std::string strip(StringRef line) {
  std::string result;
  for (char c : line)
    if (c != ' ' && c != '\t' && c != '\r')
      result += c;
  return result;
}

bool looksLikeConfig(StringRef content) {
  if (!frontend::isText(content))
    return false;
  content = frontend::dropByteOrderMark(content);
  while (!content.empty()) {
    auto [line, rest] = content.split('\n');
    std::string stripped = strip(line);
    if (!stripped.empty() && stripped[0] != '#' && stripped[0] != ';')
      return stripped == "[net]" || stripped == "[network]";
    content = rest;
  }
  return false;
}

Expected<Config> parseConfig(StringRef content) {
  Config config;
  Section *section = nullptr;
  bool hasNet = false;
  unsigned number = 0;
  content = frontend::dropByteOrderMark(content);
  while (!content.empty()) {
    auto [raw, rest] = content.split('\n');
    content = rest;
    ++number;
    std::string line = strip(raw);
    if (line.empty() || line[0] == '#' || line[0] == ';')
      continue;
    auto fail = [&](const Twine &reason) { return createStringError("line " + Twine(number) + ": " + reason); };
    if (line[0] == '[') {
      if (line.back() != ']')
        return fail("a section without its closing bracket");
      std::string type = resolveAlias(StringRef(line).drop_front().drop_back()).str();
      if (!hasNet && type != "net")
        return fail("the first section must be [net]");
      if (hasNet && config.layers.size() == maxLayers)
        return fail("more than " + Twine(maxLayers) + " layers");
      section = hasNet ? &config.layers.emplace_back() : &config.net;
      hasNet = true;
      section->type = std::move(type);
      section->line = number;
      continue;
    }
    auto [key, value] = StringRef(line).split('=');
    if (!section || !StringRef(line).contains('='))
      return fail("neither a section nor key=value");
    if (!section->options.try_emplace(key, value.str()).second)
      config.repeated.push_back(("line " + Twine(number) + ": '" + key + "' is there twice in [" + section->type +
                                 "]: the first counts, as in darknet")
                                    .str());
  }
  if (!hasNet)
    return createStringError("the section [net] is missing");
  if (config.layers.empty())
    return createStringError("the network has no layers");
  return config;
}

} // namespace nnc::darknet
