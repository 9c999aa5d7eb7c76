// Weights as Caffe saves them with snapshot_format HDF5: the dataset data/NAME/I has blob I of the layer NAME.
#include "lib/Frontend/Caffe/NetReader.h"
#include "lib/Frontend/Hdf5/Hdf5File.h"
#include "lib/Frontend/Import/Weights.h"

#include "llvm/ADT/StringSet.h"

#include <cstring>

using namespace llvm;

namespace nnc::caffe {

/// Blobs of one layer that are still believed.
static constexpr unsigned maxBlobs = 1024;

static Error makeError(const frontend::Hdf5Dataset &dataset, const Twine &message) {
  return createStringError(("'" + dataset.path + "' " + message).str());
}

/// Copies elements in memory order.
template <typename T>
static void fill(google::protobuf::RepeatedField<T> &elements, StringRef bytes) {
  int count = static_cast<int>(bytes.size() / sizeof(T));
  elements.Reserve(count);
  std::memcpy(elements.AddNAlreadyReserved(count), bytes.data(), bytes.size());
}

static Error readBlob(const frontend::Hdf5File &file, const frontend::Hdf5Dataset &dataset, format::Blob &blob) {
  auto count = frontend::countElements(dataset.shape);
  bool isFloat = dataset.type.kind == 'f' && (dataset.type.bytes == 4 || dataset.type.bytes == 8);
  if (!isFloat || !count || *count > INT32_MAX / 8)
    return makeError(dataset, "has another element type than float and double, or is too large");
  auto elements = file.read(dataset, *count * dataset.type.bytes);
  if (!elements)
    return elements.takeError();
  for (int64_t extent : dataset.shape)
    blob.mutable_shape()->add_dim(extent);
  if (!blob.has_shape())
    blob.mutable_shape();
  if (dataset.type.bytes == 4)
    fill(*blob.mutable_data(), elements->bytes);
  else
    fill(*blob.mutable_double_data(), elements->bytes);
  return Error::success();
}

Error readHdf5Weights(const frontend::ModelFile &file, const format::Net &net, format::Net &weights) {
  auto content = frontend::Hdf5File::open({file.getContent(), file.buffer}, file.getContent().size());
  if (!content)
    return content.takeError();
  StringSet<> wanted;
  for (const format::Layer &layer : net.layer())
    wanted.insert(layer.name());
  StringMap<format::Layer *> layers;
  for (const frontend::Hdf5Dataset *dataset : content->listDatasets("data")) {
    auto [name, number] = StringRef(dataset->path).drop_front(strlen("data/")).rsplit('/');
    unsigned index = 0;
    if (name.empty() || number.getAsInteger(10, index) || index >= maxBlobs)
      return makeError(*dataset, "is not the weights of a layer");
    format::Layer *&layer = layers[name];
    if (!layer) {
      layer = weights.add_layer();
      layer->set_name(name.str());
    }
    if (!wanted.contains(name)) {
      // That it has a blob is enough to say whose weights fit no layer.
      if (!layer->blobs_size())
        layer->add_blobs();
      continue;
    }
    // Blobs that are another layer's as well are saved with that one only: they stay empty here.
    while (layer->blobs_size() <= static_cast<int>(index))
      layer->add_blobs();
    if (Error error = readBlob(*content, *dataset, *layer->mutable_blobs(index)))
      return error;
  }
  if (layers.empty())
    return createStringError("the HDF5 file has no weights of Caffe, which are groups of 'data'");
  return Error::success();
}

} // namespace nnc::caffe
