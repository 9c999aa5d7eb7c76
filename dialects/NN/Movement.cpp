// Inference and verifiers of the movement family.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

static LogicalResult pushType(SmallVectorImpl<Type> &types, ArrayRef<int64_t> shape, Value like) {
  types.push_back(RankedTensorType::get(shape, getElementTypeOrSelf(like)));
  return success();
}

//===----------------------------------------------------------------------===//
// Shape changes that keep the order of the elements
//===----------------------------------------------------------------------===//

/// The extent that -1 stands for in a reshape, `?` where it is not known. Extents
/// that the result copies from the input (`copied`) drop out of both products.
static int64_t inferRemainingExtent(RankedTensorType input, ArrayRef<int64_t> shape, const llvm::SmallBitVector &copied,
                                    const llvm::SmallBitVector &copies, int64_t position) {
  int64_t elements = 1, others = 1;
  for (int64_t i = 0; i < input.getRank(); ++i) {
    if (copied[i])
      continue;
    if (input.isDynamicDim(i))
      return ShapedType::kDynamic;
    elements *= input.getDimSize(i);
  }
  for (int64_t i = 0, e = shape.size(); i < e; ++i) {
    if (i == position || copies[i])
      continue;
    if (ShapedType::isDynamic(shape[i]))
      return ShapedType::kDynamic;
    others *= shape[i];
  }
  return others == 0 ? ShapedType::kDynamic : elements % others ? -1 : elements / others;
}

LogicalResult ReshapeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  std::optional<SmallVector<KnownInt>> known = getKnownInts(adaptor.getShape());
  if (!known)
    return emitOptionalError(location, "the rank of the reshaped tensor is not known before run time");
  SmallVector<int64_t> shape;
  llvm::SmallBitVector copied(input.getRank()), copies(known->size());
  std::optional<int64_t> remaining;
  for (auto [i, entry] : llvm::enumerate(*known)) {
    int64_t position = i;
    if (!entry.value) {
      if (entry.tensor == adaptor.getInput() && !copied[entry.axis]) {
        copied.set(entry.axis);
        copies.set(i);
      }
      shape.push_back(ShapedType::kDynamic);
    } else if (*entry.value == 0 && !adaptor.getAllowZero()) {
      if (position >= input.getRank())
        return emitOptionalError(location, "reshape copies extent ", position, " of ", input);
      if (!copied[i]) {
        copied.set(i);
        copies.set(i);
      }
      shape.push_back(input.getDimSize(i));
    } else if (*entry.value == -1) {
      if (remaining)
        return emitOptionalError(location, "more than one extent of the reshaped tensor is -1");
      remaining = i;
      shape.push_back(ShapedType::kDynamic);
    } else if (*entry.value < 0) {
      return emitOptionalError(location, "the reshaped tensor has the extent ", *entry.value);
    } else {
      shape.push_back(*entry.value);
    }
  }
  for (int64_t i = 0, e = shape.size(); remaining && i < e; ++i)
    if (shape[i] == 0 && !copies[i])
      return emitOptionalError(location, "extent -1 of the reshaped tensor is not determined: another one is 0");
  if (remaining)
    shape[*remaining] = inferRemainingExtent(input, shape, copied, copies, *remaining);
  if (remaining && shape[*remaining] == -1)
    return emitOptionalError(location, "cannot reshape ", input, ": its elements are no multiple of the other extents");
  if (input.hasStaticShape() && !ShapedType::isDynamicShape(shape) &&
      ShapedType::getNumElements(shape) != input.getNumElements())
    return emitOptionalError(location, "cannot reshape ", input, " to ", ShapedType::getNumElements(shape),
                             " elements");
  return pushType(types, shape, adaptor.getInput());
}

LogicalResult ReshapeOp::verify() {
  if (getRanked(getShape()).isDynamicDim(0))
    return emitOpError("has a shape operand of unknown length");
  return success();
}

