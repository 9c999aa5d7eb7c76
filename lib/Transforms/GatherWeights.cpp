// All constants of the module in one blob of bytes. Expects memref.global
// constants of static shape and identity layout, read through memref.get_global.
// Contents that occur twice, here or in the modules before, are stored once.
#include "lib/Transforms/GatherWeights.h"

#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_GATHERWEIGHTS
#include "lib/Transforms/Passes.h.inc"

namespace {

constexpr int64_t alignment = 64;

/// Behind the last weight, for what prefetches and loads of whole vectors touch: some vectors.
int64_t getTailBytes(kernel::TargetAttr target) { return 2 * std::max(target.getVectorBits(), target.getPackedBits()); }

/// The bytes of one constant, as they lie in memory.
struct Contents {
  ArrayRef<char> raw;        ///< all bytes, or one element's where it repeats
  int64_t bytes = 0;         ///< of the whole constant
  std::vector<char> storage; ///< where the attribute does not hold plain bytes
};

} // namespace

static FailureOr<Contents> readContents(memref::GlobalOp global) {
  Contents contents;
  MemRefType type = global.getType();
  int64_t elementBits = type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  contents.bytes = type.getNumElements() * llvm::divideCeil(elementBits, 8);
  Attribute value = global.getInitialValue().value_or(Attribute());
  if (auto resource = dyn_cast_if_present<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (!blob || static_cast<int64_t>(blob->getData().size()) != contents.bytes)
      return global.emitError("the constant's resource is missing or of the wrong size");
    contents.raw = blob->getData();
    return contents;
  }
  auto dense = dyn_cast_if_present<DenseElementsAttr>(value);
  if (!dense)
    return global.emitError("a constant whose contents are not known");
  contents.raw = dense.getRawData();
  if (elementBits % 8 != 0 || isa<IndexType>(type.getElementType())) {
    for (const APInt &element : dense.getValues<APInt>())
      for (uint64_t byte = 0; byte < llvm::divideCeil(elementBits, 8); ++byte)
        contents.storage.push_back(static_cast<char>(
            element.extractBitsAsZExtValue(std::min<int64_t>(8, element.getBitWidth() - 8 * byte), 8 * byte)));
    contents.raw = contents.storage;
  }
  return contents;
}

/// Writes the constant's bytes to `destination`, repeating a splat's.
static void writeContents(const Contents &contents, char *destination) {
  if (contents.raw.empty())
    return;
  for (int64_t done = 0; done < contents.bytes; done += contents.raw.size())
    std::memcpy(destination + done, contents.raw.data(), contents.raw.size());
}

/// Whether the constant's bytes, with a splat's repeated, are those at `place`.
static bool areAt(const Contents &contents, const char *place) {
  if (contents.raw.empty())
    return true;
  for (int64_t done = 0; done < contents.bytes; done += contents.raw.size())
    if (std::memcmp(place + done, contents.raw.data(), contents.raw.size()) != 0)
      return false;
  return true;
}

namespace {

struct GatherWeightsPass : public impl::GatherWeightsBase<GatherWeightsPass> {
  using GatherWeightsBase::GatherWeightsBase;
  GatherWeightsPass(GatheredWeights *shared, const GatherWeightsOptions &options)
      : GatherWeightsBase(options), shared(shared) {}

  LogicalResult gather();
  SmallVector<memref::GlobalOp> listConstants();
  void placeBlob(DenseResourceElementsAttr value, const llvm::StringMap<int64_t> &offsets);
  void runOnOperation() override {
    if (failed(gather()))
      signalPassFailure();
  }

  GatheredWeights *shared = nullptr; ///< of the modules before; the caller's
};

} // namespace

/// The constants to gather. The caller's are for @main: functions that compute extents are called without them.
SmallVector<memref::GlobalOp> GatherWeightsPass::listConstants() {
  ModuleOp module = getOperation();
  llvm::StringSet<> elsewhere;
  if (external)
    module.walk([&](memref::GetGlobalOp op) {
      if (op->getParentOfType<func::FuncOp>().getName() != "main")
        elsewhere.insert(op.getName());
    });
  SmallVector<memref::GlobalOp> globals;
  for (auto global : module.getOps<memref::GlobalOp>())
    if (global.getConstant() && global.getInitialValue() && !global.isExternal() &&
        !elsewhere.contains(global.getSymName()))
      globals.push_back(global);
  return globals;
}

