// Losses and accuracy of networks whose labels are inputs. Where labels come from
// a data layer, these layers are left out.
#include "lib/Frontend/Caffe/LayerTable.h"

using namespace mlir;

namespace nnc::caffe {

/// Sum of all elements, a scalar.
static Value sumAll(LayerBinder &layer, Value x) {
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, layer.getRank(x)));
  return layer.create<nn::ReduceOp>(x, nn::ReductionKind::Sum, axes, /*keepdims=*/false);
}

static Value divide(LayerBinder &layer, Value x, double by) { return layer.create<nn::DivOp>(x, layer.number(by)); }

static Value asFloat(LayerBinder &layer, Value x) {
  return layer.create<nn::CastOp>(x, layer.getBuilder().getF32Type());
}

/// Sum of squared differences, halved, per image.
static LogicalResult importEuclideanLoss(LayerBinder &layer) {
  Value x = layer.bottom(0), y = layer.bottom(1);
  if (layer.failed())
    return failure();
  if (layer.getType(x).getNumElements() != layer.getType(y).getNumElements() || layer.getRank(x) < 1)
    return layer.reject("its bottoms differ in size");
  Value difference = layer.create<nn::SubOp>(x, layer.reshape(y, layer.getShape(x)));
  Value squares = layer.create<nn::MulOp>(difference, difference);
  return layer.result(divide(layer, sumAll(layer, squares), 2.0 * layer.getShape(x)[0]));
}

/// The labels of `count` positions as one-hot rows: (count, classes).
static Value makeOneHot(LayerBinder &layer, Value labels, int64_t count, int64_t classes) {
  Value indices = layer.create<nn::CastOp>(layer.reshape(labels, {count}), layer.getBuilder().getI64Type());
  return layer.create<nn::OneHotOp>(indices, layer.ints({classes}), layer.floats({2}, {0, 1}), 1);
}

/// max(0, 1 - t * x) with t = 1 for the label and -1 for the others, or its square, per image.
static LogicalResult importHingeLoss(LayerBinder &layer) {
  Value x = layer.bottom(0), labels = layer.bottom(1);
  if (layer.failed())
    return failure();
  int64_t images = layer.getRank(x) ? layer.getShape(x)[0] : 1;
  int64_t classes = layer.getType(x).getNumElements() / images;
  if (layer.getType(labels).getNumElements() != images)
    return layer.reject("needs one label per image");
  Value target = layer.create<nn::SubOp>(
      layer.create<nn::MulOp>(makeOneHot(layer, labels, images, classes), layer.number(2)), layer.number(1));
  Value margin = layer.create<nn::MulOp>(target, layer.reshape(x, {images, classes}));
  margin = layer.create<nn::ReluOp>(layer.create<nn::SubOp>(layer.number(1), margin));
  if (layer.get().hinge_loss_param().norm() == format::HingeLossParam::L2)
    margin = layer.create<nn::MulOp>(margin, margin);
  return layer.result(divide(layer, sumAll(layer, margin), images));
}

/// A loss that counts every label: the normalisations that need no count of the ignored ones.
static std::optional<int64_t> getNormalizer(LayerBinder &layer, int64_t images, int64_t positions, bool validIsDefault) {
  const format::LossParam &param = layer.get().loss_param();
  if (param.has_ignore_label()) {
    (void)layer.reject("ignore_label is not supported");
    return std::nullopt;
  }
  auto mode = param.normalization();
  if (!param.has_normalization())
    mode = param.has_normalize() ? (param.normalize() ? format::LossParam::VALID : format::LossParam::BATCH_SIZE)
                                 : (validIsDefault ? format::LossParam::VALID : format::LossParam::BATCH_SIZE);
  if (mode == format::LossParam::NONE)
    return 1;
  return mode == format::LossParam::BATCH_SIZE ? images : positions;
}

