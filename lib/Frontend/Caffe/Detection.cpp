// SSD's DetectionOutput: boxes are decoded from the predictions for each prior box, those of high scores that overlap
// little are kept, and written as rows (image, label, score, xmin, ymin, xmax, ymax). How many rows, data decide.
//
// All of it is for a fixed number of candidates, of which a mask says what is kept; only the last step, which collects
// the rows, has an open extent. Rows are in the order of images, labels and falling scores. Without any detection in
// all images there is one row for each, (image, -1, -1, -1, -1, -1, -1), as SSD's Caffe has it.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Weights.h"

#include <cfloat>
#include <limits>

using namespace mlir;

namespace nnc::caffe {

using frontend::Expression;

namespace {

/// A DetectionOutput with its extents: images, prior boxes, classes, and the classes that have boxes of their own.
class DetectionOutput {
public:
  explicit DetectionOutput(LayerBinder &layer) : layer(layer), param(layer.get().detection_output_param()) {}

  LogicalResult check();
  Value build();

private:
  /// Candidates of all images and labels: scores (images, labels, candidates), boxes (images, labels * candidates, 4).
  struct Candidates {
    Expression scores, boxes;
  };

  Expression number(double value) { return {layer, layer.number(value)}; }
  Expression decode();
  Expression decodeCenters(Expression offsets, Expression begin, Expression size);
  Expression selectLabels(Expression values, int64_t axis);
  Candidates chooseCandidates(Expression boxes, Expression scores);
  Expression suppress(const Candidates &candidates);
  Value collect(const Candidates &candidates, Expression kept);

