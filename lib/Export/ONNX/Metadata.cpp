// Attributes of @main's arguments and results as properties of the model.
#include "lib/Export/ONNX/Metadata.h"

#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
namespace json = llvm::json;

namespace nnc::onnx_export {

static void addProperty(::onnx::ModelProto &model, const Twine &key, json::Value value) {
  auto &property = *model.add_metadata_props();
  property.set_key(key.str());
  property.set_value(llvm::formatv("{0}", value).str());
}

static json::Array toArray(ArrayRef<float> numbers) {
  return json::Array(llvm::map_range(numbers, [](float number) { return json::Value(double(number)); }));
}

static json::Object describePreprocessing(DictionaryAttr fields) {
  json::Object object;
  for (StringRef name : {"mean", "scale"})
    if (auto numbers = fields.getAs<DenseF32ArrayAttr>(name))
      object[name] = toArray(numbers.asArrayRef());
  if (auto axis = fields.getAs<IntegerAttr>("channel_axis"))
    object["channel_axis"] = axis.getInt();
  if (auto order = fields.getAs<StringAttr>("channel_order"))
    object["channel_order"] = json::fixUTF8(order.getValue());
  for (StringRef name : {"has_mean_image", "applied"})
    if (fields.contains(name))
      object[name] = true;
  return object;
}

/// The value before the first run: nothing for zeros, one number where all elements are that, else all of them.
static json::Value describeInitial(DenseElementsAttr initial) {
  auto number = [](::mlir::Attribute element) -> json::Value {
    if (auto real = dyn_cast<FloatAttr>(element))
      return real.getValueAsDouble();
    auto integer = cast<IntegerAttr>(element);
    bool isSigned = !integer.getType().isUnsignedInteger() && !integer.getType().isInteger(1);
    return isSigned ? integer.getValue().getSExtValue() : static_cast<int64_t>(integer.getValue().getZExtValue());
  };
  if (initial.isSplat())
    return number(initial.getSplatValue<::mlir::Attribute>());
  json::Array all;
  for (auto element : initial.getValues<::mlir::Attribute>())
    all.push_back(number(element));
  return all;
}

void writeMetadata(::onnx::ModelProto &model, func::FuncOp main) {
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    StringRef name = main.getArgAttrOfType<StringAttr>(i, "nn.name").getValue();
    if (auto fields = main.getArgAttrOfType<DictionaryAttr>(i, "nn.preprocessing"))
      addProperty(model, "nnc.preprocessing." + name, describePreprocessing(fields));
    if (auto next = main.getArgAttrOfType<IntegerAttr>(i, "nn.next")) {
      auto output = main.getResultAttrOfType<StringAttr>(next.getInt(), "nn.name");
      json::Object state{{"next", json::fixUTF8(output.getValue())}};
      if (auto initial = main.getArgAttrOfType<DenseElementsAttr>(i, "nn.initial"))
        state["initial"] = describeInitial(initial);
      addProperty(model, "nnc.state." + name, std::move(state));
    }
  }
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    if (auto labels = main.getResultAttrOfType<ArrayAttr>(i, "nn.labels")) {
      json::Array texts;
      for (auto label : labels.getAsRange<StringAttr>())
        texts.push_back(json::fixUTF8(label.getValue()));
      addProperty(model, "nnc.labels." + main.getResultAttrOfType<StringAttr>(i, "nn.name").getValue(), std::move(texts));
    }
}

} // namespace nnc::onnx_export
