// Uses LLVM's object reader and objcopy library on the object in memory.
#include "lib/Target/ObjectFile.h"

#include "llvm/IR/Instructions.h"
#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::object;

namespace nnc {

static MemoryBufferRef asBuffer(ArrayRef<char> object) {
  return MemoryBufferRef(StringRef(object.data(), object.size()), "object");
}

using FunctionNames = std::map<std::pair<uint64_t, uint64_t>, StringRef>; // by section index and address

/// The functions that the relocations of `section` point to, by the offset of the relocation.
static Expected<std::map<uint64_t, StringRef>> readRelocatedNames(const ObjectFile &file, const SectionRef &section,
                                                                  const FunctionNames &functions) {
  std::map<uint64_t, StringRef> names;
  for (const SectionRef &relocations : file.sections()) {
    Expected<section_iterator> relocated = relocations.getRelocatedSection();
    if (!relocated)
      return relocated.takeError();
    if (*relocated == file.section_end() || **relocated != section)
      continue;
    for (const RelocationRef &relocation : relocations.relocations()) {
      auto symbol = relocation.getSymbol();
      if (symbol == file.symbol_end())
        continue;
      Expected<section_iterator> target = symbol->getSection();
      Expected<uint64_t> value = symbol->getValue();
      if (!target || !value)
        return target ? value.takeError() : target.takeError();
      int64_t addend = 0;
      if (Expected<int64_t> read = ELFRelocationRef(relocation).getAddend())
        addend = *read;
      else
        consumeError(read.takeError()); // REL: the addend stands in the section, and is 0 for functions
      auto found = functions.find({(*target)->getIndex(), *value + addend});
      if (found != functions.end())
        names[relocation.getOffset()] = found->second;
    }
  }
  return names;
}

/// Each record of .stack_sizes is a relocated function address and a ULEB128 size.
static Error readStackSizes(const ObjectFile &file, const SectionRef &section, const FunctionNames &functions,
                            StringMap<int64_t> &stack) {
  Expected<StringRef> contents = section.getContents();
  if (!contents)
    return contents.takeError();
  DataExtractor data(*contents, file.isLittleEndian(), file.getBytesInAddress());
  auto names = readRelocatedNames(file, section, functions);
  if (!names)
    return names.takeError();
  uint64_t offset = 0;
  while (offset < contents->size()) {
    auto name = names->find(offset);
    data.getAddress(&offset);
    uint64_t bytes = data.getULEB128(&offset);
    if (name != names->end())
      stack[name->second] = bytes;
  }
  return Error::success();
}

Expected<ObjectFacts> inspectObject(ArrayRef<char> object) {
  auto file = ObjectFile::createObjectFile(asBuffer(object));
  if (!file)
    return file.takeError();
  ObjectFacts facts;
  FunctionNames functions;
  for (const SymbolRef &symbol : (*file)->symbols()) {
    Expected<uint32_t> flags = symbol.getFlags();
    Expected<StringRef> name = symbol.getName();
    Expected<SymbolRef::Type> type = symbol.getType();
    if (!flags || !name || !type)
      return !flags ? flags.takeError() : !name ? name.takeError() : type.takeError();
    if ((*flags & SymbolRef::SF_Undefined) && !name->empty()) {
      facts.undefined.push_back(name->str());
      continue;
    }
    Expected<section_iterator> section = symbol.getSection();
    Expected<uint64_t> value = symbol.getValue();
    if (!section || !value)
      return section ? value.takeError() : section.takeError();
    if (*type == SymbolRef::ST_Function && *section != (*file)->section_end())
      functions[{(*section)->getIndex(), *value}] = *name;
  }
  llvm::sort(facts.undefined);
  for (const SectionRef &section : (*file)->sections()) {
    Expected<StringRef> name = section.getName();
    if (!name)
      return name.takeError();
    if (section.isText())
      facts.code += section.getSize();
    else if (section.isBSS() || (section.isData() && !name->starts_with(".data.rel.ro") && *name != ".rodata" &&
                                 !name->starts_with(".rodata.") && (*name == ".data" || name->starts_with(".data."))))
      facts.data += section.getSize();
    if (*name == ".stack_sizes")
      if (Error error = readStackSizes(**file, section, functions, facts.stack))
        return error;
  }
  return facts;
}

UndefinedKind classifyUndefined(StringRef symbol, const Triple &triple) {
  // Names that the linker itself defines.
  static const char *const linker[] = {
      "_GLOBAL_OFFSET_TABLE_", ".TOC.",   "__indirect_function_table", "__stack_pointer", "__memory_base",
      "__table_base",          "_gp_disp"};
  static const char *const memory[] = {"memcpy", "memmove", "memset"};
  if (is_contained(linker, symbol))
    return UndefinedKind::Linker;
  bool hasPrefix = triple.isOSBinFormatMachO() || (triple.isOSWindows() && triple.getArch() == Triple::x86);
  if (hasPrefix)
    symbol.consume_front("_");
  if (is_contained(memory, symbol) || (triple.isOSDarwin() && (symbol == "bzero" || symbol == "__bzero")))
    return UndefinedKind::Memory;
  // libgcc and compiler-rt: __<operation><modes><operand count>, and ARM's __aeabi_*.
  static Regex runtime("^__(aeabi_[a-z0-9]+|u?div[sdt]i3|u?mod[sdt]i3|u?divmod[sdt]i4|mul[sdt]i3|ash[lr][sdt]i3|"
                       "lshr[sdt]i3|(fix|fixuns|float|floatun)[bshdtx][fi]?[sdt][fi]|(extend|trunc)[bshdtx]f[bshdtx]f2|"
                       "(add|sub|mul|div)[sdt]f3|neg[sdt]f2|(cmp|eq|ne|lt|le|gt|ge|unord)[sdt]f2|clz[sd]i2|ctz[sd]i2|"
                       "popcount[sd]i2|gnu_[fh]2[fh]_ieee)$");
  // Of Microsoft's compiler: stack probes, 64-bit arithmetic, and the mark of a program that uses floating point.
  static Regex windows("^(_fltused|_{1,3}chkstk(_ms)?|_a(ll|ull)(div|rem|mul|shl|shr))$");
  bool isRuntime = runtime.match(symbol) || (triple.isOSWindows() && windows.match(symbol));
  return isRuntime ? UndefinedKind::Runtime : UndefinedKind::Foreign;
}

namespace {

/// Depth-first search over the call tree.
class StackDepth {
public:
  StackDepth(const Module &module, const StringMap<int64_t> &stack) : stack(stack) {
    for (const Function &function : module)
      if (!function.isDeclaration() && function.hasAddressTaken())
        addressTaken.push_back(&function);
  }

