// A tensor's elements stand in `raw_data`, or in the repeated field of their
// kind (onnx.proto, TensorProto).
#include "lib/Frontend/ONNX/TensorFile.h"

#include "lib/Support/OnnxProto.h"

using namespace llvm;

namespace nnc::onnx {

/// Appends each value of a repeated field as a `T`.
template <typename T, typename Field> static void append(std::string &bytes, const Field &values) {
  for (auto value : values) {
    T element = static_cast<T>(value);
    bytes.append(reinterpret_cast<const char *>(&element), sizeof(T));
  }
}

/// False where the type is not one of numbers.
static bool appendElements(std::string &bytes, const ::onnx::TensorProto &tensor) {
  switch (tensor.data_type()) {
  case ::onnx::TensorProto::FLOAT:
    append<float>(bytes, tensor.float_data());
    return true;
  case ::onnx::TensorProto::DOUBLE:
    append<double>(bytes, tensor.double_data());
    return true;
  case ::onnx::TensorProto::INT64:
    append<int64_t>(bytes, tensor.int64_data());
    return true;
  case ::onnx::TensorProto::UINT64:
    append<uint64_t>(bytes, tensor.uint64_data());
    return true;
  case ::onnx::TensorProto::UINT32:
    append<uint32_t>(bytes, tensor.uint64_data());
    return true;
  case ::onnx::TensorProto::INT32:
    append<int32_t>(bytes, tensor.int32_data());
    return true;
  case ::onnx::TensorProto::INT16:
  case ::onnx::TensorProto::UINT16:
  case ::onnx::TensorProto::FLOAT16:
  case ::onnx::TensorProto::BFLOAT16:
    append<uint16_t>(bytes, tensor.int32_data());
    return true;
  case ::onnx::TensorProto::INT8:
  case ::onnx::TensorProto::UINT8:
  case ::onnx::TensorProto::BOOL:
    append<uint8_t>(bytes, tensor.int32_data());
    return true;
  default:
    return false;
  }
}

Expected<TensorFile> parseTensor(StringRef content) {
  ::onnx::TensorProto tensor;
  if (content.size() > INT32_MAX || !tensor.ParseFromArray(content.data(), static_cast<int>(content.size())))
    return createStringError("neither a .npy file nor an ONNX TensorProto");
  if (tensor.data_location() == ::onnx::TensorProto::EXTERNAL)
    return createStringError("the elements are in another file, which is not supported here");
  TensorFile file;
  file.name = tensor.name();
  file.dataType = tensor.data_type();
  file.shape.assign(tensor.dims().begin(), tensor.dims().end());
  if (tensor.data_type() == ::onnx::TensorProto::STRING)
    file.strings.assign(tensor.string_data().begin(), tensor.string_data().end());
  else if (tensor.has_raw_data())
    file.bytes = tensor.raw_data();
  else if (!appendElements(file.bytes, tensor))
    return createStringError("a tensor of a type that is not supported");
  return file;
}

} // namespace nnc::onnx
