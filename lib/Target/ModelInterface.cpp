// Reads a model's interface from @main. On tensors the outputs are its results;
// on memrefs they are the arguments marked `nn.output`, and `nn.arena` marks the
// workspace.
#include "lib/Target/ModelInterface.h"

#include "lib/Target/ExtentFormulas.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace nnc {

bool TensorInterface::isStatic() const { return !llvm::is_contained(shape, ShapedType::kDynamic); }

std::optional<std::vector<int64_t>> TensorInterface::getLargestShape() const {
  std::vector<int64_t> largest = shape;
  unsigned place = 0;
  for (int64_t &extent : largest)
    if (ShapedType::isDynamic(extent))
      if (extent = place < bounds.size() ? bounds[place++] : ShapedType::kDynamic; ShapedType::isDynamic(extent))
        return std::nullopt;
  return largest;
}

int64_t TensorInterface::getNumElements() const {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  return count;
}

int64_t TensorInterface::getElementBytes() const {
  if (isStrings())
    return pointerBytes;
  if (auto complex = dyn_cast<ComplexType>(elementType))
    return 2 * llvm::divideCeil(complex.getElementType().getIntOrFloatBitWidth(), 8u);
  return llvm::divideCeil(elementType.getIntOrFloatBitWidth(), 8u);
}

bool TensorInterface::isPacked() const {
  return elementType.isIntOrFloat() && !elementType.isInteger(1) && elementType.getIntOrFloatBitWidth() < 8;
}

int64_t TensorInterface::getBytes() const {
  if (isPacked())
    return llvm::divideCeil(getNumElements() * elementType.getIntOrFloatBitWidth(), 8);
  return getNumElements() * getElementBytes();
}

std::string TensorInterface::getCType() const {
  if (elementType.isF32())
    return "float";
  if (elementType.isF64())
    return "double";
  if (isStrings())
    return "const char *";
  int64_t bits = getElementBytes() * 8;
  bool isSigned = isa<IntegerType>(elementType) && !isPacked() && !elementType.isUnsignedInteger() && !elementType.isInteger(1);
  return (isSigned ? "int" : "uint") + std::to_string(bits) + "_t";
}

std::string TensorInterface::getTypeName() const {
  if (elementType.isInteger(1))
    return "bool";
  if (isStrings())
    return "string";
  std::string name;
  llvm::raw_string_ostream os(name);
  if (elementType.isUnsignedInteger())
    os << 'u' << elementType.getIntOrFloatBitWidth();
  else
    os << elementType;
  return name;
}

std::string makeIdentifier(StringRef text) {
  std::string identifier;
  for (char c : text)
    identifier += llvm::isAlnum(c) ? c : '_';
  if (identifier.empty() || llvm::isDigit(identifier.front()))
    identifier.insert(0, "_");
  // Leading underscores followed by a capital, and double ones, are the C implementation's.
  if (StringRef(identifier).starts_with("_"))
    identifier.insert(0, "t");
  return identifier;
}

/// `identifier` itself, or with the first free number behind it.
static std::string makeUnique(std::string identifier, llvm::StringSet<> &taken) {
  static const llvm::StringSet<> reserved{
      // C and C++, as compilers know them without -std
      "alignas", "alignof", "and", "and_eq", "asm", "auto", "bitand", "bitor", "bool", "break", "case", "catch", "char",
      "char8_t", "char16_t", "char32_t", "class", "co_await", "co_return", "co_yield", "compl", "concept", "const",
      "const_cast", "consteval", "constexpr", "constinit", "continue", "decltype", "default", "delete", "do", "double",
      "dynamic_cast", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto", "if",
      "inline", "int", "linux", "long", "mutable", "namespace", "new", "noexcept", "not", "not_eq", "nullptr", "operator",
      "or", "or_eq", "private", "protected", "public", "register", "reinterpret_cast", "requires", "restrict", "return",
      "short", "signed", "sizeof", "static", "static_assert", "static_cast", "struct", "switch", "template", "this",
      "thread_local", "throw", "true", "try", "typedef", "typeid", "typename", "typeof", "union", "unix", "unsigned",
      "using", "virtual", "void", "volatile", "wchar_t", "while", "xor", "xor_eq",
      // the headers that are included
      "null", "offsetof", "ptrdiff_t", "size_t", "max_align_t", "int8_t", "int16_t", "int32_t", "int64_t", "uint8_t",
      "uint16_t", "uint32_t", "uint64_t", "int8_max", "int16_max", "int32_max", "int64_max", "int8_min", "int16_min",
      "int32_min", "int64_min", "uint8_max", "uint16_max", "uint32_max", "uint64_max", "size_max", "intptr_t", "uintptr_t",
      // names of the header's own
      "workspace", "weights", "code", "stack", "extents", "parallel", "parallel_for", "model", "run"};
  if (reserved.contains(StringRef(identifier).lower()))
    identifier += '_';
  // Macros are the identifier in capitals: unique means unique without regard to case.
  std::string unique = identifier;
  for (unsigned i = 2; !taken.insert(StringRef(unique).lower()).second; ++i)
    unique = identifier + "_" + std::to_string(i);
  return unique;
}

