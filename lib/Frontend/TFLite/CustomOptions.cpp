// The options of custom operators: a map in the form of FlexBuffers.
// Only headers of FlatBuffers are needed as long as texts, which no option that is read here may be, are not parsed by locale.
#define FLATBUFFERS_LOCALE_INDEPENDENT 0
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <flatbuffers/flexbuffers.h>
#pragma clang diagnostic pop

#include "lib/Frontend/TFLite/OpBinder.h"

#include <cmath>

namespace nnc::tflite {

double OpBinder::customNumber(const char *key, std::optional<double> otherwise) {
  const auto *bytes = op.custom_options();
  if (bytes && bytes->size() && !failed()) {
    std::vector<uint8_t> seen;
    if (!flexbuffers::VerifyBuffer(bytes->data(), bytes->size(), &seen)) {
      (void)reject("its options are damaged");
      return otherwise.value_or(0);
    }
    flexbuffers::Reference root = flexbuffers::GetRoot(bytes->data(), bytes->size());
    flexbuffers::Reference value = root.IsMap() ? root.AsMap()[key] : flexbuffers::Reference();
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

} // namespace nnc::tflite
