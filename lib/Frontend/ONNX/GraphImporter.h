// Walks an ONNX graph in dependency order and imports its nodes, functions and
// branches and loops; collects every reason for which it cannot.
#ifndef LIB_FRONTEND_ONNX_GRAPHIMPORTER_H
#define LIB_FRONTEND_ONNX_GRAPHIMPORTER_H

#include "lib/Frontend/Import/Blockers.h"
#include "lib/Frontend/Import/ModelBuilder.h"
#include "lib/Frontend/ONNX/LoopParts.h"
#include "lib/Frontend/ONNX/ONNX.h"
#include "lib/Frontend/ONNX/OpTable.h"

#include "llvm/ADT/SmallPtrSet.h"

namespace nnc::onnx {

/// Versions of the operator domains that a model or a function imports.
using Opsets = llvm::StringMap<int64_t>;

/// Those of ai.onnx, too, are under the empty name.
Opsets readOpsets(const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &imports);

/// The values that names stand for; inner graphs see the outer ones.
class Scope {
public:
  explicit Scope(Scope *outer = nullptr) : outer(outer) {}
  /// Null where the name is not defined; `isPoisoned` tells whether its producer failed.
  GraphValue lookup(llvm::StringRef name) const;
  bool isPoisoned(llvm::StringRef name) const;
  bool isDefined(llvm::StringRef name) const;
  /// True where this scope itself, not an outer one, defines the name.
  bool isDefinedHere(llvm::StringRef name) const { return values.contains(name) || initializers.contains(name); }
  void define(llvm::StringRef name, GraphValue value) { values[name] = std::move(value); }
  void poison(llvm::StringRef name) { values[name] = GraphValue(); }
  /// A constant that becomes a value at its first use.
  void defineInitializer(const ::onnx::TensorProto &tensor) { initializers[tensor.name()] = &tensor; }
  const ::onnx::TensorProto *takeInitializer(llvm::StringRef name, Scope *&owner);

private:
  Scope *outer;
  llvm::StringMap<GraphValue> values;
  llvm::StringMap<const ::onnx::TensorProto *> initializers;
};

class GraphImporter {
public:
  GraphImporter(mlir::MLIRContext *context, std::shared_ptr<const ::onnx::ModelProto> model, std::string folder,
                const frontend::ImportOptions &options);

  /// The module, or null with the blockers recorded.
  mlir::OwningOpRef<mlir::ModuleOp> import(llvm::StringRef modelName);
  const frontend::Blockers &getBlockers() const { return blockers; }
  /// The inputs and outputs that are sequences, maps or optionals, of which the module has the tensors.
  llvm::ArrayRef<std::string> getCompounds() const { return compounds; }

private:
  // Checks before anything is built.
  void checkOpsets(const Opsets &opsets);
  void findUnsupported(const google::protobuf::RepeatedPtrField<::onnx::NodeProto> &nodes, const Opsets &opsets,
                       unsigned depth);
  bool checkGraph(const ::onnx::GraphProto &graph);

  // Inputs and outputs of @main.
  bool fixSymbols();
  bool addInputs(frontend::ModelBuilder &main, Scope &scope);
  mlir::RankedTensorType getInputType(llvm::StringRef name, const ::onnx::TypeProto &type,
                                      llvm::SmallVectorImpl<std::string> &symbols);
  bool addOutputs(frontend::ModelBuilder &main, Scope &scope);
  // Of inputs and outputs that are no tensors (CompoundValues.cpp).
  void addCompound(llvm::StringRef name);
  bool checkElementCounts();
  GraphValue addCompoundInput(frontend::ModelBuilder &main, const ::onnx::ValueInfoProto &input);
  GraphValue addMapInput(frontend::ModelBuilder &main, const ::onnx::ValueInfoProto &input);
  bool addCompoundOutput(frontend::ModelBuilder &main, llvm::StringRef name, const GraphValue &value);

  // Nodes.
  using Nodes = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;
  bool importNodes(const Nodes &nodes, const Opsets &opsets, Scope &scope, unsigned depth);
  bool importNode(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth);
  /// The nodes of a function (FunctionImport.cpp).
  bool importFunction(const ::onnx::FunctionProto &function, const ::onnx::NodeProto &node, unsigned depth,
                      llvm::ArrayRef<GraphValue> operands, llvm::SmallVectorImpl<GraphValue> &results);
  bool importOp(const OpEntry &entry, const ::onnx::NodeProto &node, int64_t opset, unsigned depth,
                llvm::ArrayRef<GraphValue> operands, llvm::SmallVectorImpl<GraphValue> &results);
  GraphValue lookup(Scope &scope, llvm::StringRef name);
  bool defineInitializers(const ::onnx::GraphProto &graph, Scope &scope);
  llvm::Expected<mlir::Value> createConstant(mlir::Location loc, const ::onnx::TensorProto &tensor);

