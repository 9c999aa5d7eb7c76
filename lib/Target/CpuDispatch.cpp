// The features of CPUs come from LLVM, the bits that announce them from Intel's manual.
#include "lib/Target/CpuDispatch.h"

#include "lib/Target/CpuModel.h"
#include "nnc/Runtime.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/Triple.h"
#include "llvm/TargetParser/X86TargetParser.h"

using namespace llvm;

namespace nnc {
namespace {

/// Where a feature of LLVM's is announced.
struct FeatureBit {
  StringLiteral name;
  CpuidTest::Register reg;
  unsigned bit;
};

} // namespace

static constexpr FeatureBit featureBits[] = {
    {"sse3", CpuidTest::Leaf1Ecx, 0},        {"pclmul", CpuidTest::Leaf1Ecx, 1},
    {"ssse3", CpuidTest::Leaf1Ecx, 9},       {"fma", CpuidTest::Leaf1Ecx, 12},
    {"cx16", CpuidTest::Leaf1Ecx, 13},       {"sse4.1", CpuidTest::Leaf1Ecx, 19},
    {"sse4.2", CpuidTest::Leaf1Ecx, 20},     {"crc32", CpuidTest::Leaf1Ecx, 20},
    {"movbe", CpuidTest::Leaf1Ecx, 22},      {"popcnt", CpuidTest::Leaf1Ecx, 23},
    {"aes", CpuidTest::Leaf1Ecx, 25},        {"xsave", CpuidTest::Leaf1Ecx, 26},
    {"avx", CpuidTest::Leaf1Ecx, 28},        {"f16c", CpuidTest::Leaf1Ecx, 29},
    {"rdrnd", CpuidTest::Leaf1Ecx, 30},      {"bmi", CpuidTest::Leaf7Ebx, 3},
    {"avx2", CpuidTest::Leaf7Ebx, 5},        {"bmi2", CpuidTest::Leaf7Ebx, 8},
    {"avx512f", CpuidTest::Leaf7Ebx, 16},    {"avx512dq", CpuidTest::Leaf7Ebx, 17},
    {"rdseed", CpuidTest::Leaf7Ebx, 18},     {"adx", CpuidTest::Leaf7Ebx, 19},
    {"avx512ifma", CpuidTest::Leaf7Ebx, 21}, {"avx512cd", CpuidTest::Leaf7Ebx, 28},
    {"sha", CpuidTest::Leaf7Ebx, 29},        {"avx512bw", CpuidTest::Leaf7Ebx, 30},
    {"avx512vl", CpuidTest::Leaf7Ebx, 31},   {"avx512vbmi", CpuidTest::Leaf7Ecx, 1},
    {"avx512vbmi2", CpuidTest::Leaf7Ecx, 6}, {"gfni", CpuidTest::Leaf7Ecx, 8},
    {"vaes", CpuidTest::Leaf7Ecx, 9},        {"vpclmulqdq", CpuidTest::Leaf7Ecx, 10},
    {"avx512vnni", CpuidTest::Leaf7Ecx, 11}, {"avx512bitalg", CpuidTest::Leaf7Ecx, 12},
    {"avx512fp16", CpuidTest::Leaf7Edx, 23}, {"avx512vpopcntdq", CpuidTest::Leaf7Ecx, 14},
    {"avxvnni", CpuidTest::Leaf7_1Eax, 4},   {"avx512bf16", CpuidTest::Leaf7_1Eax, 5},
    {"avxifma", CpuidTest::Leaf7_1Eax, 23},  {"sahf", CpuidTest::Extended1Ecx, 0},
    {"lzcnt", CpuidTest::Extended1Ecx, 5},
};

static constexpr unsigned maxCpus = 16;    ///< each has a bit of an i32
static constexpr unsigned osxsaveBit = 27; ///< of leaf 1, ECX: XGETBV is there

//===--- Which CPUs ---===//

/// Bits of XCR0 that tell whether the operating system saves the registers of a feature.
static uint32_t getSystemState(StringRef feature) {
  constexpr uint32_t sseAndAvx = 0x6, avx512 = 0xe0;
  if (feature.starts_with("avx512"))
    return sseAndAvx | avx512;
  bool isVector = feature.starts_with("avx") || feature == "fma" || feature == "f16c" || feature == "vaes" ||
                  feature == "vpclmulqdq";
  return isVector ? sseAndAvx : 0;
}

static const FeatureBit *findBit(StringRef feature) {
  const auto *bit = find_if(featureBits, [&](const FeatureBit &known) { return known.name == feature; });
  return bit == std::end(featureBits) ? nullptr : bit;
}

/// All features of an x86 CPU, after those that the user adds or removes.
static StringMap<bool> getFeatures(StringRef cpu, StringRef changes) {
  SmallVector<StringRef> names, edits;
  X86::getFeaturesForCPU(cpu, names);
  StringMap<bool> features;
  for (StringRef name : names)
    features[name] = true;
  changes.split(edits, ',', -1, /*KeepEmpty=*/false);
  for (StringRef edit : edits) {
    bool isOn = edit.front() == '+';
    X86::updateImpliedFeatures(edit.drop_front(), isOn, features);
    features[edit.drop_front()] = isOn;
  }
  return features;
}

static Expected<CpuVariant> makeVariant(const TargetOptions &options, StringRef cpu) {
  SmallVector<StringRef> known;
  X86::fillValidCPUArchList(known, /*Only64Bit=*/true);
  if (cpu == "native")
    return createStringError("--cpu: 'native' cannot be one of several CPUs; it names this machine's only");
  if (cpu == "multi")
    return createStringError("--cpu: 'multi' stands alone, for x86-64-v2,x86-64-v3,x86-64-v4");
  CpuVariant variant{cpu.str(), options, {}};
  variant.target.cpu = variant.name;
  if (auto machine = createTargetMachine(variant.target); !machine)
    return machine.takeError();
  if (!is_contained(known, cpu))
    return createStringError("--cpu: '%s' cannot be one of several CPUs of x86-64", cpu.str().c_str());
  SmallVector<StringRef> edits;
  StringRef(options.features).split(edits, ',', -1, /*KeepEmpty=*/false);
  for (StringRef edit : edits)
    if (edit.consume_front("+") && !findBit(edit))
      return createStringError("--features=+%s: with several CPUs only features of which CPUID tells will do",
                               edit.str().c_str());
  StringMap<bool> everywhere = getFeatures("x86-64", ""), features = getFeatures(cpu, options.features);
  SmallVector<StringRef> hidden;
  for (const auto &[name, isOn] : features) {
    if (!isOn || everywhere.contains(name))
      continue;
    const FeatureBit *bit = findBit(name);
    if (!bit) {
      hidden.push_back(name);
      continue;
    }
    variant.test.bits[bit->reg] |= 1u << bit->bit;
    variant.test.systemState |= getSystemState(name);
  }
  llvm::sort(hidden); // not in the order of a hash table
  for (StringRef name : hidden)
    variant.target.features += (variant.target.features.empty() ? "-" : ",-") + name.str();
  return variant;
}

bool isOneCpu(const TargetOptions &options) { return options.cpu != "multi" && !StringRef(options.cpu).contains(','); }

Expected<std::vector<CpuVariant>> listCpus(const TargetOptions &options) {
  if (isOneCpu(options))
    return std::vector<CpuVariant>{{options.cpu, options, {}}};
  Triple triple(Triple::normalize(options.triple.empty() ? sys::getDefaultTargetTriple() : options.triple));
  if (triple.getArch() != Triple::x86_64)
    return createStringError("--cpu=%s: code for several CPUs is for x86-64 only; another target takes one CPU",
                             options.cpu.c_str());
  StringRef list = options.cpu == "multi" ? "x86-64-v2,x86-64-v3,x86-64-v4" : StringRef(options.cpu);
  SmallVector<StringRef> names;
  list.split(names, ',');
  if (names.size() > maxCpus)
    return createStringError("--cpu: at most %u CPUs", maxCpus);
  std::vector<CpuVariant> variants;
  for (StringRef name : names) {
    if (any_of(variants, [&](const CpuVariant &other) { return other.name == name; }))
      return createStringError("--cpu: '%s' is named twice", name.str().c_str());
    auto variant = makeVariant(options, name);
    if (!variant)
      return variant.takeError();
    variants.push_back(std::move(*variant));
  }
  return std::move(variants);
}

//===--- The choice at run time ---===//

namespace {

class ChoiceBuilder {
public:
  ChoiceBuilder(Module &module, StringRef model, ArrayRef<CpuVariant> cpus)
      : module(module), model(model), cpus(cpus), builder(module.getContext()), i32(builder.getInt32Ty()) {}

