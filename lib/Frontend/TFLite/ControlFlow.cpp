// Operators that run other graphs of the model, and those that read and assign variables. A graph sees nothing but what it
// is given; variables are seen by all, so branches and loops give those that they assign as results.
#include "lib/Frontend/Import/Regions.h"
#include "lib/Frontend/TFLite/GraphImporter.h"

#include "dialects/NN/ConstantFolding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace nnc::tflite {

using Op = format::BuiltinOperator;

/// Graphs inside each other, so that one that runs itself comes to an end.
static constexpr unsigned maxNesting = 16;

static const OpEntry table[] = {
    {Op::ASSIGN_VARIABLE, nullptr}, {Op::CALL, nullptr},       {Op::CALL_ONCE, nullptr},
    {Op::IF, nullptr},              {Op::READ_VARIABLE, nullptr}, {Op::STABLEHLO_COMPOSITE, nullptr},
    {Op::VAR_HANDLE, nullptr},      {Op::WHILE, nullptr},
};

ArrayRef<OpEntry> getControlFlowOps() { return table; }

static RankedTensorType getRanked(Value value) { return cast<RankedTensorType>(value.getType()); }

std::nullopt_t GraphImporter::fail(const Call &call, const Twine &reason) {
  block(call.position, call.op, reason);
  return std::nullopt;
}

GraphImporter::Meanings GraphImporter::importGraphOp(const Call &call, Op kind) {
  switch (kind) {
  case Op::IF:
    return importIf(call);
  case Op::WHILE:
    return importWhile(call);
  case Op::CALL_ONCE:
    return importCallOnce(call);
  case Op::VAR_HANDLE:
    return importVarHandle(call);
  case Op::READ_VARIABLE:
    return importReadVariable(call);
  case Op::ASSIGN_VARIABLE:
    return importAssignVariable(call);
  default: {
    SmallVector<int64_t> graphs = ModelReader::getGraphsOf(call.op);
    if (graphs.size() != 1)
      return fail(call, "it does not say which graph it runs");
    return importBody(call, graphs.front(), call.operands);
  }
  }
}

GraphImporter::Meanings GraphImporter::importBody(const Call &call, int64_t number, ArrayRef<Meaning> operands) {
  if (!reader.hasGraph(number))
    return fail(call, "the model has no graph number " + Twine(number));
  if (depth + 1 >= maxNesting)
    return fail(call, "graphs that run each other are nested more than " + Twine(maxNesting) + " deep");
  GraphImporter inner(model, number, depth + 1);
  ArrayRef<int32_t> inputs = getElements(inner.graph.inputs());
  if (inputs.size() != operands.size())
    return fail(call, "its graph has " + Twine(inputs.size()) + " inputs, it gives " + Twine(operands.size()));
  for (auto [index, operand] : llvm::zip(inputs, operands)) {
    if (!operand)
      return fail(call, "an operand of it is missing");
    if (!inner.define(index, operand))
      return fail(call, "its graph has an input twice");
  }
  if (!inner.importOperators())
    return std::nullopt;
  SmallVector<Meaning> results;
  for (int32_t index : getElements(inner.graph.outputs())) {
    if (inner.getTensor(index).type() == format::TensorType::COMPLEX64)
      return fail(call, "its graph gives complex numbers, which is not supported");
    results.push_back(inner.lookup(index));
    if (!results.back())
      return fail(call, "its graph does not produce '" + inner.getName(index) + "'");
  }
  return results;
}

//===--- Variables ---===//

GraphImporter::Meanings GraphImporter::importVarHandle(const Call &call) {
  const auto *options = call.op.builtin_options_as_VarHandleOptions();
  StringRef name = options ? getText(options->shared_name()) : StringRef();
  std::string key = ("variable " + (options ? getText(options->container()) : StringRef()) + "/" + name).str();
  return SmallVector<Meaning>{{Value(), model.variables.find(key, name.empty() ? StringRef("variable") : name)}};
}

GraphImporter::Meanings GraphImporter::importReadVariable(const Call &call) {
  ArrayRef<int32_t> outputs = getElements(call.op.outputs());
  if (call.operands.size() != 1 || !call.operands[0].variable || outputs.size() != 1)
    return fail(call, "its operand is not a handle of a variable");
  RankedTensorType type = getType(outputs[0]);
  if (!type)
    return fail(call, "its variable has a type or shape that is not supported");
  unsigned variable = *call.operands[0].variable;
  ElementsAttr initial = model.variables[variable].initial;
  Value value;
  if (model.variables.isConstant() && initial)
    value = arith::ConstantOp::create(builder, builder.getUnknownLoc(), cast<TypedAttr>(initial));
  else
    value = model.variables.read(variable, type);
  if (!value)
    return fail(call, "its variable has no value");
  if (value.getType() != type && !frontend::joinTypes(getRanked(value), type))
    return fail(call, "its variable has another type or number of dimensions than its result");
  return SmallVector<Meaning>{{value, std::nullopt}};
}

