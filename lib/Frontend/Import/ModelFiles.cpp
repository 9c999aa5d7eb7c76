// Opens the files of a model and finds the ones beside them.
#include "lib/Frontend/Import/ModelFiles.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc::frontend {

Expected<ModelFile> ModelFile::open(StringRef path) {
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return createStringError(error.message());
  if (status.type() == sys::fs::file_type::directory_file)
    return createStringError("is a folder, not a model file");
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return createStringError(file.getError().message());
  if ((*file)->getBufferSize() == 0)
    return createStringError("the file is empty");
  return ModelFile{path.str(), std::move(*file)};
}

bool isText(StringRef content) {
  return !content.empty() && all_of(content.take_front(4096), [](unsigned char c) {
    return c >= 0x20 || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == '\v';
  });
}

StringRef dropByteOrderMark(StringRef text) {
  text.consume_front("\xEF\xBB\xBF");
  return text;
}

std::string getSiblingName(StringRef path, StringRef extension) {
  SmallString<128> sibling(path);
  sys::path::replace_extension(sibling, extension);
  return sibling.str().str();
}

std::string findSibling(StringRef path, StringRef extension) {
  std::string sibling = getSiblingName(path, extension);
  return sys::fs::is_regular_file(sibling) && sibling != path ? sibling : "";
}

} // namespace nnc::frontend
