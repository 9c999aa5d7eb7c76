// The scalar body of a linalg.generic, several elements at once.
//
// Values that are the same in all lanes stay scalars. A load at an index that
// the body computes is one vector load where its last index counts with the
// lanes, one scalar where it does not depend on them, and else a gather.
#include "lib/Conversion/LinalgToVector/GenericExpansion.h"

#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

bool isVectorizable(linalg::GenericOp op) {
  return llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
    return isa<linalg::IndexOp, memref::LoadOp>(inner) ||
           (isa<arith::ArithDialect, math::MathDialect>(inner.getDialect()) && inner.getNumResults() == 1);
  });
}

namespace {

class BodyWidening {
public:
  BodyWidening(OpBuilder &builder, linalg::GenericOp op, IRMapping mapping, ValueRange loops, int64_t along,
               int64_t width)
      : builder(builder), op(op), mapping(std::move(mapping)), loops(loops), along(along), width(width) {}

  SmallVector<Value> run();

private:
  bool isWide(Value value) const { return isa<VectorType>(value.getType()); }
  Value widenIndex(linalg::IndexOp index);
  Value widenLoad(memref::LoadOp load);
  Value widenScalarOp(Operation &inner);

  OpBuilder &builder;
  linalg::GenericOp op;
  IRMapping mapping;
  ValueRange loops;
  int64_t along, width;
  DenseMap<Value, Value> countsFrom; // a vector of consecutive indices -> its first one
};

} // namespace

Value BodyWidening::widenIndex(linalg::IndexOp index) {
  auto dim = static_cast<int64_t>(index.getDim());
  if (dim != along || width == 1)
    return loops[dim];
  Location loc = op.getLoc();
  auto type = VectorType::get({width}, builder.getIndexType());
  SmallVector<int64_t> lanes = llvm::to_vector(llvm::seq<int64_t>(0, width));
  Value steps = arith::ConstantOp::create(builder, loc, DenseIntElementsAttr::get(type, lanes));
  Value first = broadcastTo(builder, loc, loops[dim], width);
  Value wide = arith::AddIOp::create(builder, loc, first, steps);
  countsFrom[wide] = loops[dim];
  return wide;
}

Value BodyWidening::widenLoad(memref::LoadOp load) {
  Location loc = op.getLoc();
  Value source = mapping.lookupOrDefault(load.getMemref());
  SmallVector<Value> indices;
  for (Value index : load.getIndices())
    indices.push_back(mapping.lookupOrDefault(index));
  if (llvm::none_of(indices, [&](Value index) { return isWide(index); }))
    return memref::LoadOp::create(builder, loc, source, indices);
  bool isLastOnly = llvm::none_of(ArrayRef(indices).drop_back(), [&](Value index) { return isWide(index); });
  if (Value first = countsFrom.lookup(indices.back()); first && isLastOnly) {
    indices.back() = first;
    return loadWide(builder, loc, source, indices, width);
  }
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < width; ++lane) {
    SmallVector<Value> at;
    for (Value index : indices)
      at.push_back(isWide(index) ? vector::ExtractOp::create(builder, loc, index, lane).getResult() : index);
    elements.push_back(memref::LoadOp::create(builder, loc, source, at));
  }
  return vector::FromElementsOp::create(builder, loc, VectorType::get({width}, load.getType()), elements);
}

Value BodyWidening::widenScalarOp(Operation &inner) {
  IRMapping operands;
  bool anyWide = llvm::any_of(inner.getOperands(),
                              [&](Value operand) { return isWide(mapping.lookupOrDefault(operand)); });
  for (Value operand : inner.getOperands()) {
    Value mapped = mapping.lookupOrDefault(operand);
    operands.map(operand, anyWide ? broadcastTo(builder, inner.getLoc(), mapped, width) : mapped);
  }
  Operation *copy = builder.clone(inner, operands);
  if (anyWide)
    copy->getResult(0).setType(getWideType(inner.getResult(0).getType(), width));
  return copy->getResult(0);
}

SmallVector<Value> BodyWidening::run() {
  for (Operation &inner : op.getBody()->without_terminator()) {
    Value result;
    if (auto index = dyn_cast<linalg::IndexOp>(inner))
      result = widenIndex(index);
    else if (auto load = dyn_cast<memref::LoadOp>(inner))
      result = widenLoad(load);
    else if (width > 1)
      result = widenScalarOp(inner);
    else { // scalar code may be anything
      Operation *copy = builder.clone(inner, mapping);
      mapping.map(inner.getResults(), copy->getResults());
      continue;
    }
    mapping.map(inner.getResult(0), result);
  }
  SmallVector<Value> yielded;
  for (Value value : op.getBody()->getTerminator()->getOperands())
    yielded.push_back(mapping.lookupOrDefault(value));
  return yielded;
}

SmallVector<Value> widenGenericBody(OpBuilder &builder, linalg::GenericOp op, IRMapping mapping, ValueRange loops,
                                    int64_t along, int64_t width) {
  return BodyWidening(builder, op, std::move(mapping), loops, along, width).run();
}

} // namespace nnc
