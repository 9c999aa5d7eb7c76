// Loops over the steps of a sequence.
#include "lib/Frontend/Import/Steps.h"

#include "lib/Frontend/Import/Regions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace nnc::frontend {

Value runSteps(NodeBuilder &node, ArrayRef<Value> sequences, MutableArrayRef<Value> states, bool reverse, Step step) {
  if (node.failed() || llvm::is_contained(sequences, Value()) || llvm::is_contained(states, Value()))
    return {};
  OpBuilder &builder = node.getBuilder();
  Location loc = node.getLoc();
  Value trips = node.create<nn::ShapeOp>(sequences.front(), 0, 1);
  Value last = node.create<nn::SqueezeOp>(node.create<nn::SubOp>(trips, node.ints({1})), ArrayRef<int64_t>{0});
  if (node.failed())
    return {};
  Region region;
  region.push_back(new Block);
  Block &body = region.front();
  SmallVector<Type> types{RankedTensorType::get({}, builder.getI64Type())}, results;
  llvm::append_range(types, ValueRange(ArrayRef<Value>(states)).getTypes());
  results.assign(types.begin() + 1, types.end());
  body.addArguments(types, SmallVector<Location>(types.size(), loc));
  SmallVector<Value> yielded, next(body.getArguments().drop_front());
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(&body);
    Value number = body.getArgument(0);
    Value place = reverse ? node.create<nn::SubOp>(last, number) : number;
    SmallVector<Value> parts;
    for (Value sequence : sequences)
      parts.push_back(node.create<nn::GatherOp>(sequence, place, 0));
    Value element = step(parts, next);
    auto boolean = RankedTensorType::get({}, builder.getI1Type());
    yielded.push_back(arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(boolean, true)));
    llvm::append_range(yielded, next);
    yielded.push_back(element);
  }
  if (node.failed())
    return {};
  for (auto [value, state] : llvm::zip(next, states))
    if (value.getType() != state.getType()) {
      (void)node.reject("its state has another type or shape than what it computes for it");
      return {};
    }
  auto elementType = NodeBuilder::getType(yielded.back());
  SmallVector<int64_t> shape(elementType.getShape());
  shape.insert(shape.begin(), node.getShape(sequences.front())[0]);
  results.push_back(elementType.clone(shape));
  auto loop = nn::LoopOp::create(builder, loc, results, trips, Value(), SmallVector<Value>(states));
  loop.getBody().takeBody(region);
  yield(builder, loop.getBody(), loc, yielded);
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  if (failed(loop.verifyInvariants())) {
    (void)node.reject("it is not valid: " + Twine(message));
    return {};
  }
  Value stacked = loop.getResults().back();
  // Elements that are a state have its shape, which does not show outside.
  if (!elementType.hasStaticShape() && elementType == states.front().getType()) {
    Value shape = node.create<nn::ShapeOp>(states.front(), 0, elementType.getRank());
    if (!node.failed())
      shape = node.create<nn::ConcatOp>(ValueRange{trips, shape}, 0);
    stacked = node.create<nn::ReshapeOp>(stacked, shape, /*allow_zero=*/true);
  }
  for (auto [state, value] : llvm::zip(states, loop.getResults()))
    state = value;
  return reverse ? node.create<nn::ReverseOp>(stacked, ArrayRef<int64_t>{0}) : stacked;
}

} // namespace nnc::frontend
