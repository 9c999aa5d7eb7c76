// Operations on strings. Look-ups in lists are LabelEncoder of ai.onnx.ml.
#include "lib/Export/ONNX/Text.h"

#include "dialects/Text/Text.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

static constexpr StringRef learning = "ai.onnx.ml";

static std::vector<std::string> getStrings(ArrayAttr strings) {
  std::vector<std::string> list;
  for (auto string : strings.getAsRange<StringAttr>())
    list.push_back(string.str());
  return list;
}

static void writeConstant(OpWriter &writer, text::ConstantOp op) {
  auto tensor = std::make_shared<::onnx::TensorProto>();
  tensor->set_data_type(::onnx::TensorProto::STRING);
  for (int64_t extent : op.getShape())
    tensor->add_dims(extent);
  for (std::string &string : getStrings(op.getStrings()))
    tensor->add_string_data(std::move(string));
  writer.finish("Constant", {}, {{"value", std::move(tensor)}});
}

static void writeChoose(OpWriter &writer, text::ChooseOp op) {
  std::vector<std::string> strings = getStrings(op.getStrings());
  SmallVector<int64_t> places = llvm::to_vector(llvm::seq<int64_t>(0, strings.size()));
  std::string chosen =
      writer.addOf(learning, 2, "LabelEncoder", {writer.name(op.getPlaces())},
                   {{"keys_int64s", places}, {"values_strings", std::move(strings)}, {"default_string", std::string()}});
  writer.finish("Identity", {chosen});
}

static void writeFind(OpWriter &writer, text::FindOp op) {
  std::vector<std::string> keys = getStrings(op.getKeys());
  if (keys.empty())
    return writer.refuse("a look-up in an empty list");
  SmallVector<int64_t> places = llvm::to_vector(llvm::seq<int64_t>(0, keys.size()));
  std::string found = writer.addOf(learning, 2, "LabelEncoder", {writer.name(op.getInput())},
                                   {{"keys_strings", std::move(keys)}, {"values_int64s", places}, {"default_int64", int64_t(-1)}});
  writer.finish("Identity", {found});
}

static void writeEqual(OpWriter &writer, text::EqualOp op) {
  if (writer.needsOpset(19)) // before that it compares no strings
    writer.finish("Equal", writer.operands());
}

static void writeConcat(OpWriter &writer, text::ConcatOp op) {
  if (writer.needsOpset(20))
    writer.finish("StringConcat", writer.operands());
}

static void writeSplit(OpWriter &writer, text::SplitOp op) {
  if (op.getCharacters())
    return writer.refuse("strings that are split into characters");
  if (!op.getWords().empty())
    return writer.refuse("strings that are split into words of some characters");
  if (!writer.needsOpset(20))
    return;
  std::string delimiter = op.getDelimiter().str();
  if (op.getMaxSplits() < 0)
    return writer.finish("StringSplit", writer.operands(), {{"delimiter", delimiter}});
  writer.finish("StringSplit", writer.operands(), {{"delimiter", delimiter}, {"maxsplit", int64_t(op.getMaxSplits())}});
}

/// ONNX's operator takes one row.
static void writeChangeCase(OpWriter &writer, text::ChangeCaseOp op) {
  if (op.getAscii())
    return writer.refuse("the case of letters of ASCII alone");
  std::string x = writer.name(op.getInput()), row = writer.add("Reshape", {x, writer.ints({-1})});
  std::string changed = writer.add("StringNormalizer", {row},
                                   {{"case_change_action", std::string(op.getUpper() ? "UPPER" : "LOWER")}, {"is_case_sensitive", int64_t(1)}});
  writer.finish("Reshape", {changed, writer.add("Shape", {x})});
}

template <typename OpTy> static void writeCast(OpWriter &writer, OpTy op) {
  writer.finish("Cast", writer.operands(), {{"to", int64_t(getDataType(getElementTypeOrSelf(op.getType())))}});
}

static void refuseMatch(OpWriter &writer, text::MatchOp) {
  writer.refuse("nnc keeps the automaton of a regular expression, not its text");
}

static void refuseHash(OpWriter &writer, text::HashOp) { writer.refuse("it has no operator that hashes strings"); }

static void refuseRemove(OpWriter &writer, text::RemoveOp) {
  writer.refuse("it has no operator that removes characters from strings");
}

static const WriterEntry table[] = {
    row<text::ConstantOp, writeConstant>(),     row<text::ChooseOp, writeChoose>(),
    row<text::FindOp, writeFind>(),             row<text::EqualOp, writeEqual>(),
    row<text::ConcatOp, writeConcat>(),         row<text::SplitOp, writeSplit>(),
    row<text::ChangeCaseOp, writeChangeCase>(), row<text::FormatOp, writeCast<text::FormatOp>>(),
    row<text::ParseOp, writeCast<text::ParseOp>>(), row<text::MatchOp, refuseMatch>(),
    row<text::HashOp, refuseHash>(),            row<text::RemoveOp, refuseRemove>(),
};

ArrayRef<WriterEntry> getTextWriters() { return table; }

} // namespace nnc::onnx_export
