// TFLite_Detection_PostProcess: what stands at the end of SSD networks. Boxes are decoded from their anchors, of those that
// overlap the ones of lower scores are left out.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

namespace {

/// The options, and what follows from them.
struct Detection {
  int64_t most;       ///< boxes
  int64_t perBox;     ///< classes that a box of the result has at most
  int64_t perClass;   ///< boxes, where each class is looked at by itself
  int64_t numClasses; ///< without the background
  Value overlap, score;

  int64_t getRows() const { return most * perBox; }
};

/// Boxes of the result: a row for each, and as many as count.
struct Chosen {
  Expression boxes, classes, scores, count;
};

} // namespace

/// The largest number below, of f32.
static float below(double number) {
  return std::nextafter(static_cast<float>(number), -std::numeric_limits<float>::infinity());
}

static Detection bindDetection(OpBinder &op) {
  Detection detection{};
  detection.most = op.customInt("max_detections", 1);
  detection.perBox = op.customInt("max_classes_per_detection", 1);
  detection.perClass = op.customInt("detections_per_class", 1, 100);
  detection.numClasses = op.customInt("num_classes", 1);
  double overlap = op.customNumber("nms_iou_threshold"), score = op.customNumber("nms_score_threshold");
  if (!(overlap > 0 && overlap <= 1) || detection.getRows() > (1 << 20))
    (void)op.reject("its options are out of range");
  detection.overlap = op.floats({1}, {static_cast<float>(overlap)});
  detection.score = op.floats({1}, {below(score)}); // a score is taken that equals it
  return detection;
}

/// Corners (y, x, y, x) of boxes that are given by centre and size, in units of anchors: (1, boxes, 4).
static Expression decodeBoxes(OpBinder &op, Expression encoded, Expression anchors) {
  auto part = [](Expression x, int64_t i) { return x.slice(x.getRank() - 1, i, i + 1); };
  auto decode = [&](int64_t place, const char *centreScale, const char *sizeScale) {
    double centre = op.customNumber(centreScale), size = op.customNumber(sizeScale);
    if (!(centre > 0 && size > 0))
      (void)op.reject("a scale is not positive");
    Expression middle = part(encoded, place) / centre * part(anchors, place + 2) + part(anchors, place);
    Expression half = (part(encoded, place + 2) / size).unary<nn::ExpOp>() * part(anchors, place + 2) * 0.5;
    return std::pair(middle - half, middle + half);
  };
  auto [top, bottom] = decode(0, "y_scale", "h_scale");
  auto [left, right] = decode(1, "x_scale", "w_scale");
  return op.failed() ? Expression() : Expression::concat(op, {top, left, bottom, right}, 2);
}

/// The first `count` rows of x, (rows, ...), with zeros behind them.
static Expression takeRows(OpBinder &op, Expression x, int64_t count) {
  if (op.failed())
    return {};
  Value pads = op.ints({0, count});
  Expression longer(op, op.create<nn::PadOp>(x, pads, Value(), ArrayRef<int64_t>{0}, nn::PadMode::Constant));
  SmallVector<int64_t> shape(x.getRank(), 0); // 0 keeps an extent
  shape[0] = count;
  return longer.slice(0, 0, count).reshape(shape);
}

/// Looks at the best class of each box only, and gives the best classes of those that it chooses.
static Chosen chooseByBestClass(OpBinder &op, const Detection &detection, Expression boxes, Expression scores) {
  Expression best = scores.reduce(nn::ReductionKind::Max, {2}, /*keepdims=*/false).unsqueeze({1});
  Expression rows(op, op.create<nn::NonMaxSuppressionOp>(boxes, best, op.ints({detection.most}), detection.overlap,
                                                         detection.score, /*center_point_box=*/false));
  Expression place = rows.slice(1, 2, 3).squeeze({1});
  SmallVector<Value> order = op.createAll<nn::TopKOp>(2, scores.squeeze({0}).gather(place, 0), op.ints({detection.perBox}),
                                                      /*axis=*/int64_t(1), /*smallest=*/false);
  if (op.failed())
    return {};
  Chosen chosen;
  Expression copies = Expression::concat(op, {rows.extent(0), Expression::ints(op, {detection.perBox, 4})}, 0);
  chosen.boxes = boxes.squeeze({0}).gather(place, 0).unsqueeze({1}).broadcast(copies).reshape({-1, 4});
  chosen.scores = Expression(op, order[0]).reshape(ArrayRef<int64_t>{-1});
  chosen.classes = Expression(op, order[1]).reshape(ArrayRef<int64_t>{-1});
  chosen.count = rows.extent(0);
  return chosen;
}

