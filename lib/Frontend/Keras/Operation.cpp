// Arguments of operations.
#include "lib/Frontend/Keras/Operation.h"

#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// Numbers in a configuration that are still a constant.
static constexpr size_t maxNumbers = 1 << 16;

const Operand *Operation::operand(int position, ArrayRef<StringRef> names) {
  for (StringRef name : names)
    if (const Operand *named = layer.argument(name))
      return named;
  return position >= 0 ? layer.argument("", position) : nullptr;
}

/// Collects the numbers of nested lists, and their extents; false where those differ or an entry is no number.
static bool collect(const llvm::json::Value &value, size_t depth, SmallVectorImpl<int64_t> &shape,
                    std::vector<double> &numbers) {
  const llvm::json::Array *list = value.getAsArray();
  if (!list) {
    auto number = value.getAsNumber();
    if (auto boolean = value.getAsBoolean())
      number = *boolean;
    if (!number || depth != shape.size() || numbers.size() >= maxNumbers)
      return false;
    numbers.push_back(*number);
    return true;
  }
  int64_t extent = list->size();
  if (depth == shape.size() && numbers.empty())
    shape.push_back(extent);
  if (depth >= shape.size() || shape[depth] != extent)
    return false;
  return llvm::all_of(*list, [&](const llvm::json::Value &entry) { return collect(entry, depth + 1, shape, numbers); });
}

Expression Operation::constant(const llvm::json::Value &value, Type type) {
  // Arrays are written as {"class_name": "__numpy__" or "__tensor__", "config": {"value": lists, ...}}.
  const llvm::json::Value *content = &value;
  if (std::optional<TypedObject> typed = asTypedObject(&value); typed && typed->config)
    content = typed->config->get("value");
  SmallVector<int64_t> shape;
  std::vector<double> numbers;
  if (!content || !collect(*content, 0, shape, numbers) || numbers.empty()) {
    (void)layer.reject("an argument is neither a tensor nor numbers");
    return {};
  }
  bool isWhole = llvm::all_of(numbers, [](double number) { return number == static_cast<int64_t>(number); });
  if (!type || (!isa<FloatType>(type) && !isWhole))
    type = layer.getBuilder().getF32Type();
  if (shape.empty())
    return Expression::scalar(layer, type, numbers.front());
  return Expression(layer, layer.floats(shape, std::vector<float>(numbers.begin(), numbers.end()))).cast(type);
}

Expression Operation::tensor(int position, ArrayRef<StringRef> names, Expression like) {
  if (layer.failed())
    return {};
  const Operand *found = operand(position, names);
  if (found && found->kind == Argument::Tensor)
    return {layer, found->value};
  if (found && found->kind == Argument::Constant && found->constant)
    return constant(*found->constant, like ? like.getElementType() : Type());
  (void)layer.reject("it lacks the argument '" + names.front() + "'");
  return {};
}

std::pair<Expression, Expression> Operation::pair() {
  static constexpr StringRef first[] = {"x1", "x", "a", "x_"}, second[] = {"x2", "y", "b"};
  const Operand *left = operand(0, first);
  bool leftIsTensor = left && left->kind == Argument::Tensor;
  Expression y = tensor(1, second, leftIsTensor ? Expression(layer, left->value) : Expression());
  Expression x = tensor(0, first, y);
  if (layer.failed())
    return {x, y};
  Type xType = x.getElementType(), yType = y.getElementType();
  if (xType != yType) {
    bool xIsFloat = isa<FloatType>(xType), yIsFloat = isa<FloatType>(yType);
    bool takesX = xIsFloat != yIsFloat ? xIsFloat : xType.getIntOrFloatBitWidth() >= yType.getIntOrFloatBitWidth();
    return {x.cast(takesX ? xType : yType), y.cast(takesX ? xType : yType)};
  }
  return {x, y};
}

SmallVector<Value> Operation::list() {
  SmallVector<Value> values;
  for (const Operand &input : layer.getInputs())
    values.push_back(input.value);
  for (StringRef name : {"xs", "values", "arrays"})
    if (const Operand *named = values.empty() ? layer.argument(name) : nullptr)
      for (const Operand &item : named->items)
        values.push_back(item.value);
  if (values.empty() || llvm::is_contained(values, Value()))
    (void)layer.reject("it needs a list of tensors");
  return values;
}

const llvm::json::Value *Operation::option(int position, ArrayRef<StringRef> names) {
  for (StringRef name : names)
    if (const llvm::json::Value *value = layer.parameters().find(name))
      return value;
  const Operand *found = operand(position, names);
  if (!found || found->kind != Argument::Constant || !found->constant)
    return nullptr;
  return found->constant->kind() == llvm::json::Value::Null ? nullptr : found->constant;
}

SmallVector<int64_t> Operation::axes(int position, int64_t rank) {
  SmallVector<int64_t> result;
  const llvm::json::Value *value = option(position, {"axis", "axes"});
  if (!value) {
    for (int64_t i = 0; i < rank; ++i)
      result.push_back(i);
    return result;
  }
  if (auto number = value->getAsInteger())
    result.push_back(*number);
  else if (auto numbers = asInts(*value))
    result = *numbers;
  else
    (void)layer.reject("'axis' must be one axis or several");
  for (int64_t &axis : result)
    axis = layer.normalizeAxis(axis, rank);
  llvm::sort(result);
  result.erase(std::unique(result.begin(), result.end()), result.end());
  return result;
}

int64_t Operation::axis(int position, int64_t otherwise, int64_t rank) {
  const llvm::json::Value *value = option(position, {"axis", "dim"});
  auto number = value ? value->getAsInteger() : std::optional<int64_t>(otherwise);
  if (!number)
    (void)layer.reject("'axis' must be one axis");
  return layer.normalizeAxis(number.value_or(0), rank);
}

bool Operation::flag(int position, ArrayRef<StringRef> names) {
  const llvm::json::Value *value = option(position, names);
  return value && value->getAsBoolean().value_or(false);
}

double Operation::number(int position, ArrayRef<StringRef> names, double otherwise) {
  const llvm::json::Value *value = option(position, names);
  return value ? value->getAsNumber().value_or(otherwise) : otherwise;
}

SmallVector<int64_t> Operation::ints(int position, ArrayRef<StringRef> names) {
  const llvm::json::Value *value = option(position, names);
  std::optional<SmallVector<int64_t>> numbers = value ? asInts(*value, -1) : std::nullopt;
  if (!numbers)
    (void)layer.reject("'" + names.front() + "' must be a list of numbers");
  return numbers.value_or(SmallVector<int64_t>());
}

} // namespace nnc::keras
