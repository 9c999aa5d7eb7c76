// Layers of the reduction family.
#include "lib/Frontend/Caffe/LayerTable.h"

using namespace mlir;

namespace nnc::caffe {

/// Over all axes from `axis` on.
static LogicalResult importReduction(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  const format::ReductionParam &param = layer.get().reduction_param();
  int64_t rank = layer.getRank(x), axis = rank ? layer.getAxis(param.axis(), x) : 0;
  if (layer.failed())
    return failure();
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(axis, rank));
  nn::ReductionKind kind = nn::ReductionKind::Sum;
  if (param.operation() == format::ReductionParam::ASUM)
    kind = nn::ReductionKind::SumAbs;
  else if (param.operation() == format::ReductionParam::SUMSQ)
    kind = nn::ReductionKind::SumSquare;
  else if (param.operation() == format::ReductionParam::MEAN)
    kind = nn::ReductionKind::Mean;
  Value result = layer.create<nn::ReduceOp>(x, kind, axes, /*keepdims=*/false);
  if (param.coeff() != 1)
    result = layer.create<nn::MulOp>(result, layer.number(param.coeff()));
  return layer.result(result);
}

/// The largest elements; of equal ones the last comes first, so the search runs from the end.
static LogicalResult importArgMax(LayerBinder &layer) {
  Value x = layer.bottom(0);
  if (layer.failed())
    return failure();
  const format::ArgMaxParam &param = layer.get().argmax_param();
  int64_t rank = layer.getRank(x), count = param.top_k(), images = rank ? layer.getShape(x)[0] : 1, axis = 1;
  if (param.has_axis())
    axis = layer.getAxis(param.axis(), x);
  else if (rank)
    x = layer.reshape(x, {images, layer.getType(x).getNumElements() / images});
  if (layer.failed())
    return failure();
  if (rank < 1)
    return layer.reject("its bottom needs at least one axis");
  int64_t extent = layer.getShape(x)[axis];
  if (count < 1 || count > extent)
    return layer.reject("top_k must be between 1 and " + Twine(extent));
  Value reversed = layer.create<nn::ReverseOp>(x, ArrayRef<int64_t>{axis});
  SmallVector<Value> found = layer.createAll<nn::TopKOp>(2, reversed, layer.ints({count}), axis, /*smallest=*/false);
  if (layer.failed())
    return failure();
  Value values = found[0], indices = layer.create<nn::CastOp>(found[1], layer.getBuilder().getF32Type());
  indices = layer.create<nn::SubOp>(layer.number(extent - 1), indices);
  if (param.has_axis())
    return layer.result(param.out_max_val() ? values : indices);
  SmallVector<int64_t> shape(std::max<int64_t>(rank, 3), 1);
  shape[0] = images;
  shape[2] = count;
  if (!param.out_max_val())
    return layer.result(layer.reshape(indices, shape));
  Value both = layer.create<nn::ConcatOp>(
      ValueRange{layer.reshape(indices, {images, 1, count}), layer.reshape(values, {images, 1, count})}, 1);
  shape[1] = 2;
  return layer.result(layer.reshape(both, shape));
}

static const LayerEntry table[] = {{"ArgMax", importArgMax}, {"Reduction", importReduction}};

ArrayRef<LayerEntry> getReductionLayers() { return table; }

} // namespace nnc::caffe
