// Ensembles of decision trees of ai.onnx.ml, and what they and the linear models
// make of scores. What the specification leaves open (two classes with one score)
// is as in ONNX Runtime.
#include "lib/Frontend/ONNX/Forest.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/Scores.h"

#include "mlir/IR/TypeUtilities.h"

#include "llvm/ADT/StringSwitch.h"

#include <cmath>
#include <map>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "ai.onnx.ml";

/// The numbers of a tensor attribute; none where there is no such attribute.
static SmallVector<double> getTensorNumbers(NodeBinder &node, const Twine &name) {
  Value tensor = node.tensorAttr(name.str());
  if (!tensor)
    return {};
  DenseElementsAttr elements = nn::getDenseConstant(tensor, std::numeric_limits<int64_t>::max());
  if (!elements || !(elements.getElementType().isF32() || elements.getElementType().isF64())) {
    (void)node.reject("attribute '" + name + "' has no numbers of f32 or f64");
    return {};
  }
  SmallVector<double> numbers;
  for (const APFloat &value : elements.getValues<APFloat>())
    numbers.push_back(elements.getElementType().isF64() ? value.convertToDouble()
                                                        : static_cast<double>(value.convertToFloat()));
  return numbers;
}

/// The numbers of the attribute `name`, or of the tensor `name_as_tensor`.
static SmallVector<double> getNumbers(NodeBinder &node, const Twine &name) {
  std::string tensor = (name + "_as_tensor").str();
  return node.hasAttr(tensor) ? getTensorNumbers(node, tensor) : node.floatsAttr(name.str());
}

static Expression getFeatures(NodeBinder &node) {
  Expression x(node, node.operand(0));
  if (node.failed() || isa<FloatType>(x.getElementType()))
    return x;
  return x.cast(node.getBuilder().getF32Type());
}

//===--- Trees as lists of attributes, one entry for each node ---===//

namespace {

using NodeKey = std::pair<int64_t, int64_t>; ///< tree and node

/// What the operators up to version 3 have in common.
struct NodeLists {
  explicit NodeLists(NodeBinder &node)
      : trees(node.intsAttr("nodes_treeids")), ids(node.intsAttr("nodes_nodeids")),
        features(node.intsAttr("nodes_featureids")), yes(node.intsAttr("nodes_truenodeids")),
        no(node.intsAttr("nodes_falsenodeids")), missing(node.intsAttr("nodes_missing_value_tracks_true")),
        thresholds(getNumbers(node, "nodes_values")), modes(node.stringsAttr("nodes_modes")) {
    node.ignoreAttrs({"nodes_hitrates", "nodes_hitrates_as_tensor"});
  }

  SmallVector<int64_t> trees, ids, features, yes, no, missing;
  SmallVector<double> thresholds;
  SmallVector<std::string> modes;
};

} // namespace

static LogicalResult readNodes(NodeBinder &node, Forest &forest, std::map<NodeKey, Forest::NodeId> &places) {
  NodeLists lists(node);
  if (node.failed())
    return failure();
  size_t count = lists.trees.size();
  if (lists.ids.size() != count || lists.features.size() != count || lists.yes.size() != count ||
      lists.no.size() != count || lists.thresholds.size() != count || lists.modes.size() != count ||
      (!lists.missing.empty() && lists.missing.size() != count))
    return node.reject("the attributes of the trees' nodes differ in number");
  for (size_t i = 0; i < count; ++i)
    if (!places.try_emplace({lists.trees[i], lists.ids[i]}, i).second)
      return node.reject("tree " + Twine(lists.trees[i]) + " has two nodes " + Twine(lists.ids[i]));
  std::vector<bool> isChild(count, false);
  forest.nodes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    Forest::Node &target = forest.nodes[i];
    target.isLeaf = lists.modes[i] == "LEAF";
    if (target.isLeaf)
      continue;
    std::optional<unsigned> relation = parseRelation(lists.modes[i]);
    if (!relation)
      return node.reject("mode '" + lists.modes[i] + "' of a node is not known");
    target.relation = *relation | (!lists.missing.empty() && lists.missing[i] ? Unordered : 0);
    target.feature = lists.features[i];
    target.threshold = lists.thresholds[i];
    for (auto [id, place] : {std::pair(lists.yes[i], &target.yes), std::pair(lists.no[i], &target.no)}) {
      auto found = places.find({lists.trees[i], id});
      if (found == places.end())
        return node.reject("tree " + Twine(lists.trees[i]) + " has no node " + Twine(id));
      *place = found->second;
      isChild[found->second] = true;
    }
  }
  for (size_t i = 0; i < count; ++i)
    if (!isChild[i])
      forest.roots.push_back(static_cast<Forest::NodeId>(i));
  return success();
}

