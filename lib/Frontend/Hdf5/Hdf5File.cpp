// Reads what the child process lists of a file.
#include "lib/Frontend/Hdf5/Hdf5File.h"

#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/Hdf5/Hdf5Listing.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/DataExtractor.h"

using namespace mlir;

namespace nnc::frontend {

/// A listing repeats the paths of groups; beyond this many times its size a file has objects that are one and the same.
static constexpr size_t maxListing = size_t(1) << 31, leastListing = size_t(1) << 26, maxRepetition = 64;
/// Of the library for itself; it copies the file.
static constexpr size_t libraryMemory = size_t(1) << 30;
static constexpr uint64_t maxRank = 32;
/// Deflate cannot make data smaller than this.
static constexpr size_t maxExpansion = 1032;

Type Hdf5Dataset::getElementType(MLIRContext *context) const {
  unsigned bits = type.bytes * 8;
  switch (type.kind) {
  case 'f':
    return bits == 16   ? Type(Float16Type::get(context))
           : bits == 32 ? Type(Float32Type::get(context))
                        : Float64Type::get(context);
  case 'i':
    return IntegerType::get(context, bits);
  case 'u':
    return IntegerType::get(context, bits, IntegerType::Unsigned);
  case 'b':
    return IntegerType::get(context, 1);
  default:
    return {};
  }
}

/// Damaged files make the library turn in circles; honest ones take a hundredth of this.
static ChildLimits getLimits(size_t fileBytes, size_t resultBytes) {
  size_t megabytes = (fileBytes + resultBytes) >> 20;
  return {libraryMemory + 4 * (fileBytes + resultBytes), static_cast<unsigned>(std::min<size_t>(60, 5 + megabytes))};
}

static llvm::Error makeDamaged() {
  return llvm::createStringError("the HDF5 file is damaged, or of a kind that nnc does not read");
}

llvm::Expected<Hdf5File> Hdf5File::open(SharedBytes content, size_t sourceBytes) {
  size_t bytes = content.bytes.size(), limit = std::min(maxListing, std::max(leastListing, bytes * maxRepetition));
  auto listing = runInChild([&](Sink sink) { return listHdf5(content.bytes, sink); }, limit, getLimits(bytes, 0));
  if (!listing) {
    consumeError(listing.takeError());
    return makeDamaged();
  }
  Hdf5File file;
  file.content = std::move(content);
  file.sourceBytes = sourceBytes;
  if (llvm::Error error = file.parse(*listing)) {
    consumeError(std::move(error));
    return makeDamaged();
  }
  return file;
}

llvm::Error Hdf5File::parse(StringRef listing) {
  llvm::DataExtractor data(listing, /*IsLittleEndian=*/true, /*AddressSize=*/8);
  llvm::DataExtractor::Cursor cursor(0);
  auto readText = [&] { return data.getBytes(cursor, data.getU64(cursor)).str(); };
  while (cursor && !data.eof(cursor)) {
    auto record = static_cast<Hdf5Record>(data.getU8(cursor));
    std::string path = readText();
    if (record == Hdf5Record::Group) {
      groups[path] = 0;
    } else if (record == Hdf5Record::Attribute) {
      std::string name = readText();
      std::vector<std::string> &strings = attributes[{path, name}];
      for (uint64_t i = 0, count = data.getU64(cursor); cursor && i < count; ++i)
        strings.push_back(readText());
    } else if (record == Hdf5Record::Dataset) {
      Hdf5Dataset &dataset = datasets[path];
      dataset.path = path;
      uint64_t kind = data.getU64(cursor), bytes = data.getU64(cursor), isThere = data.getU64(cursor);
      uint64_t offset = data.getU64(cursor), rank = data.getU64(cursor);
      bool isKnown = kind && (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8);
      dataset.type = {isKnown ? static_cast<char>(kind) : char(0), static_cast<uint8_t>(isKnown ? bytes : 0)};
      if (isThere)
        dataset.offset = offset;
      for (uint64_t i = 0; cursor && i < std::min(rank, maxRank + 1); ++i)
        dataset.shape.push_back(data.getU64(cursor));
      if (rank > maxRank || !countElements(dataset.shape))
        dataset.type = {};
    } else if (cursor) {
      return llvm::createStringError("not a record");
    }
  }
  return cursor.takeError();
}

const std::vector<std::string> *Hdf5File::findAttribute(StringRef path, StringRef name) const {
  auto found = attributes.find({path.str(), name.str()});
  return found == attributes.end() ? nullptr : &found->second;
}

std::vector<std::string> Hdf5File::joinAttribute(StringRef path, StringRef name) const {
  if (const std::vector<std::string> *whole = findAttribute(path, name))
    return *whole;
  std::vector<std::string> strings;
  for (size_t i = 0;; ++i) {
    const std::vector<std::string> *piece = findAttribute(path, (name + Twine(i)).str());
    if (!piece)
      return strings;
    strings.insert(strings.end(), piece->begin(), piece->end());
  }
}

const Hdf5Dataset *Hdf5File::findDataset(StringRef path) const {
  auto found = datasets.find(path);
  return found == datasets.end() ? nullptr : &found->second;
}

std::vector<const Hdf5Dataset *> Hdf5File::listDatasets(StringRef group) const {
  std::vector<const Hdf5Dataset *> found;
  for (const auto &entry : datasets)
    if (StringRef path = entry.getKey(); path.consume_front(group) && path.starts_with("/"))
      found.push_back(&entry.getValue());
  llvm::sort(found, [](const Hdf5Dataset *a, const Hdf5Dataset *b) { return a->path < b->path; });
  return found;
}

llvm::Expected<SharedBytes> Hdf5File::read(const Hdf5Dataset &dataset, size_t bytes) const {
  // Sizes are only declared: chunks may be missing, and several datasets may lie at one place.
  if (bytes > sourceBytes * maxExpansion - bytesRead)
    return llvm::createStringError("'" + dataset.path + "' is too large for what a file of " + Twine(sourceBytes) +
                                   " bytes can hold");
  bytesRead += bytes;
  if (dataset.offset) {
    if (*dataset.offset > content.bytes.size() || bytes > content.bytes.size() - *dataset.offset)
      return llvm::createStringError("'" + dataset.path + "' lies beyond the end of the file");
    return SharedBytes{content.bytes.substr(*dataset.offset, bytes), content.owner};
  }
  auto fail = [&] { return llvm::createStringError("the elements of '" + dataset.path + "' cannot be read"); };
  if (isDamaged)
    return fail();
  auto elements = runInChild([&](Sink sink) { return readHdf5(content.bytes, dataset.path, bytes, sink); }, bytes,
                             getLimits(content.bytes.size(), bytes));
  if (elements && elements->size() == bytes) {
    auto owner = std::make_shared<std::string>(std::move(*elements));
    return SharedBytes{*owner, owner};
  }
  if (!elements)
    consumeError(elements.takeError());
  isDamaged = true;
  return fail();
}

} // namespace nnc::frontend
