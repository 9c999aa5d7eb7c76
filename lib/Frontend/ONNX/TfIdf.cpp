// TfIdfVectorizer: how often each n-gram of a pool is in a row of numbers. All n-grams
// of one length and all places of the row are compared at once.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Strings.h"

#include <map>
#include <set>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// Comparisons of slices, over all lengths and skips, that are still built.
static constexpr int64_t maxSlices = 4096;

namespace {

/// The n-grams of one length: `numbers` holds one after the other.
struct Grams {
  int64_t length;
  ArrayRef<int64_t> numbers;

  int64_t getCount() const { return static_cast<int64_t>(numbers.size()) / length; }
  /// Number `place` of each.
  SmallVector<int64_t> at(int64_t place) const {
    SmallVector<int64_t> column;
    for (int64_t i = 0; i < getCount(); ++i)
      column.push_back(numbers[i * length + place]);
    return column;
  }
};

/// What the attributes say.
struct Vectorizer {
  SmallVector<int64_t> pool, coordinates;
  std::optional<SortedKeys> words; ///< of a pool of strings, which then has their places
  SmallVector<double> weights;
  SmallVector<Grams> grams; ///< of the lengths that count
  int64_t skips = 0, numGrams = 0, firstCounted = 0;
  std::string mode;
};

} // namespace

/// Divides the pool by `starts`, where the n-grams of lengths 1, 2, ... begin.
static LogicalResult dividePool(NodeBinder &node, ArrayRef<int64_t> starts, int64_t shortest, int64_t longest,
                                Vectorizer &read) {
  auto size = static_cast<int64_t>(read.pool.size());
  for (int64_t i = 0; i < static_cast<int64_t>(starts.size()); ++i) {
    int64_t length = i + 1, begin = starts[i], end = i + 1 < static_cast<int64_t>(starts.size()) ? starts[i + 1] : size;
    if (begin < 0 || end < begin || end > size || (end - begin) % length)
      return node.reject("ngram_counts do not divide the pool");
    Grams grams{length, ArrayRef<int64_t>(read.pool).slice(begin, end - begin)};
    if (length < shortest)
      read.firstCounted += grams.getCount();
    else if (length <= longest)
      read.grams.push_back(grams);
    read.numGrams += grams.getCount();
    std::set<SmallVector<int64_t>> seen;
    for (int64_t gram = 0; gram < grams.getCount(); ++gram)
      if (!seen.insert(SmallVector<int64_t>(grams.numbers.slice(gram * length, length))).second)
        return node.reject("an n-gram is in the pool twice");
  }
  return success();
}

static LogicalResult readVectorizer(NodeBinder &node, Vectorizer &read) {
  read.pool = node.intsAttr("pool_int64s");
  read.coordinates = node.intsAttr("ngram_indexes");
  read.weights = node.floatsAttr("weights");
  read.mode = node.stringAttr("mode", "");
  read.skips = node.intAttr("max_skip_count", 0);
  int64_t shortest = node.intAttr("min_gram_length", 1), longest = node.intAttr("max_gram_length", 1);
  SmallVector<int64_t> starts = node.intsAttr("ngram_counts");
  if (SmallVector<std::string> strings = node.stringsAttr("pool_strings"); !strings.empty()) {
    if (!read.pool.empty())
      return node.reject("there are two pools");
    read.words = SortedKeys::get(strings);
    for (const std::string &string : strings)
      read.pool.push_back(llvm::lower_bound(read.words->keys, string) - read.words->keys.begin());
  }
  if (node.failed())
    return failure();
  if (read.mode != "TF" && read.mode != "IDF" && read.mode != "TFIDF")
    return node.reject("mode '" + read.mode + "' is not known");
  if (shortest < 1 || longest < shortest || read.skips < 0 || read.pool.empty())
    return node.reject("the lengths of n-grams, the skips or the pool are out of range");
  if (failed(dividePool(node, starts, shortest, longest, read)))
    return failure();
  int64_t slices = 0;
  for (const Grams &grams : read.grams)
    slices += std::min(grams.length, maxSlices) * std::min(grams.length == 1 ? 1 : read.skips + 1, maxSlices);
  if (slices > maxSlices)
    return node.reject("too many lengths of n-grams and skips");
  if (static_cast<int64_t>(read.coordinates.size()) != read.numGrams ||
      (!read.weights.empty() && read.weights.size() != read.coordinates.size()))
    return node.reject("ngram_indexes and weights need one entry for each n-gram");
  return success();
}

