// Linear models and support vector machines of ai.onnx.ml: matrix products.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Repetition.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Scores.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "ai.onnx.ml";

/// The attribute's numbers as a matrix of f32 with `rows` rows; rejects the node where they do not fill it.
static Expression getMatrix(NodeBinder &node, StringRef name, int64_t rows) {
  SmallVector<double> numbers = node.floatsAttr(name);
  auto count = static_cast<int64_t>(numbers.size());
  if (rows < 1 || count == 0 || count % rows) {
    (void)node.reject("attribute '" + name + "' has " + Twine(count) + " numbers, which do not fill " + Twine(rows) + " rows");
    return {};
  }
  return {node, node.floats({rows, count / rows}, std::vector<float>(numbers.begin(), numbers.end()))};
}

/// The input as rows of f32.
static Expression getRows(NodeBinder &node) {
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

/// x times the transposed matrix of coefficients, plus `intercepts` where there are any.
static Expression getLinearScores(NodeBinder &node, int64_t targets) {
  Expression x = getRows(node), weights = getMatrix(node, "coefficients", targets);
  SmallVector<double> intercepts = node.floatsAttr("intercepts");
  if (!intercepts.empty() && static_cast<int64_t>(intercepts.size()) != targets)
    (void)node.reject("the intercepts are not as many as the targets");
  if (node.failed())
    return {};
  Expression scores = x.matmul(weights, /*transposeY=*/true);
  if (intercepts.empty())
    return scores;
  return scores + Expression(node, node.floats({1, targets}, std::vector<float>(intercepts.begin(), intercepts.end())));
}

static LogicalResult importLinearRegressor(NodeBinder &node) {
  int64_t targets = node.intAttr("targets", 1);
  std::string transform = node.stringAttr("post_transform", "NONE");
  Expression result = transformScores(node, getLinearScores(node, targets), transform);
  return node.failed() ? failure() : node.result(result);
}

static LogicalResult importLinearClassifier(NodeBinder &node) {
  ClassLabels labels = ClassLabels::read(node, "classlabels_ints", "classlabels_strings");
  std::string transform = node.stringAttr("post_transform", "NONE");
  node.ignoreAttrs({"multi_class"}); // how it was trained
  bool isOne = node.floatsAttr("intercepts").size() == 1 && labels.size() == 2;
  Expression scores = getLinearScores(node, isOne ? 1 : labels.size());
  if (node.failed())
    return failure();
  if (isOne && transform == "LOGISTIC")
    return finishTwoClasses(node, labels, scores > 0.0, (scores * -1).unary<nn::SigmoidOp>(), scores.unary<nn::SigmoidOp>());
  if (isOne && transform == "NONE")
    return finishTwoClasses(node, labels, scores > 0.0, scores.like(1) - scores, scores);
  if (isOne)
    return node.reject("post_transform " + transform + " of the one score of two classes is not supported");
  Expression label = labels.argMax(scores), result = transformScores(node, scores, transform);
  if (node.failed() || failed(node.result(label)))
    return failure();
  return node.result(result);
}

//===--- Support vector machines ---===//

/// K(x, v) of each row of x and each support vector: (rows, vectors).
static Expression applyKernel(NodeBinder &node, Expression x, Expression vectors, StringRef kernel) {
  SmallVector<double> parameters = node.floatsAttr("kernel_params");
  parameters.resize(std::max<size_t>(parameters.size(), 3), 0.0); // gamma, coef0, degree
  Expression product = x.matmul(vectors, /*transposeY=*/true);
  if (kernel == "LINEAR" || node.failed())
    return product;
  if (kernel == "POLY" || kernel == "SIGMOID") {
    Expression inner = product * parameters[0] + parameters[1];
    return kernel == "SIGMOID" ? inner.unary<nn::TanhOp>() : inner.binary<nn::PowOp>(inner.like(parameters[2]));
  }
  if (kernel == "RBF") {
    // |x - v|^2, term by term: x x - 2 x v + v v would cancel.
    Expression difference = x.unsqueeze({1}) - vectors.unsqueeze({0});
    return (difference.reduce(nn::ReductionKind::SumSquare, {2}, /*keepdims=*/false) * -parameters[0]).unary<nn::ExpOp>();
  }
  (void)node.reject("kernel_type " + kernel + " is not known");
  return product;
}

static LogicalResult importSVMRegressor(NodeBinder &node) {
  std::string kernel = node.stringAttr("kernel_type", "LINEAR"), transform = node.stringAttr("post_transform", "NONE");
  int64_t supports = node.intAttr("n_supports", 0);
  bool isOneClass = node.intAttr("one_class", 0);
  SmallVector<double> rho = node.floatsAttr("rho");
  Expression x = getRows(node), coefficients = getMatrix(node, "coefficients", 1);
  if (rho.size() != 1)
    return node.reject("rho must be one number");
  if (node.failed())
    return failure();
  Expression features = supports > 0 ? applyKernel(node, x, getMatrix(node, "support_vectors", supports), kernel) : x;
  node.ignoreAttrs({"support_vectors", "kernel_params"}); // of a linear machine without support vectors
  if (node.failed())
    return failure();
  Expression scores = features.matmul(coefficients, /*transposeY=*/true) + rho.front();
  if (isOneClass)
    return node.result((scores > 0.0).choose(scores.like(1), scores.like(-1)));
  Expression result = transformScores(node, scores, transform);
  return node.failed() ? failure() : node.result(result);
}

//===--- Support vector machines that classify ---===//

namespace {

/// A machine of one decision for each pair of classes, i before j: (0, 1), (0, 2), ... (1, 2), ...
struct PairwiseMachine {
  NodeBinder &node;
  int64_t classes, vectors = 0;
  SmallVector<int64_t> starts; ///< of the support vectors of each class, and the end
  SmallVector<std::pair<int64_t, int64_t>> pairs;

  /// Reads `vectors_per_class`; rejects the node where it does not fit the classes.
  PairwiseMachine(NodeBinder &node, int64_t classes);
  Expression decide(Expression x, StringRef kernel);
  Expression countVotes(Expression decisions);
  Expression couple(Expression decisions, ArrayRef<double> slopes, ArrayRef<double> offsets);

private:
  Expression getMatrixOfPairs(function_ref<float(int64_t, int64_t)> at, int64_t rows);
};

} // namespace

PairwiseMachine::PairwiseMachine(NodeBinder &node, int64_t classes) : node(node), classes(classes) {
  constexpr int64_t mostClasses = 1 << 10, mostVectors = 1 << 24;
  SmallVector<int64_t> counts = node.intsAttr("vectors_per_class");
  bool fits = static_cast<int64_t>(counts.size()) == classes && classes <= mostClasses;
  starts.push_back(0);
  for (int64_t count : counts) {
    fits &= count >= 0 && count <= mostVectors && vectors <= mostVectors;
    vectors += fits ? count : 0;
    starts.push_back(vectors);
  }
  if (!fits)
    (void)node.reject("vectors_per_class does not fit the classes");
  for (int64_t i = 0; fits && i < classes; ++i)
    for (int64_t j = i + 1; j < classes; ++j)
      pairs.push_back({i, j});
}

/// A constant of `rows` rows and a column for each pair.
Expression PairwiseMachine::getMatrixOfPairs(function_ref<float(int64_t, int64_t)> at, int64_t rows) {
  auto columns = static_cast<int64_t>(pairs.size());
  std::vector<float> numbers;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      numbers.push_back(at(row, column));
  return {node, node.floats({rows, columns}, numbers)};
}

/// (rows, pairs): positive where the first class of the pair wins.
Expression PairwiseMachine::decide(Expression x, StringRef kernel) {
  SmallVector<double> coefficients = node.floatsAttr("coefficients"), rho = node.floatsAttr("rho");
  Expression support = getMatrix(node, "support_vectors", vectors);
  if (!node.failed() &&
      (coefficients.size() < static_cast<size_t>((classes - 1) * vectors) || rho.size() < pairs.size()))
    (void)node.reject("it has fewer coefficients or rho than its classes need");
  if (node.failed())
    return {};
  // Row j - 1 has the coefficients of the vectors of class i < j, row i those of class j > i.
  Expression weights = getMatrixOfPairs(
      [&](int64_t vector, int64_t pair) -> float {
        auto [i, j] = pairs[pair];
        if (vector >= starts[i] && vector < starts[i + 1])
          return coefficients[(j - 1) * vectors + vector];
        return vector >= starts[j] && vector < starts[j + 1] ? coefficients[i * vectors + vector] : 0;
      },
      vectors);
  rho.resize(pairs.size());
  Expression offsets(node,
                     node.floats({1, static_cast<int64_t>(rho.size())}, std::vector<float>(rho.begin(), rho.end())));
  return applyKernel(node, x, support, kernel).matmul(weights) + offsets;
}

/// (rows, classes): how many decisions each class wins.
Expression PairwiseMachine::countVotes(Expression decisions) {
  Expression won = (decisions > 0.0).cast(decisions.getElementType());
  Expression firsts = getMatrixOfPairs([&](int64_t i, int64_t pair) { return pairs[pair].first == i; }, classes);
  Expression seconds = getMatrixOfPairs([&](int64_t j, int64_t pair) { return pairs[pair].second == j; }, classes);
  return won.matmul(firsts, /*transposeY=*/true) + (won * -1 + 1).matmul(seconds, /*transposeY=*/true);
}

/// (rows, classes): probabilities that fit those of the pairs, by the second method of Wu, Lin and Weng, "Probability
/// estimates for multi-class classification by pairwise coupling" (2004), as libsvm iterates it.
Expression PairwiseMachine::couple(Expression decisions, ArrayRef<double> slopes, ArrayRef<double> offsets) {
  auto numPairs = static_cast<int64_t>(pairs.size());
  if (static_cast<int64_t>(slopes.size()) < numPairs || static_cast<int64_t>(offsets.size()) < numPairs)
    (void)node.reject("it has fewer prob_a or prob_b than pairs of classes");
  if (node.failed())
    return {};
  auto getRow = [&](ArrayRef<double> numbers) {
    return Expression(node,
                      node.floats({1, numPairs}, std::vector<float>(numbers.begin(), numbers.begin() + numPairs)));
  };
  Expression first = (decisions * getRow(slopes) + getRow(offsets)).unary<nn::SigmoidOp>() * -1 + 1;
  first = first.max(first.like(1e-7)).min(first.like(1 - 1e-7));
  // r(i, j) is how likely i is, of the two; 0 on the diagonal.
  std::vector<int64_t> places(classes * classes, 2 * numPairs);
  for (auto [number, pair] : llvm::enumerate(pairs)) {
    places[pair.first * classes + pair.second] = number;
    places[pair.second * classes + pair.first] = numPairs + number;
  }
  Expression both = Expression::concat(node, {first, first * -1 + 1, first.slice(1, 0, 1) * 0}, 1);
  Expression r = both.gather(Expression::ints(node, places), 1).reshape({0, classes, classes});
  Expression diagonal = (r * r).reduce(nn::ReductionKind::Sum, {1}, /*keepdims=*/false);
  std::vector<float> ones(classes * classes, 0);
  for (int64_t i = 0; i < classes; ++i)
    ones[i * classes + i] = 1;
  Expression unit(node, node.floats({1, classes, classes}, ones));
  Expression q = unit * diagonal.unsqueeze({1}) - r * r.transpose({0, 2, 1});
  auto sum = [](Expression x, int64_t axis, bool keepdims) {
    return x.reduce(nn::ReductionKind::Sum, {axis}, keepdims);
  };
  Expression number = Expression::ints(node, {std::max<int64_t>(100, classes)});
  Expression uniform = diagonal * 0 + 1.0 / static_cast<double>(classes);
  SmallVector<Expression> result =
      frontend::repeat(node, number, {uniform}, [&](Expression, ArrayRef<Expression> carried) {
        Expression before = carried[0], qp = sum(q * before.unsqueeze({1}), 2, false), pqp = sum(before * qp, 1, true);
        Expression error = (qp - pqp).unary<nn::AbsOp>().reduce(nn::ReductionKind::Max, {1}, /*keepdims=*/true);
        auto update = [&](Expression place, ArrayRef<Expression> values) {
          Expression at = place.reshape({1}), p = values[0], qp = values[1], pqp = values[2];
          Expression own = diagonal.gather(at, 1), difference = (pqp - qp.gather(at, 1)) / own, scale = difference + 1;
          Expression isOwn = Expression::range(Expression::ints(node, {classes})).equals(at).unsqueeze({0});
          Expression nextP = isOwn.choose(p + difference, p) / scale;
          Expression nextPqp = (pqp + difference * (difference * own + qp.gather(at, 1) * 2)) / scale / scale;
          Expression nextQp = (qp + difference * q.gather(at, 1).squeeze({1})) / scale;
          return frontend::Iteration{{nextP, nextQp, nextPqp}, {}};
        };
        SmallVector<Expression> after =
            frontend::repeat(node, Expression::ints(node, {classes}), {before, qp, pqp}, update);
        if (after.empty())
          return frontend::Iteration{{before}, {}};
        return frontend::Iteration{{(error < 0.005 / static_cast<double>(classes)).choose(before, after[0])}, {}};
      });
  return result.empty() ? Expression() : result.front();
}

/// One score for each class. Of two, the second is taken where the larger score is positive.
static LogicalResult finishLinearMachine(NodeBinder &node, const ClassLabels &labels, StringRef transform) {
  SmallVector<double> rho = node.floatsAttr("rho"), coefficients = node.floatsAttr("coefficients");
  bool hasProbabilities = !node.floatsAttr("prob_a").empty();
  node.ignoreAttrs({"kernel_type", "kernel_params", "support_vectors", "prob_b"});
  Expression x = getRows(node), weights = getMatrix(node, "coefficients", labels.size());
  if (rho.empty())
    return node.reject("it has no rho");
  if (node.failed())
    return failure();
  Expression scores = x.matmul(weights, /*transposeY=*/true) + rho.front();
  Expression label = labels.argMax(scores);
  if (labels.size() == 2 && !hasProbabilities) {
    bool areAllPositive = llvm::none_of(coefficients, [](double value) { return value < 0; });
    Expression largest = scores.reduce(nn::ReductionKind::Max, {1}, /*keepdims=*/false);
    Expression isSecond = areAllPositive ? largest >= 0.5 : largest > 0.0;
    Expression isSecondLarger = (scores.slice(1, 1, 2) > scores.slice(1, 0, 1)).squeeze({1});
    label = labels.choose(isSecond | isSecondLarger);
  }
  Expression result = transformScores(node, scores, transform);
  if (node.failed() || failed(node.result(label)))
    return failure();
  return node.result(result);
}

/// The scores of two classes without probabilities, of the one decision between them: as ONNX Runtime transforms them.
static Expression scoreTwoClasses(NodeBinder &node, Expression decision, StringRef transform) {
  bool isLogistic = transform == "LOGISTIC";
  if (transform != "NONE" && !isLogistic && transform != "SOFTMAX" && transform != "SOFTMAX_ZERO") {
    (void)node.reject("post_transform " + transform + " is not supported");
    return {};
  }
  Expression other = transform == "NONE" || isLogistic ? decision * -1 : decision * -1 + 1;
  Expression both = Expression::concat(node, {other, decision}, 1);
  return isLogistic ? both.unary<nn::SigmoidOp>() : both;
}

static LogicalResult importSVMClassifier(NodeBinder &node) {
  ClassLabels labels = ClassLabels::read(node, "classlabels_ints", "classlabels_strings");
  std::string kernel = node.stringAttr("kernel_type", "LINEAR"), transform = node.stringAttr("post_transform", "NONE");
  if (node.failed())
    return failure();
  if (node.intsAttr("vectors_per_class").empty())
    return finishLinearMachine(node, labels, transform);
  if (labels.size() < 2)
    return node.reject("it has one class only");
  PairwiseMachine machine(node, labels.size());
  SmallVector<double> slopes = node.floatsAttr("prob_a"), offsets = node.floatsAttr("prob_b");
  Expression x = getRows(node);
  node.ignoreAttrs({"kernel_params"}); // of a linear one
  Expression decisions = node.failed() ? Expression() : machine.decide(x, kernel);
  if (node.failed())
    return failure();
  Expression label = labels.argMax(machine.countVotes(decisions)), scores = decisions;
  if (!slopes.empty())
    scores = machine.couple(decisions, slopes, offsets);
  else if (labels.size() == 2)
    scores = scoreTwoClasses(node, decisions, transform);
  if (!slopes.empty() || labels.size() > 2)
    scores = transformScores(node, scores, transform);
  if (node.failed() || failed(node.result(label)))
    return failure();
  return node.result(scores);
}

static const OpEntry table[] = {
    {"LinearClassifier", 1, importLinearClassifier, domain},
    {"LinearRegressor", 1, importLinearRegressor, domain},
    {"SVMClassifier", 1, importSVMClassifier, domain},
    {"SVMRegressor", 1, importSVMRegressor, domain},
};

ArrayRef<OpEntry> getLinearModelOps() { return table; }

} // namespace nnc::onnx
