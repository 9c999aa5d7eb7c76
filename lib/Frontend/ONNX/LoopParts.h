// Branches and loops that give and carry sequences and optionals: what these are made
// of goes through the region as tensors.
#ifndef LIB_FRONTEND_ONNX_LOOPPARTS_H
#define LIB_FRONTEND_ONNX_LOOPPARTS_H

#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/ONNX/GraphValue.h"
#include "lib/Support/OnnxProto.h"

#include <functional>

namespace nnc::onnx {

/// The inputs of an inner graph, from the arguments of its block.
using RegionPrologue = std::function<llvm::SmallVector<GraphValue>(mlir::Block &)>;

/// What a Loop, a Scan or a SequenceMap is made of.
struct LoopParts {
  const ::onnx::NodeProto &node;
  const ::onnx::GraphProto &graph;
  mlir::Value trips, condition;
  llvm::SmallVector<GraphValue> initial = {};
  int64_t count = mlir::ShapedType::kDynamic; ///< of iterations, where it is known
  bool yieldsCondition = false;
  bool keepsShapes = false; ///< whether it is refused where it is not certain that all that it carries keeps its shape
  /// What Scan carries keeps its shape, as ONNX defines it.
  bool mayChangeShapes() const { return yieldsCondition; }
  /// The graph's inputs from the number of the iteration and what is carried.
  std::function<llvm::SmallVector<GraphValue>(mlir::Value, llvm::ArrayRef<GraphValue>)> prologue = nullptr;
  /// Is told what an iteration ends with, a condition first, whether that fits what it begins with or not, and may change it.
  std::function<void(llvm::MutableArrayRef<GraphValue>)> onYielded = nullptr;
};

/// What a loop carries, of the tensors that it is made of.
llvm::SmallVector<GraphValue> rebuildCarried(const LoopParts &parts, llvm::ArrayRef<mlir::Value> values);

/// The tensors that an iteration ends with: the condition, what is carried, what is stacked, and last the elements of
/// sequences that the loop collects. `yielded` are the results of its graph, a condition first. False, and a reason,
/// where they do not fit what the loop carries.
bool flattenYielded(const LoopParts &parts, llvm::ArrayRef<GraphValue> yielded,
                    llvm::SmallVectorImpl<mlir::Value> &values, std::string &reason);

/// The results of a loop, of those of its operation.
llvm::SmallVector<GraphValue> rebuildResults(frontend::NodeBuilder &node, const LoopParts &parts,
                                             llvm::ArrayRef<GraphValue> yielded, llvm::ArrayRef<mlir::Value> results);

/// Gives results of two branches, which the two regions end with, one form; rejects the node where they have none.
void alignBranches(frontend::NodeBuilder &node, GraphValue &a, GraphValue &b, llvm::MutableArrayRef<mlir::Region> regions);

/// `joined`, of the branches that gave it and `other`, with the room that either needs.
GraphValue joinRoom(const GraphValue &joined, const GraphValue &other);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_LOOPPARTS_H