  int64_t get(const Function &function) {
    if (function.isDeclaration())
      return 0;
    auto [known, isNew] = depths.try_emplace(&function, -1);
    if (!isNew)
      return known->second; // a circle reads -1 here
    auto own = stack.find(function.getName());
    if (own == stack.end())
      return -1;
    int64_t deepest = 0;
    for (const BasicBlock &block : function)
      for (const Instruction &instruction : block)
        if (auto *call = dyn_cast<CallBase>(&instruction)) {
          int64_t callees = getCallees(*call);
          if (callees < 0)
            return -1;
          deepest = std::max(deepest, callees);
        }
    // The return address, and what aligning the frame may cost.
    return depths[&function] = own->second + 8 + 64 + deepest;
  }

private:
  int64_t getCallees(const CallBase &call) {
    if (const Function *callee = call.getCalledFunction())
      return get(*callee);
    if (call.isInlineAsm())
      return 0;
    int64_t deepest = 0;
    for (const Function *function : addressTaken) {
      int64_t depth = get(*function);
      if (depth < 0)
        return -1;
      deepest = std::max(deepest, depth);
    }
    return deepest;
  }

  const StringMap<int64_t> &stack;
  SmallVector<const Function *> addressTaken;
  DenseMap<const Function *, int64_t> depths;
};

} // namespace

int64_t getWorstStack(const Module &module, const StringMap<int64_t> &stack) {
  StackDepth depth(module, stack);
  int64_t worst = 0;
  for (const Function &function : module) {
    if (function.isDeclaration() || function.hasLocalLinkage())
      continue;
    int64_t bytes = depth.get(function);
    if (bytes < 0)
      return -1;
    worst = std::max(worst, bytes);
  }
  return worst;
}

Expected<SmallVector<char, 0>> stripStackSizes(ArrayRef<char> object) {
  auto file = ObjectFile::createObjectFile(asBuffer(object));
  if (!file)
    return file.takeError();
  SmallVector<char, 0> stripped;
  if (!(*file)->isELF()) {
    stripped.assign(object.begin(), object.end());
    return stripped;
  }
  objcopy::ConfigManager config;
  config.Common.InputFilename = "object";
  config.Common.OutputFilename = "object";
  auto pattern =
      objcopy::NameOrPattern::create(".stack_sizes", objcopy::MatchStyle::Literal, [](Error error) { return error; });
  if (!pattern)
    return pattern.takeError();
  if (Error error = config.Common.ToRemove.addMatcher(std::move(pattern)))
    return error;
  raw_svector_ostream stream(stripped);
  if (Error error = objcopy::executeObjcopyOnBinary(config, **file, stream))
    return error;
  return stripped;
}

} // namespace nnc
