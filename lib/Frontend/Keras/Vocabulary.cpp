// Reads lists of tokens, and builds look-ups in them. Strings are found by binary search in the compiled model's own
// functions, integers by one that is built of operations.
#include "lib/Frontend/Keras/Vocabulary.h"

#include "lib/Frontend/Import/Strings.h"
#include "lib/Frontend/Keras/Categories.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cmath>
#include <numeric>
#include <set>

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

//===--- Reading ---===//

/// tf-idf and binary are older names.
static std::string getModeName(const Parameters &parameters) {
  StringRef mode = parameters.getString("output_mode", "int");
  return (mode == "tf-idf" ? "tf_idf" : mode == "binary" ? "multi_hot" : mode).str();
}

void listVocabularyWeights(const Parameters &parameters, SmallVectorImpl<WeightSlot> &slots) {
  if (getModeName(parameters) == "tf_idf" && !parameters.has("idf_weights"))
    slots.push_back({"vars/idf_weights", /*isTrainable=*/false});
}

std::optional<std::pair<int64_t, int64_t>> bindSalt(LayerBinder &layer) {
  if (!layer.parameters().has("salt"))
    return std::nullopt;
  std::optional<SmallVector<int64_t>> numbers = layer.parameters().getInts("salt", 2);
  if (numbers && numbers->size() == 2)
    return std::pair((*numbers)[0], (*numbers)[1]);
  (void)layer.reject("'salt' must be one or two numbers");
  return std::nullopt;
}

std::optional<Vocabulary::Token> Vocabulary::readToken(LayerBinder &layer, const llvm::json::Value *value) const {
  Token token;
  if (auto text = value && isText ? value->getAsString() : std::nullopt; text && text::isString(*text))
    token.text = text->str();
  else if (auto number = value && !isText ? value->getAsInteger() : std::nullopt)
    token.number = *number;
  else {
    (void)layer.reject(isText ? "a token of its vocabulary is no string, or has a zero in it"
                              : "a token of its vocabulary is no integer");
    return std::nullopt;
  }
  return token;
}

/// The lines of a file; nullopt where Python has other ideas of what a line is.
static std::optional<SmallVector<StringRef>> splitLines(StringRef text) {
  for (StringRef mark : {"\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"})
    if (text.contains(mark))
      return std::nullopt;
  SmallVector<StringRef> lines;
  text.split(lines, '\n');
  while (!lines.empty() && lines.back().empty())
    lines.pop_back();
  return lines;
}

/// The list, without the tokens for masks and for what is not known at its start.
bool Vocabulary::readTokens(LayerBinder &layer) {
  const llvm::json::Value *listed = layer.parameters().find("vocabulary");
  if (const llvm::json::Array *list = listed ? listed->getAsArray() : nullptr) {
    for (const llvm::json::Value &value : *list) {
      std::optional<Token> token = readToken(layer, &value);
      if (!token)
        return false;
      tokens.push_back(std::move(*token));
    }
  } else {
    llvm::Expected<frontend::SharedBytes> file = layer.readAsset("vocabulary.txt");
    if (!file) {
      (void)layer.reject("its vocabulary is not in the file: " + llvm::toString(file.takeError()));
      return false;
    }
    auto lines = splitLines(file->bytes);
    if (!lines) {
      (void)layer.reject("a token of its vocabulary has the end of a line in it");
      return false;
    }
    for (StringRef line : *lines) {
      int64_t number = 0;
      llvm::json::Value value = isText ? llvm::json::Value(nullptr) : llvm::json::Value(number);
      if (isText && text::isString(line))
        value = line;
      else if (!isText && !line.getAsInteger(10, number))
        value = number;
      else
        value = nullptr;
      std::optional<Token> token = readToken(layer, &value);
      if (!token)
        return false;
      tokens.push_back(std::move(*token));
    }
  }
  size_t given = tokens.size();
  bool hasSpecial = static_cast<int64_t>(tokens.size()) >= getFirstKnown();
  for (int64_t i = 0; hasSpecial && i < getFirstKnown(); ++i) {
    const std::optional<Token> &special = i < getFirstUnknown() ? mask : unknown;
    hasSpecial = special && tokens[i] == *special;
  }
  if (hasSpecial)
    tokens.erase(tokens.begin(), tokens.begin() + getFirstKnown());
  std::set<std::pair<StringRef, int64_t>> seen;
  for (const Token &token : tokens)
    if (!seen.insert({token.text, token.number}).second) {
      (void)layer.reject("a token is in its vocabulary twice");
      return false;
    }
  if (given == 0 || static_cast<int64_t>(given) > maxCategories) {
    (void)layer.reject("its vocabulary is empty, or too long");
    return false;
  }
  return readWeights(layer, given, hasSpecial);
}

