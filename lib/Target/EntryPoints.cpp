// Builds the entry points around `main`.
#include "lib/Target/EntryPoints.h"

#include "lib/Analysis/MemoryPlanner.h"
#include "lib/Target/CpuModel.h"
#include "lib/Target/Descriptor.h"
#include "nnc/Runtime.h"

#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"

using namespace llvm;

namespace nnc {
namespace {

class EntryPointBuilder {
public:
  EntryPointBuilder(Module &module, const ModelInterface &interface, const DescriptorFacts &facts)
      : module(module), interface(interface), facts(facts), builder(module.getContext()), pointer(builder.getPtrTy()),
        index(module.getDataLayout().getIndexType(module.getContext(), 0)) {
    for (const CpuVariant &cpu : facts.cpus)
      prefixes.push_back(getCpuPrefix(cpu));
    if (prefixes.empty())
      prefixes.emplace_back();
  }

  void build();

private:
  Function *startFunction(const Twine &suffix, Type *result, ArrayRef<Type *> arguments);
  void returnIf(Value *condition, Value *result);
  Value *isMisaligned(Value *address, int64_t alignment);
  SmallVector<Value *> loadExtents(Value *extents, Value *onError);
  Value *isTooLarge(ArrayRef<Value *> extents);
  SmallVector<Value *> getExtentArguments(ArrayRef<Value *> extents);
  SmallVector<Value *> callOutputExtents(ArrayRef<Value *> extents);
  void appendMemRef(SmallVectorImpl<Value *> &arguments, Value *address, ArrayRef<Value *> shape);
  SmallVector<Value *> getShape(const TensorInterface &tensor, ArrayRef<Value *> extents);
  SmallVector<Value *> getPackedShape(const TensorInterface &tensor, ArrayRef<Value *> extents);
  void callChecked(Function *main, ArrayRef<Value *> arguments);
  void callMain(ArrayRef<Value *> arguments);
  Value *callWorkspaceSize(ArrayRef<Value *> extents);
  Function *buildRun();
  void checkWeights(Value *weights);
  void requestTiles();
  Function *buildInvoke(Function *run, const Twine &suffix, unsigned numArguments);
  SmallVector<Type *> getSizeArguments();
  Value *readSizeArguments(Function *function);
  Function *buildWorkspaceSize();
  Function *buildOutputExtents();
  Function *buildUnknowing(const Twine &suffix, Type *result, unsigned numArguments, uint64_t answer);
  Function *buildOfInputs(const Twine &suffix, Function *typed);

