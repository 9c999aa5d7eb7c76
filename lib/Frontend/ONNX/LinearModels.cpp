// Linear models and support vector machines of ai.onnx.ml: matrix products.
#include "lib/Frontend/Import/Expression.h"
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

static const OpEntry table[] = {
    {"LinearClassifier", 1, importLinearClassifier, domain},
    {"LinearRegressor", 1, importLinearRegressor, domain},
    {"SVMRegressor", 1, importSVMRegressor, domain},
};

ArrayRef<OpEntry> getLinearModelOps() { return table; }

} // namespace nnc::onnx