/// What tf_idf multiplies counts with, where it is among the parameters: unknown tokens have the mean, if nothing is said.
bool Vocabulary::readWeights(LayerBinder &layer, size_t given, bool hasSpecial) {
  const llvm::json::Value *value = layer.parameters().find("idf_weights");
  if (mode != "tf_idf" || !value)
    return true;
  const llvm::json::Array *list = value->getAsArray();
  if (!list || list->size() != given) {
    (void)layer.reject("idf_weights are not as many as its vocabulary has tokens");
    return false;
  }
  double sum = 0;
  for (const llvm::json::Value &weight : *list) {
    weights.push_back(static_cast<float>(weight.getAsNumber().value_or(NAN)));
    sum += weight.getAsNumber().value_or(NAN);
  }
  if (!hasSpecial)
    weights.insert(weights.begin(), getFirstKnown(), static_cast<float>(sum / static_cast<double>(list->size())));
  weights.resize(std::max<size_t>(weights.size(), maxTokens), 0);
  return true;
}

std::optional<Vocabulary> Vocabulary::read(LayerBinder &layer, bool isText, std::optional<std::string> maskToken) {
  Parameters parameters = layer.parameters();
  Vocabulary vocabulary;
  vocabulary.isText = isText;
  vocabulary.inverse = parameters.getBool("invert", false);
  vocabulary.mode = getModeName(parameters);
  vocabulary.numUnknown = parameters.getInt("num_oov_indices", 1);
  vocabulary.salt = bindSalt(layer);
  layer.refuse({"sparse"});
  StringRef method = parameters.getString("oov_method", "floormod"), encoding = parameters.getString("encoding", "utf-8");
  vocabulary.hashesIntegers = method == "farmhash";
  if (vocabulary.numUnknown < 0 || vocabulary.numUnknown > maxCategories || (method != "floormod" && method != "farmhash"))
    (void)layer.reject("num_oov_indices or oov_method are not known");
  if (!encoding.equals_insensitive("utf-8"))
    (void)layer.reject("the encoding '" + encoding + "' is not supported");
  if (!llvm::is_contained({"int", "one_hot", "multi_hot", "count", "tf_idf"}, vocabulary.mode))
    (void)layer.reject("output_mode '" + vocabulary.mode + "' is not known");
  if (parameters.getBool("pad_to_max_tokens", false) && vocabulary.mode != "int")
    vocabulary.maxTokens = layer.positive("max_tokens", 0);
  if (maskToken)
    vocabulary.mask = Token{*maskToken, 0};
  else if (const llvm::json::Value *mask = parameters.find("mask_token"))
    vocabulary.mask = vocabulary.readToken(layer, mask);
  llvm::json::Value usual = isText ? llvm::json::Value("[UNK]") : llvm::json::Value(-1);
  if (const llvm::json::Value *unknown = parameters.get().get("oov_token"); !unknown)
    vocabulary.unknown = vocabulary.readToken(layer, &usual);
  else if (unknown->kind() != llvm::json::Value::Null)
    vocabulary.unknown = vocabulary.readToken(layer, unknown);
  if (layer.failed() || !vocabulary.readTokens(layer))
    return std::nullopt;
  return vocabulary;
}

