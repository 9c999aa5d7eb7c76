// Operators of com.microsoft on tokens: words of characters, and texts that are decoded.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"

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

static const OpEntry table[] = {
    {"BifurcationDetector", 1, importBifurcationDetector, "com.microsoft"},
    {"WordConvEmbedding", 1, importWordEmbedding, "com.microsoft"},
};

ArrayRef<OpEntry> getTokenOps() { return table; }

} // namespace nnc::onnx
