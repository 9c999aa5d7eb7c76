// Builds nn.loop. Its body is built in a region that is not yet part of the module,
// so that a rejected node leaves nothing behind.
#include "lib/Frontend/Import/Repetition.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc::frontend {

/// The type of `element` stacked `trips` times.
static RankedTensorType stack(RankedTensorType element, Expression trips) {
  int64_t count = ShapedType::kDynamic;
  if (auto known = nn::getConstantInts(trips); known && known->size() == 1)
    count = std::max<int64_t>(0, known->front());
  SmallVector<int64_t> shape(element.getShape());
  shape.insert(shape.begin(), count);
  return element.clone(shape);
}

/// Builds the body's operations, and what they yield; fails with the node rejected.
static LogicalResult buildBody(NodeBuilder &node, Region &region, ArrayRef<Expression> initial, IterationBuilder build,
                               Iteration &iteration) {
  OpBuilder &builder = node.getBuilder();
  OpBuilder::InsertionGuard guard(builder);
  Block &block = region.emplaceBlock();
  builder.setInsertionPointToEnd(&block);
  Expression number(node, block.addArgument(RankedTensorType::get({}, builder.getI64Type()), node.getLoc()));
  SmallVector<Expression> carried;
  for (Expression value : initial)
    carried.emplace_back(node, block.addArgument(NodeBuilder::getType(value), node.getLoc()));
  iteration = build(number, carried);
  if (node.failed())
    return failure();
  auto isTrue = DenseElementsAttr::get(RankedTensorType::get({}, builder.getI1Type()), true);
  SmallVector<Value> yielded{iteration.goesOn ? Value(iteration.goesOn) : node.constant(isTrue)};
  for (auto [next, value] : llvm::zip_equal(iteration.carried, initial)) {
    if (NodeBuilder::getType(next) != NodeBuilder::getType(value))
      return node.reject("the shape of a value that its recurrence carries is not known");
    yielded.push_back(next);
  }
  llvm::append_range(yielded, iteration.collected);
  nn::YieldOp::create(builder, node.getLoc(), yielded);
  return success();
}

SmallVector<Expression> repeat(NodeBuilder &node, Expression trips, ArrayRef<Expression> initial,
                               IterationBuilder build) {
  if (node.failed())
    return {};
  Region region;
  Iteration iteration;
  if (failed(buildBody(node, region, initial, build, iteration)))
    return {};
  SmallVector<Type> types;
  SmallVector<Value> values(initial.begin(), initial.end());
  for (Value value : values)
    types.push_back(value.getType());
  for (Expression element : iteration.collected)
    types.push_back(stack(NodeBuilder::getType(element), trips));
  auto loop = nn::LoopOp::create(node.getBuilder(), node.getLoc(), types, trips, Value(), values);
  loop.getBody().takeBody(region);
  SmallVector<Expression> results;
  for (Value result : loop.getResults())
    results.emplace_back(node, result);
  return results;
}

} // namespace nnc::frontend
