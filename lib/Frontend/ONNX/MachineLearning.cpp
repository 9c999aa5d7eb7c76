// Operators of the domain ai.onnx.ml on numbers.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"

#include <cmath>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "ai.onnx.ml";

/// A row of the attribute's numbers, as f32.
static Expression getRow(NodeBinder &node, StringRef name) {
  SmallVector<double> numbers = node.floatsAttr(name);
  std::vector<float> values(numbers.begin(), numbers.end());
  auto count = static_cast<int64_t>(values.size());
  return {node, node.floats({count}, values)};
}

//===--- Features ---===//

/// (x - offset) * scale.
static LogicalResult importScaler(NodeBinder &node) {
  Expression x(node, node.operand(0)), offset = getRow(node, "offset"), scale = getRow(node, "scale");
  if (node.failed())
    return failure();
  return node.result((x.cast(node.getBuilder().getF32Type()) - offset) * scale);
}

static LogicalResult importBinarizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double threshold = node.floatAttr("threshold", 0);
  if (node.failed())
    return failure();
  Type type = x.getElementType();
  Expression number = isa<FloatType>(type) ? x : x.cast(node.getBuilder().getF64Type());
  return node.result((number > number.like(threshold)).cast(type));
}

/// The columns that the indices choose.
static LogicalResult importArrayFeatureExtractor(NodeBinder &node) {
  Expression x(node, node.operand(0)), indices(node, node.operand(1));
  if (node.failed())
    return failure();
  if (x.getRank() < 1)
    return node.reject("there is no axis to choose from");
  if (x.getRank() == 1)
    x = x.unsqueeze({0});
  return node.result(x.gather(indices.reshape({-1}), x.getRank() - 1));
}

/// Each row divided by its largest magnitude, or its norm; a row of zeros stays.
static LogicalResult importNormalizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  std::string norm = node.stringAttr("norm", "MAX");
  if (node.failed())
    return failure();
  x = x.cast(node.getBuilder().getF32Type());
  int64_t axis = x.getRank() - 1;
  if (x.getRank() < 1 || x.getRank() > 2)
    return node.reject("the features must be one or two axes");
  Expression divisor;
  if (norm == "L1")
    divisor = x.reduce(nn::ReductionKind::SumAbs, {axis}, /*keepdims=*/true);
  else if (norm == "L2")
    divisor = x.reduce(nn::ReductionKind::SumSquare, {axis}, /*keepdims=*/true).unary<nn::SqrtOp>();
  else
    return node.reject("norm '" + norm + "' is not supported");
  return node.result(divisor.equals(0.0).choose(x, x / divisor));
}

/// `replaced_value` becomes the imputed value of the column.
static LogicalResult importImputer(NodeBinder &node) {
  Expression x(node, node.operand(0)), imputed = getRow(node, "imputed_value_floats");
  double replaced = node.floatAttr("replaced_value_float", 0);
  if (node.failed())
    return failure();
  if (!x.getElementType().isF32() || imputed.getExtent(0) == 0)
    return node.reject("only floats are imputed");
  Expression isMissing = std::isnan(replaced) ? x.unary<nn::IsNaNOp>() : x.equals(replaced);
  return node.result(isMissing.choose(imputed, x));
}

//===--- Linear models ---===//

static LogicalResult importLinearRegressor(NodeBinder &node) {
  Expression x(node, node.operand(0)), weights = getRow(node, "coefficients"), shift = getRow(node, "intercepts");
  int64_t targets = node.intAttr("targets", 1);
  if (node.stringAttr("post_transform", "NONE") != "NONE")
    return node.reject("a transformation of the result is not supported");
  if (node.failed())
    return failure();
  if (targets < 1 || weights.getExtent(0) % targets || x.getRank() > 2)
    return node.reject("the coefficients do not fit");
  x = x.cast(node.getBuilder().getF32Type()).reshape({-1, weights.getExtent(0) / targets});
  Expression result = x.matmul(weights.reshape({targets, -1}), /*transposeY=*/true);
  return node.result(shift.getExtent(0) ? result + shift : result);
}

static const OpEntry table[] = {
    {"ArrayFeatureExtractor", 1, importArrayFeatureExtractor, domain},
    {"Binarizer", 1, importBinarizer, domain},
    {"Imputer", 1, importImputer, domain},
    {"LinearRegressor", 1, importLinearRegressor, domain},
    {"Normalizer", 1, importNormalizer, domain},
    {"Scaler", 1, importScaler, domain},
};

ArrayRef<OpEntry> getMachineLearningOps() { return table; }

} // namespace nnc::onnx