/// -log of the label's probability, summed and divided.
static LogicalResult importSoftmaxWithLoss(LayerBinder &layer) {
  Value x = layer.bottom(0), labels = layer.bottom(1);
  if (layer.failed())
    return failure();
  int64_t axis = layer.getAxis(layer.get().softmax_param().axis(), x);
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  int64_t outer = 1, inner = 1, classes = shape[axis];
  for (int64_t extent : shape.take_front(axis))
    outer *= extent;
  for (int64_t extent : shape.drop_front(axis + 1))
    inner *= extent;
  if (layer.getType(labels).getNumElements() != outer * inner)
    return layer.reject("needs one label per position");
  auto normalizer = getNormalizer(layer, outer, outer * inner, /*validIsDefault=*/true);
  if (!normalizer)
    return failure();
  Value logarithms = layer.create<nn::LogSoftmaxOp>(layer.reshape(x, {outer, classes, inner}), 1);
  Value oneHot = makeOneHot(layer, labels, outer * inner, classes); // (outer * inner, classes)
  oneHot = layer.create<nn::TransposeOp>(layer.reshape(oneHot, {outer, inner, classes}), ArrayRef<int64_t>{0, 2, 1});
  // A probability below the least normal number counts as that.
  Value clipped = layer.create<nn::MaxOp>(logarithms, layer.number(-87.3365447505531));
  Value sum = sumAll(layer, layer.create<nn::MulOp>(clipped, oneHot));
  if (failed(layer.result(divide(layer, layer.create<nn::NegOp>(sum), *normalizer))))
    return failure();
  return layer.getNumTops() > 1 ? layer.result(layer.create<nn::SoftmaxOp>(x, axis)) : success();
}

/// x * (t - [x >= 0]) - log(1 + exp(x - 2 * x * [x >= 0])), negated and summed
static LogicalResult importSigmoidCrossEntropyLoss(LayerBinder &layer) {
  Value x = layer.bottom(0), target = layer.bottom(1);
  if (layer.failed())
    return failure();
  if (layer.getType(x).getNumElements() != layer.getType(target).getNumElements() || layer.getRank(x) < 1)
    return layer.reject("its bottoms differ in size");
  auto normalizer = getNormalizer(layer, layer.getShape(x)[0], layer.getType(x).getNumElements(), false);
  if (!normalizer)
    return failure();
  // max(x, 0) - x * t + log(1 + exp(-|x|)) is the same without overflow.
  Value product = layer.create<nn::MulOp>(x, layer.reshape(target, layer.getShape(x)));
  Value loss = layer.create<nn::SubOp>(layer.create<nn::ReluOp>(x), product);
  Value rest = layer.create<nn::SoftplusOp>(layer.create<nn::NegOp>(layer.create<nn::AbsOp>(x)));
  return layer.result(divide(layer, sumAll(layer, layer.create<nn::AddOp>(loss, rest)), *normalizer));
}

/// The part of positions whose label has fewer than top_k classes at least as large as it, itself not counted.
static LogicalResult importAccuracy(LayerBinder &layer) {
  Value x = layer.bottom(0), labels = layer.bottom(1);
  const format::AccuracyParam &param = layer.get().accuracy_param();
  if (layer.failed())
    return failure();
  int64_t axis = layer.getAxis(param.axis(), x);
  if (layer.failed())
    return failure();
  if (param.has_ignore_label() || layer.getNumTops() > 1)
    return layer.reject("ignore_label and accuracies per class are not supported");
  ArrayRef<int64_t> shape = layer.getShape(x);
  int64_t classes = shape[axis], positions = layer.getType(x).getNumElements() / classes;
  if (layer.getType(labels).getNumElements() != positions || param.top_k() < 1)
    return layer.reject("needs one label per position");
  SmallVector<int64_t> toLast = llvm::to_vector(llvm::seq<int64_t>(0, shape.size()));
  toLast.erase(toLast.begin() + axis);
  toLast.push_back(axis);
  Value rows = layer.reshape(layer.create<nn::TransposeOp>(x, toLast), {positions, classes});
  Value oneHot = makeOneHot(layer, labels, positions, classes);
  Value truth = layer.create<nn::ReduceOp>(layer.create<nn::MulOp>(rows, oneHot), nn::ReductionKind::Sum,
                                           ArrayRef<int64_t>{1}, /*keepdims=*/true);
  Value rivals = asFloat(layer, layer.create<nn::CompareOp>(rows, truth, nn::ComparePredicate::GreaterEqual));
  Value rank = layer.create<nn::ReduceOp>(rivals, nn::ReductionKind::Sum, ArrayRef<int64_t>{1}, /*keepdims=*/false);
  Value limit = layer.number(param.top_k());
  Value isHit = asFloat(layer, layer.create<nn::CompareOp>(rank, limit, nn::ComparePredicate::LessEqual));
  return layer.result(divide(layer, sumAll(layer, isHit), positions));
}

static const LayerEntry table[] = {
    {"Accuracy", importAccuracy},
    {"EuclideanLoss", importEuclideanLoss},
    {"HingeLoss", importHingeLoss},
    {"SigmoidCrossEntropyLoss", importSigmoidCrossEntropyLoss},
    {"SoftmaxWithLoss", importSoftmaxWithLoss},
};

ArrayRef<LayerEntry> getLossLayers() { return table; }

} // namespace nnc::caffe
