// Convolutions of few output channels: one product of the filter, a row for each tap and output channel, and the image, a
// column for each pixel. Each row is a plane that is added to the result where its tap puts it. Of a transposed convolution
// with strides the result is one plane for each phase (index modulo the strides) until all is added up. Another one has the
// stride 1: a transposed one whose taps are in reverse.
//
// The product may be much larger than image and result: it is made and added up a few rows of the image at a time.
#include "lib/Conversion/NNToLinalg/TapProducts.h"

#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/AxisGroups.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/Contraction.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"
#include "lib/Support/Decision.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;

namespace nnc {
namespace {

/// What both kinds of convolution come to: output stride * q + phase - pad is the sum of the taps that put pixels at q.
struct Taps {
  SmallVector<int64_t> window, dilations, strides, pads;
  bool areReversed;   ///< the last tap puts pixels where they are
  int64_t outputAxis; ///< of the filter

  static Taps get(nn::ConvTransposeOp op);
  static Taps get(nn::ConvOp op);
};

class TapProduct {
public:
  TapProduct(ImplicitLocOpBuilder &builder, Operation *op, const Taps &taps, Value input, Value filter, nn::Layout layout);

  /// (N, OC, O...).
  Value build(Value bias);

private:
  void arrangeFilter(Value filter);
  int64_t chooseRows() const;
  Value createSums(Value bias);
  Value repeat(Value sums, int64_t count, function_ref<Value(Value, Value)> body);
  Value takeImage(Value image, Value first, int64_t rows);
  Value addBlock(Value sums, Value image, Value first, int64_t rows);
  Value addTap(ImplicitLocOpBuilder &inner, Value sums, Value product, ValueRange tap, Value image, Value first, int64_t rows);
  Value takeResult(Value sums);
  OpFoldResult attribute(int64_t value) const { return builder.getIndexAttr(value); }

  ImplicitLocOpBuilder &builder;
  Operation *op;
  Taps taps;
  Value input, matrix; ///< `matrix`: the filter, (1, taps * OC, C)
  RankedTensorType element;
  bool isChannelsLast;
  int64_t spatial, batch, inputs, outputs, numTaps;
  SmallVector<int64_t> extents, results, planes; ///< of input, output, and a phase's plane: as far as any tap puts a pixel
};

} // namespace

Taps Taps::get(nn::ConvTransposeOp op) {
  SmallVector<int64_t> window(getRanked(op.getFilter()).getShape().drop_front(2));
  return {window, SmallVector<int64_t>(op.getDilations()), SmallVector<int64_t>(op.getStrides()),
          SmallVector<int64_t>(op.getPadsBegin()), /*areReversed=*/false, /*outputAxis=*/1};
}

Taps Taps::get(nn::ConvOp op) {
  SmallVector<int64_t> window(getRanked(op.getFilter()).getShape().drop_front(2)), pads;
  for (auto [size, dilation, pad] : llvm::zip(window, op.getDilations(), op.getPadsBegin()))
    pads.push_back((size - 1) * dilation - pad);
  return {window, SmallVector<int64_t>(op.getDilations()), SmallVector<int64_t>(op.getStrides()), pads, /*areReversed=*/true,
          /*outputAxis=*/0};
}

TapProduct::TapProduct(ImplicitLocOpBuilder &builder, Operation *op, const Taps &taps, Value input, Value filter,
                       nn::Layout layout)
    : builder(builder), op(op), taps(taps), input(input), element(getRanked(input)),
      isChannelsLast(layout == nn::Layout::ChannelsLast), spatial(element.getRank() - 2), batch(element.getDimSize(0)),
      inputs(getRanked(filter).getDimSize(1 - taps.outputAxis)), outputs(getRanked(filter).getDimSize(taps.outputAxis)),
      numTaps(ShapedType::getNumElements(taps.window)),
      extents(element.getShape().slice(isChannelsLast ? 1 : 2, spatial)),
      results(cast<RankedTensorType>(op->getResult(0).getType()).getShape().slice(isChannelsLast ? 1 : 2, spatial)) {
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t stride = taps.strides[i], farthest = (taps.window[i] - 1) * taps.dilations[i] / stride;
    int64_t end = llvm::divideCeil(taps.pads[i] + results[i], stride);
    planes.push_back(std::max(extents[i] + farthest, end));
  }
  arrangeFilter(filter);
}

/// To (1, K... * OC, C).
void TapProduct::arrangeFilter(Value filter) {
  SmallVector<int64_t> order = llvm::to_vector(llvm::seq<int64_t>(2, spatial + 2)), shape(taps.window);
  order.append({taps.outputAxis, 1 - taps.outputAxis});
  shape.append({outputs, inputs});
  matrix = mergeAxes(builder, transposeTo(builder, filter, element.clone(shape), order), {0, spatial + 1, 1});
}

