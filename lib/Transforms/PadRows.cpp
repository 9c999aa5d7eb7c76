// Keeps the rows of a product's left-hand side out of each other's cache sets.
//
// Expects buffers. A register tile reads one element of each of its rows at a time. Rows whose distance is a multiple of
// 4 KiB share one set of the L1 cache, which holds fewer lines than a tile has rows (the product 128x3072x768 ran at 86 % of
// the peak on Zen 4, with a few columns less at 98 %). Such buffers get rows that are one cache line longer. Where that
// cannot be, because the caller's memory is read or because rows and columns become one dimension, a product of many columns
// reads a copy.
#include "dialects/Kernel/Kernel.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_PADROWS
#include "lib/Transforms/Passes.h.inc"

static constexpr int64_t setPeriodBytes = 4096, lineBytes = 64;
/// Rows that one set holds on all CPUs that nnc knows.
static constexpr int64_t setLines = 8;

static int64_t getElementBytes(MemRefType type) { return llvm::divideCeil(type.getElementTypeBitWidth(), 8); }

namespace {

/// One buffer, and what becomes of the types of its views.
class PaddedBuffer {
public:
  explicit PaddedBuffer(memref::AllocOp alloc) : alloc(alloc) {}

  /// Whether rows share sets, some product reads them, and every user can read longer ones.
  bool isWorthwhile();
  void pad();

private:
  bool planViews(Value value, MemRefType type);
  bool planView(Operation *view, Value result, FailureOr<MemRefType> type);

  memref::AllocOp alloc;
  SmallVector<std::pair<Value, MemRefType>> views; ///< and their new types
  MemRefType longer, seen;
  bool isReadByRows = false;
};

} // namespace

/// Whether `use` reads many rows, a multiple of 4 KiB apart, at a time.
static bool readsByRows(OpOperand &use) {
  Operation *user = use.getOwner();
  auto type = cast<MemRefType>(use.get().getType());
  if (!isa<kernel::ContractOp, kernel::ConvOp>(user) || use.getOperandNumber() != 0 || type.getRank() < 2)
    return false;
  SmallVector<int64_t> strides;
  int64_t offset;
  if (failed(type.getStridesAndOffset(strides, offset)))
    return false;
  int64_t stride = strides[type.getRank() - 2];
  return !ShapedType::isDynamic(stride) && stride * getElementBytes(type) % setPeriodBytes == 0;
}

/// Whether `user` takes buffers of any strides.
static bool takesStrides(Operation *user) {
  return isa<linalg::LinalgOp, memref::CopyOp, memref::DimOp, memref::LoadOp, memref::StoreOp, kernel::EpilogueOpInterface>(user);
}

bool PaddedBuffer::planView(Operation *view, Value result, FailureOr<MemRefType> type) {
  if (failed(type))
    return false;
  views.emplace_back(result, *type);
  return planViews(result, *type);
}

/// Collects the views of `value`, which gets `type`.
bool PaddedBuffer::planViews(Value value, MemRefType type) {
  for (OpOperand &use : value.getUses()) {
    isReadByRows |= readsByRows(use);
    bool isPlanned = llvm::TypeSwitch<Operation *, bool>(use.getOwner())
                         .Case([&](memref::SubViewOp view) {
                           return planView(view, view.getResult(),
                                           memref::SubViewOp::inferRankReducedResultType(
                                               view.getType().getShape(), type, view.getMixedOffsets(),
                                               view.getMixedSizes(), view.getMixedStrides()));
                         })
                         .Case([&](memref::CollapseShapeOp view) {
                           auto groups = view.getReassociationIndices();
                           return memref::CollapseShapeOp::isGuaranteedCollapsible(type, groups) &&
                                  planView(view, view.getResult(),
                                           memref::CollapseShapeOp::computeCollapsedType(type, groups));
                         })
                         .Case([&](memref::ExpandShapeOp view) {
                           return planView(view, view.getResult(),
                                           memref::ExpandShapeOp::computeExpandedType(
                                               type, view.getResultType().getShape(), view.getReassociationIndices()));
                         })
                         .Default(takesStrides);
    if (!isPlanned)
      return false;
  }
  return true;
}

