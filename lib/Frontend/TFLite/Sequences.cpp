// Loops over the steps of a sequence.
#include "lib/Frontend/TFLite/Sequences.h"

#include "lib/Frontend/Import/Regions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace nnc::tflite {

Value swapTimeAndBatch(OpBinder &op, Value sequence, bool isTimeMajor) {
  if (!op.failed() && op.getRank(sequence) != 3)
    (void)op.reject("its sequence must have three axes");
  return isTimeMajor ? sequence : op.create<nn::TransposeOp>(sequence, ArrayRef<int64_t>{1, 0, 2});
}

Value runSteps(OpBinder &op, Value sequence, MutableArrayRef<Value> states, bool reverse, Step step) {
  if (op.failed())
    return {};
  OpBuilder &builder = op.getBuilder();
  Location loc = op.getLoc();
  Value trips = op.create<nn::ShapeOp>(sequence, 0, 1);
  Value last = op.create<nn::SqueezeOp>(op.create<nn::SubOp>(trips, op.ints({1})), ArrayRef<int64_t>{0});
  if (op.failed())
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
    Value place = reverse ? op.create<nn::SubOp>(last, number) : number;
    Value element = step(op.create<nn::GatherOp>(sequence, place, 0), next);
    auto boolean = RankedTensorType::get({}, builder.getI1Type());
    yielded.push_back(arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(boolean, true)));
    llvm::append_range(yielded, next);
    yielded.push_back(element);
  }
  if (op.failed())
    return {};
  for (auto [value, state] : llvm::zip(next, states))
    if (value.getType() != state.getType()) {
      (void)op.reject("its state has another type or shape than what it computes for it");
      return {};
    }
  auto elementType = OpBinder::getType(yielded.back());
  SmallVector<int64_t> shape(elementType.getShape());
  shape.insert(shape.begin(), op.getShape(sequence)[0]);
  results.push_back(elementType.clone(shape));
  auto loop = nn::LoopOp::create(builder, loc, results, trips, Value(), SmallVector<Value>(states));
  loop.getBody().takeBody(region);
  frontend::yield(builder, loop.getBody(), loc, yielded);
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  if (failed(loop.verify())) {
    (void)op.reject("it is not valid: " + Twine(message));
    return {};
  }
  for (auto [state, value] : llvm::zip(states, loop.getResults()))
    state = value;
  Value stacked = loop.getResults().back();
  return reverse ? op.create<nn::ReverseOp>(stacked, ArrayRef<int64_t>{0}) : stacked;
}

} // namespace nnc::tflite
