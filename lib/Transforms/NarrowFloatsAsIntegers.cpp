// Makes bf16 a name for 16 bits: what moves, chooses and spreads numbers of bf16 does so with integers. The same for
// f16, where the CPU does not convert it.
//
// Expects the LLVM dialect in which nothing computes in these types any more (arithmetic is done in f32, and ExpandMath
// has rounded by integers). On CPUs without bf16, LLVM's code generator otherwise widens what is chosen or spread over
// a vector, and narrows it again by `__truncsfbf2`, a function that few runtime libraries have. Intrinsics that
// multiply bf16 get theirs as such.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_NARROWFLOATSASINTEGERS
#include "lib/Transforms/Passes.h.inc"

/// Whether `op`, which has narrow operands or makes a narrow number, computes instead of moving bits.
static bool computes(Operation *op, function_ref<bool(Type)> isNarrow) {
  if (isa<LLVM::FPTruncOp, LLVM::SIToFPOp, LLVM::UIToFPOp>(op) && isNarrow(op->getResult(0).getType()))
    return true;
  if (!isa<LLVM::LLVMDialect>(op->getDialect()) || llvm::none_of(op->getOperandTypes(), isNarrow))
    return false;
  return !isa<LLVM::BitcastOp, LLVM::StoreOp, LLVM::SelectOp, LLVM::InsertElementOp, LLVM::ExtractElementOp,
              LLVM::ShuffleVectorOp, LLVM::InsertValueOp, LLVM::ExtractValueOp, LLVM::CallOp, LLVM::ReturnOp,
              LLVM::BrOp, LLVM::CondBrOp, LLVM::MaskedStoreOp, LLVM::MaskedLoadOp, LLVM::CallIntrinsicOp>(op);
}

namespace {

struct NarrowFloatsAsIntegers : impl::NarrowFloatsAsIntegersBase<NarrowFloatsAsIntegers> {
  using NarrowFloatsAsIntegersBase::NarrowFloatsAsIntegersBase;

  void runOnOperation() override {
    replace([](Type type) { return getElementTypeOrSelf(type).isBF16(); });
    if (half)
      replace([](Type type) { return getElementTypeOrSelf(type).isF16(); });
  }

  /// Makes integers of all numbers of one type, unless something computes with them.
  void replace(function_ref<bool(Type)> isNarrow) {
    ModuleOp module = getOperation();
    auto stop = [&](Operation *op) { return computes(op, isNarrow) ? WalkResult::interrupt() : WalkResult::advance(); };
    if (module.walk(stop).wasInterrupted())
      return;
    SmallVector<std::pair<OpOperand *, Type>> intrinsicOperands;
    module.walk([&](LLVM::CallIntrinsicOp op) {
      for (OpOperand &operand : op->getOpOperands())
        if (isNarrow(operand.get().getType()))
          intrinsicOperands.emplace_back(&operand, operand.get().getType());
    });
    auto integer = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](Type type) -> std::optional<Type> {
      return isa<FloatType>(type) && isNarrow(type) ? std::optional<Type>(integer) : std::nullopt;
    });
    using Replaced = std::optional<std::pair<Attribute, WalkResult>>;
    replacer.addReplacement([&](FloatAttr number) -> Replaced {
      if (!isNarrow(number.getType()))
        return std::nullopt;
      return {{IntegerAttr::get(integer, number.getValue().bitcastToAPInt()), WalkResult::skip()}};
    });
    replacer.addReplacement([&](DenseElementsAttr numbers) -> Replaced {
      if (!isNarrow(numbers.getElementType()))
        return std::nullopt;
      return {{numbers.bitcast(integer), WalkResult::skip()}};
    });
    replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false, /*replaceTypes=*/true);
    for (auto [operand, type] : intrinsicOperands) {
      OpBuilder builder(operand->getOwner());
      operand->set(LLVM::BitcastOp::create(builder, operand->getOwner()->getLoc(), type, operand->get()));
    }
  }
};

} // namespace
} // namespace nnc
