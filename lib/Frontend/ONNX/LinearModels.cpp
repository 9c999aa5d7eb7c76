// Linear models and support vector machines of ai.onnx.ml: matrix products, and for probabilities of several classes an
// iteration.
#include "lib/Frontend/Import/Repetition.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Scores.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "ai.onnx.ml";

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
  std::string transform = node.stringAttr("post_transform", "NONE");
  node.ignoreAttrs({"multi_class"}); // how it was trained
  bool hasLabels = node.hasAttr("classlabels_ints") || node.hasAttr("classlabels_strings");
  if (!hasLabels && transform == "NONE" && node.floatsAttr("intercepts").size() == 1) {
    Expression score = getLinearScores(node, 1);
    return node.failed() ? failure() : finishOneClass(node, score > 0.0, score);
  }
  ClassLabels labels = ClassLabels::read(node, "classlabels_ints", "classlabels_strings");
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
    return (difference.reduce(nn::ReductionKind::SumSquare, {2}, /*keepdims=*/false) * -parameters[0])
        .unary<nn::ExpOp>();
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

namespace {

/// The machines that tell each two classes apart, in the order 0 and 1, 0 and 2, ..., 1 and 2, ...
struct Machines {
  int64_t classes = 0, vectors = 0;
  SmallVector<int64_t> starts; ///< of each class its first support vector, and at the end their number
  SmallVector<std::pair<int64_t, int64_t>> pairs;

  int64_t size() const { return static_cast<int64_t>(pairs.size()); }
};

} // namespace

/// Fails with the node rejected where the attributes do not fit each other. The matrix of coefficients that is made of
/// them has a column for each pair.
static LogicalResult readMachines(NodeBinder &node, ArrayRef<int64_t> counts, int64_t numRho, Machines &machines) {
  constexpr int64_t limit = int64_t(1) << 25;
  machines.classes = static_cast<int64_t>(counts.size());
  for (int64_t count : counts) {
    machines.starts.push_back(machines.vectors);
    if (count < 0 || count > limit || (machines.vectors += count) > limit)
      return node.reject("'vectors_per_class' does not count support vectors");
  }
  machines.starts.push_back(machines.vectors);
  if (machines.classes < 2 || machines.classes > 65535 || machines.classes * (machines.classes - 1) / 2 != numRho)
    return node.reject("rho must have one number for each two classes, of which there are two at least");
  if (machines.vectors > limit / numRho)
    return node.reject("so many classes and support vectors are not supported");
  for (int64_t first = 0; first < machines.classes; ++first)
    for (int64_t second = first + 1; second < machines.classes; ++second)
      machines.pairs.emplace_back(first, second);
  return success();
}

/// Above 0 for the first class of each pair: (rows, pairs).
static Expression decide(NodeBinder &node, const Machines &machines, Expression features, ArrayRef<double> rho) {
  SmallVector<double> numbers = node.floatsAttr("coefficients");
  int64_t vectors = machines.vectors, pairs = machines.size();
  if (static_cast<int64_t>(numbers.size()) < (machines.classes - 1) * vectors) { // more do not count
    (void)node.reject("the coefficients are fewer than support vectors times classes but one");
    return {};
  }
  std::vector<float> matrix(vectors * pairs, 0.0f);
  for (auto [pair, both] : llvm::enumerate(machines.pairs)) {
    auto copy = [&, pair = pair](int64_t ofClass, int64_t row) {
      for (int64_t at = machines.starts[ofClass]; at < machines.starts[ofClass + 1]; ++at)
        matrix[at * pairs + static_cast<int64_t>(pair)] = static_cast<float>(numbers[row * vectors + at]);
    };
    copy(both.first, both.second - 1);
    copy(both.second, both.first);
  }
  Expression offsets(node, node.floats({1, pairs}, std::vector<float>(rho.begin(), rho.end())));
  return features.matmul({node, node.floats({vectors, pairs}, std::move(matrix))}) + offsets;
}

/// (rows, classes, classes): above the diagonal the numbers `first` of each pair, row i its first class, below it `second`;
/// 0 on it.
static Expression spreadPairs(NodeBinder &node, const Machines &machines, Expression first, Expression second) {
  int64_t classes = machines.classes, pairs = machines.size();
  Expression all = Expression::concat(node, {first, second, first.slice(1, 0, 1) * 0}, 1);
  SmallVector<int64_t> places(classes * classes, 2 * pairs);
  for (auto [pair, both] : llvm::enumerate(machines.pairs)) {
    places[both.first * classes + both.second] = static_cast<int64_t>(pair);
    places[both.second * classes + both.first] = pairs + static_cast<int64_t>(pair);
  }
  return all.gather(Expression::ints(node, places), 1).reshape({0, classes, classes});
}