/// Gives leaves the weights of the attributes `prefix`_ids and `prefix`_weights.
static LogicalResult readWeights(NodeBinder &node, StringRef prefix, Forest &forest,
                                 const std::map<NodeKey, Forest::NodeId> &places) {
  SmallVector<int64_t> trees = node.intsAttr((prefix + "_treeids").str()), ids = node.intsAttr((prefix + "_nodeids").str());
  SmallVector<int64_t> targets = node.intsAttr((prefix + "_ids").str());
  SmallVector<double> weights = getNumbers(node, prefix + "_weights");
  if (node.failed())
    return failure();
  if (ids.size() != trees.size() || targets.size() != trees.size() || weights.size() != trees.size())
    return node.reject("the attributes " + prefix + "_* differ in number");
  for (size_t i = 0; i < trees.size(); ++i) {
    auto found = places.find({trees[i], ids[i]});
    if (found == places.end() || !forest.nodes[found->second].isLeaf)
      return node.reject("tree " + Twine(trees[i]) + " has no leaf " + Twine(ids[i]));
    forest.nodes[found->second].weights.push_back({targets[i], weights[i]});
  }
  return success();
}

//===--- Regressors ---===//

static std::optional<Forest::Aggregate> parseAggregate(StringRef name) {
  return llvm::StringSwitch<std::optional<Forest::Aggregate>>(name)
      .Case("SUM", Forest::Aggregate::Sum)
      .Case("AVERAGE", Forest::Aggregate::Average)
      .Case("MIN", Forest::Aggregate::Min)
      .Case("MAX", Forest::Aggregate::Max)
      .Default(std::nullopt);
}

/// Adds one number to all scores, or one to each column.
static LogicalResult addBase(NodeBinder &node, Expression &scores, ArrayRef<double> base) {
  if (base.empty())
    return success();
  auto count = static_cast<int64_t>(base.size());
  if (count != scores.getExtent(1))
    return node.reject("base_values are not as many as targets or classes");
  Expression row(node, node.floats({1, count}, std::vector<float>(base.begin(), base.end())));
  scores = scores + row.cast(scores.getElementType());
  return success();
}

static LogicalResult importTreeEnsembleRegressor(NodeBinder &node) {
  Expression x = getFeatures(node);
  Forest forest;
  std::map<NodeKey, Forest::NodeId> places;
  int64_t targets = node.intAttr("n_targets", 1);
  auto aggregate = parseAggregate(node.stringAttr("aggregate_function", "SUM"));
  std::string transform = node.stringAttr("post_transform", "NONE");
  SmallVector<double> base = getNumbers(node, "base_values");
  if (!aggregate)
    return node.reject("the aggregate_function is not known");
  if (failed(readNodes(node, forest, places)) || failed(readWeights(node, "target", forest, places)))
    return failure();
  for (Forest::Node &leaf : forest.nodes) // with one target, every leaf counts
    if (targets == 1 && leaf.isLeaf && leaf.weights.empty())
      leaf.weights.push_back({0, 0.0});
  Expression isScored, scores = forest.score(node, x, targets, *aggregate, isScored);
  if (node.failed() || failed(addBase(node, scores, base)))
    return failure();
  if (isScored) // of several targets one without a score is 0, whatever its base
    scores = isScored.choose(scores, scores.like(0));
  Expression result = transformScores(node, scores, transform);
  return node.failed() ? failure() : node.result(result.cast(node.getBuilder().getF32Type()));
}

//===--- Classifiers ---===//

/// Of two classes, leaves have weights for the first only, which are scores of the second.
static LogicalResult finishOneScore(NodeBinder &node, Expression score, const ClassLabels &labels, StringRef transform,
                                    bool areAllPositive) {
  Expression isSecond = score > score.like(areAllPositive ? 0.5 : 0);
  if (transform == "NONE" && areAllPositive)
    return finishTwoClasses(node, labels, isSecond, score.like(1) - score, score);
  if (transform == "NONE")
    return finishTwoClasses(node, labels, isSecond, score * -1, score);
  if (transform == "LOGISTIC" && !areAllPositive)
    return finishTwoClasses(node, labels, isSecond, (score * -1).unary<nn::SigmoidOp>(), score.unary<nn::SigmoidOp>());
  return node.reject("post_transform " + transform + " of the one score of two classes is not supported");
}