/// Of the image, so many that their product takes half of the cache; they divide the image where that needs few more blocks.
int64_t TapProduct::chooseRows() const {
  int64_t rows = extents.front(), perRow = numTaps * outputs * ShapedType::getNumElements(ArrayRef(extents).drop_front());
  int64_t most = std::max<int64_t>(1, kernel::getTarget(op).getL2Bytes() / 2 / (perRow * sizeof(float)));
  if (most >= rows)
    return rows;
  int64_t even = llvm::divideCeil(rows, llvm::divideCeil(rows, most));
  for (int64_t fewer = most; 2 * fewer > most; --fewer)
    if (rows % fewer == 0)
      return fewer;
  return even;
}

/// (N, OC, strides..., planes...) of the bias, or of zeros.
Value TapProduct::createSums(Value bias) {
  SmallVector<int64_t> shape{batch, outputs};
  llvm::append_range(shape, taps.strides);
  llvm::append_range(shape, planes);
  RankedTensorType type = element.clone(shape);
  Value init = createEmpty(builder, builder.getLoc(), type, {});
  if (!bias) {
    Value zero = arith::ConstantOp::create(builder, builder.getZeroAttr(type.getElementType()));
    return linalg::FillOp::create(builder, zero, init).getResult(0);
  }
  AffineMap maps[] = {AffineMap::get(type.getRank(), 0, builder.getAffineDimExpr(1)),
                      builder.getMultiDimIdentityMap(type.getRank())};
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto yield = [](OpBuilder &nested, Location loc, ValueRange arguments) {
    linalg::YieldOp::create(nested, loc, arguments.front());
  };
  return linalg::GenericOp::create(builder, type, bias, init, maps, iterators, yield).getResult(0);
}

/// So many rows of an image, from `first` on: (1, C, pixels) or, channels last, (1, pixels, C).
Value TapProduct::takeImage(Value image, Value first, int64_t rows) {
  int64_t rank = spatial + 2, axis = isChannelsLast ? 1 : 2;
  SmallVector<OpFoldResult> offsets(rank, attribute(0)), steps(rank, attribute(1)), sizes;
  SmallVector<int64_t> shape(element.getShape()), counts(3, 1);
  offsets[0] = getAsOpFoldResult(image);
  offsets[axis] = getAsOpFoldResult(first);
  shape[0] = 1;
  shape[axis] = rows;
  for (int64_t size : shape)
    sizes.push_back(attribute(size));
  counts[isChannelsLast ? 1 : 2] = spatial;
  return mergeAxes(builder, tensor::ExtractSliceOp::create(builder, element.clone(shape), input, offsets, sizes, steps), counts);
}

/// Adds the products of so many rows of an image to the sums, in a loop over the taps.
Value TapProduct::addBlock(Value sums, Value image, Value first, int64_t rows) {
  Value packed = packMatrix(builder, op, takeImage(image, first, rows), /*transposed=*/isChannelsLast);
  SmallVector<int64_t> shape{1};
  llvm::append_range(shape, taps.window);
  shape.append({outputs, rows});
  llvm::append_range(shape, ArrayRef(extents).drop_front());
  int64_t pixels = ShapedType::getNumElements(ArrayRef(shape).take_back(spatial));
  Value product = multiplyPacked(builder, matrix, packed, element.clone({1, numTaps * outputs, pixels}), {});
  product = splitAxes(builder, product, element.clone(shape), {1, spatial + 1, spatial}, SmallVector<Value>(shape.size()));
  SmallVector<Value> counts = llvm::map_to_vector(taps.window, [&](int64_t size) { return getIndex(builder, size); });
  auto add = [&](ImplicitLocOpBuilder &inner, ValueRange tap, ValueRange carried) -> SmallVector<Value> {
    return {addTap(inner, carried.front(), product, tap, image, first, rows)};
  };
  return forEachIndex(builder, counts, sums, add).front();
}