/// How many machines are for each class: (rows, classes) of f32.
static Expression countVotes(NodeBinder &node, const Machines &machines, Expression decisions) {
  Expression isFirst = (decisions > 0.0).cast(node.getBuilder().getF32Type());
  return spreadPairs(node, machines, isFirst, isFirst * -1 + 1.0).reduce(nn::ReductionKind::Sum, {2}, /*keepdims=*/false);
}

/// The probability of the first class of each pair, and of the second one, as spreadPairs has them.
static Expression pairwiseProbabilities(NodeBinder &node, const Machines &machines, Expression decisions) {
  SmallVector<double> a = node.floatsAttr("prob_a"), b = node.floatsAttr("prob_b");
  int64_t pairs = machines.size();
  if (static_cast<int64_t>(a.size()) != pairs || static_cast<int64_t>(b.size()) != pairs) {
    (void)node.reject("prob_a and prob_b must have one number for each two classes");
    return {};
  }
  auto row = [&](ArrayRef<double> numbers) {
    return Expression(node, node.floats({1, pairs}, std::vector<float>(numbers.begin(), numbers.end())));
  };
  Expression first = (decisions * row(a) + row(b)).unary<nn::NegOp>().unary<nn::SigmoidOp>();
  first = first.max(first.like(1e-7f)).min(first.like(1 - 1e-7f));
  return spreadPairs(node, machines, first, first * -1 + 1.0);
}

/// The probabilities of the classes, (rows, classes), that fit those of pairs best: the second method of Wu, Lin and
/// Weng, "Probability Estimates for Multi-class Classification by Pairwise Coupling" (2004), with the steps of Chang
/// and Lin's LIBSVM (2011), section 8. A row that is close enough, or of NaN, stays as it is.
static Expression couple(NodeBinder &node, int64_t classes, Expression pairwise) {
  const nn::ReductionKind sum = nn::ReductionKind::Sum;
  Expression unit = Expression::range(Expression::ints(node, {classes}));
  unit = unit.unsqueeze({1}).equals(unit.unsqueeze({0}));
  Expression diagonal = (pairwise * pairwise).reduce(sum, {1}, /*keepdims=*/true);
  Expression matrix = unit.choose(diagonal, pairwise.transpose({0, 2, 1}) * pairwise * -1);
  Expression flatDiagonal = diagonal.squeeze({1});
  Expression start = flatDiagonal.like(1.0 / static_cast<double>(classes)).broadcast(flatDiagonal.shape());
  Expression one = start.slice(1, 0, 1);
  auto improve = [&](Expression number, ArrayRef<Expression> carried) -> frontend::Iteration {
    Expression p = carried[0], product = carried[1], square = carried[2];
    Expression own = flatDiagonal.gather(number, 1).unsqueeze({1}), at = product.gather(number, 1).unsqueeze({1});
    Expression step = (square - at) / own, scale = step + 1.0;
    Expression row = matrix.gather(number, 1);
    Expression isOwn = Expression::range(Expression::ints(node, {classes})).equals(number).unsqueeze({0});
    Expression next = isOwn.choose(p + step, p) / scale, nextProduct = (product + step * row) / scale;
    Expression nextSquare = (square + step * (step * own + at * 2)) / (scale * scale);
    return {{Expression(node, keepShape(node, next, p)), Expression(node, keepShape(node, nextProduct, p)),
             Expression(node, keepShape(node, nextSquare, square))},
            {}};
  };
  auto iterate = [&](Expression, ArrayRef<Expression> carried) -> frontend::Iteration {
    Expression p = carried[0];
    Expression product = matrix.matmul(p.unsqueeze({2})).squeeze({2});
    Expression square = (p * product).reduce(sum, {1}, /*keepdims=*/true);
    Expression isFar = (product - square).unary<nn::AbsOp>() >= 0.005 / static_cast<double>(classes);
    Expression isClose = isFar.cast(node.getBuilder().getI64Type()).reduce(nn::ReductionKind::Max, {1}, true) < 1.0;
    SmallVector<Expression> better = frontend::repeat(
        node, Expression::ints(node, {classes}),
        {p, Expression(node, keepShape(node, product, p)), Expression(node, keepShape(node, square, one))}, improve);
    if (node.failed())
      return {};
    Expression goesOn =
        (~isClose).cast(node.getBuilder().getI64Type()).reduce(nn::ReductionKind::Max, {0, 1}, /*keepdims=*/false) >
        0.0;
    return {{Expression(node, keepShape(node, isClose.choose(p, better.front()), p))}, {}, goesOn};
  };
  SmallVector<Expression> results =
      frontend::repeat(node, Expression::ints(node, {std::max<int64_t>(100, classes)}), {start}, iterate);
  return node.failed() ? Expression() : results.front();
}

