// The graph being written: names of values, weights, nodes.
#ifndef LIB_EXPORT_ONNX_GRAPHWRITER_H
#define LIB_EXPORT_ONNX_GRAPHWRITER_H

#include "dialects/NN/NN.h"
#include "lib/Support/OnnxProto.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

#include <string>
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
  llvm::StringRef name;
  std::variant<int64_t, float, std::string, std::vector<int64_t>, std::vector<float>, std::vector<std::string>> data;
};

using Names = llvm::ArrayRef<std::string>;
using Attributes = llvm::ArrayRef<Attribute>;

/// Names are unique in the graph; those of inputs and outputs are the model's own.
class GraphWriter {
public:
  GraphWriter(::onnx::GraphProto &graph, int64_t opset) : graph(graph), opset(opset) {}

  int64_t getOpset() const { return opset; }
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
  void addNode(llvm::StringRef type, llvm::StringRef name, Names inputs, Names outputs, Attributes attributes);

private:
  ::onnx::GraphProto &graph;
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
