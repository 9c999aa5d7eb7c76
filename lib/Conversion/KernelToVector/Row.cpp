// Reductions and softmax along rows.
#include "lib/Conversion/KernelToVector/KernelToVector.h"
#include "lib/Conversion/KernelToVector/RowSpace.h"

#include "lib/Codegen/Epilogue.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;

namespace nnc {

//===--- Reductions ---===//

/// The largest or smallest value that a type holds.
static double getLimit(Type type, bool largest, bool isUnsigned) {
  if (isa<FloatType>(type))
    return largest ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
  unsigned bits = type.getIntOrFloatBitWidth();
  if (isUnsigned)
    return largest ? -1 : 0; // all ones
  return largest ? std::ldexp(1.0, bits - 1) - 1 : -std::ldexp(1.0, bits - 1);
}

static vector::CombiningKind getHorizontal(kernel::ReduceKind kind, bool isFloat, bool isUnsigned) {
  switch (kind) {
  case kernel::ReduceKind::Max:
    return isFloat ? vector::CombiningKind::MAXIMUMF
                   : isUnsigned ? vector::CombiningKind::MAXUI : vector::CombiningKind::MAXSI;
  case kernel::ReduceKind::Min:
    return isFloat ? vector::CombiningKind::MINIMUMF
                   : isUnsigned ? vector::CombiningKind::MINUI : vector::CombiningKind::MINSI;
  case kernel::ReduceKind::Prod:
    return vector::CombiningKind::MUL;
  default:
    return vector::CombiningKind::ADD;
  }
}

static RowReduction getReduction(kernel::ReduceOp op, Type type) {
  Location loc = op.getLoc();
  bool isFloat = isa<FloatType>(type), isUnsigned = op.getIsUnsigned();
  kernel::ReduceKind kind = op.getKind();
  RowReduction reduction;
  reduction.horizontal = getHorizontal(kind, isFloat, isUnsigned);
  reduction.identity = 0;
  reduction.combine = [loc](OpBuilder &b, Value x, Value y) { return createAdd(b, loc, x, y); };
  if (kind == kernel::ReduceKind::Max || kind == kernel::ReduceKind::Min) {
    bool isMax = kind == kernel::ReduceKind::Max;
    reduction.identity = getLimit(type, !isMax, isUnsigned);
    reduction.combine = [=](OpBuilder &b, Value x, Value y) {
      return isMax ? createMax(b, loc, x, y, isUnsigned) : createMin(b, loc, x, y, isUnsigned);
    };
  } else if (kind == kernel::ReduceKind::Prod) {
    reduction.identity = 1;
    reduction.combine = [loc](OpBuilder &b, Value x, Value y) { return createMul(b, loc, x, y); };
  } else if (kind == kernel::ReduceKind::SumSquare) {
    reduction.transform = [loc](OpBuilder &b, Value x) { return createMul(b, loc, x, x); };
  } else if (kind == kernel::ReduceKind::SumAbs) {
    reduction.transform = [loc, isFloat](OpBuilder &b, Value x) -> Value {
      if (isFloat)
        return math::AbsFOp::create(b, loc, x);
      return math::AbsIOp::create(b, loc, x);
    };
  }
  return reduction;
}

/// The row's length as an element.
static Value getLength(OpBuilder &builder, Location loc, const RowSpace &rows, int64_t width) {
  Type type = rows.getElementType();
  Value length;
  if (auto known = getStatic(rows.getRowLength())) {
    length = createConstant(builder, loc, type, static_cast<double>(*known));
  } else {
    Value integer = arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                               Index(builder, loc).get(rows.getRowLength()));
    length = convertElements(builder, loc, integer, type);
  }
  return broadcastTo(builder, loc, length, width);
}

/// The largest element, or 0 where it is not finite, so that subtracting it makes no NaN of infinities.
static Value getFiniteMax(OpBuilder &builder, Location loc, const RowSpace &rows) {
  Value max = rows.reduce(builder, rows.getMaxIgnoringNaN());
  Value infinity = createConstant(builder, loc, max.getType(), std::numeric_limits<double>::infinity());
  Value isFinite = arith::CmpFOp::create(builder, loc, arith::CmpFPredicate::OLT,
                                         math::AbsFOp::create(builder, loc, max), infinity);
  return arith::SelectOp::create(builder, loc, isFinite, max, createConstant(builder, loc, max.getType(), 0));
}

