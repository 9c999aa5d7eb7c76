// What the models of ai.onnx.ml begin and end with: rows of features and matrices of numbers; of scores, (rows,
// classes), labels and probabilities.
#ifndef LIB_FRONTEND_ONNX_SCORES_H
#define LIB_FRONTEND_ONNX_SCORES_H

#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/NodeBinder.h"

namespace nnc::onnx {

/// The labels of classes: numbers or strings.
class ClassLabels {
public:
  /// Reads the attributes; rejects the node where both or none are there.
  static ClassLabels read(NodeBinder &node, llvm::StringRef numbers, llvm::StringRef names);

  int64_t size() const { return count; }
  /// Whether the labels are 0, 1, ..., or names.
  bool areCounted() const;
  /// The label of the largest score of each row, of equal ones the first: (rows).
  frontend::Expression argMax(frontend::Expression scores) const;
  /// The second label where `isSecond`, (rows), holds, else the first.
  frontend::Expression choose(frontend::Expression isSecond) const;

private:
  NodeBinder *node = nullptr;
  llvm::SmallVector<int64_t> numbers; ///< 0, 1, ... in place of names
  llvm::SmallVector<std::string> names;
  int64_t count = 0;
};

/// The attribute's numbers as a matrix of f32 with `rows` rows; rejects the node where they do not fill it.
frontend::Expression getMatrix(NodeBinder &node, llvm::StringRef name, int64_t rows);

/// The input as rows of f32.
frontend::Expression getRows(NodeBinder &node);

/// Scores after `post_transform`: NONE, LOGISTIC, SOFTMAX, SOFTMAX_ZERO or PROBIT. Rejects the node for others.
frontend::Expression transformScores(NodeBinder &node, frontend::Expression scores, llvm::StringRef transform);

/// Ends the import of a classifier that has one score, (rows, 1), for each row, and no label but 1: 1 where `isOne`, else 0.
llvm::LogicalResult finishOneClass(NodeBinder &node, frontend::Expression isOne, frontend::Expression score);

/// Ends the import of a binary classifier that has one score, (rows, 1), for each row: its label (the second where
/// the score is above `threshold`) and the scores of both classes, `first` and `second`.
llvm::LogicalResult finishTwoClasses(NodeBinder &node, const ClassLabels &labels, frontend::Expression isSecond,
                                     frontend::Expression first, frontend::Expression second);

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_SCORES_H
