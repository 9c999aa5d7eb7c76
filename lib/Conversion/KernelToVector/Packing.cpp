// Packing of right-hand sides and filters into panels.
#include "lib/Conversion/KernelToVector/Batches.h"
#include "lib/Conversion/KernelToVector/KernelToVector.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Transpose.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// Fills columns [from, panel width) of the panel row at `indices` with zeros.
static void fillRest(OpBuilder &builder, Location loc, Value init, ValueRange indices, OpFoldResult from,
                     int64_t panelWidth) {
  Type element = cast<MemRefType>(init.getType()).getElementType();
  Index index(builder, loc);
  Value zero = createConstant(builder, loc, element, 0);
  forEach(builder, loc, from, index.fold(panelWidth), 1, [&](OpBuilder &nested, Value column) {
    SmallVector<Value> at(indices);
    at.push_back(column);
    memref::StoreOp::create(nested, loc, zero, init, at);
  });
}

namespace {

/// Emits loops over batches, panels and K of a matrix.
class MatrixPacking {
public:
  MatrixPacking(OpBuilder &builder, kernel::PackMatrixOp op)
      : op(op), loc(op.getLoc()), source(op.getSource()), init(op.getInit()),
        rank(cast<MemRefType>(source.getType()).getRank()),
        panelWidth(cast<MemRefType>(init.getType()).getShape().back()),
        lanes(std::min(panelWidth, kernel::getTarget(op).getLanes(getElementTypeOrSelf(init.getType())))),
        k(getBufferExtent(builder, loc, source, op.getTransposed() ? rank - 1 : rank - 2)),
        n(getBufferExtent(builder, loc, source, op.getTransposed() ? rank - 2 : rank - 1)) {}

  void expand(OpBuilder &builder);

private:
  void packPanel(OpBuilder &builder, ValueRange batch, Value panel, OpFoldResult columns);
  void packRow(OpBuilder &builder, ValueRange batch, Value panel, Value row, OpFoldResult columns);
  void packTransposed(OpBuilder &builder, ValueRange batch, Value panel, OpFoldResult columns);
  void transposeRows(OpBuilder &builder, ValueRange batch, Value panel, Value row, int64_t size, int64_t columns);
  void copyElement(OpBuilder &builder, ValueRange batch, Value panel, Value row, Value column);
  void transposeBlock(OpBuilder &builder, ValueRange batch, Value panel, Value row, int64_t column, int64_t size);

  kernel::PackMatrixOp op;
  Location loc;
  Value source, init;
  int64_t rank, panelWidth, lanes;
  OpFoldResult k, n;
};

} // namespace

void MatrixPacking::expand(OpBuilder &builder) {
  Index index(builder, loc);
  OpFoldResult batches = getBatchCount(builder, loc, source);
  OpFoldResult fullPanels = index.div(n, panelWidth);
  OpFoldResult rest = index.sub(n, index.mul(fullPanels, index.fold(panelWidth)));
  parallelForEach(builder, loc, index.mul(batches, fullPanels), [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    SmallVector<Value> batch = getBatch(nested, loc, source, inner.quotient(linear, fullPanels));
    packPanel(nested, batch, inner.get(inner.rem(linear, fullPanels)), inner.fold(panelWidth));
  });
  if (getStatic(rest) == 0)
    return;
  OpFoldResult any = index.min(rest, index.fold(1));
  forEach(builder, loc, index.fold(0), index.mul(batches, any), 1, [&](OpBuilder &nested, Value linear) {
    packPanel(nested, getBatch(nested, loc, source, linear), Index(nested, loc).get(fullPanels), rest);
  });
}

void MatrixPacking::packPanel(OpBuilder &builder, ValueRange batch, Value panel, OpFoldResult columns) {
  if (op.getTransposed())
    return packTransposed(builder, batch, panel, columns);
  Index index(builder, loc);
  forEach(builder, loc, index.fold(0), k, 1,
          [&](OpBuilder &nested, Value row) { packRow(nested, batch, panel, row, columns); });
}

/// Copies one row of a panel; the source's columns are contiguous.
void MatrixPacking::packRow(OpBuilder &builder, ValueRange batch, Value panel, Value row, OpFoldResult columns) {
  Index index(builder, loc);
  SmallVector<Value> target(batch);
  target.append({panel, row});
  forEachVector(builder, loc, columns, lanes, [&](OpBuilder &nested, Value column, int64_t width) {
    Index inner(nested, loc);
    SmallVector<Value> from(batch), to(target);
    from.append({row, inner.get(inner.add(inner.mul(panel, inner.fold(panelWidth)), column))});
    to.push_back(column);
    storeWide(nested, loc, loadWide(nested, loc, source, from, width), init, to, width);
  });
  fillRest(builder, loc, init, target, columns, panelWidth);
}

/// Transposes square blocks in registers; the source's rows are contiguous.
void MatrixPacking::transposeBlock(OpBuilder &builder, ValueRange batch, Value panel, Value row, int64_t column,
                                   int64_t size) {
  Index index(builder, loc);
  if (size == 1)
    return copyElement(builder, batch, panel, row, index.constant(column));
  SmallVector<Value> block;
  for (int64_t i = 0; i < size; ++i) {
    SmallVector<Value> from(batch);
    from.push_back(index.get(index.add(index.mul(panel, index.fold(panelWidth)), index.fold(column + i))));
    from.push_back(row);
    block.push_back(loadWide(builder, loc, source, from, size));
  }
  for (auto [i, transposed] : llvm::enumerate(transposeSquare(builder, loc, block))) {
    SmallVector<Value> to(batch);
    to.append({panel, index.get(index.add(row, index.fold(i))), index.constant(column)});
    storeWide(builder, loc, transposed, init, to, size);
  }
}

