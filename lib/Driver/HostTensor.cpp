// Tensors in memory: element access by type.
#include "lib/Driver/HostTensor.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <cstring>
#include <new>

using namespace llvm;

namespace nnc {

static constexpr size_t alignment = 64;
static constexpr size_t maxBytes = size_t{1} << 36;

AlignedMemory::AlignedMemory(size_t bytes)
    : memory(static_cast<char *>(::operator new(std::max<size_t>(bytes, 1), std::align_val_t(alignment), std::nothrow))),
      bytes(bytes) {}

void AlignedMemory::Free::operator()(char *memory) const { ::operator delete(memory, std::align_val_t(alignment)); }

size_t getElementBytes(uint32_t type) {
  switch (type) {
  case NNC_BOOL:
  case NNC_INT8:
  case NNC_UINT8:
  case NNC_FLOAT8E4M3FN:
  case NNC_FLOAT8E4M3FNUZ:
  case NNC_FLOAT8E5M2:
  case NNC_FLOAT8E5M2FNUZ:
  case NNC_FLOAT8E8M0:
    return 1;
  case NNC_INT16:
  case NNC_UINT16:
  case NNC_FLOAT16:
  case NNC_BFLOAT16:
    return 2;
  case NNC_INT32:
  case NNC_UINT32:
  case NNC_FLOAT32:
    return 4;
  case NNC_INT64:
  case NNC_UINT64:
  case NNC_FLOAT64:
    return 8;
  case NNC_STRING:
    return sizeof(char *);
  default:
    return 0;
  }
}

StringRef getTypeName(uint32_t type) {
  static const StringRef names[] = {"?",      "bool",   "int8",   "uint8",   "int16",    "uint16",  "int32",
                                    "uint32", "int64",  "uint64", "float16", "bfloat16", "float32", "float64",
                                    "?",      "?",      "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2",
                                    "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn", "int4", "uint4", "int2",
                                    "uint2", "string"};
  return type < std::size(names) ? names[type] : names[0];
}

std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, extent] : enumerate(shape))
    text += (i ? ", " : "") + (extent < 0 ? std::string("?") : std::to_string(extent));
  return text + "]";
}

std::string HostTensor::describeType() const { return (getTypeName(type) + " " + describeShape(shape)).str(); }

Expected<size_t> getTensorBytes(StringRef name, uint32_t type, ArrayRef<int64_t> shape) {
  size_t bytes = getElementBytes(type);
  if (bytes == 0)
    return createStringError("'" + name + "': an element type that is not supported");
  for (int64_t extent : shape)
    if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<size_t>(extent), &bytes) || bytes > maxBytes)
      return createStringError("'" + name + "': the shape " + describeShape(shape) + " is negative or too large");
  return bytes;
}

Expected<HostTensor> HostTensor::create(StringRef name, uint32_t type, std::vector<int64_t> shape) {
  Expected<size_t> bytes = getTensorBytes(name, type, shape);
  if (!bytes)
    return bytes.takeError();
  HostTensor tensor;
  tensor.name = name.str();
  tensor.type = type;
  tensor.shape = std::move(shape);
  tensor.data = AlignedMemory(*bytes);
  if (!tensor.data.data())
    return createStringError("there is no memory for '" + tensor.name + "', " + tensor.describeType());
  static const char *const empty = "";
  for (int64_t i = 0; type == NNC_STRING && i < tensor.getNumElements(); ++i)
    memcpy(tensor.data.data() + i * sizeof(char *), &empty, sizeof(char *));
  return tensor;
}

StringRef HostTensor::getString(int64_t position) const {
  const char *string;
  memcpy(&string, data.data() + position * sizeof(char *), sizeof(char *));
  return string;
}

void HostTensor::setStrings(std::vector<std::string> strings) {
  ownedStrings = std::move(strings);
  for (auto [i, string] : enumerate(ownedStrings)) {
    const char *bytes = string.c_str();
    memcpy(data.data() + i * sizeof(char *), &bytes, sizeof(char *));
  }
}

void HostTensor::ownStrings() {
  std::vector<std::string> strings;
  for (int64_t i = 0, end = getNumElements(); i < end; ++i)
    strings.push_back(getString(i).str());
  setStrings(std::move(strings));
}

int64_t HostTensor::getNumElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

template <typename T> static double load(const char *at) {
  T value;
  memcpy(&value, at, sizeof(T));
  return static_cast<double>(value);
}

template <typename T> static void store(char *at, double value) {
  T converted = static_cast<T>(value);
  memcpy(at, &converted, sizeof(T));
}

static double loadFloat(const fltSemantics &semantics, const char *at) {
  uint16_t bits = 0;
  unsigned width = APFloat::semanticsSizeInBits(semantics);
  memcpy(&bits, at, width / 8);
  return APFloat(semantics, APInt(width, bits)).convertToDouble();
}

static void storeFloat(const fltSemantics &semantics, char *at, double value) {
  APFloat converted(value);
  bool losesInfo;
  converted.convert(semantics, APFloat::rmNearestTiesToEven, &losesInfo);
  auto bits = static_cast<uint16_t>(converted.bitcastToAPInt().getZExtValue());
  memcpy(at, &bits, APFloat::semanticsSizeInBits(semantics) / 8);
}

/// The format of a float type of at most 16 bits that fills its bytes; null for other types.
static const fltSemantics *getSemantics(uint32_t type) {
  switch (type) {
  case NNC_FLOAT16:
    return &APFloat::IEEEhalf();
  case NNC_BFLOAT16:
    return &APFloat::BFloat();
  case NNC_FLOAT8E4M3FN:
    return &APFloat::Float8E4M3FN();
  case NNC_FLOAT8E4M3FNUZ:
    return &APFloat::Float8E4M3FNUZ();
  case NNC_FLOAT8E5M2:
    return &APFloat::Float8E5M2();
  case NNC_FLOAT8E5M2FNUZ:
    return &APFloat::Float8E5M2FNUZ();
  case NNC_FLOAT8E8M0:
    return &APFloat::Float8E8M0FNU();
  default:
    return nullptr;
  }
}

