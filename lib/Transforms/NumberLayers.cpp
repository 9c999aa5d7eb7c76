// Numbers the layers of @main in their locations, for reports.
//
// Expects NN operations. Names do not tell layers apart: a convolution and the transposes around it have one. The
// number is the metadata of a fused location around the layer's own, and stays with whatever the layer becomes;
// operations inside branches and loops have the number of the layer that contains them.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/Layers.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_NUMBERLAYERS
#include "lib/Transforms/Passes.h.inc"

namespace {

struct NumberLayersPass : public impl::NumberLayersBase<NumberLayersPass> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    Builder builder(&getContext());
    for (auto [number, layer] : llvm::enumerate(getLayers(main))) {
      Attribute metadata = builder.getI64IntegerAttr(number);
      layer->walk([&](Operation *op) { op->setLoc(FusedLoc::get({op->getLoc()}, metadata, &getContext())); });
    }
  }
};

} // namespace
} // namespace nnc