/// Whole blocks of the largest size that fits first, then smaller ones; single elements only where a number of rows or of
/// columns is known at run time.
void MatrixPacking::packTransposed(OpBuilder &builder, ValueRange batch, Value panel, OpFoldResult columns) {
  Index index(builder, loc);
  OpFoldResult first = index.fold(0);
  if (auto count = getStatic(columns)) {
    OpFoldResult blocked = index.mul(index.div(k, lanes), index.fold(lanes));
    forEach(builder, loc, first, blocked, lanes,
            [&](OpBuilder &nested, Value row) { transposeRows(nested, batch, panel, row, lanes, *count); });
    first = blocked;
    if (auto rows = getStatic(k)) {
      int64_t at = *getStatic(blocked);
      for (int64_t size : splitIntoPowersOfTwo(*rows - at, lanes)) {
        transposeRows(builder, batch, panel, index.constant(at), size, *count);
        at += size;
      }
      return;
    }
  }
  forEach(builder, loc, first, k, 1, [&](OpBuilder &nested, Value row) {
    SmallVector<Value> target(batch);
    target.append({panel, row});
    forEach(nested, loc, index.fold(0), columns, 1, [&](OpBuilder &innermost, Value column) {
      copyElement(innermost, batch, panel, row, column);
    });
    fillRest(nested, loc, init, target, columns, panelWidth);
  });
}

/// `size` rows of a panel, of which `columns` columns exist, in squares.
void MatrixPacking::transposeRows(OpBuilder &builder, ValueRange batch, Value panel, Value row, int64_t size,
                                  int64_t columns) {
  Index index(builder, loc);
  int64_t column = 0;
  for (int64_t square : splitIntoPowersOfTwo(columns, size)) {
    for (int64_t i = 0; i < size; i += square)
      transposeBlock(builder, batch, panel, index.get(index.add(row, index.fold(i))), column, square);
    column += square;
  }
  for (int64_t i = 0; i < size; ++i) {
    SmallVector<Value> target(batch);
    target.append({panel, index.get(index.add(row, index.fold(i)))});
    fillRest(builder, loc, init, target, index.fold(columns), panelWidth);
  }
}

void MatrixPacking::copyElement(OpBuilder &builder, ValueRange batch, Value panel, Value row, Value column) {
  Index index(builder, loc);
  SmallVector<Value> from(batch), to(batch);
  from.append({index.get(index.add(index.mul(panel, index.fold(panelWidth)), column)), row});
  to.append({panel, row, column});
  memref::StoreOp::create(builder, loc, memref::LoadOp::create(builder, loc, source, from), init, to);
}

void expandPackMatrix(RewriterBase &rewriter, kernel::PackMatrixOp op) { MatrixPacking(rewriter, op).expand(rewriter); }

/// Filters are constants as a rule, packed while compiling: plain loops do.
void expandPackFilter(RewriterBase &rewriter, kernel::PackFilterOp op) {
  Location loc = op.getLoc();
  Value source = op.getSource(), init = op.getInit();
  auto type = cast<MemRefType>(init.getType());
  int64_t rank = type.getRank(), panelWidth = type.getShape().back();
  Index index(rewriter, loc);
  OpFoldResult outputs = getBufferExtent(rewriter, loc, source, op.getTransposed() ? 1 : 0);
  if (!op.getTransposed())
    outputs = index.div(outputs, op.getGroups());
  OpFoldResult total = index.fold(1);
  for (int64_t dim = 0; dim < rank - 1; ++dim)
    total = index.mul(total, getBufferExtent(rewriter, loc, init, dim));
  parallelForEach(rewriter, loc, total, [&](OpBuilder &nested, Value linear) {
    Index inner(nested, loc);
    SmallVector<Value> at(rank - 1); // group, panel, window..., input channel
    OpFoldResult rest = linear;
    for (int64_t dim = rank - 2; dim >= 0; --dim) {
      OpFoldResult extent = getBufferExtent(nested, loc, init, dim);
      at[dim] = inner.get(inner.rem(rest, extent));
      rest = inner.quotient(rest, extent);
    }
    OpFoldResult firstOutput = inner.mul(at[1], inner.fold(panelWidth));
    OpFoldResult count = inner.min(inner.fold(panelWidth), inner.sub(outputs, firstOutput));
    OpFoldResult inputs = getBufferExtent(nested, loc, init, rank - 2);
    forEach(nested, loc, inner.fold(0), count, 1, [&](OpBuilder &innermost, Value column) {
      Index deep(innermost, loc);
      OpFoldResult output = deep.add(firstOutput, column), input = at[rank - 2];
      SmallVector<Value> from;
      if (op.getTransposed())
        from = {deep.get(deep.add(deep.mul(at[0], inputs), input)), deep.get(output)};
      else
        from = {deep.get(deep.add(deep.mul(at[0], outputs), output)), deep.get(input)};
      llvm::append_range(from, ArrayRef(at).drop_front(2).drop_back());
      SmallVector<Value> to(at);
      to.push_back(column);
      Value element = memref::LoadOp::create(innermost, loc, source, from);
      memref::StoreOp::create(innermost, loc, element, init, to);
    });
    fillRest(nested, loc, init, at, count, panelWidth);
  });
}

} // namespace nnc
