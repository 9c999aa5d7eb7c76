// Costs are read off operands, shapes and bodies.
#include "lib/Analysis/Kernels.h"

#include "dialects/Kernel/Kernel.h"
#include "lib/Analysis/LayerName.h"
#include "lib/Analysis/MultiplyAdds.h"
#include "lib/Analysis/Operations.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {

MachineModel MachineModel::get(ModuleOp module) {
  kernel::TargetAttr target = kernel::getTarget(module);
  MachineModel model;
  model.vectorBits = target.getVectorBits();
  model.fma = target.getFma();
  model.cacheBytes = target.getL2Bytes();
  return model;
}

static std::optional<int64_t> add(std::optional<int64_t> lhs, std::optional<int64_t> rhs) {
  return lhs && rhs ? std::optional(*lhs + *rhs) : std::nullopt;
}

static std::optional<int64_t> getBytes(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped)
    return 0;
  if (!shaped.hasStaticShape())
    return std::nullopt;
  Type element = shaped.getElementType();
  return shaped.getNumElements() * (element.isIntOrFloat() ? llvm::divideCeil(element.getIntOrFloatBitWidth(), 8) : 8);
}

/// Constants, and reshapes of them.
static bool isConstant(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op))
    op = op->getOperand(0).getDefiningOp();
  return op && op->hasTrait<OpTrait::ConstantLike>();
}

/// Whether the body reads what an output held before.
static bool readsDestination(Operation *op) {
  auto generic = dyn_cast<linalg::LinalgOp>(op);
  return generic && llvm::any_of(generic.getDpsInitsMutable(), [&](OpOperand &init) {
           return generic.payloadUsesValueFromOperand(&init) && !generic.isScalar(&init);
         });
}

static void addBytes(Operation *op, KernelFacts &kernel) {
  auto destination = cast<DestinationStyleOpInterface>(op);
  kernel.bytesRead = kernel.bytesWritten = 0;
  for (Value init : destination.getDpsInits())
    kernel.bytesWritten = add(kernel.bytesWritten, getBytes(init.getType()));
  if (readsDestination(op))
    kernel.bytesRead = kernel.bytesWritten;
  llvm::SetVector<Value> read, captured;
  for (OpOperand *input : destination.getDpsInputOperands())
    read.insert(input->get());
  for (Value value : read)
    if (isConstant(value))
      kernel.weightBytes += getBytes(value.getType()).value_or(0);
    else
      kernel.bytesRead = add(kernel.bytesRead, getBytes(value.getType()));
  // What a body reads by index: no more of it than there are results.
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  for (Value value : captured) {
    if (!isa<ShapedType>(value.getType()) || read.contains(value))
      continue;
    std::optional<int64_t> bytes = getBytes(value.getType());
    if (bytes && kernel.bytesWritten)
      bytes = std::min(*bytes, *kernel.bytesWritten);
    if (isConstant(value))
      kernel.weightBytes += bytes.value_or(0);
    else
      kernel.bytesRead = add(kernel.bytesRead, bytes);
  }
}

/// Vector instructions per multiply-add of one lane.
static double getMultiplyAddCost(Operation *op, const MachineModel &machine) {
  double cost = machine.fma ? 1 : 2;
  if (auto winograd = dyn_cast<kernel::WinogradOp>(op)) {
    ArrayRef<int64_t> tile = winograd.getTile(), window = winograd.getWindow();
    return cost * static_cast<double>(kernel::getWinogradPoints(tile, window)) /
           static_cast<double>(tile[0] * tile[1] * window[0] * window[1]);
  }
  if (!isa<kernel::ContractOp, kernel::ConvOp>(op))
    return cost;
  kernel::TargetAttr target = kernel::getTarget(op);
  Type input = getElementTypeOrSelf(op->getOperand(0).getType());
  if (input.isInteger(8) && target.getByteTiles())
    return 1.0 / 32; // a tile unit has 16 x 16 x 64 products in the time of 32 vector instructions
  if (input.isInteger(8))
    return (target.getVnni() ? 1.0 : 2.0) / static_cast<double>(kernel::getDotPacking(target).group);
  if (input.isBF16() && target.getBf16Tiles())
    return 1.0 / 16;
  return cost;
}

/// Bits of the widest element that the kernel computes with.
static unsigned getComputedBits(Operation *op) {
  unsigned bits = 8;
  auto visit = [&](Type type) {
    type = getElementTypeOrSelf(type);
    if (type.isIntOrFloat())
      bits = std::max(bits, type.getIntOrFloatBitWidth());
  };
  for (Type type : op->getOperandTypes())
    visit(type);
  bool isDot = isa<kernel::ContractOp, kernel::ConvOp>(op);
  return std::max(bits, isDot ? 32u : bits);
}