/// Looks at each class by itself, and gives the best boxes of all classes.
static Chosen chooseOfEachClass(OpBinder &op, const Detection &detection, Expression boxes, Expression scores) {
  int64_t perClass = std::min(detection.perClass, boxes.getExtent(1)), most = detection.numClasses * perClass;
  Expression turned = scores.transpose({0, 2, 1});
  Expression rows(op, op.create<nn::NonMaxSuppressionOp>(boxes, turned, op.ints({perClass}), detection.overlap,
                                                         detection.score, /*center_point_box=*/false));
  Expression found(op, op.create<nn::GatherNDOp>(turned, rows, /*batch_dims=*/int64_t(0)));
  if (op.failed())
    return {};
  int64_t length = std::max(most, detection.most);
  Expression isThere = Expression::range(Expression::ints(op, {length})) < rows.extent(0);
  Expression all = takeRows(op, found, length), places = takeRows(op, rows, length);
  all = isThere.choose(all, all.like(std::numeric_limits<float>::lowest()));
  SmallVector<Value> order = op.createAll<nn::TopKOp>(2, all, op.ints({detection.most}), /*axis=*/int64_t(0),
                                                      /*smallest=*/false);
  if (op.failed())
    return {};
  Chosen chosen;
  Expression place(op, order[1]), counts = rows.extent(0).min(Expression::ints(op, {detection.most}));
  Expression isChosen = Expression::range(Expression::ints(op, {detection.most})) < counts;
  auto keep = [&](Expression x) {
    Expression condition = x.getRank() > 1 ? isChosen.unsqueeze({1}) : isChosen;
    return condition.choose(x, x.like(0));
  };
  Expression taken = places.gather(place, 0);
  chosen.boxes = keep(boxes.squeeze({0}).gather(taken.slice(1, 2, 3).squeeze({1}), 0));
  chosen.classes = keep(taken.slice(1, 1, 2).squeeze({1}));
  chosen.scores = keep({op, order[0]});
  chosen.count = counts;
  return chosen;
}

static LogicalResult importDetection(OpBinder &op) {
  dequantizeWeights(op); // all operands that are quantised
  Expression encoded(op, op.operand(0)), scores(op, op.operand(1)), anchors(op, op.operand(2));
  Detection detection = bindDetection(op);
  bool isRegular = op.customNumber("use_regular_nms", 0) != 0;
  if (!isRegular && detection.perBox > detection.numClasses)
    return op.reject("its boxes have fewer classes than it is to give"); // it leaves gaps in its results then
  if (op.failed())
    return failure();
  Type f32 = op.getBuilder().getF32Type();
  if (encoded.getRank() != 3 || scores.getRank() != 3 || anchors.getRank() != 2 || encoded.getElementType() != f32 ||
      scores.getElementType() != f32 || anchors.getElementType() != f32)
    return op.reject("its operands must be floats of three, three and two axes");
  int64_t count = anchors.getExtent(0), background = scores.getExtent(2) - detection.numClasses;
  if (encoded.getExtent(0) != 1 || scores.getExtent(0) != 1 || encoded.getExtent(1) != count ||
      scores.getExtent(1) != count || encoded.getExtent(2) < 4 || anchors.getExtent(1) != 4 || count < 1 || background < 0 ||
      background > 1)
    return op.reject("the shapes of its operands do not fit each other, its options, or one image");
  Expression boxes = decodeBoxes(op, encoded, anchors), known = scores.slice(2, background, scores.getExtent(2));
  if (op.failed())
    return failure();
  Chosen chosen = isRegular ? chooseOfEachClass(op, detection, boxes, known) : chooseByBestClass(op, detection, boxes, known);
  if (op.failed())
    return failure();
  auto give = [&](Expression x) { return op.result(takeRows(op, x.cast(f32), detection.getRows()).unsqueeze({0})); };
  if (failed(give(chosen.boxes)) || failed(give(chosen.classes)) || failed(give(chosen.scores)))
    return failure();
  return op.result(chosen.count.cast(f32));
}

static const CustomEntry table[] = {
    {"TFLite_Detection_PostProcess", {format::BuiltinOperator::CUSTOM, importDetection, importDetection}},
};

ArrayRef<CustomEntry> getDetectionOps() { return table; }

} // namespace nnc::tflite
