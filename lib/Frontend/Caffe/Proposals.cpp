// Faster R-CNN's proposals of regions: boxes are decoded from the predictions for anchors at each position of a map,
// those of high scores that overlap little are kept. How many, data decide.
//
// Two layers do it: one of Python that is published with the network, and its ports to C++ (Proposal). They differ in
// boxes that are too small (the first leaves them out, the second gives them the score 0), in the shape of the scores,
// and in where the limits come from: the first takes them from a configuration that is not in the model.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Weights.h"

#include <cfloat>
#include <cmath>
#include <limits>

using namespace mlir;

namespace nnc::caffe {

using frontend::Expression;

/// Scales, ratios and limits that are still believed.
static constexpr size_t maxKinds = 256;
static constexpr int64_t maxBoxes = 1 << 20;

namespace {

/// What either layer says, with the defaults of the published configuration for a test.
struct ProposalOptions {
  double stride = 16, baseSize = 16, minSize = 16, overlap = 0.7;
  int64_t most = 6000, mostKept = 300;
  SmallVector<double> ratios, scales;
  bool isPython = false;
};

/// The anchors of all positions: centers and extents, (1, boxes, 2) each.
struct Anchors {
  std::vector<float> centers, sizes;
};

} // namespace

//===--- Anchors ---===//

/// Per ratio and scale a box around that of the base size; its extents are rounded before they are scaled.
static Anchors placeAnchors(const ProposalOptions &options, int64_t rows, int64_t columns) {
  Anchors anchors;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t column = 0; column < columns; ++column)
      for (double ratio : options.ratios) {
        double width = std::nearbyint(std::sqrt(options.baseSize * options.baseSize / ratio));
        double height = std::nearbyint(width * ratio);
        for (double scale : options.scales) {
          // From x1 to x2 are x2 - x1 + 1 elements; their middle is half an element behind that of the corners.
          double middle = (options.baseSize - 1) / 2 + 0.5;
          anchors.centers.push_back(column * options.stride + middle);
          anchors.centers.push_back(row * options.stride + middle);
          anchors.sizes.push_back(width * scale);
          anchors.sizes.push_back(height * scale);
        }
      }
  return anchors;
}

//===--- The layer ---===//

static LogicalResult checkProposal(LayerBinder &layer, const ProposalOptions &options) {
  Value scores = layer.imageBottom(0), offsets = layer.imageBottom(1), info = layer.bottom(2);
  if (layer.failed())
    return failure();
  auto isUsable = [](double value) { return value > 0 && value < maxBoxes; };
  if (options.ratios.empty() || options.scales.empty() || options.ratios.size() > maxKinds ||
      options.scales.size() > maxKinds || !llvm::all_of(options.ratios, isUsable) ||
      !llvm::all_of(options.scales, isUsable) || !isUsable(options.stride) || !isUsable(options.baseSize))
    return layer.reject("needs ratios, scales, a stride and a base size, all positive");
  if (options.most < 1 || options.mostKept < 1 || options.most > maxBoxes || options.mostKept > maxBoxes)
    return layer.reject("the numbers of boxes before and after suppression must be positive");
  ArrayRef<int64_t> shape = layer.getShape(scores), boxes = layer.getShape(offsets);
  int64_t kinds = options.ratios.size() * options.scales.size();
  if (shape[1] != 2 * kinds || boxes[1] != 4 * kinds || shape[0] != boxes[0] ||
      shape.drop_front(2) != boxes.drop_front(2))
    return layer.reject("its bottoms do not fit " + Twine(kinds) + " anchors for each position");
  if (options.isPython && shape[0] != 1)
    return layer.reject("takes one image only");
  auto count = frontend::countElements({shape[2], shape[3], kinds});
  if (!count || *count > maxBoxes || !frontend::countElements({shape[0], *count, 4}))
    return layer.reject("it has too many anchors");
  if (layer.getRank(info) < 1 || layer.getType(info).getNumElements() / layer.getShape(info)[0] < 3)
    return layer.reject("its third bottom must have rows, columns and scale of the image");
  return success();
}

