// Compiles a module of constants to host code in memory (LLVM's ORC) and calls it.
//
// After the stage `arena`, @main takes one static memref per input, result and
// workspace. A function `run` that takes an array of plain pointers and builds
// the memrefs' descriptors is added to the LLVM module.
#include "lib/Driver/RunConstants.h"

#include "lib/Pipelines/Pipelines.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Transforms/Utils/Cloning.h"

using namespace mlir;

namespace nnc {

static constexpr size_t alignment = 64;
/// Results of at most this many bytes become inline constants.
static constexpr size_t inlineBytes = 256;

/// Memory of the alignment that generated code expects.
struct AlignedDelete {
  void operator()(void *memory) const { llvm::deallocate_buffer(memory, 0, alignment); }
};
using AlignedBuffer = std::unique_ptr<void, AlignedDelete>;

static AlignedBuffer allocate(size_t bytes) {
  return AlignedBuffer(llvm::allocate_buffer(std::max<size_t>(bytes, 1), alignment));
}

static size_t getBytes(ShapedType type) {
  Type element = type.getElementType();
  return type.getNumElements() * (element.isIndex() ? 8 : llvm::divideCeil(element.getIntOrFloatBitWidth(), 8));
}

/// The elements in memory order: the attribute's own bytes where it has them, else a copy in `storage`.
static void *getElements(ElementsAttr value, std::vector<AlignedBuffer> &storage) {
  auto type = cast<ShapedType>(value.getType());
  size_t bytes = getBytes(type);
  ArrayRef<char> raw;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    raw = blob ? blob->getData() : ArrayRef<char>();
  } else if (auto dense = dyn_cast<DenseElementsAttr>(value)) {
    raw = dense.getRawData();
    if (dense.isSplat() && type.getNumElements() != 1) {
      storage.push_back(allocate(bytes));
      auto *copy = static_cast<char *>(storage.back().get());
      for (size_t at = 0; at < bytes; at += raw.size())
        memcpy(copy + at, raw.data(), raw.size());
      return copy;
    }
  }
  return raw.size() == bytes ? const_cast<char *>(raw.data()) : nullptr;
}

/// Arguments of `main` for one memref: two pointers, offset, extents, strides.
static void appendDescriptor(llvm::IRBuilder<> &builder, llvm::Value *pointer, ArrayRef<int64_t> shape,
                             SmallVectorImpl<llvm::Value *> &arguments) {
  arguments.append({pointer, pointer, builder.getInt64(0)});
  for (int64_t extent : shape)
    arguments.push_back(builder.getInt64(extent));
  int64_t stride = 1;
  SmallVector<int64_t> strides(shape.size());
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i])
    strides[i] = stride;
  for (int64_t value : strides)
    arguments.push_back(builder.getInt64(value));
}

/// Adds `void run(void **pointers)`.
static LogicalResult addRun(llvm::Module &code, ArrayRef<SmallVector<int64_t>> shapes, Location loc) {
  llvm::Function *main = code.getFunction("main");
  if (!main)
    return emitError(loc) << "the constants' code has no function main";
  llvm::LLVMContext &context = code.getContext();
  llvm::IRBuilder<> builder(context);
  auto *type = llvm::FunctionType::get(builder.getVoidTy(), {builder.getPtrTy()}, /*isVarArg=*/false);
  auto *run = llvm::Function::Create(type, llvm::Function::ExternalLinkage, "run", code);
  builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", run));
  SmallVector<llvm::Value *> arguments;
  for (auto [i, shape] : llvm::enumerate(shapes)) {
    llvm::Value *place = builder.CreateConstGEP1_64(builder.getPtrTy(), run->getArg(0), i);
    appendDescriptor(builder, builder.CreateLoad(builder.getPtrTy(), place), shape, arguments);
  }
  if (arguments.size() != main->arg_size())
    return emitError(loc) << "the constants' code has an unexpected signature";
  llvm::CallInst *call = builder.CreateCall(main, arguments);
  builder.CreateRetVoid();
  // A call of so many arguments, and code of so many calls, would take more than linear time to compile with care: @main
  // becomes part of `run`, which is not optimised. What computes is in the layers' functions.
  llvm::InlineFunctionInfo inlining;
  if (!llvm::InlineFunction(*call, inlining).isSuccess())
    return emitError(loc) << "the constants' code cannot be called";
  main->eraseFromParent();
  run->addFnAttr(llvm::Attribute::OptimizeNone);
  run->addFnAttr(llvm::Attribute::NoInline);
  return success();
}

