// Non-maximum suppression. For each image and class the candidates become a heap;
// until enough boxes are chosen, the best one that is left is compared with those
// chosen before, whose edges lie side by side: a loop over them that becomes one of vectors.
#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/Extent.h"
#include "dialects/NN/NN.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/Heap.h"
#include "lib/Conversion/NNToLinalg/LoweringPattern.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace nnc {
namespace {

/// Two ends along one axis.
struct Span {
  Value low, high;
};

/// The numbers of one box.
struct Box {
  Span x, y;
};

class SuppressionBuilder {
public:
  SuppressionBuilder(nn::NonMaxSuppressionOp op, nn::NonMaxSuppressionOp::Adaptor operands)
      : op(op), operands(operands) {}

  Value build(ImplicitLocOpBuilder &builder);

private:
  /// What choosing carries from box to box.
  enum { Rows, Heap, Edges, Count, Left, Taken, NumCarried };
  static constexpr int64_t numEdges = 4; ///< of a box: low and high of both axes; one row of Edges each

  Value compare(ImplicitLocOpBuilder &builder, arith::CmpFPredicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(builder, predicate, a, b);
  }
  Value either(ImplicitLocOpBuilder &builder, Value a, Value b) { return arith::OrIOp::create(builder, a, b); }
  Value both(ImplicitLocOpBuilder &builder, Value a, Value b) { return arith::AndIOp::create(builder, a, b); }
  Value negate(ImplicitLocOpBuilder &builder, Value a) {
    return arith::XOrIOp::create(builder, a, arith::ConstantIntOp::create(builder, 1, 1));
  }
  Box readBox(ImplicitLocOpBuilder &builder, Value place);
  Value overlaps(ImplicitLocOpBuilder &builder, const Box &box, const Box &chosen);
  std::pair<Value, Value> collectCandidates(ImplicitLocOpBuilder &builder);
  Value isWorse(ImplicitLocOpBuilder &builder, Value a, Value b);
  Value isClear(ImplicitLocOpBuilder &builder, const Box &box, Value edges, Value number);
  SmallVector<Value> chooseOfClass(ImplicitLocOpBuilder &builder, ValueRange carried);
  SmallVector<Value> choose(ImplicitLocOpBuilder &builder, ValueRange carried);
  Value readScore(ImplicitLocOpBuilder &builder, Value place) {
    return tensor::ExtractOp::create(builder, operands.getScores(), ValueRange{image, category, place});
  }

  nn::NonMaxSuppressionOp op;
  nn::NonMaxSuppressionOp::Adaptor operands;
  Value numBoxes, most, threshold, leastScore; ///< leastScore: null where there is none
  Value image, category;                       ///< of the loops
};

} // namespace

Box SuppressionBuilder::readBox(ImplicitLocOpBuilder &builder, Value place) {
  auto read = [&](int64_t number) -> Value {
    return tensor::ExtractOp::create(builder, operands.getBoxes(), ValueRange{image, place, getIndex(builder, number)});
  };
  if (op.getCenterPointBox()) {
    Value half = arith::ConstantOp::create(builder, builder.getF32FloatAttr(0.5f));
    auto spread = [&](Value center, Value size) -> Span {
      Value reach = arith::MulFOp::create(builder, size, half);
      return {arith::SubFOp::create(builder, center, reach), arith::AddFOp::create(builder, center, reach)};
    };
    return {spread(read(0), read(2)), spread(read(1), read(3))};
  }
  auto order = [&](Value a, Value b) -> Span {
    Value isDown = compare(builder, arith::CmpFPredicate::OGE, a, b);
    return {arith::SelectOp::create(builder, isDown, b, a), arith::SelectOp::create(builder, isDown, a, b)};
  };
  return {order(read(1), read(3)), order(read(0), read(2))};
}

/// Whether the intersection over union is above the threshold.
Value SuppressionBuilder::overlaps(ImplicitLocOpBuilder &builder, const Box &box, const Box &chosen) {
  Value zero = arith::ConstantOp::create(builder, builder.getF32FloatAttr(0));
  auto measure = [&](Span span) -> Value { return arith::SubFOp::create(builder, span.high, span.low); };
  auto intersect = [&](Span a, Span b) -> Span {
    Value isLower = compare(builder, arith::CmpFPredicate::OLT, a.low, b.low);
    Value isHigher = compare(builder, arith::CmpFPredicate::OLT, b.high, a.high);
    return {arith::SelectOp::create(builder, isLower, b.low, a.low),
            arith::SelectOp::create(builder, isHigher, b.high, a.high)};
  };
  auto isAtMost = [&](Value a, Value b) { return compare(builder, arith::CmpFPredicate::OLE, a, b); };
  auto getArea = [&](const Box &of) -> Value { return arith::MulFOp::create(builder, measure(of.x), measure(of.y)); };
  Box common{intersect(box.x, chosen.x), intersect(box.y, chosen.y)};
  Value isApart = either(builder, isAtMost(common.x.high, common.x.low), isAtMost(common.y.high, common.y.low));
  Value intersection = getArea(common), area = getArea(box), chosenArea = getArea(chosen);
  Value all = arith::SubFOp::create(builder, arith::AddFOp::create(builder, area, chosenArea), intersection);
  for (Value number : {intersection, area, chosenArea, all})
    isApart = either(builder, isApart, isAtMost(number, zero));
  Value ratio = arith::DivFOp::create(builder, intersection, all);
  return both(builder, negate(builder, isApart), compare(builder, arith::CmpFPredicate::OGT, ratio, threshold));
}

