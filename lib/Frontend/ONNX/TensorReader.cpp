// From TensorProto to constants, with external data files.
//
// Raw data of more than a few bytes become resource blobs that point into the
// parsed model (or the mapped external file) instead of copying it.
#include "lib/Frontend/ONNX/TensorReader.h"

#include "lib/Frontend/Import/Weights.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace mlir;

namespace nnc::onnx {

using ::onnx::TensorProto;

/// Data types that older versions of the format's library do not name.
namespace NarrowType {
enum : int64_t {
  FLOAT8E4M3FN = 17,
  FLOAT8E4M3FNUZ = 18,
  FLOAT8E5M2 = 19,
  FLOAT8E5M2FNUZ = 20,
  UINT4 = 21,
  INT4 = 22,
  FLOAT4E2M1 = 23,
  FLOAT8E8M0 = 24,
  UINT2 = 25,
  INT2 = 26
};
} // namespace NarrowType

Type getElementType(MLIRContext *context, int64_t dataType) {
  auto unsignedType = [&](unsigned width) { return IntegerType::get(context, width, IntegerType::Unsigned); };
  switch (dataType) {
  case TensorProto::FLOAT:
    return Float32Type::get(context);
  case TensorProto::DOUBLE:
    return Float64Type::get(context);
  case TensorProto::FLOAT16:
    return Float16Type::get(context);
  case TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case TensorProto::BOOL:
    return IntegerType::get(context, 1);
  case TensorProto::INT8:
    return IntegerType::get(context, 8);
  case TensorProto::INT16:
    return IntegerType::get(context, 16);
  case TensorProto::INT32:
    return IntegerType::get(context, 32);
  case TensorProto::INT64:
    return IntegerType::get(context, 64);
  case NarrowType::INT2:
    return IntegerType::get(context, 2);
  case NarrowType::INT4:
    return IntegerType::get(context, 4);
  case NarrowType::UINT2:
    return unsignedType(2);
  case NarrowType::UINT4:
    return unsignedType(4);
  case NarrowType::FLOAT4E2M1:
    return Float4E2M1FNType::get(context);
  case NarrowType::FLOAT8E4M3FN:
    return Float8E4M3FNType::get(context);
  case NarrowType::FLOAT8E4M3FNUZ:
    return Float8E4M3FNUZType::get(context);
  case NarrowType::FLOAT8E5M2:
    return Float8E5M2Type::get(context);
  case NarrowType::FLOAT8E5M2FNUZ:
    return Float8E5M2FNUZType::get(context);
  case NarrowType::FLOAT8E8M0:
    return Float8E8M0FNUType::get(context);
  case TensorProto::UINT8:
    return unsignedType(8);
  case TensorProto::UINT16:
    return unsignedType(16);
  case TensorProto::UINT32:
    return unsignedType(32);
  case TensorProto::UINT64:
    return unsignedType(64);
  default:
    return {};
  }
}

static llvm::Error makeError(const Twine &message) { return llvm::createStringError(message.str()); }

TensorReader::TensorReader(MLIRContext *context, std::shared_ptr<const ::onnx::ModelProto> model, std::string folder)
    : context(context), model(std::move(model)), folder(std::move(folder)) {}

llvm::Expected<ElementsAttr> TensorReader::read(const TensorProto &tensor) {
  Type elementType = getElementType(context, tensor.data_type());
  if (!elementType)
    return makeError("tensor '" + tensor.name() + "': element type " + Twine(tensor.data_type()) +
                     " is not supported");
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  if (!frontend::countElements(shape))
    return makeError("tensor '" + tensor.name() + "': its extents are negative or too large");
  if (tensor.has_segment())
    return makeError("tensor '" + tensor.name() + "': segmented tensors are not supported");
  auto type = RankedTensorType::get(shape, elementType);
  if (tensor.data_location() == TensorProto::EXTERNAL)
    return readExternal(type, tensor);
  if (tensor.has_raw_data())
    return frontend::makeWeights(type, tensor.raw_data(), model, tensor.name());
  return readTyped(type, tensor);
}

/// Copies the values of a repeated field as elements of type T.
template <typename T, typename Field> static std::vector<char> packField(const Field &field) {
  std::vector<char> bytes(field.size() * sizeof(T));
  size_t i = 0;
  for (auto value : field) {
    T narrowed = static_cast<T>(value);
    memcpy(bytes.data() + sizeof(T) * i++, &narrowed, sizeof(T));
  }
  return bytes;
}

static std::optional<std::vector<char>> packTyped(const TensorProto &tensor) {
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    return packField<float>(tensor.float_data());
  case TensorProto::DOUBLE:
    return packField<double>(tensor.double_data());
  case TensorProto::INT32:
    return packField<int32_t>(tensor.int32_data());
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return packField<uint16_t>(tensor.int32_data());
  case TensorProto::INT8:
  case TensorProto::UINT8:
  case TensorProto::BOOL:
  case NarrowType::INT2:
  case NarrowType::INT4:
  case NarrowType::UINT2:
  case NarrowType::UINT4:
  case NarrowType::FLOAT4E2M1:
  case NarrowType::FLOAT8E4M3FN:
  case NarrowType::FLOAT8E4M3FNUZ:
  case NarrowType::FLOAT8E5M2:
  case NarrowType::FLOAT8E5M2FNUZ:
  case NarrowType::FLOAT8E8M0:
    return packField<uint8_t>(tensor.int32_data());
  case TensorProto::INT64:
    return packField<int64_t>(tensor.int64_data());
  case TensorProto::UINT32:
    return packField<uint32_t>(tensor.uint64_data());
  case TensorProto::UINT64:
    return packField<uint64_t>(tensor.uint64_data());
  default:
    return std::nullopt;
  }
}