bool PaddedBuffer::isWorthwhile() {
  MemRefType type = alloc.getType();
  if (type.getRank() < 2 || !type.getElementType().isIntOrFloat() || !type.getLayout().isIdentity() ||
      type.isDynamicDim(type.getRank() - 1))
    return false;
  SmallVector<int64_t> shape(type.getShape());
  int64_t bytes = shape.back() * getElementBytes(type);
  bool isOfFewRows = type.hasStaticShape() && type.getNumElements() < setLines * shape.back();
  if (bytes == 0 || bytes % setPeriodBytes != 0 || isOfFewRows)
    return false;
  shape.back() += lineBytes / getElementBytes(type);
  longer = MemRefType::get(shape, type.getElementType(), AffineMap(), type.getMemorySpace());
  Builder builder(alloc.getContext());
  SmallVector<OpFoldResult> zeros(type.getRank(), builder.getIndexAttr(0)), ones(type.getRank(), builder.getIndexAttr(1));
  seen = memref::SubViewOp::inferResultType(longer, zeros, alloc.getMixedSizes(), ones);
  return planViews(alloc.getResult(), seen) && isReadByRows;
}

void PaddedBuffer::pad() {
  OpBuilder builder(alloc);
  auto place = memref::AllocOp::create(builder, alloc.getLoc(), longer, alloc.getDynamicSizes(), alloc.getAlignmentAttr());
  place->setDiscardableAttrs(alloc->getDiscardableAttrDictionary());
  int64_t rank = longer.getRank();
  SmallVector<OpFoldResult> zeros(rank, builder.getIndexAttr(0)), ones(rank, builder.getIndexAttr(1));
  Value view = memref::SubViewOp::create(builder, alloc.getLoc(), seen, place, zeros, alloc.getMixedSizes(), ones);
  for (auto [value, type] : views)
    value.setType(type);
  alloc.getResult().replaceAllUsesWith(view);
  alloc.erase();
}

/// Whether `op` gains more from rows of another distance than a copy of them costs.
static bool isWorthACopy(kernel::ContractOp op) {
  constexpr int64_t leastColumns = 256;
  auto type = cast<MemRefType>(op.getLhs().getType());
  int64_t rank = type.getRank(), columns = cast<MemRefType>(op.getInit().getType()).getDimSize(rank - 1);
  bool isShared = op->getParentOfType<scf::ParallelOp>(); // a copy for each thread would be needed
  return !isShared && type.hasStaticShape() && type.getDimSize(rank - 2) >= setLines && columns >= leastColumns &&
         readsByRows(op->getOpOperand(0));
}

/// Lets `op` read a copy with longer rows.
static void copyRows(kernel::ContractOp op) {
  OpBuilder builder(op);
  auto type = cast<MemRefType>(op.getLhs().getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() += lineBytes / getElementBytes(type);
  Value place = memref::AllocOp::create(builder, op.getLoc(), MemRefType::get(shape, type.getElementType()),
                                        builder.getI64IntegerAttr(lineBytes));
  SmallVector<OpFoldResult> zeros(type.getRank(), builder.getIndexAttr(0)), ones(type.getRank(), builder.getIndexAttr(1));
  Value rows = memref::SubViewOp::create(builder, op.getLoc(), place, zeros,
                                         getAsIndexOpFoldResult(builder.getContext(), type.getShape()), ones);
  memref::CopyOp::create(builder, op.getLoc(), op.getLhs(), rows);
  op.getLhsMutable().set(rows);
}

namespace {

struct PadRowsPass : public impl::PadRowsBase<PadRowsPass> {
  void runOnOperation() override {
    SmallVector<memref::AllocOp> allocs;
    getOperation()->walk([&](memref::AllocOp op) { allocs.push_back(op); });
    for (memref::AllocOp alloc : allocs)
      if (PaddedBuffer buffer(alloc); buffer.isWorthwhile())
        buffer.pad();
    getOperation()->walk([&](kernel::ContractOp op) {
      if (isWorthACopy(op))
        copyRows(op);
    });
  }
};

} // namespace
} // namespace nnc