/// The places of the boxes whose scores are high enough, and how many there are.
std::pair<Value, Value> SuppressionBuilder::collectCandidates(ImplicitLocOpBuilder &builder) {
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1);
  auto type = RankedTensorType::get({getRanked(operands.getScores()).getDimSize(2)}, builder.getI64Type());
  SmallVector<Value> initial{createEmpty(builder, op.getLoc(), type, numBoxes), zero};
  auto body = [&](OpBuilder &nested, Location loc, Value place, ValueRange carried) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value score = readScore(inner, place);
    Value isCandidate = leastScore ? compare(inner, arith::CmpFPredicate::OGT, score, leastScore)
                                   : compare(inner, arith::CmpFPredicate::ORD, score, score);
    Value step = arith::SelectOp::create(inner, isCandidate, one, zero);
    // What is no candidate is written over.
    scf::YieldOp::create(inner,
                         ValueRange{writePlace(inner, carried[0], carried[1], place), add(inner, carried[1], step)});
  };
  auto loop = scf::ForOp::create(builder, zero, numBoxes, one, initial, body);
  return {loop.getResult(0), loop.getResult(1)};
}

/// Whether box `a` comes after box `b`.
Value SuppressionBuilder::isWorse(ImplicitLocOpBuilder &builder, Value a, Value b) {
  Value scoreOfA = readScore(builder, a), scoreOfB = readScore(builder, b);
  Value isEqual = compare(builder, arith::CmpFPredicate::OEQ, scoreOfA, scoreOfB);
  Value isHigher = arith::CmpIOp::create(builder, arith::CmpIPredicate::sgt, a, b);
  return either(builder, compare(builder, arith::CmpFPredicate::OLT, scoreOfA, scoreOfB),
                both(builder, isEqual, isHigher));
}

/// Whether `box` overlaps none of the first `number` of `edges` too much.
Value SuppressionBuilder::isClear(ImplicitLocOpBuilder &builder, const Box &box, Value edges, Value number) {
  auto type = RankedTensorType::get({ShapedType::kDynamic}, builder.getF32Type());
  SmallVector<Value> rows;
  for (int64_t edge = 0; edge < numEdges; ++edge)
    rows.push_back(tensor::ExtractSliceOp::create(
        builder, type, edges, ArrayRef<OpFoldResult>{builder.getIndexAttr(edge), builder.getIndexAttr(0)},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(1), number},
        ArrayRef<OpFoldResult>{builder.getIndexAttr(1), builder.getIndexAttr(1)}));
  Value none = arith::ConstantIntOp::create(builder, 0, 32);
  Value empty = tensor::EmptyOp::create(builder, ArrayRef<int64_t>{}, builder.getI32Type());
  Value init = linalg::FillOp::create(builder, none, empty).getResult(0);
  SmallVector<AffineMap> maps(numEdges, builder.getMultiDimIdentityMap(1));
  maps.push_back(AffineMap::get(1, 0, builder.getContext()));
  auto body = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value isTooMuch = overlaps(inner, box, Box{{values[0], values[1]}, {values[2], values[3]}});
    Value number = arith::ExtUIOp::create(inner, inner.getI32Type(), isTooMuch);
    linalg::YieldOp::create(inner, Value(arith::OrIOp::create(inner, values[numEdges], number)));
  };
  auto any = linalg::GenericOp::create(builder, init.getType(), rows, init, maps,
                                       ArrayRef<utils::IteratorType>{utils::IteratorType::reduction}, body);
  Value found = tensor::ExtractOp::create(builder, any.getResult(0), ValueRange{});
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, found, none);
}

/// Takes the best box from the heap, and chooses it where it is clear of those chosen before.
SmallVector<Value> SuppressionBuilder::choose(ImplicitLocOpBuilder &builder, ValueRange carried) {
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1), count = carried[Count], taken = carried[Taken];
  Value best = readPlace(builder, carried[Heap], zero), left = sub(builder, carried[Left], one);
  Value heap = writePlace(builder, carried[Heap], zero, readPlace(builder, carried[Heap], left));
  heap = siftDown(builder, heap, zero, left,
                  [&](ImplicitLocOpBuilder &inner, Value a, Value b) { return isWorse(inner, a, b); });
  Box box = readBox(builder, best);
  Value isChosen = isClear(builder, box, carried[Edges], taken), rows = carried[Rows], edges = carried[Edges];
  const Value row[] = {image, category, best};
  for (auto [column, number] : llvm::enumerate(row)) {
    Value stored = arith::IndexCastOp::create(builder, builder.getI64Type(), number);
    rows = tensor::InsertOp::create(builder, stored, rows, ValueRange{count, getIndex(builder, column)});
  }
  const Value ends[] = {box.x.low, box.x.high, box.y.low, box.y.high};
  for (auto [edge, number] : llvm::enumerate(ends))
    edges = tensor::InsertOp::create(builder, number, edges, ValueRange{getIndex(builder, edge), taken});
  Value step = arith::SelectOp::create(builder, isChosen, one, zero); // what does not count is written over
  return {rows, heap, edges, add(builder, count, step), left, add(builder, taken, step)};
}