//===--- Finding ---===//

Expression hashIntoBuckets(LayerBinder &layer, Expression x, int64_t count, std::optional<std::pair<int64_t, int64_t>> salt) {
  Builder &builder = layer.getBuilder();
  if (!text::isStrings(layer.getType(x)))
    x = {layer, layer.create<text::FormatOp>(x)};
  DenseI64ArrayAttr key;
  if (salt)
    key = builder.getDenseI64ArrayAttr({salt->first, salt->second});
  Type bits = builder.getIntegerType(64, /*isSigned=*/false);
  Expression hash(layer, layer.create<text::HashOp>(x, key));
  hash = hash.cast(bits);
  return hash.unary<nn::ModOp>(Value(hash.like(static_cast<double>(count))), /*fmod=*/false).cast(builder.getI64Type());
}

/// Where in `keys`, which ascend, those of x are, or where they would be.
static Expression search(LayerBinder &layer, Expression keys, int64_t count, Expression x) {
  Expression place = x * 0;
  for (auto step = static_cast<int64_t>(llvm::bit_floor(static_cast<uint64_t>(count))); step > 0; step /= 2) {
    Expression next = place + static_cast<double>(step), probe = next - 1;
    Expression key = keys.gather(probe.min(probe.like(static_cast<double>(count - 1))), 0);
    place = ((probe < static_cast<double>(count)) & (key < x)).choose(next, place);
  }
  return place.min(place.like(static_cast<double>(count - 1)));
}

/// The place of each x in the list; -1 where it is not there.
Expression Vocabulary::findTokens(LayerBinder &layer, Expression x) const {
  auto count = static_cast<int64_t>(tokens.size());
  std::vector<int64_t> order(count), keys;
  std::iota(order.begin(), order.end(), 0);
  llvm::sort(order, [&](int64_t a, int64_t b) {
    return std::tie(tokens[a].text, tokens[a].number) < std::tie(tokens[b].text, tokens[b].number);
  });
  if (isText) {
    SmallVector<std::string> list;
    for (const Token &token : tokens)
      list.push_back(token.text);
    frontend::SortedKeys sorted = frontend::SortedKeys::get(list);
    SmallVector<int64_t> places{-1};
    places.append(sorted.places.begin(), sorted.places.end());
    return Expression::ints(layer, places).gather(sorted.find(layer, x) + 1, 0);
  }
  for (int64_t place : order)
    keys.push_back(tokens[place].number);
  Expression sorted = Expression::ints(layer, keys), found = search(layer, sorted, count, x);
  Expression places = Expression::ints(layer, order).gather(found, 0);
  return sorted.gather(found, 0).equals(x).choose(places, places.like(-1));
}

Expression Vocabulary::equals(LayerBinder &layer, Expression x, const Token &token) const {
  if (!isText)
    return x.equals(Expression::ints(layer, {token.number}).reshape(ArrayRef<int64_t>()));
  Value text = frontend::createStrings(layer, {token.text}, {});
  return {layer, layer.create<text::EqualOp>(x, text)};
}

/// Which of the places for unknown tokens is that of x.
Expression Vocabulary::findBucket(LayerBinder &layer, Expression x) const {
  if (isText || hashesIntegers)
    return hashIntoBuckets(layer, x, numUnknown, salt);
  return x.unary<nn::ModOp>(Value(x.like(static_cast<double>(numUnknown))), /*fmod=*/false);
}

