// Temporary files beside their destinations, renamed once all are complete.
#include "lib/Target/OutputFiles.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/Signals.h"

#include <utility>

using namespace llvm;

namespace nnc {

static Error fail(StringRef path, const Twine &reason) {
  return createStringError((path == "-" ? "cannot write to the standard output" : "cannot write '" + path + "'") + ": " +
                           reason);
}

/// `path` with something behind it that no file beside it has.
static std::string makeUnique(StringRef path, StringRef kind) {
  SmallString<16> suffix;
  do
    sys::fs::createUniquePath("." + kind + "-%%%%%%", suffix, /*MakeAbsolute=*/false);
  while (sys::fs::exists(path + suffix));
  return (path + suffix).str();
}

Expected<TemporaryFile> TemporaryFile::create(StringRef destination, unsigned mode) {
  TemporaryFile file;
  for (;;) {
    std::string path = makeUnique(destination, "tmp");
    std::error_code error = sys::fs::openFileForReadWrite(path, file.descriptor, sys::fs::CD_CreateNew, sys::fs::OF_None, mode);
    if (error == std::errc::file_exists) // since then
      continue;
    if (error)
      return errorCodeToError(error);
    sys::RemoveFileOnSignal(path);
    file.path = std::move(path);
    return std::move(file);
  }
}

TemporaryFile::TemporaryFile(TemporaryFile &&other)
    : path(std::exchange(other.path, {})), descriptor(std::exchange(other.descriptor, -1)) {}

TemporaryFile &TemporaryFile::operator=(TemporaryFile &&other) {
  std::swap(path, other.path);
  std::swap(descriptor, other.descriptor);
  return *this;
}

Error TemporaryFile::keep(StringRef destination) {
  std::error_code error = sys::fs::rename(path, destination);
  if (error)
    return errorCodeToError(error);
  sys::DontRemoveFileOnSignal(path);
  path.clear();
  error = sys::Process::SafelyCloseFileDescriptor(std::exchange(descriptor, -1));
  return error ? errorCodeToError(error) : Error::success();
}

void TemporaryFile::discard() {
  if (descriptor >= 0)
    sys::Process::SafelyCloseFileDescriptor(descriptor);
  if (path.empty())
    return;
  sys::fs::remove(path);
  sys::DontRemoveFileOnSignal(path);
}

/// Whether `path` is something that exists and is no regular file.
static bool isDevice(StringRef path) {
  sys::fs::file_status status;
  return !sys::fs::status(path, status) && status.type() != sys::fs::file_type::regular_file;
}

static Error flush(raw_fd_ostream &os, StringRef path) {
  os.flush();
  if (!os.has_error())
    return Error::success();
  std::string reason = os.error().message();
  os.clear_error();
  return fail(path, reason);
}

/// To the standard output, a device or a pipe.
static Error writeText(StringRef path, StringRef text) {
  if (path == "-") {
    outs() << text;
    return flush(outs(), path);
  }
  std::error_code error;
  raw_fd_ostream os(path, error);
  if (error)
    return fail(path, error.message());
  os << text;
  return flush(os, path);
}

Error OutputFiles::add(StringRef path, function_ref<void(raw_ostream &)> write, bool isExecutable) {
  File file{path.str(), std::nullopt};
  if (path == "-" || isDevice(path)) {
    raw_string_ostream os(file.text);
    write(os);
    files.push_back(std::move(file));
    return Error::success();
  }
  auto temporary = TemporaryFile::create(path, (isExecutable ? 0777 : 0666) & ~sys::fs::getUmask());
  if (!temporary)
    return fail(path, toString(temporary.takeError()));
  file.temporary = std::move(*temporary);
  files.push_back(std::move(file));
  raw_fd_ostream os(files.back().temporary->getDescriptor(), /*shouldClose=*/false);
  write(os);
  return flush(os, path);
}

/// Gives what lies at the file's path a second name, under which it outlives the renaming.
Error OutputFiles::keepBefore(File &file) {
  if (!sys::fs::exists(file.path))
    return Error::success();
  if (sys::fs::is_directory(file.path))
    return fail(file.path, "is a folder");
  std::string name = makeUnique(file.path, "old");
  std::error_code error = sys::fs::create_hard_link(file.path, name);
  if (error) // a file system without links
    error = sys::fs::rename(file.path, name);
  if (error)
    return fail(file.path, error.message());
  file.before = std::move(name);
  return Error::success();
}

Error OutputFiles::replace(MutableArrayRef<File> files) {
  bool isSingle = files.size() == 1; // which one renaming replaces or leaves
  for (File &file : files)
    if (file.temporary && !isSingle)
      if (Error error = keepBefore(file))
        return error;
  for (File &file : files) {
    if (!file.temporary)
      continue;
    Error error = file.temporary->keep(file.path);
    file.temporary.reset();
    if (error)
      return fail(file.path, toString(std::move(error)));
    file.isInPlace = true;
  }
  for (const File &file : files)
    if (!file.text.empty())
      if (Error error = writeText(file.path, file.text))
        return error;
  return Error::success();
}

void OutputFiles::undo(MutableArrayRef<File> files) {
  for (File &file : files) {
    if (!file.before.empty())
      sys::fs::rename(file.before, file.path);
    else if (file.isInPlace)
      sys::fs::remove(file.path);
    if (!file.before.empty()) // a link to the same file is no other after renaming
      sys::fs::remove(file.before);
    file.temporary.reset();
  }
}

Error OutputFiles::commit() {
  std::vector<File> uncommitted = std::move(files);
  files.clear();
  if (Error error = replace(uncommitted)) {
    undo(uncommitted);
    return error;
  }
  for (const File &file : uncommitted)
    if (!file.before.empty())
      sys::fs::remove(file.before);
  return Error::success();
}

Error checkOutputPath(StringRef path) {
  if (path == "-")
    return Error::success();
  if (sys::fs::is_directory(path))
    return fail(path, "is a folder");
  if (isDevice(path))
    return Error::success();
  StringRef folder = sys::path::parent_path(path);
  if (folder.empty())
    folder = ".";
  if (!sys::fs::is_directory(folder))
    return fail(path, "there is no folder '" + folder + "'");
  if (std::error_code error = sys::fs::access(folder, sys::fs::AccessMode::Write))
    return fail(path, error.message());
  if (sys::fs::exists(path) && sys::fs::access(path, sys::fs::AccessMode::Write))
    return fail(path, "it exists and is read-only");
  return Error::success();
}

Error checkOutputFolder(StringRef path) {
  StringRef above = path; // the nearest that is there
  while (!above.empty() && !sys::fs::exists(above))
    above = sys::path::parent_path(above);
  if (above.empty())
    above = ".";
  if (!sys::fs::is_directory(above))
    return createStringError("there can be no folder '" + path + "': '" + above + "' is a file");
  if (std::error_code error = sys::fs::access(above, sys::fs::AccessMode::Write))
    return createStringError("cannot write into the folder '" + path + "': " + error.message());
  return Error::success();
}

Error flushStandardOutput() { return flush(outs(), "-"); }

Expected<std::string> createTemporaryFile(StringRef extension) {
  SmallString<128> path, folder;
  std::error_code error = sys::fs::createTemporaryFile("nnc", extension, path);
  if (!error)
    return path.str().str();
  sys::path::system_temp_directory(/*erasedOnReboot=*/true, folder);
  return createStringError("cannot make a temporary file in '" + folder + "': " + error.message() +
                           "; the variable TMPDIR names another folder");
}

} // namespace nnc
