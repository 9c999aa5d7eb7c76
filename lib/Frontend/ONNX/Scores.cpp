// Rows of features, matrices of numbers, labels (gathered from a constant list) and probabilities.
#include "lib/Frontend/ONNX/Scores.h"

#include "lib/Frontend/ONNX/Strings.h"

#include <limits>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

ClassLabels ClassLabels::read(NodeBinder &node, StringRef numbers, StringRef names) {
  ClassLabels labels;
  labels.node = &node;
  labels.numbers = node.intsAttr(numbers);
  labels.names = node.stringsAttr(names);
  if (labels.numbers.empty() == labels.names.empty())
    (void)node.reject("the classes need numbers or names as labels");
  labels.count = static_cast<int64_t>(labels.numbers.size() + labels.names.size());
  for (int64_t i = 0; i < static_cast<int64_t>(labels.names.size()); ++i)
    labels.numbers.push_back(i);
  return labels;
}

bool ClassLabels::areCounted() const {
  return llvm::all_of(llvm::enumerate(numbers), [](auto it) { return it.value() == static_cast<int64_t>(it.index()); });
}

Expression ClassLabels::argMax(Expression scores) const {
  Expression place(
      *node, node->create<nn::ArgReduceOp>(scores, /*axis=*/1, /*keepdims=*/false, /*min=*/false, /*last=*/false));
  if (!names.empty())
    return chooseStrings(*node, place, names);
  if (node->failed() || areCounted())
    return place;
  return Expression::ints(*node, numbers).gather(place, 0);
}

Expression ClassLabels::choose(Expression isSecond) const {
  if (!names.empty())
    return chooseStrings(*node, isSecond.cast(node->getBuilder().getI64Type()), names);
  auto label = [&](int64_t i) { return Expression::ints(*node, {numbers[i]}); };
  return isSecond.choose(label(1), label(0));
}

Expression getMatrix(NodeBinder &node, StringRef name, int64_t rows) {
  SmallVector<double> numbers = node.floatsAttr(name);
  auto count = static_cast<int64_t>(numbers.size());
  if (rows < 1 || count == 0 || count % rows) {
    (void)node.reject("attribute '" + name + "' has " + Twine(count) + " numbers, which do not fill " + Twine(rows) +
                      " rows");
    return {};
  }
  return {node, node.floats({rows, count / rows}, std::vector<float>(numbers.begin(), numbers.end()))};
}

Expression getRows(NodeBinder &node) {
  Expression x(node, node.operand(0));
  if (node.failed())
    return x;
  if (x.getRank() < 1 || x.getRank() > 2) {
    (void)node.reject("the input must be one row of features or several");
    return x;
  }
  x = x.cast(node.getBuilder().getF32Type());
  return x.getRank() == 1 ? x.unsqueeze({0}) : x;
}

/// Softmax over the scores that are not zero; those stay zero.
static Expression softmaxOfOthers(Expression scores) {
  Expression isZero = scores.unary<nn::AbsOp>() <= 1e-7;
  double lowest = -std::numeric_limits<float>::infinity();
  return isZero.choose(scores * 0, isZero.choose(scores.like(lowest), scores).softmax(1));
}

/// The inverse of the normal distribution's function, by Winitzki's approximation of that of erf, as ONNX Runtime has it.
static Expression probit(Expression scores) {
  constexpr double a = 0.147, pi = 3.14159265358979323846;
  Expression x = scores * 2 - 1, logarithm = ((x * -1 + 1) * (x + 1)).unary<nn::LogOp>();
  Expression half = logarithm * 0.5 + 2 / (pi * a);
  Expression size = ((half * half - logarithm / a).unary<nn::SqrtOp>() - half).unary<nn::SqrtOp>() * 1.41421356;
  return (x < 0).choose(size * -1, size);
}

Expression transformScores(NodeBinder &node, Expression scores, StringRef transform) {
  if (node.failed() || transform == "NONE")
    return scores;
  if (transform == "LOGISTIC")
    return scores.unary<nn::SigmoidOp>();
  if (transform == "SOFTMAX")
    return scores.softmax(1);
  if (transform == "SOFTMAX_ZERO")
    return softmaxOfOthers(scores);
  if (transform == "PROBIT")
    return probit(scores);
  (void)node.reject("post_transform " + transform + " is not supported");
  return scores;
}

LogicalResult finishOneClass(NodeBinder &node, Expression isOne, Expression score) {
  if (node.failed() || failed(node.result(isOne.squeeze({1}).cast(node.getBuilder().getI64Type()))))
    return failure();
  return node.result(score.cast(node.getBuilder().getF32Type()));
}

LogicalResult finishTwoClasses(NodeBinder &node, const ClassLabels &labels, Expression isSecond, Expression first,
                               Expression second) {
  if (node.failed())
    return failure();
  Expression label = labels.choose(isSecond.squeeze({1})), both = Expression::concat(node, {first, second}, 1);
  if (node.failed() || failed(node.result(label)))
    return failure();
  return node.result(both.cast(node.getBuilder().getF32Type()));
}

} // namespace nnc::onnx
