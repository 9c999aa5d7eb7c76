// Imports the operators of one of a model's graphs in the order of the file; collects every reason for which it cannot.
// Graphs of branches, loops and calls have importers of their own.
#ifndef LIB_FRONTEND_TFLITE_GRAPHIMPORTER_H
#define LIB_FRONTEND_TFLITE_GRAPHIMPORTER_H

#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/TFLite/ModelReader.h"
#include "lib/Frontend/TFLite/OpTable.h"
#include "lib/Frontend/TFLite/Variables.h"

#include "llvm/ADT/DenseSet.h"

#include <optional>

namespace nnc::tflite {

/// What the importers of a model's graphs share.
struct ModelState {
  ModelState(mlir::MLIRContext *context, const ModelReader &reader, bool dequantizes)
      : builder(context), reader(reader), dequantizes(dequantizes) {}

  mlir::OpBuilder builder;
  const ModelReader &reader;
  const bool dequantizes; ///< as frontend::ImportOptions
  frontend::Blockers blockers{"operator"};
  Variables variables;
  bool hasDequantized = false; ///< a layer on quantised numbers
  size_t numImported = 0;      ///< operators, those of a graph as often as it is imported
};

/// What a tensor stands for.
struct Meaning {
  mlir::Value value;                ///< null of handles, and as long as nothing produced it
  std::optional<unsigned> variable; ///< of a handle
  explicit operator bool() const { return value || variable; }
};

class GraphImporter {
public:
  /// `depth`: how many graphs are around this one.
  GraphImporter(ModelState &model, unsigned number, unsigned depth = 0);

  /// Records the operators that nnc does not know, of this graph and of those that it runs.
  /// Finds out whether variables are assigned but where they are initialised.
  void findUnsupported(llvm::DenseSet<unsigned> &seen, bool &assignsVariables);
  /// False where a tensor has a meaning already.
  bool define(int32_t tensor, Meaning meaning);
  bool importOperators();
  /// What a tensor stands for: produced before, or a constant.
  Meaning lookup(int32_t tensor);
  /// Whether the producer of a tensor failed.
  bool isPoisoned(int32_t tensor) const { return poisoned.contains(tensor); }

  const format::SubGraph &getGraph() const { return graph; }
  llvm::StringRef getName(int32_t tensor) const { return getText(getTensor(tensor).name()); }
  const format::Tensor &getTensor(int32_t tensor) const { return *graph.tensors()->Get(tensor); }

private:
  // One operator.
  bool importOperator(unsigned position, const format::Operator &op);
  bool importOp(unsigned position, const format::Operator &op, const OpEntry &entry, llvm::ArrayRef<Meaning> operands);
  bool bindOperands(unsigned position, const format::Operator &op, llvm::SmallVectorImpl<Meaning> &operands);
  bool checkResults(unsigned position, const format::Operator &op);
  bool hasQuantizedWeights(llvm::ArrayRef<const format::Tensor *> operands,
                           llvm::ArrayRef<const format::Tensor *> results) const;
  /// Whether an operand or result is complex.
  bool hasComplexTensors(const format::Operator &op) const;
  bool isState(int32_t tensor) const;
  unsigned findState(int32_t tensor);
  mlir::RankedTensorType getType(int32_t tensor) const;
  std::string getOpName(unsigned position, const format::Operator &op) const;
  void block(unsigned position, const format::Operator &op, const llvm::Twine &reason);

  // Operators that run graphs, and those of variables (ControlFlow.cpp). Their results, or nullopt with the reason recorded.
  struct Call {
    unsigned position;
    const format::Operator &op;
    llvm::ArrayRef<Meaning> operands;
  };
  using Meanings = std::optional<llvm::SmallVector<Meaning>>;
  struct LoopPlan;
  std::nullopt_t fail(const Call &call, const llvm::Twine &reason);
  Meanings importGraphOp(const Call &call, format::BuiltinOperator kind);
  Meanings importBody(const Call &call, int64_t number, llvm::ArrayRef<Meaning> operands);
  Meanings importReadVariable(const Call &call);
  Meanings importAssignVariable(const Call &call);
  Meanings importVarHandle(const Call &call);
  Meanings importCallOnce(const Call &call);
  Meanings importIf(const Call &call);
  bool joinVariables(const Call &call, llvm::MutableArrayRef<llvm::SmallVector<mlir::Value>> after,
                     llvm::SmallVectorImpl<unsigned> &changed);
  Meanings importWhile(const Call &call);
  std::optional<bool> tryLoop(const Call &call, LoopPlan &plan, mlir::Region &region,
                              llvm::SmallVectorImpl<mlir::Value> &yielded);
  std::optional<bool> adaptOperands(const Call &call, LoopPlan &plan, llvm::ArrayRef<Meaning> given,
                                    llvm::ArrayRef<Meaning> results, llvm::SmallVectorImpl<mlir::Value> &yielded);
  std::optional<bool> adaptVariables(const Call &call, LoopPlan &plan, llvm::ArrayRef<mlir::Value> start,
                                     llvm::ArrayRef<mlir::Value> after, llvm::SmallVectorImpl<mlir::Value> &yielded);
  mlir::Value importCondition(const Call &call, int64_t number, llvm::ArrayRef<Meaning> operands);

  ModelState &model;
  unsigned number, depth;
  mlir::OpBuilder &builder;
  const ModelReader &reader;
  const format::SubGraph &graph;
  llvm::SmallVector<Meaning> meanings; ///< by tensor
  llvm::DenseSet<int32_t> poisoned;    ///< tensors whose producer failed
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_GRAPHIMPORTER_H
