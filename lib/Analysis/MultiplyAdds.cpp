// One formula per kernel that multiplies and adds.
#include "lib/Analysis/MultiplyAdds.h"

#include "dialects/Kernel/Kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace nnc {

static ArrayRef<int64_t> getShape(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// The product of the extents; nullopt where one is dynamic, or the product too large.
static std::optional<int64_t> multiply(ArrayRef<int64_t> extents) {
  int64_t product = 1;
  for (int64_t extent : extents)
    if (ShapedType::isDynamic(extent) || llvm::MulOverflow(product, extent, product))
      return std::nullopt;
  return product;
}

/// Either may be a dynamic extent as well.
static std::optional<int64_t> multiply(std::optional<int64_t> lhs, std::optional<int64_t> rhs) {
  return lhs && rhs ? multiply({*lhs, *rhs}) : std::nullopt;
}

static std::optional<int64_t> count(kernel::ContractOp op) {
  if (kernel::WeightBlocksAttr blocks = op.getBlocksAttr())
    return multiply(multiply(getShape(op.getInit())), blocks.getSummed(getShape(op.getRhs())[1]));
  return multiply(multiply(getShape(op.getInit())), getShape(op.getLhs()).back());
}

static std::optional<int64_t> count(kernel::ConvOp op) {
  // The filter is [G, OB, K..., C/G, nr].
  ArrayRef<int64_t> filter = getShape(op.getFilter()), input = getShape(op.getInput()), init = getShape(op.getInit());
  if (ShapedType::isDynamicShape(filter) || ShapedType::isDynamic(init.back()))
    return std::nullopt;
  bool isDot = getElementTypeOrSelf(op.getInput().getType()).isInteger(8);
  int64_t group = isDot ? kernel::getDotPacking(kernel::getTarget(op)).group : 1;
  int64_t channels = filter[filter.size() - 2] * group, own = input.back();
  if (kernel::isPaired(getElementTypeOrSelf(op.getInput().getType()),
                       ShapedType::isDynamic(own) ? own : own / filter.front(), channels))
    channels = own / filter.front();
  std::optional<int64_t> taps = multiply(filter.drop_front(2).drop_back(2));
  if (op.getTransposed()) // each input element meets every tap of its group's output channels
    return multiply(multiply(multiply(input), taps), init.back() / filter.front());
  return multiply(multiply(multiply(init), taps), channels);
}

/// Those of the convolution that it computes.
static std::optional<int64_t> count(kernel::WinogradOp op) {
  ArrayRef<int64_t> window = op.getWindow();
  return multiply(multiply(getShape(op.getInit())), window[0] * window[1] * getShape(op.getInput()).back());
}

static std::optional<int64_t> count(kernel::DepthwiseOp op) {
  return multiply(multiply(getShape(op.getInit())), multiply(getShape(op.getFilter()).drop_back()));
}

/// Whether `op` is a loop that adds products up, as a matrix times a column is.
static bool isSumOfProducts(linalg::GenericOp op) {
  Block *body = op.getBody();
  if (op.getNumReductionLoops() == 0 || llvm::range_size(*body) != 3)
    return false;
  return isa<arith::MulFOp>(body->front()) && isa<arith::AddFOp>(*std::next(body->begin()));
}

static std::optional<int64_t> count(linalg::GenericOp op) { return multiply(op.getStaticLoopRanges()); }

/// How often the loops around `op` run it; nullopt where only a run knows.
static std::optional<int64_t> countIterations(Operation *op) {
  std::optional<int64_t> iterations = 1;
  for (Operation *around = op->getParentOp(); around && !isa<func::FuncOp>(around); around = around->getParentOp()) {
    if (isa<scf::WhileOp>(around))
      return std::nullopt;
    auto loop = dyn_cast<scf::ForOp>(around);
    if (!loop)
      continue;
    auto lower = getConstantIntValue(loop.getLowerBound()), upper = getConstantIntValue(loop.getUpperBound());
    auto step = getConstantIntValue(loop.getStep());
    if (!lower || !upper || !step || *step < 1)
      return std::nullopt;
    iterations = multiply(iterations, *upper > *lower ? llvm::divideCeil(*upper - *lower, *step) : 0);
  }
  return iterations;
}

void visitMultiplyAdds(ModuleOp module, llvm::function_ref<void(Operation *, std::optional<int64_t>)> visit) {
  module.walk([&](Operation *op) {
    auto tell = [&](auto kernel) { visit(op, multiply(count(kernel), countIterations(op))); };
    if (auto contract = dyn_cast<kernel::ContractOp>(op))
      tell(contract);
    else if (auto conv = dyn_cast<kernel::ConvOp>(op))
      tell(conv);
    else if (auto winograd = dyn_cast<kernel::WinogradOp>(op))
      tell(winograd);
    else if (auto depthwise = dyn_cast<kernel::DepthwiseOp>(op))
      tell(depthwise);
    else if (auto generic = dyn_cast<linalg::GenericOp>(op); generic && isSumOfProducts(generic))
      tell(generic);
  });
}

std::optional<int64_t> countMultiplyAdds(ModuleOp module) {
  std::optional<int64_t> total = 0;
  visitMultiplyAdds(module, [&](Operation *, std::optional<int64_t> number) {
    int64_t sum;
    bool isKnown = total && number && !llvm::AddOverflow(*total, *number, sum);
    total = isKnown ? std::optional(sum) : std::nullopt;
  });
  return total;
}

} // namespace nnc
