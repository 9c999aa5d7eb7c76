// OverFeat's file is weights alone: only its size says anything, and `--shape` what the network takes. So the bytes that libFuzzer
// makes are those two: an odd one in front means that the file has another size than the networks have, then come extents of
// the input, eight bytes each. The file itself is pages of zeros that nothing reads.
#include "lib/Frontend/OverFeat/OverFeat.h"

#include "test/fuzz/Import.h"

#include "llvm/Support/Memory.h"

#include <cstring>

using namespace mlir;

/// Of both networks (docs/formats.md).
static constexpr size_t networkBytes[] = {583683488, 578625952};

static StringRef getPages() {
  static llvm::sys::OwningMemoryBlock pages = [] {
    std::error_code error;
    auto block = llvm::sys::Memory::allocateMappedMemory(networkBytes[0], nullptr, llvm::sys::Memory::MF_READ, error);
    if (error)
      abort();
    return llvm::sys::OwningMemoryBlock(block);
  }();
  return StringRef(static_cast<const char *>(pages.base()), networkBytes[0]);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 2)
    return 0;
  size_t bytes = networkBytes[data[1] & 1];
  if (data[0] & 1)
    bytes -= size_t(data[0]) * data[1];
  nnc::frontend::ImportOptions options;
  SmallVector<int64_t> extents((size - 2) / sizeof(int64_t));
  if (!extents.empty()) {
    memcpy(extents.data(), data + 2, extents.size() * sizeof(int64_t));
    options.shapes.inputs["input"] = extents;
  }
  auto buffer = llvm::MemoryBuffer::getMemBuffer(getPages().take_front(bytes), "fuzzed", /*RequiresNullTerminator=*/false);
  nnc::frontend::ModelFile file{"fuzzed", std::move(buffer)};
  auto import = [&](MLIRContext &context, const nnc::frontend::ImportOptions &options) {
    return nnc::overfeat::importModel(context, file, options);
  };
  nnc::fuzz::checkImport(import, options);
  return 0;
}
