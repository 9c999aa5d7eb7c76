// Reads single files of an archive. What an entry says of its size is believed only as far as compression can reach.
#include "lib/Frontend/Import/Archive.h"

#include "llvm/Support/Endian.h"

#include <algorithm>
#include <vector>
#include <zip.h>

using namespace llvm;

namespace nnc::frontend {

/// Deflate cannot make data smaller than this.
static constexpr uint64_t maxExpansion = 1032;
static constexpr zip_uint64_t leastPiece = 1 << 20;

namespace {

class Archive {
public:
  explicit Archive(StringRef content) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(content.data(), content.size(), /*freep=*/0, &error);
    if (source && !(archive = zip_open_from_source(source, ZIP_RDONLY, &error)))
      zip_source_free(source);
    zip_error_fini(&error);
  }
  Archive(const Archive &) = delete;
  ~Archive() {
    if (archive)
      zip_discard(archive);
  }
  zip_t *get() const { return archive; }

private:
  zip_t *archive = nullptr;
};

} // namespace

bool isZip(StringRef content) { return content.starts_with(StringRef("PK\x03\x04", 4)); }

bool hasArchiveFile(StringRef content, StringRef name) {
  if (!isZip(content))
    return false;
  Archive archive(content);
  return archive.get() && zip_name_locate(archive.get(), name.str().c_str(), 0) >= 0;
}

StringRef getFirstArchiveFile(StringRef content) {
  static constexpr size_t lengthOffset = 26, nameOffset = 30;
  if (!isZip(content) || content.size() < nameOffset)
    return {};
  return content.substr(nameOffset, support::endian::read16le(content.data() + lengthOffset));
}

Expected<SharedBytes> readArchiveFile(StringRef content, StringRef name) {
  auto fail = [&](const Twine &reason) { return createStringError("'" + name + "' of the archive " + reason); };
  Archive archive(content);
  if (!archive.get())
    return createStringError("the zip archive is damaged");
  zip_stat_t entry;
  zip_int64_t index = zip_name_locate(archive.get(), name.str().c_str(), 0);
  if (index < 0)
    return fail("is missing");
  if (zip_stat_index(archive.get(), index, 0, &entry) != 0 || !(entry.valid & ZIP_STAT_SIZE) ||
      entry.size / maxExpansion > content.size())
    return fail("has no size that can be true");
  if ((entry.valid & ZIP_STAT_ENCRYPTION_METHOD) && entry.encryption_method != ZIP_EM_NONE)
    return fail("is encrypted");
  zip_file_t *file = zip_fopen_index(archive.get(), index, 0);
  if (!file)
    return fail("cannot be read: " + Twine(zip_strerror(archive.get())));
  // Memory is taken as data come, not as the entry says.
  auto bytes = std::make_shared<std::vector<char>>();
  zip_uint64_t done = 0;
  while (done < entry.size) {
    bytes->resize(std::min<zip_uint64_t>(entry.size, std::max(2 * done, leastPiece)));
    zip_int64_t count = zip_fread(file, bytes->data() + done, bytes->size() - done);
    if (count <= 0)
      break;
    done += count;
  }
  // The checksum is compared at the end of the data.
  char more;
  bool isWhole = done == entry.size && zip_fread(file, &more, 1) == 0;
  zip_fclose(file);
  if (!isWhole)
    return fail("is damaged");
  return SharedBytes{StringRef(bytes->data(), bytes->size()), bytes};
}

} // namespace nnc::frontend