/// Boxes (images, anchors, 4), cut to the image, and their scores (images, anchors).
static std::pair<Expression, Expression> decodeBoxes(LayerBinder &layer, const ProposalOptions &options) {
  SmallVector<int64_t> shape(layer.getShape(layer.bottom(0)));
  int64_t kinds = shape[1] / 2, count = shape[2] * shape[3] * kinds;
  Expression scores = Expression(layer, layer.bottom(0)).slice(1, kinds, 2 * kinds);
  scores = scores.transpose({0, 2, 3, 1}).reshape({shape[0], count});
  Expression offsets = Expression(layer, layer.bottom(1)).transpose({0, 2, 3, 1}).reshape({shape[0], count, 4});
  Anchors anchors = placeAnchors(options, shape[2], shape[3]);
  Expression centers(layer, layer.floats({1, count, 2}, std::move(anchors.centers)));
  Expression sizes(layer, layer.floats({1, count, 2}, std::move(anchors.sizes)));
  Expression middle = offsets.slice(2, 0, 2) * sizes + centers;
  Expression half = offsets.slice(2, 2, 4).unary<nn::ExpOp>() * sizes * 0.5;
  // All images have the size that stands first: (rows, columns, scale), or a scale for either.
  int64_t numbers = layer.getType(layer.bottom(2)).getNumElements();
  Expression info = Expression(layer, layer.reshape(layer.bottom(2), {1, 1, numbers}));
  bool hasTwoScales = !options.isPython && numbers / layer.getShape(layer.bottom(2))[0] > 3;
  auto pick = [&](int64_t number) { return info.slice(2, number, number + 1); };
  Expression last = Expression::concat(layer, {pick(1), pick(0)}, 2) - 1;
  auto cut = [&](Expression corner) { return corner.min(last).max(corner.like(0)); };
  Expression begin = cut(middle - half), end = cut(middle + half);
  Expression scale = hasTwoScales ? Expression::concat(layer, {pick(3), pick(2)}, 2) : pick(2);
  Expression isLarge = end - begin + 1 >= scale * options.minSize;
  isLarge = (isLarge.slice(2, 0, 1) & isLarge.slice(2, 1, 2)).squeeze({2});
  double small = options.isPython ? -std::numeric_limits<double>::infinity() : 0;
  return {Expression::concat(layer, {begin, end}, 2), isLarge.choose(scores, scores.like(small))};
}

static LogicalResult buildProposal(LayerBinder &layer, const ProposalOptions &options) {
  if (failed(checkProposal(layer, options)))
    return failure();
  auto [boxes, scores] = decodeBoxes(layer, options);
  if (layer.failed())
    return failure();
  int64_t images = scores.getExtent(0), most = std::min(options.most, scores.getExtent(1));
  SmallVector<Value> best = layer.createAll<nn::TopKOp>(2, scores, layer.ints({most}), /*axis=*/1, /*smallest=*/false);
  if (layer.failed())
    return failure();
  Expression chosen(layer, layer.create<nn::GatherNDOp>(boxes, Expression(layer, best[1]).unsqueeze({2}),
                                                        /*batch_dims=*/1));
  Expression bestScores(layer, best[0]);
  // From x1 to x2 are x2 - x1 + 1 elements.
  Expression areas = Expression::concat(layer, {chosen.slice(2, 0, 2), chosen.slice(2, 2, 4) + 1}, 2);
  Expression kept(layer, layer.create<nn::NonMaxSuppressionOp>(areas, bestScores.reshape({images, 1, most}),
                                                               layer.ints({std::min(options.mostKept, most)}),
                                                               layer.floats({1}, {static_cast<float>(options.overlap)}),
                                                               layer.floats({1}, {-FLT_MAX}),
                                                               /*center_point_box=*/false));
  if (layer.failed())
    return failure();
  Expression image = kept.slice(1, 0, 1), place = Expression::concat(layer, {image, kept.slice(1, 2, 3)}, 1);
  Expression regions(layer, layer.create<nn::GatherNDOp>(chosen, place, /*batch_dims=*/0));
  image = image.cast(layer.getBuilder().getF32Type());
  if (layer.failed() || failed(layer.result(Expression::concat(layer, {image, regions}, 1))))
    return failure();
  if (layer.getNumTops() < 2)
    return success();
  Expression keptScores(layer, layer.create<nn::GatherNDOp>(bestScores, place, /*batch_dims=*/0));
  return layer.result(options.isPython ? keptScores.unsqueeze({1}) : keptScores);
}

