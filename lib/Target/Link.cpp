// The archive is written by LLVM; a shared library needs a linker from the PATH.
#include "lib/Target/Link.h"

#include "lib/Target/OutputFiles.h"

#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace nnc {

static SmallVector<char, 0> copyBytes(const MemoryBuffer &buffer) {
  return SmallVector<char, 0>(buffer.getBufferStart(), buffer.getBufferEnd());
}

Expected<SmallVector<char, 0>> makeStaticLibrary(ArrayRef<char> object, const std::string &member) {
  StringRef bytes(object.data(), object.size());
  SmallVector<NewArchiveMember, 1> members;
  members.emplace_back(MemoryBufferRef(bytes, member));
  members.back().Perms = 0644;
  auto archive = writeArchiveToBuffer(members, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU,
                                      /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    return archive.takeError();
  return copyBytes(**archive);
}

Expected<SmallVector<char, 0>> linkSharedLibrary(ArrayRef<char> object, const Triple &triple, bool freestanding) {
  Expected<std::string> objectPath = createTemporaryFile("o");
  if (!objectPath)
    return objectPath.takeError();
  FileRemover removeObject(*objectPath);
  OutputFiles files;
  if (Error error = files.add(*objectPath, [&](raw_ostream &os) { os.write(object.data(), object.size()); }))
    return std::move(error);
  if (Error error = files.commit())
    return std::move(error);
  Expected<std::string> libraryPath = createTemporaryFile("so");
  if (!libraryPath)
    return libraryPath.takeError();
  FileRemover removeLibrary(*libraryPath);

  bool isHost = triple.getArch() == Triple(sys::getDefaultTargetTriple()).getArch();
  SmallVector<StringRef> arguments;
  ErrorOr<std::string> linker = std::error_code();
  for (StringRef name : {"ld.lld", "ld.lld-22"})
    if ((linker = sys::findProgramByName(name)))
      break;
  if (!linker && isHost)
    linker = sys::findProgramByName("cc");
  if (!linker)
    return createStringError("a shared library needs a linker: install lld or a C compiler");
  arguments = {*linker, "-shared", "-o", *libraryPath, *objectPath};
  bool isDriver = StringRef(*linker).ends_with("cc");
  if (isDriver)
    arguments.push_back("-nostdlib");
  if (isDriver && !freestanding)
    arguments.push_back("-lc");
  std::string message;
  if (sys::ExecuteAndWait(*linker, arguments, std::nullopt, {}, 0, 0, &message) != 0)
    return createStringError("linking the shared library failed: " + *linker + " " + message);
  auto library = MemoryBuffer::getFile(*libraryPath, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!library)
    return errorCodeToError(library.getError());
  return copyBytes(**library);
}

} // namespace nnc
