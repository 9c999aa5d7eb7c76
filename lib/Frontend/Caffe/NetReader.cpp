// Reads both forms of Caffe's networks with protobuf; what is hostile in them ends here as an error.
#include "lib/Frontend/Caffe/NetReader.h"

#include "lib/Frontend/Hdf5/Hdf5File.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>
#include <google/protobuf/unknown_field_set.h>
#pragma clang diagnostic pop

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

using namespace llvm;

namespace nnc::caffe {

/// Deeper than any network, flat enough for the parser's stack.
static constexpr int maxDepth = 64;

//===--- What a file is ---===//

bool looksLikeText(StringRef content) {
  static const StringRef fields[] = {"name",       "layer", "layers", "input",         "input_dim",
                                     "input_shape", "state", "debug_info", "force_backward"};
  if (!frontend::isText(content))
    return false;
  content = frontend::dropByteOrderMark(content).ltrim();
  while (content.consume_front("#"))
    content = content.drop_front(std::min(content.find('\n'), content.size())).ltrim();
  StringRef word = content.take_while([](char c) { return isAlnum(c) || c == '_'; });
  StringRef rest = content.drop_front(word.size()).ltrim();
  return is_contained(fields, word) && (rest.starts_with(":") || rest.starts_with("{") || rest.starts_with("<"));
}

/// Reads one varint; false at the end or where it is too long.
static bool readVarint(StringRef &content, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; shift < 64 && !content.empty(); shift += 7) {
    uint8_t byte = content.front();
    content = content.drop_front();
    value |= uint64_t(byte & 0x7F) << shift;
    if (!(byte & 0x80))
      return true;
  }
  return false;
}

bool looksLikeBinary(StringRef content) {
  bool hasLayer = false;
  unsigned names = 0;
  for (unsigned fields = 0; !content.empty() && fields < 64; ++fields) {
    uint64_t tag, value;
    if (!readVarint(content, tag) || !readVarint(content, value))
      return false;
    unsigned field = tag >> 3, wireType = tag & 7;
    bool isNumber = field == 4 || field == 5 || field == 7;
    bool isText = field == 1 || field == 2 || field == 3 || field == 6 || field == 8 || field == 100;
    if (!(isNumber && wireType == 0) && !((isText || field == 4) && wireType == 2))
      return false;
    // A name, once; a TensorFlow graph has its nodes in this field.
    if (field == 1 && ++names > 1)
      return false;
    hasLayer |= field == 2 || field == 100;
    if (wireType == 2)
      content = content.drop_front(std::min<uint64_t>(value, content.size()));
  }
  return hasLayer;
}

//===--- Parsing ---===//

namespace {

/// Keeps the first error, and the first warning of each kind: they are fields that are not known.
class Complaints : public google::protobuf::io::ErrorCollector {
public:
  void AddError(int at, int atColumn, const std::string &message) override {
    if (!error.empty())
      return;
    error = describe(at, atColumn, message);
    line = at;
    column = atColumn;
  }
  void AddWarning(int at, int atColumn, const std::string &message) override {
    auto [place, isNew] = places.try_emplace(message, warnings.size());
    if (isNew)
      warnings.push_back({describe(at, atColumn, describeUnknown(message)), StringRef(message).contains("\"nnc.caffe.format.Ignored\"")});
    ++warnings[place->second].count;
  }
  /// What is to be said of unknown fields, each once, however many layers have it.
  std::vector<std::string> listUnknownFields() const {
    std::vector<std::string> fields;
    for (const Warning &warning : warnings)
      if (!warning.isAllowed)
        fields.push_back(warning.first +
                         (warning.count > 1 ? " (" + std::to_string(warning.count) + " times in the file)" : ""));
    return fields;
  }
  std::string error;
  int line = 0, column = 0; ///< of the error, from 0

private:
  struct Warning {
    std::string first;
    bool isAllowed; ///< in a message that may hold what it likes
    size_t count = 0;
  };
  /// `Message type "nnc.caffe.format.Layer" has no field named "mine".` in words of Caffe's.
  static std::string describeUnknown(StringRef message) {
    StringRef type = message, field;
    if (!type.consume_front("Message type \"nnc.caffe.format.") || !type.consume_back("\"."))
      return message.str();
    std::tie(type, field) = type.split("\" has no field named \"");
    return ("the field '" + field + "' of " + type + (type.ends_with("Param") ? "eter" : "") + " is not known").str();
  }
  static std::string describe(int at, int atColumn, const std::string &message) {
    return ("line " + Twine(at + 1) + ", column " + Twine(atColumn + 1) + ": " + message).str();
  }
  std::vector<Warning> warnings;
  StringMap<size_t> places; ///< in `warnings`, by message
};

} // namespace

static Error makeError(const Twine &message) { return createStringError(message.str()); }

/// Where a place of the parser's is in a text; its tabs end at multiples of eight columns.
static size_t findPlace(StringRef text, int line, int column) {
  size_t place = 0;
  for (; line > 0 && place < text.size(); ++place)
    line -= text[place] == '\n';
  for (int at = 0; at < column && place < text.size(); ++place)
    at += text[place] == '\t' ? 8 - at % 8 : 1;
  return place;
}