/// Makes the constants at `offsets` views of the blob.
void GatherWeightsPass::placeBlob(DenseResourceElementsAttr value, const llvm::StringMap<int64_t> &offsets) {
  ModuleOp module = getOperation();
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto blobType = MemRefType::get(value.getType().getShape(), builder.getI8Type());
  Value argument;
  if (external) {
    module->setAttr("nn.weights", value);
    auto main = module.lookupSymbol<func::FuncOp>("main");
    unsigned place = main.getNumArguments();
    (void)main.insertArgument(place, blobType, DictionaryAttr::get(&getContext()), main.getLoc());
    argument = main.getArgument(place);
  } else {
    memref::GlobalOp::create(builder, module.getLoc(), "weights", builder.getStringAttr("private"), blobType, value,
                             /*constant=*/true, builder.getI64IntegerAttr(alignment));
  }
  module.walk([&](memref::GetGlobalOp op) {
    auto offset = offsets.find(op.getName());
    if (offset == offsets.end())
      return;
    OpBuilder at(op);
    Value weights = argument ? argument : memref::GetGlobalOp::create(at, op.getLoc(), blobType, "weights").getResult();
    Value place = arith::ConstantIndexOp::create(at, op.getLoc(), offset->second);
    Value view = memref::ViewOp::create(at, op.getLoc(), op.getType(), weights, place, ValueRange());
    op.getResult().replaceAllUsesWith(view);
    op.erase();
  });
}

LogicalResult GatherWeightsPass::gather() {
  ModuleOp module = getOperation();
  SmallVector<memref::GlobalOp> globals = listConstants();
  GatheredWeights own;
  GatheredWeights &all = shared ? *shared : own;
  if (external && !module.lookupSymbol<func::FuncOp>("main"))
    return module.emitError("weights for the caller of @main, which there is not");
  if (globals.empty() && all.offsets.empty() && !external)
    return success();

  // Offsets first, so that the blob is allocated once.
  SmallVector<Contents> contents;
  std::map<GatheredWeights::Key, SmallVector<unsigned>> sameHash;
  llvm::StringMap<int64_t> offsets;
  SmallVector<std::pair<unsigned, int64_t>> distinct;
  ArrayRef<char> before;
  if (all.blob)
    before = all.blob.getRawHandle().getBlob()->getData().take_front(all.end);
  int64_t end = before.size();
  for (auto [i, global] : llvm::enumerate(globals)) {
    FailureOr<Contents> read = readContents(global);
    if (failed(read))
      return failure();
    contents.push_back(std::move(*read));
    Contents &current = contents.back();
    if (!current.storage.empty())
      current.raw = current.storage;
    uint64_t hash =
        llvm::xxh3_64bits(ArrayRef<uint8_t>(reinterpret_cast<const uint8_t *>(current.raw.data()), current.raw.size()));
    auto &earlier = all.offsets[{hash, current.bytes}];
    auto *found = llvm::find_if(earlier, [&](int64_t offset) { return areAt(current, before.data() + offset); });
    if (found != earlier.end()) {
      offsets[global.getSymName()] = *found;
      continue;
    }
    auto &candidates = sameHash[{hash, current.bytes}];
    auto *same = llvm::find_if(candidates, [&](unsigned other) { return contents[other].raw == current.raw; });
    if (same != candidates.end()) {
      offsets[global.getSymName()] = offsets[globals[*same].getSymName()];
      continue;
    }
    candidates.push_back(i);
    offsets[global.getSymName()] = end;
    distinct.push_back({i, end});
    end += llvm::alignTo(current.bytes, alignment);
  }

  int64_t size = end + getTailBytes(kernel::getTarget(module));
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(size, alignment, /*dataIsMutable=*/true);
  MutableArrayRef<char> bytes = blob.getMutableData();
  std::memset(bytes.data(), 0, bytes.size());
  llvm::copy(before, bytes.begin());
  for (auto [i, offset] : distinct)
    writeContents(contents[i], bytes.data() + offset);
  for (auto &[key, numbers] : sameHash)
    for (unsigned number : numbers)
      all.offsets[key].push_back(offsets[globals[number].getSymName()]);

  auto tensorType = RankedTensorType::get({size}, IntegerType::get(module.getContext(), 8));
  auto value = DenseResourceElementsAttr::get(tensorType, "weights", std::move(blob));
  all.blob = value;
  all.end = end;
  placeBlob(value, offsets);
  for (memref::GlobalOp global : globals)
    global.erase();
  return success();
}

std::unique_ptr<Pass> createGatherWeightsPass(GatheredWeights *shared, bool external) {
  GatherWeightsOptions options;
  options.external = external;
  return std::make_unique<GatherWeightsPass>(shared, options);
}

} // namespace nnc
