// Reads an ONNX file, binary or text, and imports it.
#include "lib/Frontend/ONNX/ONNX.h"

#include "lib/Frontend/ONNX/GraphImporter.h"

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <onnx/defs/parser.h>
#pragma clang diagnostic pop

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

#include <stdexcept>

#include <set>

using namespace mlir;

namespace nnc::onnx {

/// The text form opens with the model's properties in angle brackets: `<ir_version: 8, ...>`.
static bool isText(StringRef content) {
  content = content.ltrim();
  if (!content.consume_front("<"))
    return false;
  content = content.ltrim();
  StringRef word = content.take_while([](char c) { return llvm::isAlpha(c) || c == '_'; });
  return !word.empty() && content.drop_front(word.size()).ltrim().starts_with(":");
}

/// Nesting of braces or parentheses in the text form that is still believed: its parser calls itself for each.
static constexpr int maxTextDepth = 256;

/// Whether braces, parentheses or brackets are nested too deeply to be parsed; strings and comments do not count.
static bool isTooDeep(StringRef text) {
  static constexpr StringRef opening = "{([", closing = "})]";
  int depth[] = {0, 0, 0};
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      for (++i; i < text.size() && text[i] != '"'; ++i)
        i += text[i] == '\\';
    } else if (text[i] == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (size_t kind = opening.find(text[i]); kind != StringRef::npos) {
      if (++depth[kind] > maxTextDepth)
        return true;
    } else if (kind = closing.find(text[i]); kind != StringRef::npos) {
      depth[kind] = std::max(0, depth[kind] - 1);
    }
  }
  return false;
}

/// Parses the text form; returns what is wrong, or nothing. The parser throws where something in a number's place is none, or
/// is out of range.
static std::string parseText(StringRef content, ::onnx::ModelProto &model) {
  std::string text = content.str(); // the parser wants a terminated string, and keeps a pointer to it
  try {
    ::onnx::OnnxParser parser(text.c_str());
    auto status = parser.Parse(model);
    return status.IsOK() ? std::string() : status.ErrorMessage();
  } catch (const std::logic_error &) {
    return "a number in the text cannot be read: it is damaged or out of range";
  }
}

static std::shared_ptr<::onnx::ModelProto> parse(StringRef content, Location loc) {
  auto model = std::make_shared<::onnx::ModelProto>();
  google::protobuf::SetLogHandler(nullptr);
  if (isText(content)) {
    if (isTooDeep(content)) {
      emitError(loc) << "graphs, types or lists are nested more than " << maxTextDepth << " levels deep";
      return nullptr;
    }
    std::string problem = parseText(content, *model);
    if (problem.empty())
      return model;
    emitError(loc) << problem;
    return nullptr;
  }
  if (content.size() > INT32_MAX) {
    emitError(loc) << "the file is larger than 2 GiB, the limit of its format; keep the weights as external data";
    return nullptr;
  }
  google::protobuf::io::ArrayInputStream array(content.data(), content.size());
  google::protobuf::io::CodedInputStream stream(&array);
  stream.SetTotalBytesLimit(INT32_MAX);
  if (model->ParseFromCodedStream(&stream) && stream.ConsumedEntireMessage() && model->has_graph())
    return model;
  emitError(loc) << "not an ONNX model, or a damaged one";
  return nullptr;
}

bool isOnnx(const frontend::ModelFile &file) {
  StringRef content = file.getContent();
  // A ModelProto begins with its ir_version: field 1, a small integer.
  return isText(content) || (content.size() > 2 && content[0] == 0x08 && content[1] > 0 && content[1] < 100) ||
         StringRef(file.path).ends_with(".onnx");
}

/// The paths of the files that have weights of a graph.
static void collectExternalFiles(const ::onnx::GraphProto &graph, StringRef folder, std::set<std::string> &files) {
  auto add = [&](const ::onnx::TensorProto &tensor) {
    for (const auto &entry : tensor.external_data()) {
      if (entry.key() != "location")
        continue;
      llvm::SmallString<128> path(folder);
      llvm::sys::path::append(path, entry.value());
      files.insert(path.str().str());
    }
  };
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    add(tensor);
  for (const ::onnx::SparseTensorProto &sparse : graph.sparse_initializer()) {
    add(sparse.values());
    add(sparse.indices());
  }
  for (const ::onnx::NodeProto &node : graph.node())
    for (const ::onnx::AttributeProto &attribute : node.attribute()) {
      add(attribute.t());
      add(attribute.sparse_tensor().values());
      add(attribute.sparse_tensor().indices());
      if (attribute.has_g())
        collectExternalFiles(attribute.g(), folder, files);
    }
}

/// A module that has weights from other files names them in `nn.files`, so that nobody overwrites them; one with inputs or
/// outputs that are no tensors in the file names those in `nn.compounds`.
OwningOpRef<ModuleOp> importModel(MLIRContext &context, const frontend::ModelFile &file,
                                  const frontend::ImportOptions &options) {
  frontend::loadDialects(context);
  Location loc = FileLineColLoc::get(&context, file.path, 0, 0);
  std::shared_ptr<::onnx::ModelProto> model = parse(file.getContent(), loc);
  if (!model)
    return {};
  std::string folder = llvm::sys::path::parent_path(file.path).str();
  std::string name = options.name.empty() ? llvm::sys::path::stem(file.path).str() : options.name;
  GraphImporter importer(&context, model, folder, options);
  OwningOpRef<ModuleOp> module = importer.import(name);
  if (!module)
    importer.getBlockers().report(loc);
  std::set<std::string> files;
  collectExternalFiles(model->graph(), folder, files);
  if (module && !files.empty())
    (*module)->setAttr("nn.files", Builder(&context).getStrArrayAttr(llvm::to_vector_of<StringRef>(files)));
  if (ArrayRef<std::string> compounds = importer.getCompounds(); module && !compounds.empty())
    (*module)->setAttr("nn.compounds", Builder(&context).getStrArrayAttr(llvm::to_vector_of<StringRef>(compounds)));
  return module;
}

} // namespace nnc::onnx
