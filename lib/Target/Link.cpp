// The archive is written by LLVM; a shared library needs a linker from the PATH.
#include "lib/Target/Link.h"

#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;

namespace nnc {

Error writeStaticLibrary(ArrayRef<char> object, const std::string &member, StringRef path) {
  StringRef bytes(object.data(), object.size());
  SmallVector<NewArchiveMember, 1> members;
  members.emplace_back(MemoryBufferRef(bytes, member));
  members.back().Perms = 0644;
  return writeArchive(path, members, SymtabWritingMode::NormalSymtab, object::Archive::K_GNU, /*Deterministic=*/true,
                      /*Thin=*/false);
}

Error linkSharedLibrary(ArrayRef<char> object, const Triple &triple, bool freestanding, StringRef path) {
  SmallString<128> objectPath, libraryPath;
  if (std::error_code error = sys::fs::createTemporaryFile("nnc", "o", objectPath))
    return errorCodeToError(error);
  FileRemover removeObject(objectPath);
  {
    std::error_code error;
    raw_fd_ostream os(objectPath, error);
    if (error)
      return errorCodeToError(error);
    os.write(object.data(), object.size());
  }
  // Beside the destination, so that the last step is a rename.
  if (std::error_code error = sys::fs::createUniqueFile(path + ".%%%%%%", libraryPath))
    return errorCodeToError(error);
  FileRemover removeLibrary(libraryPath);

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
  arguments = {*linker, "-shared", "-o", libraryPath, objectPath};
  bool isDriver = StringRef(*linker).ends_with("cc");
  if (isDriver)
    arguments.push_back("-nostdlib");
  if (isDriver && !freestanding)
    arguments.push_back("-lc");
  std::string message;
  if (sys::ExecuteAndWait(*linker, arguments, std::nullopt, {}, 0, 0, &message) != 0)
    return createStringError("linking the shared library failed: " + *linker + " " + message);
  if (std::error_code error =
          sys::fs::setPermissions(libraryPath, sys::fs::all_read | sys::fs::all_exe | sys::fs::owner_write))
    return errorCodeToError(error);
  if (std::error_code error = sys::fs::rename(libraryPath, path))
    return errorCodeToError(error);
  removeLibrary.releaseFile();
  return Error::success();
}

} // namespace nnc
