// Numbers nodes so that children come behind their parents and leaves behind all
// inner nodes: what shows at the same time that every walk ends.
#include "lib/Frontend/ONNX/Forest.h"

#include "llvm/ADT/StringSwitch.h"

#include <limits>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

/// Weights of all leaves for all targets.
static constexpr int64_t maxWeights = int64_t(1) << 28;

std::optional<unsigned> parseRelation(StringRef mode) {
  return llvm::StringSwitch<std::optional<unsigned>>(mode)
      .Case("BRANCH_LEQ", Less | Equal)
      .Case("BRANCH_LT", Less)
      .Case("BRANCH_GTE", Greater | Equal)
      .Case("BRANCH_GT", Greater)
      .Case("BRANCH_EQ", Equal)
      .Case("BRANCH_NEQ", Less | Greater | Unordered)
      .Default(std::nullopt);
}

struct Forest::Numbering {
  std::vector<NodeId> inner, leaves; ///< in their new order
  std::vector<int32_t> numberOf;     ///< of each node
};

/// Depth first: a node comes before those that were finished before it. Several branches may lead to one node.
LogicalResult Forest::number(NodeBuilder &node, int64_t features, Numbering &numbering) const {
  enum class State : uint8_t { Unseen, Open, Finished };
  std::vector<State> states(nodes.size(), State::Unseen);
  std::vector<NodeId> open(roots);
  while (!open.empty()) {
    NodeId at = open.back();
    if (at < 0 || at >= static_cast<NodeId>(nodes.size()))
      return node.reject("a branch leads to a node that does not exist");
    const Node &current = nodes[at];
    if (states[at] != State::Unseen) {
      open.pop_back();
      if (states[at] == State::Open)
        (current.isLeaf ? numbering.leaves : numbering.inner).push_back(at);
      states[at] = State::Finished;
      continue;
    }
    states[at] = State::Open;
    if (current.isLeaf)
      continue;
    if (current.feature < 0 || current.feature >= features)
      return node.reject("a node tests feature " + Twine(current.feature) + " of " + Twine(features));
    for (NodeId next : {current.yes, current.no}) {
      if (next >= 0 && next < static_cast<NodeId>(nodes.size()) && states[next] == State::Open)
        return node.reject("branches of a tree go round in a circle");
      open.push_back(next);
    }
  }
  if (roots.empty())
    return node.reject("there are no trees");
  std::reverse(numbering.inner.begin(), numbering.inner.end());
  numbering.numberOf.resize(nodes.size());
  int32_t next = 0;
  for (ArrayRef<NodeId> group : {ArrayRef(numbering.inner), ArrayRef(numbering.leaves)})
    for (NodeId id : group)
      numbering.numberOf[id] = next++;
  return success();
}

static Value makeInts(NodeBuilder &node, ArrayRef<int64_t> shape, ArrayRef<int32_t> values) {
  return node.constant(DenseElementsAttr::get(RankedTensorType::get(shape, node.getBuilder().getI32Type()), values));
}

static Value makeFloats(NodeBuilder &node, Type type, ArrayRef<int64_t> shape, ArrayRef<double> values) {
  if (type.isF64())
    return node.constant(DenseElementsAttr::get(RankedTensorType::get(shape, type), values));
  return node.floats(shape, std::vector<float>(values.begin(), values.end()));
}

namespace {

/// What leaves have for targets, row-major.
struct LeafTable {
  std::vector<double> weights;
  std::vector<float> isThere; ///< 1, or 0 where a leaf has no weight for a target
};

} // namespace

