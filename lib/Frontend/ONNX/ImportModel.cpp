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
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

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

static std::shared_ptr<::onnx::ModelProto> parse(StringRef content, Location loc) {
  auto model = std::make_shared<::onnx::ModelProto>();
  google::protobuf::SetLogHandler(nullptr);
  if (isText(content)) {
    std::string text = content.str(); // the parser wants a terminated string, and keeps a pointer to it
    ::onnx::OnnxParser parser(text.c_str());
    auto status = parser.Parse(*model);
    if (status.IsOK())
      return model;
    emitError(loc) << status.ErrorMessage();
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

bool isOnnxFile(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return false;
  StringRef content = (*file)->getBuffer();
  // A ModelProto begins with its ir_version: field 1, a small integer.
  return isText(content) || (content.size() > 2 && content[0] == 0x08 && content[1] > 0 && content[1] < 100) ||
         path.ends_with(".onnx");
}

static void report(Location loc, ArrayRef<Blocker> blockers) {
  for (const Blocker &blocker : blockers) {
    if (blocker.op.empty()) {
      emitError(loc) << blocker.reason;
      continue;
    }
    InFlightDiagnostic diagnostic = emitError(loc) << "node '" << blocker.node << "' (" << blocker.op;
    if (blocker.opset)
      diagnostic << ", opset " << blocker.opset;
    diagnostic << "): " << blocker.reason;
  }
}

OwningOpRef<ModuleOp> importModel(MLIRContext &context, StringRef path, const ImportOptions &options) {
  context.loadDialect<nn::NNDialect, arith::ArithDialect, func::FuncDialect, tensor::TensorDialect>();
  Location loc = FileLineColLoc::get(&context, path, 0, 0);
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file) {
    emitError(loc) << "cannot read '" << path << "': " << file.getError().message();
    return {};
  }
  std::shared_ptr<::onnx::ModelProto> model = parse((*file)->getBuffer(), loc);
  if (!model)
    return {};
  std::string folder = llvm::sys::path::parent_path(path).str();
  std::string name = options.name.empty() ? llvm::sys::path::stem(path).str() : options.name;
  GraphImporter importer(&context, model, folder, options);
  OwningOpRef<ModuleOp> module = importer.import(name);
  if (!module)
    report(loc, importer.getBlockers());
  return module;
}

} // namespace nnc::onnx