GraphImporter::Meanings GraphImporter::importAssignVariable(const Call &call) {
  if (call.operands.size() != 2 || !call.operands[0].variable || !call.operands[1].value)
    return fail(call, "its operands are not a handle of a variable and a value");
  unsigned variable = *call.operands[0].variable;
  if (model.variables.isConstant())
    return fail(call, "it is in a graph that initialises variables, and runs elsewhere too");
  Value value = call.operands[1].value, before = model.variables[variable].before;
  auto differ = [](int64_t a, int64_t b) { return a != b && !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b); };
  if (before && (!frontend::joinTypes(getRanked(value), getRanked(before)) ||
                 llvm::any_of(llvm::zip(getRanked(value).getShape(), getRanked(before).getShape()),
                              [&](auto pair) { return differ(std::get<0>(pair), std::get<1>(pair)); })))
    return fail(call, "its variable changes its type or shape");
  model.variables.assign(variable, value);
  return SmallVector<Meaning>();
}

GraphImporter::Meanings GraphImporter::importCallOnce(const Call &call) {
  if (depth != 0)
    return fail(call, "it is supported in the main graph only");
  SmallVector<int64_t> graphs = ModelReader::getGraphsOf(call.op);
  if (graphs.size() != 1)
    return fail(call, "it does not say which graph it runs");
  model.variables.beginInitialising();
  Meanings results = importBody(call, graphs.front(), call.operands);
  SmallVector<Value> values = model.variables.endInitialising();
  if (!results)
    return std::nullopt;
  for (auto [number, value] : llvm::enumerate(values)) {
    Variable &variable = model.variables[number];
    if (!value || variable.initial)
      continue;
    if (variable.before || model.variables.save()[number])
      return fail(call, "variable '" + variable.name + "' is used before it is initialised");
    if (auto constant = value.getDefiningOp<arith::ConstantOp>())
      variable.initial = dyn_cast<ElementsAttr>(constant.getValue());
    if (!variable.initial)
      return fail(call, "the initial value of variable '" + variable.name + "' is not known at compile time");
  }
  return results;
}

//===--- Branches ---===//

bool GraphImporter::joinVariables(const Call &call, MutableArrayRef<SmallVector<Value>> after,
                                  SmallVectorImpl<unsigned> &changed) {
  for (unsigned variable = 0; variable < model.variables.size(); ++variable) {
    for (SmallVector<Value> &values : after)
      values.resize(model.variables.size());
    if (after[0][variable] == after[1][variable])
      continue;
    for (int side = 0; side < 2; ++side)
      if (!after[side][variable])
        after[side][variable] = model.variables.read(variable, getRanked(after[1 - side][variable]));
    if (!after[0][variable] || !after[1][variable]) {
      fail(call, "variable '" + model.variables[variable].name + "' has no value in one of its branches");
      return false;
    }
    changed.push_back(variable);
  }
  return true;
}

/// A type for what two branches give; null where there is none.
static RankedTensorType joinBranches(Value a, Value b) {
  std::optional<RankedTensorType> type = frontend::joinTypes(getRanked(a), getRanked(b));
  if (!type || (getRanked(a).hasStaticShape() && getRanked(b).hasStaticShape() && !type->hasStaticShape()))
    return {};
  return *type;
}