/// `carried`: the rows and how many there are.
SmallVector<Value> SuppressionBuilder::chooseOfClass(ImplicitLocOpBuilder &builder, ValueRange carried) {
  auto [places, number] = collectCandidates(builder);
  SmallVector<Value> initial(NumCarried);
  initial[Rows] = carried[0];
  initial[Heap] = buildHeap(builder, places, number,
                            [&](ImplicitLocOpBuilder &inner, Value a, Value b) { return isWorse(inner, a, b); });
  auto edges = RankedTensorType::get({numEdges, getConstantIntValue(most).value_or(ShapedType::kDynamic)}, builder.getF32Type());
  initial[Edges] = createEmpty(builder, op.getLoc(), edges, {getIndex(builder, numEdges), most});
  initial[Count] = carried[1];
  initial[Left] = number;
  initial[Taken] = getIndex(builder, 0);
  auto before = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    Value hasRoom = arith::CmpIOp::create(inner, arith::CmpIPredicate::slt, values[Taken], most);
    Value hasBox = arith::CmpIOp::create(inner, arith::CmpIPredicate::sgt, values[Left], getIndex(inner, 0));
    scf::ConditionOp::create(inner, both(inner, hasRoom, hasBox), values);
  };
  auto after = [&](OpBuilder &nested, Location loc, ValueRange values) {
    ImplicitLocOpBuilder inner(loc, nested);
    scf::YieldOp::create(inner, choose(inner, values));
  };
  auto loop = scf::WhileOp::create(builder, ValueRange(initial).getTypes(), initial, before, after);
  return {loop.getResult(Rows), loop.getResult(Count)};
}

Value SuppressionBuilder::build(ImplicitLocOpBuilder &builder) {
  Location loc = op.getLoc();
  Value images = getExtent(builder, loc, operands.getScores(), 0),
        classes = getExtent(builder, loc, operands.getScores(), 1);
  Value zero = getIndex(builder, 0), one = getIndex(builder, 1);
  numBoxes = getExtent(builder, loc, operands.getScores(), 2);
  most = getBoundedEntry(builder, op.getMaxOutput(), operands.getMaxOutput(), 0, numBoxes);
  most = builder.createOrFold<arith::MinSIOp>(builder.createOrFold<arith::MaxSIOp>(most, zero), numBoxes);
  threshold = extractOnlyElement(builder, operands.getIouThreshold());
  if (operands.getScoreThreshold())
    leastScore = extractOnlyElement(builder, operands.getScoreThreshold());
  Value bound = mul(builder, mul(builder, images, classes), most);
  auto type = RankedTensorType::get({ShapedType::kDynamic, 3}, builder.getI64Type());
  SmallVector<Value> carried{tensor::EmptyOp::create(builder, type, bound), zero};
  if (matchPattern(bound, m_Zero())) // a slice of nothing cannot be taken
    return carried.front();
  auto body = [&](OpBuilder &nested, Location at, ValueRange index, ValueRange values) -> scf::ValueVector {
    ImplicitLocOpBuilder inner(at, nested);
    image = index[0];
    category = index[1];
    return chooseOfClass(inner, values);
  };
  auto nest = scf::buildLoopNest(builder, loc, {zero, zero}, {images, classes}, {one, one}, carried, body);
  Value count = kernel::BoundedOp::create(builder, nest.results[1], bound);
  OpFoldResult first = builder.getIndexAttr(0), step = builder.getIndexAttr(1);
  return tensor::ExtractSliceOp::create(builder, nest.results[0], ArrayRef<OpFoldResult>{first, first},
                                        ArrayRef<OpFoldResult>{count, builder.getIndexAttr(3)},
                                        ArrayRef<OpFoldResult>{step, step});
}

template <>
Value LowerOp<nn::NonMaxSuppressionOp>::build(ImplicitLocOpBuilder &builder, nn::NonMaxSuppressionOp op,
                                              OpAdaptor adaptor, RankedTensorType type) const {
  return castTo(builder, SuppressionBuilder(op, adaptor).build(builder), type);
}

void populateSuppressionToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns) {
  patterns.add<LowerOp<nn::NonMaxSuppressionOp>>(types, patterns.getContext());
}

} // namespace nnc
