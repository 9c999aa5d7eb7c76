// From the extents of the inputs to those of the outputs, as a function of the
// compiled model. Expects @main on tensors; destination-style operations have the
// extents of their destinations.
#include "lib/Transforms/ExtentFunctions.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/SizeExpressions.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_COMPUTEOUTPUTEXTENTS
#include "lib/Transforms/Passes.h.inc"

static LogicalResult buildExtents(func::FuncOp main) {
  OpBuilder builder(main);
  SmallVector<Type> outputs;
  for (Type type : main.getResultTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      outputs.append(tensor.getNumDynamicDims(), builder.getIndexType());
  if (outputs.empty())
    return success();

  func::FuncOp function = createExtentFunction(main, "main_output_extents", outputs);
  builder.setInsertionPointToStart(&function.getBody().front());
  SizeExpressions sizes(main, [&](OpBuilder &, BlockArgument argument, int64_t dim) {
    return getExtentArgument(function, main, argument, dim);
  });
  SmallVector<Value> extents;
  for (Value result : main.getBody().front().getTerminator()->getOperands()) {
    auto tensor = dyn_cast<RankedTensorType>(result.getType());
    for (int64_t dim = 0; tensor && dim < tensor.getRank(); ++dim) {
      if (!tensor.isDynamicDim(dim))
        continue;
      FailureOr<Value> extent = sizes.rebuildExtent(result, dim, builder);
      if (failed(extent))
        return failure();
      extents.push_back(*extent);
    }
  }
  func::ReturnOp::create(builder, main.getLoc(), extents);
  return success();
}

namespace {

struct ComputeOutputExtentsPass : public impl::ComputeOutputExtentsBase<ComputeOutputExtentsPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock()) {
      getOperation().emitError("compute-output-extents needs a function @main of one block");
      return signalPassFailure();
    }
    if (failed(buildExtents(main)))
      signalPassFailure();
  }
};

} // namespace
} // namespace nnc
