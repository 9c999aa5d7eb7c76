// Bodies are counted operation by operation; what a kernel does by its nature, by one formula per kernel.
#include "lib/Analysis/Operations.h"

#include "dialects/Kernel/Kernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {

static constexpr int64_t divisionCost = 8, functionCost = 20;

static std::optional<int64_t> countElements(Value value) {
  auto type = cast<ShapedType>(value.getType());
  return type.hasStaticShape() ? std::optional(type.getNumElements()) : std::nullopt;
}

/// Operations on one element.
static int64_t countBody(Region &region) {
  int64_t count = 0;
  region.walk([&](Operation *op) {
    bool isArithmetic = isa<arith::ArithDialect, math::MathDialect>(op->getDialect());
    if (!isArithmetic || op->hasTrait<OpTrait::ConstantLike>() || op->getResult(0).getType().isIndex())
      return;
    if (isa<arith::DivFOp, arith::RemFOp, math::SqrtOp, math::RsqrtOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
            arith::RemUIOp>(op))
      count += divisionCost;
    else if (isa<math::MathDialect>(op->getDialect()) &&
             !isa<math::AbsFOp, math::AbsIOp, math::FmaOp, math::CopySignOp, math::FloorOp, math::CeilOp,
                  math::RoundEvenOp, math::TruncOp>(op))
      count += functionCost;
    else
      ++count;
  });
  return count;
}

/// What the kernel does for each element of its first input.
static int64_t countPerInput(Operation *op) {
  return llvm::TypeSwitch<Operation *, int64_t>(op)
      .Case([](kernel::SoftmaxOp) { return 4 + functionCost; })
      .Case([](kernel::NormalizeOp norm) { return norm.getCenter() ? 5 : 3; })
      .Case([](kernel::ReduceOp reduce) {
        return reduce.getKind() == kernel::ReduceKind::LogSumExp ? 3 + functionCost : 1;
      })
      .Case([](kernel::LrnOp lrn) { return lrn.getSize() + 2 * functionCost; })
      .Default([](Operation *) { return 0; });
}

std::optional<int64_t> countOperations(Operation *op) {
  if (auto generic = dyn_cast<linalg::LinalgOp>(op)) {
    int64_t iterations = 1;
    for (int64_t extent : generic.getStaticLoopRanges()) {
      if (ShapedType::isDynamic(extent))
        return std::nullopt;
      iterations *= extent;
    }
    return iterations * countBody(op->getRegion(0));
  }
  auto kernel = dyn_cast<kernel::EpilogueOpInterface>(op);
  if (!kernel)
    return 0;
  std::optional<int64_t> outputs = countElements(cast<DestinationStyleOpInterface>(op).getDpsInits().front());
  std::optional<int64_t> inputs = countElements(op->getOperand(0));
  if (!outputs || !inputs)
    return std::nullopt;
  int64_t perOutput = countBody(kernel.getEpilogue());
  if (auto pool = dyn_cast<kernel::PoolOp>(op)) {
    int64_t window = 1;
    for (int64_t extent : pool.getWindow())
      window *= extent;
    perOutput += window;
  }
  return *outputs * perOutput + *inputs * countPerInput(op);
}

} // namespace nnc