namespace {

/// What the leaves of a classifier have weights for.
struct LeafWeights {
  explicit LeafWeights(const Forest &forest) {
    for (const Forest::Node &leaf : forest.nodes) {
      for (auto [id, weight] : leaf.weights) {
        isFirstOnly &= id == 0;
        areAllPositive &= weight >= 0;
      }
      areComplete &= !leaf.isLeaf || leaf.weights.size() >= 2;
    }
  }

  bool isFirstOnly = true, areAllPositive = true, areComplete = true;
};

} // namespace

static LogicalResult importTreeEnsembleClassifier(NodeBinder &node) {
  Expression x = getFeatures(node);
  Forest forest;
  std::map<NodeKey, Forest::NodeId> places;
  ClassLabels labels = ClassLabels::read(node, "classlabels_int64s", "classlabels_strings");
  std::string transform = node.stringAttr("post_transform", "NONE");
  SmallVector<double> base = getNumbers(node, "base_values");
  if (node.failed() || failed(readNodes(node, forest, places)) || failed(readWeights(node, "class", forest, places)))
    return failure();
  bool areTwo = labels.size() == 2, isOne = node.intsAttr("classlabels_int64s") == ArrayRef<int64_t>{1} && transform == "NONE";
  LeafWeights weights(forest);
  if (labels.size() < 2 && (!isOne || !weights.isFirstOnly || base.size() > 1))
    return node.reject("a classifier needs two classes or more, or the label 1 alone and scores as they are");
  Expression isScored, scores = forest.score(node, x, labels.size(), Forest::Aggregate::Sum, isScored);
  if (node.failed())
    return failure();
  if ((areTwo || isOne) && weights.isFirstOnly && base.size() < 2) {
    Expression score = scores.slice(1, 0, 1);
    score = base.empty() ? score : score + base.front();
    if (isOne)
      return finishOneClass(node, score > 0.0, score);
    return finishOneScore(node, score, labels, transform, weights.areAllPositive);
  }
  if (areTwo && (!weights.areComplete || !base.empty() || !labels.areCounted()))
    return node.reject("two classes with scores of their own are supported with labels 0 and 1, weights for both in each "
                       "leaf and no base_values only");
  if (failed(addBase(node, scores, base)))
    return failure();
  // A class of which no leaf spoke is not chosen, unless it has a base value.
  Expression spoken = isScored && base.empty()
                          ? isScored.choose(scores, scores.like(-std::numeric_limits<double>::infinity()))
                          : scores;
  Expression label = areTwo ? labels.choose((scores.slice(1, 1, 2) > 0.0).squeeze({1})) : labels.argMax(spoken);
  Expression result = transformScores(node, scores, transform);
  if (node.failed() || failed(node.result(label)))
    return failure();
  return node.result(result.cast(node.getBuilder().getF32Type()));
}

//===--- TreeEnsemble, from version 5 on ---===//

namespace {

/// The attributes of inner nodes and leaves, which have lists of their own.
class EnsembleReader {
public:
  explicit EnsembleReader(NodeBinder &node)
      : node(node), roots(node.intsAttr("tree_roots")), features(node.intsAttr("nodes_featureids")),
        yes(node.intsAttr("nodes_truenodeids")), no(node.intsAttr("nodes_falsenodeids")),
        yesIsLeaf(node.intsAttr("nodes_trueleafs")), noIsLeaf(node.intsAttr("nodes_falseleafs")),
        missing(node.intsAttr("nodes_missing_value_tracks_true")), targets(node.intsAttr("leaf_targetids")) {
    node.ignoreAttrs({"nodes_hitrates"});
    if (Value modeList = node.tensorAttr("nodes_modes"))
      if (auto ints = nn::getDenseConstant(modeList, std::numeric_limits<int64_t>::max());
          ints && isa<IntegerType>(ints.getElementType()))
        for (const APInt &mode : ints.getValues<APInt>())
          modes.push_back(static_cast<int64_t>(mode.getZExtValue()));
    splits = getTensorNumbers(node, "nodes_splits");
    weights = getTensorNumbers(node, "leaf_weights");
    members = getTensorNumbers(node, "membership_values");
  }

  LogicalResult read(Forest &forest);

private:
  static constexpr int64_t memberMode = 6;
  Forest::NodeId addLeaf(Forest &forest, int64_t leaf) const;
  std::optional<Forest::NodeId> getTarget(int64_t id, bool isLeaf) const;
  LogicalResult readMembership(Forest &forest, size_t i, size_t &nextMember);

  NodeBinder &node;
  SmallVector<int64_t> roots, features, yes, no, yesIsLeaf, noIsLeaf, missing, targets, modes;
  SmallVector<double> splits, weights, members;
};

} // namespace

