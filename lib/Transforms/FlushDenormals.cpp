// Denormal weights of products become zero, and denormal terms that are added to the sums.
//
// Expects kernels on tensors whose constants are evaluated. Training with weight decay leaves dead channels with weights of
// 1e-40, and many CPUs take a hundred times as long for a product with such a number. A sum loses less than 1.2e-38 times its
// inputs, so beside weights of ordinary size nothing; a channel of nothing else becomes zero (and, of infinite inputs, NaN).
// Biases of dead channels are as small, and what scales the sums takes as long for them. A tensor that is tiny as a whole stays
// as it is.
#include "lib/Transforms/Passes.h"

#include "lib/Support/Decision.h"
#include "lib/Transforms/ConstantBits.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_FLUSHDENORMALS
#include "lib/Transforms/Passes.h.inc"

static constexpr uint32_t signBit = 0x80000000, smallestNormal = 0x00800000;
/// 2^-60: beside it, a denormal is below the last bit by twenty orders of magnitude.
static constexpr uint32_t ordinary = (127 - 60) << 23;

/// The operands of a kernel that are multiplied: its weights.
static OpOperand *getWeights(Operation *op) {
  return llvm::TypeSwitch<Operation *, OpOperand *>(op)
      .Case([](kernel::ContractOp kernel) { return &kernel.getRhsMutable(); })
      .Case([](kernel::ConvOp kernel) { return &kernel.getFilterMutable(); })
      .Case([](kernel::DepthwiseOp kernel) { return &kernel.getFilterMutable(); })
      .Case([](kernel::WinogradOp kernel) { return &kernel.getFilterMutable(); })
      .Default([](Operation *) { return nullptr; });
}

/// Whether all that an epilogue does with `argument` is to add it.
static bool isAdded(BlockArgument argument) {
  return llvm::all_of(argument.getUsers(), llvm::IsaPred<arith::AddFOp>);
}

namespace {

class FlushDenormalsPass : public impl::FlushDenormalsBase<FlushDenormalsPass> {
public:
  void runOnOperation() override {
    flushed.clear();
    getOperation()->walk([&](kernel::EpilogueOpInterface op) {
      OpOperand *weights = getWeights(op);
      if (!weights)
        return;
      int64_t count = flush(*weights);
      Block::BlockArgListType arguments = op.getEpilogue().front().getArguments(); // sums, then what the epilogue reads
      MutableOperandRange inputs = op.getEpilogueInputsMutable();
      for (OpOperand &input : inputs)
        if (isAdded(arguments[arguments.size() - inputs.size() + (&input - inputs.begin())]))
          count += flush(input);
      if (count)
        remark::passed(op->getLoc(), about::algorithm)
            << remark::add("{0} denormal weights and biases count as zero: many CPUs are slow with them", count);
    });
  }

private:
  int64_t flush(OpOperand &operand);

  /// Constants that were looked at, with what takes their place and how many denormals they had.
  llvm::DenseMap<Value, std::pair<Value, int64_t>> flushed;
};

} // namespace

/// Lets `operand` be without denormals, if that is a constant; returns how many it had.
int64_t FlushDenormalsPass::flush(OpOperand &operand) {
  auto constant = operand.get().getDefiningOp<arith::ConstantOp>();
  auto type = dyn_cast<RankedTensorType>(operand.get().getType());
  if (!constant || !type || !type.getElementType().isF32())
    return 0;
  auto [entry, isNew] = flushed.try_emplace(constant.getResult(), constant.getResult(), 0);
  auto &[value, count] = entry->second;
  if (isNew) {
    ArrayRef<char> bytes = getBytes(constant.getValue());
    ArrayRef<uint32_t> words(reinterpret_cast<const uint32_t *>(bytes.data()), bytes.size() / sizeof(uint32_t));
    uint32_t largest = 0;
    for (uint32_t word : words) {
      uint32_t magnitude = word & ~signBit;
      count += magnitude - 1 < smallestNormal - 1;
      largest = std::max(largest, magnitude);
    }
    if (largest < ordinary)
      count = 0;
    if (count) {
      std::vector<uint32_t> normal(words);
      for (uint32_t &word : normal)
        if ((word & ~signBit) < smallestNormal)
          word &= signBit;
      OpBuilder builder(constant);
      value = arith::ConstantOp::create(builder, constant.getLoc(), makeConstant(type, ArrayRef<uint32_t>(normal)));
    }
  }
  operand.set(value);
  return count;
}

} // namespace nnc
