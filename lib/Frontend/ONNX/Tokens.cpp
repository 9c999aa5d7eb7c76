// Operators of com.microsoft on tokens: words of characters, and texts that are decoded.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Strings.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

//===--- WordConvEmbedding ---===//

/// Each word (a row of characters, 0 behind its end) is the largest of what the filters make of its windows.
static LogicalResult importWordEmbedding(NodeBinder &node) {
  Expression words(node, node.operand(0)), filter(node, node.operand(1)), bias(node, node.operand(2)),
      table(node, node.operand(3));
  int64_t width = node.intAttr("embedding_size", -1), window = node.intAttr("conv_window_size", -1),
          depth = node.intAttr("char_embedding_size", -1);
  if (node.failed())
    return failure();
  if (words.getRank() != 2 || filter.getRank() != 4 || table.getRank() != 2 || node.getShape(filter).drop_front(1) !=
      ArrayRef<int64_t>{1, filter.getExtent(2), table.getExtent(1)})
    return node.reject("needs words of characters, filters (M, 1, window, depth) and a table (characters, depth)");
  int64_t length = words.getExtent(1), size = filter.getExtent(2), count = length - size + 1;
  if (ShapedType::isDynamic(length) || ShapedType::isDynamic(size) || size < 1 || count < 1)
    return node.reject("the words must have a known length, not less than a window's");
  if ((width != -1 && width != filter.getExtent(0)) || (window != -1 && window != size) ||
      (depth != -1 && depth != table.getExtent(1)))
    return node.reject("the attributes do not fit the filters");
  if (size > 64)
    return node.reject("windows of more than 64 characters are not supported");
  Expression characters = table.gather(words, 0);
  SmallVector<Expression> places;
  for (int64_t offset = 0; offset < size; ++offset)
    places.push_back(characters.slice(1, offset, offset + count));
  Expression windows = Expression::concat(node, places, 2);
  Expression rows = filter.reshape({0, -1});
  Expression values = (windows.matmul(rows, /*transposeY=*/true) + bias).unary<nn::TanhOp>();
  Type i64 = node.getBuilder().getI64Type();
  Expression used = (words > 0).cast(i64).reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/true);
  Expression isWithin = Expression::range(Expression::ints(node, {count})) <=
                        used.max(used.like(static_cast<double>(size))) - static_cast<double>(size);
  Expression largest = isWithin.unsqueeze({2}).choose(values, values.like(-1e12)).reduce(nn::ReductionKind::Max, {1},
                                                                                          /*keepdims=*/false);
  // A word that is empty has no meaning there; here it is zeros.
  return node.result((words.slice(1, 0, 1) > 0).choose(largest, largest.like(0)));
}

//===--- BifurcationDetector ---===//

/// Where the last `length` of `tokens` are in `source`: how often, and the first place; both 1-D.
static std::pair<Expression, Expression> findSuffix(NodeBinder &node, Expression source, Expression tokens, int64_t length) {
  Expression zero = Expression::ints(node, {0}), size = tokens.extent(0);
  Expression places = (source.extent(0) - static_cast<double>(length - 1)).max(zero), isThere;
  for (int64_t i = 0; i < length; ++i) {
    Expression place = Expression::ints(node, {i}), last = (size - static_cast<double>(length - i)).max(zero);
    Expression isSame = source.slice(0, place, place + places).equals(tokens.gather(last, 0));
    isThere = isThere ? isThere & isSame : isSame;
  }
  if (node.failed())
    return {};
  Expression found = Expression::concat(node, {isThere.cast(source.getElementType()), zero}, 0);
  Expression first = found.unary<nn::ArgReduceOp>(0, /*keepdims=*/true, /*min=*/false, /*last=*/false);
  return {found.reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/true), first};
}