static RowReduction getSumOfExp(Location loc, const RowSpace &rows, Value max) {
  RowReduction reduction = rows.getSum();
  reduction.transform = [=](OpBuilder &b, Value x) -> Value {
    int64_t width = isa<VectorType>(x.getType()) ? cast<VectorType>(x.getType()).getDimSize(0) : 1;
    return math::ExpOp::create(b, loc, createSub(b, loc, x, broadcastTo(b, loc, max, width)));
  };
  return reduction;
}

void expandReduce(RewriterBase &rewriter, kernel::ReduceOp op) {
  Location loc = op.getLoc();
  RowSpace rows(rewriter, op, op.getInput(), op.getKind() == kernel::ReduceKind::LogSumExp ? 2 : 0);
  rows.forEachRow(rewriter, [&](OpBuilder &builder) {
    Value result;
    if (op.getKind() == kernel::ReduceKind::LogSumExp) {
      Value max = getFiniteMax(builder, loc, rows);
      Value sum = rows.reduce(builder, getSumOfExp(loc, rows, max));
      result = createAdd(builder, loc, math::LogOp::create(builder, loc, sum), max);
    } else {
      result = rows.reduce(builder, getReduction(op, rows.getElementType()));
    }
    if (op.getKind() == kernel::ReduceKind::Mean) {
      Value length = getLength(builder, loc, rows, rows.getRowWidth());
      result = arith::DivFOp::create(builder, loc, result, length);
    }
    storeThroughEpilogue(builder, cast<kernel::EpilogueOpInterface>(op.getOperation()), result, rows.getRowIndices(),
                         rows.getRowWidth(), rows.getAlongRows());
  });
}

//===--- Softmax ---===//

/// Exponentials are kept in the destination between the passes where it holds them exactly, else computed twice.
static void emitSoftmaxRow(OpBuilder &builder, kernel::SoftmaxOp op, const RowSpace &rows) {
  Location loc = op.getLoc();
  auto kernel = cast<kernel::EpilogueOpInterface>(op.getOperation());
  Value max = rows.reduce(builder, rows.getMaxIgnoringNaN());
  bool keeps = !op.getLog() && getElementTypeOrSelf(op.getInit().getType()) == rows.getElementType();
  if (keeps)
    rows.forEachElement(builder, op.getInput(), [&](OpBuilder &nested, Value x, ValueRange indices, int64_t width) {
      Value shifted = createSub(nested, loc, x, rows.widen(nested, max, width));
      storeWide(nested, loc, math::ExpOp::create(nested, loc, shifted), op.getInit(), indices, width, rows.getAlong());
    });
  Value sum;
  if (keeps) {
    sum = rows.withInput(op.getInit()).reduce(builder, rows.getSum());
  } else {
    sum = rows.reduce(builder, getSumOfExp(loc, rows, max));
  }
  if (op.getLog()) {
    // Not x - (max + log(sum)): of large x that sum would keep no digit of the logarithm.
    Value logarithm = math::LogOp::create(builder, loc, sum);
    return rows.forEachElement(builder, op.getInput(), [&](OpBuilder &nested, Value x, ValueRange at, int64_t width) {
      Value shifted = createSub(nested, loc, x, rows.widen(nested, max, width));
      storeThroughEpilogue(nested, kernel, createSub(nested, loc, shifted, rows.widen(nested, logarithm, width)), at,
                           width, rows.getAlong());
    });
  }
  Value one = createConstant(builder, loc, sum.getType(), 1);
  Value scale = arith::DivFOp::create(builder, loc, one, sum);
  Value source = keeps ? op.getInit() : op.getInput();
  rows.forEachElement(builder, source, [&](OpBuilder &nested, Value x, ValueRange at, int64_t width) {
    if (!keeps)
      x = math::ExpOp::create(nested, loc, createSub(nested, loc, x, rows.widen(nested, max, width)));
    storeThroughEpilogue(nested, kernel, createMul(nested, loc, x, rows.widen(nested, scale, width)), at, width,
                         rows.getAlong());
  });
}

void expandSoftmax(RewriterBase &rewriter, kernel::SoftmaxOp op) {
  RowSpace rows(rewriter, op, op.getInput(), op.getLog() ? 1 : 0);
  rows.forEachRow(rewriter, [&](OpBuilder &builder) { emitSoftmaxRow(builder, op, rows); });
}

} // namespace nnc
