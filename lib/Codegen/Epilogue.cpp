// Applies epilogues.
#include "lib/Codegen/Epilogue.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// The elements of an epilogue input that belong to `width` results from `indices` on along dimension `along`.
static Value loadInput(OpBuilder &builder, Location loc, Value input, AffineMap map, ValueRange indices, int64_t width,
                       int64_t along) {
  SmallVector<Value> at;
  int64_t inputAlong = -1;
  Index index(builder, loc);
  for (auto [position, result] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim) {
      at.push_back(index.constant(cast<AffineConstantExpr>(result).getValue()));
      continue;
    }
    if (static_cast<int64_t>(dim.getPosition()) == along)
      inputAlong = position;
    at.push_back(indices[dim.getPosition()]);
  }
  if (inputAlong < 0)
    return loadWide(builder, loc, input, at, 1);
  return loadWide(builder, loc, input, at, width, inputAlong);
}

void storeThroughEpilogue(OpBuilder &builder, kernel::EpilogueOpInterface kernel, Value value, ValueRange indices,
                          int64_t width, int64_t along) {
  Location loc = kernel->getLoc();
  if (along < 0)
    along = static_cast<int64_t>(indices.size()) - 1;
  Block &body = kernel.getEpilogue().front();
  IRMapping mapping;
  mapping.map(body.getArgument(0), convertElements(builder, loc, value, body.getArgument(0).getType()));
  for (auto [argument, input, map] :
       llvm::zip(body.getArguments().drop_front(), kernel.getEpilogueInputs(), kernel.getEpilogueMaps()))
    mapping.map(argument,
                loadInput(builder, loc, input, cast<AffineMapAttr>(map).getValue(), indices, width, along));
  widenBody(builder, body, mapping, width);
  Value stored = mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  Value init = cast<DestinationStyleOpInterface>(kernel.getOperation()).getDpsInits().front();
  storeWide(builder, loc, broadcastTo(builder, loc, stored, width), init, indices, width, along);
}

void storePartially(OpBuilder &builder, kernel::EpilogueOpInterface kernel, Value value, ValueRange indices,
                    int64_t count) {
  Location loc = kernel->getLoc();
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type || type.getDimSize(0) == count)
    return storeThroughEpilogue(builder, kernel, value, indices, type ? count : 1);
  Index index(builder, loc);
  int64_t offset = 0;
  for (int64_t piece : splitIntoPowersOfTwo(count, type.getDimSize(0))) {
    Value part;
    if (piece == 1)
      part = vector::ExtractOp::create(builder, loc, value, offset);
    else
      part = vector::ExtractStridedSliceOp::create(builder, loc, value, {offset}, {piece}, {1});
    SmallVector<Value> at(indices);
    at.back() = index.get(index.add(at.back(), index.fold(offset)));
    storeThroughEpilogue(builder, kernel, part, at, piece);
    offset += piece;
  }
}

} // namespace nnc
