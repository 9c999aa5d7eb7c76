// Decision trees: one element of the result is one walk, a loop from the root to a
// leaf over four small tables.
#include "dialects/NN/Extent.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace nnc {

/// The number at `position` as an index.
static Value readNode(ImplicitLocOpBuilder &builder, Value table, ValueRange position) {
  Value number = tensor::ExtractOp::create(builder, table, position);
  return arith::IndexCastOp::create(builder, builder.getIndexType(), number);
}

/// The relation that all nodes ask for, if it is the same, as a predicate.
static std::optional<arith::CmpFPredicate> getOnlyPredicate(nn::FindLeavesOp op) {
  DenseIntElementsAttr relations;
  if (!matchPattern(op.getRelations(), m_Constant(&relations)) || !relations.isSplat())
    return std::nullopt;
  auto bits = static_cast<uint64_t>(relations.getSplatValue<int32_t>());
  // Ordered predicates are numbered by the bits equal, greater and less, from 0 (never) to 7 (ordered); then come the
  // same without 0 that also hold for NaN, from 8 to 13, unordered and always.
  uint64_t ordered = ((bits >> 1) & 3) | ((bits & 1) << 2);
  uint64_t number = !(bits & 8) ? ordered : ordered == 0 ? 14 : ordered == 7 ? 15 : 7 + ordered;
  return arith::symbolizeCmpFPredicate(number);
}

/// The bit of `relations` that x and the threshold set, by selects: trees are walked where a branch cannot be foreseen.
static Value compare(ImplicitLocOpBuilder &builder, Value x, Value threshold) {
  auto bit = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(builder, builder.getI32IntegerAttr(value));
  };
  auto is = [&](arith::CmpFPredicate predicate) -> Value {
    return arith::CmpFOp::create(builder, predicate, x, threshold);
  };
  Value outcome = arith::SelectOp::create(builder, is(arith::CmpFPredicate::OLT), bit(1), bit(8));
  outcome = arith::SelectOp::create(builder, is(arith::CmpFPredicate::OEQ), bit(2), outcome);
  return arith::SelectOp::create(builder, is(arith::CmpFPredicate::OGT), bit(4), outcome);
}

template <>
Value LowerOp<nn::FindLeavesOp>::build(ImplicitLocOpBuilder &builder, nn::FindLeavesOp op, OpAdaptor adaptor,
                                       RankedTensorType type) const {
  Value inner = getIndex(builder, getRanked(adaptor.getFeatures()).getDimSize(0));
  SmallVector<Value> extents{getIndex(builder, type.getDimSize(0)),
                             getExtent(builder, builder.getLoc(), adaptor.getInput(), 0)};
  auto predicate = getOnlyPredicate(op);
  auto test = [&](ImplicitLocOpBuilder &at, Value x, ValueRange node) -> Value {
    Value threshold = tensor::ExtractOp::create(at, adaptor.getThresholds(), node);
    if (predicate)
      return arith::CmpFOp::create(at, *predicate, x, threshold);
    Value relations = tensor::ExtractOp::create(at, adaptor.getRelations(), node);
    Value met = arith::AndIOp::create(at, compare(at, x, threshold), relations);
    Value zero = arith::ConstantOp::create(at, at.getI32IntegerAttr(0));
    return arith::CmpIOp::create(at, arith::CmpIPredicate::ne, met, zero);
  };
  return generate(builder, type, extents, [&](ImplicitLocOpBuilder &body, ValueRange index) -> Value {
    auto isInner = [&](OpBuilder &nested, Location loc, ValueRange node) {
      Value more = arith::CmpIOp::create(nested, loc, arith::CmpIPredicate::ult, node.front(), inner);
      scf::ConditionOp::create(nested, loc, more, node);
    };
    auto step = [&](OpBuilder &nested, Location loc, ValueRange node) {
      ImplicitLocOpBuilder at(loc, nested);
      Value column = readNode(at, adaptor.getFeatures(), node);
      Value x = tensor::ExtractOp::create(at, adaptor.getInput(), ValueRange{index[1], column});
      Value side = arith::SelectOp::create(at, test(at, x, node), getIndex(at, 1), getIndex(at, 0));
      scf::YieldOp::create(at, readNode(at, adaptor.getBranches(), {node.front(), side}));
    };
    Value root = readNode(body, adaptor.getRoots(), index[0]);
    Value last = scf::WhileOp::create(body, TypeRange(body.getIndexType()), root, isInner, step).getResult(0);
    return arith::IndexCastOp::create(body, type.getElementType(), sub(body, last, inner));
  });
}

void populateDecisionTreeToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::FindLeavesOp>>(types, patterns.getContext());
}

} // namespace nnc
