// Cuts a .weights file into the numbers of its layers.
#include "lib/Frontend/Darknet/WeightStream.h"

#include "llvm/Support/Endian.h"

using namespace llvm;

namespace nnc::darknet {

static constexpr size_t versionBytes = 3 * sizeof(int32_t);

Expected<WeightHeader> readHeader(StringRef content) {
  if (content.size() < versionBytes + sizeof(int32_t))
    return createStringError("the file of weights is too short for its header");
  auto read = [&](size_t index) {
    return static_cast<int32_t>(support::endian::read32le(content.data() + index * sizeof(int32_t)));
  };
  WeightHeader header{read(0), read(1), read(2)};
  if (header.major < 0 || header.minor < 0 || header.major > 2000 || header.minor > 2000)
    return createStringError("not a file of darknet's weights: its version is " + Twine(header.major) + "." +
                             Twine(header.minor));
  return header;
}

bool looksLikeWeights(StringRef content) {
  auto header = readHeader(content);
  if (!header) {
    consumeError(header.takeError());
    return false;
  }
  return header->major == 0 && header->minor <= 2 && header->patch >= 0 && header->patch <= 16 &&
         content.size() % sizeof(float) == 0;
}

WeightStream::WeightStream(const frontend::ModelFile &file, const WeightHeader &header, Dialect dialect)
    : buffer(file.buffer), rest(file.getContent()) {
  transposed = header.major > 1000 || header.minor > 1000;
  // How many images were seen in training: a longer number since version 0.2.
  bool isLong = header.major * 10 + header.minor >= 2 && (dialect == Dialect::AlexeyAB || !transposed);
  rest = rest.drop_front(std::min(rest.size(), versionBytes + (isLong ? sizeof(int64_t) : sizeof(int32_t))));
}

std::optional<StringRef> WeightStream::take(int64_t count) {
  if (count < 0 || count > getRest())
    return std::nullopt;
  StringRef bytes = rest.take_front(count * sizeof(float));
  rest = rest.drop_front(bytes.size());
  return bytes;
}

} // namespace nnc::darknet
