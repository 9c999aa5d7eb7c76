// Caffe computes (raw - mean) * scale of images whose channels are blue, green, red, as OpenCV reads them.
#include "lib/Frontend/Caffe/Transformation.h"

#include "lib/Frontend/Import/ModelFiles.h"
#include "lib/Frontend/Import/Weights.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc::caffe {

/// The middle of a mean image, as large as the images of `type`; null where there is none that fits.
static ElementsAttr readMeanImage(StringRef name, StringRef folder, RankedTensorType type) {
  // Nothing is read outside the model's folder.
  if (llvm::sys::path::is_absolute(name) || llvm::is_contained(llvm::make_range(llvm::sys::path::begin(name), llvm::sys::path::end(name)), ".."))
    return {};
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  auto file = frontend::ModelFile::open(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return {};
  }
  format::Blob blob;
  if (file->getContent().size() > INT32_MAX || !blob.ParseFromArray(file->getContent().data(), file->getContent().size()))
    return {};
  SmallVector<int64_t> shape{blob.channels(), blob.height(), blob.width()};
  if (blob.has_shape())
    shape = llvm::to_vector(llvm::drop_begin(blob.shape().dim(), blob.shape().dim_size() == 4 ? 1 : 0));
  auto count = frontend::countElements(shape);
  if (shape.size() != 3 || !count || *count != blob.data_size() || shape[0] != type.getDimSize(1))
    return {};
  auto values = frontend::cutMiddle(llvm::to_vector(blob.data()), shape[0], {shape[1], shape[2]},
                                    {type.getDimSize(2), type.getDimSize(3)}, /*inner=*/1);
  return values.empty() ? ElementsAttr()
                        : frontend::makeWeights(type.getContext(), type.getShape().drop_front(), std::move(values), "mean");
}

std::optional<frontend::Preprocessing> readTransformation(const format::Layer &layer, RankedTensorType type,
                                                          StringRef folder, std::string &remark) {
  bool isData = layer.type() == "Data", isImages = layer.type() == "ImageData", isWindows = layer.type() == "WindowData";
  if (type.getRank() != 4 || !type.hasStaticShape() ||
      (!isData && !isImages && !isWindows && layer.type() != "MemoryData" && layer.type() != "Input"))
    return std::nullopt;
  const format::Transformation &transform = layer.transform_param();
  const format::DataParam &old = isImages ? layer.image_data_param() : isWindows ? layer.window_data_param() : layer.data_param();
  if (layer.type() == "Input" && !layer.has_transform_param())
    return std::nullopt;
  frontend::Preprocessing result;
  result.channelAxis = 1;
  result.channelOrder = type.getDimSize(1) == 3 ? "BGR" : "";
  result.scale = {transform.has_scale() ? transform.scale() : old.scale()};
  result.mean.assign(transform.mean_value().begin(), transform.mean_value().end());
  std::string meanFile = transform.has_mean_file() ? transform.mean_file() : old.mean_file();
  if (meanFile.empty())
    return result;
  result.mean.clear();
  result.meanImage = readMeanImage(meanFile, folder, type);
  if (result.meanImage)
    return result;
  remark = "the mean image " + meanFile + " is not in the model's folder, or does not fit; what happens to images is not known";
  return std::nullopt;
}

} // namespace nnc::caffe