Expression Vocabulary::find(LayerBinder &layer, Expression x) const {
  if (layer.failed())
    return {};
  if (isText != text::isStrings(layer.getType(x))) {
    (void)layer.reject(isText ? "its input must be strings" : "its input must be numbers");
    return {};
  }
  if (numUnknown == 0) {
    (void)layer.reject("a token that is not in its vocabulary as an error of the run (num_oov_indices=0) is not supported");
    return {};
  }
  if (!isText)
    x = x.cast(layer.getBuilder().getI64Type());
  Expression place = findTokens(layer, x);
  if (layer.failed())
    return {};
  Expression unknown = numUnknown == 1 ? place.like(0) : findBucket(layer, x);
  Expression result = (place < 0).choose(unknown + static_cast<double>(getFirstUnknown()),
                                         place + static_cast<double>(getFirstKnown()));
  if (mask && !layer.failed())
    result = equals(layer, x, *mask).choose(result.like(mode == "int" ? 0 : -1), result);
  return layer.failed() ? Expression() : result;
}

Expression Vocabulary::choose(LayerBinder &layer, Expression x) const {
  if (layer.failed())
    return {};
  if (text::isStrings(layer.getType(x)) || !unknown) {
    (void)layer.reject(unknown ? "its input must be numbers" : "it has no oov_token for places that are none of a token");
    return {};
  }
  if (mode != "int") {
    (void)layer.reject("output_mode '" + mode + "' is not for invert=True");
    return {};
  }
  x = x.cast(layer.getBuilder().getI64Type());
  std::vector<Token> list{*unknown, mask.value_or(*unknown)};
  list.insert(list.end(), tokens.begin(), tokens.end());
  Expression place = x - static_cast<double>(getFirstKnown());
  Expression isKnown = (place >= 0) & (place < static_cast<double>(tokens.size()));
  place = isKnown.choose(place + 2, place.like(0));
  if (mask)
    place = x.equals(0).choose(place.like(1), place);
  if (isText) {
    SmallVector<std::string> texts;
    for (const Token &token : list)
      texts.push_back(token.text);
    return frontend::chooseStrings(layer, place, texts);
  }
  SmallVector<int64_t> numbers;
  for (const Token &token : list)
    numbers.push_back(token.number);
  return Expression::ints(layer, numbers).gather(place, 0);
}

LogicalResult Vocabulary::encode(LayerBinder &layer, Expression places) const {
  if (layer.failed() || !places)
    return failure();
  if (mode == "int")
    return layer.result(places);
  Builder &builder = layer.getBuilder();
  int64_t depth = maxTokens ? maxTokens : getFirstKnown() + static_cast<int64_t>(tokens.size());
  if (depth > maxCategories)
    return layer.reject("it has too many categories");
  if (mode != "tf_idf") {
    Expression rows = encodeCategories(layer, places, mode, depth, builder.getI64Type());
    return layer.failed() ? failure() : layer.result(rows);
  }
  Expression counts = encodeCategories(layer, places, "count", depth, builder.getF32Type());
  if (!weights.empty() && static_cast<int64_t>(weights.size()) != depth)
    return layer.reject("idf_weights are not as many as its rows have numbers");
  Expression factors(layer, weights.empty() ? layer.weight({depth}) : layer.floats({depth}, weights));
  return layer.failed() ? failure() : layer.result(counts * factors.cast(builder.getF32Type()));
}

//===--- Layers ---===//

static LogicalResult importLookup(LayerBinder &layer, bool isText) {
  Expression x = bindCategories(layer);
  layer.expectInputs(1);
  std::optional<Vocabulary> vocabulary = Vocabulary::read(layer, isText);
  if (!vocabulary || layer.failed())
    return failure();
  if (!vocabulary->isInverse())
    return vocabulary->encode(layer, vocabulary->find(layer, x));
  Expression tokens = vocabulary->choose(layer, x);
  return layer.failed() ? failure() : layer.result(tokens);
}

static LogicalResult importIntegerLookup(LayerBinder &layer) { return importLookup(layer, /*isText=*/false); }
static LogicalResult importStringLookup(LayerBinder &layer) { return importLookup(layer, /*isText=*/true); }

static const LayerEntry table[] = {
    {"IntegerLookup", importIntegerLookup, listVocabularyWeights},
    {"StringLookup", importStringLookup, listVocabularyWeights},
};

ArrayRef<LayerEntry> getVocabularyLayers() { return table; }

} // namespace nnc::keras
