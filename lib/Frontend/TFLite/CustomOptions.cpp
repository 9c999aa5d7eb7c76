// The options of custom operators: a map in the form of FlexBuffers, or the bytes of a C struct.
// Only headers of FlatBuffers are needed as long as texts, which no option that is read here may be, are not parsed by locale.
#define FLATBUFFERS_LOCALE_INDEPENDENT 0
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <flatbuffers/flexbuffers.h>
#pragma clang diagnostic pop

#include "lib/Frontend/TFLite/OpBinder.h"

#include "llvm/Support/Endian.h"

#include <cmath>

namespace nnc::tflite {

/// Whether there are options, which are not damaged; rejects the operator where they are.
bool OpBinder::hasOptionsMap() {
  const auto *bytes = op.custom_options();
  if (!bytes || !bytes->size() || failed())
    return false;
  std::vector<uint8_t> seen;
  if (flexbuffers::VerifyBuffer(bytes->data(), bytes->size(), &seen))
    return true;
  (void)reject("its options are damaged");
  return false;
}

/// The option `key` of options that are not damaged; null where they do not have it.
static flexbuffers::Reference findOption(const format::Operator &op, const char *key) {
  flexbuffers::Reference root = flexbuffers::GetRoot(op.custom_options()->data(), op.custom_options()->size());
  return root.IsMap() ? root.AsMap()[key] : flexbuffers::Reference();
}

double OpBinder::customNumber(const char *key, std::optional<double> otherwise) {
  if (hasOptionsMap()) {
    flexbuffers::Reference value = findOption(op, key);
    if (value.IsNumeric() || value.IsBool())
      return value.AsDouble();
    if (!value.IsNull())
      (void)reject(llvm::Twine("its option '") + key + "' is no number");
  }
  if (!otherwise)
    (void)reject(llvm::Twine("it has no option '") + key + "'");
  return otherwise.value_or(0);
}

int64_t OpBinder::customInt(const char *key, int64_t least, std::optional<int64_t> otherwise) {
  double number = customNumber(key, otherwise ? std::optional<double>(static_cast<double>(*otherwise)) : std::nullopt);
  if (number == std::trunc(number) && number >= static_cast<double>(least) && number <= (1 << 24))
    return static_cast<int64_t>(number);
  (void)reject(llvm::Twine("its option '") + key + "' is out of range");
  return least;
}

llvm::SmallVector<int64_t> OpBinder::customInts(const char *key) {
  llvm::SmallVector<int64_t> numbers;
  flexbuffers::Reference value = hasOptionsMap() ? findOption(op, key) : flexbuffers::Reference();
  flexbuffers::TypedVector vector = value.IsTypedVector() ? value.AsTypedVector() : flexbuffers::TypedVector::EmptyTypedVector();
  if (vector.size() == 0 || !vector[0].IsIntOrUint())
    (void)reject(llvm::Twine("it has no option '") + key + "' that is a vector of integers");
  for (size_t i = 0; i < vector.size() && !failed(); ++i) {
    numbers.push_back(vector[i].AsInt64());
    if (numbers.back() < 0 || numbers.back() > (1 << 24))
      (void)reject(llvm::Twine("its option '") + key + "' is out of range");
  }
  return numbers;
}

llvm::SmallVector<int64_t> OpBinder::customWords(size_t least, size_t most) {
  const auto *bytes = op.custom_options();
  size_t size = bytes ? bytes->size() : 0;
  llvm::SmallVector<int64_t> words;
  if (size % 4 != 0 || size / 4 < least || size / 4 > most)
    (void)reject("its options are damaged: " + llvm::Twine(size) + " bytes are no " + llvm::Twine(least) + " to " +
                 llvm::Twine(most) + " integers");
  else
    for (size_t place = 0; place < size; place += 4)
      words.push_back(static_cast<int32_t>(llvm::support::endian::read32le(bytes->data() + place)));
  return words;
}

} // namespace nnc::tflite