  LayerBinder &layer;
  const format::DetectionOutputParam &param;
  int64_t images = 0, priors = 0, classes = 0, boxClasses = 0;
  int64_t numCandidates = 0;   ///< for each label
  SmallVector<int64_t> labels; ///< all classes but the background
};

} // namespace

LogicalResult DetectionOutput::check() {
  Value location = layer.bottom(0), confidence = layer.bottom(1), prior = layer.bottom(2);
  if (layer.failed())
    return failure();
  if (layer.getNumBottoms() != 3)
    return layer.reject("needs three bottoms; the two more of RefineDet are not supported");
  if (param.nms_param().eta() != 1)
    return layer.reject("an eta other than 1 (adaptive suppression) is not supported");
  bool hasTopK = param.nms_param().has_top_k() && param.nms_param().top_k() != -1;
  if ((hasTopK && param.nms_param().top_k() < 1) || param.keep_top_k() == 0 || param.keep_top_k() < -1)
    return layer.reject("top_k and keep_top_k must be positive, or -1 for all");
  if (!(param.nms_param().nms_threshold() >= 0))
    return layer.reject("nms_threshold must not be negative");
  ArrayRef<int64_t> priorShape = layer.getShape(prior);
  constexpr int64_t maxClasses = 1 << 16;
  classes = param.num_classes();
  if (classes < 1 || classes > maxClasses)
    return layer.reject("num_classes must be between 1 and " + Twine(maxClasses));
  if (priorShape.size() < 3 || priorShape[0] != 1 || priorShape[1] != 2 || priorShape[2] % 4 ||
      layer.multiplyExtents(priorShape) != 2 * priorShape[2])
    return layer.reject("its third bottom must be prior boxes: (1, 2, 4 * boxes)");
  priors = priorShape[2] / 4;
  boxClasses = param.share_location() ? 1 : classes;
  images = layer.getRank(location) ? layer.getShape(location)[0] : 0;
  auto predictions = frontend::countElements({images, priors, boxClasses, 4});
  auto scores = frontend::countElements({images, priors, classes});
  if (images < 1 || priors < 1 || !predictions || !scores ||
      layer.multiplyExtents(layer.getShape(location)) != *predictions ||
      layer.multiplyExtents(layer.getShape(confidence)) != *scores)
    return layer.reject("its bottoms do not fit " + Twine(priors) + " prior boxes and " + Twine(classes) + " classes");
  for (int64_t label = 0; label < classes; ++label)
    if (label != param.background_label_id())
      labels.push_back(label);
  if (labels.empty())
    return layer.reject("it has no class beside the background");
  numCandidates = hasTopK ? std::min<int64_t>(param.nms_param().top_k(), priors) : priors;
  constexpr int64_t maxCandidates = 1 << 24;
  auto candidates = frontend::countElements({images, static_cast<int64_t>(labels.size()), numCandidates});
  if (!candidates || *candidates > maxCandidates)
    return layer.reject("it has too many boxes; top_k limits them");
  return success();
}

//===--- Boxes ---===//

/// The labels' part of an axis with all classes.
Expression DetectionOutput::selectLabels(Expression values, int64_t axis) {
  if (static_cast<int64_t>(labels.size()) == classes)
    return values;
  return values.gather(Expression::ints(layer, labels), axis);
}

/// Offsets of centers, and logarithms of sizes: (cx, cy, w, h) along the last axis.
Expression DetectionOutput::decodeCenters(Expression offsets, Expression begin, Expression size) {
  Expression center = begin + size * 0.5;
  Expression middle = offsets.slice(3, 0, 2) * size + center;
  Expression half = offsets.slice(3, 2, 4).unary<nn::ExpOp>() * size * 0.5;
  return Expression::concat(layer, {middle - half, middle + half}, 3);
}

/// Boxes (images, priors, box classes, 4) as corners.
Expression DetectionOutput::decode() {
  Expression offsets(layer, layer.reshape(layer.bottom(0), {images, priors, boxClasses, 4}));
  if (boxClasses > 1)
    offsets = selectLabels(offsets, 2);
  Expression prior(layer, layer.reshape(layer.bottom(2), {2, priors, 1, 4}));
  Expression corners = prior.slice(0, 0, 1);
  if (!param.variance_encoded_in_target())
    offsets = offsets * prior.slice(0, 1, 2);
  Expression begin = corners.slice(3, 0, 2), size = corners.slice(3, 2, 4) - begin;
  if (param.code_type() == format::PriorBoxParam::CENTER_SIZE)
    return decodeCenters(offsets, begin, size);
  if (param.code_type() == format::PriorBoxParam::CORNER_SIZE)
    offsets = offsets * Expression::concat(layer, {size, size}, 3);
  return corners + offsets;
}

//===--- What is kept ---===//

/// The candidates of each label: those of its highest scores, falling.
DetectionOutput::Candidates DetectionOutput::chooseCandidates(Expression boxes, Expression scores) {
  int64_t count = labels.size();
  SmallVector<Value> best =
      layer.createAll<nn::TopKOp>(2, scores, layer.ints({numCandidates}), /*axis=*/2, /*smallest=*/false);
  if (layer.failed())
    return {};
  Expression places = Expression(layer, best[1]).unsqueeze({3});
  bool areShared = boxClasses == 1;
  boxes = areShared ? boxes.squeeze({2}) : boxes.transpose({0, 2, 1, 3});
  Expression chosen(layer, layer.create<nn::GatherNDOp>(boxes, places, /*batch_dims=*/areShared ? 1 : 2));
  return {Expression(layer, best[0]), chosen.reshape({images, count * numCandidates, 4})};
}

/// The scores of the candidates that are kept, (images, labels * candidates); minus infinity for all others.
Expression DetectionOutput::suppress(const Candidates &candidates) {
  int64_t rows = images * static_cast<int64_t>(labels.size()), total = rows * numCandidates;
  // Each label of each image is an image of its own here. A box whose end is before its begin overlaps nothing.
  Expression boxes = candidates.boxes.reshape({rows, numCandidates, 4});
  Expression begin = boxes.slice(2, 0, 2);
  boxes = Expression::concat(layer, {begin, boxes.slice(2, 2, 4).max(begin)}, 2);
  float threshold = param.has_confidence_threshold() ? param.confidence_threshold() : -FLT_MAX;
  Value scores = candidates.scores.reshape({rows, 1, numCandidates});
  Expression kept(layer,
                  layer.create<nn::NonMaxSuppressionOp>(boxes, scores, layer.ints({numCandidates}),
                                                        layer.floats({1}, {param.nms_param().nms_threshold()}),
                                                        layer.floats({1}, {threshold}), /*center_point_box=*/false));
  if (layer.failed())
    return {};
  Expression row = kept.slice(1, 0, 1), box = kept.slice(1, 2, 3);
  Expression place = (row * static_cast<double>(numCandidates) + box).squeeze({1});
  Expression flat = candidates.scores.reshape({total});
  Expression none = number(-std::numeric_limits<double>::infinity()).broadcast(Expression::ints(layer, {total}));
  Expression marked(layer, layer.create<nn::ScatterElementsOp>(none, place, flat.gather(place, 0), /*axis=*/0));
  return layer.failed() ? Expression() : marked.reshape({images, total / images});
}

/// The rows of what is kept, at most keep_top_k of each image: (1, 1, rows, 7).
Value DetectionOutput::collect(const Candidates &candidates, Expression kept) {
  Type f32 = layer.getBuilder().getF32Type();
  int64_t total = static_cast<int64_t>(labels.size()) * numCandidates;
  int64_t most = param.keep_top_k() > 0 ? std::min<int64_t>(param.keep_top_k(), total) : total;
  SmallVector<Value> best = layer.createAll<nn::TopKOp>(2, kept, layer.ints({most}), /*axis=*/1, /*smallest=*/false);
  if (layer.failed())
    return {};
  // Back in the order of labels; what is not kept comes last.
  Expression values(layer, best[0]), places(layer, best[1]);
  Expression isKept = values > -std::numeric_limits<double>::infinity();
  SmallVector<Value> sorted =
      layer.createAll<nn::TopKOp>(2, isKept.choose(places, places.like(static_cast<double>(total))), layer.ints({most}),
                                  /*axis=*/1, /*smallest=*/true);
  if (layer.failed())
    return {};
  Expression order(layer, sorted[0]);
  isKept = order < static_cast<double>(total);
  order = order.min(order.like(static_cast<double>(total - 1)));
  Expression boxes(layer, layer.create<nn::GatherNDOp>(candidates.boxes, order.unsqueeze({2}), /*batch_dims=*/1));
  Expression scores(layer, layer.create<nn::GatherElementsOp>(kept, order, /*axis=*/1));
  std::vector<float> names(labels.begin(), labels.end()), numbers, nothing;
  Expression label = Expression(layer, layer.floats({static_cast<int64_t>(names.size())}, std::move(names)))
                         .gather(order / static_cast<double>(numCandidates), 0);
  for (int64_t image = 0; image < images; ++image) {
    numbers.push_back(image);
    nothing.insert(nothing.end(), {float(image), -1, -1, -1, -1, -1, -1});
  }
  Expression image(layer, layer.floats({images, 1}, std::move(numbers)));
  image = image.broadcast(Expression::ints(layer, {images, most}));
  Expression rows =
      Expression::concat(layer, {image.unsqueeze({2}), label.unsqueeze({2}), scores.unsqueeze({2}), boxes}, 2);
  // Where nothing at all is kept, the first row of each image says so.
  Expression isAny = isKept.cast(f32).reduce(nn::ReductionKind::Max, {0, 1}, /*keepdims=*/true) > 0;
  Expression isFirst = Expression::ints(layer, llvm::to_vector(llvm::seq<int64_t>(0, most))).equals(0);
  Expression isNotice = isFirst.unsqueeze({0}) & ~isAny;
  Expression notice(layer, layer.floats({images, 1, 7}, std::move(nothing)));
  rows = isNotice.unsqueeze({2}).choose(notice, rows).reshape({images * most, 7});
  isKept = (isKept | isNotice).reshape({images * most});
  Expression chosen = isKept.unary<nn::NonZeroOp>().squeeze({0});
  return layer.failed() ? Value() : Value(rows.gather(chosen, 0).unsqueeze({0, 1}));
}

Value DetectionOutput::build() {
  Expression scores = Expression(layer, layer.reshape(layer.bottom(1), {images, priors, classes}));
  scores = selectLabels(scores.transpose({0, 2, 1}), 1);
  Candidates candidates = chooseCandidates(decode(), scores);
  if (layer.failed())
    return {};
  Expression kept = suppress(candidates);
  return layer.failed() ? Value() : collect(candidates, kept);
}

static LogicalResult importDetectionOutput(LayerBinder &layer) {
  DetectionOutput output(layer);
  if (failed(output.check()))
    return failure();
  layer.remark("without any detection there is one row of -1 for each image, behind its number");
  return layer.result(output.build());
}

static const LayerEntry table[] = {{"DetectionOutput", importDetectionOutput}};

ArrayRef<LayerEntry> getDetectionLayers() { return table; }

} // namespace nnc::caffe
