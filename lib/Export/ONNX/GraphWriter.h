// The graph being written: names of values, weights, nodes.
#ifndef LIB_EXPORT_ONNX_GRAPHWRITER_H
#define LIB_EXPORT_ONNX_GRAPHWRITER_H

#include "dialects/NN/NN.h"
#include "lib/Support/OnnxProto.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <memory>
#include <string>
#include <utility>
#include <variant>

namespace nnc::onnx_export {

/// An attribute of an ONNX node.
struct Attribute {
  Attribute(llvm::StringRef name, int64_t value) : name(name), data(value) {}
  Attribute(llvm::StringRef name, float value) : name(name), data(value) {}
  Attribute(llvm::StringRef name, std::string value) : name(name), data(std::move(value)) {}
  Attribute(llvm::StringRef name, llvm::ArrayRef<int64_t> values) : name(name), data(values.vec()) {}
  Attribute(llvm::StringRef name, std::vector<float> values) : name(name), data(std::move(values)) {}
  Attribute(llvm::StringRef name, std::vector<std::string> values) : name(name), data(std::move(values)) {}
  Attribute(llvm::StringRef name, std::shared_ptr<::onnx::GraphProto> graph) : name(name), data(std::move(graph)) {}
  Attribute(llvm::StringRef name, std::shared_ptr<::onnx::TensorProto> tensor) : name(name), data(std::move(tensor)) {}
  llvm::StringRef name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>, std::vector<std::string>,
               std::shared_ptr<::onnx::GraphProto>, std::shared_ptr<::onnx::TensorProto>>
      data;
};

using Names = llvm::ArrayRef<std::string>;
using Attributes = llvm::ArrayRef<Attribute>;

/// Names are unique in the graph; those of inputs and outputs are the model's own.
class GraphWriter {
public:
  GraphWriter(::onnx::ModelProto &model, int64_t opset)
      : model(model), root(*model.mutable_graph()), graph(&root), opset(opset) {}

  int64_t getOpset() const { return opset; }
  /// The model, whose graph is being written.
  ::onnx::ModelProto &getModel() { return model; }
  /// Declares @main's arguments and results, and reserves their names.
  llvm::LogicalResult declare(mlir::func::FuncOp main);
  /// The results that no node could be named for: arguments, constants, values returned twice.
  void passThrough(mlir::func::FuncOp main);

  /// The name of a value; a constant becomes an initializer at its first use. "" for null.
  std::string getName(mlir::Value value);
  /// The name that a value has already, else "".
  std::string findName(mlir::Value value) const { return names.lookup(value); }
  std::string makeUnique(llvm::StringRef wanted);
  /// A 1-D i64 initializer.
  std::string addInts(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  /// An initializer.
  std::string addConstant(llvm::StringRef name, mlir::ElementsAttr elements);
  /// Makes a constant that no value of the module is stand for `value`; false where that has a name already.
  bool defineConstant(mlir::Value value, mlir::RankedTensorType type, std::string bytes);
  /// `domain`: "" for ONNX's own operators; the model imports `domainVersion` of another.
  void addNode(llvm::StringRef type, llvm::StringRef name, Names inputs, Names outputs, Attributes attributes,
               llvm::StringRef domain = "", int64_t domainVersion = 1);

  //===--- Graphs in nodes ---===//

  /// From now on nodes go into `inner`, which sees all names around it, until the graph before comes back.
  ::onnx::GraphProto *exchangeGraph(::onnx::GraphProto *inner) { return std::exchange(graph, inner); }
  /// An input of the graph that is being written, the name of `value` where that is not null.
  std::string addInput(llvm::StringRef name, mlir::RankedTensorType type, mlir::Value value = {});
  /// An output of the graph that is being written.
  void addOutput(llvm::StringRef name, mlir::RankedTensorType type);

private:
  std::string addBytes(llvm::StringRef name, mlir::RankedTensorType type, std::string bytes);

  ::onnx::ModelProto &model;
  ::onnx::GraphProto &root;  ///< which has all constants
  ::onnx::GraphProto *graph; ///< to which nodes are added
  int64_t opset;
  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::StringMap<unsigned> used;
  llvm::StringMap<unsigned> usedNodes;
};

/// ONNX's number of an element type; 0 where it has none.
int32_t getDataType(mlir::Type type);

/// Elements in memory order, as raw_data has them.
std::string getRawData(mlir::ElementsAttr elements);

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_GRAPHWRITER_H
