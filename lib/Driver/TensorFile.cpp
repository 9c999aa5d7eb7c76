// Reads .npy and .pb files, writes .npy files. The .npy format: magic, version,
// length of a header that is a Python dictionary, the header, the elements
// (numpy.lib.format).
#include "lib/Driver/HostTensor.h"

#include "lib/Frontend/ONNX/TensorFile.h"
#include "lib/Target/OutputFiles.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace nnc {

/// Of strings of no characters, whose number no contents bound.
static constexpr size_t mostEmptyStrings = 1 << 16;

static const StringRef magic("\x93NUMPY", 6);

/// numpy's type codes, without the byte order.
static const std::pair<StringRef, uint32_t> typeCodes[] = {
    {"b1", NNC_BOOL},   {"i1", NNC_INT8},   {"u1", NNC_UINT8}, {"i2", NNC_INT16},   {"u2", NNC_UINT16},  {"i4", NNC_INT32},
    {"u4", NNC_UINT32}, {"i8", NNC_INT64},  {"u8", NNC_UINT64}, {"f2", NNC_FLOAT16}, {"f4", NNC_FLOAT32}, {"f8", NNC_FLOAT64},
};

/// Of a string in a .npy file; more are not believed.
static constexpr size_t maxCharacters = 1 << 20;

namespace {

struct NumpyHeader {
  uint32_t type = 0;
  bool isSwapped = false;
  size_t characters = 0; ///< of a string of fixed length; else 0
  size_t characterBytes = 0;
  bool isFortran = false;
  std::vector<int64_t> shape;
};

} // namespace

/// The text behind `'key':` in the header's dictionary.
static StringRef findValue(StringRef header, StringRef key) {
  size_t at = header.find(("'" + key + "'").str());
  return at == StringRef::npos ? StringRef() : header.substr(at + key.size() + 2).ltrim(" :");
}

static std::optional<NumpyHeader> parseHeader(StringRef text) {
  NumpyHeader header;
  StringRef code = findValue(text, "descr");
  if (!code.consume_front("'"))
    return std::nullopt;
  code = code.take_until([](char c) { return c == '\''; });
  if (code.empty())
    return std::nullopt;
  if (code != "bfloat16" && !StringRef("<>|=").contains(code.front()))
    return std::nullopt;
  header.isSwapped = code.front() == '>';
  for (auto [name, type] : typeCodes)
    if (code.drop_front() == name)
      header.type = type;
  StringRef kind = code.drop_front();
  if (kind.consume_front("U") || kind.consume_front("S")) {
    if (!to_integer(kind, header.characters, 10) || header.characters > maxCharacters)
      return std::nullopt;
    header.type = NNC_STRING;
    header.characterBytes = code[1] == 'U' ? 4 : 1;
  }
  if (code == "bfloat16" || code.drop_front() == "V2") // the ml_dtypes package writes either
    header.type = NNC_BFLOAT16;
  if (header.type == 0)
    return std::nullopt;
  StringRef order = findValue(text, "fortran_order"), shape = findValue(text, "shape");
  header.isFortran = order.starts_with("True");
  if ((!header.isFortran && !order.starts_with("False")) || !shape.consume_front("(") || !shape.contains(')'))
    return std::nullopt;
  SmallVector<StringRef> parts;
  shape.take_until([](char c) { return c == ')'; }).split(parts, ',');
  for (StringRef part : parts) {
    int64_t extent;
    if (part.trim().empty())
      continue;
    if (!to_integer(part.trim(), extent, 10))
      return std::nullopt;
    header.shape.push_back(extent);
  }
  return header;
}

/// Column-major to row-major.
static void transposeElements(HostTensor &tensor, StringRef source) {
  size_t bytes = getElementBytes(tensor.type), rank = tensor.shape.size();
  std::vector<int64_t> index(rank, 0);
  for (int64_t i = 0, count = tensor.getNumElements(); i < count; ++i) {
    int64_t from = 0;
    for (size_t axis = rank; axis-- > 0;)
      from = from * tensor.shape[axis] + index[axis];
    memcpy(tensor.data.data() + i * bytes, source.data() + from * bytes, bytes);
    for (size_t axis = rank; axis-- > 0;) {
      if (++index[axis] < tensor.shape[axis])
        break;
      index[axis] = 0;
    }
  }
}

/// Compiled models take 0 and 1 only; in a file any byte but 0 is true.
static void normaliseBooleans(HostTensor &tensor) {
  if (tensor.type == NNC_BOOL)
    for (char *at = tensor.data.data(), *end = at + tensor.data.size(); at < end; ++at)
      *at = *at != 0;
}

