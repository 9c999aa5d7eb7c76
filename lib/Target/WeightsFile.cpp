// The hash names the weights and not the model: two compilations that come to the same weights can share the file.
#include "lib/Target/WeightsFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/SHA256.h"

using namespace llvm;

namespace nnc {

static constexpr StringLiteral magic = StringLiteral::withInnerNUL("nncw\1\0\0\0");
static constexpr size_t digestPlace = 16, digestSize = 32;

WeightsHeader::WeightsHeader(ArrayRef<char> weights) {
  copy(magic, bytes.begin());
  support::endian::write64le(&bytes[magic.size()], size + weights.size());
  std::array<uint8_t, digestSize> digest =
      SHA256::hash(ArrayRef(reinterpret_cast<const uint8_t *>(weights.data()), weights.size()));
  copy(digest, bytes.begin() + digestPlace);
}

uint64_t WeightsHeader::getWord(size_t place) const { return support::endian::read64le(&bytes[8 * place]); }

std::string WeightsHeader::getDigest() const {
  return toHex(getBytes().substr(digestPlace, digestSize), /*LowerCase=*/true);
}

bool WeightsHeader::opens(StringRef contents) { return contents.starts_with(magic); }

} // namespace nnc
