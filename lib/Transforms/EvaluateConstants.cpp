// Evaluates constant subgraphs of @main by compiling and running them.
//
// Expects tensors (linalg, kernel, tensor, arith). Packing of weights, folded
// batch norms and every other function of constants is computed here, with the
// same code that would compute it at run time. The module that is run takes the
// constants as arguments, so that no weight is copied into generated code.
#include "lib/Transforms/EvaluateConstants.h"

#include "dialects/Kernel/Kernel.h"
#include "lib/Transforms/Passes.h"

#include "mlir/IR/IRMapping.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace nnc {
namespace {

/// Results below this size are evaluated whatever they are made from.
constexpr int64_t alwaysWorthwhileBytes = 64 << 10;
/// One value everywhere is filled in each run where it takes more than this.
constexpr int64_t maxFilledBytes = 64;
/// Larger ones only while they are at most this many times their constants.
constexpr int64_t acceptedGrowth = 16;
/// What is computed on the way may be this large, or four times its constants; else a small file could take all memory.
constexpr int64_t maxComputedBytes = 768 << 20;
/// Packed weights are evaluated up to this size, even those made from a single value.
constexpr int64_t maxPackedBytes = int64_t{2} << 30;
/// Constants up to this size are part of the code that is run; larger ones are passed to it.
constexpr int64_t inlinedBytes = 256;

/// What is known of an operation: whether it depends on constants alone, and on how many bytes of them.
struct Constancy {
  bool constant = false;
  int64_t sourceBytes = 0;
};

class ConstantSubgraph {
public:
  explicit ConstantSubgraph(func::FuncOp function) : function(function) {}

  /// Finds the values to compute; true where there are any.
  bool find();
  /// A module whose @main computes them from the constants they depend on.
  OwningOpRef<ModuleOp> extract();
  ArrayRef<ElementsAttr> getInputs() const { return inputs; }
  /// Puts the computed values in the place of the operations.
  void replace(ArrayRef<ElementsAttr> values);

private:
  Constancy classify(Operation &op);
  void hoist(Operation &ancestor);
  bool isWorthwhile(Operation &op) const;

  func::FuncOp function;
  DenseMap<Operation *, Constancy> known;
  SmallVector<Value> roots;
  SmallVector<ElementsAttr> inputs;
};

} // namespace

static int64_t getBytes(Type type) {
  auto shaped = dyn_cast<RankedTensorType>(type);
  if (!shaped || !shaped.hasStaticShape())
    return 0;
  Type element = shaped.getElementType();
  return shaped.getNumElements() * (element.isIntOrFloat() ? llvm::divideCeil(element.getIntOrFloatBitWidth(), 8) : 8);
}

static bool isLeaf(Operation &op) { return isa<arith::ConstantOp, tensor::EmptyOp>(op); }

static void getDependencies(Operation &op, llvm::SetVector<Value> &values) {
  values.insert(op.operand_begin(), op.operand_end());
  getUsedValuesDefinedAbove(op.getRegions(), values);
}

Constancy ConstantSubgraph::classify(Operation &op) {
  if (isa<arith::ConstantOp>(op))
    return {true, getBytes(op.getResult(0).getType())};
  // A loop with a condition may not end.
  if (op.hasTrait<OpTrait::IsTerminator>() || !isMemoryEffectFree(&op) || isa<scf::WhileOp>(op) ||
      op.walk([](scf::WhileOp) { return WalkResult::interrupt(); }).wasInterrupted())
    return {};
  // Addresses are those of the machine that runs the model.
  if (isa<memref::ExtractAlignedPointerAsIndexOp>(op))
    return {};
  // May need instructions that this machine does not have.
  if (isa<kernel::ContractOp, kernel::ConvOp>(op) && (kernel::getTarget(&op).getVnni() || !kernel::getTarget(&op).getI16Dot().empty()) &&
      getElementTypeOrSelf(op.getOperand(0).getType()).isInteger(8))
    return {};
  Constancy result{true, 0};
  llvm::SetVector<Value> dependencies;
  getDependencies(op, dependencies);
  for (Value value : dependencies) {
    auto found = value.getDefiningOp() ? known.find(value.getDefiningOp()) : known.end();
    if (found == known.end() || !found->second.constant)
      return {};
    result.sourceBytes += found->second.sourceBytes;
  }
  for (Type type : op.getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    bool isComputed = tensor && !isa<tensor::EmptyOp>(op);
    bool isTooLarge = isComputed && getBytes(tensor) > std::max(maxComputedBytes, 4 * result.sourceBytes);
    if (tensor && (!tensor.hasStaticShape() || isTooLarge))
      return {};
  }
  return result;
}