/// Tokens with those of a prediction up to the first that differs from the source, and where the source goes on.
static LogicalResult importBifurcationDetector(NodeBinder &node) {
  Expression source(node, node.operand(0)), tokens(node, node.operand(1)), previous(node, node.operand(2)),
      predicted(node, node.optionalOperand(3));
  int64_t least = node.intAttr("min_ngram_size", 1), most = node.intAttr("max_ngram_size", 3);
  if (node.failed())
    return failure();
  if (source.getRank() != 1 || tokens.getRank() != 1 || previous.getRank() != 1 || previous.getExtent(0) != 1 ||
      (predicted && predicted.getRank() != 1) || least < 1 || most < least)
    return node.reject("needs rows of tokens and one place, and sizes of n-grams that ascend");
  if (most > 16)
    return node.reject("n-grams of more than 16 tokens are not supported");
  Expression size = source.extent(0), zero = Expression::ints(node, {0});
  if (predicted) {
    Expression rest = size - previous;
    Expression fits = (previous >= 0) & (rest >= 0) & predicted.extent(0).equals(rest + 1);
    predicted = {node, require(node, predicted, fits)};
    Expression isSame = predicted.slice(0, zero, predicted.extent(0) - 1).equals(source.slice(0, previous, size));
    Expression run(node, node.create<nn::CumProdOp>(isSame.cast(source.getElementType()), 0, /*exclusive=*/false,
                                                    /*reverse=*/false));
    Expression agreed = run.reduce(nn::ReductionKind::Sum, {0}, /*keepdims=*/true);
    tokens = Expression::concat(node, {tokens, predicted.slice(0, zero, agreed + 1)}, 0);
  }
  if (failed(node.result(tokens)))
    return failure();
  Expression suffix = Expression::ints(node, {-1}), isOver, length = tokens.extent(0);
  for (int64_t i = least; i <= most && !node.failed(); ++i) {
    auto [times, first] = findSuffix(node, source, tokens, i);
    if (node.failed())
      return failure();
    Expression ends = (length < static_cast<double>(i)) | times.equals(0.0), end = first + static_cast<double>(i);
    isOver = isOver ? isOver | ends : ends;
    suffix = isOver.choose(suffix, ((end < size) & (times > 1)).choose(suffix.like(-1), end));
    isOver = isOver | (end >= size);
  }
  return node.failed() ? failure() : node.result(suffix);
}

//===--- Tokenizer ---===//

/// The pieces of each string along a new last axis, and how many there are: between separators, or stretches of `words`, or
/// characters, where neither is given.
static std::pair<Expression, Expression> splitStrings(NodeBinder &node, Expression strings, StringRef separator,
                                                      StringRef words = "") {
  bool isOfCharacters = separator.empty() && words.empty();
  SmallVector<Value> results = node.createAll<text::SplitOp>(2, strings, separator, /*max_splits=*/int64_t(-1),
                                                             /*most=*/int64_t(0), isOfCharacters, words);
  if (node.failed())
    return {};
  return {{node, results[0]}, {node, results[1]}};
}

/// `values` with those of the last axis first of which `isKept` holds; what is behind them has no meaning.
static Expression compact(NodeBinder &node, Expression values, Expression isKept) {
  int64_t last = values.getRank() - 1;
  Type i64 = node.getBuilder().getI64Type();
  Expression width = isKept.extent(last);
  Expression place(node, node.create<nn::CumSumOp>(isKept.cast(i64), last, /*exclusive=*/true, /*reverse=*/false));
  Expression target = isKept.choose(place, width);
  Expression shape = Expression::concat(node, {isKept.shape(0, last), width + 1}, 0);
  Expression order = Expression::scalar(node, i64, 0).broadcast(shape), numbers = Expression::range(width).broadcast(isKept.shape());
  order = {node, node.create<nn::ScatterElementsOp>(order, target, numbers, last, nn::ScatterReduction::None)};
  order = order.slice(last, Expression::ints(node, {0}), width);
  return {node, node.create<nn::GatherElementsOp>(values, order, last)};
}

/// The characters of a regular expression that is one set of them, all of ASCII, at least once: "[a-z0-9_]+" or "\w+";
/// none where it is something else.
static std::string findWordCharacters(StringRef expression) {
  if (!expression.consume_back("+"))
    return {};
  bool isInBrackets = expression.consume_front("[");
  if (isInBrackets && !expression.consume_back("]"))
    return {};
  std::string characters;
  while (!expression.empty()) {
    bool isEscaped = expression.consume_front("\\");
    if (expression.empty())
      return {};
    char first = expression.front(), last = first;
    expression = expression.drop_front();
    if (isEscaped && (first == 'w' || first == 'd')) {
      StringRef letters = "_ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
      characters += ("0123456789" + (first == 'w' ? letters : StringRef())).str();
    } else if (isEscaped ? llvm::isPunct(first) : isInBrackets && (llvm::isAlnum(first) || StringRef("_'.#@$%/").contains(first))) {
      if (expression.size() > 1 && expression.front() == '-' && llvm::isAlnum(expression[1]) && first <= expression[1]) {
        last = expression[1];
        expression = expression.drop_front(2);
      }
      for (int c = first; c <= last; ++c)
        characters.push_back(static_cast<char>(c));
    } else {
      return {};
    }
    if (!isInBrackets && !expression.empty())
      return {};
  }
  return characters;
}

