// Computes attention a block of rows at a time, so that scores stay in the cache and need no memory of their own size.
//
// Expects kernels on memrefs, in the pattern
//
//     kernel.contract(queries, keys) -> scores, kernel.softmax(scores) -> probabilities,
//     kernel.contract(probabilities, values)
//
// where nothing else reads scores and probabilities. For each batch (an attention head) and block of rows, the three
// run one after the other on one small buffer, softmax in place. Elements are computed as before, in the same order.
//
// With threads, the batches are shared, and each has a buffer.
#include "lib/Transforms/Passes.h"

#include "lib/Analysis/DotProducts.h"
#include "lib/Support/Decision.h"
#include "lib/Support/ViewedBuffer.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_TILEATTENTION
#include "lib/Transforms/Passes.h.inc"

namespace {

/// What is tiled. Shapes are static.
struct Attention {
  kernel::ContractOp scores;
  kernel::SoftmaxOp softmax;
  kernel::ContractOp product;
  SmallVector<int64_t> batches;
  int64_t rows, columns;

  static FailureOr<Attention> match(kernel::ContractOp product);
  int64_t getNumBatches() const { return ShapedType::getNumElements(batches); }
  int64_t chooseBlock();
};

/// Emits the loops before `attention.product`.
class AttentionTiling {
public:
  AttentionTiling(Attention attention, bool threads)
      : attention(attention), threads(threads), builder(makeLocation(attention), attention.product),
        block(this->attention.chooseBlock()) {}

  void run();

private:
  static Location makeLocation(Attention attention) {
    return FusedLoc::get(attention.product.getContext(), {attention.product.getLoc(), attention.scores.getLoc(),
                                                          attention.softmax.getLoc()});
  }
  Value index(int64_t value) { return arith::ConstantIndexOp::create(builder, value); }
  void forEach(Value upper, bool isShared, function_ref<void(Value)> body);
  void emitBatch(Value buffer, Value batch);
  void emitBlock(Value buffer, ArrayRef<Value> batch, OpFoldResult row, int64_t numRows);
  Value takeBlock(Value operand, ArrayRef<OpFoldResult> offsets, ArrayRef<int64_t> sizes, int64_t numKept);
  Value takeOperand(Value operand, ArrayRef<Value> batch, OpFoldResult row, int64_t numRows);
  void cloneContract(kernel::ContractOp op, Value lhs, Value init, ArrayRef<Value> batch, OpFoldResult row,
                     int64_t numRows);

  Attention attention;
  bool threads;
  ImplicitLocOpBuilder builder;
  int64_t block;
};

struct TileAttentionPass : public impl::TileAttentionBase<TileAttentionPass> {
  using TileAttentionBase::TileAttentionBase;

  void runOnOperation() override {
    SmallVector<kernel::ContractOp> contracts;
    getOperation()->walk([&](kernel::ContractOp op) { contracts.push_back(op); });
    for (kernel::ContractOp op : contracts)
      if (FailureOr<Attention> attention = Attention::match(op); succeeded(attention))
        AttentionTiling(*attention, threads).run();
  }
};

} // namespace

//===--- What can be tiled ---===//

/// Whether the buffer behind `memref` is only the destination of `writer` and the first operand of `reader`.
template <typename WriterTy, typename ReaderTy> static bool isBetween(Value memref, WriterTy writer, ReaderTy reader) {
  auto alloc = getViewedBuffer(memref).template getDefiningOp<memref::AllocOp>();
  if (!alloc)
    return false;
  OpOperand *destination = &writer.getInitMutable(), *source = &reader->getOpOperand(0);
  SmallVector<Value> names{alloc};
  while (!names.empty()) {
    Value name = names.pop_back_val();
    for (OpOperand &use : name.getUses()) {
      if (isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(use.getOwner()))
        names.push_back(use.getOwner()->getResult(0));
      else if (&use != destination && &use != source)
        return false;
    }
  }
  return true;
}

