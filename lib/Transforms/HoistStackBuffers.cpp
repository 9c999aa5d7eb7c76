// Moves buffers on the stack to where their function begins.
//
// Expects the LLVM dialect, after loops that run in parallel have become functions of their own. A buffer that is allocated
// inside a loop would take more stack with each iteration, as only the function's end frees it; and a frame whose size the
// code generator does not know has no place in the worst case that the header tells. What is in such a buffer outlives no
// iteration.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_HOISTSTACKBUFFERS
#include "lib/Transforms/Passes.h.inc"

namespace {

struct HoistStackBuffersPass : public impl::HoistStackBuffersBase<HoistStackBuffersPass> {
  void runOnOperation() override {
    LLVM::LLVMFuncOp function = getOperation();
    if (function.isExternal())
      return;
    Block *entry = &function.getBody().front();
    SmallVector<LLVM::AllocaOp> buffers;
    function.walk([&](LLVM::AllocaOp buffer) {
      auto *count = buffer.getArraySize().getDefiningOp();
      if (buffer->getBlock() != entry && isa_and_nonnull<LLVM::ConstantOp>(count))
        buffers.push_back(buffer);
    });
    for (LLVM::AllocaOp buffer : llvm::reverse(buffers)) {
      Operation *count = buffer.getArraySize().getDefiningOp()->clone();
      entry->push_front(count);
      buffer->moveAfter(count);
      buffer.getArraySizeMutable().assign(count->getResult(0));
    }
  }
};

} // namespace
} // namespace nnc