llvm::Expected<ElementsAttr> TensorReader::readTyped(RankedTensorType type, const TensorProto &tensor) {
  auto bytes = std::make_shared<std::vector<char>>();
  if (auto packed = packTyped(tensor))
    *bytes = std::move(*packed);
  return frontend::makeWeights(type, StringRef(bytes->data(), bytes->size()), bytes, tensor.name());
}

/// A relative path that stays inside its folder.
static bool isInside(StringRef path) {
  if (path.empty() || llvm::sys::path::is_absolute(path))
    return false;
  return llvm::none_of(llvm::make_range(llvm::sys::path::begin(path), llvm::sys::path::end(path)),
                       [](StringRef part) { return part == ".."; });
}

/// Whether `path`, with links followed, lies in `folder` or below it.
static bool isBelow(StringRef path, StringRef folder) {
  SmallString<128> target, inside;
  if (llvm::sys::fs::real_path(path, target) || llvm::sys::fs::real_path(folder, inside))
    return false;
  StringRef rest = target;
  return rest.consume_front(inside) && (rest.starts_with("/") || inside.ends_with("/"));
}

/// Whether `file`, with links followed, is one of the model's: a link could lead anywhere, and what it leads to would
/// become part of the object. In a cache of Hugging Face's, all files below `snapshots` are links to the folder `blobs`
/// beside it.
static bool isBeside(StringRef file, StringRef folder) {
  StringRef near = folder.empty() ? StringRef(".") : folder;
  if (isBelow(file, near))
    return true;
  SmallString<128> ancestor(near);
  llvm::sys::fs::make_absolute(ancestor);
  llvm::sys::path::remove_dots(ancestor, /*remove_dot_dot=*/true);
  while (llvm::sys::path::has_relative_path(ancestor) && llvm::sys::path::filename(ancestor) != "snapshots")
    llvm::sys::path::remove_filename(ancestor);
  if (!llvm::sys::path::has_relative_path(ancestor))
    return false;
  llvm::sys::path::remove_filename(ancestor);
  llvm::sys::path::append(ancestor, "blobs");
  return isBelow(file, ancestor);
}

/// Maps the file of external data at `location` beside the model.
static llvm::Expected<std::shared_ptr<llvm::MemoryBuffer>> openExternal(StringRef folder, StringRef location) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, location);
  llvm::sys::fs::file_status status;
  std::error_code error = llvm::sys::fs::status(path, status);
  if (!error && status.type() != llvm::sys::fs::file_type::regular_file)
    return makeError("is no file");
  if (!error && !isBeside(path, folder))
    return makeError("is a link to a file outside of the model's folder");
  auto opened = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!opened)
    return makeError("cannot be read: " + opened.getError().message());
  return std::shared_ptr<llvm::MemoryBuffer>(std::move(*opened));
}

llvm::Expected<ElementsAttr> TensorReader::readExternal(RankedTensorType type, const TensorProto &tensor) {
  std::string location;
  uint64_t offset = 0, length = 0;
  bool hasLength = false, isValid = true;
  for (const auto &entry : tensor.external_data()) {
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset")
      isValid &= llvm::to_integer(entry.value(), offset, 10);
    else if (entry.key() == "length")
      isValid &= hasLength = llvm::to_integer(entry.value(), length, 10);
  }
  if (!isValid || !isInside(location))
    return makeError("tensor '" + tensor.name() + "': external data '" + location +
                     "' must be a file beside the model, with a numeric offset and length");
  std::shared_ptr<llvm::MemoryBuffer> &file = files[location];
  if (!file) {
    auto opened = openExternal(folder, location);
    if (!opened)
      return makeError("tensor '" + tensor.name() + "': external data '" + location + "' " +
                       llvm::toString(opened.takeError()));
    file = std::move(*opened);
  }
  if (!hasLength)
    length = frontend::getBytes(type);
  if (offset > file->getBufferSize() || length > file->getBufferSize() - offset)
    return makeError("tensor '" + tensor.name() + "': external data '" + location + "' is too short");
  return frontend::makeWeights(type, file->getBuffer().substr(offset, length), file, tensor.name());
}

} // namespace nnc::onnx
