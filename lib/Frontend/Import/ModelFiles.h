// The files of one model: what the user named, and what belongs to it by name.
#ifndef LIB_FRONTEND_IMPORT_MODELFILES_H
#define LIB_FRONTEND_IMPORT_MODELFILES_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <memory>
#include <string>

namespace nnc::frontend {

/// One file with its contents.
struct ModelFile {
  std::string path;
  std::shared_ptr<llvm::MemoryBuffer> buffer;

  /// Reads (maps) a file; an error names it.
  static llvm::Expected<ModelFile> open(llvm::StringRef path);
  llvm::StringRef getContent() const { return buffer->getBuffer(); }
};

/// Whether a file is text: no byte of it is a control character beside white space. Looks at its beginning only.
bool isText(llvm::StringRef content);
/// A text without the mark that some editors write in front of UTF-8.
llvm::StringRef dropByteOrderMark(llvm::StringRef text);

/// `path` with the extension `extension` (with its dot) instead of its own, whether or not there is such a file.
std::string getSiblingName(llvm::StringRef path, llvm::StringRef extension);

/// The file beside `path` that has its name and the extension `extension` (with its dot) instead; empty where there is
/// none. Another name would be a guess, and weights of another network may well fit.
std::string findSibling(llvm::StringRef path, llvm::StringRef extension);

} // namespace nnc::frontend

#endif // LIB_FRONTEND_IMPORT_MODELFILES_H