/// The layer of C++.
static LogicalResult importProposal(LayerBinder &layer) {
  const format::ProposalParam &param = layer.get().proposal_param();
  ProposalOptions options;
  options.stride = param.feat_stride();
  options.baseSize = param.base_size();
  options.minSize = param.min_size();
  options.most = param.pre_nms_topn();
  options.mostKept = param.post_nms_topn();
  options.overlap = param.nms_thresh();
  options.ratios.assign(param.ratio().begin(), param.ratio().end());
  options.scales.assign(param.scale().begin(), param.scale().end());
  return buildProposal(layer, options);
}

//===--- The layer of Python ---===//

/// Numbers behind `key:`, one or a list, and takes them off `text`. False where they are none.
static bool readNumbers(StringRef &text, SmallVectorImpl<double> &numbers) {
  text = text.ltrim();
  text.consume_front("!!python/tuple");
  text = text.ltrim();
  StringRef list = text.take_while([](char c) { return c != '\n' && c != ',' && c != '}'; });
  if (text.starts_with("[") || text.starts_with("(")) {
    size_t end = text.find_first_of("])");
    if (end == StringRef::npos)
      return false;
    list = text.slice(1, end);
    text = text.drop_front(end + 1);
  } else {
    text = text.drop_front(list.size());
  }
  SmallVector<StringRef> parts;
  list.split(parts, ',', maxKinds + 1, /*KeepEmpty=*/false);
  for (StringRef part : parts) {
    double number;
    if (part.trim().empty())
      continue;
    if (part.trim().getAsDouble(number))
      return false;
    numbers.push_back(number);
  }
  return !numbers.empty();
}

/// Reads the layer's parameters: keys and numbers of YAML, in braces or without.
static LogicalResult readParameters(LayerBinder &layer, StringRef text, ProposalOptions &options) {
  bool hasStride = false;
  while (!(text = text.ltrim(" \t\r\n{},")).empty()) {
    StringRef key;
    std::tie(key, text) = text.split(':');
    key = key.trim().trim("'\"");
    SmallVector<double> numbers;
    if (!readNumbers(text, numbers))
      return layer.reject("its param_str has no number for '" + key + "'");
    if (key == "feat_stride" && numbers.size() == 1) {
      options.stride = numbers[0];
      hasStride = true;
    } else if (key == "scales") {
      options.scales.assign(numbers.begin(), numbers.end());
    } else if (key == "ratios") {
      options.ratios.assign(numbers.begin(), numbers.end());
    } else {
      return layer.reject("its param_str has '" + key + "', which is not known");
    }
  }
  return hasStride ? success() : layer.reject("its param_str has no feat_stride");
}

static LogicalResult importPythonProposal(LayerBinder &layer) {
  ProposalOptions options;
  options.isPython = true;
  options.ratios = {0.5, 1, 2};
  options.scales = {8, 16, 32};
  if (failed(readParameters(layer, layer.get().python_param().param_str(), options)))
    return failure();
  layer.remark("its limits are in no file, the published ones are taken: 6000 boxes before and 300 after suppression, "
               "an overlap of 0.7, boxes of at least 16");
  return buildProposal(layer, options);
}

static const LayerEntry table[] = {{"Proposal", importProposal}, {"Python", importPythonProposal}};

ArrayRef<LayerEntry> getProposalLayers() { return table; }

} // namespace nnc::caffe
