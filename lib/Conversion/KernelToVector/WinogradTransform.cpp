// Winograd's matrices.
//
// Points come in pairs p, -p. Two rows of B^T that belong to a pair agree but for
// the sign of every other factor; so do two columns of A^T. Each such pair is
// computed as sum and difference of two shorter sums.
#include "lib/Conversion/KernelToVector/WinogradTransform.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

#include <cmath>

using namespace mlir;

namespace nnc {

static constexpr double points[] = {0, 1, -1, 2, -2};

TransformMatrix getInputTransform(int64_t tile, int64_t window) {
  switch (tile + window - 1) {
  case 1:
    return {{1}};
  case 4:
    return {{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, 1, 0, -1}};
  default:
    return {{4, 0, -5, 0, 1, 0},  {0, -4, -4, 1, 1, 0}, {0, 4, -4, -1, 1, 0},
            {0, -2, -1, 2, 1, 0}, {0, 2, -1, -2, 1, 0}, {0, 4, 0, -5, 0, 1}};
  }
}

/// What a row of G is scaled by, so that the input's transform has small integers.
static ArrayRef<double> getScales(int64_t size) {
  static constexpr double one[] = {1}, four[] = {1, 0.5, 0.5, 1},
                          six[] = {1.0 / 4, -1.0 / 6, -1.0 / 6, 1.0 / 24, 1.0 / 24, 1};
  return size == 1 ? ArrayRef<double>(one) : size == 4 ? ArrayRef<double>(four) : ArrayRef<double>(six);
}

/// Row `point` of `size` has the powers of a point from 0 on, the last one, of infinity, the highest alone.
static TransformMatrix getPowers(int64_t size, int64_t count) {
  TransformMatrix matrix;
  for (int64_t point = 0; point < size; ++point) {
    auto &row = matrix.emplace_back(count, 0);
    if (point == size - 1)
      row.back() = 1;
    else
      for (auto [power, entry] : llvm::enumerate(row))
        entry = std::pow(points[point], static_cast<double>(power));
  }
  return matrix;
}

TransformMatrix getFilterTransform(int64_t tile, int64_t window) {
  int64_t size = tile + window - 1;
  TransformMatrix matrix = getPowers(size, window);
  for (auto [row, scale] : llvm::zip(matrix, getScales(size)))
    for (double &entry : row)
      entry *= scale;
  return matrix;
}

static TransformMatrix transpose(const TransformMatrix &matrix) {
  TransformMatrix result(matrix.front().size());
  for (const auto &row : matrix)
    for (auto [column, factor] : llvm::enumerate(row))
      result[column].push_back(factor);
  return result;
}

TransformMatrix getOutputTransform(int64_t tile, int64_t window) {
  TransformMatrix matrix = transpose(getPowers(tile + window - 1, tile));
  // The transform of four points gives the highest one with the other sign.
  if (tile + window - 1 == 4)
    matrix.back().back() = -1;
  return matrix;
}

/// Whether the lists agree but for the sign of some factors, and not in all of them.
static bool isPair(ArrayRef<double> lhs, ArrayRef<double> rhs) {
  bool equal = false, opposite = false;
  for (auto [a, b] : llvm::zip(lhs, rhs)) {
    if (a != b && a != -b)
      return false;
    equal |= a != 0 && a == b;
    opposite |= a != 0 && a == -b;
  }
  return equal && opposite;
}

/// sum of factors[i] * values[i]; null where all factors are 0. The first term is one whose factor is 1, if there is
/// one.
Value TransformEmitter::sum(ArrayRef<double> factors, ArrayRef<Value> values) {
  SmallVector<size_t> order;
  for (size_t i = 0; i < factors.size(); ++i)
    if (factors[i] != 0)
      order.push_back(i);
  llvm::stable_sort(order, [&](size_t a, size_t b) { return (factors[a] == 1) > (factors[b] == 1); });
  Value total;
  for (size_t i : order) {
    Value constant = createConstant(builder, loc, values[i].getType(), factors[i]);
    if (!total)
      total = factors[i] == 1 ? values[i] : createMul(builder, loc, values[i], constant);
    else if (factors[i] == 1)
      total = createAdd(builder, loc, total, values[i]);
    else if (factors[i] == -1)
      total = createSub(builder, loc, total, values[i]);
    else
      total = multiplyAdd(builder, loc, values[i], constant, total, fma);
  }
  return total;
}

SmallVector<Value> TransformEmitter::multiply(const TransformMatrix &matrix, ArrayRef<Value> values) {
  // Pairs of columns become the sum and the difference of their values.
  SmallVector<Value> terms(values);
  TransformMatrix columns = transpose(matrix);
  for (size_t i = 0; i + 1 < columns.size(); ++i) {
    if (matrix.size() == matrix.front().size() || !isPair(columns[i], columns[i + 1]))
      continue;
    terms[i] = createAdd(builder, loc, values[i], values[i + 1]);
    terms[i + 1] = createSub(builder, loc, values[i], values[i + 1]);
    for (size_t row = 0; row < columns[i].size(); ++row) {
      double factor = columns[i][row];
      bool equal = factor == columns[i + 1][row];
      columns[i][row] = equal ? factor : 0;
      columns[i + 1][row] = equal ? 0 : factor;
    }
    ++i;
  }
  TransformMatrix rows = transpose(columns);
  SmallVector<Value> result;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (row + 1 == rows.size() || !isPair(rows[row], rows[row + 1])) {
      result.push_back(sum(rows[row], terms));
      continue;
    }
    // A pair of rows: what both share, and what differs in sign.
    SmallVector<double> shared(rows[row]), differing(rows[row]);
    for (size_t i = 0; i < shared.size(); ++i)
      (rows[row][i] == rows[row + 1][i] ? differing : shared)[i] = 0;
    Value even = sum(shared, terms), odd = sum(differing, terms);
    result.push_back(createAdd(builder, loc, even, odd));
    result.push_back(createSub(builder, loc, even, odd));
    ++row;
  }
  return result;
}

SmallVector<Value> TransformEmitter::multiplyBothSides(const TransformMatrix &left, const TransformMatrix &right,
                                                       ArrayRef<Value> values) {
  size_t rows = left.front().size(), columns = right.front().size();
  SmallVector<SmallVector<Value>> products;
  for (size_t column = 0; column < columns; ++column) {
    SmallVector<Value> entries;
    for (size_t row = 0; row < rows; ++row)
      entries.push_back(values[row * columns + column]);
    products.push_back(multiply(left, entries));
  }
  SmallVector<Value> result;
  for (size_t row = 0; row < left.size(); ++row) {
    SmallVector<Value> entries;
    for (size_t column = 0; column < columns; ++column)
      entries.push_back(products[column][row]);
    result.append(multiply(right, entries));
  }
  return result;
}

} // namespace nnc
