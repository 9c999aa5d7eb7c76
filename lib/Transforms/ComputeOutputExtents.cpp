// From the extents of the inputs to those of the outputs, as a function of the
// compiled model; where data decide extents, to their bounds, and the extents
// themselves become one more result. Expects @main on tensors; destination-style
// operations have the extents of their destinations.
#include "lib/Transforms/ExtentFunctions.h"
#include "lib/Transforms/Passes.h"
#include "lib/Transforms/SizeExpressions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/BitVector.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_COMPUTEOUTPUTEXTENTS
#include "lib/Transforms/Passes.h.inc"

/// For each result of @main a value of its extents: itself, or the tensor that was packed to it, which is no longer a
/// result then.
static SmallVector<Value> takeUnpacked(func::FuncOp main) {
  Operation *terminator = main.getBody().front().getTerminator();
  SmallVector<Value> values(terminator->getOperands());
  llvm::BitVector unpacked(values.size());
  for (unsigned i = 0; i < values.size(); ++i)
    if (auto position = main.getResultAttrOfType<IntegerAttr>(i, "nn.unpacked")) {
      values[position.getInt()] = values[i];
      unpacked.set(i);
    }
  for (int i = unpacked.find_last(); i >= 0; i = unpacked.find_prev(i)) {
    values.erase(values.begin() + i);
    terminator->eraseOperand(i);
  }
  (void)main.eraseResults(unpacked);
  return values;
}

/// Adds a result of @main that holds every dynamic extent of `results`, in order: what they are, where only bounds of
/// some are known before the run.
static void returnTrueExtents(func::FuncOp main, ArrayRef<Value> results) {
  Operation *terminator = main.getBody().front().getTerminator();
  ImplicitLocOpBuilder builder(main.getLoc(), terminator);
  SmallVector<Value> extents;
  for (Value result : results)
    for (int64_t dim = 0; dim < cast<RankedTensorType>(result.getType()).getRank(); ++dim)
      if (cast<RankedTensorType>(result.getType()).isDynamicDim(dim))
        extents.push_back(
            arith::IndexCastOp::create(builder, builder.getI64Type(), tensor::DimOp::create(builder, result, dim)));
  Value all = tensor::FromElementsOp::create(builder, extents);
  terminator->insertOperands(terminator->getNumOperands(), all);
  auto attrs = builder.getDictionaryAttr(builder.getNamedAttr("nn.true_extents", builder.getUnitAttr()));
  (void)main.insertResult(main.getNumResults(), all.getType(), attrs);
}

/// The constant that `value` is, or ShapedType::kDynamic.
static int64_t getConstantOrDynamic(Value value) {
  APInt constant;
  return matchPattern(value, m_ConstantInt(&constant)) ? constant.getSExtValue() : ShapedType::kDynamic;
}

static LogicalResult buildExtents(func::FuncOp main) {
  OpBuilder builder(main);
  SmallVector<Value> results = takeUnpacked(main);
  SmallVector<Type> outputs;
  for (Type type : ValueRange(results).getTypes())
    if (auto tensor = dyn_cast<RankedTensorType>(type))
      outputs.append(tensor.getNumDynamicDims(), builder.getIndexType());
  if (outputs.empty())
    return success();

  func::FuncOp function = createExtentFunction(main, "main_output_extents", outputs);
  builder.setInsertionPointToStart(&function.getBody().front());
  SizeExpressions sizes = getSizesIn(function, main);
  SmallVector<Value> extents;
  bool dependOnData = false;
  for (auto [i, result] : llvm::enumerate(results)) {
    auto tensor = dyn_cast<RankedTensorType>(result.getType());
    SmallVector<int64_t> bounds; // of dynamic extents
    bool isBounded = false, isConstant = true;
    for (int64_t dim = 0; tensor && dim < tensor.getRank(); ++dim) {
      if (!tensor.isDynamicDim(dim))
        continue;
      FailureOr<ExtentInterval> extent = sizes.rebuildExtent(result, dim, builder);
      if (failed(extent))
        return failure();
      extents.push_back(extent->upper);
      bounds.push_back(getConstantOrDynamic(extent->upper));
      isBounded |= !extent->isExact();
      isConstant &= !ShapedType::isDynamic(bounds.back());
    }
    if (isBounded || (isConstant && !bounds.empty()))
      main.setResultAttr(i, "nn.bounds", builder.getDenseI64ArrayAttr(bounds));
    dependOnData |= isBounded;
  }
  func::ReturnOp::create(builder, main.getLoc(), extents);
  if (dependOnData)
    returnTrueExtents(main, results);
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
