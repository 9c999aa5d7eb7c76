// Temporary files beside their destinations, renamed once all are complete.
#include "lib/Target/OutputFiles.h"

#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc {

static Error fail(StringRef path, const Twine &reason) {
  return createStringError("cannot write '" + path + "': " + reason);
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

OutputFiles::~OutputFiles() {
  for (File &file : files)
    if (file.temporary)
      consumeError(file.temporary->discard());
}

Error OutputFiles::add(StringRef path, function_ref<void(raw_ostream &)> write, bool isExecutable) {
  File file{path.str(), std::nullopt};
  if (path == "-" || isDevice(path)) {
    raw_string_ostream os(file.text);
    write(os);
    files.push_back(std::move(file));
    return Error::success();
  }
  auto temporary = sys::fs::TempFile::create(path + ".tmp-%%%%%%", (isExecutable ? 0777 : 0666) & ~sys::fs::getUmask());
  if (!temporary)
    return fail(path, toString(temporary.takeError()));
  file.temporary = std::move(*temporary);
  files.push_back(std::move(file));
  raw_fd_ostream os(files.back().temporary->FD, /*shouldClose=*/false);
  write(os);
  return flush(os, path);
}

/// Gives what lies at the file's path a second name, under which it outlives the renaming.
Error OutputFiles::keepBefore(File &file) {
  if (!sys::fs::exists(file.path))
    return Error::success();
  if (sys::fs::is_directory(file.path))
    return fail(file.path, "is a folder");
  SmallString<128> name;
  sys::fs::createUniquePath(file.path + ".old-%%%%%%", name, /*MakeAbsolute=*/false);
  std::error_code error = sys::fs::create_hard_link(file.path, name);
  if (error) // a file system without links
    error = sys::fs::rename(file.path, name);
  if (error)
    return fail(file.path, error.message());
  file.before = name.str().str();
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
    if (file.temporary)
      consumeError(file.temporary->discard());
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
  return Error::success();
}

} // namespace nnc