/// Strings of fixed length, filled up with zeros: code points, or bytes. Nullopt where they are not valid.
static std::optional<std::vector<std::string>> readStrings(const NumpyHeader &header, StringRef content, size_t count) {
  std::vector<std::string> strings;
  size_t bytes = header.characters * header.characterBytes;
  for (size_t i = 0; i < count; ++i) {
    StringRef raw = content.substr(i * bytes, bytes);
    std::string string;
    if (header.characterBytes == 1)
      string = raw.rtrim('\0').str();
    std::vector<UTF32> codes;
    for (size_t at = 0; header.characterBytes == 4 && at < raw.size(); at += 4)
      codes.push_back(header.isSwapped ? support::endian::read32be(raw.data() + at) : support::endian::read32le(raw.data() + at));
    while (!codes.empty() && codes.back() == 0)
      codes.pop_back();
    std::vector<UTF8> encoded(4 * codes.size());
    const UTF32 *from = codes.data();
    UTF8 *to = encoded.data();
    if (ConvertUTF32toUTF8(&from, from + codes.size(), &to, to + encoded.size(), strictConversion) != conversionOK)
      return std::nullopt;
    string.append(encoded.data(), to);
    if (StringRef(string).contains('\0'))
      return std::nullopt;
    strings.push_back(std::move(string));
  }
  return strings;
}

static Expected<HostTensor> readNumpy(StringRef path, StringRef content) {
  auto fail = [&] { return createStringError(path + ": a damaged .npy file, or one of a type that is not supported"); };
  if (!content.consume_front(magic) || content.size() < 6 || content[0] < 1 || content[0] > 3)
    return fail();
  bool isLong = content[0] >= 2;
  size_t lengthBytes = isLong ? 4 : 2;
  size_t length = isLong ? support::endian::read32le(content.data() + 2) : support::endian::read16le(content.data() + 2);
  content = content.drop_front(2 + lengthBytes);
  if (content.size() < length)
    return fail();
  std::optional<NumpyHeader> header = parseHeader(content.take_front(length));
  if (!header)
    return fail();
  content = content.drop_front(length);
  auto expectedBytes = getTensorBytes("", header->type, header->shape);
  if (!expectedBytes)
    return createStringError(path + ": " + toString(expectedBytes.takeError()));
  if (header->type == NNC_STRING) {
    size_t count = *expectedBytes / sizeof(char *), bytes = header->characters * header->characterBytes;
    if (header->isFortran || count > (bytes ? content.size() / bytes : mostEmptyStrings))
      return fail();
    auto strings = readStrings(*header, content, count);
    auto tensor = strings ? HostTensor::create("", header->type, header->shape) : fail();
    if (tensor)
      tensor->setStrings(std::move(*strings));
    return tensor;
  }
  if (content.size() < *expectedBytes) // before memory is asked for
    return fail();
  auto tensor = HostTensor::create("", header->type, header->shape);
  if (!tensor)
    return tensor.takeError();
  if (header->isFortran)
    transposeElements(*tensor, content);
  else
    memcpy(tensor->data.data(), content.data(), tensor->data.size());
  size_t bytes = getElementBytes(header->type);
  for (char *at = tensor->data.data(), *end = at + tensor->data.size(); header->isSwapped && at < end; at += bytes)
    std::reverse(at, at + bytes);
  normaliseBooleans(*tensor);
  return tensor;
}

/// The type of an ONNX TensorProto::DataType; 0 where there is none.
static uint32_t getTypeOfOnnx(int dataType) {
  static const uint32_t types[] = {0,           NNC_FLOAT32, NNC_UINT8,   NNC_INT8,    NNC_UINT16, NNC_INT16,
                                   NNC_INT32,   NNC_INT64,   NNC_STRING,  NNC_BOOL,    NNC_FLOAT16, NNC_FLOAT64,
                                   NNC_UINT32,  NNC_UINT64,  0,           0,           NNC_BFLOAT16, NNC_FLOAT8E4M3FN,
                                   NNC_FLOAT8E4M3FNUZ, NNC_FLOAT8E5M2, NNC_FLOAT8E5M2FNUZ, 0, 0, 0, NNC_FLOAT8E8M0};
  return dataType >= 0 && dataType < static_cast<int>(std::size(types)) ? types[dataType] : 0;
}