/// The kernel of type `OpTy` in `block` that writes to the buffer behind `memref`; null where it is not the only one.
template <typename OpTy> static OpTy getWriter(Value memref, Block *block) {
  OpTy writer;
  SmallVector<Value> names{getViewedBuffer(memref)};
  while (!names.empty()) {
    Value name = names.pop_back_val();
    for (Operation *user : name.getUsers()) {
      if (isa<memref::CollapseShapeOp, memref::ExpandShapeOp>(user))
        names.push_back(user->getResult(0));
      auto op = dyn_cast<OpTy>(user);
      if (!op || op.getInit() != name)
        continue;
      if (writer || op->getBlock() != block)
        return {};
      writer = op;
    }
  }
  return writer;
}

/// Whether `product` leaves alone what `scores` reads: of that, later blocks still need rows that earlier ones would
/// have overwritten.
static bool isApart(kernel::ContractOp product, kernel::ContractOp scores) {
  Value written = getViewedBuffer(product.getInit());
  return llvm::none_of(scores->getOperands(), [&](Value operand) { return getViewedBuffer(operand) == written; });
}

/// Whether `kernel` may move behind the operations up to `end`: they write only to buffers that it does not use.
static bool canMoveTo(Operation *kernel, Operation *end) {
  SmallVector<Value> used = llvm::map_to_vector(kernel->getOperands(), getViewedBuffer);
  for (Operation *op = kernel->getNextNode(); op != end; op = op->getNextNode()) {
    if (isMemoryEffectFree(op) || isa<memref::AllocOp>(op))
      continue;
    auto destination = dyn_cast<DestinationStyleOpInterface>(op);
    if (!destination || op->getNumResults() != 0)
      return false;
    for (Value init : destination.getDpsInits()) {
      Value root = getViewedBuffer(init);
      if (!root.getDefiningOp<memref::AllocOp>() || llvm::is_contained(used, root))
        return false;
    }
  }
  return true;
}

/// Maps of an epilogue may name each dimension of the results by itself, or the constant 0.
static bool hasSimpleMaps(kernel::ContractOp op) {
  return llvm::all_of(op.getEpilogueMaps().getAsValueRange<AffineMapAttr>(), [](AffineMap map) {
    return map.isProjectedPermutation(/*allowZeroInResults=*/true);
  });
}

static bool isStatic(ValueRange values) {
  return llvm::all_of(values, [](Value value) { return cast<MemRefType>(value.getType()).hasStaticShape(); });
}

FailureOr<Attention> Attention::match(kernel::ContractOp product) {
  Block *block = product->getBlock();
  if (!isa<func::FuncOp>(block->getParentOp()))
    return failure(); // what a loop carries has several names
  auto softmax = getWriter<kernel::SoftmaxOp>(product.getLhs(), block);
  auto scores = softmax ? getWriter<kernel::ContractOp>(softmax.getInput(), block) : kernel::ContractOp();
  if (!scores || !scores->isBeforeInBlock(softmax) || !softmax->isBeforeInBlock(product) || softmax.getLog() ||
      !softmax.getEpilogueInputs().empty() || !isStatic(product->getOperands()) || !isStatic(scores->getOperands()) ||
      !hasSimpleMaps(scores) || !hasSimpleMaps(product) || !isBetween(scores.getInit(), scores, softmax) ||
      !isBetween(softmax.getInit(), softmax, product) || !isApart(product, scores) ||
      !canMoveTo(scores, product))
    return failure();
  auto type = cast<MemRefType>(scores.getInit().getType()), rows = cast<MemRefType>(softmax.getInput().getType());
  auto probabilities = cast<MemRefType>(product.getLhs().getType());
  if (type.getShape() != probabilities.getShape() || rows.getDimSize(1) != type.getShape().back() ||
      rows.getDimSize(2) != 1 || !type.getElementType().isF32() || !rows.getElementType().isF32() ||
      !probabilities.getElementType().isF32())
    return failure();
  Attention attention{scores, softmax, product, SmallVector<int64_t>(type.getShape().drop_back(2)),
                      type.getShape().drop_back().back(), type.getShape().back()};
  int64_t perBatch = attention.chooseBlock(), bytes = type.getNumElements() * 4;
  // Few rows read keys and values where they are (convert-kernel-to-vector), and have few scores for all of those.
  int64_t depth = cast<MemRefType>(scores.getLhs().getType()).getShape().back();
  bool hasFewRows = attention.rows <= getMostDotProducts(type, cast<MemRefType>(scores.getRhs().getType()).getShape(), depth);
  bool isWhole = (attention.getNumBatches() <= 1 && perBatch == attention.rows) || hasFewRows;
  if (isWhole || bytes <= kernel::getTarget(product).getL1Bytes())
    return failure(); // nothing to gain
  return attention;
}

