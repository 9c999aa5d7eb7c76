// TFLite operators of complex numbers. These have no type in NN: the real and the imaginary part of each is a last axis of
// two, which only the operators here may see.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/TFLite/ModelReader.h"
#include "lib/Frontend/TFLite/QuantizedOps.h"

#include "mlir/IR/TypeUtilities.h"

#include <algorithm>
#include <cmath>

using namespace mlir;

namespace nnc::tflite {

using frontend::Expression;

/// The longest axis that is transformed: the matrix of its circle is a constant of the model.
static constexpr int64_t maxLength = 1 << 12;

namespace {

/// cos and sin of 2 pi i k / length for i below `rows` and k below `columns`.
struct Circle {
  Expression cosines, sines;

  Circle(OpBinder &op, int64_t rows, int64_t columns, int64_t length) {
    std::vector<float> real, imaginary;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t k = 0; k < columns; ++k) {
        double angle = 2 * 3.14159265358979323846 * static_cast<double>(i * k % length) / static_cast<double>(length);
        real.push_back(static_cast<float>(std::cos(angle)));
        imaginary.push_back(static_cast<float>(std::sin(angle)));
      }
    cosines = {op, op.floats({rows, columns}, std::move(real))};
    sines = {op, op.floats({rows, columns}, std::move(imaginary))};
  }
};

} // namespace

/// The Fourier transform of real images (..., height, width), cut or filled with zeros to lengths that operand 1 has: half
/// of the columns, of which the others are the conjugates. A product with a matrix for each axis, as nnc has them all.
static LogicalResult importRfft2d(OpBinder &op) {
  Expression x(op, op.operand(0));
  SmallVector<int64_t> lengths = op.constantInts(1);
  if (op.failed())
    return failure();
  auto isReasonable = [](int64_t length) { return length >= 1 && length <= maxLength; };
  int64_t rank = x.getRank();
  if (!x.getElementType().isF32() || rank < 2 || lengths.size() != 2 || !llvm::all_of(lengths, isReasonable))
    return op.reject("it is supported for f32, and for lengths that are known at compile time and at most 4096");
  int64_t height = x.getExtent(rank - 2), width = x.getExtent(rank - 1);
  if (height < 1 || width < 1)
    return op.reject("the extents that it transforms must be known at compile time and positive");
  int64_t rows = std::min(height, lengths[0]), columns = std::min(width, lengths[1]);
  x = x.slice(rank - 2, 0, rows).slice(rank - 1, 0, columns);
  Circle across(op, columns, lengths[1] / 2 + 1, lengths[1]);
  Expression real = x.matmul(across.cosines), imaginary = x.matmul(across.sines) * -1;
  if (lengths[0] > 1) {
    // (cos - i sin) (real + i imaginary)
    Circle down(op, lengths[0], rows, lengths[0]);
    Expression first = real, second = imaginary;
    real = down.cosines.matmul(first) + down.sines.matmul(second);
    imaginary = down.cosines.matmul(second) - down.sines.matmul(first);
  }
  return op.result(Expression::concat(op, {real.unsqueeze({rank}), imaginary.unsqueeze({rank})}, rank));
}

/// Operand 0; rejects the operator where the file calls something complex that no operator has made.
static Expression bindComplex(OpBinder &op) {
  Expression x(op, op.operand(0));
  if (!op.failed() && (x.getRank() < 1 || x.getExtent(x.getRank() - 1) != 2 || !x.getElementType().isF32()))
    (void)op.reject("its operand is no complex number");
  return x;
}

/// The parts of operand 0.
static std::pair<Expression, Expression> bindParts(OpBinder &op) {
  Expression x = bindComplex(op);
  if (op.failed())
    return {};
  int64_t last = x.getRank() - 1;
  auto part = [&](int64_t index) { return x.slice(last, index, index + 1).squeeze({last}); };
  return {part(0), part(1)};
}

static LogicalResult importReal(OpBinder &op) { return op.result(bindParts(op).first); }
static LogicalResult importImaginary(OpBinder &op) { return op.result(bindParts(op).second); }

/// The length of a number, without squares that overflow where it is large.
static LogicalResult importMagnitude(OpBinder &op) {
  auto [real, imaginary] = bindParts(op);
  if (op.failed())
    return failure();
  real = real.unary<nn::AbsOp>();
  imaginary = imaginary.unary<nn::AbsOp>();
  Expression large = real.max(imaginary), small = real.min(imaginary);
  Expression ratio = small / large.equals(0.0).choose(large.like(1), large);
  return op.result(large * (ratio * ratio + 1).unary<nn::SqrtOp>());
}

static LogicalResult importReshape(OpBinder &op) {
  Expression x = bindComplex(op);
  ArrayRef<int32_t> option = getElements(op.options<format::ReshapeOptions>().new_shape());
  Expression shape(op, op.optionalOperand(1) ? op.indexList(1) : op.ints(SmallVector<int64_t>(option.begin(), option.end())));
  if (op.failed())
    return failure();
  return op.result(x.reshape(Expression::concat(op, {shape, Expression::ints(op, {2})}, 0)));
}

static LogicalResult importSqueeze(OpBinder &op) {
  Expression x = bindComplex(op);
  SmallVector<int64_t> axes;
  if (op.failed())
    return failure();
  int64_t rank = x.getRank() - 1;
  for (int64_t axis : getElements(op.options<format::SqueezeOptions>().squeeze_dims()))
    axes.push_back(op.normalizeAxis(axis, rank));
  for (int64_t axis = 0; axis < rank && getElements(op.options<format::SqueezeOptions>().squeeze_dims()).empty(); ++axis)
    if (x.getExtent(axis) == 1)
      axes.push_back(axis);
  llvm::sort(axes);
  axes.erase(llvm::unique(axes), axes.end());
  return op.result(op.create<nn::SqueezeOp>(x, axes));
}

static LogicalResult refuseReal(OpBinder &op) { return op.reject("its operand is no complex number"); }

using Op = format::BuiltinOperator;

static const OpEntry table[] = {
    {Op::COMPLEX_ABS, refuseReal},
    {Op::IMAG, refuseReal},
    {Op::REAL, refuseReal},
    {Op::RFFT2D, importRfft2d},
};

/// Operators whose operand 0 is complex.
static const OpEntry complexTable[] = {
    {Op::COMPLEX_ABS, importMagnitude}, {Op::IMAG, importImaginary}, {Op::REAL, importReal},
    {Op::RESHAPE, importReshape},       {Op::SQUEEZE, importSqueeze},
};

ArrayRef<OpEntry> getComplexOps() { return table; }

ImportFunction findComplexOp(format::BuiltinOperator op) {
  const auto *entry = llvm::find_if(complexTable, [op](const OpEntry &entry) { return entry.op == op; });
  return entry == std::end(complexTable) ? nullptr : entry->import;
}

} // namespace nnc::tflite
