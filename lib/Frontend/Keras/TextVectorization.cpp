// TextVectorization: texts in small letters and without punctuation, split into tokens, and these looked up.
#include "lib/Frontend/Import/Strings.h"
#include "lib/Frontend/Keras/Categories.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Vocabulary.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

static constexpr int64_t maxTokens = 1 << 16, maxGrams = 16;

namespace {

/// Tokens of texts: one row for each, which empty strings fill up, and how many there are, i64, of a column.
struct Tokens {
  Expression all, counts;
};

} // namespace

/// The name that a parameter has; nullopt, with the layer rejected, where it is a function in Python.
static std::optional<StringRef> bindName(LayerBinder &layer, StringRef key, StringRef otherwise) {
  const llvm::json::Value *value = layer.parameters().get().get(key);
  if (!value)
    return otherwise;
  if (value->kind() == llvm::json::Value::Null)
    return StringRef();
  if (auto name = value->getAsString())
    return *name;
  (void)layer.reject("'" + key + "' runs Python code, which nnc does not");
  return std::nullopt;
}

static Expression standardize(LayerBinder &layer, Expression x) {
  std::optional<StringRef> how = bindName(layer, "standardize", "lower_and_strip_punctuation");
  if (!how)
    return {};
  if (!how->empty() && !llvm::is_contained({"lower", "strip_punctuation", "lower_and_strip_punctuation"}, *how)) {
    (void)layer.reject("standardize '" + *how + "' is not known");
    return {};
  }
  if (how->starts_with("lower"))
    x = {layer, layer.create<text::ChangeCaseOp>(x, /*upper=*/false, /*ascii=*/true)};
  if (how->ends_with("punctuation"))
    x = {layer, layer.create<text::RemoveOp>(x, StringRef("!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'"))};
  return x;
}

/// At most `most` tokens of each text are needed, or all, where that is 0.
static std::optional<Tokens> split(LayerBinder &layer, Expression x, int64_t most) {
  std::optional<StringRef> how = bindName(layer, "split", "whitespace");
  if (!how)
    return std::nullopt;
  if (how->empty()) {
    if (x.getRank() < 2) {
      (void)layer.reject("texts that are not split must be rows");
      return std::nullopt;
    }
    return Tokens{x, {}};
  }
  if (*how != "whitespace" && *how != "character") {
    (void)layer.reject("split '" + *how + "' is not known");
    return std::nullopt;
  }
  if (x.getRank() > 1 && x.getExtent(x.getRank() - 1) != 1) {
    (void)layer.reject("the last extent of its input must be 1, or known with --shape to be so");
    return std::nullopt;
  }
  if (x.getRank() > 1)
    x = x.squeeze({x.getRank() - 1});
  SmallVector<Value> results = layer.createAll<text::SplitOp>(
      2, x, StringRef(), most ? most : int64_t(-1), most ? most + 1 : int64_t(0), /*characters=*/*how == "character");
  if (layer.failed())
    return std::nullopt;
  return Tokens{{layer, results[0]}, Expression(layer, results[1]).unsqueeze({x.getRank()})};
}

//===--- Groups of neighbours ---===//

/// x with `count` empty strings behind each row.
static Expression lengthen(LayerBinder &layer, Expression x, int64_t count) {
  Value empty = frontend::createStrings(layer, {std::string()}, {1});
  Expression shape = Expression::concat(layer, {x.shape(0, x.getRank() - 1), Expression::ints(layer, {count})}, 0);
  return Expression::concat(layer, {x, Expression(layer, empty).broadcast(shape)}, x.getRank() - 1);
}

