// nn.find_leaves as TreeEnsembleRegressor: each tree has a target of its own, of which a leaf has its number.
#include "lib/Export/ONNX/OpWriter.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::onnx_export {

/// Up to there the numbers of leaves are exact in f32.
static constexpr int64_t maxLeaves = int64_t(1) << 24;
/// Nodes that are reached on several ways are written once for each.
static constexpr size_t maxNodes = size_t(1) << 22;
/// Of `relations`.
static constexpr int32_t unordered = 8;

/// ONNX's name of a test; "" where it has none.
static StringRef getMode(int32_t relation) {
  switch (relation & ~unordered) {
  case 1:
    return "BRANCH_LT";
  case 2:
    return "BRANCH_EQ";
  case 3:
    return "BRANCH_LEQ";
  case 4:
    return "BRANCH_GT";
  case 5:
    return "BRANCH_NEQ";
  case 6:
    return "BRANCH_GTE";
  default:
    return "";
  }
}

namespace {

/// Attributes of TreeEnsembleRegressor, an entry for each node, and one for each leaf.
struct Trees {
  std::vector<int64_t> features, nodes, trees, yes, no, missing, leafNodes, leafTrees, targets;
  std::vector<float> values, weights;
  std::vector<std::string> modes;
};

/// The operation's operands.
struct Forest {
  SmallVector<int32_t> roots, features, relations, branches;
  SmallVector<float> thresholds;
};

} // namespace

template <typename T> static bool read(Value value, SmallVectorImpl<T> &numbers) {
  DenseElementsAttr dense = nn::getDenseConstant(value, std::numeric_limits<int64_t>::max());
  if (dense)
    numbers.assign(dense.getValues<T>().begin(), dense.getValues<T>().end());
  return static_cast<bool>(dense);
}

/// The tree below a root; false where it has a test that ONNX lacks, or too many nodes.
static bool addTree(const Forest &forest, int64_t tree, Trees &trees) {
  struct Place {
    int32_t node;   ///< of the forest
    int64_t number; ///< in the tree
  };
  int64_t count = 1;
  SmallVector<Place> open{{forest.roots[tree], 0}};
  auto inner = static_cast<int32_t>(forest.features.size());
  while (!open.empty()) {
    Place at = open.pop_back_val();
    bool isLeaf = at.node >= inner;
    trees.trees.push_back(tree);
    trees.nodes.push_back(at.number);
    trees.features.push_back(isLeaf ? 0 : forest.features[at.node]);
    trees.values.push_back(isLeaf ? 0 : forest.thresholds[at.node]);
    trees.missing.push_back(!isLeaf && (forest.relations[at.node] & unordered) != 0);
    trees.modes.push_back(isLeaf ? "LEAF" : getMode(forest.relations[at.node]).str());
    trees.yes.push_back(isLeaf ? 0 : count);
    trees.no.push_back(isLeaf ? 0 : count + 1);
    if (trees.modes.back().empty() || trees.nodes.size() > maxNodes)
      return false;
    // x != NaN holds, and so it does in ONNX Runtime whatever is said of missing numbers.
    if (trees.modes.back() == "BRANCH_NEQ" && !trees.missing.back())
      return false;
    if (isLeaf) {
      trees.leafTrees.push_back(tree);
      trees.leafNodes.push_back(at.number);
      trees.targets.push_back(tree);
      trees.weights.push_back(static_cast<float>(at.node - inner));
      continue;
    }
    open.push_back({forest.branches[2 * at.node], count + 1});
    open.push_back({forest.branches[2 * at.node + 1], count});
    count += 2;
  }
  return true;
}

static void writeFindLeaves(OpWriter &writer, nn::FindLeavesOp op) {
  Forest forest;
  if (!getElementTypeOrSelf(op.getInput()).isF32() || !getElementTypeOrSelf(op.getThresholds()).isF32())
    return writer.refuse("decision trees whose features are not of f32");
  if (!read(op.getRoots(), forest.roots) || !read(op.getFeatures(), forest.features) ||
      !read(op.getRelations(), forest.relations) || !read(op.getBranches(), forest.branches) ||
      !read(op.getThresholds(), forest.thresholds))
    return writer.refuse("decision trees that are not constant");
  Trees trees;
  for (size_t tree = 0; tree < forest.roots.size(); ++tree)
    if (!addTree(forest, tree, trees))
      return writer.refuse("decision trees with a test that ONNX lacks, or that have too many nodes");
  if (static_cast<int64_t>(forest.features.size()) >= maxLeaves)
    return writer.refuse("decision trees with more than 2^24 leaves");
  std::vector<float> one(trees.nodes.size(), 1);
  Attribute attributes[] = {{"n_targets", int64_t(forest.roots.size())},
                            {"aggregate_function", std::string("SUM")},
                            {"post_transform", std::string("NONE")},
                            {"nodes_treeids", ArrayRef<int64_t>(trees.trees)},
                            {"nodes_nodeids", ArrayRef<int64_t>(trees.nodes)},
                            {"nodes_featureids", ArrayRef<int64_t>(trees.features)},
                            {"nodes_values", trees.values},
                            {"nodes_hitrates", one},
                            {"nodes_modes", trees.modes},
                            {"nodes_truenodeids", ArrayRef<int64_t>(trees.yes)},
                            {"nodes_falsenodeids", ArrayRef<int64_t>(trees.no)},
                            {"nodes_missing_value_tracks_true", ArrayRef<int64_t>(trees.missing)},
                            {"target_treeids", ArrayRef<int64_t>(trees.leafTrees)},
                            {"target_nodeids", ArrayRef<int64_t>(trees.leafNodes)},
                            {"target_ids", ArrayRef<int64_t>(trees.targets)},
                            {"target_weights", trees.weights}};
  std::string numbers =
      writer.addOf("ai.onnx.ml", /*version=*/3, "TreeEnsembleRegressor", {writer.name(op.getInput())}, attributes);
  int64_t type = getDataType(getElementTypeOrSelf(op.getResult()));
  writer.finish("Cast", {writer.transpose(numbers, {1, 0})}, {{"to", type}});
}

static const WriterEntry table[] = {row<nn::FindLeavesOp, writeFindLeaves>()};

ArrayRef<WriterEntry> getDecisionTreeWriters() { return table; }

} // namespace nnc::onnx_export
