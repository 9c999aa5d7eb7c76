// The bitcode was made for wasm: what says so is replaced by the model's target.
#include "lib/Target/TextFunctions.h"

#include "lib/Target/TextFunctions.inc"

#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/MemoryBufferRef.h"

using namespace llvm;

namespace nnc {

Error linkTextFunctions(Module &module) {
  auto isWanted = [](const Function &function) {
    return function.isDeclaration() && function.getName().starts_with("nnc_text_");
  };
  if (none_of(module, isWanted))
    return Error::success();
  bool isNarrow = module.getDataLayout().getPointerSizeInBits() == 32;
  ArrayRef<unsigned char> bytes = isNarrow ? ArrayRef(textFunctions32) : ArrayRef(textFunctions64);
  StringRef text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  Expected<std::unique_ptr<Module>> functions = parseBitcodeFile({text, "text functions"}, module.getContext());
  if (!functions)
    return functions.takeError();
  (*functions)->setDataLayout(module.getDataLayout());
  (*functions)->setTargetTriple(module.getTargetTriple());
  if (NamedMDNode *flags = (*functions)->getModuleFlagsMetadata())
    (*functions)->eraseNamedMetadata(flags);
  for (Function &function : **functions)
    for (StringRef name : {"target-cpu", "target-features", "tune-cpu", "frame-pointer", "stack-protector-buffer-size"})
      function.removeFnAttr(name);
  bool failed = Linker::linkModules(module, std::move(*functions), Linker::LinkOnlyNeeded,
                                    [](Module &linked, const StringSet<> &names) {
                                      for (GlobalValue &value : linked.global_values())
                                        if (names.contains(value.getName()) && !value.isDeclaration())
                                          value.setLinkage(GlobalValue::InternalLinkage);
                                    });
  return failed ? createStringError("the functions on strings cannot be linked; this is a bug in nnc") : Error::success();
}

} // namespace nnc