static FailureOr<LeafTable> makeTable(NodeBuilder &node, ArrayRef<const Forest::Node *> leaves, int64_t targets,
                                      Forest::Aggregate aggregate) {
  double infinity = std::numeric_limits<double>::infinity(), none = 0;
  if (aggregate == Forest::Aggregate::Min || aggregate == Forest::Aggregate::Max)
    none = aggregate == Forest::Aggregate::Min ? infinity : -infinity;
  LeafTable table{std::vector<double>(leaves.size() * targets, none), std::vector<float>(leaves.size() * targets, 0)};
  for (auto [row, leaf] : llvm::enumerate(leaves))
    for (auto [target, weight] : leaf->weights) {
      if (target < 0 || target >= targets)
        return node.reject("a leaf has a weight for target " + Twine(target) + " of " + Twine(targets));
      int64_t place = row * targets + target;
      if (table.isThere[place])
        return node.reject("a leaf has two weights for target " + Twine(target));
      table.weights[place] = weight;
      table.isThere[place] = 1;
    }
  return table;
}

Expression Forest::score(NodeBuilder &node, Expression x, int64_t targets, Aggregate aggregate) const {
  Expression isScored;
  Expression scores = score(node, x, targets, aggregate, isScored);
  bool isExtreme = aggregate == Aggregate::Min || aggregate == Aggregate::Max;
  return isExtreme && isScored && !node.failed() ? isScored.choose(scores, scores.like(0)) : scores;
}

Expression Forest::score(NodeBuilder &node, Expression x, int64_t targets, Aggregate aggregate,
                         Expression &isScored) const {
  int64_t features = x.getRank() == 2 ? x.getExtent(1) : ShapedType::kDynamic;
  if (ShapedType::isDynamic(features)) {
    (void)node.reject("the number of features must be known at compile time");
    return {};
  }
  Numbering numbering;
  if (failed(number(node, features, numbering)))
    return {};
  auto leaves = static_cast<int64_t>(numbering.leaves.size()), inner = static_cast<int64_t>(numbering.inner.size());
  if (targets < 1 || targets > maxWeights / leaves) {
    (void)node.reject(Twine(targets) + " targets of " + Twine(leaves) + " leaves are none or too many");
    return {};
  }
  std::vector<int32_t> tested, relations, branches, starts;
  std::vector<double> thresholds;
  for (NodeId id : numbering.inner) {
    tested.push_back(static_cast<int32_t>(nodes[id].feature));
    thresholds.push_back(nodes[id].threshold);
    relations.push_back(static_cast<int32_t>(nodes[id].relation));
    branches.insert(branches.end(), {numbering.numberOf[nodes[id].no], numbering.numberOf[nodes[id].yes]});
  }
  for (NodeId root : roots)
    starts.push_back(numbering.numberOf[root]);
  std::vector<const Node *> listed;
  for (NodeId id : numbering.leaves)
    listed.push_back(&nodes[id]);
  FailureOr<LeafTable> table = makeTable(node, listed, targets, aggregate);
  if (failed(table))
    return {};

  Type type = x.getElementType();
  auto trees = static_cast<int64_t>(starts.size());
  Expression reached(node, node.create<nn::FindLeavesOp>(
                               x, makeInts(node, {trees}, starts), makeInts(node, {inner}, tested),
                               makeFloats(node, type, {inner}, thresholds), makeInts(node, {inner}, relations),
                               makeInts(node, {inner, 2}, branches)));
  Expression weights(node, makeFloats(node, type, {leaves, targets}, table->weights));
  if (node.failed())
    return {};
  if (llvm::is_contained(table->isThere, 0.0f)) {
    Expression isThere(node, node.floats({leaves, targets}, table->isThere));
    isScored = isThere.gather(reached, 0).reduce(nn::ReductionKind::Max, {0}, /*keepdims=*/false) > 0.0;
  }
  nn::ReductionKind kind = aggregate == Aggregate::Min   ? nn::ReductionKind::Min
                           : aggregate == Aggregate::Max ? nn::ReductionKind::Max
                                                         : nn::ReductionKind::Sum;
  Expression scores = weights.gather(reached, 0).reduce(kind, {0}, /*keepdims=*/false);
  return aggregate == Aggregate::Average ? scores / static_cast<double>(trees) : scores;
}

} // namespace nnc::onnx
