// ONNX operators of the loss family, which exported models keep for evaluation.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

/// The negated entry of `logs` (N, C, ...) that each label (N, ...) chooses, weighted, and reduced as the node says.
static Expression reduceLoss(NodeBinder &node, Expression logs, Expression labels, Expression weights) {
  std::string reduction = node.stringAttr("reduction", "mean");
  bool ignores = node.hasAttr("ignore_index");
  int64_t ignored = node.intAttr("ignore_index", 0);
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    (void)node.reject("reduction '" + reduction + "' is not known");
  if (node.failed())
    return {};
  if (logs.getRank() < 2 || labels.getRank() != logs.getRank() - 1) {
    (void)node.reject("the labels must have the axes of the scores but for the classes");
    return {};
  }
  Expression isIgnored;
  if (ignores) {
    isIgnored = labels.equals(static_cast<double>(ignored));
    labels = isIgnored.choose(labels.like(0), labels);
  }
  Expression chosen{node, node.create<nn::GatherElementsOp>(logs, labels.unsqueeze({1}), 1)};
  Expression loss = chosen.squeeze({1}).unary<nn::NegOp>(), weight;
  if (weights) {
    weight = weights.gather(labels, 0);
    loss = loss * weight;
  }
  if (ignores) {
    loss = isIgnored.choose(loss.like(0), loss);
    weight = isIgnored.choose(loss.like(0), weight ? weight : loss.like(1));
  }
  if (reduction == "none" || node.failed())
    return loss;
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, loss.getRank()));
  if (reduction == "mean" && !weight)
    return loss.reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/false);
  Expression sum = loss.reduce(nn::ReductionKind::Sum, axes, /*keepdims=*/false);
  return reduction == "sum" ? sum : sum / weight.reduce(nn::ReductionKind::Sum, axes, /*keepdims=*/false);
}

static LogicalResult importNegativeLogLikelihoodLoss(NodeBinder &node) {
  Expression logs(node, node.operand(0)), labels(node, node.operand(1)), weights(node, node.optionalOperand(2));
  if (node.failed())
    return failure();
  return node.result(reduceLoss(node, logs, labels, weights));
}

static LogicalResult importSoftmaxCrossEntropyLoss(NodeBinder &node) {
  Expression scores(node, node.operand(0)), labels(node, node.operand(1)), weights(node, node.optionalOperand(2));
  if (node.failed())
    return failure();
  if (scores.getRank() < 2)
    return node.reject("the scores need an axis of classes");
  Expression logs = scores.unary<nn::LogSoftmaxOp>(1);
  if (failed(node.result(reduceLoss(node, logs, labels, weights))))
    return failure();
  return node.result(logs);
}

static const OpEntry table[] = {
    {"NegativeLogLikelihoodLoss", 12, importNegativeLogLikelihoodLoss},
    {"SoftmaxCrossEntropyLoss", 12, importSoftmaxCrossEntropyLoss},
};

ArrayRef<OpEntry> getLossOps() { return table; }

} // namespace nnc::onnx