/// As many rows as take a quarter of the L2 cache, but enough to use each key and value several times.
int64_t Attention::chooseBlock() {
  constexpr int64_t leastRows = 24, mostRows = 128;
  int64_t bytes = kernel::getTarget(product).getL2Bytes() / 4;
  int64_t limit = std::clamp(bytes / (4 * std::max<int64_t>(columns, 1)), leastRows, mostRows);
  int64_t blocks = llvm::divideCeil(std::max<int64_t>(rows, 1), limit);
  return llvm::divideCeil(std::max<int64_t>(rows, 1), blocks);
}

//===--- Tiling ---===//

/// Runs `body` from 0 to `upper`, in a loop that threads may share if `isShared`.
void AttentionTiling::forEach(Value upper, bool isShared, function_ref<void(Value)> body) {
  OpBuilder::InsertionGuard guard(builder);
  if (!isShared) {
    auto loop = scf::ForOp::create(builder, index(0), upper, index(1));
    builder.setInsertionPointToStart(loop.getBody());
    return body(loop.getInductionVar());
  }
  auto loop = scf::ParallelOp::create(builder, index(0), upper, index(1));
  builder.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars()[0]);
}

void AttentionTiling::run() {
  remark::passed(builder.getLoc(), about::fusion)
      << remark::add("attention in blocks of {0} rows: scores stay in the cache", block);
  // Rows whose distance is a multiple of 4 KiB would share few lines of the L1 cache.
  int64_t line = 16, stride = llvm::alignTo(attention.columns, line), numBatches = attention.getNumBatches();
  stride += stride % 64 == 0 ? line : 0;
  auto type = MemRefType::get({threads ? numBatches : 1, block, stride}, builder.getF32Type());
  Value buffer = memref::AllocOp::create(builder, type, builder.getI64IntegerAttr(64));
  forEach(index(numBatches), threads, [&](Value batch) { emitBatch(buffer, batch); });
  attention.product.erase();
  attention.softmax.erase();
  attention.scores.erase();
}

void AttentionTiling::emitBatch(Value buffer, Value batch) {
  SmallVector<Value> indices(attention.batches.size());
  Value rest = batch;
  for (int64_t dim = attention.batches.size() - 1; dim >= 0; --dim) {
    Value extent = index(attention.batches[dim]);
    indices[dim] = dim == 0 ? rest : arith::RemUIOp::create(builder, rest, extent).getResult();
    if (dim > 0)
      rest = arith::DivUIOp::create(builder, rest, extent);
  }
  OpFoldResult slot = threads ? OpFoldResult(batch) : builder.getIndexAttr(0);
  Value own = takeBlock(buffer, {slot, builder.getIndexAttr(0), builder.getIndexAttr(0)},
                        {1, block, attention.columns}, 2);
  int64_t full = attention.rows / block, rest_ = attention.rows % block;
  forEach(index(full), /*isShared=*/false, [&](Value number) {
    Value row = arith::MulIOp::create(builder, number, index(block));
    emitBlock(own, indices, row, block);
  });
  if (rest_ != 0)
    emitBlock(own, indices, builder.getIndexAttr(full * block), rest_);
}

/// The part of `operand` at `offsets` of `sizes`, of which the last `numKept` dimensions stay.
Value AttentionTiling::takeBlock(Value operand, ArrayRef<OpFoldResult> offsets, ArrayRef<int64_t> sizes,
                                 int64_t numKept) {
  SmallVector<OpFoldResult> extents = llvm::map_to_vector(
      sizes, [&](int64_t size) -> OpFoldResult { return builder.getIndexAttr(size); });
  SmallVector<OpFoldResult> strides(sizes.size(), builder.getIndexAttr(1));
  auto type = memref::SubViewOp::inferRankReducedResultType(sizes.take_back(numKept),
                                                            cast<MemRefType>(operand.getType()), offsets, extents, strides);
  return memref::SubViewOp::create(builder, cast<MemRefType>(type), operand, offsets, extents, strides);
}

