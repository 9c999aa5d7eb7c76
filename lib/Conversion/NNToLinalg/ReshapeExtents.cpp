// Zero copies an extent of the input (unless `allow_zero`), -1 is what the others leave.
#include "lib/Conversion/NNToLinalg/ReshapeExtents.h"

#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc {

static Value isEqual(ImplicitLocOpBuilder &builder, Value a, Value b) {
  return builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b);
}
static Value either(ImplicitLocOpBuilder &builder, Value a, Value b) { return builder.createOrFold<arith::OrIOp>(a, b); }
static Value select(ImplicitLocOpBuilder &builder, Value condition, Value a, Value b) {
  return builder.createOrFold<arith::SelectOp>(condition, a, b);
}

/// The axis of the input whose extent the entry `source` at position `i` is, if none copies it already.
static std::optional<int64_t> findCopied(nn::ReshapeOp op, const nn::KnownInt &source, int64_t i, ArrayRef<Value> isCopied) {
  if (source.value || !source.tensor)
    return std::nullopt;
  auto isAxis = [&](int64_t axis) {
    return !matchPattern(isCopied[axis], m_One()) &&
           nn::haveSameExtent(source.tensor, source.axis, op.getInput(), axis);
  };
  int64_t rank = isCopied.size();
  if (i < rank && isAxis(i))
    return i;
  for (int64_t axis = 0; axis < rank; ++axis)
    if (axis != i && isAxis(axis))
      return axis;
  return std::nullopt;
}

ReshapeExtents getReshapeExtents(ImplicitLocOpBuilder &builder, nn::ReshapeOp op, ArrayRef<Value> input,
                                 ArrayRef<Value> entries) {
  ReshapeExtents parts;
  Value no = arith::ConstantIntOp::create(builder, 0, 1), yes = arith::ConstantIntOp::create(builder, 1, 1);
  Value one = getIndex(builder, 1), zero = getIndex(builder, 0), others = one;
  parts.total = parts.left = one;
  parts.hasRemaining = no;
  parts.isAsInferred = yes;
  SmallVector<Value> isCopied(input.size(), no);
  std::optional<SmallVector<nn::KnownInt>> known = nn::getKnownInts(op.getShape());
  for (auto [position, given] : llvm::enumerate(entries)) {
    int64_t i = position;
    const nn::KnownInt source = known ? (*known)[i] : nn::KnownInt();
    // An extent is not -1.
    bool isExtent = given.getDefiningOp<kernel::BoundedOp>() || (!source.value && source.tensor);
    Value entry = given, copies = no, remains = isExtent ? no : isEqual(builder, given, getIndex(builder, -1));
    auto copy = [&](int64_t axis, Value condition) {
      entry = select(builder, condition, input[axis], entry);
      Value isLeft = isEqual(builder, isCopied[axis], no);
      Value now = builder.createOrFold<arith::AndIOp>(condition, isLeft);
      copies = either(builder, copies, now);
      isCopied[axis] = either(builder, isCopied[axis], now);
    };
    bool zeroCopies = !op.getAllowZero() && i < static_cast<int64_t>(input.size());
    std::optional<int64_t> axis = findCopied(op, source, i, isCopied);
    if (axis)
      copy(*axis, yes);
    else if (zeroCopies)
      copy(i, isEqual(builder, entry, zero));
    // The type was inferred as if an extent were copied whatever it is; 0 copies the one at this place.
    if (zeroCopies && !source.value && source.tensor && !nn::haveSameExtent(source.tensor, source.axis, op.getInput(), i)) {
      Value isZero = isEqual(builder, given, zero), copiesOther = isEqual(builder, isEqual(builder, input[i], zero), no);
      Value differs = builder.createOrFold<arith::AndIOp>(isZero, copiesOther);
      parts.isAsInferred = builder.createOrFold<arith::AndIOp>(parts.isAsInferred, isEqual(builder, differs, no));
    }
    others = mul(builder, others, select(builder, either(builder, copies, remains), one, entry));
    parts.hasRemaining = either(builder, parts.hasRemaining, remains);
    parts.entries.push_back(entry);
    parts.isRemaining.push_back(remains);
    parts.products.push_back(others);
  }
  for (auto [extent, copied] : llvm::zip(input, isCopied)) {
    parts.total = mul(builder, parts.total, extent);
    parts.left = mul(builder, parts.left, select(builder, copied, one, extent));
  }
  return parts;
}

Value ReshapeExtents::getOthers(ImplicitLocOpBuilder &builder) const {
  return products.empty() ? getIndex(builder, 1) : products.back();
}

Value ReshapeExtents::getRemaining(ImplicitLocOpBuilder &builder) const {
  Value others = builder.createOrFold<arith::MaxSIOp>(getOthers(builder), getIndex(builder, 1));
  return builder.createOrFold<arith::DivUIOp>(left, others);
}

Value ReshapeExtents::keepsElements(ImplicitLocOpBuilder &builder) const {
  // Without -1 the product of all, else the others divide what is left. Of no elements any number is a part.
  Value others = getOthers(builder), product = mul(builder, getRemaining(builder), others);
  Value isSome = builder.createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sgt, others, getIndex(builder, 0));
  Value divides = builder.createOrFold<arith::AndIOp>(isEqual(builder, product, left), isSome);
  if (matchPattern(hasRemaining, m_One()))
    return divides;
  Value all = getIndex(builder, 1);
  for (Value entry : entries)
    all = mul(builder, all, entry);
  return select(builder, hasRemaining, divides, isEqual(builder, all, total));
}

} // namespace nnc
