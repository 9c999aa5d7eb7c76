// Applies epilogues.
#include "lib/Codegen/Epilogue.h"

#include "lib/Codegen/Loops.h"
#include "lib/Codegen/Widening.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace nnc {

/// The elements of an epilogue input that belong to `width` results from `indices` on.
static Value loadInput(OpBuilder &builder, Location loc, Value input, AffineMap map, ValueRange indices,
                       int64_t width) {
  SmallVector<Value> at;
  int64_t last = static_cast<int64_t>(indices.size()) - 1, lastPosition = -1;
  Index index(builder, loc);
  for (auto [position, result] : llvm::enumerate(map.getResults())) {
    auto dim = dyn_cast<AffineDimExpr>(result);
    if (!dim) {
      at.push_back(index.constant(cast<AffineConstantExpr>(result).getValue()));
      continue;
    }
    if (static_cast<int64_t>(dim.getPosition()) == last)
      lastPosition = position;
    at.push_back(indices[dim.getPosition()]);
  }
  if (lastPosition < 0 || width == 1)
    return loadWide(builder, loc, input, at, 1);
  if (lastPosition == static_cast<int64_t>(map.getNumResults()) - 1)
    return loadWide(builder, loc, input, at, width);
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < width; ++lane) {
    SmallVector<Value> element(at);
    element[lastPosition] = index.get(index.add(at[lastPosition], index.fold(lane)));
    elements.push_back(loadWide(builder, loc, input, element, 1));
  }
  auto type = VectorType::get({width}, getElementTypeOrSelf(input.getType()));
  return vector::FromElementsOp::create(builder, loc, type, elements);
}

void storeThroughEpilogue(OpBuilder &builder, kernel::EpilogueOpInterface kernel, Value value, ValueRange indices,
                          int64_t width) {
  Location loc = kernel->getLoc();
  Block &body = kernel.getEpilogue().front();
  IRMapping mapping;
  mapping.map(body.getArgument(0), convertElements(builder, loc, value, body.getArgument(0).getType()));
  for (auto [argument, input, map] :
       llvm::zip(body.getArguments().drop_front(), kernel.getEpilogueInputs(), kernel.getEpilogueMaps()))
    mapping.map(argument, loadInput(builder, loc, input, cast<AffineMapAttr>(map).getValue(), indices, width));
  widenBody(builder, body, mapping, width);
  Value stored = mapping.lookupOrDefault(body.getTerminator()->getOperand(0));
  Value init = cast<DestinationStyleOpInterface>(kernel.getOperation()).getDpsInits().front();
  storeWide(builder, loc, broadcastTo(builder, loc, stored, width), init, indices, width);
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
