// A sparse constant becomes zeros into which its values are scattered; that is
// computed once, with the other constants.
#include "lib/Frontend/ONNX/SparseConstants.h"

#include "dialects/NN/ConstantFolding.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/ONNX/GraphImporter.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

static constexpr int64_t mostElements = int64_t(1) << 28;

static ElementsAttr readPart(NodeBuilder &node, TensorReader &tensors, const ::onnx::TensorProto &tensor) {
  auto elements = tensors.read(tensor);
  if (elements)
    return *elements;
  (void)node.reject("its sparse tensor: " + llvm::toString(elements.takeError()));
  return {};
}

/// The places of the values in the flattened tensor: the file has those, or the tuples of their coordinates, in
/// ascending order. Nothing where they are not in the tensor.
static std::optional<SmallVector<int64_t>> findPlaces(ArrayRef<int64_t> indices, bool hasTuples, ArrayRef<int64_t> shape,
                                                      int64_t numElements) {
  SmallVector<int64_t> places;
  size_t rank = hasTuples ? shape.size() : 1;
  for (size_t i = 0; i < indices.size(); i += rank) {
    int64_t place = 0;
    for (size_t k = 0; k < rank; ++k) {
      int64_t index = indices[i + k], extent = hasTuples ? shape[k] : numElements;
      if (index < 0 || index >= extent)
        return std::nullopt;
      place = place * extent + index;
    }
    if (!places.empty() && place <= places.back())
      return std::nullopt;
    places.push_back(place);
  }
  return places;
}

Value createDense(NodeBuilder &node, TensorReader &tensors, const ::onnx::SparseTensorProto &sparse) {
  SmallVector<int64_t> shape(sparse.dims().begin(), sparse.dims().end());
  std::optional<int64_t> numElements = frontend::countElements(shape);
  if (shape.empty() || !numElements || *numElements > mostElements) {
    (void)node.reject("its sparse tensor has no extents, or is too large");
    return {};
  }
  ElementsAttr values = readPart(node, tensors, sparse.values()), indices = readPart(node, tensors, sparse.indices());
  if (node.failed())
    return {};
  auto type = cast<RankedTensorType>(values.getType()), indexType = cast<RankedTensorType>(indices.getType());
  int64_t numValues = type.getRank() == 1 ? type.getDimSize(0) : -1;
  bool hasTuples = indexType.getRank() == 2;
  SmallVector<int64_t> expected{numValues};
  if (hasTuples)
    expected.push_back(shape.size());
  DenseElementsAttr known = nn::getDenseConstant(indices, mostElements);
  if (!indexType.getElementType().isInteger(64) || indexType.getShape() != ArrayRef(expected) || !known) {
    (void)node.reject("its sparse tensor does not have an index for each value");
    return {};
  }
  std::optional<SmallVector<int64_t>> places =
      findPlaces(llvm::to_vector(known.getValues<int64_t>()), hasTuples, shape, *numElements);
  if (!places) {
    (void)node.reject("its sparse tensor has an index that is out of range or not above the one before");
    return {};
  }
  Value zero = node.scalar(type.getElementType(), 0);
  Value zeros = node.create<nn::FillOp>(node.ints({*numElements}), zero);
  Value dense = node.create<nn::ScatterNDOp>(zeros, Expression::ints(node, *places).reshape({numValues, 1}),
                                             node.constant(values), nn::ScatterReduction::None);
  return node.create<nn::ReshapeOp>(dense, node.ints(shape), /*allow_zero=*/true);
}

bool GraphImporter::defineInitializers(const ::onnx::GraphProto &graph, Scope &scope) {
  for (const auto &initializer : graph.initializer())
    scope.defineInitializer(initializer);
  for (const auto &sparse : graph.sparse_initializer()) {
    const std::string &name = sparse.values().name();
    NodeBuilder node(builder, NameLoc::get(builder.getStringAttr(name)));
    Value dense = createDense(node, tensors, sparse);
    if (node.failed()) {
      blockModel("initializer '" + name + "': " + node.getReason());
      return false;
    }
    scope.define(name, dense);
  }
  return true;
}

} // namespace nnc::onnx
