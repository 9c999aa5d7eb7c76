// Operators on strings.
#include "lib/Frontend/ONNX/Strings.h"

#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/ONNX/RegularExpression.h"

#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

//===--- Constants ---===//

bool isStringType(int64_t dataType) { return dataType == ::onnx::TensorProto::STRING; }

llvm::Expected<Value> createStrings(OpBuilder &builder, Location loc, const ::onnx::TensorProto &tensor) {
  auto fail = [&](const Twine &message) {
    return llvm::createStringError(("tensor '" + tensor.name() + "': " + message).str());
  };
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  auto count = frontend::countElements(shape);
  if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL || tensor.has_raw_data())
    return fail("strings outside string_data are not supported");
  if (!count || *count != tensor.string_data_size())
    return fail(Twine(tensor.string_data_size()) + " strings do not fit its shape");
  SmallVector<StringRef> strings;
  for (const std::string &string : tensor.string_data()) {
    if (!text::isString(string))
      return fail("a string is not UTF-8, or has a zero in it");
    strings.push_back(string);
  }
  auto type = RankedTensorType::get(shape, builder.getIndexType());
  return text::ConstantOp::create(builder, loc, type, builder.getStrArrayAttr(strings), builder.getDenseI64ArrayAttr(shape))
      .getResult();
}

/// Operands of this many, from the first on, may be strings. What is behind the data are shapes, axes, indices and the like.
static size_t countStringOperands(const OpEntry &entry) {
  static const llvm::StringMap<size_t> numbers{
      {"ArrayFeatureExtractor", 1}, {"Cast", 1}, {"CastLike", 2}, {"CategoryMapper", 1}, {"Compress", 1},
      {"Concat", SIZE_MAX}, {"ConcatFromSequence", 1}, {"Equal", 2}, {"Expand", 1}, {"Flatten", 1}, {"Gather", 1},
      {"GatherElements", 1}, {"GatherND", 1}, {"Identity", 1}, {"LabelEncoder", 1}, {"MurmurHash3", 1}, {"OneHot", 3},
      {"OneHotEncoder", 1}, {"Optional", 1}, {"OptionalGetElement", 1}, {"OptionalHasElement", 1}, {"Pad", 3},
      {"RegexFullMatch", 1}, {"Reshape", 1}, {"ReverseSequence", 1}, {"Scatter", 3}, {"ScatterElements", 3},
      {"ScatterND", 3}, {"SequenceConstruct", SIZE_MAX}, {"SequenceInsert", 2}, {"Shape", 1}, {"Size", 1},
      {"Slice", 1}, {"Split", 1}, {"SplitToSequence", 1}, {"Squeeze", 1}, {"StringConcat", 2},
      {"StringNormalizer", 1}, {"StringSplit", 1}, {"TfIdfVectorizer", 1}, {"Tile", 1}, {"Tokenizer", 1}, {"Transpose", 1},
      {"Unique", 1}, {"Unsqueeze", 1}, {"Where", 3}};
  return entry.domain == "com.microsoft" && entry.name != "Tokenizer" && entry.name != "MurmurHash3" ? 0 : numbers.lookup(entry.name);
}

StringRef whyNoStrings(const OpEntry &entry, ArrayRef<GraphValue> operands) {
  auto isText = [](const GraphValue &operand) {
    return operand && operand.isTensor() && text::isStrings(operand.getTensor().getType());
  };
  size_t most = countStringOperands(entry);
  if (llvm::none_of(operands.drop_front(std::min(most, operands.size())), isText))
    return "";
  return most ? "tensors of strings are not supported as this one of its inputs"
              : "tensors of strings are not supported as its inputs";
}

//===--- Operators ---===//

static LogicalResult rejectNumbers(NodeBinder &node, ArrayRef<Value> operands) {
  if (node.failed() || llvm::all_of(operands, [](Value operand) { return text::isStrings(operand.getType()); }))
    return success(!node.failed());
  return node.reject("its inputs must be strings");
}

static LogicalResult importStringConcat(NodeBinder &node) {
  Value x = node.operand(0), y = node.operand(1);
  if (failed(rejectNumbers(node, {x, y})))
    return failure();
  return node.result(node.create<text::ConcatOp>(x, y));
}