LogicalResult SqueezeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  if (!areAxes(adaptor.getAxes(), input.getRank()))
    return emitOptionalError(location, "axes to squeeze are not ascending axes of ", input);
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < input.getRank(); ++i) {
    if (!llvm::is_contained(adaptor.getAxes(), i))
      shape.push_back(input.getDimSize(i));
    else if (!input.isDynamicDim(i) && input.getDimSize(i) != 1)
      return emitOptionalError(location, "cannot squeeze axis ", i, " of ", input);
  }
  return pushType(types, shape, adaptor.getInput());
}

LogicalResult UnsqueezeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  int64_t rank = input.getRank() + adaptor.getAxes().size();
  if (!areAxes(adaptor.getAxes(), rank))
    return emitOptionalError(location, "axes to insert are not ascending axes of a tensor of rank ", rank);
  SmallVector<int64_t> shape(rank, ShapedType::kDynamic);
  ArrayRef<int64_t> rest = input.getShape();
  for (int64_t i = 0; i < rank; ++i) {
    bool inserted = llvm::is_contained(adaptor.getAxes(), i);
    shape[i] = inserted ? 1 : rest.front();
    rest = rest.drop_front(inserted ? 0 : 1);
  }
  return pushType(types, shape, adaptor.getInput());
}

LogicalResult FlattenOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  int64_t axis = adaptor.getAxis();
  if (axis < 0 || axis > input.getRank())
    return emitOptionalError(location, "cannot flatten ", input, " at axis ", axis);
  auto product = [](ArrayRef<int64_t> extents) {
    return ShapedType::isDynamicShape(extents) ? ShapedType::kDynamic : ShapedType::getNumElements(extents);
  };
  return pushType(types, {product(input.getShape().take_front(axis)), product(input.getShape().drop_front(axis))},
                  adaptor.getInput());
}

//===----------------------------------------------------------------------===//
// Permutation, concatenation, cutting
//===----------------------------------------------------------------------===//

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                            SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  if (static_cast<int64_t>(permutation.size()) != input.getRank() || !isPermutationVector(permutation))
    return emitOptionalError(location, "not a permutation of the axes of ", input);
  return pushType(types, applyPermutation(input.getShape(), permutation), adaptor.getInput());
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                         SmallVectorImpl<Type> &types) {
  if (adaptor.getInputs().empty())
    return emitOptionalError(location, "nothing to concatenate");
  RankedTensorType first = getRanked(adaptor.getInputs().front());
  int64_t axis = adaptor.getAxis(), extent = 0;
  if (axis < 0 || axis >= first.getRank())
    return emitOptionalError(location, "cannot concatenate along axis ", axis, " of ", first);
  SmallVector<int64_t> shape(first.getShape());
  for (Value input : adaptor.getInputs()) {
    RankedTensorType type = getRanked(input);
    if (type.getRank() != first.getRank() || type.getElementType() != first.getElementType())
      return emitOptionalError(location, "cannot concatenate ", first, " and ", type);
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (i == axis || type.isDynamicDim(i))
        continue;
      if (!ShapedType::isDynamic(shape[i]) && shape[i] != type.getDimSize(i))
        return emitOptionalError(location, "cannot concatenate ", first, " and ", type, " along axis ", axis);
      shape[i] = type.getDimSize(i);
    }
    bool known = !ShapedType::isDynamic(extent) && !type.isDynamicDim(axis);
    extent = known ? extent + type.getDimSize(axis) : ShapedType::kDynamic;
  }
  shape[axis] = extent;
  return pushType(types, shape, adaptor.getInputs().front());
}

