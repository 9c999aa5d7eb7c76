// Transposed convolutions of stride 1 become ordinary ones: those have Winograd's algorithm, a kernel for channels by themselves,
// and planes.
//
// Expects NN operations. Input i adds tap k to output i + k * dilation - pad: output o is the sum of the taps in reverse of
// a window that begins at o - ((size - 1) * dilation - pad). The new filter is made of NN operations, evaluated later where
// it is constant.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"

#include "dialects/NN/NN.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_FLIPFILTERS
#include "lib/Transforms/Passes.h.inc"

static Value reshape(ImplicitLocOpBuilder &builder, Value value, ArrayRef<int64_t> shape) {
  auto type = RankedTensorType::get({static_cast<int64_t>(shape.size())}, builder.getI64Type());
  Value operand = arith::ConstantOp::create(builder, DenseElementsAttr::get(type, shape));
  return nn::ReshapeOp::create(builder, value, operand, /*allow_zero=*/false);
}

/// (C, OC/G, K...) to (OC, C/G, K...), the taps in reverse.
static Value flip(ImplicitLocOpBuilder &builder, Value filter, int64_t groups) {
  auto type = cast<RankedTensorType>(filter.getType());
  int64_t spatial = type.getRank() - 2, inputs = type.getDimSize(0) / groups, outputs = type.getDimSize(1);
  ArrayRef<int64_t> window = type.getShape().drop_front(2);
  SmallVector<int64_t> grouped{groups, inputs, outputs}, order{0, 2, 1}, flipped{groups * outputs, inputs};
  llvm::append_range(grouped, window);
  llvm::append_range(order, llvm::seq<int64_t>(3, spatial + 3));
  llvm::append_range(flipped, window);
  Value taps = nn::TransposeOp::create(builder, reshape(builder, filter, grouped), order);
  return nn::ReverseOp::create(builder, reshape(builder, taps, flipped), llvm::to_vector(llvm::seq<int64_t>(2, spatial + 2)));
}

static void convolve(nn::ConvTransposeOp op) {
  ImplicitLocOpBuilder builder(op.getLoc(), op);
  remark::passed(op.getLoc(), about::algorithm) << "a convolution with the filter in reverse: the stride is 1";
  ArrayRef<int64_t> window = cast<RankedTensorType>(op.getFilter().getType()).getShape().drop_front(2);
  SmallVector<int64_t> padsBegin, padsEnd;
  for (auto [axis, size] : llvm::enumerate(window)) {
    int64_t reach = (size - 1) * op.getDilations()[axis];
    padsBegin.push_back(reach - op.getPadsBegin()[axis]);
    padsEnd.push_back(reach - op.getPadsEnd()[axis] + op.getOutputPadding()[axis]);
  }
  int64_t groups = op.getGroups();
  Value result = nn::ConvOp::create(builder, op.getInput(), flip(builder, op.getFilter(), groups), op.getBias(), op.getLayout(),
                                    op.getStrides(), op.getDilations(), padsBegin, padsEnd, groups);
  op.replaceAllUsesWith(result);
  op.erase();
}

namespace {

struct FlipFiltersPass : public impl::FlipFiltersBase<FlipFiltersPass> {
  void runOnOperation() override {
    SmallVector<nn::ConvTransposeOp> withoutStrides;
    getOperation()->walk([&](nn::ConvTransposeOp op) {
      auto filter = cast<RankedTensorType>(op.getFilter().getType());
      bool isOne = llvm::all_of(op.getStrides(), [](int64_t stride) { return stride == 1; });
      if (isOne && filter.hasStaticShape() && filter.getNumElements() != 0)
        withoutStrides.push_back(op);
    });
    for (nn::ConvTransposeOp op : withoutStrides)
      convolve(op);
  }
};

} // namespace
} // namespace nnc