GraphImporter::Meanings GraphImporter::importIf(const Call &call) {
  SmallVector<int64_t> graphs = ModelReader::getGraphsOf(call.op);
  if (graphs.size() != 2 || call.operands.empty() || !call.operands[0].value)
    return fail(call, "it has no condition, or does not say which graphs are its branches");
  Value condition = call.operands[0].value;
  if (!getRanked(condition).getElementType().isInteger(1))
    return fail(call, "its condition is not a boolean");
  auto known = nn::getConstantInts(condition);
  if (known && known->size() == 1)
    return importBody(call, graphs[known->front() ? 0 : 1], call.operands.drop_front());
  Region regions[2];
  SmallVector<Meaning> results[2];
  SmallVector<Value> before = model.variables.save(), after[2], yielded[2];
  for (int side = 0; side < 2; ++side) {
    OpBuilder::InsertionGuard guard(builder);
    regions[side].push_back(new Block);
    builder.setInsertionPointToEnd(&regions[side].front());
    Meanings inner = importBody(call, graphs[side], call.operands.drop_front());
    after[side] = model.variables.save();
    model.variables.restore(before);
    if (!inner)
      return std::nullopt;
    results[side] = *inner;
  }
  SmallVector<unsigned> changed;
  if (!joinVariables(call, after, changed))
    return std::nullopt;
  if (results[0].size() != results[1].size())
    return fail(call, "its branches have different numbers of results");
  for (auto [a, b] : llvm::zip(results[0], results[1])) {
    if (a.variable != b.variable)
      return fail(call, "its branches give handles of different variables");
    if (a.value) {
      yielded[0].push_back(a.value);
      yielded[1].push_back(b.value);
    }
  }
  for (int side = 0; side < 2; ++side)
    for (unsigned variable : changed)
      yielded[side].push_back(after[side][variable]);
  SmallVector<Type> types;
  for (auto [a, b] : llvm::zip(yielded[0], yielded[1])) {
    types.push_back(joinBranches(a, b));
    if (!types.back())
      return fail(call, "its condition is not known at compile time, and its branches give results of different types or shapes");
  }
  Location loc = NameLoc::get(builder.getStringAttr(getOpName(call.position, call.op)));
  auto branches = nn::IfOp::create(builder, loc, types, condition);
  for (int side = 0; side < 2; ++side) {
    branches->getRegion(side).takeBody(regions[side]);
    frontend::yield(builder, branches->getRegion(side), loc, yielded[side]);
  }
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  if (failed(branches.verifyInvariants()))
    return fail(call, "it is not valid: " + Twine(message));
  auto next = branches->result_begin();
  for (Meaning &result : results[0])
    if (result.value)
      result.value = *next++;
  for (unsigned variable : changed)
    model.variables.assign(variable, *next++);
  return results[0];
}

//===--- Loops ---===//

/// What a loop carries from one iteration to the next. That is found by importing it: what the body gives back as it is
/// stays outside, what it assigns of variables is carried too, and extents that change are open.
struct GraphImporter::LoopPlan {
  int64_t condition = 0, body = 0;            ///< graphs
  SmallVector<bool> isCarried;                ///< for each operand
  SmallVector<RankedTensorType> operandTypes; ///< of those that are values
  SmallVector<unsigned> variables;            ///< that are carried, behind the operands
  SmallVector<RankedTensorType> variableTypes;

  SmallVector<Type> getCarriedTypes() const {
    SmallVector<Type> types;
    for (auto [carried, type] : llvm::zip(isCarried, operandTypes))
      if (carried)
        types.push_back(type);
    types.append(variableTypes.begin(), variableTypes.end());
    return types;
  }
};

Value GraphImporter::importCondition(const Call &call, int64_t number, ArrayRef<Meaning> operands) {
  Meanings results = importBody(call, number, operands);
  if (!results)
    return {};
  if (results->size() == 1 && results->front().value) {
    RankedTensorType type = getRanked(results->front().value);
    if (type.getElementType().isInteger(1) && type.hasStaticShape() && type.getNumElements() == 1)
      return results->front().value;
  }
  fail(call, "its condition is not one boolean");
  return {};
}

/// Makes the type of what is carried fit what an iteration gives; false where it cannot.
static bool widen(RankedTensorType &type, Value given, bool &isFinal) {
  std::optional<RankedTensorType> joined = frontend::joinTypes(getRanked(given), type);
  if (!joined)
    return false;
  isFinal &= *joined == type;
  type = *joined;
  return true;
}

/// After an iteration was imported: what it gives of the loop's operands. Whether the plan stays; nullopt on failure.
std::optional<bool> GraphImporter::adaptOperands(const Call &call, LoopPlan &plan, ArrayRef<Meaning> given,
                                                 ArrayRef<Meaning> results, SmallVectorImpl<Value> &yielded) {
  bool isFinal = true;
  for (auto [index, result] : llvm::enumerate(results)) {
    const Meaning &operand = given[index];
    if (operand.variable != result.variable)
      return fail(call, "its body changes a handle of a variable");
    if (operand.variable)
      continue;
    if (result.value == operand.value) {
      isFinal &= !plan.isCarried[index];
      plan.isCarried[index] = false;
      continue;
    }
    if (!plan.isCarried[index] || !widen(plan.operandTypes[index], result.value, isFinal))
      return fail(call, "a value that it carries changes its type or its number of dimensions");
    yielded.push_back(result.value);
  }
  return isFinal;
}

