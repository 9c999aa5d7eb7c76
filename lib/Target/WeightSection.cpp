// Appends the weights to an ELF file and points the section's header there.
#include "lib/Target/WeightSection.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/IR/Constants.h"
#include "llvm/Object/ELFObjectFile.h"

using namespace mlir;

namespace nnc {

static const llvm::Align weightAlignment(64);

ArrayRef<char> detachWeights(ModuleOp module) {
  if (auto external = dyn_cast_or_null<DenseResourceElementsAttr>(module->removeAttr("nn.weights")))
    return external.getRawHandle().getBlob()->getData();
  auto global = module.lookupSymbol<LLVM::GlobalOp>("weights");
  if (!global)
    return {};
  auto value = dyn_cast_or_null<DenseResourceElementsAttr>(global.getValueOrNull());
  AsmResourceBlob *blob = value ? value.getRawHandle().getBlob() : nullptr;
  if (!blob)
    return {};
  global.removeValueAttr();
  global.setLinkage(LLVM::Linkage::External);
  global.setVisibility_(LLVM::Visibility::Hidden);
  global.setDsoLocal(true);
  return blob->getData();
}

void placeWeights(llvm::Module &module, StringRef section) {
  llvm::GlobalVariable *declared = module.getGlobalVariable("weights");
  if (!declared)
    return; // nothing reads them any more
  auto *type = llvm::ArrayType::get(llvm::Type::getInt8Ty(module.getContext()), weightAlignment.value());
  auto *placeholder = new llvm::GlobalVariable(module, type, /*isConstant=*/true, llvm::GlobalValue::PrivateLinkage,
                                               llvm::Constant::getNullValue(type));
  placeholder->setExternallyInitialized(true); // or the code generator would take its zeros for the weights
  placeholder->setSection(section);
  placeholder->setAlignment(weightAlignment);
  declared->replaceAllUsesWith(placeholder);
  declared->eraseFromParent();
  placeholder->setName("weights");
}

/// Sets place and size of the section; false where there is none of the name.
template <typename ELFT>
static llvm::Expected<bool> moveSection(const llvm::object::ELFObjectFile<ELFT> &file, StringRef name, uint64_t offset,
                                        uint64_t size) {
  auto sections = file.getELFFile().sections();
  if (!sections)
    return sections.takeError();
  for (const typename ELFT::Shdr &section : *sections) {
    auto found = file.getELFFile().getSectionName(section);
    if (!found)
      return found.takeError();
    if (*found != name)
      continue;
    auto &header = const_cast<typename ELFT::Shdr &>(section); // in the caller's buffer
    header.sh_offset = offset;
    header.sh_size = size;
    return true;
  }
  return false;
}

llvm::Error appendWeights(SmallVector<char, 0> &object, StringRef section, ArrayRef<char> weights) {
  uint64_t offset = llvm::alignTo(object.size(), weightAlignment);
  object.reserve(offset + weights.size());
  object.resize(offset, 0);
  auto file = llvm::object::ObjectFile::createObjectFile(
      llvm::MemoryBufferRef(StringRef(object.data(), object.size()), "object"));
  if (!file)
    return file.takeError();
  llvm::Expected<bool> moved = false;
  if (auto *elf = dyn_cast<llvm::object::ELF64LEObjectFile>(file->get()))
    moved = moveSection(*elf, section, offset, weights.size());
  else if (auto *elf = dyn_cast<llvm::object::ELF32LEObjectFile>(file->get()))
    moved = moveSection(*elf, section, offset, weights.size());
  else if (auto *elf = dyn_cast<llvm::object::ELF64BEObjectFile>(file->get()))
    moved = moveSection(*elf, section, offset, weights.size());
  else if (auto *elf = dyn_cast<llvm::object::ELF32BEObjectFile>(file->get()))
    moved = moveSection(*elf, section, offset, weights.size());
  if (!moved)
    return moved.takeError();
  if (*moved)
    object.append(weights.begin(), weights.end());
  return llvm::Error::success();
}

} // namespace nnc
