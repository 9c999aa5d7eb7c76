// Output files that exist only once all of them are complete.
#ifndef LIB_TARGET_OUTPUTFILES_H
#define LIB_TARGET_OUTPUTFILES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace nnc {

/// A file beside the one that it will be; it ends with this, or with the process, unless it is kept. llvm::sys::fs::TempFile
/// takes each % of a path for a digit that it may choose, those of folders as well.
class TemporaryFile {
public:
  static llvm::Expected<TemporaryFile> create(llvm::StringRef destination, unsigned mode);
  TemporaryFile(TemporaryFile &&other);
  TemporaryFile &operator=(TemporaryFile &&other);
  ~TemporaryFile() { discard(); }

  int getDescriptor() const { return descriptor; }
  /// Gives it the name of its destination.
  llvm::Error keep(llvm::StringRef destination);

private:
  TemporaryFile() = default;
  void discard();

  std::string path; ///< empty: it was kept
  int descriptor = -1;
};

/// Files that a command writes together: each goes to a temporary file beside its destination, `commit` renames them.
/// What was not committed leaves nothing behind. Errors name the file.
class OutputFiles {
public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles &) = delete;
  OutputFiles &operator=(const OutputFiles &) = delete;

  /// Writes what will be the contents of `path`; `-` is the standard output. Devices and pipes, which cannot be
  /// replaced by renaming, are written by `commit`.
  llvm::Error add(llvm::StringRef path, llvm::function_ref<void(llvm::raw_ostream &)> write, bool isExecutable = false);
  /// Gives all files their names. After a failure none of them is there, and what they would have replaced is.
  llvm::Error commit();

private:
  struct File {
    std::string path;
    std::optional<TemporaryFile> temporary;
    std::string text = "";   ///< where there is no temporary file
    std::string before = ""; ///< while several are committed: what lay at `path`, under another name; empty: nothing
    bool isInPlace = false;
  };
  static llvm::Error keepBefore(File &file);
  static llvm::Error replace(llvm::MutableArrayRef<File> files);
  static void undo(llvm::MutableArrayRef<File> files);

  std::vector<File> files;
};

/// Whether a file can be written at `path`, as far as that can be told without writing: its folder exists and lets
/// itself be written, and `path` itself is no folder, nor a file that is read-only.
llvm::Error checkOutputPath(llvm::StringRef path);

/// The same for a folder, which is made where it is not there.
llvm::Error checkOutputFolder(llvm::StringRef path);

/// Writes what is left to write to the standard output, which may be a file on a full disk.
llvm::Error flushStandardOutput();

/// An empty file among the system's temporary ones, of a name that ends with `extension`; the caller removes it.
llvm::Expected<std::string> createTemporaryFile(llvm::StringRef extension);

} // namespace nnc

#endif // LIB_TARGET_OUTPUTFILES_H
