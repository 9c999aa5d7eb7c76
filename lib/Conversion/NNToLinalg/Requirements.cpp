// Requirements of data, in branches and loops too, go on in one byte of memory: a check in
// the middle would have to leave loops, and their functions.
#include "lib/Conversion/NNToLinalg/Requirements.h"

#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

LogicalResult lowerRequirements(ModuleOp module) {
  SmallVector<cf::AssertOp> assertions;
  module.walk([&](cf::AssertOp op) { assertions.push_back(op); });
  if (assertions.empty())
    return success();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (cf::AssertOp op : assertions)
    if (!main || !main->isAncestor(op))
      return op.emitError("is not in @main");
  ImplicitLocOpBuilder builder(main.getLoc(), OpBuilder::atBlockBegin(&main.getBody().front()));
  auto memory = memref::AllocOp::create(builder, MemRefType::get({1}, builder.getI8Type()), ValueRange(),
                                        builder.getI64IntegerAttr(64));
  memory->setAttr("nn.lasting", builder.getUnitAttr()); // it is needed until the run ends
  Value first = getIndex(builder, 0);
  memref::StoreOp::create(builder, arith::ConstantIntOp::create(builder, 1, 8), memory, first);
  for (cf::AssertOp op : assertions) {
    builder.setInsertionPoint(op);
    Value before = memref::LoadOp::create(builder, memory, first);
    Value holds = arith::ExtUIOp::create(builder, builder.getI8Type(), op.getArg());
    memref::StoreOp::create(builder, arith::AndIOp::create(builder, before, holds), memory, first);
  }
  builder.setInsertionPoint(main.getBody().front().getTerminator());
  Value standing = memref::LoadOp::create(builder, memory, first);
  Value zero = arith::ConstantIntOp::create(builder, 0, 8);
  require(builder, arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, standing, zero),
          assertions.front().getMsg());
  for (cf::AssertOp op : assertions)
    op.erase();
  return success();
}

} // namespace nnc