static ArrayRef<int64_t> getShape(Type type) { return cast<ShapedType>(type).getShape(); }

static std::optional<InputPreprocessing> getPreprocessing(DictionaryAttr attrs) {
  auto fields = attrs ? attrs.getAs<DictionaryAttr>("nn.preprocessing") : DictionaryAttr();
  auto mean = fields ? fields.getAs<DenseF32ArrayAttr>("mean") : DenseF32ArrayAttr();
  auto scale = fields ? fields.getAs<DenseF32ArrayAttr>("scale") : DenseF32ArrayAttr();
  if (!mean || !scale)
    return std::nullopt;
  InputPreprocessing result;
  result.mean = mean.asArrayRef().vec();
  result.scale = scale.asArrayRef().vec();
  if (auto axis = fields.getAs<IntegerAttr>("channel_axis"))
    result.channelAxis = axis.getInt();
  if (auto order = fields.getAs<StringAttr>("channel_order"))
    result.channelOrder = order.str();
  result.hasMeanImage = fields.contains("has_mean_image");
  result.isApplied = fields.contains("applied");
  return result;
}

static std::optional<QuantizedNumbers> getQuantization(DictionaryAttr attrs) {
  auto fields = attrs ? attrs.getAs<DictionaryAttr>("nn.quantization") : DictionaryAttr();
  auto scale = fields ? fields.getAs<FloatAttr>("scale") : FloatAttr();
  auto zeroPoint = fields ? fields.getAs<IntegerAttr>("zero_point") : IntegerAttr();
  if (!scale || !zeroPoint)
    return std::nullopt;
  return QuantizedNumbers{static_cast<float>(scale.getValueAsDouble()), zeroPoint.getInt()};
}

static TensorInterface makeTensor(Type type, DictionaryAttr attrs, std::string fallback, llvm::StringSet<> &taken) {
  TensorInterface tensor;
  auto name = attrs ? attrs.getAs<StringAttr>("nn.name") : StringAttr();
  tensor.name = name && !name.getValue().empty() ? name.getValue().str() : fallback;
  tensor.identifier = makeUnique(makeIdentifier(tensor.name), taken);
  auto recorded = attrs ? attrs.getAs<TypeAttr>("nn.element_type") : TypeAttr();
  tensor.elementType = recorded ? recorded.getValue() : cast<ShapedType>(type).getElementType();
  tensor.shape = getShape(type).vec();
  tensor.preprocessing = getPreprocessing(attrs);
  tensor.quantization = getQuantization(attrs);
  if (auto labels = attrs ? attrs.getAs<ArrayAttr>("nn.labels") : ArrayAttr())
    for (auto label : labels.getAsRange<StringAttr>())
      tensor.labels.push_back(label.str());
  return tensor;
}

static void nameInputExtents(TensorInterface &tensor, DictionaryAttr attrs, ModelInterface &interface,
                             llvm::StringMap<unsigned> &places, llvm::StringSet<> &taken) {
  auto symbols = attrs ? attrs.getAs<ArrayAttr>("nn.symbols") : ArrayAttr();
  for (auto [dim, extent] : llvm::enumerate(tensor.shape)) {
    if (!ShapedType::isDynamic(extent))
      continue;
    StringRef symbol;
    if (symbols && dim < symbols.size())
      symbol = cast<StringAttr>(symbols[dim]).getValue();
    std::string key = symbol.empty() ? tensor.identifier + "_" + std::to_string(dim) : "symbol " + symbol.str();
    auto [place, isNew] = places.try_emplace(key, interface.extents.size());
    if (isNew)
      interface.extents.push_back(makeUnique(symbol.empty() ? key : makeIdentifier(symbol), taken));
    tensor.extentOf.push_back(place->second);
  }
}