/// Whether the results of a constant operation are worth their size in the object.
bool ConstantSubgraph::isWorthwhile(Operation &op) const {
  if (isLeaf(op) || op.getNumResults() == 0 || !llvm::all_of(op.getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return false;
  if (isa<linalg::FillOp>(op) && getBytes(op.getResult(0).getType()) > maxFilledBytes)
    return false;
  int64_t limit = std::max(alwaysWorthwhileBytes, acceptedGrowth * known.lookup(&op).sourceBytes);
  if (isa<kernel::PackMatrixOp, kernel::PackFilterOp, kernel::PackWinogradOp>(op))
    limit = std::max(limit, maxPackedBytes);
  return llvm::all_of(op.getResultTypes(), [&](Type type) { return getBytes(type) <= limit; });
}

/// Moves constant operations out of the regions of `ancestor`, a branch or a loop: packed weights above all. Constants
/// and empty tensors that they need come along as copies.
void ConstantSubgraph::hoist(Operation &ancestor) {
  SmallVector<Operation *> nested;
  ancestor.walk([&](Operation *op) {
    bool isSafe = isSpeculatable(op) || isa<kernel::KernelDialect>(op->getDialect());
    if (op != &ancestor && !op->hasTrait<OpTrait::IsTerminator>() && !isa<tensor::EmptyOp>(op) && isSafe)
      nested.push_back(op);
  });
  for (Operation *op : nested) {
    llvm::SetVector<Value> dependencies;
    getDependencies(*op, dependencies);
    bool isInside = llvm::any_of(dependencies, [&](Value value) {
      Operation *definition = value.getDefiningOp();
      auto empty = definition ? dyn_cast<tensor::EmptyOp>(definition) : nullptr;
      return !definition || !(known.contains(definition) || (empty && empty.getType().hasStaticShape()));
    });
    bool isKernel = op->getNumResults() && llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>);
    if (isInside || !(isKernel || isLeaf(*op)) || op->getParentOfType<linalg::GenericOp>())
      continue;
    OpBuilder builder(&ancestor);
    for (OpOperand &operand : op->getOpOperands())
      if (auto empty = operand.get().getDefiningOp<tensor::EmptyOp>(); empty && !known.contains(empty)) {
        Operation *copy = builder.clone(*empty);
        known[copy] = classify(*copy);
        operand.set(copy->getResult(0));
      }
    Block *block = op->getBlock();
    Block::iterator place = std::next(op->getIterator());
    op->moveBefore(&ancestor);
    known[op] = classify(*op);
    if (known[op].constant && (isLeaf(*op) || isWorthwhile(*op)))
      continue;
    known.erase(op);
    op->moveBefore(block, place);
  }
}

/// Roots are worthwhile and used by what stays: operations that are not constant, or constant but too large.
bool ConstantSubgraph::find() {
  Block &body = function.getBody().front();
  for (Operation &op : body) {
    if (isa<scf::IfOp, scf::ForOp, scf::WhileOp>(op))
      hoist(op);
    known[&op] = classify(op);
  }
  DenseSet<Operation *> staying;
  for (Operation &op : llvm::reverse(body)) {
    if (!known.lookup(&op).constant) {
      staying.insert(&op);
      continue;
    }
    bool isUsed = llvm::any_of(op.getUsers(), [&](Operation *user) {
      return staying.contains(function.getBody().findAncestorOpInRegion(*user));
    });
    if (isUsed && isWorthwhile(op))
      roots.append(op.result_begin(), op.result_end());
    else if (isUsed)
      staying.insert(&op);
  }
  std::reverse(roots.begin(), roots.end());
  return !roots.empty();
}

OwningOpRef<ModuleOp> ConstantSubgraph::extract() {
  llvm::SetVector<Operation *> needed;
  SmallVector<Operation *> worklist;
  for (Value root : roots)
    worklist.push_back(root.getDefiningOp());
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!needed.insert(op))
      continue;
    llvm::SetVector<Value> dependencies;
    getDependencies(*op, dependencies);
    for (Value value : dependencies)
      worklist.push_back(value.getDefiningOp());
  }

  auto module = ModuleOp::create(function.getLoc());
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  auto main = func::FuncOp::create(builder, function.getLoc(), "main", builder.getFunctionType({}, TypeRange(roots)));
  Block *body = main.addEntryBlock();
  builder.setInsertionPointToStart(body);
  IRMapping mapping;
  for (Operation &op : function.getBody().front()) {
    if (!needed.contains(&op))
      continue;
    ElementsAttr value;
    if (auto constant = dyn_cast<arith::ConstantOp>(op))
      if (getBytes(constant.getType()) > inlinedBytes)
        value = dyn_cast<ElementsAttr>(constant.getValue());
    if (!value) {
      builder.clone(op, mapping);
      continue;
    }
    inputs.push_back(value);
    mapping.map(op.getResult(0), body->addArgument(value.getType(), op.getLoc()));
  }
  SmallVector<Value> results;
  for (Value root : roots)
    results.push_back(mapping.lookup(root));
  func::ReturnOp::create(builder, function.getLoc(), results);
  main.setFunctionType(builder.getFunctionType(body->getArgumentTypes(), TypeRange(roots)));
  return module;
}

void ConstantSubgraph::replace(ArrayRef<ElementsAttr> values) {
  OpBuilder builder(function.getContext());
  for (auto [root, value] : llvm::zip_equal(roots, values)) {
    builder.setInsertionPoint(root.getDefiningOp());
    Value constant = arith::ConstantOp::create(builder, root.getLoc(), root.getType(), cast<TypedAttr>(value));
    root.replaceAllUsesWith(constant);
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

namespace {

struct EvaluateConstantsPass : public PassWrapper<EvaluateConstantsPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EvaluateConstantsPass)

  explicit EvaluateConstantsPass(ConstantRunner runner) : runner(std::move(runner)) {}

  StringRef getArgument() const final { return "evaluate-constants"; }
  StringRef getDescription() const final { return "Compile and run what depends on constants alone"; }

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    ConstantSubgraph subgraph(main);
    if (!subgraph.find())
      return;
    OwningOpRef<ModuleOp> module = subgraph.extract();
    if (Attribute target = getOperation()->getAttr("kernel.target"))
      module.get()->setAttr("kernel.target", target);
    FailureOr<SmallVector<ElementsAttr>> values = runner(std::move(module), subgraph.getInputs());
    if (failed(values))
      return signalPassFailure();
    subgraph.replace(*values);
  }

  ConstantRunner runner;
};

} // namespace

std::unique_ptr<Pass> createEvaluateConstantsPass(ConstantRunner runner) {
  return std::make_unique<EvaluateConstantsPass>(std::move(runner));
}

} // namespace nnc