static Expected<HostTensor> makeStrings(StringRef path, onnx::TensorFile file) {
  auto bytes = getTensorBytes(file.name, NNC_STRING, file.shape);
  if (!bytes)
    return createStringError(path + ": " + toString(bytes.takeError()));
  bool hasZeros = any_of(file.strings, [](const std::string &string) { return StringRef(string).contains('\0'); });
  if (*bytes != file.strings.size() * sizeof(char *) || hasZeros)
    return createStringError(path + ": the number of strings is not that of the shape, or one has a zero in it");
  auto tensor = HostTensor::create(file.name, NNC_STRING, file.shape);
  if (tensor)
    tensor->setStrings(std::move(file.strings));
  return tensor;
}

Expected<HostTensor> readTensorFile(StringRef path) {
  auto file = MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return createStringError(path + ": " + file.getError().message());
  StringRef content = (*file)->getBuffer();
  if (content.starts_with(magic))
    return readNumpy(path, content);
  auto fail = [&](Error error) { return createStringError(path + ": " + toString(std::move(error))); };
  auto parsed = onnx::parseTensor(content);
  if (!parsed)
    return fail(parsed.takeError());
  uint32_t type = getTypeOfOnnx(parsed->dataType);
  if (type == NNC_STRING)
    return makeStrings(path, std::move(*parsed));
  auto expectedBytes = getTensorBytes(parsed->name, type, parsed->shape);
  if (!expectedBytes)
    return fail(expectedBytes.takeError());
  if (*expectedBytes != parsed->bytes.size()) // before memory is asked for
    return fail(createStringError("the number of elements is not that of the shape"));
  auto tensor = HostTensor::create(parsed->name, type, parsed->shape);
  if (!tensor)
    return fail(tensor.takeError());
  memcpy(tensor->data.data(), parsed->bytes.data(), tensor->data.size());
  normaliseBooleans(*tensor);
  return tensor;
}

/// The strings as numpy's U: code points, as many for each as the longest has; sets the length.
static Expected<std::vector<char>> encodeStrings(const HostTensor &tensor, size_t &characters) {
  std::vector<std::vector<UTF32>> decoded;
  characters = 1;
  for (int64_t i = 0, end = tensor.getNumElements(); i < end; ++i) {
    StringRef string = tensor.getString(i);
    std::vector<UTF32> codes(string.size());
    const auto *from = reinterpret_cast<const UTF8 *>(string.data());
    UTF32 *to = codes.data();
    if (ConvertUTF8toUTF32(&from, from + string.size(), &to, to + codes.size(), strictConversion) != conversionOK)
      return createStringError("'" + tensor.name + "': a string is not UTF-8");
    codes.resize(to - codes.data());
    characters = std::max(characters, codes.size());
    decoded.push_back(std::move(codes));
  }
  std::vector<char> bytes(decoded.size() * characters * 4);
  for (auto [i, codes] : enumerate(decoded))
    for (auto [place, code] : enumerate(codes))
      support::endian::write32le(&bytes[(i * characters + place) * 4], code);
  return bytes;
}

Error writeNumpyFile(const HostTensor &tensor, StringRef path) {
  std::string code = "V2";
  ArrayRef<char> elements(tensor.data.data(), tensor.data.size());
  std::vector<char> encoded;
  if (tensor.type == NNC_STRING) {
    size_t characters;
    auto strings = encodeStrings(tensor, characters);
    if (!strings)
      return strings.takeError();
    encoded = std::move(*strings);
    elements = encoded;
    code = "U" + std::to_string(characters);
  }
  for (auto [name, type] : typeCodes)
    if (type == tensor.type)
      code = name.str();
  std::string shape;
  for (int64_t extent : tensor.shape)
    shape += std::to_string(extent) + (tensor.shape.size() == 1 ? "," : &extent == &tensor.shape.back() ? "" : ", ");
  std::string order = getElementBytes(tensor.type) == 1 || code == "V2" ? "|" : "<";
  std::string header = "{'descr': '" + order + code + "', 'fortran_order': False, 'shape': (" + shape + "), }";
  header.append(63 - (magic.size() + 4 + header.size()) % 64, ' ');
  header += '\n';
  OutputFiles files;
  Error error = files.add(path, [&](raw_ostream &os) {
    os << magic << '\x01' << '\0';
    os << static_cast<char>(header.size() & 0xff) << static_cast<char>(header.size() >> 8) << header;
    os.write(elements.data(), elements.size());
  });
  return error ? std::move(error) : files.commit();
}

} // namespace nnc
