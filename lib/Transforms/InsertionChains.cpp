// Finds chains of insertions and counts which may share a buffer.
#include "lib/Transforms/InsertionChains.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"

using namespace mlir;

namespace nnc {

/// Chains of more insertions are copied: the analysis takes 10 ms for 16 of them, 20 s for 100.
static constexpr size_t maxChainLength = 16;
/// Insertions that may share a buffer, where concatenations are operands of concatenations.
static constexpr int64_t maxClusterSize = 32;

/// The insertions that end in `last`, in order, where they begin with an empty tensor of their own; else none.
static SmallVector<tensor::InsertSliceOp> getChain(tensor::InsertSliceOp last) {
  SmallVector<tensor::InsertSliceOp> chain{last};
  while (auto before = chain.back().getDest().getDefiningOp<tensor::InsertSliceOp>()) {
    if (!before->hasOneUse() || before->getBlock() != last->getBlock())
      return {};
    chain.push_back(before);
  }
  auto empty = chain.back().getDest().getDefiningOp<tensor::EmptyOp>();
  if (!empty || !empty->hasOneUse() || empty->getBlock() != last->getBlock())
    return {};
  return {chain.rbegin(), chain.rend()};
}

/// Whether `op` is followed by an insertion into what it makes.
static bool isInsideChain(tensor::InsertSliceOp op) {
  if (!op->hasOneUse())
    return false;
  auto next = dyn_cast<tensor::InsertSliceOp>(*op->user_begin());
  return next && next.getDest() == op.getResult();
}

static void copyToBuffer(MutableArrayRef<tensor::InsertSliceOp> chain) {
  auto empty = chain.front().getDest().getDefiningOp<tensor::EmptyOp>();
  Operation *last = chain.back();
  OpBuilder builder(empty);
  Value buffer;
  bufferization::MaterializeInDestinationOp output;
  if (last->hasOneUse())
    output = dyn_cast<bufferization::MaterializeInDestinationOp>(*last->user_begin());
  if (output && isa<MemRefType>(output.getDest().getType()) && output.getDest().getParentBlock() == last->getBlock())
    buffer = output.getDest();
  else
    output = {};
  if (!buffer)
    buffer = memref::AllocOp::create(builder, empty.getLoc(),
                                     MemRefType::get(empty.getType().getShape(), empty.getType().getElementType()),
                                     empty.getDynamicSizes(), builder.getI64IntegerAttr(64));
  for (tensor::InsertSliceOp insertion : chain) {
    builder.setInsertionPoint(insertion);
    MemRefType type = memref::SubViewOp::inferRankReducedResultType(
        insertion.getSourceType().getShape(), cast<MemRefType>(buffer.getType()), insertion.getMixedOffsets(),
        insertion.getMixedSizes(), insertion.getMixedStrides());
    Value place = memref::SubViewOp::create(builder, insertion.getLoc(), type, buffer, insertion.getMixedOffsets(),
                                            insertion.getMixedSizes(), insertion.getMixedStrides());
    bufferization::MaterializeInDestinationOp::create(builder, insertion.getLoc(), Type(), insertion.getSource(), place,
                                                      /*restrict=*/true, /*writable=*/true);
  }
  if (output)
    output->erase();
  else
    last->getResult(0).replaceAllUsesWith(bufferization::ToTensorOp::create(
        builder, last->getLoc(), empty.getType(), buffer, /*restrict=*/true, /*writable=*/true));
  for (tensor::InsertSliceOp insertion : llvm::reverse(chain))
    insertion->erase();
  empty->erase();
}

void copyLongInsertionChains(func::FuncOp main) {
  SmallVector<tensor::InsertSliceOp> lasts;
  main.walk([&](tensor::InsertSliceOp op) {
    if (!isInsideChain(op))
      lasts.push_back(op);
  });
  for (tensor::InsertSliceOp last : lasts)
    if (SmallVector<tensor::InsertSliceOp> chain = getChain(last); chain.size() > maxChainLength)
      copyToBuffer(chain);
}

//===--- Clusters ---===//

InsertionClusters::InsertionClusters(func::FuncOp main) {
  main.walk([&](Operation *op) {
    if (auto insertion = dyn_cast<tensor::InsertSliceOp>(op)) {
      merge(insertion.getDest(), insertion.getResult());
      ++count(insertion.getResult());
    } else if (auto inits = dyn_cast<DestinationStyleOpInterface>(op)) {
      for (OpResult result : op->getResults())
        merge(inits.getTiedOpOperand(result)->get(), result);
    } else if (isa<tensor::CastOp, tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::ExtractSliceOp>(op)) {
      merge(op->getOperand(0), op->getResult(0));
    }
  });
}

void InsertionClusters::merge(Value a, Value b) {
  int64_t sum = clusters.isEquivalent(a, b) ? count(a) : count(a) + count(b);
  clusters.unionSets(a, b);
  count(a) = sum;
}

bool InsertionClusters::join(Operation *op) {
  if (auto copy = dyn_cast<bufferization::MaterializeInDestinationOp>(op))
    return !copy.getDest().getDefiningOp<memref::SubViewOp>(); // a long chain's
  auto insertion = dyn_cast<tensor::InsertSliceOp>(op);
  if (!insertion || clusters.isEquivalent(insertion.getSource(), insertion.getResult()))
    return true;
  if (count(insertion.getSource()) + count(insertion.getResult()) > maxClusterSize)
    return false;
  merge(insertion.getSource(), insertion.getResult());
  return true;
}

} // namespace nnc