static llvm::Error callRun(std::unique_ptr<llvm::Module> code, std::unique_ptr<llvm::LLVMContext> context,
                           std::vector<void *> &pointers) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->setCodeGenOptLevel(llvm::CodeGenOptLevel::Default);
  auto machine = builder->createTargetMachine();
  if (!machine)
    return machine.takeError();
  code->setDataLayout((*machine)->createDataLayout());
  code->setTargetTriple((*machine)->getTargetTriple());
  auto jit = llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(std::move(*builder)).create();
  if (!jit)
    return jit.takeError();
  if (llvm::Error error = (*jit)->addIRModule(llvm::orc::ThreadSafeModule(std::move(code), std::move(context))))
    return error;
  auto symbol = (*jit)->lookup("run");
  if (!symbol)
    return symbol.takeError();
  symbol->toPtr<void (*)(void **)>()(pointers.data());
  return llvm::Error::success();
}

static LogicalResult lower(ModuleOp module, Stage first, Stage last) {
  PassManager passes(module.getContext());
  for (const StageInfo &info : getStages())
    if (info.stage >= first && info.stage <= last)
      buildStage(passes, info.stage, PipelineOptions());
  return passes.run(module);
}

FailureOr<SmallVector<ElementsAttr>> runConstants(OwningOpRef<ModuleOp> module, ArrayRef<ElementsAttr> inputs) {
  Location loc = module->getLoc();
  auto main = module->lookupSymbol<func::FuncOp>("main");
  SmallVector<Type> results(main.getResultTypes());
  if (failed(lower(*module, Stage::Buffers, Stage::Arena)))
    return failure();

  // One pointer per argument of @main: inputs, results, workspace.
  std::vector<AlignedBuffer> storage;
  std::vector<void *> pointers;
  SmallVector<SmallVector<int64_t>> shapes;
  for (ElementsAttr input : inputs) {
    pointers.push_back(getElements(input, storage));
    shapes.emplace_back(cast<ShapedType>(input.getType()).getShape());
    if (!pointers.back())
      return emitError(loc) << "a constant's bytes are not there: it was elided, or its resource is missing";
  }
  SmallVector<AsmResourceBlob> blobs;
  for (Type result : results) {
    auto type = cast<ShapedType>(result);
    blobs.push_back(HeapAsmResourceBlob::allocate(std::max<size_t>(getBytes(type), 1), alignment));
    pointers.push_back(blobs.back().getMutableData().data());
    shapes.emplace_back(type.getShape());
  }
  auto plan = module->getOperation()->getAttrOfType<DictionaryAttr>("nn.memory_plan");
  int64_t workspace = plan ? plan.getAs<IntegerAttr>("peak").getInt() : 0;
  storage.push_back(allocate(workspace));
  pointers.push_back(storage.back().get());
  shapes.push_back({workspace});

  if (failed(lower(*module, Stage::LLVM, Stage::LLVM)))
    return failure();
  auto context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> code = translateModuleToLLVMIR(*module, *context, "constants");
  module = nullptr; // its memory is not needed while the code runs
  if (!code || failed(addRun(*code, shapes, loc)))
    return failure();
  if (llvm::Error error = callRun(std::move(code), std::move(context), pointers))
    return emitError(loc) << "cannot run the constants' code: " << llvm::toString(std::move(error));

  SmallVector<ElementsAttr> values;
  for (auto [result, blob] : llvm::zip_equal(results, blobs)) {
    auto type = cast<ShapedType>(result);
    ArrayRef<char> data = blob.getData();
    if (getBytes(type) <= inlineBytes)
      values.push_back(DenseElementsAttr::getFromRawBuffer(type, data.take_front(getBytes(type))));
    else
      values.push_back(DenseResourceElementsAttr::get(type, "evaluated", std::move(blob)));
  }
  return values;
}

} // namespace nnc