FailureOr<ModelInterface> ModelInterface::get(ModuleOp module, StringRef name) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return module.emitError("the module has no function @main");
  ModelInterface interface;
  auto modelName = module->getAttrOfType<StringAttr>("nn.model");
  interface.name = makeIdentifier(!name.empty() ? name : modelName ? modelName.getValue() : "model");

  llvm::StringSet<> tensorNames, extentNames;
  llvm::StringMap<unsigned> places;
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes())) {
    DictionaryAttr attrs = main.getArgAttrDict(i);
    if (attrs && (attrs.contains("nn.arena") || attrs.contains("nn.true_extents")))
      continue;
    if (!isa<RankedTensorType, MemRefType>(type))
      return main.emitError("argument ") << i << " of @main has no rank: " << type;
    bool isOutput = attrs && attrs.contains("nn.output");
    auto &list = isOutput ? interface.outputs : interface.inputs;
    std::string fallback = (isOutput ? "output" : "input") + std::to_string(list.size());
    list.push_back(makeTensor(type, attrs, fallback, tensorNames));
    if (isOutput)
      continue;
    nameInputExtents(list.back(), attrs, interface, places, extentNames);
    if (auto next = main.getArgAttrOfType<IntegerAttr>(i, "nn.next"))
      list.back().next = next.getInt();
    list.back().initial = main.getArgAttrOfType<DenseElementsAttr>(i, "nn.initial");
  }
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    if (!isa<RankedTensorType>(type))
      return main.emitError("result ") << i << " of @main has no rank: " << type;
    interface.outputs.push_back(
        makeTensor(type, main.getResultAttrDict(i), "output" + std::to_string(i), tensorNames));
  }
  for (TensorInterface &output : interface.outputs)
    for (auto [dim, extent] : llvm::enumerate(output.shape))
      if (ShapedType::isDynamic(extent)) {
        output.extentOf.push_back(interface.outputExtents.size());
        interface.outputExtents.push_back(output.identifier + "_" + std::to_string(dim));
      }
  interface.addBounds(module);
  return interface;
}

/// Whether a function about extents reads its argument `number` from the end; to hand it on is no use.
static bool isRead(ModuleOp module, unsigned fromEnd) {
  for (StringRef name : {"main_extents_fit", "main_output_extents", "main_workspace"})
    if (auto function = module.lookupSymbol<func::FuncOp>(name))
      for (Operation *user : function.getArgument(function.getNumArguments() - fromEnd).getUsers())
        if (!isa<func::CallOp>(user))
          return true;
  return false;
}

/// See ModelInterface::outputFormulas. Bounds are no formulas, and packed outputs have others' extents.
static std::vector<std::string> getOutputFormulas(const ModelInterface &interface, ModuleOp module) {
  auto function = module.lookupSymbol<func::FuncOp>("main_output_extents");
  if (!function || function.isExternal() || function.getNumResults() != interface.outputExtents.size())
    return {};
  std::vector<std::string> arguments;
  for (const TensorInterface &input : interface.inputs)
    for (unsigned place : input.extentOf)
      arguments.push_back(interface.extents[place]);
  std::vector<std::string> formulas = listExtentFormulas(function, arguments);
  for (const TensorInterface &output : interface.outputs)
    for (unsigned place : output.extentOf)
      if (!output.bounds.empty() || output.isPacked())
        formulas[place].clear();
  return formulas;
}

void ModelInterface::addBounds(ModuleOp module) {
  int64_t pointerBytes = DataLayout(module).getTypeSize(IndexType::get(module.getContext()));
  for (TensorInterface &tensor : llvm::concat<TensorInterface>(inputs, outputs))
    tensor.pointerBytes = pointerBytes;
  auto main = module.lookupSymbol<func::FuncOp>("main");
  unsigned output = 0, input = 0;
  SmallVector<unsigned> withValues;
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i)
    if (!main.getArgAttr(i, "nn.output") && !main.getArgAttr(i, "nn.arena")) {
      if (main.getArgAttr(i, "nn.size_values"))
        withValues.push_back(input);
      ++input;
    }
  for (auto [i, place] : llvm::enumerate(withValues)) {
    inputs[place].hasSizeValues = true;
    inputs[place].decidesSizes |= isRead(module, withValues.size() - i);
  }
  for (unsigned i = 0; main && i < main.getNumArguments(); ++i) {
    if (main.getArgAttr(i, "nn.true_extents")) {
      reportsExtents = true;
    } else if (main.getArgAttr(i, "nn.output")) {
      if (auto bounds = main.getArgAttrOfType<DenseI64ArrayAttr>(i, "nn.bounds"))
        outputs[output].bounds = bounds.asArrayRef().vec();
      ++output;
    }
  }
  // Shapes that are constants after all need no extents.
  auto isKnown = [](const TensorInterface &tensor) { return tensor.getLargestShape().has_value(); };
  if (takesExtents() && extents.empty() && llvm::all_of(outputs, isKnown)) {
    for (TensorInterface &tensor : outputs) {
      tensor.shape = *tensor.getLargestShape();
      tensor.extentOf.clear();
    }
    outputExtents.clear();
  }
  outputFormulas = getOutputFormulas(*this, module);
}

void recordElementTypes(ModuleOp module) {
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main)
    return;
  auto record = [](Type type) { return TypeAttr::get(cast<ShapedType>(type).getElementType()); };
  for (auto [i, type] : llvm::enumerate(main.getArgumentTypes()))
    if (isa<ShapedType>(type) && !main.getArgAttr(i, "nn.element_type"))
      main.setArgAttr(i, "nn.element_type", record(type));
  for (auto [i, type] : llvm::enumerate(main.getResultTypes()))
    if (isa<ShapedType>(type) && !main.getResultAttr(i, "nn.element_type"))
      main.setResultAttr(i, "nn.element_type", record(type));
}

} // namespace nnc
