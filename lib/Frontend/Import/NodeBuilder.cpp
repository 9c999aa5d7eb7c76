// Creates NN operations with inferred types; diagnostics become reasons.
#include "lib/Frontend/Import/NodeBuilder.h"

#include "lib/Frontend/Import/Limits.h"
#include "lib/Frontend/Import/Weights.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

namespace nnc::frontend {

LogicalResult NodeBuilder::reject(const Twine &why) {
  if (reason.empty())
    reason = why.str();
  return failure();
}

RankedTensorType NodeBuilder::getType(Value value) {
  return value ? cast<RankedTensorType>(value.getType()) : RankedTensorType();
}

int64_t NodeBuilder::getRank(Value value) { return value ? getType(value).getRank() : 0; }

ArrayRef<int64_t> NodeBuilder::getShape(Value value) {
  return value ? cast<RankedTensorType>(value.getType()).getShape() : ArrayRef<int64_t>();
}

int64_t NodeBuilder::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  (void)reject("axis " + Twine(axis) + " is out of range for " + Twine(rank) + " dimensions");
  return 0;
}

SmallVector<Value> NodeBuilder::finish(OperationState &state, Infer infer) {
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) {
    if (message.empty())
      message = diagnostic.str();
    return success();
  });
  SmallVector<Type> types;
  if (::failed(infer(builder.getContext(), loc, state, types))) {
    (void)reject(message.empty() ? Twine("shapes or types do not fit") : Twine(message));
    return {};
  }
  for (Type type : types) {
    if (int64_t rank = cast<RankedTensorType>(type).getRank(); rank > maxRank) {
      (void)reject("a result has " + Twine(rank) + " dimensions, more than the " + Twine(maxRank) + " that nnc takes");
      return {};
    }
    SmallVector<int64_t> known;
    for (int64_t extent : cast<RankedTensorType>(type).getShape())
      if (!ShapedType::isDynamic(extent))
        known.push_back(extent);
    if (!countElements(known)) {
      (void)reject("a result is too large");
      return {};
    }
  }
  state.types.assign(types.begin(), types.end());
  Operation *op = builder.create(state);
  if (::failed(verify(op, /*verifyRecursively=*/false))) {
    (void)reject(message.empty() ? Twine("invalid operation") : Twine(message));
    op->erase();
    return {};
  }
  SmallVector<Value> folded;
  // Folded in place, an operation has no values to take its place.
  if (succeeded(builder.tryFold(op, folded)) && !folded.empty()) {
    op->erase();
    return folded;
  }
  return SmallVector<Value>(op->getResults());
}

Value NodeBuilder::ints(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getI64Type());
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, values));
}

Value NodeBuilder::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  Attribute element;
  if (isa<FloatType>(elementType))
    element = builder.getFloatAttr(elementType, value);
  else
    element = builder.getIntegerAttr(elementType, static_cast<int64_t>(value));
  return arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, element));
}

Value NodeBuilder::floats(ArrayRef<int64_t> shape, std::vector<float> values) {
  return constant(makeWeights(builder.getContext(), shape, std::move(values), "constant"));
}

Value NodeBuilder::reshape(Value value, ArrayRef<int64_t> shape) {
  if (failed() || getShape(value) == shape)
    return value;
  return create<nn::ReshapeOp>(value, ints(shape), /*allow_zero=*/false);
}

Value NodeBuilder::constant(ElementsAttr elements) {
  return arith::ConstantOp::create(builder, loc, cast<TypedAttr>(elements));
}

} // namespace nnc::frontend