LogicalResult SliceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  ArrayRef<int64_t> axes = adaptor.getAxes();
  if (!areDistinctAxes(axes, input.getRank()))
    return emitOptionalError(location, "not axes of ", input);
  SmallVector<int64_t> shape(input.getShape());
  std::optional<SmallVector<KnownInt>> starts = getKnownInts(adaptor.getStarts()), ends = getKnownInts(adaptor.getEnds());
  std::optional<SmallVector<KnownInt>> steps = adaptor.getSteps()
                                                   ? getKnownInts(adaptor.getSteps())
                                                   : SmallVector<KnownInt>(axes.size(), KnownInt{1, {}, 0});
  for (auto *bounds : {&starts, &ends, &steps})
    if (*bounds && (*bounds)->size() != axes.size())
      return emitOptionalError(location, "slice bounds and axes differ in number");
  for (auto [i, axis] : llvm::enumerate(axes)) {
    bool known = starts && ends && steps && (*starts)[i].value && (*ends)[i].value && (*steps)[i].value;
    if (known && *(*steps)[i].value == 0)
      return emitOptionalError(location, "the step of a slice is 0");
    if (!known || input.isDynamicDim(axis))
      shape[axis] = ShapedType::kDynamic;
    else
      shape[axis] =
          clampSlice(input.getDimSize(axis), *(*starts)[i].value, *(*ends)[i].value, *(*steps)[i].value).size;
  }
  return pushType(types, shape, adaptor.getInput());
}

LogicalResult SliceOp::verify() {
  for (Value bounds : {getStarts(), getEnds(), getSteps()})
    if (bounds && getRanked(bounds).getDimSize(0) != static_cast<int64_t>(getAxes().size()))
      return emitOpError("needs as many bounds as axes, got ") << bounds.getType();
  return success();
}

LogicalResult ReverseOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                          SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  if (!areDistinctAxes(adaptor.getAxes(), input.getRank()))
    return emitOptionalError(location, "not axes of ", input);
  return pushType(types, input.getShape(), adaptor.getInput());
}

//===----------------------------------------------------------------------===//
// Growth
//===----------------------------------------------------------------------===//

LogicalResult PadOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  ArrayRef<int64_t> axes = adaptor.getAxes();
  if (!areDistinctAxes(axes, input.getRank()))
    return emitOptionalError(location, "not axes of ", input);
  std::optional<SmallVector<KnownInt>> pads = getKnownInts(adaptor.getPads());
  if (pads && pads->size() != 2 * axes.size())
    return emitOptionalError(location, "pads ", axes.size(), " axes with ", pads->size(), " numbers");
  SmallVector<int64_t> shape(input.getShape());
  for (auto [i, axis] : llvm::enumerate(axes)) {
    bool known = pads && (*pads)[i].value && (*pads)[i + axes.size()].value && !input.isDynamicDim(axis);
    int64_t extent = shape[axis];
    shape[axis] = ShapedType::kDynamic;
    if (!known)
      continue;
    int64_t before = *(*pads)[i].value, after = *(*pads)[i + axes.size()].value, most = std::max(before, after);
    if (llvm::AddOverflow(extent, before, shape[axis]) || llvm::AddOverflow(shape[axis], after, shape[axis]))
      return emitOptionalError(location, "pads of axis ", axis, " are out of range");
    if (shape[axis] < 0)
      return emitOptionalError(location, "pads remove more elements than axis ", axis, " of ", input, " has");
    int64_t kept = extent + std::min<int64_t>(before, 0) + std::min<int64_t>(after, 0);
    if (adaptor.getMode() == PadMode::Reflect && most > 0 && most >= kept)
      return emitOptionalError(location, "axis ", axis, " of ", input, " has too few elements to reflect ", most);
  }
  return pushType(types, shape, adaptor.getInput());
}

LogicalResult PadOp::verify() {
  if (getRanked(getPads()).getDimSize(0) != 2 * static_cast<int64_t>(getAxes().size()))
    return emitOpError("needs two pads for each axis, got ") << getPads().getType();
  if (!getValue())
    return success();
  RankedTensorType value = getRanked(getValue());
  if (!value.hasStaticShape() || value.getNumElements() != 1 ||
      value.getElementType() != getElementTypeOrSelf(getInput()))
    return emitOpError("needs a padding value of one element of the input's type, got ") << value;
  return success();
}

