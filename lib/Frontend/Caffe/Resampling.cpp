// Layers of the resampling family, and SegNet's inverse of max pooling.
#include "lib/Frontend/Caffe/LayerTable.h"
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/Import/Weights.h"

using namespace mlir;

namespace nnc::caffe {

using frontend::Expression;

/// Extents and factors that are still believed.
static constexpr int64_t maxExtent = 1 << 20;

//===--- Interp ---===//

/// The extent that Interp makes of one: reduced, then enlarged, so that corners stay corners.
static int64_t zoom(int64_t extent, int64_t shrinkFactor, int64_t zoomFactor) {
  extent = (extent - 1) / shrinkFactor + 1;
  return extent + (extent - 1) * (zoomFactor - 1);
}

/// Rows and columns of the result, of an image of `rows` and `columns`; rejects the layer where it says nothing clear.
static SmallVector<int64_t> chooseSize(LayerBinder &layer, int64_t rows, int64_t columns) {
  const format::InterpParam &param = layer.get().interp_param();
  bool hasSize = param.has_height() || param.has_width(),
       hasZoom = param.has_zoom_factor() || param.has_shrink_factor();
  if (layer.getNumBottoms() == 2) {
    Value reference = layer.imageBottom(1);
    if (hasSize || hasZoom)
      (void)layer.reject("its size is given by its second bottom and by its parameters");
    return layer.failed() ? SmallVector<int64_t>() : SmallVector<int64_t>(layer.getShape(reference).drop_front(2));
  }
  if (hasSize && (hasZoom || !param.has_height() || !param.has_width())) {
    (void)layer.reject("needs height and width, or zoom_factor and shrink_factor");
    return {};
  }
  if (hasSize)
    return {param.height(), param.width()};
  int64_t shrinkFactor = param.shrink_factor(), zoomFactor = param.zoom_factor();
  if (!hasZoom || shrinkFactor < 1 || zoomFactor < 1 || shrinkFactor > maxExtent || zoomFactor > maxExtent) {
    (void)layer.reject("needs height and width, or positive factors");
    return {};
  }
  return {zoom(rows, shrinkFactor, zoomFactor), zoom(columns, shrinkFactor, zoomFactor)};
}

/// Of DeepLab and PSPNet: bilinear, corners on corners; negative pads cut the image first.
static LogicalResult importInterp(LayerBinder &layer) {
  Value x = layer.imageBottom(0);
  const format::InterpParam &param = layer.get().interp_param();
  int64_t begin = param.pad_beg(), end = param.pad_end();
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  int64_t rows = shape[2] + begin + end, columns = shape[3] + begin + end;
  if (begin > 0 || end > 0)
    return layer.reject("pad_beg and pad_end must not be positive: they cut the image");
  if (rows < 1 || columns < 1)
    return layer.reject("pad_beg and pad_end leave nothing of its bottom");
  SmallVector<int64_t> size = chooseSize(layer, rows, columns);
  if (layer.failed())
    return failure();
  if (size[0] < 1 || size[1] < 1 || size[0] > maxExtent || size[1] > maxExtent)
    return layer.reject("the extents of its result must be positive, and not too large");
  SmallVector<int64_t> axes{2, 3};
  if (begin || end)
    x = layer.create<nn::SliceOp>(x, layer.ints({-begin, -begin}), layer.ints({rows - begin, columns - begin}), Value(),
                                  axes);
  return layer.result(layer.create<nn::ResizeOp>(x, layer.ints(size), Value(), Value(), axes, nn::ResizeMode::Linear,
                                                 nn::CoordinateMode::AlignCorners, nn::NearestMode::RoundPreferFloor,
                                                 APFloat(-0.75f), /*exclude_outside=*/false, /*antialias=*/false,
                                                 APFloat(0.0f)));
}

//===--- Upsample ---===//

/// Rows and columns of SegNet's result.
static SmallVector<int64_t> getUpsampledSize(LayerBinder &layer, ArrayRef<int64_t> shape) {
  const format::UpsampleParam &param = layer.get().upsample_param();
  if (param.has_upsample_h() || param.has_upsample_w())
    return {param.upsample_h(), param.upsample_w()};
  bool hasBoth = param.has_scale_h() || param.has_scale_w();
  int64_t scales[] = {hasBoth ? param.scale_h() : param.scale(), hasBoth ? param.scale_w() : param.scale()};
  if (scales[0] > maxExtent || scales[1] > maxExtent)
    return {0, 0};
  return {shape[2] * scales[0] - param.pad_out_h(), shape[3] * scales[1] - param.pad_out_w()};
}

/// With a mask, the places of maxima that Pooling's second top gives, SegNet's: zeros, with each element in its place.
/// Without, that of YOLO's ports: each element `scale` times along rows and columns.
static LogicalResult importUpsample(LayerBinder &layer) {
  Expression x(layer, layer.imageBottom(0));
  if (layer.failed())
    return failure();
  ArrayRef<int64_t> shape = layer.getShape(x);
  SmallVector<int64_t> size = getUpsampledSize(layer, shape);
  auto total = frontend::countElements({shape[0], shape[1], size[0], size[1]});
  if (size[0] < 1 || size[1] < 1 || size[0] > maxExtent || size[1] > maxExtent || !total)
    return layer.reject("the extents of its result must be positive, and not too large");
  if (layer.getNumBottoms() == 1) {
    if (size[0] % shape[2] || size[1] % shape[3])
      return layer.reject("without a mask, it needs a whole number as scale");
    return layer.result(layer.create<nn::ResizeOp>(x, layer.ints(size), Value(), Value(), ArrayRef<int64_t>{2, 3},
                                                   nn::ResizeMode::Nearest, nn::CoordinateMode::Asymmetric,
                                                   nn::NearestMode::Floor, APFloat(-0.75f), /*exclude_outside=*/false,
                                                   /*antialias=*/false, APFloat(0.0f)));
  }
  Expression mask(layer, layer.bottom(1));
  if (layer.getShape(mask) != shape)
    return layer.reject("its bottom and its mask differ in shape");
  layer.remark("a place of the mask that is not in the result is the caller's mistake");
  int64_t planes = shape[0] * shape[1], elements = shape[2] * shape[3];
  Expression places = mask.cast(layer.getBuilder().getI64Type()).reshape({planes, elements});
  Expression zeros = x.like(0).broadcast(Expression::ints(layer, {planes, size[0] * size[1]}));
  Value placed = layer.create<nn::ScatterElementsOp>(zeros, places, x.reshape({planes, elements}), /*axis=*/1);
  return layer.result(layer.reshape(placed, {shape[0], shape[1], size[0], size[1]}));
}

static const LayerEntry table[] = {{"Interp", importInterp}, {"Upsample", importUpsample}};

ArrayRef<LayerEntry> getResamplingLayers() { return table; }

} // namespace nnc::caffe