static void addMemoryCycles(const MachineModel &machine, KernelFacts &kernel) {
  std::optional<int64_t> bytes = add(kernel.bytesRead, kernel.bytesWritten);
  if (!bytes)
    return;
  int64_t all = *bytes + kernel.weightBytes;
  kernel.memoryCycles = static_cast<double>(all) /
                        (all <= machine.cacheBytes ? machine.cacheBytesPerCycle : machine.memoryBytesPerCycle);
}

static void addCycles(Operation *op, const MachineModel &machine, KernelFacts &kernel) {
  addMemoryCycles(machine, kernel);
  if (kernel.operations && kernel.macs) {
    double lanes = std::max(1.0, static_cast<double>(machine.vectorBits) / getComputedBits(op));
    double instructions =
        static_cast<double>(*kernel.operations) + static_cast<double>(*kernel.macs) * getMultiplyAddCost(op, machine);
    kernel.computeCycles = instructions / lanes / machine.instructionsPerCycle;
  }
}

/// What `op` is called; "" where it does no work at run time.
static StringRef getKind(Operation *op) {
  if (isa<linalg::FillOp>(op))
    return ""; // of a destination that the next loop fills, or of padding
  if (isa<kernel::KernelDialect>(op->getDialect()) && isa<DestinationStyleOpInterface>(op))
    return op->getName().stripDialect();
  if (isa<linalg::LinalgOp>(op))
    return "loops";
  if (isa<scf::ForOp, scf::WhileOp>(op))
    return "repeated";
  return isa<scf::IfOp>(op) ? "branch" : "";
}

static KernelFacts name(Operation *op, StringRef kind) {
  KernelFacts kernel;
  kernel.name = getLayerName(op->getLoc());
  kernel.kind = kind.str();
  kernel.layers = getLayerNumbers(op->getLoc());
  kernel.sources = getLayerNames(op->getLoc());
  return kernel;
}

static KernelFacts describe(Operation *op, StringRef kind, const MachineModel &machine,
                            const llvm::DenseMap<Operation *, std::optional<int64_t>> &macs) {
  KernelFacts kernel = name(op, kind);
  if (!isa<DestinationStyleOpInterface>(op))
    return kernel;
  auto counted = macs.find(op);
  kernel.macs = counted == macs.end() ? std::optional<int64_t>(0) : counted->second;
  kernel.operations = countOperations(op);
  addBytes(op, kernel);
  addCycles(op, machine, kernel);
  return kernel;
}

std::vector<KernelFacts> listKernels(ModuleOp module) {
  std::vector<KernelFacts> kernels;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return kernels;
  MachineModel machine = MachineModel::get(module);
  llvm::DenseMap<Operation *, std::optional<int64_t>> macs;
  visitMultiplyAdds(module, [&](Operation *op, std::optional<int64_t> number) { macs[op] = number; });
  for (Operation &op : main.getBody().front())
    if (StringRef kind = getKind(&op); !kind.empty())
      kernels.push_back(describe(&op, kind, machine, macs));
  return kernels;
}

void addCopies(ModuleOp module, std::vector<KernelFacts> &kernels) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  MachineModel machine = MachineModel::get(module);
  std::vector<KernelFacts> copies;
  for (memref::CopyOp op : main.getBody().front().getOps<memref::CopyOp>()) {
    KernelFacts kernel = name(op, "copy");
    auto isSame = [&](const KernelFacts &other) { return other.name == kernel.name; };
    if (kernel.name.empty() || llvm::any_of(kernels, isSame))
      continue;
    kernel.macs = kernel.operations = kernel.bytesRead = kernel.bytesWritten = 0;
    if (llvm::none_of(copies, isSame))
      copies.push_back(kernel);
    KernelFacts &all = *llvm::find_if(copies, isSame);
    std::optional<int64_t> bytes = getBytes(op.getSource().getType());
    all.bytesRead = add(all.bytesRead, bytes);
    all.bytesWritten = add(all.bytesWritten, bytes);
  }
  for (KernelFacts &kernel : copies) {
    addMemoryCycles(machine, kernel);
    auto isLater = [&](const KernelFacts &other) { return other.layers > kernel.layers; };
    kernels.insert(llvm::find_if(kernels, isLater), kernel);
  }
}

} // namespace nnc