/// How often each of the n-grams is in each row of `x` (B, C) at one distance between its numbers: (B, grams).
static Expression countGrams(NodeBinder &node, Expression x, const Grams &grams, int64_t distance) {
  Expression zero = Expression::ints(node, {0}), first, all;
  for (int64_t place = 0; place < grams.length; ++place) {
    Expression end = (x.extent(1) - static_cast<double>((grams.length - 1 - place) * distance)).max(zero);
    Expression part = x.slice(1, Expression::ints(node, {place * distance}), end);
    if (first)
      part = {node, keepShape(node, part, first)};
    else
      first = part;
    Expression isSame = part.unsqueeze({2}).equals(Expression::ints(node, grams.at(place)));
    all = all ? all & isSame : isSame;
  }
  return node.failed() ? Expression()
                       : all.cast(node.getBuilder().getI32Type()).reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/false);
}

/// The counts of all n-grams that count, in the order of the pool, and a 0: (B, grams + 1).
static Expression countAll(NodeBinder &node, Expression x, const Vectorizer &read) {
  SmallVector<Expression> counts;
  Type i32 = node.getBuilder().getI32Type();
  for (const Grams &grams : read.grams) {
    if (grams.numbers.empty())
      continue;
    Expression count = countGrams(node, x, grams, 1);
    for (int64_t skip = 1; skip <= read.skips && grams.length > 1 && !node.failed(); ++skip)
      count = count + countGrams(node, x, grams, skip + 1);
    counts.push_back(count);
  }
  Expression shape = Expression::concat(node, {x.extent(0), Expression::ints(node, {1})}, 0);
  counts.push_back(Expression::scalar(node, i32, 0).broadcast(shape));
  return node.failed() ? Expression() : Expression::concat(node, counts, 1);
}

static LogicalResult importTfIdfVectorizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  if (node.failed())
    return failure();
  Vectorizer read;
  if (failed(readVectorizer(node, read)))
    return failure();
  if (read.words.has_value() != text::isStrings(node.getType(x)))
    return node.reject("the pool must have elements of the input's type");
  if (read.words)
    x = read.words->find(node, x);
  if (node.failed())
    return failure();
  int64_t rank = x.getRank(), counted = 0, size = 0;
  if ((rank != 1 && rank != 2) || !x.getElementType().isSignlessInteger())
    return node.reject("needs one or two dimensions of integers or strings");
  for (const Grams &grams : read.grams)
    counted += grams.getCount();
  for (int64_t coordinate : read.coordinates) {
    if (coordinate < 0 || coordinate >= (int64_t(1) << 31))
      return node.reject("ngram_indexes are out of range");
    size = std::max(size, coordinate + 1);
  }
  if (size > 64 * (read.numGrams + 1024))
    return node.reject("ngram_indexes leave most of the result empty");
  SmallVector<int64_t> source(size, counted);
  std::vector<float> weights(size, 1);
  llvm::BitVector isTaken(size);
  for (auto [gram, coordinate] : llvm::enumerate(read.coordinates)) {
    if (isTaken.test(coordinate))
      return node.reject("two n-grams have the same index");
    isTaken.set(coordinate);
    int64_t place = static_cast<int64_t>(gram) - read.firstCounted;
    if (place >= 0 && place < counted)
      source[coordinate] = place;
    if (!read.weights.empty())
      weights[coordinate] = static_cast<float>(read.weights[gram]);
  }
  Type f32 = node.getBuilder().getF32Type();
  Expression rows = rank == 1 ? x.unsqueeze({0}) : x;
  Expression counts = countAll(node, rows.cast(node.getBuilder().getI64Type()), read);
  if (node.failed())
    return failure();
  Expression result = counts.gather(Expression::ints(node, source), 1), weight(node, node.floats({size}, weights));
  if (read.mode == "IDF")
    result = (result > 0).choose(weight, weight.like(0));
  else
    result = read.mode == "TFIDF" ? result.cast(f32) * weight : result.cast(f32);
  return node.result(rank == 1 ? result.squeeze({0}) : result);
}

static const OpEntry table[] = {
    {"TfIdfVectorizer", 9, importTfIdfVectorizer},
};

ArrayRef<OpEntry> getTfIdfOps() { return table; }

} // namespace nnc::onnx
