// Tables of bytes become constants and what reads them.
//
// Expects loops over vectors. Leaves a private constant of 256 bytes for each table, and creates no
// other memory. x86 reads 128 of 64 bytes at a time (AVX-512 VBMI), AArch64 64 of 16; others read one byte at a time.
#include "lib/Transforms/Passes.h"

#include "mlir/IR/SymbolTable.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_LOWERBYTETABLES
#include "lib/Transforms/Passes.h.inc"

static constexpr int64_t tableSize = 256;

namespace {

/// Reads at one place of the program.
class TableReader {
public:
  TableReader(OpBuilder &builder, Location loc, Value table, StringRef intrinsic)
      : builder(builder), loc(loc), table(table), intrinsic(intrinsic) {}

  Value read(Value indices);

private:
  Value readOne(Value index);
  Value readLanes(Value indices, int64_t width);
  Value readX86(Value indices);
  Value readAArch64(Value indices);
  Value call(ArrayRef<Value> operands);
  /// `width` entries from the `first` on.
  Value load(int64_t first, int64_t width);
  /// `count` lanes of `vector`, from its first on; lanes that it lacks are undefined.
  Value resize(Value vector, int64_t count);

  OpBuilder &builder;
  Location loc;
  Value table;
  StringRef intrinsic;
};

struct LowerByteTablesPass : public impl::LowerByteTablesBase<LowerByteTablesPass> {
  void runOnOperation() override;
};

} // namespace

static Type getBytes(OpBuilder &builder, int64_t width) { return VectorType::get({width}, builder.getI8Type()); }

Value TableReader::read(Value indices) {
  auto type = dyn_cast<VectorType>(indices.getType());
  if (!type)
    return readOne(indices);
  int64_t width = type.getDimSize(0);
  if (intrinsic.empty() || width == 1)
    return readLanes(indices, width);
  bool isX86 = intrinsic.starts_with("llvm.x86.");
  int64_t most = isX86 ? 64 : 16; // lanes of the intrinsic
  auto readPart = [&](Value part, int64_t count) {
    Value whole = resize(part, most);
    return resize(isX86 ? readX86(whole) : readAArch64(whole), count);
  };
  if (width <= most)
    return readPart(indices, width);
  Value result = arith::ConstantOp::create(builder, loc, DenseElementsAttr::get(type, builder.getI8IntegerAttr(0)));
  for (int64_t first = 0; first < width; first += most) {
    int64_t count = std::min(most, width - first);
    Value part = vector::ExtractStridedSliceOp::create(builder, loc, indices, {first}, {count}, {1});
    result = vector::InsertStridedSliceOp::create(builder, loc, readPart(part, count), result, {first}, {1});
  }
  return result;
}

Value TableReader::readOne(Value index) {
  Value at = arith::IndexCastUIOp::create(builder, loc, builder.getIndexType(), index);
  return memref::LoadOp::create(builder, loc, table, at);
}

Value TableReader::readLanes(Value indices, int64_t width) {
  SmallVector<Value> elements;
  for (int64_t lane = 0; lane < width; ++lane)
    elements.push_back(readOne(vector::ExtractOp::create(builder, loc, indices, lane)));
  return vector::FromElementsOp::create(builder, loc, cast<VectorType>(indices.getType()), elements);
}

/// Each permutation knows the low seven bits of an index; the eighth, its sign, chooses between two.
Value TableReader::readX86(Value indices) {
  Value low = call({load(0, 64), indices, load(64, 64)}), high = call({load(128, 64), indices, load(192, 64)});
  auto zeros = DenseElementsAttr::get(cast<VectorType>(indices.getType()), builder.getI8IntegerAttr(0));
  Value zero = arith::ConstantOp::create(builder, loc, zeros);
  Value isHigh = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt, indices, zero);
  return arith::SelectOp::create(builder, loc, isHigh, high, low);
}

/// Lanes whose index is behind the 64 bytes are zero.
Value TableReader::readAArch64(Value indices) {
  Value result;
  for (int64_t first = 0; first < tableSize; first += 64) {
    Value at = indices;
    if (first) {
      APInt back(8, static_cast<uint64_t>(first));
      auto offset = DenseElementsAttr::get(cast<VectorType>(indices.getType()), back);
      at = arith::SubIOp::create(builder, loc, indices, arith::ConstantOp::create(builder, loc, offset));
    }
    Value part = call({load(first, 16), load(first + 16, 16), load(first + 32, 16), load(first + 48, 16), at});
    result = result ? arith::OrIOp::create(builder, loc, result, part) : part;
  }
  return result;
}

Value TableReader::call(ArrayRef<Value> operands) {
  return LLVM::CallIntrinsicOp::create(builder, loc, operands.front().getType(), builder.getStringAttr(intrinsic), operands)
      .getResult(0);
}

Value TableReader::load(int64_t first, int64_t width) {
  Value at = arith::ConstantIndexOp::create(builder, loc, first);
  return vector::LoadOp::create(builder, loc, cast<VectorType>(getBytes(builder, width)), table, at);
}

Value TableReader::resize(Value vector, int64_t count) {
  int64_t width = cast<VectorType>(vector.getType()).getDimSize(0);
  if (width == count)
    return vector;
  SmallVector<int64_t> lanes;
  for (int64_t lane = 0; lane < count; ++lane)
    lanes.push_back(lane < width ? lane : -1);
  return vector::ShuffleOp::create(builder, loc, vector, vector, lanes);
}

void LowerByteTablesPass::runOnOperation() {
  ModuleOp module = getOperation();
  SymbolTable symbols(module);
  StringRef intrinsic = kernel::getTarget(module).getByteLookup();
  llvm::DenseMap<Attribute, memref::GlobalOp> globals; // equal tables are one constant
  auto type = MemRefType::get({tableSize}, IntegerType::get(&getContext(), 8));
  module.walk([&](kernel::ByteTableOp op) {
    memref::GlobalOp &global = globals[op.getTableAttr()];
    OpBuilder builder(module.getBodyRegion());
    if (!global) {
      auto values = DenseElementsAttr::get(RankedTensorType::get({tableSize}, type.getElementType()), op.getTable());
      global = memref::GlobalOp::create(builder, op.getLoc(), "byte_table", builder.getStringAttr("private"), type, values,
                                        /*constant=*/true, builder.getI64IntegerAttr(64));
      symbols.insert(global);
    }
    builder.setInsertionPoint(op);
    Value table = memref::GetGlobalOp::create(builder, op.getLoc(), type, global.getSymName());
    op.replaceAllUsesWith(TableReader(builder, op.getLoc(), table, intrinsic).read(op.getIndex()));
    op.erase();
  });
}

} // namespace nnc
