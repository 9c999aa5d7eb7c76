// Reads tensors from .npy and .pb files made here byte by byte, whole and damaged:
// a damaged file is an error of one line that names it.
#include "lib/Driver/HostTensor.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include "gtest/gtest.h"

#include <cmath>

using namespace llvm;

namespace {

/// A file that goes with its object.
class ScratchFile {
public:
  explicit ScratchFile(StringRef content = "") {
    int descriptor = -1;
    EXPECT_FALSE(sys::fs::createTemporaryFile("tensor-file", "bin", descriptor, path));
    raw_fd_ostream(descriptor, /*shouldClose=*/true) << content;
    remove.setFile(path);
  }
  StringRef getPath() const { return path; }

private:
  SmallString<128> path;
  FileRemover remove;
};

/// The bytes of a number as this machine (little-endian) stores it.
template <typename T> std::string bytesOf(std::initializer_list<T> values) {
  return std::string(reinterpret_cast<const char *>(values.begin()), values.size() * sizeof(T));
}

std::string makeNumpy(StringRef header, StringRef data, int version = 1) {
  std::string text = (header + "\n").str();
  std::string file = std::string("\x93NUMPY") + static_cast<char>(version) + '\0';
  file += version == 1 ? bytesOf({static_cast<uint16_t>(text.size())}) : bytesOf({static_cast<uint32_t>(text.size())});
  return file + text + data.str();
}

std::string makeNumpyOf(StringRef descr, StringRef shape, StringRef data, StringRef isFortran = "False") {
  return makeNumpy(("{'descr': '" + descr + "', 'fortran_order': " + isFortran + ", 'shape': (" + shape + "), }").str(),
                   data);
}

std::string makeVarint(uint64_t value) {
  std::string text;
  for (; value >= 0x80; value >>= 7)
    text += static_cast<char>(value | 0x80);
  return text + static_cast<char>(value);
}

/// A field of protobuf's wire format: a number, or a run of bytes.
std::string makeField(unsigned field, uint64_t value) { return makeVarint(field << 3) + makeVarint(value); }
std::string makeField(unsigned field, StringRef bytes) {
  return makeVarint(field << 3 | 2) + makeVarint(bytes.size()) + bytes.str();
}

/// Fields of TensorProto (onnx.proto), and two of its types.
enum Field : unsigned {
  dims = 1,
  dataType = 2,
  floatData = 4,
  int32Data = 5,
  stringData = 6,
  tensorName = 8,
  rawData = 9,
  location = 14
};
constexpr uint64_t onnxFloat = 1, onnxString = 8, onnxBool = 9, onnxFloat16 = 10;

Expected<nnc::HostTensor> read(StringRef content) { return nnc::readTensorFile(ScratchFile(content).getPath()); }

/// Expects a tensor of this type, shape and elements.
void expectTensor(StringRef content, StringRef type, std::vector<double> elements) {
  auto tensor = read(content);
  ASSERT_TRUE(!!tensor) << toString(tensor.takeError());
  EXPECT_EQ(tensor->describeType(), type.str());
  ASSERT_EQ(tensor->getNumElements(), static_cast<int64_t>(elements.size()));
  for (auto [i, element] : enumerate(elements))
    EXPECT_EQ(tensor->getElement(i), element) << "element " << i;
}

/// Expects a tensor of these strings in one row.
void expectStrings(StringRef content, std::vector<std::string> strings) {
  auto tensor = read(content);
  ASSERT_TRUE(!!tensor) << toString(tensor.takeError());
  EXPECT_EQ(tensor->describeType(), "string [" + std::to_string(strings.size()) + "]");
  for (auto [i, string] : enumerate(strings))
    EXPECT_EQ(tensor->getString(i).str(), string) << "string " << i;
}

/// Expects an error of one line, the file's name before the reason.
void expectError(StringRef content, StringRef reason) {
  ScratchFile file(content);
  auto tensor = nnc::readTensorFile(file.getPath());
  ASSERT_FALSE(!!tensor) << "read as " << tensor->describeType() << "; expected: " << reason.str();
  std::string message = toString(tensor.takeError());
  EXPECT_TRUE(StringRef(message).starts_with((file.getPath() + ": ").str())) << message;
  EXPECT_TRUE(StringRef(message).contains(reason)) << message;
  EXPECT_FALSE(StringRef(message).contains('\n')) << message;
}

constexpr StringRef damaged = "a damaged .npy file";

TEST(NumpyFile, Strings) {
  std::string wide = bytesOf<uint32_t>({'a', 0, 0x4e2d, 'b'}), swapped = bytesOf<uint32_t>({0x61000000, 0});
  expectStrings(makeNumpyOf("<U2", "2,", wide), {"a", "\xE4\xB8\xAD" "b"});
  expectStrings(makeNumpyOf(">U1", "2,", swapped), {"a", ""});
  expectStrings(makeNumpyOf("|S3", "2,", StringRef("ab\0cde", 6)), {"ab", "cde"});
  expectStrings(makeNumpyOf("<U0", "2,", ""), {"", ""});
  expectError(makeNumpyOf("<U2", "2,", "abcd"), damaged);
  expectError(makeNumpyOf("<U99999999", "2,", wide), damaged);
  expectError(makeNumpyOf("<U1", "1,", bytesOf<uint32_t>({0x110000})), damaged);
  expectError(makeNumpyOf("<U2", "1,", bytesOf<uint32_t>({0, 'a'})), damaged); // a zero inside
}

TEST(OnnxFile, Strings) {
  std::string file = makeField(dims, 2) + makeField(dataType, onnxString) + makeField(stringData, "a") + makeField(stringData, "");
  expectStrings(file, {"a", ""});
}

TEST(NumpyFile, EveryType) {
  expectTensor(makeNumpyOf("|b1", "2,", bytesOf<uint8_t>({1, 0})), "bool [2]", {1, 0});
  expectTensor(makeNumpyOf("|i1", "2,", bytesOf<int8_t>({-128, 127})), "int8 [2]", {-128, 127});
  expectTensor(makeNumpyOf("|u1", "2,", bytesOf<uint8_t>({0, 255})), "uint8 [2]", {0, 255});
  expectTensor(makeNumpyOf("<i2", "1,", bytesOf<int16_t>({-300})), "int16 [1]", {-300});
  expectTensor(makeNumpyOf("<u2", "1,", bytesOf<uint16_t>({65535})), "uint16 [1]", {65535});
  expectTensor(makeNumpyOf("<i4", "1,", bytesOf<int32_t>({-70000})), "int32 [1]", {-70000});
  expectTensor(makeNumpyOf("<u4", "1,", bytesOf<uint32_t>({4294967295u})), "uint32 [1]", {4294967295.0});
  expectTensor(makeNumpyOf("<i8", "1,", bytesOf<int64_t>({-5000000000})), "int64 [1]", {-5e9});
  expectTensor(makeNumpyOf("<u8", "1,", bytesOf<uint64_t>({uint64_t{1} << 63})), "uint64 [1]", {0x1p63});
  expectTensor(makeNumpyOf("<f2", "2,", bytesOf<uint16_t>({0x3e00, 0xfc00})), "float16 [2]", {1.5, -INFINITY});
  expectTensor(makeNumpyOf("<f4", "2,", bytesOf<float>({0.1f, -2})), "float32 [2]", {0.1f, -2});
  expectTensor(makeNumpyOf("<f8", "1,", bytesOf<double>({0.1})), "float64 [1]", {0.1});
  // numpy has no bfloat16; the package ml_dtypes writes these.
  expectTensor(makeNumpyOf("<V2", "1,", bytesOf<uint16_t>({0x3fc0})), "bfloat16 [1]", {1.5});
  expectTensor(makeNumpyOf("bfloat16", "1,", bytesOf<uint16_t>({0x3fc0})), "bfloat16 [1]", {1.5});
}

TEST(NumpyFile, ShapesOrdersVersions) {
  std::string six = bytesOf<float>({1, 2, 3, 4, 5, 6});
  expectTensor(makeNumpyOf("<f4", "2, 3", six), "float32 [2, 3]", {1, 2, 3, 4, 5, 6});
  expectTensor(makeNumpyOf("<f4", "2, 3", six, "True"), "float32 [2, 3]", {1, 3, 5, 2, 4, 6});
  expectTensor(makeNumpyOf("<f4", "", six.substr(0, 4)), "float32 []", {1});
  expectTensor(makeNumpyOf("<f4", "3, 0, 2", ""), "float32 [3, 0, 2]", {});
  expectTensor(makeNumpyOf("<f4", "3, 0, 2", "", "True"), "float32 [3, 0, 2]", {});
  expectTensor(makeNumpyOf(">i2", "2,", StringRef("\x01\x02\xff\xfe", 4)), "int16 [2]", {258, -2});
  expectTensor(makeNumpyOf(">i2", "1, 2", StringRef("\x01\x02\xff\xfe", 4), "True"), "int16 [1, 2]", {258, -2});
  for (int version : {2, 3})
    expectTensor(makeNumpy("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", six.substr(0, 4), version),
                 "float32 [1]", {1});
}

TEST(TensorFile, BooleansAreNormalised) {
  expectTensor(makeNumpyOf("|b1", "3,", bytesOf<uint8_t>({0, 2, 255})), "bool [3]", {0, 1, 1});
  expectTensor(makeField(dims, 3) + makeField(dataType, onnxBool) + makeField(rawData, bytesOf<uint8_t>({0, 2, 255})),
               "bool [3]", {0, 1, 1});
}

TEST(NumpyFile, WritesWhatItReads) {
  for (uint32_t type = NNC_BOOL; type <= NNC_FLOAT64; ++type) {
    for (const std::vector<int64_t> &shape : {std::vector<int64_t>{}, {3}, {2, 1, 2}, {0, 4}}) {
      auto tensor = nnc::HostTensor::create("x", type, shape);
      ASSERT_TRUE(!!tensor);
      for (int64_t i = 0; i < tensor->getNumElements(); ++i)
        tensor->setElement(i, static_cast<double>(i % 2));
      ScratchFile file;
      Error error = nnc::writeNumpyFile(*tensor, file.getPath());
      ASSERT_FALSE(!!error) << toString(std::move(error));
      auto content = MemoryBuffer::getFile(file.getPath(), /*IsText=*/false, /*RequiresNullTerminator=*/false);
      ASSERT_TRUE(!!content);
      EXPECT_EQ(((*content)->getBufferSize() - tensor->data.size()) % 64, 0u); // numpy aligns the elements
      auto again = nnc::readTensorFile(file.getPath());
      ASSERT_TRUE(!!again) << toString(again.takeError());
      EXPECT_EQ(again->describeType(), tensor->describeType());
      EXPECT_EQ(StringRef(again->data.data(), again->data.size()), StringRef(tensor->data.data(), tensor->data.size()));
    }
  }
}

TEST(NumpyFile, DamagedHeaders) {
  std::string four = bytesOf<float>({1, 2, 3, 4});
  for (StringRef descr : {"<c8", "<f16", "|O", "|S4", "<U1", "xf4", "f", "", "<M8[ns]"})
    expectError(makeNumpyOf(descr, "4,", four), damaged);
  for (StringRef shape : {"-4,", "4x", "4, a", "99999999999999999999,"})
    expectError(makeNumpyOf("<f4", shape, four), "");
  expectError(makeNumpyOf("<f4", "4,", four, "Maybe"), damaged);
  expectError(makeNumpy("", four), damaged);
  expectError(makeNumpy("{'descr': '<f4', 'shape': (4,), }", four), damaged);
  expectError(makeNumpy("{'descr': '<f4', 'fortran_order': False, }", four), damaged);
  expectError(makeNumpy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,", four), damaged);
  expectError(makeNumpy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (4,), }", four), damaged);
  for (char version : {'\0', '\4', '\xff'}) {
    std::string file = makeNumpyOf("<f4", "4,", four);
    file[6] = version;
    expectError(file, damaged);
  }
}

/// What a header promises is not allocated before the file has it.
TEST(NumpyFile, PromisesMoreThanItHas) {
  expectError(makeNumpyOf("<f4", "5,", bytesOf<float>({1, 2, 3, 4})), damaged);
  expectError(makeNumpyOf("<f4", "17179869184,", ""), damaged); // 64 GiB
  expectError(makeNumpyOf("<f4", "4611686018427387904, 4", ""), "too large");
  expectError(makeNumpyOf("<f4", "4294967296, 4294967296", ""), "too large");
  std::string file = makeNumpyOf("<f4", "4,", bytesOf<float>({1, 2, 3, 4}));
  file[8] = file[9] = '\xff'; // a header longer than the file
  expectError(file, damaged);
}

TEST(TensorProtoFile, RawAndTypedElements) {
  std::string head = makeField(dims, 2) + makeField(dataType, onnxFloat);
  expectTensor(head + makeField(rawData, bytesOf<float>({1, -2})), "float32 [2]", {1, -2});
  expectTensor(head + makeField(floatData, bytesOf<float>({1, -2})), "float32 [2]", {1, -2});
  std::string half = makeField(dims, 2) + makeField(dataType, onnxFloat16);
  expectTensor(half + makeField(rawData, bytesOf<uint16_t>({0x3e00, 0xfc00})), "float16 [2]", {1.5, -INFINITY});
  expectTensor(half + makeField(int32Data, makeVarint(0x3e00) + makeVarint(0xfc00)), "float16 [2]", {1.5, -INFINITY});
  expectTensor(makeField(dataType, onnxFloat) + makeField(rawData, bytesOf<float>({3})), "float32 []", {3});
  auto named = read(head + makeField(tensorName, "x") + makeField(rawData, bytesOf<float>({1, -2})));
  ASSERT_TRUE(!!named) << toString(named.takeError());
  EXPECT_EQ(named->name, "x");
}

TEST(TensorProtoFile, Damaged) {
  std::string elements = makeField(rawData, bytesOf<float>({1, -2}));
  expectError("", "type");
  expectError("This is no tensor.", "neither a .npy file nor an ONNX TensorProto");
  expectError(makeField(dims, 2) + elements, "type");
  expectError(makeField(dims, 2) + makeField(dataType, onnxString), "the number of strings");
  expectError(makeField(dims, 1) + makeField(dataType, onnxString) + makeField(stringData, StringRef("a\0b", 3)), "zero");
  expectError(makeField(dims, 2) + makeField(dataType, 1000) + elements, "type");
  expectError(makeField(dims, 3) + makeField(dataType, onnxFloat) + elements, "number of elements");
  expectError(makeField(dims, 1) + makeField(dataType, onnxFloat) + elements, "number of elements");
  expectError(makeField(dims, uint64_t(-2)) + makeField(dataType, onnxFloat) + elements, "negative or too large");
  expectError(makeField(dims, uint64_t{1} << 62) + makeField(dataType, onnxFloat) + elements, "too large");
  expectError(makeField(dims, uint64_t{1} << 34) + makeField(dataType, onnxFloat) + elements, "number of elements");
  expectError(makeField(dims, 2) + makeField(dataType, onnxFloat) + makeField(location, 1), "in another file");
}

/// Every prefix is an error; with any one byte changed, the file is a tensor or an error.
TEST(TensorFile, PrefixesAndMutations) {
  std::string proto = makeField(dims, 2) + makeField(dataType, onnxFloat) + makeField(rawData, bytesOf<float>({1, -2}));
  for (const std::string &file : {makeNumpyOf("<f4", "2,", bytesOf<float>({1, -2})), proto}) {
    for (size_t length = 0; length < file.size(); ++length)
      expectError(StringRef(file).take_front(length), "");
    for (size_t at = 0; at < file.size(); ++at) {
      for (char byte :
           {'\0', '\xff', '9', '(', '\'', static_cast<char>(file[at] ^ 0x80), static_cast<char>(file[at] + 1)}) {
        std::string mutated = file;
        mutated[at] = byte;
        auto tensor = read(mutated);
        if (!tensor)
          consumeError(tensor.takeError());
        else
          EXPECT_LE(tensor->data.size(), mutated.size());
      }
    }
  }
}

TEST(TensorFile, NoSuchFile) {
  auto missing = nnc::readTensorFile("no-such-folder/x.npy");
  ASSERT_FALSE(!!missing);
  EXPECT_EQ(toString(missing.takeError()), "no-such-folder/x.npy: No such file or directory");
  auto folder = nnc::readTensorFile(".");
  ASSERT_FALSE(!!folder);
  EXPECT_EQ(toString(folder.takeError()), ".: Is a directory");
}

} // namespace