static LogicalResult importStringSplit(NodeBinder &node) {
  Value x = node.operand(0);
  std::string delimiter = node.stringAttr("delimiter", "");
  int64_t maxSplits = node.hasAttr("maxsplit") ? node.intAttr("maxsplit", 0) : -1;
  if (failed(rejectNumbers(node, {x})) || failed(checkStrings(node, {delimiter})))
    return failure();
  if (node.hasAttr("maxsplit") && maxSplits < 0)
    return node.reject("maxsplit must not be negative");
  SmallVector<Value> results =
      node.createAll<text::SplitOp>(2, x, StringRef(delimiter), maxSplits);
  if (node.failed() || failed(node.result(results[0])))
    return failure();
  return node.result(results[1]);
}

static LogicalResult importRegexFullMatch(NodeBinder &node) {
  Value x = node.operand(0);
  std::string pattern = node.stringAttr("pattern", "");
  if (failed(rejectNumbers(node, {x})) || failed(checkStrings(node, {pattern})))
    return failure();
  llvm::Expected<Automaton> automaton = compileExpression(pattern);
  if (!automaton)
    return node.reject("the regular expression: " + llvm::toString(automaton.takeError()));
  return node.result(node.create<text::MatchOp>(x, ArrayRef(automaton->classes), ArrayRef(automaton->transitions),
                                                static_cast<uint32_t>(automaton->start)));
}

/// Without the stop words, then in another case; one empty string where none is left.
static LogicalResult importStringNormalizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  std::string action = node.stringAttr("case_change_action", "NONE"), locale = node.stringAttr("locale", "en_US");
  bool isCaseSensitive = node.intAttr("is_case_sensitive", 0);
  SmallVector<std::string> stopWords = node.stringsAttr("stopwords");
  if (failed(rejectNumbers(node, {x})) || failed(checkStrings(node, stopWords)))
    return failure();
  if (action != "NONE" && action != "LOWER" && action != "UPPER")
    return node.reject("case_change_action " + action + " is not known");
  StringRef language = StringRef(locale).take_front(2);
  if (action != "NONE" && (language == "tr" || language == "az" || language == "lt"))
    return node.reject("the locale '" + locale + "' is not supported");
  int64_t rank = x.getRank();
  if (rank != 1 && (rank != 2 || x.getExtent(0) != 1))
    return node.reject("the input must be one row");
  auto change = [&](Expression strings, bool upper) {
    return Expression(node, node.create<text::ChangeCaseOp>(strings, upper));
  };
  Expression kept = rank == 2 ? x.squeeze({0}) : x;
  if (!stopWords.empty()) {
    SortedKeys words = SortedKeys::get(stopWords);
    if (!isCaseSensitive) {
      if (llvm::any_of(stopWords, [](const std::string &word) { return !llvm::all_of(word, [](char c) { return llvm::isASCII(c); }); }))
        return node.reject("stop words outside ASCII whose case does not count are not supported");
      for (std::string &word : stopWords)
        word = action == "UPPER" ? StringRef(word).upper() : StringRef(word).lower();
      words = SortedKeys::get(stopWords);
    }
    Expression place = words.find(node, isCaseSensitive ? kept : change(kept, action == "UPPER"));
    if (node.failed())
      return failure();
    Expression isKept = place.equals(-1);
    // An empty string is behind the others; it stays where none of them does.
    Expression none(node, createStrings(node, {std::string()}, {1}));
    Expression count = isKept.cast(node.getBuilder().getI64Type()).reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/true);
    Expression all = Expression::concat(node, {kept, none}, 0);
    Expression mask = Expression::concat(node, {isKept, count.equals(0.0)}, 0);
    Expression chosen(node, node.create<nn::NonZeroOp>(mask));
    kept = all.gather(chosen.squeeze({0}), 0);
  }
  if (action != "NONE")
    kept = change(kept, action == "UPPER");
  return node.failed() ? failure() : node.result(rank == 2 ? kept.unsqueeze({0}) : kept);
}

static const OpEntry table[] = {
    {"RegexFullMatch", 20, importRegexFullMatch},
    {"StringConcat", 20, importStringConcat},
    {"StringNormalizer", 10, importStringNormalizer},
    {"StringSplit", 20, importStringSplit},
};

ArrayRef<OpEntry> getStringOps() { return table; }

} // namespace nnc::onnx
