// What shrinks while a loop carries it stays in the place of what it was, with a length.
#include "lib/Frontend/ONNX/LoopShapes.h"

#include "dialects/NN/Extent.h"
#include "dialects/NN/ExtentTracing.h"
#include "lib/Frontend/Import/Expression.h"

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;
using frontend::NodeBuilder;

namespace {

/// Begins with the assumption that all extents are kept, and takes back what does not follow from itself.
class ExtentClassifier {
public:
  ExtentClassifier(Block &body, ArrayRef<Value> yielded, ValueRange initial)
      : body(body), yielded(yielded), initial(initial) {}

  CarriedExtents run();

private:
  CarriedExtent classify(Value value, int64_t axis, unsigned place, int64_t placeAxis, unsigned depth = 0);

  Block &body;
  ArrayRef<Value> yielded;
  ValueRange initial;
  CarriedExtents extents;
};

} // namespace

/// What extent `axis` of `value` is to the one that the loop begins with at `place`, along `placeAxis`.
CarriedExtent ExtentClassifier::classify(Value value, int64_t axis, unsigned place, int64_t placeAxis, unsigned depth) {
  constexpr unsigned mostDepth = 16;
  auto [origin, originAxis] = nn::traceExtent(value, axis);
  auto argument = dyn_cast<BlockArgument>(origin);
  if (argument && argument.getOwner() == &body && argument.getArgNumber() > 0) {
    unsigned source = argument.getArgNumber() - 1;
    bool isSame = (source == place && originAxis == placeAxis) ||
                  nn::haveSameExtent(initial[source], originAxis, initial[place], placeAxis);
    return isSame ? extents[source][originAxis] : CarriedExtent::Changing;
  }
  if (nn::haveSameExtent(origin, originAxis, initial[place], placeAxis))
    return CarriedExtent::Kept;
  Operation *op = origin.getDefiningOp();
  if (!op || depth == mostDepth)
    return CarriedExtent::Changing;
  auto follow = [&, depth](Value other, int64_t otherAxis) {
    return classify(other, otherAxis, place, placeAxis, depth + 1);
  };
  if (auto choice = dyn_cast<nn::IfOp>(op)) {
    CarriedExtent extent = CarriedExtent::Kept;
    for (Region &region : choice->getRegions()) {
      auto yield = cast<nn::YieldOp>(region.front().getTerminator());
      extent = std::min(extent, follow(yield.getValues()[cast<OpResult>(origin).getResultNumber()], originAxis));
    }
    return extent;
  }
  CarriedExtent most = CarriedExtent::Changing;
  if (auto slice = dyn_cast<nn::SliceOp>(op))
    most = follow(slice.getInput(), originAxis);
  else if (auto choice = dyn_cast<nn::NonZeroOp>(op);
           choice && originAxis == 1 && getRanked(choice.getInput()).getRank() == 1)
    most = follow(choice.getInput(), 0);
  else if (auto distinct = dyn_cast<nn::UniqueOp>(op))
    most = follow(distinct.getInput(), distinct.getAxis());
  return std::min(most, CarriedExtent::Shrinking);
}

CarriedExtents ExtentClassifier::run() {
  for (auto [value, next] : llvm::zip(initial, yielded.drop_front())) {
    int64_t rank = getRanked(value).getRank();
    extents.emplace_back(rank, rank == getRanked(next).getRank() ? CarriedExtent::Kept : CarriedExtent::Changing);
  }
  for (bool isStable = false; !isStable;) {
    isStable = true;
    for (auto [place, known] : llvm::enumerate(extents))
      for (auto [axis, extent] : llvm::enumerate(known)) {
        if (extent == CarriedExtent::Changing)
          continue;
        CarriedExtent now = std::min(extent, classify(yielded[place + 1], axis, place, axis));
        isStable &= now == extent;
        extent = now;
      }
  }
  return std::move(extents);
}

CarriedExtents findCarriedExtents(Block &body, ArrayRef<Value> yielded, ValueRange initial) {
  return ExtentClassifier(body, yielded, initial).run();
}

std::optional<int64_t> findShrinkingAxis(ArrayRef<CarriedExtent> extents) {
  auto isKept = [](CarriedExtent extent) { return extent == CarriedExtent::Kept; };
  const auto *shrinking = llvm::find_if_not(extents, isKept);
  if (shrinking == extents.end() || *shrinking != CarriedExtent::Shrinking ||
      !std::all_of(std::next(shrinking), extents.end(), isKept))
    return std::nullopt;
  return shrinking - extents.begin();
}

SmallVector<RoomyValue> carryLengths(NodeBuilder &node, Block &body, SmallVectorImpl<Value> &yielded,
                                     SmallVectorImpl<Value> &initial) {
  SmallVector<RoomyValue> shrinking;
  for (auto [place, extents] : llvm::enumerate(findCarriedExtents(body, yielded, initial)))
    if (auto axis = findShrinkingAxis(extents))
      shrinking.push_back(
          {static_cast<unsigned>(place), *axis, static_cast<unsigned>(initial.size() + shrinking.size())});
  for (const RoomyValue &value : shrinking) {
    Expression length = Expression(node, initial[value.carried]).extent(value.axis);
    if (node.failed())
      return {};
    BlockArgument argument = body.getArgument(value.carried + 1);
    BlockArgument lengthArgument = body.addArgument(Value(length).getType(), node.getLoc());
    readBeginning(node, argument, lengthArgument, value.axis, yielded);
    OpBuilder::InsertionGuard guard(node.getBuilder());
    node.getBuilder().setInsertionPointToEnd(&body);
    Expression next(node, yielded[value.carried + 1]), nextLength = next.extent(value.axis);
    if (node.failed())
      return {};
    yielded[value.carried + 1] = writeAt(node, argument, Expression::range(nextLength), next, value.axis);
    initial.push_back(length);
    yielded.insert(yielded.begin() + initial.size(), nextLength);
  }
  return shrinking;
}

} // namespace nnc::onnx
