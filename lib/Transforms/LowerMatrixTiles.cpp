// Operations on tile registers become calls of LLVM's intrinsics for AMX, which name the registers.
//
// Expects memrefs in their last places, before their descriptors are taken apart. Creates no memory but 64 bytes on the
// stack for each configuration.
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_LOWERMATRIXTILES
#include "lib/Transforms/Passes.h.inc"

static constexpr int64_t tileRowBytes = 64, configurationBytes = 64;

static Value createWord(OpBuilder &builder, Location loc, int64_t value) {
  return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), builder.getI64IntegerAttr(value));
}

static Value createRegister(OpBuilder &builder, Location loc, uint64_t number) {
  return LLVM::ConstantOp::create(builder, loc, builder.getI8Type(), builder.getI8IntegerAttr(static_cast<int8_t>(number)));
}

static void call(OpBuilder &builder, Location loc, StringRef intrinsic, ValueRange operands) {
  LLVM::CallIntrinsicOp::create(builder, loc, builder.getStringAttr(intrinsic), operands);
}

/// `value`, of type index, as a word of the target.
static Value toWord(OpBuilder &builder, Location loc, Value value) {
  return arith::IndexCastOp::create(builder, loc, builder.getI64Type(), value);
}

static Value toPointer(OpBuilder &builder, Location loc, Value address) {
  return LLVM::IntToPtrOp::create(builder, loc, LLVM::LLVMPointerType::get(builder.getContext()), toWord(builder, loc, address));
}

/// The address of the element at `indices`, and the bytes between neighbours along dimension `along`.
static std::pair<Value, Value> locate(OpBuilder &builder, Location loc, Value memref, ValueRange indices, int64_t along) {
  auto type = cast<MemRefType>(memref.getType());
  auto parts = memref::ExtractStridedMetadataOp::create(builder, loc, memref);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
  Value bytes = arith::ConstantIndexOp::create(builder, loc, llvm::divideCeil(type.getElementTypeBitWidth(), 8));
  SmallVector<int64_t> strides;
  int64_t offset;
  std::tie(strides, offset) = type.getStridesAndOffset();
  auto getStride = [&](int64_t dim) -> Value {
    if (ShapedType::isDynamic(strides[dim]))
      return parts.getStrides()[dim];
    return arith::ConstantIndexOp::create(builder, loc, strides[dim]);
  };
  Value element = ShapedType::isDynamic(offset) ? Value(parts.getOffset()) : arith::ConstantIndexOp::create(builder, loc, offset);
  for (auto [dim, index] : llvm::enumerate(indices)) {
    Value distance = arith::MulIOp::create(builder, loc, index, getStride(static_cast<int64_t>(dim)));
    element = arith::AddIOp::create(builder, loc, element, distance);
  }
  Value address = arith::AddIOp::create(builder, loc, base, arith::MulIOp::create(builder, loc, element, bytes));
  return {address, arith::MulIOp::create(builder, loc, getStride(along), bytes)};
}

/// The 64 bytes of LDTILECFG: palette 1; from byte 16 on the bytes of a row, two for each register; from 48 on the rows.
static void lower(OpBuilder &builder, kernel::TileConfigureOp op) {
  constexpr int64_t widths = 16, heights = 48;
  Location loc = op.getLoc();
  auto groups = static_cast<int64_t>(op.getGroups());
  SmallVector<int8_t> bytes(configurationBytes, 0);
  bytes[0] = 1;
  for (int64_t tile = 0; tile < kernel::numTiles; ++tile) {
    bool isLeft = tile >= kernel::firstLeftTile && tile < kernel::firstRightTile;
    bytes[widths + 2 * tile] = static_cast<int8_t>(isLeft ? 4 * groups : tileRowBytes);
    bytes[heights + tile] = static_cast<int8_t>(groups); // of left-hand sides and sums, replaced below
  }
  auto type = MemRefType::get({configurationBytes}, builder.getI8Type());
  Value place = memref::AllocaOp::create(builder, loc, type, builder.getI64IntegerAttr(configurationBytes));
  auto vectorType = VectorType::get({configurationBytes}, builder.getI8Type());
  Value all = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(vectorType, ArrayRef(bytes)));
  vector::StoreOp::create(builder, loc, all, place, Value(arith::ConstantIndexOp::create(builder, loc, 0)));
  Value rows = arith::IndexCastOp::create(builder, loc, builder.getI8Type(), op.getRows());
  for (int64_t tile = 0; tile < kernel::firstRightTile; ++tile)
    memref::StoreOp::create(builder, loc, rows, place, Value(arith::ConstantIndexOp::create(builder, loc, heights + tile)));
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, place);
  call(builder, loc, "llvm.x86.ldtilecfg", toPointer(builder, loc, address));
}

static void lower(OpBuilder &builder, kernel::TileReleaseOp op) {
  call(builder, op.getLoc(), "llvm.x86.tilerelease", {});
}

static void lower(OpBuilder &builder, kernel::TileZeroOp op) {
  call(builder, op.getLoc(), "llvm.x86.tilezero", createRegister(builder, op.getLoc(), op.getTile()));
}

static void lower(OpBuilder &builder, kernel::TileLoadOp op) {
  Location loc = op.getLoc();
  auto [address, stride] = locate(builder, loc, op.getMemref(), op.getIndices(), static_cast<int64_t>(op.getAlong()));
  Value step = arith::MulIOp::create(builder, loc, toWord(builder, loc, stride), createWord(builder, loc, op.getStep()));
  call(builder, loc, "llvm.x86.tileloadd64",
       {createRegister(builder, loc, op.getTile()), toPointer(builder, loc, address), step});
}

static void lower(OpBuilder &builder, kernel::TileStoreOp op) {
  Location loc = op.getLoc();
  auto [address, stride] = locate(builder, loc, op.getMemref(), op.getIndices(), static_cast<int64_t>(op.getAlong()));
  call(builder, loc, "llvm.x86.tilestored64",
       {createRegister(builder, loc, op.getTile()), toPointer(builder, loc, address), toWord(builder, loc, stride)});
}

static void lower(OpBuilder &builder, kernel::TileDotOp op) {
  SmallVector<Value> tiles;
  for (uint64_t tile : {op.getSum(), op.getLhs(), op.getRhs()})
    tiles.push_back(createRegister(builder, op.getLoc(), tile));
  call(builder, op.getLoc(), op.getBf16() ? "llvm.x86.tdpbf16ps" : "llvm.x86.tdpbusd", tiles);
}

namespace {

struct LowerMatrixTilesPass : public impl::LowerMatrixTilesBase<LowerMatrixTilesPass> {
  void runOnOperation() override {
    getOperation()->walk([](Operation *op) {
      llvm::TypeSwitch<Operation *>(op)
          .Case<kernel::TileConfigureOp, kernel::TileReleaseOp, kernel::TileZeroOp, kernel::TileLoadOp,
                kernel::TileStoreOp, kernel::TileDotOp>([](auto tileOp) {
            OpBuilder builder(tileOp);
            lower(builder, tileOp);
            tileOp.erase();
          });
    });
  }
};

} // namespace
} // namespace nnc