  // Nodes with graphs (RegionImport.cpp).
  bool importControlFlow(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                         llvm::ArrayRef<GraphValue> operands);
  bool importIf(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                llvm::ArrayRef<GraphValue> operands);
  bool importLoop(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                  llvm::ArrayRef<GraphValue> operands);
  bool importScan(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                  llvm::ArrayRef<GraphValue> operands);
  bool importBatchedScan(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                         llvm::ArrayRef<GraphValue> operands);
  llvm::SmallVector<GraphValue> getLoopInputs(const ::onnx::GraphProto &graph, mlir::Value number);
  // Unrolled ones (LoopUnrolling.cpp).
  bool isUnrolled(const LoopParts &parts, const Scope &scope);
  bool mayUnroll(const LoopParts &parts, int64_t numNodes, int64_t most);
  bool unrollLoop(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                  llvm::SmallVectorImpl<GraphValue> &results);
  /// Unrolled where that alone gives all that it carries a shape.
  bool importLoopOfTensors(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                           llvm::SmallVectorImpl<GraphValue> &results);
  bool alwaysChangesShape(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                          llvm::ArrayRef<mlir::Type> types, llvm::ArrayRef<unsigned> places);
  // Of sequences (SequenceLoops.cpp).
  bool importLoopOfSequences(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                             llvm::SmallVectorImpl<GraphValue> &results);
  bool importSequenceMap(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                         llvm::ArrayRef<GraphValue> operands);
  bool importFlexAttention(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth,
                           llvm::ArrayRef<GraphValue> operands);
  /// Gives `value` to the graph of an attribute, if there is one, and makes it that graph's result.
  bool applyGraph(const ::onnx::NodeProto &node, llvm::StringRef attribute, const Opsets &opsets, Scope &scope,
                  unsigned depth, mlir::Value &value);
  bool importLoopOp(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                    llvm::SmallVectorImpl<GraphValue> &results);
  /// One iteration, in `region`, of a loop whose body has arguments of these types: what its graph yields, a condition
  /// first, and the tensors that this is made of.
  bool importIteration(const LoopParts &parts, const Opsets &opsets, Scope &scope, unsigned depth,
                       llvm::ArrayRef<mlir::Type> types, mlir::Region &region, llvm::SmallVectorImpl<GraphValue> &yielded,
                       llvm::SmallVectorImpl<mlir::Value> &values);
  bool importBody(const ::onnx::GraphProto &graph, const Opsets &opsets, Scope &scope, unsigned depth,
                  llvm::SmallVectorImpl<GraphValue> &results);
  bool importRegion(const ::onnx::GraphProto &graph, const Opsets &opsets, Scope &outer, unsigned depth,
                    llvm::ArrayRef<mlir::Type> argumentTypes, mlir::Region &region,
                    llvm::SmallVectorImpl<GraphValue> &results, RegionPrologue prologue = nullptr);

  const ::onnx::FunctionProto *findFunction(const ::onnx::NodeProto &node) const;
  void block(const ::onnx::NodeProto &node, int64_t opset, const llvm::Twine &reason);
  void blockModel(const llvm::Twine &reason);

  mlir::OpBuilder builder;
  mlir::Block *entry = nullptr; ///< of @main
  std::shared_ptr<const ::onnx::ModelProto> model;
  frontend::ShapeOverrides shapes;
  const llvm::StringMap<int64_t> &elementCounts; ///< of inputs that are sequences or optionals
  TensorReader tensors;
  frontend::Blockers blockers{"node"};
  std::vector<std::string> compounds;
  llvm::DenseSet<const ::onnx::FunctionProto *> checkedFunctions;
  int64_t numImportedNodes = 0;
  int64_t numUnrolledNodes = 0;
  bool triesExtents = false; ///< whether what is imported is thrown away
  llvm::StringMap<int64_t> declaredRanks; ///< of values of the main graph
  /// Those of opset 8 without the axis of the batch; whether their last operand is the length of the sequence.
  llvm::SmallDenseMap<const ::onnx::NodeProto *, bool> unbatchedScans;
};

} // namespace nnc::onnx

#endif // LIB_FRONTEND_ONNX_GRAPHIMPORTER_H
