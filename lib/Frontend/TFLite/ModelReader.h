// From a file to its checked tables, and from its tensors to types and constants.
//
// A file is hostile: before anything is read the FlatBuffer is verified, and all
// indices between its tables are checked once, so that nobody else has to.
#ifndef LIB_FRONTEND_TFLITE_MODELREADER_H
#define LIB_FRONTEND_TFLITE_MODELREADER_H

#include "lib/Frontend/Import/ModelFiles.h"
#include "lib/Frontend/TFLite/Format.h"
#include "lib/Frontend/TFLite/Metadata.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Error.h"

#include <cstring>

namespace nnc::tflite {

/// The elements of a vector that a table may lack. A verified vector begins at a multiple of four bytes.
template <typename T> llvm::ArrayRef<T> getElements(const flatbuffers::Vector<T> *vector) {
  static_assert(alignof(T) <= alignof(flatbuffers::uoffset_t));
  return vector ? llvm::ArrayRef<T>(vector->data(), vector->size()) : llvm::ArrayRef<T>();
}

/// Larger elements may lie anywhere in a hostile file.
inline llvm::SmallVector<int64_t> getElements(const flatbuffers::Vector<int64_t> *vector) {
  llvm::SmallVector<int64_t> elements(vector ? vector->size() : 0);
  if (vector)
    std::memcpy(elements.data(), vector->Data(), elements.size() * sizeof(int64_t));
  return elements;
}

/// The text of a string that a table may lack.
inline llvm::StringRef getText(const flatbuffers::String *text) {
  return text ? llvm::StringRef(text->c_str(), text->size()) : llvm::StringRef();
}

/// Whether the elements of a tensor are integers that stand for numbers. (Those of i32 are biases: sums of products.)
bool isQuantized(const format::Tensor &tensor);

/// The element type of a tensor; null where nnc has none.
mlir::Type getElementType(mlir::MLIRContext *context, format::TensorType type);

class ModelReader {
public:
  /// The verified tables of `file`; an error says what is wrong with it.
  static llvm::Expected<ModelReader> open(const frontend::ModelFile &file);

  /// A graph; the main one is the first.
  const format::SubGraph &getGraph(unsigned number) const { return *model->subgraphs()->Get(number); }
  bool hasGraph(int64_t number) const { return number >= 0 && number < model->subgraphs()->size(); }
  /// The numbers of the graphs that an operator runs, as the file has them.
  static llvm::SmallVector<int64_t> getGraphsOf(const format::Operator &op);
  /// The code of an operator of the graph.
  const format::OperatorCode &getCode(const format::Operator &op) const {
    return *model->operator_codes()->Get(op.opcode_index());
  }
  static format::BuiltinOperator getOperator(const format::OperatorCode &code);

  /// What the file says of raw numbers and of classes.
  Metadata getMetadata() const;

  /// The extents of a tensor, open ones as ShapedType::kDynamic.
  static llvm::SmallVector<int64_t> getShape(const format::Tensor &tensor);
  /// Whether the file has the elements of a tensor.
  bool isConstant(const format::Tensor &tensor) const;
  /// The elements of a constant.
  llvm::Expected<mlir::ElementsAttr> read(mlir::MLIRContext *context, const format::Tensor &tensor) const;

private:
  ModelReader(const frontend::ModelFile &file, const format::Model *model) : file(file), model(model) {}
  llvm::Error check() const;
  llvm::Error checkGraph(const format::SubGraph &graph) const;
  llvm::Expected<llvm::StringRef> getBytes(const format::Tensor &tensor) const;

  frontend::ModelFile file;
  const format::Model *model;
};

} // namespace nnc::tflite

#endif // LIB_FRONTEND_TFLITE_MODELREADER_H