  Module &module;
  const ModelInterface &interface;
  const DescriptorFacts &facts;
  IRBuilder<> builder;
  PointerType *pointer;
  Type *index;
  SmallVector<std::string> prefixes; ///< of the functions for each CPU; one that is empty where there is one CPU
  Function *cpu = nullptr;           ///< tells the place of the CPU at hand; null where there is one CPU
  SmallVector<Value *> inputs; ///< of the function being built; null where it has none
};

} // namespace

Function *EntryPointBuilder::startFunction(const Twine &suffix, Type *result, ArrayRef<Type *> arguments) {
  auto *type = FunctionType::get(result, arguments, /*isVarArg=*/false);
  auto *function = Function::Create(type, GlobalValue::ExternalLinkage, interface.name + suffix, module);
  function->setDoesNotThrow();
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", function));
  return function;
}

void EntryPointBuilder::returnIf(Value *condition, Value *result) {
  Function *function = builder.GetInsertBlock()->getParent();
  auto *leave = BasicBlock::Create(module.getContext(), "leave", function);
  auto *go = BasicBlock::Create(module.getContext(), "go", function);
  builder.CreateCondBr(condition, leave, go);
  builder.SetInsertPoint(leave);
  builder.CreateRet(result);
  builder.SetInsertPoint(go);
}

Value *EntryPointBuilder::isMisaligned(Value *address, int64_t alignment) {
  Type *integer = module.getDataLayout().getIntPtrType(module.getContext());
  Value *low = builder.CreateAnd(builder.CreatePtrToInt(address, integer), alignment - 1);
  return builder.CreateICmpNE(low, ConstantInt::get(integer, 0));
}

/// Loads and checks the extents: each between 0 and 2^31 - 1, all of them fit each other, and there can be a workspace
/// and outputs for them.
SmallVector<Value *> EntryPointBuilder::loadExtents(Value *extents, Value *onError) {
  SmallVector<Value *> loaded;
  Value *wrong = builder.getFalse();
  for (unsigned i = 0; i < interface.extents.size(); ++i) {
    Value *extent =
        builder.CreateLoad(builder.getInt64Ty(), builder.CreateConstGEP1_64(builder.getInt64Ty(), extents, i));
    wrong = builder.CreateOr(wrong, builder.CreateICmpUGT(extent, builder.getInt64(INT32_MAX)));
    loaded.push_back(builder.CreateTrunc(extent, index));
  }
  if (!loaded.empty())
    returnIf(wrong, onError);
  if (Function *fit = module.getFunction(prefixes.front() + "main_extents_fit"))
    returnIf(builder.CreateNot(builder.CreateCall(fit, getExtentArguments(loaded))), onError);
  if (interface.isDynamic())
    returnIf(isTooLarge(loaded), onError);
  return loaded;
}

/// Whether the workspace or an output has more bytes than the address space can hold.
Value *EntryPointBuilder::isTooLarge(ArrayRef<Value *> extents) {
  Value *limit = ConstantInt::get(index, getSizeLimit(index->getIntegerBitWidth()));
  Value *isTooLarge = builder.CreateICmpUGE(callWorkspaceSize(extents), limit);
  SmallVector<Value *> outputExtents = callOutputExtents(extents);
  for (const TensorInterface &output : interface.outputs) {
    Value *bytes = ConstantInt::get(index, output.getElementBytes());
    for (Value *extent : getShape(output, outputExtents)) {
      Value *product = builder.CreateBinaryIntrinsic(Intrinsic::umul_with_overflow, bytes, extent);
      bytes = builder.CreateExtractValue(product, 0);
      isTooLarge = builder.CreateOr(isTooLarge, builder.CreateExtractValue(product, 1));
    }
    isTooLarge = builder.CreateOr(isTooLarge, builder.CreateICmpUGE(bytes, limit));
  }
  return isTooLarge;
}

/// What functions about extents take: one value per dynamic dimension of the inputs, in order, then the inputs whose
/// values sizes may be made of.
SmallVector<Value *> EntryPointBuilder::getExtentArguments(ArrayRef<Value *> extents) {
  SmallVector<Value *> arguments;
  for (const TensorInterface &input : interface.inputs)
    for (unsigned place : input.extentOf)
      arguments.push_back(extents[place]);
  for (auto [i, input] : enumerate(interface.inputs))
    if (input.hasSizeValues)
      appendMemRef(arguments, inputs[i], getShape(input, {}));
  return arguments;
}

SmallVector<Value *> EntryPointBuilder::callOutputExtents(ArrayRef<Value *> extents) {
  unsigned count = interface.outputExtents.size();
  if (count == 0)
    return {};
  Function *function = module.getFunction(prefixes.front() + "main_output_extents");
  Value *result = builder.CreateCall(function, getExtentArguments(extents));
  if (count == 1)
    return {result};
  SmallVector<Value *> values;
  for (unsigned i = 0; i < count; ++i)
    values.push_back(builder.CreateExtractValue(result, i));
  return values;
}

SmallVector<Value *> EntryPointBuilder::getShape(const TensorInterface &tensor, ArrayRef<Value *> extents) {
  SmallVector<Value *> shape;
  unsigned dynamic = 0;
  for (int64_t extent : tensor.shape)
    shape.push_back(mlir::ShapedType::isDynamic(extent) ? extents[tensor.extentOf[dynamic++]]
                                                        : ConstantInt::get(index, extent));
  return shape;
}

SmallVector<Value *> EntryPointBuilder::getPackedShape(const TensorInterface &tensor, ArrayRef<Value *> extents) {
  uint64_t perByte = 8 / tensor.elementType.getIntOrFloatBitWidth();
  Value *count = ConstantInt::get(index, 1);
  for (Value *extent : getShape(tensor, extents))
    count = builder.CreateMul(count, extent);
  Value *rounded = builder.CreateAdd(count, ConstantInt::get(index, perByte - 1));
  return {builder.CreateUDiv(rounded, ConstantInt::get(index, perByte))};
}

/// Allocated and aligned pointer, offset, sizes, row-major strides.
void EntryPointBuilder::appendMemRef(SmallVectorImpl<Value *> &arguments, Value *address, ArrayRef<Value *> shape) {
  arguments.append({address, address, ConstantInt::get(index, 0)});
  arguments.append(shape.begin(), shape.end());
  SmallVector<Value *> strides(shape.size());
  Value *stride = ConstantInt::get(index, 1);
  for (int64_t i = static_cast<int64_t>(shape.size()) - 1; i >= 0; --i) {
    strides[i] = stride;
    stride = builder.CreateMul(stride, shape[i]);
  }
  arguments.append(strides);
}

/// Calls `main`; where extents that data decide do not fit (1), or strings do not (2), leaves the function.
void EntryPointBuilder::callChecked(Function *main, ArrayRef<Value *> arguments) {
  Value *code = builder.CreateCall(main, arguments);
  if (code->getType()->isVoidTy())
    return;
  Value *isText = builder.CreateICmpEQ(code, builder.getInt32(2));
  returnIf(builder.CreateIsNotNull(code),
           builder.CreateSelect(isText, builder.getInt32(NNC_ERROR_TEXT), builder.getInt32(NNC_ERROR_EXTENT)));
}

/// Calls @main, or the one for the CPU at hand; leaves the function where there is none.
void EntryPointBuilder::callMain(ArrayRef<Value *> arguments) {
  if (facts.cpus.empty())
    return callChecked(module.getFunction("main"), arguments);
  Function *function = builder.GetInsertBlock()->getParent();
  auto *none = BasicBlock::Create(module.getContext(), "none", function);
  auto *done = BasicBlock::Create(module.getContext(), "done", function);
  SwitchInst *choice = builder.CreateSwitch(builder.CreateCall(cpu), none, prefixes.size());
  for (auto [i, prefix] : enumerate(prefixes)) {
    auto *run = BasicBlock::Create(module.getContext(), "run", function);
    choice->addCase(builder.getInt32(i), run);
    builder.SetInsertPoint(run);
    callChecked(module.getFunction(prefix + "main"), arguments);
    builder.CreateBr(done);
  }
  builder.SetInsertPoint(none);
  builder.CreateRet(builder.getInt32(NNC_ERROR_CPU));
  builder.SetInsertPoint(done);
}

/// Leaves the function where the caller's weights do not begin as those that the code was made with.
void EntryPointBuilder::checkWeights(Value *weights) {
  Value *difference = builder.getInt64(0);
  for (size_t place = 0; place < WeightsHeader::comparedWords; ++place) {
    Value *word = builder.CreateLoad(builder.getInt64Ty(), builder.CreateConstGEP1_64(builder.getInt64Ty(), weights, place));
    Value *expected = builder.getInt64(facts.weightsHeader->getWord(place));
    difference = builder.CreateOr(difference, builder.CreateXor(word, expected));
  }
  returnIf(builder.CreateIsNotNull(difference), builder.getInt32(NNC_ERROR_WEIGHTS));
}

/// Asks the system for the tile registers, where the code uses them; leaves the function where they are not granted.
void EntryPointBuilder::requestTiles() {
  if (!module.getFunction("llvm.x86.ldtilecfg"))
    return;
  Type *word = builder.getInt64Ty();
  auto *type = FunctionType::get(word, {word, word, word}, /*isVarArg=*/false);
  auto *call = InlineAsm::get(type, "syscall", "={ax},{ax},{di},{si},~{rcx},~{r11},~{memory},~{dirflag},~{fpsr},~{flags}",
                              /*hasSideEffects=*/true);
  Value *result = builder.CreateCall(call, {builder.getInt64(tilePermission.call), builder.getInt64(tilePermission.request),
                                            builder.getInt64(tilePermission.component)});
  returnIf(builder.CreateIsNotNull(result), builder.getInt32(NNC_ERROR_CPU));
}

Function *EntryPointBuilder::buildRun() {
  unsigned numInputs = interface.inputs.size(), numOutputs = interface.outputs.size();
  bool reports = interface.reportsExtents, takesWeights = facts.weightsHeader;
  SmallVector<Type *> types(numInputs + numOutputs + reports + interface.takesExtents() + takesWeights + 1 +
                                interface.threads,
                            pointer);
  Function *run = startFunction("_run", builder.getInt32Ty(), types);
  Value *workspace = run->getArg(types.size() - 1 - interface.threads);
  Value *weights = takesWeights ? run->getArg(types.size() - 2 - interface.threads) : nullptr;
  Value *parallel = interface.threads ? run->getArg(types.size() - 1) : nullptr; // may be null
  Value *extents = interface.takesExtents() ? run->getArg(numInputs + numOutputs + reports) : nullptr;
  bool needsWorkspace = facts.workspaceBytes != 0 || interface.isDynamic();

  Value *null = builder.getFalse();
  for (Argument &argument : run->args())
    if (&argument != parallel && (&argument != workspace || needsWorkspace))
      null = builder.CreateOr(null, builder.CreateIsNull(&argument));
  returnIf(null, builder.getInt32(NNC_ERROR_NULL));
  Value *misaligned = needsWorkspace ? isMisaligned(workspace, workspaceAlignment) : builder.getFalse();
  auto tensors = concat<const TensorInterface>(interface.inputs, interface.outputs);
  for (auto [i, tensor] : enumerate(tensors))
    if (tensor.getElementBytes() > 1)
      misaligned = builder.CreateOr(misaligned, isMisaligned(run->getArg(i), tensor.getElementBytes()));
  if (weights)
    misaligned = builder.CreateOr(misaligned, isMisaligned(weights, WeightsHeader::alignment));
  returnIf(misaligned, builder.getInt32(NNC_ERROR_ALIGNMENT));
  if (weights)
    checkWeights(weights);

  requestTiles();
  inputs.clear();
  for (unsigned i = 0; i < numInputs; ++i)
    inputs.push_back(run->getArg(i));
  SmallVector<Value *> arguments, inputExtents = loadExtents(extents, builder.getInt32(NNC_ERROR_EXTENT));
  SmallVector<Value *> outputExtents = callOutputExtents(inputExtents);
  for (auto [i, input] : enumerate(interface.inputs))
    appendMemRef(arguments, run->getArg(i), getShape(input, inputExtents));
  for (auto [i, output] : enumerate(interface.outputs))
    // A packed output is a row of bytes; a packed input has the shape of its elements, which the code knows.
    appendMemRef(arguments, run->getArg(numInputs + i),
                 output.isPacked() ? getPackedShape(output, outputExtents) : getShape(output, outputExtents));
  if (reports)
    appendMemRef(arguments, run->getArg(numInputs + numOutputs),
                 {ConstantInt::get(index, interface.outputExtents.size())});
  appendMemRef(arguments, workspace, {ConstantInt::get(index, facts.workspaceBytes)});
  if (parallel)
    arguments.push_back(parallel);
  if (weights)
    appendMemRef(arguments, builder.CreateConstGEP1_64(builder.getInt8Ty(), weights, WeightsHeader::size),
                 {ConstantInt::get(index, facts.weightsBytes - static_cast<int64_t>(WeightsHeader::size))});
  callMain(arguments);
  builder.CreateRet(builder.getInt32(NNC_OK));
  return run;
}

/// The sixth argument is the place for the outputs' extents, the seventh the weights. What is missing is null.
Function *EntryPointBuilder::buildInvoke(Function *run, const Twine &suffix, unsigned numArguments) {
  Function *invoke = startFunction(suffix, builder.getInt32Ty(), SmallVector<Type *>(numArguments, pointer));
  invoke->setLinkage(GlobalValue::InternalLinkage);
  SmallVector<Value *> arguments;
  auto load = [&](Value *array, unsigned i) {
    arguments.push_back(builder.CreateLoad(pointer, builder.CreateConstGEP1_64(pointer, array, i)));
  };
  for (unsigned i = 0; i < interface.inputs.size(); ++i)
    load(invoke->getArg(0), i);
  for (unsigned i = 0; i < interface.outputs.size(); ++i)
    load(invoke->getArg(1), i);
  auto getOrNull = [&](unsigned place) -> Value * {
    return place < numArguments ? static_cast<Value *>(invoke->getArg(place)) : ConstantPointerNull::get(pointer);
  };
  if (interface.reportsExtents)
    arguments.push_back(getOrNull(5));
  if (interface.takesExtents())
    arguments.push_back(invoke->getArg(2));
  if (facts.weightsHeader)
    arguments.push_back(getOrNull(6));
  arguments.push_back(invoke->getArg(3));
  if (interface.threads)
    arguments.push_back(invoke->getArg(4));
  builder.CreateRet(builder.CreateCall(run, arguments));
  return invoke;
}

/// Bytes that the code for each CPU can work with.
Value *EntryPointBuilder::callWorkspaceSize(ArrayRef<Value *> extents) {
  Value *most = ConstantInt::get(index, facts.workspaceBytes);
  for (const std::string &prefix : prefixes)
    if (Function *size = module.getFunction(prefix + "main_workspace"))
      most = builder.CreateBinaryIntrinsic(Intrinsic::umax, most, builder.CreateCall(size, getExtentArguments(extents)));
  return most;
}

/// What the caller gives about sizes: the extents, and the inputs whose values make some.
SmallVector<Type *> EntryPointBuilder::getSizeArguments() {
  size_t count = count_if(interface.inputs, [](const TensorInterface &input) { return input.decidesSizes; });
  return SmallVector<Type *>(count + interface.takesExtents(), pointer);
}

/// Sets `inputs` from the arguments of `function`; whether one of these arguments is null or misaligned.
Value *EntryPointBuilder::readSizeArguments(Function *function) {
  inputs.assign(interface.inputs.size(), ConstantPointerNull::get(pointer));
  Value *wrong = interface.takesExtents() ? builder.CreateIsNull(function->getArg(0)) : builder.getFalse();
  unsigned next = interface.takesExtents();
  for (auto [i, input] : enumerate(interface.inputs)) {
    if (!input.decidesSizes)
      continue;
    inputs[i] = function->getArg(next++);
    wrong = builder.CreateOr(wrong, builder.CreateIsNull(inputs[i]));
    wrong = builder.CreateOr(wrong, isMisaligned(inputs[i], input.getElementBytes()));
  }
  return wrong;
}

Function *EntryPointBuilder::buildWorkspaceSize() {
  Function *size = startFunction("_workspace_size", builder.getInt64Ty(), getSizeArguments());
  returnIf(readSizeArguments(size), builder.getInt64(0));
  SmallVector<Value *> loaded = loadExtents(interface.takesExtents() ? size->getArg(0) : nullptr, builder.getInt64(0));
  Value *bytes = callWorkspaceSize(loaded);
  // Never 0, which says that an extent is out of range; run-time extents need a workspace in any case.
  Value *least = builder.getInt64(workspaceAlignment);
  builder.CreateRet(
      builder.CreateBinaryIntrinsic(Intrinsic::umax, builder.CreateZExt(bytes, builder.getInt64Ty()), least));
  return size;
}

Function *EntryPointBuilder::buildOutputExtents() {
  SmallVector<Type *> types = getSizeArguments();
  if (!interface.isDynamic())
    types.push_back(pointer); // the descriptor's extents, of which there are none
  types.push_back(pointer);
  Function *function = startFunction("_output_extents", builder.getInt32Ty(), types);
  Value *place = function->getArg(types.size() - 1);
  Value *wrong = builder.CreateOr(readSizeArguments(function), builder.CreateIsNull(place));
  returnIf(wrong, builder.getInt32(NNC_ERROR_NULL));
  SmallVector<Value *> loaded =
      loadExtents(interface.takesExtents() ? function->getArg(0) : nullptr, builder.getInt32(NNC_ERROR_EXTENT));
  for (auto [i, extent] : enumerate(callOutputExtents(loaded)))
    builder.CreateStore(builder.CreateZExt(extent, builder.getInt64Ty()),
                        builder.CreateConstGEP1_64(builder.getInt64Ty(), place, i));
  builder.CreateRet(builder.getInt32(NNC_OK));
  return function;
}

/// For the descriptor: a function of pointers that lacks the inputs to answer.
Function *EntryPointBuilder::buildUnknowing(const Twine &suffix, Type *result, unsigned numArguments, uint64_t answer) {
  Function *function = startFunction(suffix, result, SmallVector<Type *>(numArguments, pointer));
  function->setLinkage(GlobalValue::InternalLinkage);
  builder.CreateRet(ConstantInt::get(result, answer));
  return function;
}

/// For the descriptor: `typed` with the inputs as an array of pointers.
Function *EntryPointBuilder::buildOfInputs(const Twine &suffix, Function *typed) {
  unsigned fromCaller = getSizeArguments().size();
  SmallVector<Type *> types(2 + typed->arg_size() - fromCaller, pointer); // inputs, extents, and what is behind them
  Function *function = startFunction(suffix, typed->getReturnType(), types);
  function->setLinkage(GlobalValue::InternalLinkage);
  returnIf(builder.CreateIsNull(function->getArg(0)),
           ConstantInt::get(typed->getReturnType(), typed->getReturnType()->isIntegerTy(64) ? 0 : NNC_ERROR_NULL));
  SmallVector<Value *> arguments;
  if (interface.takesExtents())
    arguments.push_back(function->getArg(1));
  for (auto [i, input] : enumerate(interface.inputs))
    if (input.decidesSizes)
      arguments.push_back(builder.CreateLoad(pointer, builder.CreateConstGEP1_64(pointer, function->getArg(0), i)));
  for (unsigned i = 2; i < types.size(); ++i)
    arguments.push_back(function->getArg(i));
  builder.CreateRet(builder.CreateCall(typed, arguments));
  return function;
}

void EntryPointBuilder::build() {
  SmallVector<GlobalObject *> own;
  for (GlobalObject &object : module.global_objects())
    if (!object.isDeclaration())
      own.push_back(&object);
  DescriptorFunctions functions;
  if (!facts.cpus.empty())
    functions.cpuChoice = addCpuChoice(module, interface.name, facts.cpus);
  cpu = functions.cpuChoice.first;
  Function *run = buildRun();
  functions.invoke = buildInvoke(run, "_invoke", 5);
  functions.invokeReporting = interface.reportsExtents ? buildInvoke(run, "_invoke_reporting", 6) : nullptr;
  functions.invokeWithWeights = facts.weightsHeader ? buildInvoke(run, "_invoke_with_weights", 7) : nullptr;
  functions.workspaceSize = interface.isDynamic() ? buildWorkspaceSize() : nullptr;
  functions.outputExtents = interface.outputExtents.empty() ? nullptr : buildOutputExtents();
  if (functions.outputExtents && !interface.isDynamic()) // constants, which the header has as macros
    functions.outputExtents->setLinkage(GlobalValue::InternalLinkage);
  if (interface.hasSizeInputs()) {
    functions.workspaceSizeFor = buildOfInputs("_workspace_size_for", functions.workspaceSize);
    functions.workspaceSize = buildUnknowing("_no_workspace_size", builder.getInt64Ty(), 1, 0);
    if (functions.outputExtents) {
      functions.outputExtentsFor = buildOfInputs("_output_extents_for", functions.outputExtents);
      functions.outputExtents = buildUnknowing("_no_output_extents", builder.getInt32Ty(), 2, NNC_ERROR_NULL);
    }
  }
  describeModel(module, interface, facts, functions);
  for (GlobalObject *object : own) {
    object->setLinkage(GlobalValue::InternalLinkage);
    object->setName(interface.name + "." + object->getName());
  }
}

std::string getCpuPrefix(const CpuVariant &cpu) { return cpu.name + "."; }

void addEntryPoints(Module &module, const ModelInterface &interface, const DescriptorFacts &facts) {
  EntryPointBuilder(module, interface, facts).build();
}

} // namespace nnc
