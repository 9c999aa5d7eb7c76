// A model as its configuration describes it, whatever generation of Keras wrote that: layers, and how they are called.
#ifndef LIB_FRONTEND_KERAS_GRAPH_H
#define LIB_FRONTEND_KERAS_GRAPH_H

#include "lib/Frontend/Hdf5/Hdf5File.h"
#include "lib/Frontend/Keras/Parameters.h"

#include <memory>
#include <string>
#include <vector>

namespace nnc::keras {

using frontend::Hdf5Dataset;
using frontend::Hdf5File;

/// A result of a call of a layer of the same graph.
struct TensorRef {
  unsigned layer = 0, call = 0, result = 0;
};

/// An argument of a call: a tensor, a list in which there are tensors, or any other value.
struct Argument {
  enum Kind { Constant, Tensor, List } kind = Constant;
  TensorRef tensor;
  std::vector<Argument> items;
  const llvm::json::Value *constant = nullptr;
};

/// One place where a layer is called (a node, as Keras says).
struct Call {
  std::vector<Argument> positional;
  std::vector<std::pair<std::string, Argument>> named;
};

struct Graph;

struct Layer {
  std::string name, className;
  /// An operation of keras.ops, which is not a layer and has no weights.
  bool isOperation = false;
  /// Of the layer itself; false makes all its weights come after those of trainable layers.
  bool isTrainable = true;
  const llvm::json::Object *config = nullptr;
  std::vector<Call> calls;
  /// The layers of a model, or those that a wrapper holds: with the name of the member that holds them.
  std::unique_ptr<Graph> graph;
  std::vector<std::pair<std::string, std::unique_ptr<Layer>>> inner;
  /// One for each weight that the layer's class has; null: not in the file.
  std::vector<const Hdf5Dataset *> weights;
  /// The layer's place in an archive, which ends with a slash; empty in other files.
  std::string path;
  /// Why the weights do not fit; empty where they do.
  std::string weightProblem;

  Parameters parameters() const { return Parameters(*config); }
  bool isInput() const { return className == "InputLayer"; }
};

struct Graph {
  std::string name;
  bool isSequential = false;
  std::vector<std::unique_ptr<Layer>> layers;
  std::vector<TensorRef> inputs;
  struct Output {
    std::string key; ///< in a dictionary of outputs, else empty
    TensorRef tensor;
  };
  std::vector<Output> outputs;
};

/// Whether a class is a model with layers of its own.
bool isModelClass(llvm::StringRef className);
/// Reads a model {"class_name": "Functional", "config": ...}, which must live as long as the graph.
llvm::Expected<std::unique_ptr<Graph>> readGraph(const llvm::json::Value &model);

/// Finds the datasets of all weights, in the groups of the layers' names (.h5).
void joinByName(Graph &graph, const Hdf5File &file, llvm::StringRef root);
/// As above, by classes and the order of layers (.keras).
void joinByPath(Graph &graph, const Hdf5File &file);

} // namespace nnc::keras

#endif // LIB_FRONTEND_KERAS_GRAPH_H
