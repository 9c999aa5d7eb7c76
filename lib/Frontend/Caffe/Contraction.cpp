// Layers of the contraction family.
#include "lib/Frontend/Caffe/LayerTable.h"

using namespace mlir;

namespace nnc::caffe {

/// All axes from `axis` on are one vector; the weights are (outputs, inputs), or with `transpose` the other way round.
static LogicalResult importInnerProduct(LayerBinder &layer) {
  Value x = layer.bottom(0);
  const format::InnerProductParam &param = layer.get().inner_product_param();
  int64_t axis = x ? layer.getAxis(param.axis(), x) : 0, outputs = param.num_output();
  if (layer.failed())
    return failure();
  if (outputs < 1)
    return layer.reject("num_output must be positive");
  ArrayRef<int64_t> shape = layer.getShape(x);
  int64_t rows = layer.multiplyExtents(shape.take_front(axis)), inputs = layer.multiplyExtents(shape.drop_front(axis));
  if (ShapedType::isDynamic(inputs))
    return layer.reject("data decide how many inputs it has");
  SmallVector<int64_t> resultShape(shape.take_front(axis));
  resultShape.push_back(outputs);
  SmallVector<int64_t> weightShape = param.transpose() ? SmallVector<int64_t>{inputs, outputs}
                                                       : SmallVector<int64_t>{outputs, inputs};
  Value weights = layer.weight(0, weightShape, param.weight_filler());
  Value product = layer.create<nn::MatmulOp>(layer.reshape(x, {rows, inputs}), weights, /*transpose_lhs=*/false,
                                             /*transpose_rhs=*/!param.transpose());
  if (param.bias_term())
    product = layer.create<nn::AddOp>(product, layer.weight(1, {outputs}, param.bias_filler()));
  return layer.result(layer.reshape(product, resultShape));
}

static const LayerEntry table[] = {{"InnerProduct", importInnerProduct, OpenExtents::First}};

ArrayRef<LayerEntry> getContractionLayers() { return table; }

} // namespace nnc::caffe
