// Describes the way from raw numbers to an input, and puts it in front of a model.
#include "lib/Frontend/Import/Preprocessing.h"

#include "lib/Frontend/Import/NodeBuilder.h"
#include "lib/Frontend/Import/Weights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <cmath>

using namespace mlir;

namespace nnc::frontend {

static constexpr StringRef attributeName = "nn.preprocessing";
/// Longer lists and lines are no labels of classes.
static constexpr size_t maxLabels = 1 << 16, maxLabelBytes = 1 << 10;

DictionaryAttr makeAttribute(const Preprocessing &preprocessing, RankedTensorType type) {
  Builder builder(type.getContext());
  bool hasChannels = preprocessing.channelAxis >= 0 && preprocessing.channelAxis < type.getRank();
  int64_t channels = hasChannels ? type.getDimSize(preprocessing.channelAxis) : 1;
  auto fits = [&](const std::vector<float> &numbers) {
    return (numbers.size() <= 1 || static_cast<int64_t>(numbers.size()) == channels) &&
           llvm::all_of(numbers, [](float number) { return std::isfinite(number); });
  };
  auto isAll = [](const std::vector<float> &numbers, float value) {
    return llvm::all_of(numbers, [=](float number) { return number == value; });
  };
  bool changesNothing = isAll(preprocessing.mean, 0) && isAll(preprocessing.scale, 1) && !preprocessing.meanImage;
  if (!fits(preprocessing.mean) || !fits(preprocessing.scale) || (changesNothing && preprocessing.channelOrder.empty()))
    return {};
  if (preprocessing.meanImage && preprocessing.meanImage.getShapedType().getShape() != type.getShape().drop_front())
    return {};
  NamedAttrList fields;
  auto orOne = [](const std::vector<float> &numbers, float otherwise) {
    return numbers.empty() ? std::vector<float>{otherwise} : numbers;
  };
  if (hasChannels)
    fields.set("channel_axis", builder.getI64IntegerAttr(preprocessing.channelAxis));
  if (!preprocessing.channelOrder.empty())
    fields.set("channel_order", builder.getStringAttr(preprocessing.channelOrder));
  if (preprocessing.meanImage)
    fields.set("mean_image", preprocessing.meanImage);
  fields.set("mean", builder.getDenseF32ArrayAttr(orOne(preprocessing.mean, 0)));
  fields.set("scale", builder.getDenseF32ArrayAttr(orOne(preprocessing.scale, 1)));
  return fields.getDictionary(type.getContext());
}

std::vector<float> cutMiddle(ArrayRef<float> values, int64_t planes, std::array<int64_t, 2> source,
                             std::array<int64_t, 2> target, int64_t inner) {
  auto count = countElements({planes, source[0], source[1], inner});
  if (!count || *count != static_cast<int64_t>(values.size()) || target[0] > source[0] || target[1] > source[1])
    return {};
  int64_t top = (source[0] - target[0]) / 2, left = (source[1] - target[1]) / 2;
  std::vector<float> middle;
  for (int64_t plane = 0; plane < planes; ++plane)
    for (int64_t row = 0; row < target[0]; ++row) {
      ArrayRef<float> line = values.slice(((plane * source[0] + top + row) * source[1] + left) * inner, target[1] * inner);
      middle.insert(middle.end(), line.begin(), line.end());
    }
  return llvm::all_of(middle, [](float value) { return std::isfinite(value); }) ? middle : std::vector<float>();
}

std::vector<std::string> splitLabels(StringRef text) {
  std::vector<std::string> labels;
  SmallVector<StringRef> lines;
  text.rtrim().split(lines, '\n');
  for (StringRef line : lines)
    labels.push_back(line.trim().str());
  bool areLabels = labels.size() <= maxLabels && !text.trim().empty() &&
                   llvm::all_of(labels, [](const std::string &label) { return label.size() <= maxLabelBytes; });
  return areLabels ? labels : std::vector<std::string>();
}

/// One number, or one for each element along an axis of `rank`, as a constant that broadcasts.
static Value makeOperand(NodeBuilder &node, ArrayRef<float> numbers, int64_t axis, int64_t rank) {
  SmallVector<int64_t> shape(numbers.size() > 1 ? rank : 0, 1);
  if (numbers.size() > 1)
    shape[axis] = numbers.size();
  return node.floats(shape, numbers.vec());
}

/// The input that is made of raw numbers.
static Value build(NodeBuilder &node, Value raw, DictionaryAttr fields) {
  int64_t rank = node.getRank(raw);
  auto axis = fields.getAs<IntegerAttr>("channel_axis");
  auto numbers = [&](StringRef name) {
    return makeOperand(node, fields.getAs<DenseF32ArrayAttr>(name).asArrayRef(), axis ? axis.getInt() : 0, rank);
  };
  Type f32 = node.getBuilder().getF32Type();
  Value value = raw;
  if (node.getType(raw).getElementType() != f32)
    value = node.create<nn::CastOp>(raw, f32, /*saturate=*/true, nn::PowerRounding::Up);
  auto image = fields.getAs<ElementsAttr>("mean_image");
  value = node.create<nn::SubOp>(value, image ? node.constant(image) : numbers("mean"));
  return node.create<nn::MulOp>(value, numbers("scale"));
}

LogicalResult settlePreprocessing(ModuleOp module, Type rawType) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  bool isAnyApplied = false;
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i) {
    auto fields = main.getArgAttrOfType<DictionaryAttr>(i, attributeName);
    if (!fields)
      continue;
    NamedAttrList settled(fields);
    Builder attributes(module.getContext());
    if (settled.erase("mean_image"))
      settled.set("has_mean_image", attributes.getUnitAttr());
    if (rawType) {
      BlockArgument input = main.getArgument(i);
      auto type = cast<RankedTensorType>(input.getType());
      auto name = main.getArgAttrOfType<StringAttr>(i, "nn.name");
      if (!type.getElementType().isF32())
        return module.emitError("--with-preprocessing: input '")
               << (name ? name.getValue() : "") << "' has elements of " << type.getElementType() << ", not f32";
      OpBuilder builder = OpBuilder::atBlockBegin(&main.getBody().front());
      NodeBuilder node(builder, name ? Location(NameLoc::get(name)) : main.getLoc());
      input.setType(RankedTensorType::get(type.getShape(), rawType));
      SmallVector<OpOperand *> uses = llvm::to_vector(llvm::make_pointer_range(input.getUses()));
      Value value = build(node, input, fields);
      if (!value)
        return module.emitError("--with-preprocessing: ") << node.getReason();
      for (OpOperand *use : uses)
        use->set(value);
      settled.set("applied", attributes.getUnitAttr());
      isAnyApplied = true;
    }
    main.setArgAttr(i, attributeName, settled.getDictionary(module.getContext()));
  }
  if (rawType && !isAnyApplied)
    return module.emitError("--with-preprocessing: the model does not say how its inputs are made of raw numbers");
  if (rawType)
    main.setFunctionType(FunctionType::get(module.getContext(), main.getBody().front().getArgumentTypes(),
                                           main.getResultTypes()));
  return success();
}

} // namespace nnc::frontend