/// The scores of a classifier without support vectors, a row of coefficients for each class.
static LogicalResult finishLinear(NodeBinder &node, const ClassLabels &labels, StringRef transform, double rho) {
  SmallVector<double> coefficients = node.floatsAttr("coefficients");
  node.ignoreAttrs({"support_vectors", "kernel_params", "kernel_type", "vectors_per_class"});
  bool hasProbabilities = !node.floatsAttr("prob_a").empty();
  node.ignoreAttrs({"prob_b"});
  Expression scores = getRows(node).matmul(getMatrix(node, "coefficients", labels.size()), /*transposeY=*/true) + rho;
  if (node.failed())
    return failure();
  Expression label = labels.argMax(scores);
  if (labels.size() == 2 && !hasProbabilities) {
    // Two classes: the second one where the larger score is above a threshold.
    bool arePositive = llvm::all_of(coefficients, [](double number) { return number >= 0; });
    Expression largest = scores.reduce(nn::ReductionKind::Max, {1}, /*keepdims=*/false);
    Expression isSecond = arePositive ? largest >= 0.5 : largest > 0.0;
    Expression place(
        node, node.create<nn::ArgReduceOp>(scores, /*axis=*/1, /*keepdims=*/false, /*min=*/false, /*last=*/false));
    label = labels.choose(isSecond | place.equals(1));
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
  std::string kernel = node.stringAttr("kernel_type", "LINEAR"), transform = node.stringAttr("post_transform", "NONE");
  ClassLabels labels = ClassLabels::read(node, "classlabels_ints", "classlabels_strings");
  SmallVector<int64_t> counts = node.intsAttr("vectors_per_class");
  SmallVector<double> rho = node.floatsAttr("rho");
  if (node.failed())
    return failure();
  if (rho.empty())
    return node.reject("rho must not be empty");
  if (llvm::all_of(counts, [](int64_t count) { return count == 0; }))
    return finishLinear(node, labels, transform, rho.front());
  Machines machines;
  if (static_cast<int64_t>(counts.size()) != labels.size())
    return node.reject("'vectors_per_class' must have one number for each class");
  if (failed(readMachines(node, counts, static_cast<int64_t>(rho.size()), machines)))
    return failure();
  Expression x = getRows(node);
  Expression features = applyKernel(node, x, getMatrix(node, "support_vectors", machines.vectors), kernel);
  node.ignoreAttrs({"kernel_params"}); // of a linear kernel
  if (node.failed())
    return failure();
  Expression decisions = decide(node, machines, features, rho);
  if (node.failed())
    return failure();
  bool hasProbabilities = !node.floatsAttr("prob_a").empty();
  Expression label = labels.argMax(countVotes(node, machines, decisions)), scores = decisions;
  if (hasProbabilities) {
    Expression pairwise = pairwiseProbabilities(node, machines, decisions);
    if (node.failed())
      return failure();
    scores = couple(node, machines.classes, pairwise);
  } else if (!node.floatsAttr("prob_b").empty()) {
    return node.reject("prob_b is there without prob_a");
  } else if (machines.classes == 2) {
    scores = scoreTwoClasses(node, decisions, transform);
    transform = "NONE";
  }
  Expression result = transformScores(node, scores, transform);
  if (node.failed() || failed(node.result(label)))
    return failure();
  return node.result(result);
}

static const OpEntry table[] = {
    {"LinearClassifier", 1, importLinearClassifier, domain},
    {"LinearRegressor", 1, importLinearRegressor, domain},
    {"SVMClassifier", 1, importSVMClassifier, domain},
    {"SVMRegressor", 1, importSVMRegressor, domain},
};

ArrayRef<OpEntry> getLinearModelOps() { return table; }

} // namespace nnc::onnx
