// Imports an ONNX graph node by node.
#include "lib/Frontend/ONNX/GraphImporter.h"

#include "lib/Frontend/Import/Limits.h"
#include "lib/Frontend/Import/Weights.h"
#include "lib/Frontend/ONNX/ControlFlow.h"
#include "lib/Frontend/ONNX/Metadata.h"
#include "lib/Frontend/ONNX/NodeOrder.h"
#include "lib/Frontend/ONNX/Strings.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;

namespace nnc::onnx {

/// Nesting of functions and inner graphs that is still believed.
static constexpr unsigned maxDepth = 64;
/// Nodes, those of inlined functions and branches counted at each use: functions that call each other
/// twice could grow without end.
static constexpr int64_t maxNodes = 1 << 20;

//===--- Scope ---===//

GraphValue Scope::lookup(StringRef name) const {
  auto found = values.find(name);
  if (found != values.end())
    return found->second;
  return outer ? outer->lookup(name) : GraphValue();
}

bool Scope::isPoisoned(StringRef name) const {
  auto found = values.find(name);
  if (found != values.end())
    return !found->second;
  return outer && outer->isPoisoned(name);
}

bool Scope::isDefined(StringRef name) const {
  return isDefinedHere(name) || (outer && outer->isDefined(name));
}

const ::onnx::TensorProto *Scope::takeInitializer(StringRef name, Scope *&owner) {
  auto found = initializers.find(name);
  if (found != initializers.end()) {
    owner = this;
    return found->second;
  }
  return outer ? outer->takeInitializer(name, owner) : nullptr;
}

//===--- Refusing ---===//

GraphImporter::GraphImporter(MLIRContext *context, std::shared_ptr<const ::onnx::ModelProto> model, std::string folder,
                             const frontend::ImportOptions &options)
    : builder(context), model(model), shapes(options.shapes), elementCounts(options.elements), tensors(context, model, std::move(folder)) {}

void GraphImporter::block(const ::onnx::NodeProto &node, int64_t opset, const Twine &reason) {
  std::string op = node.domain().empty() ? node.op_type() : node.domain() + "." + node.op_type();
  blockers.add(getNodeName(node), opset ? op + ", opset " + Twine(opset) : Twine(op), reason);
}

void GraphImporter::blockModel(const Twine &reason) { blockers.addToModel(reason); }

//===--- Checks before anything is built ---===//

static int64_t getOpset(const Opsets &opsets, StringRef domain) {
  return opsets.lookup(domain == "ai.onnx" ? StringRef("") : domain);
}

Opsets readOpsets(const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &imports) {
  Opsets opsets;
  for (const auto &import : imports)
    opsets[import.domain() == "ai.onnx" ? std::string() : import.domain()] = import.version();
  return opsets;
}

/// The newest versions that the import functions were written for. A later one may give an operator another meaning.
static constexpr std::pair<StringRef, int64_t> newestOpsets[] = {{"", 28}, {"ai.onnx.ml", 5}};

void GraphImporter::checkOpsets(const Opsets &opsets) {
  for (auto [domain, newest] : newestOpsets)
    if (int64_t version = opsets.lookup(domain); version > newest)
      blockModel("version " + Twine(version) + " of the operators of " + (domain.empty() ? "ai.onnx" : domain) +
                 " is not supported; the newest known is " + Twine(newest));
}

const ::onnx::FunctionProto *GraphImporter::findFunction(const ::onnx::NodeProto &node) const {
  for (const auto &function : model->functions())
    if (function.name() == node.op_type() && function.domain() == node.domain())
      return &function;
  return nullptr;
}

void GraphImporter::findUnsupported(const Nodes &nodes, const Opsets &opsets, unsigned depth) {
  for (const auto &node : nodes) {
    int64_t opset = getOpset(opsets, node.domain());
    if (depth > maxDepth) {
      blockModel("graphs or functions are nested too deeply, or a function calls itself");
      return;
    }
    if (const auto *function = findFunction(node)) {
      if (!checkedFunctions.insert(function).second)
        continue;
      checkOpsets(readOpsets(function->opset_import()));
      findUnsupported(function->node(), readOpsets(function->opset_import()), depth + 1);
      continue;
    }
    if (!isControlFlowSince(node, opset) && !findOp(node.domain(), node.op_type(), opset))
      block(node, opset, isControlFlow(node) || findOp(node.domain(), node.op_type(), INT64_MAX) ? "this version of the operator is not supported"
                                                                        : "the operator is not supported");
    for (const auto &attribute : node.attribute())
      if (attribute.has_g() && !isControlFlow(node))
        findUnsupported(attribute.g().node(), opsets, depth + 1);
  }
}

//===--- Inputs and outputs of @main ---===//

/// Whether a dimension's parameter names an extent; exporters also write these words for any unknown one.
static bool isSymbol(StringRef parameter) {
  return !parameter.empty() && parameter != "?" && parameter != "*" && parameter != "-1" && parameter != "None";
}

using Dimension = ::onnx::TensorShapeProto::Dimension;

static bool hasValue(const Dimension &dim) { return dim.has_dim_value() && dim.dim_value() >= 0; }

static std::string getSymbol(const Dimension &dim) {
  return hasValue(dim) || !isSymbol(dim.dim_param()) ? "" : dim.dim_param();
}

/// What the user says of one input's symbols holds for all inputs.
bool GraphImporter::fixSymbols() {
  bool ok = true;
  for (const auto &input : model->graph().input()) {
    SmallVector<std::string> symbols;
    for (const auto &dim : input.type().tensor_type().shape().dim())
      symbols.push_back(getSymbol(dim));
    if (auto error = frontend::fixSymbols(shapes, input.name(), symbols)) {
      blockModel("input '" + input.name() + "' " + llvm::toString(std::move(error)));
      ok = false;
    }
  }
  return ok;
}

RankedTensorType GraphImporter::getInputType(StringRef name, const ::onnx::TypeProto &type,
                                             SmallVectorImpl<std::string> &symbols) {
  auto fail = [&](const Twine &reason) {
    blockModel("input '" + name + "' " + reason);
    return RankedTensorType();
  };
  if (!type.has_tensor_type())
    return fail("is not a tensor; sparse tensors, sequences of sequences and of maps are not supported");
  const auto &tensor = type.tensor_type();
  Type elementType = isStringType(tensor.elem_type()) ? Type(builder.getIndexType())
                                                      : getElementType(builder.getContext(), tensor.elem_type());
  if (!elementType)
    return fail("has an element type (" + Twine(tensor.elem_type()) + ") that is not supported");
  SmallVector<int64_t> shape;
  auto override = shapes.inputs.find(name);
  bool hasOverride = override != shapes.inputs.end();
  if (!tensor.has_shape() && !hasOverride)
    return fail("has no shape; give one with --shape");
  if (!tensor.has_shape()) {
    shape = override->second;
    symbols.assign(shape.size(), "");
  }
  for (const auto &dim : tensor.shape().dim()) {
    symbols.push_back(getSymbol(dim));
    shape.push_back(hasValue(dim) ? dim.dim_value() : ShapedType::kDynamic);
  }
  if (auto error = frontend::overrideShape(shapes, name, symbols, shape))
    return fail(llvm::toString(std::move(error)));
  if (shape.size() > frontend::maxRank)
    return fail("has " + Twine(shape.size()) + " dimensions, more than the " + Twine(frontend::maxRank) +
                " that nnc takes");
  SmallVector<int64_t> known;
  llvm::copy_if(shape, std::back_inserter(known), [](int64_t extent) { return !ShapedType::isDynamic(extent); });
  if (!frontend::countElements(known))
    return fail("has extents that are negative or too large");
  return RankedTensorType::get(shape, elementType);
}

bool GraphImporter::addInputs(frontend::ModelBuilder &main, Scope &scope) {
  llvm::StringSet<> initialized;
  for (const auto &initializer : model->graph().initializer())
    initialized.insert(initializer.name());
  for (const auto &sparse : model->graph().sparse_initializer())
    initialized.insert(sparse.values().name());
  if (!defineInitializers(model->graph(), scope) || !fixSymbols() || !checkElementCounts())
    return false;
  bool ok = true;
  for (const auto &input : model->graph().input()) {
    if (initialized.contains(input.name()))
      continue; // a default; nnc makes it a constant
    if (scope.isDefined(input.name())) {
      blockModel("two inputs are called '" + input.name() + "'");
      return false;
    }
    if (input.type().has_sequence_type() || input.type().has_optional_type() || input.type().has_map_type()) {
      GraphValue value = addCompoundInput(main, input);
      ok &= static_cast<bool>(value);
      scope.define(input.name(), value);
      continue;
    }
    SmallVector<std::string> symbols;
    RankedTensorType type = getInputType(input.name(), input.type(), symbols);
    if (!type) {
      ok = false;
      continue;
    }
    Value value = main.addInput(input.name(), type, symbols);
    if (auto preprocessing = readImageMetadata(*model, input, type))
      main.setPreprocessing(value, *preprocessing);
    scope.define(input.name(), value);
  }
  return ok;
}

bool GraphImporter::addOutputs(frontend::ModelBuilder &main, Scope &scope) {
  bool ok = model->graph().output_size() > 0;
  if (!ok)
    blockModel("the graph has no outputs");
  const std::vector<std::string> classNames = readClassNames(*model);
  for (const auto &output : model->graph().output()) {
    if (scope.isPoisoned(output.name()))
      return false; // its producer's blocker tells why
    GraphValue result = lookup(scope, output.name());
    if (!result) {
      blockModel("output '" + output.name() + "' is not produced by any node");
      ok = false;
      continue;
    }
    Value value = result.getTensor();
    if (!value || result.hasElement) { // a sequence, or an optional with a flag beside it
      ok &= addCompoundOutput(main, output.name(), result);
      continue;
    }
    if (!result.keys.empty())
      addCompound(output.name());
    bool isFirst = &output == &model->graph().output(0);
    std::vector<std::string> own = readOutputLabels(*model, output.name());
    ArrayRef<std::string> labels = result.keys.empty() ? own : result.keys;
    if (isFirst && labels.empty() && hasClasses(cast<RankedTensorType>(value.getType()), classNames.size()))
      labels = classNames;
    main.addOutput(output.name(), value, labels);
  }
  if (ok && !main.getNumOutputs()) {
    blockModel("the graph's outputs have no elements");
    return false;
  }
  return ok;
}

//===--- Nodes ---===//

llvm::Expected<Value> GraphImporter::createConstant(Location loc, const ::onnx::TensorProto &tensor) {
  if (isStringType(tensor.data_type()))
    return createStrings(builder, loc, tensor);
  auto elements = tensors.read(tensor);
  if (!elements)
    return elements.takeError();
  return arith::ConstantOp::create(builder, loc, cast<TypedAttr>(*elements)).getResult();
}

GraphValue GraphImporter::lookup(Scope &scope, StringRef name) {
  if (name.empty())
    return {};
  if (GraphValue value = scope.lookup(name))
    return value;
  Scope *owner = nullptr;
  const ::onnx::TensorProto *initializer = scope.takeInitializer(name, owner);
  if (!initializer || scope.isPoisoned(name))
    return {};
  Location loc = NameLoc::get(builder.getStringAttr(name));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(entry); // not in a region: later uses may be outside
  auto constant = createConstant(loc, *initializer);
  if (!constant) {
    blockModel(llvm::toString(constant.takeError()));
    owner->poison(name);
    return {};
  }
  owner->define(name, *constant);
  return *constant;
}

bool GraphImporter::importNodes(const Nodes &nodes, const Opsets &opsets, Scope &scope, unsigned depth) {
  if (depth > maxDepth) {
    blockModel("graphs or functions are nested too deeply, or a function calls itself");
    return false;
  }
  for (const auto &node : nodes)
    for (const std::string &output : node.output())
      if (!output.empty() && scope.isDefinedHere(output)) {
        blockModel("'" + output + "' is an input or a constant, and an output of node '" + getNodeName(node) + "' as well");
        return false;
      }
  numImportedNodes += nodes.size();
  if (numImportedNodes > maxNodes) {
    blockModel("the graph has more than " + Twine(maxNodes) + " nodes once its functions are inlined");
    return false;
  }
  auto order = orderNodes(nodes, [&](StringRef name) { return scope.isDefined(name); });
  if (!order) {
    blockModel(llvm::toString(order.takeError()));
    return false;
  }
  bool ok = true;
  for (const ::onnx::NodeProto *node : *order)
    ok &= importNode(*node, opsets, scope, depth);
  return ok;
}

bool GraphImporter::importNode(const ::onnx::NodeProto &node, const Opsets &opsets, Scope &scope, unsigned depth) {
  auto poison = [&] {
    for (const std::string &output : node.output())
      scope.poison(output);
    return false;
  };
  SmallVector<GraphValue> operands, results;
  for (const std::string &input : node.input()) {
    operands.push_back(lookup(scope, input));
    if (!operands.back() && !input.empty())
      return poison(); // its producer's blocker tells why
  }
  int64_t opset = getOpset(opsets, node.domain());
  bool ok;
  if (const auto *function = findFunction(node)) {
    ok = importFunction(*function, node, depth, operands, results);
  } else if (isControlFlow(node)) {
    return importControlFlow(node, opsets, scope, depth, operands) || poison();
  } else {
    const OpEntry *entry = findOp(node.domain(), node.op_type(), opset);
    if (!entry) {
      block(node, opset, "the operator is not supported");
      return poison();
    }
    ok = importOp(*entry, node, opset, depth, operands, results);
  }
  if (!ok)
    return poison();
  for (auto [index, output] : llvm::enumerate(node.output())) {
    if (output.empty())
      continue;
    if (index >= results.size()) {
      block(node, opset, "output " + Twine(index) + " is not supported");
      return poison();
    }
    scope.define(output, results[index]);
  }
  return true;
}

bool GraphImporter::importOp(const OpEntry &entry, const ::onnx::NodeProto &node, int64_t opset, unsigned depth,
                             ArrayRef<GraphValue> operands, SmallVectorImpl<GraphValue> &results) {
  if (StringRef reason = whyNoStrings(entry, operands); !reason.empty()) {
    block(node, opset, reason);
    return false;
  }
  Location loc = NameLoc::get(builder.getStringAttr(getNodeName(node)));
  static const llvm::StringMap<int64_t> none; // in inner graphs and functions the names are others
  NodeBinder binder(builder, node, opset, loc, operands, tensors, depth ? none : declaredRanks);
  bool takesAny = llvm::any_of(getSequenceOps(), [&](const OpEntry &other) { return &other == &entry; });
  for (auto [index, value] : llvm::enumerate(operands))
    if (value && !value.isTensor() && !takesAny)
      (void)binder.operand(index);
  if (binder.failed() || failed(entry.import(binder)) || binder.failed()) {
    block(node, opset, binder.failed() ? binder.getReason() : StringRef("it cannot be imported"));
    return false;
  }
  if (SmallVector<std::string> unknown = binder.getUnknownAttrs(); !unknown.empty()) {
    block(node, opset, "attribute '" + Twine(unknown.front()) + "' is not supported");
    return false;
  }
  results.assign(binder.getResults().begin(), binder.getResults().end());
  return true;
}

OwningOpRef<ModuleOp> GraphImporter::import(StringRef modelName) {
  Opsets opsets = readOpsets(model->opset_import());
  if (!opsets.contains(""))
    opsets[""] = 1;
  llvm::StringSet<> functions;
  for (const auto &function : model->functions())
    if (!functions.insert(function.domain() + ":" + function.name()).second)
      blockModel("function '" + function.name() + "' is there twice; overloads are not supported");
  checkOpsets(opsets);
  findUnsupported(model->graph().node(), opsets, 0);
  if (!blockers.empty())
    return {};
  for (const auto *values : {&model->graph().value_info(), &model->graph().output()})
    for (const auto &value : *values)
      if (value.type().tensor_type().has_shape())
        declaredRanks[value.name()] = value.type().tensor_type().shape().dim_size();

  frontend::ModelBuilder main(builder, modelName);
  entry = builder.getInsertionBlock();
  Scope scope;
  if (!addInputs(main, scope) || !importNodes(model->graph().node(), opsets, scope, 0) || !addOutputs(main, scope))
    return {};
  return main.finish();
}

} // namespace nnc::onnx
