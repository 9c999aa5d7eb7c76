// Makes bf16 a name for 16 bits: what moves, chooses and spreads numbers of bf16 does so with integers.
//
// Expects the LLVM dialect in which nothing computes in bf16 any more (arithmetic is done in f32, and ExpandMath has
// rounded by integers). On CPUs without bf16, LLVM's code generator otherwise widens what is chosen or spread over a
// vector, and narrows it again by `__truncsfbf2`, a function that few runtime libraries have.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_NARROWFLOATSASINTEGERS
#include "lib/Transforms/Passes.h.inc"

static bool isNarrow(Type type) { return getElementTypeOrSelf(type).isBF16(); }

/// Whether `op` computes with the numbers instead of moving bits.
static bool computes(Operation *op) {
  if (!isa<LLVM::LLVMDialect>(op->getDialect()) || llvm::none_of(op->getOperandTypes(), isNarrow))
    return isa<LLVM::FPTruncOp, LLVM::SIToFPOp, LLVM::UIToFPOp>(op) && isNarrow(op->getResult(0).getType());
  return !isa<LLVM::BitcastOp, LLVM::StoreOp, LLVM::SelectOp, LLVM::InsertElementOp, LLVM::ExtractElementOp,
              LLVM::ShuffleVectorOp, LLVM::InsertValueOp, LLVM::ExtractValueOp, LLVM::CallOp, LLVM::ReturnOp, LLVM::BrOp,
              LLVM::CondBrOp, LLVM::MaskedStoreOp, LLVM::MaskedLoadOp>(op);
}

namespace {

struct NarrowFloatsAsIntegers : impl::NarrowFloatsAsIntegersBase<NarrowFloatsAsIntegers> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (module.walk([](Operation *op) { return computes(op) ? WalkResult::interrupt() : WalkResult::advance(); })
            .wasInterrupted())
      return;
    auto integer = IntegerType::get(&getContext(), 16);
    AttrTypeReplacer replacer;
    replacer.addReplacement([&](Type type) -> std::optional<Type> {
      return type.isBF16() ? std::optional<Type>(integer) : std::nullopt;
    });
    using Replaced = std::optional<std::pair<Attribute, WalkResult>>;
    replacer.addReplacement([&](FloatAttr number) -> Replaced {
      if (!number.getType().isBF16())
        return std::nullopt;
      return {{IntegerAttr::get(integer, number.getValue().bitcastToAPInt()), WalkResult::skip()}};
    });
    replacer.addReplacement([&](DenseElementsAttr numbers) -> Replaced {
      if (!numbers.getElementType().isBF16())
        return std::nullopt;
      return {{numbers.bitcast(integer), WalkResult::skip()}};
    });
    replacer.recursivelyReplaceElementsIn(module, /*replaceAttrs=*/true, /*replaceLocs=*/false, /*replaceTypes=*/true);
  }
};

} // namespace
} // namespace nnc
