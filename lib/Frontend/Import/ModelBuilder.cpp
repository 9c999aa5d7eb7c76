// Builds the module around the operations of a model.
#include "lib/Frontend/Import/ModelBuilder.h"

#include "dialects/NN/NN.h"
#include "dialects/Text/Text.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc::frontend {

void loadDialects(MLIRContext &context) {
  context.loadDialect<nn::NNDialect, text::TextDialect, arith::ArithDialect, cf::ControlFlowDialect, func::FuncDialect,
                      tensor::TensorDialect>();
}

llvm::Error overrideShape(const ShapeOverrides &shapes, StringRef input, ArrayRef<std::string> symbols,
                          SmallVectorImpl<int64_t> &shape) {
  for (auto [extent, symbol] : llvm::zip(shape, symbols))
    if (auto given = shapes.symbols.find(symbol); !symbol.empty() && given != shapes.symbols.end())
      extent = given->second;
  auto whole = shapes.inputs.find(input);
  if (whole == shapes.inputs.end())
    return llvm::Error::success();
  if (whole->second.size() != shape.size())
    return llvm::createStringError("has " + Twine(shape.size()) + " dimensions, --shape gives " +
                                   Twine(whole->second.size()));
  for (auto [extent, given] : llvm::zip(shape, whole->second)) {
    if (!ShapedType::isDynamic(extent) && !ShapedType::isDynamic(given) && extent != given)
      return llvm::createStringError("has a fixed extent of " + Twine(extent) + " where --shape gives " + Twine(given));
    if (!ShapedType::isDynamic(given))
      extent = given;
  }
  return llvm::Error::success();
}

llvm::Error fixSymbols(ShapeOverrides &shapes, StringRef input, ArrayRef<std::string> symbols) {
  auto whole = shapes.inputs.find(input);
  if (whole == shapes.inputs.end() || whole->second.size() != symbols.size())
    return llvm::Error::success(); // overrideShape says so
  for (auto [extent, symbol] : llvm::zip(whole->second, symbols)) {
    if (symbol.empty() || ShapedType::isDynamic(extent))
      continue;
    auto [known, isNew] = shapes.symbols.try_emplace(symbol, extent);
    if (!isNew && known->second != extent)
      return llvm::createStringError("has the extent '" + symbol + "', to which --shape gives both " +
                                     Twine(known->second) + " and " + Twine(extent));
  }
  return llvm::Error::success();
}

ModelBuilder::ModelBuilder(OpBuilder &builder, StringRef name) : builder(builder) {
  module = ModuleOp::create(builder.getUnknownLoc());
  module.get()->setAttr("nn.model", builder.getStringAttr(name));
  builder.setInsertionPointToStart(module->getBody());
  main = func::FuncOp::create(builder, builder.getUnknownLoc(), "main", builder.getFunctionType({}, {}));
  main.addEntryBlock();
  builder.setInsertionPointToEnd(&main.getBody().front());
}

Value ModelBuilder::addInput(StringRef name, RankedTensorType type, ArrayRef<std::string> symbols) {
  NamedAttrList attributes;
  attributes.set("nn.name", builder.getStringAttr(name));
  SmallVector<StringRef> symbolNames(symbols.begin(), symbols.end());
  if (!type.hasStaticShape() || llvm::any_of(symbolNames, [](StringRef symbol) { return !symbol.empty(); }))
    attributes.set("nn.symbols", builder.getStrArrayAttr(symbolNames));
  // At once: while a model is imported, extents are traced to the symbols of its inputs.
  unsigned number = main.getNumArguments();
  (void)main.insertArgument(number, type, attributes.getDictionary(builder.getContext()),
                            NameLoc::get(builder.getStringAttr(name)));
  return main.getArgument(number);
}

void ModelBuilder::setPreprocessing(Value input, const Preprocessing &preprocessing) {
  if (DictionaryAttr attribute = makeAttribute(preprocessing, cast<RankedTensorType>(input.getType())))
    main.setArgAttr(cast<BlockArgument>(input).getArgNumber(), "nn.preprocessing", attribute);
}

static DictionaryAttr makeAttribute(OpBuilder &builder, const QuantizedNumbers &numbers) {
  return builder.getDictionaryAttr({builder.getNamedAttr("scale", builder.getF32FloatAttr(numbers.scale)),
                                    builder.getNamedAttr("zero_point", builder.getI64IntegerAttr(numbers.zeroPoint))});
}

void ModelBuilder::setQuantization(Value input, const QuantizedNumbers &numbers) {
  main.setArgAttr(cast<BlockArgument>(input).getArgNumber(), "nn.quantization", makeAttribute(builder, numbers));
}

void ModelBuilder::addOutput(StringRef name, Value value, ArrayRef<std::string> labels,
                             const std::optional<QuantizedNumbers> &numbers) {
  results.push_back(value);
  NamedAttrList attributes;
  attributes.set("nn.name", builder.getStringAttr(name));
  if (!labels.empty())
    attributes.set("nn.labels", builder.getStrArrayAttr(llvm::to_vector_of<StringRef>(labels)));
  if (numbers)
    attributes.set("nn.quantization", makeAttribute(builder, *numbers));
  outputAttributes.push_back(attributes.getDictionary(builder.getContext()));
}

void ModelBuilder::addNextState(StringRef name, Value value, Value state, DenseElementsAttr initial) {
  unsigned number = cast<BlockArgument>(state).getArgNumber();
  main.setArgAttr(number, "nn.next", builder.getI64IntegerAttr(results.size()));
  if (initial)
    main.setArgAttr(number, "nn.initial", initial);
  addOutput(name, value);
}

OwningOpRef<ModuleOp> ModelBuilder::finish() {
  func::ReturnOp::create(builder, main.getLoc(), results);
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), TypeRange(ValueRange(results))));
  main.setAllResultAttrs(outputAttributes);
  return std::move(module);
}

} // namespace nnc::frontend