double HostTensor::getElement(int64_t position) const {
  if (type == NNC_STRING)
    return NAN;
  const char *at = data.data() + position * getElementBytes(type);
  if (const fltSemantics *semantics = getSemantics(type))
    return loadFloat(*semantics, at);
  switch (type) {
  case NNC_INT8:
    return load<int8_t>(at);
  case NNC_INT16:
    return load<int16_t>(at);
  case NNC_UINT16:
    return load<uint16_t>(at);
  case NNC_INT32:
    return load<int32_t>(at);
  case NNC_UINT32:
    return load<uint32_t>(at);
  case NNC_INT64:
    return load<int64_t>(at);
  case NNC_UINT64:
    return load<uint64_t>(at);
  case NNC_FLOAT32:
    return load<float>(at);
  case NNC_FLOAT64:
    return load<double>(at);
  default:
    return load<uint8_t>(at);
  }
}

void HostTensor::setElement(int64_t position, double value) {
  char *at = data.data() + position * getElementBytes(type);
  if (const fltSemantics *semantics = getSemantics(type))
    return storeFloat(*semantics, at, value);
  switch (type) {
  case NNC_INT8:
    return store<int8_t>(at, value);
  case NNC_INT16:
    return store<int16_t>(at, value);
  case NNC_UINT16:
    return store<uint16_t>(at, value);
  case NNC_INT32:
    return store<int32_t>(at, value);
  case NNC_UINT32:
    return store<uint32_t>(at, value);
  case NNC_INT64:
    return store<int64_t>(at, value);
  case NNC_UINT64:
    return store<uint64_t>(at, value);
  case NNC_FLOAT32:
    return store<float>(at, value);
  case NNC_FLOAT64:
    return store<double>(at, value);
  default:
    return store<uint8_t>(at, value);
  }
}

/// The bits of an integer of 64 bits, which a double may not hold; nothing of other types.
static std::optional<uint64_t> getWideInteger(const HostTensor &tensor, int64_t position) {
  if (tensor.type != NNC_INT64 && tensor.type != NNC_UINT64)
    return std::nullopt;
  uint64_t bits;
  memcpy(&bits, tensor.data.data() + position * sizeof(bits), sizeof(bits));
  return bits;
}

static bool isInteger(uint32_t type) {
  return type == NNC_BOOL || (type >= NNC_INT8 && type <= NNC_UINT64);
}

std::string HostTensor::describeElement(int64_t position, int digits) const {
  if (std::optional<uint64_t> bits = getWideInteger(*this, position))
    return type == NNC_INT64 ? std::to_string(static_cast<int64_t>(*bits)) : std::to_string(*bits);
  std::string text;
  if (isInteger(type))
    raw_string_ostream(text) << format("%.0f", getElement(position));
  else
    raw_string_ostream(text) << format("%.*g", digits, getElement(position));
  return text;
}

double getDistance(const HostTensor &one, const HostTensor &other, int64_t position) {
  if (one.type == NNC_STRING)
    return one.getString(position) == other.getString(position) ? 0 : INFINITY;
  if (std::optional<uint64_t> a = getWideInteger(one, position)) {
    uint64_t b = *getWideInteger(other, position);
    bool isLess = one.type == NNC_INT64 ? static_cast<int64_t>(*a) < static_cast<int64_t>(b) : *a < b;
    return static_cast<double>(isLess ? b - *a : *a - b);
  }
  double a = one.getElement(position), b = other.getElement(position);
  if (a == b || (std::isnan(a) && std::isnan(b)))
    return 0;
  return std::isfinite(a) && std::isfinite(b) ? std::fabs(a - b) : INFINITY;
}

static void fillWithWords(HostTensor &tensor, std::mt19937_64 &generator) {
  std::vector<std::string> words(tensor.getNumElements());
  for (std::string &word : words) {
    uint64_t bits = generator();
    for (uint64_t length = bits % 8; length > 0; --length)
      word += static_cast<char>('a' + (bits = bits / 26 + 1) % 26);
  }
  tensor.setStrings(std::move(words));
}

void fillRandomly(HostTensor &tensor, std::mt19937_64 &generator) {
  if (tensor.type == NNC_STRING)
    return fillWithWords(tensor, generator);
  bool isByte = tensor.type == NNC_UINT8 || tensor.type == NNC_INT8;
  bool isFloat = tensor.type == NNC_FLOAT16 || tensor.type == NNC_BFLOAT16 || tensor.type == NNC_FLOAT32 ||
                 tensor.type == NNC_FLOAT64;
  for (int64_t i = 0, end = tensor.getNumElements(); i < end; ++i) {
    uint64_t bits = generator();
    if (isFloat) { // Box-Muller: the same numbers with every standard library
      double radius = std::sqrt(-2 * std::log((static_cast<double>(bits >> 11) + 1) * 0x1p-53));
      double angle = 6.283185307179586 * static_cast<double>(generator() >> 11) * 0x1p-53;
      tensor.setElement(i, radius * std::cos(angle));
    } else if (isByte) {
      tensor.setElement(i, static_cast<double>(bits >> 56) - (tensor.type == NNC_INT8 ? 128 : 0));
    } else {
      tensor.setElement(i, static_cast<double>(bits >> 63));
    }
  }
}

} // namespace nnc