/// What is between separators, or the stretches of `words`, of at least `least` characters, first along the last axis, and how
/// many there are.
static std::pair<Expression, Expression> splitIntoWords(NodeBinder &node, Expression strings, ArrayRef<std::string> separators,
                                                        StringRef words, int64_t least) {
  Type i64 = node.getBuilder().getI64Type();
  int64_t rank = strings.getRank();
  Expression shape = strings.shape(), tokens = words.empty() ? strings : splitStrings(node, strings, "", words).first;
  for (StringRef separator : separators)
    tokens = splitStrings(node, tokens, separator).first;
  if (node.failed())
    return {};
  if (separators.size() > 1) {
    Expression width = tokens.extent(rank);
    for (int64_t axis = rank + 1; axis < tokens.getRank(); ++axis)
      width = width * tokens.extent(axis);
    tokens = {node, node.create<nn::ReshapeOp>(tokens, Expression::concat(node, {shape, width}, 0), /*allow_zero=*/true)};
  }
  Expression empty(node, createStrings(node, {std::string()}, {}));
  Expression isToken = ~tokens.binary<text::EqualOp>(empty);
  if (least > 1)
    isToken = splitStrings(node, tokens, "").second >= static_cast<double>(least);
  if (node.failed())
    return {};
  return {compact(node, tokens, isToken), isToken.cast(i64).reduce(nn::ReductionKind::Sum, {rank}, /*keepdims=*/false)};
}

/// The tokens of each string along a new axis, padded to as many as the one with most of them has.
static LogicalResult importTokenizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  SmallVector<std::string> separators = node.stringsAttr("separators");
  std::string expression = node.stringAttr("tokenexp", ""), filler = node.stringAttr("pad_value", "");
  bool marks = node.intAttr("mark", 0);
  int64_t least = node.intAttr("mincharnum", 0);
  if (node.failed() || failed(checkStrings(node, separators)) || failed(checkStrings(node, {filler})))
    return failure();
  bool isOfCharacters = separators.empty() ? expression == "." : separators.size() == 1 && separators.front().empty();
  int64_t rank = x.getRank();
  if (!text::isStrings(Value(x).getType()) || rank < 1 || rank > 2)
    return node.reject("the input must be one row of strings, or several");
  if (least < 1 || (isOfCharacters && least > 1))
    return node.reject("mincharnum must be positive, and 1 where characters are the tokens");
  if (separators.size() > 3) // each multiplies how many pieces there may be
    return node.reject("more than three separators are not supported");
  std::string words = separators.empty() && !isOfCharacters ? findWordCharacters(expression) : "";
  if (!isOfCharacters && separators.empty() && words.empty())
    return node.reject("tokens by a regular expression (tokenexp) are supported where it is one set of ASCII's characters, "
                       "like [a-z0-9_]+");
  for (StringRef separator : separators)
    if (!isOfCharacters && (separator.empty() || separator.find_first_of("\\^$.|?*+()[]{}") != StringRef::npos))
      return node.reject("separators that are regular expressions are not supported");
  if (node.getType(x).getNumDynamicDims() == 0 && node.getType(x).getNumElements() == 0)
    return node.result(x);
  auto [tokens, counts] = isOfCharacters ? splitStrings(node, x, "") : splitIntoWords(node, x, separators, words, least);
  if (node.failed())
    return failure();
  Expression zero = Expression::ints(node, {0});
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  Expression most = counts.reduce(nn::ReductionKind::Max, axes, /*keepdims=*/false).unsqueeze({0}).max(zero);
  tokens = tokens.slice(rank, zero, most);
  Expression isToken = Expression::range(tokens.extent(rank)) < counts.unsqueeze({rank});
  auto string = [&](const std::string &text) { return Expression(node, createStrings(node, {text}, {})); };
  tokens = isToken.choose(tokens, string(filler));
  if (marks) { // around the tokens, before the filler
    Expression shape = Expression::concat(node, {x.shape(), Expression::ints(node, {1})}, 0);
    tokens = Expression::concat(node, {string("\x02").broadcast(shape), tokens, string(filler).broadcast(shape)}, rank);
    Expression isEnd = Expression::range(tokens.extent(rank)).equals(counts.unsqueeze({rank}) + 1);
    tokens = isEnd.choose(string("\x03"), tokens);
    tokens = tokens.slice(rank, zero, (most > 0).choose(most + 2, zero)); // none where there are no tokens at all
  }
  return node.failed() ? failure() : node.result(tokens);
}

static const OpEntry table[] = {
    {"BifurcationDetector", 1, importBifurcationDetector, "com.microsoft"},
    {"Tokenizer", 1, importTokenizer, "com.microsoft"},
    {"WordConvEmbedding", 1, importWordEmbedding, "com.microsoft"},
};

ArrayRef<OpEntry> getTokenOps() { return table; }

} // namespace nnc::onnx
