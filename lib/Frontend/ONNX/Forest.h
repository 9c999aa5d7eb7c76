// Decision trees as the operators of ai.onnx.ml store them, brought to the form of nn.find_leaves.
#ifndef LIB_FRONTEND_ONNX_FOREST_H
#define LIB_FRONTEND_ONNX_FOREST_H

#include "lib/Frontend/Import/Expression.h"

namespace nnc::onnx {

/// What a test of an inner node asks; bits as of nn.find_leaves.
enum Relation : unsigned { Less = 1, Equal = 2, Greater = 4, Unordered = 8 };

/// The bits of a mode of ai.onnx.ml (BRANCH_LEQ ...); nullopt where it is not known.
std::optional<unsigned> parseRelation(llvm::StringRef mode);

/// Nodes in any order, which `finish` numbers.
class Forest {
public:
  /// A place in the list of nodes, or none yet.
  using NodeId = int64_t;

  struct Node {
    bool isLeaf = false;
    int64_t feature = 0;
    double threshold = 0;
    unsigned relation = 0;
    NodeId yes = -1, no = -1; ///< where the test holds, and where not
    std::vector<std::pair<int64_t, double>> weights; ///< of a leaf: target and weight
  };

  std::vector<Node> nodes;
  std::vector<NodeId> roots;

  /// The sum of weights or what else `aggregate` says over all trees, for each row of `x` and each of `targets`:
  /// (rows, targets), of the type of `x`. Rejects the node where the trees are none, or test features that `x` lacks.
  enum class Aggregate { Sum, Average, Min, Max };
  frontend::Expression score(frontend::NodeBuilder &node, frontend::Expression x, int64_t targets,
                             Aggregate aggregate) const;
  /// As score, and sets `isScored`, (rows, targets), to whether a leaf that the row reaches has a weight for the target;
  /// null where all have.
  frontend::Expression score(frontend::NodeBuilder &node, frontend::Expression x, int64_t targets, Aggregate aggregate,
                             frontend::Expression &isScored) const;

private:
  struct Numbering;
  llvm::LogicalResult number(frontend::NodeBuilder &node, int64_t features, Numbering &numbering) const;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_FOREST_H