/// Of [B..., rows, ...]: one batch, `numRows` rows from `row` on (all of the third last dimension where `row` is null).
Value AttentionTiling::takeOperand(Value operand, ArrayRef<Value> batch, OpFoldResult row, int64_t numRows) {
  auto type = cast<MemRefType>(operand.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
  SmallVector<int64_t> sizes(type.getShape());
  for (auto [dim, at] : llvm::enumerate(batch)) {
    if (sizes[dim] != 1) // broadcast otherwise
      offsets[dim] = at;
    sizes[dim] = 1;
  }
  if (row) {
    offsets[batch.size()] = row;
    sizes[batch.size()] = numRows;
  }
  return takeBlock(operand, offsets, sizes, type.getRank() - static_cast<int64_t>(batch.size()));
}

/// `op` for one batch and `numRows` rows from `row` on, from `lhs` to `init`.
void AttentionTiling::cloneContract(kernel::ContractOp op, Value lhs, Value init, ArrayRef<Value> batch,
                                    OpFoldResult row, int64_t numRows) {
  int64_t rowDim = batch.size();
  SmallVector<Value> operands{lhs, takeOperand(op.getRhs(), batch, {}, 0)};
  SmallVector<AffineMap> maps;
  for (auto [operand, map] : llvm::zip(op.getEpilogueInputs(), op.getEpilogueMaps().getAsValueRange<AffineMapAttr>())) {
    auto type = cast<MemRefType>(operand.getType());
    SmallVector<OpFoldResult> offsets(type.getRank(), builder.getIndexAttr(0));
    SmallVector<int64_t> sizes(type.getShape());
    SmallVector<AffineExpr> results;
    for (auto [axis, expression] : llvm::enumerate(map.getResults())) {
      auto dim = dyn_cast<AffineDimExpr>(expression);
      bool isBatch = dim && static_cast<int64_t>(dim.getPosition()) < rowDim;
      bool isRow = dim && static_cast<int64_t>(dim.getPosition()) == rowDim;
      if (isBatch || isRow) {
        offsets[axis] = isRow ? row : OpFoldResult(batch[dim.getPosition()]);
        sizes[axis] = isRow ? numRows : 1;
      }
      results.push_back(isBatch || !dim ? builder.getAffineConstantExpr(0)
                                        : builder.getAffineDimExpr(dim.getPosition() - rowDim));
    }
    operands.push_back(takeBlock(operand, offsets, sizes, type.getRank()));
    maps.push_back(AffineMap::get(2, 0, results, builder.getContext()));
  }
  operands.push_back(init);
  auto tile = cast<kernel::ContractOp>(builder.clone(*op));
  tile->setLoc(builder.getLoc());
  tile->setOperands(operands);
  tile.setEpilogueMapsAttr(builder.getAffineMapArrayAttr(maps));
}

void AttentionTiling::emitBlock(Value buffer, ArrayRef<Value> batch, OpFoldResult row, int64_t numRows) {
  SmallVector<OpFoldResult> origin(2, builder.getIndexAttr(0));
  Value scores = takeBlock(buffer, origin, {numRows, attention.columns}, 2);
  Value queries = takeOperand(attention.scores.getLhs(), batch, row, numRows);
  cloneContract(attention.scores, queries, scores, batch, row, numRows);
  SmallVector<ReassociationIndices> groups{{0}, {1, 2}};
  Value lines = memref::ExpandShapeOp::create(builder, ArrayRef<int64_t>{numRows, attention.columns, 1}, scores, groups);
  auto softmax = cast<kernel::SoftmaxOp>(builder.clone(*attention.softmax));
  softmax->setLoc(builder.getLoc());
  softmax->setOperands({lines, lines});
  Value results = takeOperand(attention.product.getInit(), batch, row, numRows);
  cloneContract(attention.product, scores, results, batch, row, numRows);
}

} // namespace nnc
