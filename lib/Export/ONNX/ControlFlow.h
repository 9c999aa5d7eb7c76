// Graphs in nodes.
#ifndef LIB_EXPORT_ONNX_CONTROLFLOW_H
#define LIB_EXPORT_ONNX_CONTROLFLOW_H

#include "lib/Export/ONNX/OpWriter.h"

namespace nnc::onnx_export {

/// As long as one lives, nodes go into a graph that will be a node's attribute.
class InnerGraph {
public:
  InnerGraph(OpWriter &writer, llvm::StringRef name);
  InnerGraph(const InnerGraph &) = delete;
  InnerGraph &operator=(const InnerGraph &) = delete;
  ~InnerGraph();

  /// The next output: a tensor of this graph or of one around it.
  void addOutput(const std::string &name, mlir::RankedTensorType type);
  std::shared_ptr<::onnx::GraphProto> getGraph() const { return graph; }

private:
  OpWriter &writer;
  std::shared_ptr<::onnx::GraphProto> graph;
  ::onnx::GraphProto *outer;
};

} // namespace nnc::onnx_export

#endif // LIB_EXPORT_ONNX_CONTROLFLOW_H
