// Walks the tree of positions of sparse weights level by level.
#include "lib/Frontend/TFLite/Sparsity.h"

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/Twine.h"

#include <cstring>
#include <vector>

using namespace llvm;

namespace nnc::tflite {

/// Elements of a tensor that are still believed, however few of them the file has.
static constexpr int64_t maxElements = int64_t(1) << 28;

static Error makeError(const Twine &message) { return createStringError(message.str()); }

namespace {

/// One level: positions below `size`, each of which moves the place in the tensor by `stride`.
struct Step {
  const format::Level *level;
  int64_t size = 0, stride = 0;
};

} // namespace

/// Numbers of one of the three widths; none where there are none.
template <typename T> static std::vector<int64_t> copy(const T *table) {
  if (!table || !table->values())
    return {};
  return std::vector<int64_t>(table->values()->begin(), table->values()->end());
}

static std::vector<int64_t> readSegments(const format::Level &level) {
  std::vector<int64_t> wide = copy(level.segments_as_Indices32()), narrow = copy(level.segments_as_Indices16());
  return !wide.empty() ? wide : !narrow.empty() ? narrow : copy(level.segments_as_Indices8());
}

static std::vector<int64_t> readIndices(const format::Level &level) {
  std::vector<int64_t> wide = copy(level.indices_as_Indices32()), narrow = copy(level.indices_as_Indices16());
  return !wide.empty() ? wide : !narrow.empty() ? narrow : copy(level.indices_as_Indices8());
}

/// The levels in the order of the tree.
static Expected<SmallVector<Step>> bindSteps(const format::Sparsity &sparsity, ArrayRef<int64_t> shape) {
  if (!sparsity.traversal_order() || !sparsity.levels())
    return makeError("it has no order of its levels");
  const auto &order = *sparsity.traversal_order();
  size_t rank = shape.size(), numBlocks = sparsity.block_map() ? sparsity.block_map()->size() : 0;
  if (numBlocks > rank || order.size() != rank + numBlocks || sparsity.levels()->size() != order.size())
    return makeError("its levels are not as many as its axes");
  SmallVector<int64_t> strides(rank, 1), blocks(rank, 1), levels(order.size(), -1);
  for (size_t axis = rank; axis-- > 1;)
    strides[axis - 1] = strides[axis] * shape[axis];
  for (size_t place = 0; place < order.size(); ++place) {
    int64_t axis = order[place];
    if (axis < 0 || axis >= static_cast<int64_t>(order.size()) || levels[axis] >= 0)
      return makeError("an axis has no level, or several");
    levels[axis] = static_cast<int64_t>(place);
  }
  for (size_t block = 0; block < numBlocks; ++block) {
    int64_t axis = (*sparsity.block_map())[block], size = (*sparsity.levels())[levels[rank + block]]->dense_size();
    if (axis < 0 || axis >= static_cast<int64_t>(rank) || blocks[axis] != 1 || size < 1 || shape[axis] % size != 0)
      return makeError("its blocks do not fit its axes");
    blocks[axis] = size;
  }
  SmallVector<Step> steps;
  for (size_t place = 0; place < order.size(); ++place) {
    size_t axis = order[place];
    bool isBlock = axis >= rank;
    size_t of = isBlock ? (*sparsity.block_map())[axis - rank] : axis;
    steps.push_back({(*sparsity.levels())[place], isBlock ? blocks[of] : shape[of] / blocks[of],
                     isBlock ? strides[of] : strides[of] * blocks[of]});
  }
  return steps;
}

/// The places of a level's nodes, from those of the level above.
static Expected<std::vector<int64_t>> descend(const Step &step, const std::vector<int64_t> &above, int64_t most) {
  std::vector<int64_t> places;
  if (step.level->format() == format::LevelFormat::DENSE) {
    if (step.level->dense_size() != step.size)
      return makeError("the size of a level does not fit its axis");
    if (step.size > 0 && static_cast<int64_t>(above.size()) > most / step.size)
      return makeError("it has another number of values than of positions");
    for (int64_t place : above)
      for (int64_t i = 0; i < step.size; ++i)
        places.push_back(place + i * step.stride);
    return places;
  }
  std::vector<int64_t> segments = readSegments(*step.level), indices = readIndices(*step.level);
  if (step.level->format() != format::LevelFormat::SPARSE || segments.size() != above.size() + 1 || segments.front() != 0 ||
      segments.back() != static_cast<int64_t>(indices.size()) || static_cast<int64_t>(indices.size()) > most)
    return makeError("the list of positions of a level does not fit the level above");
  for (size_t node = 0; node < above.size(); ++node) {
    if (segments[node] < 0 || segments[node] > segments[node + 1] ||
        segments[node + 1] > static_cast<int64_t>(indices.size()))
      return makeError("a list of positions ends before it begins");
    for (int64_t i = segments[node]; i < segments[node + 1]; ++i) {
      if (indices[i] < 0 || indices[i] >= step.size)
        return makeError("a position is outside of its axis");
      places.push_back(above[node] + indices[i] * step.stride);
    }
  }
  return places;
}

Expected<std::shared_ptr<const std::string>> decodeSparse(const format::Sparsity &sparsity, ArrayRef<int64_t> shape,
                                                          StringRef values, size_t elementBytes) {
  int64_t total = 1;
  for (int64_t extent : shape) {
    if (extent < 1 || total > maxElements / extent)
      return makeError("it has no elements, or too many");
    total *= extent;
  }
  Expected<SmallVector<Step>> steps = bindSteps(sparsity, shape);
  if (!steps)
    return steps.takeError();
  // Each place has a value, or a list of positions: a small file cannot ask for many.
  auto most = static_cast<int64_t>(values.size() / elementBytes);
  for (const Step &step : *steps)
    most = std::max(most, static_cast<int64_t>(readSegments(*step.level).size()));
  std::vector<int64_t> places{0};
  for (const Step &step : *steps) {
    Expected<std::vector<int64_t>> below = descend(step, places, std::min(most, total));
    if (!below)
      return below.takeError();
    places = std::move(*below);
  }
  if (values.size() != places.size() * elementBytes)
    return makeError("it has another number of values than of positions");
  auto dense = std::make_shared<std::string>(static_cast<size_t>(total) * elementBytes, '\0');
  for (size_t i = 0; i < places.size(); ++i)
    std::memcpy(dense->data() + places[i] * elementBytes, values.data() + i * elementBytes, elementBytes);
  return std::shared_ptr<const std::string>(std::move(dense));
}

} // namespace nnc::tflite