/// For each width the groups of so many neighbours, with spaces between them, one behind the other.
static std::optional<Tokens> group(LayerBinder &layer, Tokens tokens, ArrayRef<int64_t> widths) {
  int64_t widest = *llvm::max_element(widths), axis = tokens.all.getRank() - 1;
  Expression length = tokens.all.extent(axis), longer = lengthen(layer, tokens.all, widest - 1);
  Expression space(layer, frontend::createStrings(layer, {" "}, {}));
  Expression empty(layer, frontend::createStrings(layer, {std::string()}, {}));
  Expression place = Expression::range(length), total = tokens.counts * 0;
  SmallVector<Expression> parts, starts;
  for (int64_t width : widths) {
    auto shifted = [&](int64_t by) {
      Expression begin = Expression::ints(layer, {by});
      return longer.slice(axis, begin, length + static_cast<double>(by));
    };
    Expression gram = shifted(0);
    for (int64_t i = 1; i < width; ++i) {
      gram = {layer, layer.create<text::ConcatOp>(gram, space)};
      gram = {layer, layer.create<text::ConcatOp>(gram, shifted(i))};
    }
    Expression count = tokens.counts - static_cast<double>(width - 1);
    count = count.max(count.like(0));
    parts.push_back((place < count).choose(gram, empty));
    starts.push_back(total);
    total = total + count;
  }
  if (layer.failed())
    return std::nullopt;
  // Group `place` of a row is one of the last width that begins at it or before.
  Expression all = Expression::concat(layer, parts, axis), wide = Expression::range(all.extent(axis)), source = wide;
  for (auto [number, start] : llvm::enumerate(starts))
    source = (wide < start).choose(source, wide - start + length * static_cast<double>(number));
  source = source.min(all.extent(axis) - 1);
  Expression grouped(layer, layer.create<nn::GatherElementsOp>(all, source, axis));
  return Tokens{(wide < total).choose(grouped, empty), total};
}

static std::optional<SmallVector<int64_t>> bindWidths(LayerBinder &layer) {
  const llvm::json::Value *value = layer.parameters().find("ngrams");
  SmallVector<int64_t> widths;
  if (!value)
    return widths;
  if (auto most = value->getAsInteger(); most && *most >= 1 && *most <= maxGrams)
    return llvm::to_vector(llvm::seq_inclusive<int64_t>(1, *most));
  auto given = asInts(*value);
  if (given && !given->empty() && llvm::all_of(*given, [](int64_t n) { return n >= 1 && n <= maxGrams; }))
    return given;
  (void)layer.reject("'ngrams' must be a number, or several, from 1 to " + Twine(maxGrams));
  return std::nullopt;
}

static LogicalResult importTextVectorization(LayerBinder &layer) {
  Expression x = bindCategories(layer);
  layer.expectInputs(1);
  layer.refuse({"ragged"});
  std::optional<Vocabulary> vocabulary = Vocabulary::read(layer, /*isText=*/true, /*maskToken=*/"");
  auto widths = bindWidths(layer);
  int64_t length = layer.parameters().has("output_sequence_length") ? layer.positive("output_sequence_length", 0) : 0;
  if (layer.failed() || !vocabulary || !widths)
    return failure();
  if (!text::isStrings(layer.getType(x)))
    return layer.reject("its input must be strings");
  if (length > maxTokens)
    return layer.reject("output_sequence_length is too large");
  StringRef mode = vocabulary->getMode();
  auto tokens = split(layer, standardize(layer, x), widths->empty() && mode == "int" ? length : 0);
  if (layer.failed() || !tokens)
    return failure();
  if (!widths->empty() && !tokens->counts)
    return layer.reject("'ngrams' of texts that are not split are not supported");
  if (!widths->empty() && mode == "int" && !length)
    return layer.reject("'ngrams' are supported with an output_sequence_length, or another output_mode than int");
  if (!widths->empty() && !(tokens = group(layer, *tokens, *widths)))
    return failure();
  int64_t rank = tokens->all.getRank();
  if (mode == "one_hot" || (mode != "int" && rank != 2))
    return layer.reject("output_mode '" + mode + "' is not supported for rows of tokens of this shape");
  Expression places = vocabulary->find(layer, tokens->all);
  if (layer.failed())
    return failure();
  if (mode == "int" && length) {
    Value pads = layer.ints({0, length});
    places = {layer, layer.create<nn::PadOp>(places, pads, Value(), ArrayRef<int64_t>{rank - 1}, nn::PadMode::Constant)};
    // The reshape says that the last extent is known now.
    SmallVector<int64_t> shape(rank, 0);
    shape.back() = length;
    places = places.slice(rank - 1, 0, length).reshape(shape);
  }
  return vocabulary->encode(layer, places);
}

static const LayerEntry table[] = {
    {"TextVectorization", importTextVectorization, listVocabularyWeights},
};

ArrayRef<LayerEntry> getTextVectorizationLayers() { return table; }

} // namespace nnc::keras
