// Shape inference and verification of the recurrent family.
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc::nn {

static bool fits(int64_t extent, int64_t expected) {
  return ShapedType::isDynamic(extent) || ShapedType::isDynamic(expected) || extent == expected;
}

namespace {

/// The extents of a recurrent layer, as far as they are known.
struct Extents {
  int64_t time, batch, feature, hidden;
};

} // namespace

/// Whether `value`, where it is there, has this shape and the input's element type.
static LogicalResult checkOperand(std::optional<Location> location, StringRef name, Value value, Value input,
                                  ArrayRef<int64_t> shape) {
  if (!value)
    return success();
  RankedTensorType type = getRanked(value);
  bool ok = type.getRank() == static_cast<int64_t>(shape.size()) && llvm::all_of(llvm::zip(type.getShape(), shape),
                                                                                 [](auto pair) {
    return fits(std::get<0>(pair), std::get<1>(pair));
  });
  if (!ok)
    return emitOptionalError(location, name, " does not fit the input and the recurrent weights: ", type);
  if (!isa<IntegerType>(type.getElementType()) && type.getElementType() != getElementTypeOrSelf(input))
    return emitOptionalError(location, name, " has another element type than the input: ", type);
  return success();
}

/// Infers sequence and hidden state (and the cell's where `numStates` is 2) of a layer of `gates` gates.
template <typename AdaptorTy>
static LogicalResult infer(std::optional<Location> location, AdaptorTy adaptor, int64_t gates, unsigned numStates,
                           SmallVectorImpl<Type> &types, Extents &extents) {
  RankedTensorType input = getRanked(adaptor.getInput()), recurrent = getRanked(adaptor.getRecurrentWeights());
  if (input.getRank() != 3 || recurrent.getRank() != 2)
    return emitOptionalError(location, "input or recurrent weights of the wrong rank: ", input, " and ", recurrent);
  extents = {input.getDimSize(0), input.getDimSize(1), input.getDimSize(2), recurrent.getDimSize(1)};
  if (ShapedType::isDynamic(extents.hidden) && !recurrent.isDynamicDim(0))
    extents.hidden = recurrent.getDimSize(0) / gates;
  int64_t stacked = ShapedType::isDynamic(extents.hidden) ? extents.hidden : gates * extents.hidden;
  SmallVector<int64_t> state{extents.batch, extents.hidden};
  Value in = adaptor.getInput();
  if (failed(checkOperand(location, "weights", adaptor.getWeights(), in, {stacked, extents.feature})) ||
      failed(checkOperand(location, "recurrent weights", adaptor.getRecurrentWeights(), in,
                          {stacked, extents.hidden})) ||
      failed(checkOperand(location, "bias", adaptor.getBias(), in, {stacked})) ||
      failed(checkOperand(location, "recurrent bias", adaptor.getRecurrentBias(), in, {stacked})) ||
      failed(checkOperand(location, "lengths", adaptor.getLengths(), in, {extents.batch})) ||
      failed(checkOperand(location, "initial hidden state", adaptor.getInitialHidden(), in, state)))
    return failure();
  types.push_back(input.clone({extents.time, extents.batch, extents.hidden}));
  types.append(numStates, input.clone(state));
  return success();
}

template <typename OpTy> static LogicalResult verifyActivations(OpTy op, size_t count) {
  if (op.getActivations().size() != count || op.getAlphas().size() != count || op.getBetas().size() != count)
    return op.emitOpError() << "needs " << count << " activations with as many alphas and betas";
  return success();
}

LogicalResult RnnOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  Extents extents;
  return infer(location, adaptor, 1, 1, types, extents);
}

LogicalResult GruOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                      SmallVectorImpl<Type> &types) {
  Extents extents;
  return infer(location, adaptor, 3, 1, types, extents);
}

LogicalResult LstmOp::inferReturnTypes(MLIRContext *, std::optional<Location> location, Adaptor adaptor,
                                       SmallVectorImpl<Type> &types) {
  Extents extents;
  if (failed(infer(location, adaptor, 4, 2, types, extents)))
    return failure();
  int64_t peepholes = ShapedType::isDynamic(extents.hidden) ? extents.hidden : 3 * extents.hidden;
  if (failed(checkOperand(location, "initial cell state", adaptor.getInitialCell(), adaptor.getInput(),
                          {extents.batch, extents.hidden})))
    return failure();
  return checkOperand(location, "peephole weights", adaptor.getPeephole(), adaptor.getInput(), {peepholes});
}

LogicalResult RnnOp::verify() { return verifyActivations(*this, 1); }
LogicalResult GruOp::verify() { return verifyActivations(*this, 2); }
LogicalResult LstmOp::verify() { return verifyActivations(*this, 3); }

} // namespace nnc::nn
