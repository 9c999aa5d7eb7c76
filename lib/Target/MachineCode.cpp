// Drives LLVM's pass builder and code generator.
#include "lib/Target/MachineCode.h"

#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/StandardInstrumentations.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace nnc {

/// Functions outside of layers that have more arguments only check pointers and call layers: passes whose time is
/// quadratic in the arguments are not worth it.
static constexpr size_t maxOptimizedArguments = 200;

void setFunctionAttributes(Function &function, const TargetMachine &machine) {
  if (function.isDeclaration() || function.hasFnAttribute("target-cpu"))
    return;
  function.addFnAttr("target-cpu", machine.getTargetCPU());
  if (!machine.getTargetFeatureString().empty())
    function.addFnAttr("target-features", machine.getTargetFeatureString());
  function.setDoesNotThrow();
  bool isLayer = function.getName().contains(".layer_"); // a function and a section per layer
  bool isLarge = function.arg_size() > maxOptimizedArguments && !isLayer;
  if (isLayer || isLarge)
    function.addFnAttr(Attribute::NoInline);
  if (isLarge)
    function.addFnAttr(Attribute::OptimizeNone);
}

void setFunctionAttributes(Module &module, const TargetMachine &machine) {
  for (Function &function : module)
    setFunctionAttributes(function, machine);
}

/// A loop over bytes: body(i) for i from 0 up, or from n - 1 down.
static void buildByteLoop(IRBuilder<> &builder, Value *count, bool down, function_ref<void(Value *)> body) {
  Function *function = builder.GetInsertBlock()->getParent();
  LLVMContext &context = builder.getContext();
  auto *entry = builder.GetInsertBlock();
  auto *loop = BasicBlock::Create(context, "loop", function);
  auto *done = BasicBlock::Create(context, "done", function);
  Value *zero = ConstantInt::get(count->getType(), 0), *one = ConstantInt::get(count->getType(), 1);
  builder.CreateCondBr(builder.CreateICmpEQ(count, zero), done, loop);
  builder.SetInsertPoint(loop);
  PHINode *i = builder.CreatePHI(count->getType(), 2);
  i->addIncoming(zero, entry);
  body(down ? builder.CreateSub(builder.CreateSub(count, one), i) : static_cast<Value *>(i));
  Value *next = builder.CreateAdd(i, one);
  i->addIncoming(next, loop);
  builder.CreateCondBr(builder.CreateICmpEQ(next, count), done, loop);
  builder.SetInsertPoint(done);
}

void addMemoryFunctions(Module &module) {
  LLVMContext &context = module.getContext();
  IRBuilder<> builder(context);
  Type *size = module.getDataLayout().getIntPtrType(context);
  PointerType *pointer = builder.getPtrTy();
  SmallVector<GlobalValue *> used;
  auto start = [&](StringRef name, Type *second) {
    auto *type = FunctionType::get(pointer, {pointer, second, size}, false);
    auto *function = Function::Create(type, GlobalValue::InternalLinkage, name, module);
    function->addFnAttr("no-builtins"); // or the loop would become a call to itself
    function->addFnAttr(Attribute::NoInline);
    builder.SetInsertPoint(BasicBlock::Create(context, "entry", function));
    used.push_back(function);
    return function;
  };
  auto copyByte = [&](Function *function, Value *i) {
    Value *byte =
        builder.CreateLoad(builder.getInt8Ty(), builder.CreateGEP(builder.getInt8Ty(), function->getArg(1), i));
    builder.CreateStore(byte, builder.CreateGEP(builder.getInt8Ty(), function->getArg(0), i));
  };
  Function *copy = start("memcpy", pointer);
  buildByteLoop(builder, copy->getArg(2), false, [&](Value *i) { copyByte(copy, i); });
  builder.CreateRet(copy->getArg(0));

  Function *move = start("memmove", pointer);
  auto *up = BasicBlock::Create(context, "up", move), *down = BasicBlock::Create(context, "down", move);
  builder.CreateCondBr(builder.CreateICmpULT(move->getArg(0), move->getArg(1)), up, down);
  for (BasicBlock *block : {up, down}) {
    builder.SetInsertPoint(block);
    buildByteLoop(builder, move->getArg(2), block == down, [&](Value *i) { copyByte(move, i); });
    builder.CreateRet(move->getArg(0));
  }

  Function *set = start("memset", builder.getInt32Ty());
  Value *byte = builder.CreateTrunc(set->getArg(1), builder.getInt8Ty());
  buildByteLoop(builder, set->getArg(2), false, [&](Value *i) {
    builder.CreateStore(byte, builder.CreateGEP(builder.getInt8Ty(), set->getArg(0), i));
  });
  builder.CreateRet(set->getArg(0));
  if (module.getTargetTriple().isOSDarwin()) { // where LLVM clears memory with bzero
    for (StringRef name : {"bzero", "__bzero"}) {
      Function *clear = start(name, size);
      buildByteLoop(builder, clear->getArg(1), false, [&](Value *i) {
        builder.CreateStore(builder.getInt8(0), builder.CreateGEP(builder.getInt8Ty(), clear->getArg(0), i));
      });
      builder.CreateRet(clear->getArg(0));
    }
  }
  appendToCompilerUsed(module, used);
  if (module.getTargetTriple()
          .isWindowsMSVCEnvironment()) { // the mark of a module with floating point; all may define it
    auto *mark = new GlobalVariable(module, builder.getInt32Ty(), /*isConstant=*/true, GlobalValue::WeakODRLinkage,
                                    builder.getInt32(0x9875), "_fltused");
    mark->setComdat(module.getOrInsertComdat("_fltused"));
  }
}