/// The same for variables, which had the values `start` before the iteration and `outside` before the loop.
std::optional<bool> GraphImporter::adaptVariables(const Call &call, LoopPlan &plan, ArrayRef<Value> start,
                                                  ArrayRef<Value> after, SmallVectorImpl<Value> &yielded) {
  bool isFinal = true;
  for (auto [variable, type] : llvm::zip(plan.variables, plan.variableTypes)) {
    if (!widen(type, after[variable], isFinal))
      return fail(call, "variable '" + model.variables[variable].name + "' changes its type or its number of dimensions");
    yielded.push_back(after[variable]);
  }
  for (unsigned variable = 0; variable < after.size(); ++variable) {
    Value before = variable < start.size() ? start[variable] : Value();
    if (after[variable] == before || llvm::is_contained(plan.variables, variable))
      continue;
    Value initial = model.variables.read(variable, getRanked(after[variable]));
    if (!initial)
      return fail(call, "variable '" + model.variables[variable].name + "' has no value before the loop");
    plan.variables.push_back(variable);
    plan.variableTypes.push_back(getRanked(initial));
    isFinal = false;
  }
  return isFinal;
}

std::optional<bool> GraphImporter::tryLoop(const Call &call, LoopPlan &plan, Region &region,
                                           SmallVectorImpl<Value> &yielded) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Type> types{RankedTensorType::get({}, builder.getI64Type())};
  llvm::append_range(types, plan.getCarriedTypes());
  region.push_back(new Block);
  Block &body = region.front();
  body.addArguments(types, SmallVector<Location>(types.size(), builder.getUnknownLoc()));
  builder.setInsertionPointToEnd(&body);
  SmallVector<Value> outside = model.variables.save();
  SmallVector<Meaning> operands(call.operands);
  unsigned place = 1;
  for (auto [carried, operand] : llvm::zip(plan.isCarried, operands))
    if (carried)
      operand.value = body.getArgument(place++);
  for (unsigned variable : plan.variables)
    model.variables.assign(variable, body.getArgument(place++));
  SmallVector<Value> start = model.variables.save();
  Meanings results = importBody(call, plan.body, operands);
  bool fits = results && results->size() == operands.size();
  Value condition = fits ? importCondition(call, plan.condition, *results) : Value();
  SmallVector<Value> after = model.variables.save();
  model.variables.restore(outside);
  if (results && !fits)
    return fail(call, "its body has a different number of outputs");
  if (!condition)
    return std::nullopt;
  yielded.assign({condition});
  std::optional<bool> keepsOperands = adaptOperands(call, plan, operands, *results, yielded);
  std::optional<bool> keepsVariables =
      keepsOperands ? adaptVariables(call, plan, start, after, yielded) : std::nullopt;
  return keepsVariables ? std::optional(*keepsOperands && *keepsVariables) : std::nullopt;
}

GraphImporter::Meanings GraphImporter::importWhile(const Call &call) {
  SmallVector<int64_t> graphs = ModelReader::getGraphsOf(call.op);
  if (graphs.size() != 2)
    return fail(call, "it does not say which graphs are its condition and its body");
  LoopPlan plan;
  plan.condition = graphs[0];
  plan.body = graphs[1];
  for (const Meaning &operand : call.operands) {
    if (!operand)
      return fail(call, "an operand of it is missing");
    plan.isCarried.push_back(static_cast<bool>(operand.value));
    plan.operandTypes.push_back(operand.value ? getRanked(operand.value) : RankedTensorType());
  }
  Value condition = importCondition(call, plan.condition, call.operands);
  if (!condition)
    return std::nullopt;
  Region region;
  SmallVector<Value> yielded;
  for (bool isFinal = false; !isFinal;) {
    Region attempt;
    std::optional<bool> keepsPlan = tryLoop(call, plan, attempt, yielded);
    if (!keepsPlan)
      return std::nullopt;
    isFinal = *keepsPlan;
    if (isFinal)
      region.takeBody(attempt);
  }
  SmallVector<Value> initial;
  for (auto [carried, operand] : llvm::zip(plan.isCarried, call.operands))
    if (carried)
      initial.push_back(operand.value);
  for (auto [variable, type] : llvm::zip(plan.variables, plan.variableTypes))
    initial.push_back(model.variables.read(variable, type));
  Location loc = NameLoc::get(builder.getStringAttr(getOpName(call.position, call.op)));
  auto loop = nn::LoopOp::create(builder, loc, plan.getCarriedTypes(), Value(), condition, initial);
  loop.getBody().takeBody(region);
  frontend::yield(builder, loop.getBody(), loc, yielded);
  std::string message;
  ScopedDiagnosticHandler handler(builder.getContext(), [&](Diagnostic &diagnostic) { message = diagnostic.str(); });
  if (failed(loop.verifyInvariants()))
    return fail(call, "it is not valid: " + Twine(message));
  SmallVector<Meaning> results(call.operands);
  auto next = loop->result_begin();
  for (auto [carried, result] : llvm::zip(plan.isCarried, results))
    if (carried)
      result.value = *next++;
  for (unsigned variable : plan.variables)
    model.variables.assign(variable, *next++);
  return results;
}

} // namespace nnc::tflite