  Function *buildSupported();
  Function *buildCurrent(Function *supported);
  Function *buildUse(Function *supported);

private:
  Function *start(const Twine &name, GlobalValue::LinkageTypes linkage, ArrayRef<Type *> arguments);
  Value *callCpuid(uint32_t leaf, uint32_t subleaf);
  Value *readSystemState(Value *leaf1Ecx);
  Value *hasBits(Value *value, uint32_t bits);
  GlobalVariable *getChosen();

  Module &module;
  StringRef model;
  ArrayRef<CpuVariant> cpus;
  IRBuilder<> builder;
  Type *i32;
  GlobalVariable *chosen = nullptr;
};

} // namespace

Function *ChoiceBuilder::start(const Twine &name, GlobalValue::LinkageTypes linkage, ArrayRef<Type *> arguments) {
  auto *function =
      Function::Create(FunctionType::get(i32, arguments, /*isVarArg=*/false), linkage, model + name, module);
  function->setDoesNotThrow();
  builder.SetInsertPoint(BasicBlock::Create(module.getContext(), "entry", function));
  return function;
}

/// The four registers: EAX, EBX, ECX, EDX.
Value *ChoiceBuilder::callCpuid(uint32_t leaf, uint32_t subleaf) {
  auto *type = FunctionType::get(StructType::get(i32, i32, i32, i32), {i32, i32}, false);
  auto *code = InlineAsm::get(type, "cpuid", "={ax},={bx},={cx},={dx},{ax},{cx},~{dirflag},~{fpsr},~{flags}", false);
  return builder.CreateCall(code, {builder.getInt32(leaf), builder.getInt32(subleaf)});
}

/// XCR0, or 0 where XGETBV is not there.
Value *ChoiceBuilder::readSystemState(Value *leaf1Ecx) {
  Function *function = builder.GetInsertBlock()->getParent();
  auto *entry = builder.GetInsertBlock();
  auto *read = BasicBlock::Create(module.getContext(), "read", function);
  auto *done = BasicBlock::Create(module.getContext(), "done", function);
  builder.CreateCondBr(hasBits(leaf1Ecx, 1u << osxsaveBit), read, done);
  builder.SetInsertPoint(read);
  auto *type = FunctionType::get(StructType::get(i32, i32), {i32}, false);
  auto *code = InlineAsm::get(type, "xgetbv", "={ax},={dx},{cx},~{dirflag},~{fpsr},~{flags}", true);
  Value *low = builder.CreateExtractValue(builder.CreateCall(code, {builder.getInt32(0)}), 0);
  builder.CreateBr(done);
  builder.SetInsertPoint(done);
  PHINode *state = builder.CreatePHI(i32, 2);
  state->addIncoming(builder.getInt32(0), entry);
  state->addIncoming(low, read);
  return state;
}

Value *ChoiceBuilder::hasBits(Value *value, uint32_t bits) {
  Value *mask = builder.getInt32(bits);
  return builder.CreateICmpEQ(builder.CreateAnd(value, mask), mask);
}

/// Bit i of the result: the CPU can run the code for cpus[i].
Function *ChoiceBuilder::buildSupported() {
  Function *function = start(".cpus_supported", GlobalValue::InternalLinkage, {});
  auto reg = [&](Value *leaf, unsigned number) { return builder.CreateExtractValue(leaf, number); };
  auto ifThere = [&](Value *isThere, Value *value) {
    return builder.CreateSelect(isThere, value, builder.getInt32(0));
  };
  Value *last = reg(callCpuid(0, 0), 0), *lastExtended = reg(callCpuid(0x80000000, 0), 0);
  Value *leaf1 = callCpuid(1, 0), *leaf7 = callCpuid(7, 0), *leaf71 = callCpuid(7, 1),
        *extended = callCpuid(0x80000001, 0);
  Value *has7 = builder.CreateICmpUGE(last, builder.getInt32(7));
  Value *has71 = builder.CreateAnd(has7, builder.CreateICmpUGE(reg(leaf7, 0), builder.getInt32(1)));
  Value *hasExtended = builder.CreateICmpUGE(lastExtended, builder.getInt32(0x80000001));
  std::array<Value *, CpuidTest::NumRegisters> registers{reg(leaf1, 2),
                                                         ifThere(has7, reg(leaf7, 1)),
                                                         ifThere(has7, reg(leaf7, 2)),
                                                         ifThere(has7, reg(leaf7, 3)),
                                                         ifThere(has71, reg(leaf71, 0)),
                                                         ifThere(hasExtended, reg(extended, 2))};
  Value *state = readSystemState(registers[CpuidTest::Leaf1Ecx]);
  Value *supported = builder.getInt32(0);
  for (auto [i, cpu] : enumerate(cpus)) {
    Value *fits = hasBits(state, cpu.test.systemState);
    for (auto [value, bits] : zip(registers, cpu.test.bits))
      if (bits)
        fits = builder.CreateAnd(fits, hasBits(value, bits));
    supported = builder.CreateOr(supported, builder.CreateShl(builder.CreateZExt(fits, i32), i));
  }
  builder.CreateRet(supported);
  return function;
}

/// The choice plus one; 0 before it is made. All threads come to the same.
GlobalVariable *ChoiceBuilder::getChosen() {
  if (!chosen)
    chosen = new GlobalVariable(module, i32, /*isConstant=*/false, GlobalValue::InternalLinkage, builder.getInt32(0),
                                model + ".cpu_chosen");
  return chosen;
}

Function *ChoiceBuilder::buildCurrent(Function *supported) {
  Function *function = start("_cpu", GlobalValue::ExternalLinkage, {});
  auto *choose = BasicBlock::Create(module.getContext(), "choose", function);
  auto *known = BasicBlock::Create(module.getContext(), "known", function);
  LoadInst *before = builder.CreateAlignedLoad(i32, getChosen(), Align(4));
  before->setAtomic(AtomicOrdering::Monotonic);
  Value *one = builder.getInt32(1);
  builder.CreateCondBr(builder.CreateICmpEQ(before, builder.getInt32(0)), choose, known);
  builder.SetInsertPoint(known);
  builder.CreateRet(builder.CreateSub(before, one));
  builder.SetInsertPoint(choose);
  Value *zeros = builder.CreateBinaryIntrinsic(Intrinsic::ctlz, builder.CreateCall(supported), builder.getFalse());
  Value *best = builder.CreateSub(builder.getInt32(32), zeros); // 0 where the CPU can run none
  builder.CreateAlignedStore(best, getChosen(), Align(4))->setAtomic(AtomicOrdering::Monotonic);
  builder.CreateRet(builder.CreateSub(best, one));
  return function;
}

Function *ChoiceBuilder::buildUse(Function *supported) {
  Function *function = start("_use_cpu", GlobalValue::ExternalLinkage, {i32});
  auto *refuse = BasicBlock::Create(module.getContext(), "refuse", function);
  auto *choose = BasicBlock::Create(module.getContext(), "choose", function);
  auto *inRange = BasicBlock::Create(module.getContext(), "in_range", function);
  Value *next = builder.CreateAdd(function->getArg(0), builder.getInt32(1));
  builder.CreateCondBr(builder.CreateICmpUGT(next, builder.getInt32(cpus.size())), refuse, inRange);
  builder.SetInsertPoint(inRange);
  // -1 becomes bit 0, which is always there: the choice is made anew.
  Value *allowed = builder.CreateOr(builder.CreateShl(builder.CreateCall(supported), 1), 1);
  Value *bit = builder.CreateAnd(builder.CreateLShr(allowed, next), 1);
  builder.CreateCondBr(builder.CreateICmpEQ(bit, builder.getInt32(0)), refuse, choose);
  builder.SetInsertPoint(choose);
  builder.CreateAlignedStore(next, getChosen(), Align(4))->setAtomic(AtomicOrdering::Monotonic);
  builder.CreateRet(builder.getInt32(NNC_OK));
  builder.SetInsertPoint(refuse);
  builder.CreateRet(builder.getInt32(NNC_ERROR_CPU));
  return function;
}

std::pair<Function *, Function *> addCpuChoice(Module &module, StringRef model, ArrayRef<CpuVariant> cpus) {
  ChoiceBuilder builder(module, model, cpus);
  Function *supported = builder.buildSupported();
  return {builder.buildCurrent(supported), builder.buildUse(supported)};
}

} // namespace nnc