/// Puts ANOTHER_FORK in the place of the enumerator of a fork's in front of a parser's error, and gives its name; an empty
/// one where the error is about something else.
static std::string replaceForeignType(std::string &text, const Complaints &complaints) {
  StringRef name = complaints.error;
  size_t start = name.find("Unknown enumeration value of \"");
  if (start == StringRef::npos || !name.consume_back("\" for field \"type\"."))
    return {};
  name = name.drop_front(name.find('"', start) + 1);
  size_t place = findPlace(text, complaints.line, complaints.column);
  while (!name.empty() && place > 0 && (place = StringRef(text).take_front(place).rfind(name)) != StringRef::npos) {
    StringRef before = StringRef(text).take_front(place), line = before.drop_front(before.rfind('\n') + 1);
    StringRef field = before.rtrim();
    if (!line.contains('#') && field.consume_back(":") && field.rtrim().ends_with("type")) {
      std::string found = name.str();
      text.replace(place, found.size(), "ANOTHER_FORK");
      return found;
    }
  }
  return {};
}

/// Types of layers that no enumerator has are in `foreignTypes`, in their order.
static Error parseText(std::string text, NetFile &file, SmallVectorImpl<std::string> &foreignTypes) {
  constexpr size_t mostForeign = 256; // the text is parsed anew for each
  while (true) {
    if (text.size() > INT32_MAX)
      return makeError("a network in text form of more than 2 GiB");
    Complaints complaints;
    google::protobuf::TextFormat::Parser parser;
    parser.RecordErrorsTo(&complaints);
    parser.AllowUnknownField(true);
    parser.SetRecursionLimit(maxDepth);
    google::protobuf::io::ArrayInputStream stream(text.data(), static_cast<int>(text.size()));
    if (parser.Parse(&stream, file.net.get())) {
      file.unknownFields = complaints.listUnknownFields();
      return Error::success();
    }
    std::string foreign = foreignTypes.size() < mostForeign ? replaceForeignType(text, complaints) : "";
    if (foreign.empty())
      return makeError(complaints.error.empty() ? "not a network of Caffe" : complaints.error);
    foreignTypes.push_back(foreign);
  }
}

static Error parseBinary(StringRef content, format::Net &net) {
  if (content.size() > INT32_MAX)
    return makeError("the file is larger than 2 GiB, the limit of its format");
  google::protobuf::io::ArrayInputStream array(content.data(), static_cast<int>(content.size()));
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(INT32_MAX);
  stream.SetRecursionLimit(maxDepth);
  if (!net.ParseFromCodedStream(&stream) || !stream.ConsumedEntireMessage())
    return makeError("not a model of Caffe, or a damaged one");
  return Error::success();
}

std::vector<std::string> listUnknownFields(const format::Layer &layer) {
  std::vector<std::string> found;
  const auto *reflection = layer.GetReflection();
  std::vector<const google::protobuf::FieldDescriptor *> fields;
  reflection->ListFields(layer, &fields);
  auto add = [&](const google::protobuf::UnknownFieldSet &unknown, const Twine &where) {
    for (int i = 0; i < unknown.field_count(); ++i)
      found.push_back((where + "field " + Twine(unknown.field(i).number()) + " is not known").str());
  };
  add(reflection->GetUnknownFields(layer), "");
  for (const auto *field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE || field->is_repeated() ||
        StringRef(field->name()).ends_with("data_param"))
      continue;
    if (field->message_type() == format::Ignored::descriptor())
      continue;
    const auto &parameters = reflection->GetMessage(layer, field);
    add(parameters.GetReflection()->GetUnknownFields(parameters), field->name() + ": ");
  }
  return found;
}

Expected<NetFile> readNet(const frontend::ModelFile &file) {
  google::protobuf::SetLogHandler(nullptr);
  NetFile result;
  result.net = std::make_shared<format::Net>();
  StringRef content = file.getContent();
  if (content.starts_with(frontend::Hdf5File::signature)) {
    result.isWeightsOnly = true;
    return result;
  }
  SmallVector<std::string> foreignTypes;
  if (Error error = frontend::isText(content) ? parseText(frontend::dropByteOrderMark(content).str(), result, foreignTypes)
                                              : parseBinary(content, *result.net))
    return error;
  if (Error error = upgradeNet(*result.net, foreignTypes))
    return error;
  return result;
}

//===--- Which layers a net for inference has ---===//

static bool fulfils(const format::NetStateRule &rule, const format::NetState &state) {
  if (rule.has_phase() && rule.phase() != format::TEST)
    return false;
  if (rule.has_min_level() && state.level() < rule.min_level())
    return false;
  if (rule.has_max_level() && state.level() > rule.max_level())
    return false;
  auto has = [&](const std::string &stage) { return is_contained(state.stage(), stage); };
  return all_of(rule.stage(), has) && none_of(rule.not_stage(), has);
}

void selectLayers(format::Net &net) {
  const format::NetState state = net.state();
  auto isIn = [&](const format::Layer &layer) {
    auto holds = [&](const format::NetStateRule &rule) { return fulfils(rule, state); };
    if (layer.include_size())
      return any_of(layer.include(), holds);
    return none_of(layer.exclude(), holds);
  };
  format::Net selected;
  for (format::Layer &layer : *net.mutable_layer())
    if (isIn(layer))
      selected.add_layer()->Swap(&layer);
  net.mutable_layer()->Swap(selected.mutable_layer());
}

} // namespace nnc::caffe
