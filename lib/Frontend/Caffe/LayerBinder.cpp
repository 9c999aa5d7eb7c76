// Bottoms, weights and results of one layer.
#include "lib/Frontend/Caffe/LayerBinder.h"

#include "lib/Frontend/Import/Weights.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace nnc::caffe {

//===--- Bottoms ---===//

Value LayerBinder::bottom(unsigned index) {
  if (index < bottoms.size())
    return bottoms[index];
  (void)reject("bottom " + Twine(index) + " is missing");
  return {};
}

Value LayerBinder::imageBottom(unsigned index) {
  Value value = bottom(index);
  if (value && getRank(value) != 4)
    (void)reject("bottom " + Twine(index) + " must have four axes, not " + Twine(getRank(value)));
  return failed() ? Value() : value;
}

//===--- Weights ---===//

static SmallVector<int64_t> getBlobShape(const format::Blob &blob) {
  if (blob.has_num() || blob.has_channels() || blob.has_height() || blob.has_width())
    return {blob.num(), blob.channels(), blob.height(), blob.width()};
  return SmallVector<int64_t>(blob.shape().dim().begin(), blob.shape().dim().end());
}

static std::string describeShape(ArrayRef<int64_t> shape) {
  return "(" + llvm::join(llvm::map_range(shape, [](int64_t extent) { return std::to_string(extent); }), ", ") + ")";
}

/// Old files give every blob four axes, the first of them 1.
static bool fits(const format::Blob &blob, ArrayRef<int64_t> shape) {
  SmallVector<int64_t> given = getBlobShape(blob);
  if (blob.has_shape() && !blob.has_num() && !blob.has_channels() && !blob.has_height() && !blob.has_width())
    return ArrayRef<int64_t>(given) == shape;
  while (given.size() > shape.size() && given.front() == 1)
    given.erase(given.begin());
  return ArrayRef<int64_t>(given) == shape;
}

const format::Blob *LayerBinder::findBlob(unsigned index, ArrayRef<int64_t> shape) {
  numWeights = std::max(numWeights, index + 1);
  const format::Blob *blob = index < weights.blobs.size() ? weights.blobs[index] : nullptr;
  auto count = frontend::countElements(shape);
  if (!count) {
    (void)reject("its weights are too large");
    return nullptr;
  }
  if (!blob)
    return nullptr;
  if (!weights.isShared[index] && !fits(*blob, shape))
    (void)reject("weight blob " + Twine(index) + " has the shape " + describeShape(getBlobShape(*blob)) +
                 " where the layer needs " + describeShape(shape));
  else if ((blob->double_data_size() ? blob->double_data_size() : blob->data_size()) != *count)
    (void)reject("weight blob " + Twine(index) + " has " +
                 Twine(blob->double_data_size() ? blob->double_data_size() : blob->data_size()) +
                 " elements where the layer needs " + Twine(*count));
  return failed() ? nullptr : blob;
}

std::string LayerBinder::describeMissingWeights() const {
  if (!weights.hasOwnFile)
    return "no file has weights for it; give the .caffemodel as well";
  if (weights.hasRecord)
    return "the .caffemodel has too few weight blobs for it";
  std::string text = "the .caffemodel has no weights under its name";
  return weights.unmatched.empty() ? text : text + "; those of " + weights.unmatched + " fit no layer of the network";
}

std::vector<float> LayerBinder::weightNumbers(unsigned index, ArrayRef<int64_t> shape, const format::Filler &filler) {
  const format::Blob *blob = findBlob(index, shape);
  if (failed())
    return {};
  if (blob && blob->double_data_size())
    return std::vector<float>(blob->double_data().begin(), blob->double_data().end());
  if (blob)
    return std::vector<float>(blob->data().begin(), blob->data().end());
  if (index == 0 && !filler.has_type() && !filler.has_value()) {
    // Caffe would start with zeros: nothing that anybody wants to run.
    (void)reject(describeMissingWeights());
    return {};
  }
  if (auto filled = makeFilled(filler, shape))
    return std::move(*filled);
  (void)reject(describeMissingWeights() + " (its filler '" + filler.type() + "' is random)");
  return {};
}

Value LayerBinder::weight(unsigned index, ArrayRef<int64_t> shape, const format::Filler &filler) {
  const format::Blob *blob = findBlob(index, shape);
  if (failed())
    return {};
  std::string name = (layer.name() + "." + Twine(index)).str();
  if (blob && !blob->double_data_size()) {
    auto type = RankedTensorType::get(shape, builder.getF32Type());
    StringRef bytes(reinterpret_cast<const char *>(blob->data().data()), blob->data_size() * sizeof(float));
    return constant(llvm::cantFail(frontend::makeWeights(type, bytes, weights.owner, name)));
  }
  std::vector<float> numbers = weightNumbers(index, shape, filler);
  return failed() ? Value() : constant(frontend::makeWeights(builder.getContext(), shape, std::move(numbers), name));
}

SmallVector<int64_t> LayerBinder::getVectorShape(unsigned index, int64_t count) const {
  const format::Blob *blob = index < weights.blobs.size() ? weights.blobs[index] : nullptr;
  SmallVector<int64_t> shape = blob ? getBlobShape(*blob) : SmallVector<int64_t>();
  bool isVector = llvm::count_if(shape, [](int64_t extent) { return extent != 1; }) <= 1 &&
                  (llvm::is_contained(shape, count) || (count == 1 && !shape.empty()));
  return isVector ? shape : SmallVector<int64_t>{count};
}

void LayerBinder::checkWeights() {
  if (weights.hasRecord && weights.blobs.size() != numWeights)
    (void)reject("the files have " + Twine(weights.blobs.size()) + " weight blobs for it where it has " +
                 Twine(numWeights));
}

//===--- Building ---===//

Value LayerBinder::reshape(Value value, ArrayRef<int64_t> shape) {
  if (failed() || getShape(value) == shape)
    return value;
  SmallVector<int64_t> entries(shape);
  if (llvm::count_if(entries, ShapedType::isDynamic) > 1) {
    (void)reject("more than one extent of its result depends on data");
    return {};
  }
  std::replace_if(entries.begin(), entries.end(), ShapedType::isDynamic, -1);
  return create<nn::ReshapeOp>(value, ints(entries), /*allow_zero=*/false);
}

int64_t LayerBinder::multiplyExtents(ArrayRef<int64_t> extents) {
  int64_t product = 1;
  for (int64_t extent : extents) {
    if (ShapedType::isDynamic(extent))
      return ShapedType::kDynamic;
    product *= extent;
  }
  return product;
}

Value LayerBinder::alignWithAxis(Value value, int64_t axis, int64_t rank) {
  if (failed())
    return {};
  SmallVector<int64_t> shape(getShape(value));
  if (axis + static_cast<int64_t>(shape.size()) > rank) {
    (void)reject("an operand has more axes than fit behind axis " + Twine(axis));
    return {};
  }
  shape.append(rank - axis - shape.size(), 1);
  return reshape(value, shape);
}

LogicalResult LayerBinder::result(Value value) {
  if (!value || failed())
    return failure();
  results.push_back(value);
  return success();
}

} // namespace nnc::caffe
