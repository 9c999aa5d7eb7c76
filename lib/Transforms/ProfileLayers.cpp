// Counts how long each layer takes.
//
// Expects the stage `arena`: what is not outlined in @main are calls of layers and copies between address arithmetic.
// Each is put between two reads of the CPU's counter, whose difference is added to the layer's place in @main_ticks;
// the names of the places are the module's `nn.profiled_layers`.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/LayerName.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_PROFILELAYERS
#include "lib/Transforms/Passes.h.inc"

namespace {

struct ProfileLayers : impl::ProfileLayersBase<ProfileLayers> {
  using ProfileLayersBase::ProfileLayersBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    llvm::MapVector<StringAttr, SmallVector<Operation *>> layers;
    for (Operation &op : main.getBody().front()) {
      // What has no name, such as checks of run-time extents, is beside the layers.
      std::string name = getLayerName(op.getLoc());
      if (!name.empty() && (isa<func::CallOp, memref::CopyOp>(op) || op.getNumRegions() != 0))
        layers[StringAttr::get(&getContext(), name)].push_back(&op);
    }
    OpBuilder builder(main);
    if (layers.empty()) { // a network of less than one loop is all in @main
      getOperation()->setAttr("nn.profiled_layers", builder.getArrayAttr({}));
      return;
    }
    auto type = MemRefType::get({static_cast<int64_t>(layers.size())}, builder.getI64Type());
    auto zeros = DenseElementsAttr::get(RankedTensorType::get(type.getShape(), type.getElementType()), int64_t{0});
    auto ticks = memref::GlobalOp::create(builder, main.getLoc(), "main_ticks", builder.getStringAttr("private"), type,
                                          zeros, /*constant=*/false, /*alignment=*/IntegerAttr());
    SmallVector<Attribute> order;
    for (auto &[name, operations] : layers) {
      for (Operation *op : operations)
        count(op, ticks, order.size());
      order.push_back(name);
    }
    getOperation()->setAttr("nn.profiled_layers", builder.getArrayAttr(order));
  }

  Value readCounter(OpBuilder &builder, Location loc) {
    return LLVM::CallIntrinsicOp::create(builder, loc, builder.getI64Type(), builder.getStringAttr(counter), ValueRange())
        .getResults();
  }

  /// Adds what `op` takes to place `place` of `ticks`.
  void count(Operation *op, memref::GlobalOp ticks, int64_t place) {
    Location loc = op->getLoc();
    OpBuilder builder(op);
    Value start = readCounter(builder, loc);
    builder.setInsertionPointAfter(op);
    Value taken = arith::SubIOp::create(builder, loc, readCounter(builder, loc), start);
    Value all = memref::GetGlobalOp::create(builder, loc, ticks.getType(), ticks.getSymName());
    Value index = arith::ConstantIndexOp::create(builder, loc, place);
    Value sum = arith::AddIOp::create(builder, loc, memref::LoadOp::create(builder, loc, all, index), taken);
    memref::StoreOp::create(builder, loc, sum, all, index);
  }
};

} // namespace
} // namespace nnc