LogicalResult BroadcastToOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                              SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  std::optional<SmallVector<int64_t>> shape = getKnownShape(adaptor.getShape());
  if (!shape)
    return emitOptionalError(location, "the rank of the broadcast tensor is not known before run time");
  int64_t rank = shape->size(), added = rank - input.getRank();
  SmallVector<int64_t> result(std::max<int64_t>(-added, 0), 1);
  result.append(*shape);
  for (int64_t i = 1; i <= input.getRank(); ++i) {
    int64_t extent = input.getDimSize(input.getRank() - i), &target = result[result.size() - i];
    if (extent == 1 || extent == target)
      continue;
    if (target == 1 || (ShapedType::isDynamic(target) && !ShapedType::isDynamic(extent)))
      target = extent;
    else if (!ShapedType::isDynamic(extent))
      return emitOptionalError(location, "cannot broadcast ", input, " to extent ", target);
  }
  return pushType(types, result, adaptor.getInput());
}

LogicalResult TileOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  SmallVector<int64_t> shape(input.getShape());
  std::optional<SmallVector<KnownInt>> repeats = getKnownInts(adaptor.getRepeats());
  if (repeats && repeats->size() != shape.size())
    return emitOptionalError(location, "tiles a tensor of rank ", shape.size(), " with ", repeats->size(), " repeats");
  for (auto [i, extent] : llvm::enumerate(shape)) {
    bool known = repeats && (*repeats)[i].value && !ShapedType::isDynamic(extent);
    if (!(repeats && (*repeats)[i].value == 1))
      extent = known ? extent * *(*repeats)[i].value : ShapedType::kDynamic;
  }
  return pushType(types, shape, adaptor.getInput());
}

//===----------------------------------------------------------------------===//
// Images
//===----------------------------------------------------------------------===//

/// The type of depth_to_space (with `grow`) and space_to_depth.
static LogicalResult inferBlocks(std::optional<Location> location, Value input, int64_t block, Layout layout, bool grow,
                                 SmallVectorImpl<Type> &types) {
  RankedTensorType type = getRanked(input);
  if (type.getRank() != 4 || block < 1 || block > (1 << 15))
    return emitOptionalError(location, "cannot rearrange blocks of ", block, " of ", type);
  SmallVector<int64_t> shape(type.getShape());
  int64_t channel = layout == Layout::ChannelsFirst ? 1 : 3, height = layout == Layout::ChannelsFirst ? 2 : 1;
  for (auto [axis, factor] : {std::pair(channel, block * block), {height, block}, {height + 1, block}}) {
    if (ShapedType::isDynamic(shape[axis]))
      continue;
    bool multiply = (axis == channel) != grow;
    if (!multiply && shape[axis] % factor)
      return emitOptionalError(location, "axis ", axis, " of ", type, " is no multiple of ", factor);
    shape[axis] = multiply ? shape[axis] * factor : shape[axis] / factor;
  }
  return pushType(types, shape, input);
}

LogicalResult DepthToSpaceOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  return inferBlocks(location, adaptor.getInput(), adaptor.getBlock(), adaptor.getLayout(), /*grow=*/true, types);
}

LogicalResult SpaceToDepthOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                               SmallVectorImpl<Type> &types) {
  return inferBlocks(location, adaptor.getInput(), adaptor.getBlock(), adaptor.getLayout(), /*grow=*/false, types);
}

LogicalResult TriluOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  RankedTensorType input = getRanked(adaptor.getInput());
  if (input.getRank() < 2)
    return emitOptionalError(location, "a triangle of ", input);
  if (adaptor.getDiagonal()) {
    RankedTensorType diagonal = getRanked(adaptor.getDiagonal());
    if (!diagonal.hasStaticShape() || diagonal.getNumElements() != 1)
      return emitOptionalError(location, "the diagonal is not one number: ", diagonal);
  }
  return pushType(types, input.getShape(), adaptor.getInput());
}

} // namespace nnc::nn