Error verify(const Module &module) {
  std::string problems;
  raw_string_ostream os(problems);
  if (!verifyModule(module, &os))
    return Error::success();
  return createStringError("the generated code is not valid LLVM IR; this is a bug in nnc: " +
                           StringRef(problems).split('\n').first);
}

void optimize(Module &module, TargetMachine &machine, unsigned optLevel) {
  PipelineTuningOptions tuning;
  tuning.LoopVectorization = false;
  tuning.LoopInterleaving = false;
  tuning.SLPVectorization = false;
  PassInstrumentationCallbacks callbacks;
  OptNoneInstrumentation skipping(/*DebugLogging=*/false); // what setFunctionAttributes leaves out
  skipping.registerCallbacks(callbacks);
  PassBuilder passBuilder(&machine, tuning, std::nullopt, &callbacks);
  TargetLibraryInfoImpl library(module.getTargetTriple());
  for (LibFunc pattern : {LibFunc_memset_pattern4, LibFunc_memset_pattern8, LibFunc_memset_pattern16})
    library.setUnavailable(pattern);
  LoopAnalysisManager loops;
  FunctionAnalysisManager functions;
  CGSCCAnalysisManager callGraph;
  ModuleAnalysisManager modules;
  functions.registerPass([&] { return TargetLibraryAnalysis(library); });
  passBuilder.registerModuleAnalyses(modules);
  passBuilder.registerCGSCCAnalyses(callGraph);
  passBuilder.registerFunctionAnalyses(functions);
  passBuilder.registerLoopAnalyses(loops);
  passBuilder.crossRegisterProxies(loops, functions, callGraph, modules);
  static const OptimizationLevel levels[] = {OptimizationLevel::O0, OptimizationLevel::O1, OptimizationLevel::O2,
                                             OptimizationLevel::O3};
  OptimizationLevel level = levels[std::min(optLevel, 3u)];
  ModulePassManager passes = level == OptimizationLevel::O0 ? passBuilder.buildO0DefaultPipeline(level)
                                                            : passBuilder.buildPerModuleDefaultPipeline(level);
  passes.run(module, modules);
}

Expected<SmallVector<char, 0>> generateCode(Module &module, TargetMachine &machine, CodeGenFileType kind) {
  SmallVector<char, 0> code;
  raw_svector_ostream stream(code);
  legacy::PassManager passes;
  if (machine.addPassesToEmitFile(passes, stream, nullptr, kind))
    return createStringError("the target cannot write this kind of file");
  passes.run(module);
  return code;
}

} // namespace nnc
