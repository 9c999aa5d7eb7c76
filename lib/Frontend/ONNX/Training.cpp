// ONNX operators that make a step of training: they update tensors by gradients.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OneWayBroadcast.h"
#include "lib/Frontend/ONNX/OpTable.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "ai.onnx.preview.training";

namespace {

/// What all optimizers are given: the learning rate, the number of updates before, and for each tensor the same list
/// of values (the tensor, its gradient, what was accumulated).
struct Optimizer {
  Expression rate, count;
  SmallVector<SmallVector<Expression>> tensors;
};

} // namespace

static Optimizer readOptimizer(NodeBinder &node, int64_t numParts) {
  Optimizer read{{node, node.operand(0)}, {node, node.operand(1)}, {}};
  int64_t rest = static_cast<int64_t>(node.getNumOperands()) - 2, number = rest / numParts;
  if (rest < numParts || rest % numParts)
    (void)node.reject("needs " + Twine(numParts) + " operands for each tensor that is optimized");
  for (int64_t i = 0; i < number && !node.failed(); ++i) {
    auto &parts = read.tensors.emplace_back();
    for (int64_t part = 0; part < numParts; ++part)
      parts.emplace_back(node, node.operand(2 + part * number + i));
  }
  if (node.failed())
    return read;
  if (!isa<FloatType>(read.tensors.front().front().getElementType()))
    (void)node.reject("optimizes tensors of floats");
  return read;
}

/// `next[i]` are the new values of tensor i; all first ones are results, then all second ones, ...
static LogicalResult giveResults(NodeBinder &node, const Optimizer &read, ArrayRef<SmallVector<Expression>> next) {
  if (node.failed())
    return failure();
  for (size_t part = 0; part < next.front().size(); ++part)
    for (auto [tensor, values] : llvm::zip_equal(read.tensors, next))
      if (failed(node.result(keepShape(node, values[part], tensor.front()))))
        return failure();
  return success();
}

static LogicalResult importAdagrad(NodeBinder &node) {
  double decay = node.floatAttr("decay_factor", 0), epsilon = node.floatAttr("epsilon", 0),
         coefficient = node.floatAttr("norm_coefficient", 0);
  Optimizer read = readOptimizer(node, 3);
  if (node.failed())
    return failure();
  SmallVector<SmallVector<Expression>> next;
  for (ArrayRef<Expression> parts : read.tensors) {
    Expression x = parts[0];
    Type type = x.getElementType();
    Expression rate = read.rate.cast(type) / (read.count.cast(type) * decay + 1);
    Expression gradient = x * coefficient + parts[1];
    Expression sum = parts[2] + gradient * gradient;
    next.push_back({x - rate * gradient / (sum.unary<nn::SqrtOp>() + epsilon), sum});
  }
  return giveResults(node, read, next);
}

static LogicalResult importAdam(NodeBinder &node) {
  double alpha = node.floatAttr("alpha", 0.9f), beta = node.floatAttr("beta", 0.999f),
         epsilon = node.floatAttr("epsilon", 0), before = node.floatAttr("norm_coefficient", 0),
         after = node.floatAttr("norm_coefficient_post", 0);
  Optimizer read = readOptimizer(node, 4);
  if (node.failed())
    return failure();
  SmallVector<SmallVector<Expression>> next;
  for (ArrayRef<Expression> parts : read.tensors) {
    Expression x = parts[0];
    Type type = x.getElementType();
    // In f64, because 1 - beta^count cancels.
    Expression count = read.count.cast(node.getBuilder().getF64Type()), rate = read.rate.cast(count.getElementType());
    auto rest = [&](double base) { return count.like(1) - count.like(base).binary<nn::PowOp>(count); };
    Expression corrected = rate * rest(beta).unary<nn::SqrtOp>() / rest(alpha);
    rate = (count > 0).choose(corrected, rate).cast(type);
    Expression gradient = x * before + parts[1];
    Expression momentum = parts[2] * alpha + gradient * (1 - alpha);
    Expression square = parts[3] * beta + gradient * gradient * (1 - beta);
    Expression moved = x - rate * (momentum / (square.unary<nn::SqrtOp>() + epsilon));
    next.push_back({moved * (1 - after), momentum, square});
  }
  return giveResults(node, read, next);
}

static LogicalResult importMomentum(NodeBinder &node) {
  double alpha = node.floatAttr("alpha", 0), beta = node.floatAttr("beta", 0),
         coefficient = node.floatAttr("norm_coefficient", 0);
  std::string mode = node.stringAttr("mode", "standard");
  Optimizer read = readOptimizer(node, 3);
  if (node.failed())
    return failure();
  if (mode != "standard" && mode != "nesterov")
    return node.reject("mode '" + mode + "' is not known");
  SmallVector<SmallVector<Expression>> next;
  for (ArrayRef<Expression> parts : read.tensors) {
    Expression x = parts[0], rate = read.rate.cast(x.getElementType());
    Expression weight = (read.count > 0).choose(x.like(beta), x.like(1)); // the first gradient counts in full
    Expression gradient = x * coefficient + parts[1];
    Expression momentum = parts[2] * alpha + weight * gradient;
    next.push_back({x - rate * (mode == "standard" ? momentum : gradient + momentum * alpha), momentum});
  }
  return giveResults(node, read, next);
}

static const OpEntry table[] = {
    {"Adagrad", 1, importAdagrad, domain},
    {"Adam", 1, importAdam, domain},
    {"Momentum", 1, importMomentum, domain},
};

ArrayRef<OpEntry> getTrainingOps() { return table; }

} // namespace nnc::onnx