/// Adds one tap's rows of `product`, (1, K..., OC, pixels...).
Value TapProduct::addTap(ImplicitLocOpBuilder &inner, Value sums, Value product, ValueRange tap, Value image, Value first,
                         int64_t rows) {
  SmallVector<int64_t> shape{outputs, rows};
  llvm::append_range(shape, ArrayRef(extents).drop_front());
  RankedTensorType type = element.clone(shape);
  SmallVector<OpFoldResult> from(2 * spatial + 2, attribute(0)), to(2 * spatial + 2, attribute(0)), ones(2 * spatial + 2, attribute(1));
  SmallVector<OpFoldResult> size(spatial + 1, attribute(1)), sumsSize{attribute(1), attribute(outputs)};
  for (int64_t extent : shape)
    size.push_back(attribute(extent));
  sumsSize.append(spatial, attribute(1));
  sumsSize.append(size.end() - spatial, size.end());
  to[0] = getAsOpFoldResult(image);
  for (int64_t i = 0; i < spatial; ++i) {
    Value at = taps.areReversed ? sub(inner, getIndex(inner, taps.window[i] - 1), tap[i]) : tap[i];
    Value reach = mul(inner, at, getIndex(inner, taps.dilations[i])), stride = getIndex(inner, taps.strides[i]);
    Value place = inner.createOrFold<arith::DivUIOp>(reach, stride);
    from[1 + i] = getAsOpFoldResult(tap[i]);
    to[2 + i] = getAsOpFoldResult(inner.createOrFold<arith::RemUIOp>(reach, stride));
    to[2 + spatial + i] = getAsOpFoldResult(i == 0 ? add(inner, first, place) : place);
  }
  Value products = tensor::ExtractSliceOp::create(inner, type, product, from, size, ones);
  Value part = tensor::ExtractSliceOp::create(inner, type, sums, to, sumsSize, ones);
  AffineMap identity = inner.getMultiDimIdentityMap(type.getRank());
  SmallVector<utils::IteratorType> iterators(type.getRank(), utils::IteratorType::parallel);
  auto body = [](OpBuilder &nested, Location loc, ValueRange arguments) {
    Value sum = arith::AddFOp::create(nested, loc, arguments[1], arguments[0]);
    linalg::YieldOp::create(nested, loc, sum);
  };
  Value added = linalg::GenericOp::create(inner, type, products, part, ArrayRef{identity, identity}, iterators, body).getResult(0);
  return tensor::InsertSliceOp::create(inner, added, sums, to, sumsSize, ones);
}

/// The phases in order, without what the pads cut off: (N, OC, O...).
Value TapProduct::takeResult(Value sums) {
  SmallVector<int64_t> order{0, 1}, counts{1, 1}, shape{batch, outputs};
  SmallVector<OpFoldResult> offsets(2, attribute(0)), sizes{attribute(batch), attribute(outputs)};
  SmallVector<int64_t> result{batch, outputs};
  llvm::append_range(result, results);
  for (int64_t i = 0; i < spatial; ++i) {
    order.append({2 + spatial + i, 2 + i});
    shape.append({planes[i], taps.strides[i]});
    counts.push_back(2);
    offsets.push_back(attribute(taps.pads[i]));
    sizes.push_back(attribute(results[i]));
  }
  bool isInOrder = llvm::all_of(taps.strides, [](int64_t stride) { return stride == 1; });
  if (isInOrder)
    std::fill(counts.begin() + 2, counts.end(), 1), counts[1] += spatial;
  else
    sums = transposeTo(builder, sums, element.clone(shape), order);
  SmallVector<OpFoldResult> steps(offsets.size(), attribute(1));
  return tensor::ExtractSliceOp::create(builder, element.clone(result), mergeAxes(builder, sums, counts), offsets, sizes, steps);
}

/// Runs `body` for each of `count` numbers.
Value TapProduct::repeat(Value sums, int64_t count, function_ref<Value(Value, Value)> body) {
  if (count == 1)
    return body(sums, getIndex(builder, 0));
  auto nest = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) -> SmallVector<Value> {
    OpBuilder::InsertionGuard guard(builder);
    builder.restoreInsertionPoint(inner.saveInsertionPoint());
    return {body(carried.front(), index.front())};
  };
  return forEachIndex(builder, getIndex(builder, count), sums, nest).front();
}

Value TapProduct::build(Value bias) {
  int64_t rows = chooseRows(), blocks = extents.front() / rows, rest = extents.front() % rows;
  Value sums = repeat(createSums(bias), batch, [&](Value ofImages, Value image) {
    Value added = repeat(ofImages, blocks, [&](Value ofBlocks, Value block) {
      return addBlock(ofBlocks, image, mul(builder, block, getIndex(builder, rows)), rows);
    });
    return rest ? addBlock(added, image, getIndex(builder, blocks * rows), rest) : added;
  });
  return takeResult(sums);
}

template <typename OpTy>
static Value multiply(ImplicitLocOpBuilder &builder, OpTy op, Value input, Value filter, Value bias, RankedTensorType type) {
  remark::passed(op.getLoc(), about::algorithm)
      << "a product of all taps by the image, added up: the outputs are too few for vectors of channels";
  Value result = TapProduct(builder, op, Taps::get(op), input, filter, op.getLayout()).build(bias);
  if (op.getLayout() == nn::Layout::ChannelsFirst)
    return result;
  SmallVector<int64_t> order{0};
  llvm::append_range(order, llvm::seq<int64_t>(2, type.getRank()));
  order.push_back(1);
  return transposeTo(builder, result, type, order);
}

Value multiplyTaps(ImplicitLocOpBuilder &builder, Operation *op, Value input, Value filter, Value bias, RankedTensorType type) {
  if (auto transposed = dyn_cast<nn::ConvTransposeOp>(op))
    return multiply(builder, transposed, input, filter, bias, type);
  return multiply(builder, cast<nn::ConvOp>(op), input, filter, bias, type);
}

} // namespace nnc
