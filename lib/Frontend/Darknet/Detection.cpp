// Output layers of detectors, as the framework leaves them: boxes are decoded by
// the caller.
#include "lib/Frontend/Darknet/SectionTable.h"

using namespace mlir;

namespace nnc::darknet {

namespace {

/// A run of consecutive entries of an anchor, and what becomes of it.
struct Part {
  int64_t count;
  enum Kind { Keep, Sigmoid, SigmoidScaled, Scaled, Softmax } kind;
};

} // namespace

/// x (rows, anchors, entries, positions) with each run of entries treated as it says.
static Value applyParts(SectionBinder &layer, Value x, ArrayRef<Part> parts, double scale) {
  SmallVector<Value> pieces;
  int64_t start = 0;
  for (const Part &part : parts) {
    if (part.count == 0)
      continue;
    Value piece = sliceAxis(layer, x, 2, start, start + part.count);
    start += part.count;
    if (part.kind == Part::Sigmoid || part.kind == Part::SigmoidScaled)
      piece = layer.create<nn::SigmoidOp>(piece);
    if (part.kind == Part::Softmax)
      piece = layer.create<nn::SoftmaxOp>(piece, 2);
    if ((part.kind == Part::Scaled || part.kind == Part::SigmoidScaled) && scale != 1)
      piece = layer.create<nn::SubOp>(layer.create<nn::MulOp>(piece, layer.number(scale)),
                                      layer.number(0.5 * (scale - 1)));
    pieces.push_back(piece);
  }
  return pieces.size() == 1 ? pieces.front() : layer.create<nn::ConcatOp>(pieces, 2);
}

/// The image before, (rows, anchors, entries, positions); rejects the layer where its channels are others.
static Value getAnchors(SectionBinder &layer, int64_t anchors, int64_t entries) {
  Value x = layer.image();
  if (layer.failed())
    return {};
  ArrayRef<int64_t> shape = layer.getShape(x);
  if (shape[1] != anchors * entries) {
    (void)layer.reject("needs " + Twine(anchors * entries) + " channels (" + Twine(anchors) + " anchors), has " +
                       Twine(shape[1]));
    return {};
  }
  return layer.reshape(x, {shape[0], anchors, entries, shape[2] * shape[3]});
}

static int64_t countClasses(SectionBinder &layer) { return layer.positive("classes", 20); }

static int64_t countMasks(SectionBinder &layer) {
  int64_t masks = layer.get().integers("mask").size();
  return layer.get().has("mask") ? masks : layer.positive("num", 1);
}

static LogicalResult importYolo(SectionBinder &layer) {
  int64_t classes = countClasses(layer), anchors = countMasks(layer);
  double scale = layer.isAlexeyAB() ? layer.get().real("scale_x_y", 1) : 1;
  bool isNew = layer.isAlexeyAB() && layer.get().integer("new_coords", 0);
  Value x = layer.image(), split = getAnchors(layer, anchors, 5 + classes);
  if (layer.failed())
    return failure();
  // With new_coords the layer before has applied the sigmoid.
  SmallVector<Part> parts{{2, isNew ? Part::Scaled : Part::SigmoidScaled},
                          {2, Part::Keep},
                          {1 + classes, isNew ? Part::Keep : Part::Sigmoid}};
  return layer.result(layer.reshape(applyParts(layer, split, parts, scale), layer.getShape(x)));
}

/// As yolo, with a deviation behind each of x, y, w and h.
static LogicalResult importGaussianYolo(SectionBinder &layer) {
  int64_t classes = countClasses(layer), anchors = countMasks(layer);
  double scale = layer.get().real("scale_x_y", 1);
  Value x = layer.image(), split = getAnchors(layer, anchors, 9 + classes);
  if (layer.failed())
    return failure();
  SmallVector<Part> parts{{1, Part::SigmoidScaled}, {1, Part::Sigmoid}, {1, Part::SigmoidScaled},
                          {1, Part::Sigmoid},       {1, Part::Keep},    {1, Part::Sigmoid},
                          {1, Part::Keep},          {1, Part::Sigmoid}, {1 + classes, Part::Sigmoid}};
  return layer.result(layer.reshape(applyParts(layer, split, parts, scale), layer.getShape(x)));
}

/// One fork keeps the image and decodes x and y; the other gives one row per box and decodes nothing but objectness.
static LogicalResult importRegion(SectionBinder &layer) {
  const Section &section = layer.get();
  int64_t classes = countClasses(layer), anchors = layer.positive("num", 1), coords = layer.positive("coords", 4);
  bool softmax = section.integer("softmax", 0), background = section.integer("background", 0);
  bool hasTree = section.has("tree");
  Value x = layer.image(), split = getAnchors(layer, anchors, coords + 1 + classes);
  if (layer.failed())
    return failure();
  if (coords < 2)
    return layer.reject("coords must be at least 2");
  if (!layer.isAlexeyAB()) {
    if (hasTree)
      return layer.reject("a tree of classes gives nothing but NaN on darknet's CPU path");
    SmallVector<Part> parts{{2, Part::Sigmoid}, {coords - 2, Part::Keep}};
    if (softmax && background)
      parts.push_back({1 + classes, Part::Softmax});
    else
      parts.append({{1, background ? Part::Keep : Part::Sigmoid}, {classes, softmax ? Part::Softmax : Part::Sigmoid}});
    return layer.result(layer.reshape(applyParts(layer, split, parts, 1), layer.getShape(x)));
  }
  int64_t rows = layer.getShape(x)[0];
  Value result;
  if (hasTree) {
    SmallVector<int64_t> groups = readTree(layer, section.text("tree"));
    Value names = softmaxOfGroups(layer, sliceAxis(layer, split, 2, coords + 1, coords + 1 + classes), groups, 2);
    Value rest = applyParts(layer, sliceAxis(layer, split, 2, 0, coords + 1), {{coords, Part::Keep}, {1, Part::Sigmoid}}, 1);
    result = layer.create<nn::ConcatOp>(ValueRange{rest, names}, 2);
  } else {
    result = applyParts(layer, split,
                        {{coords, Part::Keep}, {1, Part::Sigmoid}, {classes, softmax ? Part::Softmax : Part::Keep}}, 1);
  }
  result = layer.create<nn::TransposeOp>(result, ArrayRef<int64_t>{0, 3, 1, 2});
  int64_t count = layer.failed() ? 0 : layer.getType(result).getNumElements() / rows;
  return layer.result(layer.reshape(result, {rows, count}));
}

/// YOLO's first version: probabilities of all cells, then objectness, then boxes.
static LogicalResult importDetection(SectionBinder &layer) {
  const Section &section = layer.get();
  int64_t classes = layer.positive("classes", 1), side = layer.positive("side", 7), boxes = layer.positive("num", 1);
  int64_t coords = layer.positive("coords", 1);
  Value x = layer.flat();
  if (layer.failed())
    return failure();
  int64_t cells = side * side, rows = layer.getShape(x)[0], total = layer.getShape(x)[1];
  if (side > 1024 || total != cells * (classes + boxes * (1 + coords)))
    return layer.reject("needs other inputs than the " + Twine(total) + " that it has");
  if (!section.integer("softmax", 0))
    return layer.result(x);
  Value names = layer.reshape(sliceAxis(layer, x, 1, 0, cells * classes), {rows, cells, classes});
  names = layer.reshape(layer.create<nn::SoftmaxOp>(names, 2), {rows, cells * classes});
  return layer.result(layer.create<nn::ConcatOp>(ValueRange{names, sliceAxis(layer, x, 1, cells * classes, total)}, 1));
}

/// Sigmoid on the channels of classes.
static LogicalResult importIseg(SectionBinder &layer) {
  int64_t classes = countClasses(layer);
  Value x = layer.image();
  if (layer.failed())
    return failure();
  int64_t channels = layer.getShape(x)[1];
  if (channels < classes)
    return layer.reject("has fewer channels than classes");
  Value names = layer.create<nn::SigmoidOp>(sliceAxis(layer, x, 1, 0, classes));
  if (channels == classes)
    return layer.result(names);
  return layer.result(layer.create<nn::ConcatOp>(ValueRange{names, sliceAxis(layer, x, 1, classes, channels)}, 1));
}

static const SectionEntry table[] = {
    {"detection", importDetection}, {"gaussian_yolo", importGaussianYolo}, {"iseg", importIseg},
    {"region", importRegion},       {"yolo", importYolo},
};

ArrayRef<SectionEntry> getDetectionSections() { return table; }

} // namespace nnc::darknet