/// Leaves come behind the nodes in the forest's list.
std::optional<Forest::NodeId> EnsembleReader::getTarget(int64_t id, bool isLeaf) const {
  if (id < 0 || id >= static_cast<int64_t>(isLeaf ? targets.size() : features.size()))
    return std::nullopt;
  return isLeaf ? static_cast<int64_t>(features.size()) + id : id;
}

/// A node that asks whether x is one of several values becomes one node for each; a NaN ends its list.
LogicalResult EnsembleReader::readMembership(Forest &forest, size_t i, size_t &nextMember) {
  Forest::NodeId at = static_cast<Forest::NodeId>(i), yesTarget = forest.nodes[i].yes, noTarget = forest.nodes[i].no;
  bool isFirst = true;
  for (;; ++nextMember) {
    if (nextMember >= members.size())
      return node.reject("membership_values end within a node's list");
    if (std::isnan(members[nextMember]))
      break;
    if (!isFirst) {
      forest.nodes.push_back(forest.nodes[i]);
      forest.nodes[at].no = static_cast<Forest::NodeId>(forest.nodes.size()) - 1;
      at = forest.nodes[at].no;
    }
    isFirst = false;
    forest.nodes[at].relation = Equal;
    forest.nodes[at].threshold = members[nextMember];
    forest.nodes[at].yes = yesTarget;
    forest.nodes[at].no = noTarget;
  }
  ++nextMember;
  if (isFirst)
    return node.reject("a node asks for membership in an empty list");
  return success();
}

LogicalResult EnsembleReader::read(Forest &forest) {
  static constexpr StringRef modeNames[] = {"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"};
  size_t count = features.size();
  for (const auto &list : {yes, no, yesIsLeaf, noIsLeaf, modes})
    if (list.size() != count)
      return node.reject("the attributes of the nodes differ in number");
  if (splits.size() != count || (!missing.empty() && missing.size() != count) || weights.size() != targets.size())
    return node.reject("the attributes of the nodes or leaves differ in number");
  forest.nodes.resize(count);
  for (auto [target, weight] : llvm::zip(targets, weights)) {
    forest.nodes.emplace_back().isLeaf = true;
    forest.nodes.back().weights.push_back({target, weight});
  }
  size_t nextMember = 0;
  for (size_t i = 0; i < count; ++i) {
    auto yesTarget = getTarget(yes[i], yesIsLeaf[i]), noTarget = getTarget(no[i], noIsLeaf[i]);
    if (!yesTarget || !noTarget || modes[i] < 0 || modes[i] > memberMode)
      return node.reject("node " + Twine(i) + " has a branch or a mode that does not exist");
    forest.nodes[i].feature = features[i];
    forest.nodes[i].threshold = splits[i];
    forest.nodes[i].yes = *yesTarget;
    forest.nodes[i].no = *noTarget;
    bool tracksTrue = !missing.empty() && missing[i];
    if (modes[i] < memberMode) {
      forest.nodes[i].relation = *parseRelation(modeNames[modes[i]]) | (tracksTrue ? Unordered : 0);
      continue;
    }
    if (tracksTrue)
      return node.reject("membership of missing values is not supported");
    if (failed(readMembership(forest, i, nextMember)))
      return failure();
  }
  forest.roots.assign(roots.begin(), roots.end());
  return success();
}

static LogicalResult importTreeEnsemble(NodeBinder &node) {
  static constexpr Forest::Aggregate aggregates[] = {Forest::Aggregate::Average, Forest::Aggregate::Sum,
                                                     Forest::Aggregate::Min, Forest::Aggregate::Max};
  static constexpr StringRef transforms[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
  Expression x = getFeatures(node);
  int64_t targets = node.intAttr("n_targets", 1), aggregate = node.intAttr("aggregate_function", 1);
  int64_t transform = node.intAttr("post_transform", 0);
  EnsembleReader reader(node);
  if (node.failed())
    return failure();
  if (aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4)
    return node.reject("the aggregate_function or post_transform is not known");
  Forest forest;
  if (failed(reader.read(forest)))
    return failure();
  Expression scores = forest.score(node, x, targets, aggregates[aggregate]);
  Expression result = transformScores(node, scores, transforms[transform]);
  return node.failed() ? failure() : node.result(result);
}

static const OpEntry table[] = {
    {"TreeEnsemble", 5, importTreeEnsemble, domain},
    {"TreeEnsembleClassifier", 1, importTreeEnsembleClassifier, domain},
    {"TreeEnsembleRegressor", 1, importTreeEnsembleRegressor, domain},
};

ArrayRef<OpEntry> getTreeEnsembleOps() { return table; }

} // namespace nnc::onnx
