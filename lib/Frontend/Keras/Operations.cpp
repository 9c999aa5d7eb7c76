// Operations without a layer: classes of keras.ops, and functions of TensorFlow in models of tf.keras (TFOpLambda).
#include "lib/Frontend/Keras/Activations.h"
#include "lib/Frontend/Keras/Operation.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

//===--- Element by element ---===//

template <typename OpTy> static LogicalResult importBinary(LayerBinder &layer) {
  auto [x, y] = Operation(layer).pair();
  return layer.result(layer.create<OpTy>(x, y));
}

/// Integers are divided as floats.
static LogicalResult importDivide(LayerBinder &layer) {
  auto [x, y] = Operation(layer).pair();
  if (layer.failed())
    return failure();
  Type type = isa<FloatType>(x.getElementType()) ? x.getElementType() : Type(layer.getBuilder().getF32Type());
  return layer.result(x.cast(type) / y.cast(type));
}

template <nn::ComparePredicate predicate, bool isNegated = false>
static LogicalResult importCompare(LayerBinder &layer) {
  auto [x, y] = Operation(layer).pair();
  Expression result(layer, layer.create<nn::CompareOp>(x, y, predicate));
  return layer.result(isNegated ? ~result : result);
}

/// The operand of a function of floats.
static Expression floatOperand(LayerBinder &layer) {
  Expression x = Operation(layer).tensor(0, {"x", "input", "features", "logits", "tensor", "input_tensor", "a"});
  return layer.failed() || isa<FloatType>(x.getElementType()) ? x : x.cast(layer.getBuilder().getF32Type());
}

template <typename OpTy> static LogicalResult importUnary(LayerBinder &layer) {
  return layer.result(layer.create<OpTy>(floatOperand(layer)));
}

/// Abs and the like keep integers.
template <typename OpTy> static LogicalResult importAnyUnary(LayerBinder &layer) {
  return layer.result(layer.create<OpTy>(Operation(layer).tensor(0, {"x", "input", "features"})));
}

static LogicalResult importSquare(LayerBinder &layer) {
  Expression x = Operation(layer).tensor(0, {"x"});
  return layer.result(x * x);
}

static LogicalResult importRsqrt(LayerBinder &layer) {
  return layer.result(floatOperand(layer).unary<nn::SqrtOp>().unary<nn::ReciprocalOp>());
}

static LogicalResult importClip(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "t"});
  if (layer.failed())
    return failure();
  double low = operation.number(1, {"x_min", "clip_value_min"}, -std::numeric_limits<float>::infinity());
  double high = operation.number(2, {"x_max", "clip_value_max"}, std::numeric_limits<float>::infinity());
  return layer.result(x.max(x.like(low)).min(x.like(high)));
}

static LogicalResult importWhere(LayerBinder &layer) {
  Operation operation(layer);
  Expression condition = operation.tensor(0, {"condition"}), x = operation.tensor(1, {"x1", "x"});
  Expression y = operation.tensor(2, {"x2", "y"}, x);
  if (layer.failed())
    return failure();
  return layer.result(condition.cast(layer.getBuilder().getI1Type()).choose(x, y.cast(x.getElementType())));
}

static LogicalResult importCast(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x"});
  const llvm::json::Value *name = operation.option(1, {"dtype"});
  Type type = parseElementType(layer.getBuilder(), name ? name->getAsString().value_or("") : "");
  if (!type)
    return layer.reject("'dtype' is not supported");
  return layer.failed() ? failure() : layer.result(x.cast(type));
}

/// Functions that activations have as well; with other parameters than the usual ones they are refused.
static LogicalResult importActivation(LayerBinder &layer) {
  Operation operation(layer);
  StringRef name = llvm::StringSwitch<StringRef>(getOperationName(layer.get()))
                       .Case("Relu", "relu")
                       .Case("Relu6", "relu6")
                       .Case("Sigmoid", "sigmoid")
                       .Case("Tanh", "tanh")
                       .Case("Softplus", "softplus")
                       .Case("Softsign", "softsign")
                       .Case("Silu", "silu")
                       .Case("Elu", "elu")
                       .Case("Selu", "selu")
                       .Case("HardSigmoid", "hard_sigmoid")
                       .Case("HardSilu", "hard_silu")
                       .Case("LogSigmoid", "log_sigmoid")
                       .Case("Gelu", "gelu")
                       .Default("?");
  if (operation.number(-1, {"alpha"}, 1) != 1 ||
      (name == "gelu" && layer.isBeforeKeras3() && operation.flag(1, {"approximate"})))
    return layer.reject("its parameters are not supported");
  Expression x = floatOperand(layer);
  if (name == "gelu" && !layer.isBeforeKeras3() && layer.parameters().getBool("approximate", true))
    return layer.result(x.unary<nn::GeluOp>(nn::GeluForm::Tanh));
  return layer.result(applyActivation(layer, x, name));
}

static LogicalResult importLeakyRelu(LayerBinder &layer) {
  double slope = Operation(layer).number(1, {"negative_slope", "alpha"}, 0.2);
  return layer.result(
      floatOperand(layer).unary<nn::LeakyReluOp>(layer.getBuilder().getF32FloatAttr(static_cast<float>(slope))));
}

static LogicalResult importSoftmax(LayerBinder &layer) {
  Expression x = floatOperand(layer);
  int64_t axis = Operation(layer).axis(1, -1, x.getRank());
  return layer.failed() ? failure() : layer.result(x.softmax(axis));
}

//===--- Along axes ---===//

template <nn::ReductionKind kind> static LogicalResult importReduction(LayerBinder &layer) {
  Operation operation(layer);
  Expression x =
      kind == nn::ReductionKind::Mean ? floatOperand(layer) : operation.tensor(0, {"x", "a", "input_tensor"});
  SmallVector<int64_t> axes = operation.axes(1, x.getRank());
  return layer.failed() ? failure() : layer.result(x.reduce(kind, axes, operation.flag(2, {"keepdims", "keep_dims"})));
}

/// Whether any element is not 0, or all are not.
template <nn::ReductionKind kind> static LogicalResult importOfBooleans(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "input_tensor"});
  SmallVector<int64_t> axes = operation.axes(1, x.getRank());
  if (layer.failed())
    return failure();
  Type boolean = layer.getBuilder().getI1Type();
  Expression bits = x.cast(boolean).cast(layer.getBuilder().getI32Type());
  return layer.result(bits.reduce(kind, axes, operation.flag(2, {"keepdims", "keep_dims"})).cast(boolean));
}

template <typename OpTy> static LogicalResult importLogical(LayerBinder &layer) {
  auto [x, y] = Operation(layer).pair();
  Type boolean = layer.getBuilder().getI1Type();
  return layer.failed() ? failure() : layer.result(x.cast(boolean).binary<OpTy>(y.cast(boolean)));
}

template <bool isRoot> static LogicalResult importVariance(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = floatOperand(layer);
  SmallVector<int64_t> axes = operation.axes(1, x.getRank());
  if (layer.failed())
    return failure();
  Expression centered = x - x.reduce(nn::ReductionKind::Mean, axes, /*keepdims=*/true);
  Expression result =
      (centered * centered).reduce(nn::ReductionKind::Mean, axes, operation.flag(2, {"keepdims", "keep_dims"}));
  return layer.result(isRoot ? result.unary<nn::SqrtOp>() : result);
}

template <bool isMin> static LogicalResult importArgReduction(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "input"});
  int64_t axis = operation.axis(1, 0, x.getRank());
  if (!operation.option(1, {"axis"}) && x.getRank() != 1)
    return layer.reject("it needs an axis");
  Expression index(layer,
                   layer.create<nn::ArgReduceOp>(x, axis, operation.flag(2, {"keepdims"}), isMin, /*last=*/false));
  return layer.failed() ? failure() : layer.result(index.cast(layer.getBuilder().getI32Type()));
}

static LogicalResult importMatmul(LayerBinder &layer) {
  Operation operation(layer);
  auto [x, y] = operation.pair();
  bool turnsX = operation.flag(2, {"transpose_a"}), turnsY = operation.flag(3, {"transpose_b"});
  return layer.result(layer.create<nn::MatmulOp>(x, y, turnsX, turnsY));
}

//===--- Movement ---===//

static LogicalResult importReshape(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "tensor"});
  SmallVector<int64_t> shape = operation.ints(1, {"newshape", "new_shape", "shape"});
  if (llvm::any_of(shape, [](int64_t extent) { return extent == 0 || extent < -1; }))
    return layer.reject("its shape must be positive numbers, or -1");
  return layer.failed() ? failure() : layer.result(x.reshape(shape));
}

static LogicalResult importTranspose(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "a"});
  SmallVector<int64_t> order;
  for (int64_t i = x.getRank(); i-- > 0;)
    order.push_back(i);
  if (operation.option(1, {"axes", "perm"}))
    order = operation.ints(1, {"axes", "perm"});
  for (int64_t &axis : order)
    axis = layer.normalizeAxis(axis, x.getRank());
  return layer.failed() ? failure() : layer.result(x.transpose(order));
}

static LogicalResult importExpandDims(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "input"});
  int64_t axis = operation.axis(1, 0, x.getRank() + 1);
  return layer.failed() ? failure() : layer.result(x.unsqueeze({axis}));
}

static LogicalResult importSqueeze(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "input"});
  if (layer.failed())
    return failure();
  SmallVector<int64_t> axes;
  if (operation.option(1, {"axis"}))
    axes = operation.axes(1, x.getRank());
  else
    for (auto [axis, extent] : llvm::enumerate(layer.getShape(x)))
      if (extent == 1)
        axes.push_back(axis);
  return layer.failed() ? failure() : layer.result(x.squeeze(axes));
}

static LogicalResult importConcatenate(LayerBinder &layer) {
  Operation operation(layer);
  SmallVector<Value> values = operation.list();
  int64_t axis = operation.axis(1, 0, layer.getRank(values.empty() ? Value() : values.front()));
  return layer.failed() ? failure() : layer.result(layer.create<nn::ConcatOp>(ValueRange(values), axis));
}

static LogicalResult importStack(LayerBinder &layer) {
  Operation operation(layer);
  SmallVector<Value> values = operation.list();
  int64_t axis = operation.axis(1, 0, layer.getRank(values.empty() ? Value() : values.front()) + 1);
  for (Value &value : values)
    if (!layer.failed())
      value = layer.create<nn::UnsqueezeOp>(value, ArrayRef<int64_t>{axis});
  return layer.failed() ? failure() : layer.result(layer.create<nn::ConcatOp>(ValueRange(values), axis));
}

static LogicalResult importTile(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "input"});
  SmallVector<int64_t> repeats = operation.ints(1, {"repeats", "multiples"});
  if (static_cast<int64_t>(repeats.size()) != x.getRank() ||
      llvm::any_of(repeats, [](int64_t count) { return count < 1 || count >> 31; }))
    return layer.reject("it needs one positive number for each axis");
  return layer.result(layer.create<nn::TileOp>(x, layer.ints(repeats)));
}

static LogicalResult importFlip(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x"});
  SmallVector<int64_t> axes = operation.axes(1, x.getRank());
  return layer.result(layer.create<nn::ReverseOp>(x, axes));
}

static LogicalResult importOneHot(LayerBinder &layer) {
  Operation operation(layer);
  Expression indices = operation.tensor(0, {"x", "indices"});
  const llvm::json::Value *dtype = operation.option(-1, {"dtype"});
  Type type =
      dtype ? parseElementType(layer.getBuilder(), dtype->getAsString().value_or("")) : layer.getBuilder().getF32Type();
  double depth = operation.number(1, {"num_classes", "depth"}, 0);
  if (layer.failed() || !type || depth < 1 || depth > (1 << 30) || operation.option(2, {"on_value"}))
    return layer.reject("its parameters are not supported");
  int64_t axis = operation.axis(2, -1, indices.getRank() + 1);
  Expression values = Expression(layer, layer.floats({2}, {0, 1})).cast(type);
  // An index below zero has no element; the operation would count it from the end.
  Expression isThere = indices >= 0;
  indices = isThere.choose(indices, indices.like(depth));
  return layer.result(layer.create<nn::OneHotOp>(indices, layer.ints({static_cast<int64_t>(depth)}), values, axis));
}

namespace {

/// x[key] of Python.
struct Subscript {
  SmallVector<int64_t> starts, ends, steps, axes, removed, added;
};

} // namespace

static bool readSlice(const llvm::json::Object &slice, int64_t axis, Subscript &subscript) {
  Parameters bounds(slice);
  for (StringRef key : {"start", "stop", "step"})
    if (bounds.has(key) && !bounds.getInt(key))
      return false;
  int64_t step = bounds.getInt("step", 1), far = std::numeric_limits<int64_t>::max();
  if (step == 0)
    return false;
  subscript.starts.push_back(bounds.getInt("start", step > 0 ? 0 : far));
  subscript.ends.push_back(bounds.getInt("stop", step > 0 ? far : -far));
  subscript.steps.push_back(step);
  subscript.axes.push_back(axis);
  return true;
}

/// Slices, integers and new axes; false where something else is in the key.
static bool readSubscript(const llvm::json::Value &key, int64_t rank, Subscript &subscript) {
  std::vector<const llvm::json::Value *> entries;
  if (const llvm::json::Array *list = key.getAsArray())
    for (const llvm::json::Value &entry : *list)
      entries.push_back(&entry);
  else
    entries.push_back(&key);
  auto isEllipsis = [](const llvm::json::Value *entry) {
    std::optional<TypedObject> typed = asTypedObject(entry);
    return typed && typed->className == "__ellipsis__";
  };
  int64_t numAxes = llvm::count_if(
      entries, [&](auto *entry) { return entry->kind() != llvm::json::Value::Null && !isEllipsis(entry); });
  int64_t axis = 0, place = 0;
  for (const llvm::json::Value *entry : entries) {
    std::optional<TypedObject> typed = asTypedObject(entry);
    if (isEllipsis(entry)) {
      place += rank - numAxes - axis > 0 ? rank - numAxes : 0;
      axis += rank - numAxes;
    } else if (entry->kind() == llvm::json::Value::Null) {
      subscript.added.push_back(place++);
    } else if (auto index = entry->getAsInteger()) {
      subscript.starts.push_back(*index);
      subscript.ends.push_back(*index == -1 ? std::numeric_limits<int64_t>::max() : *index + 1);
      subscript.steps.push_back(1);
      subscript.axes.push_back(axis);
      subscript.removed.push_back(axis++);
    } else {
      const llvm::json::Object *slice = typed && typed->className == "__slice__" ? typed->config : entry->getAsObject();
      if (!slice || (typed && typed->className != "__slice__") || !readSlice(*slice, axis, subscript))
        return false;
      ++axis;
      ++place;
    }
  }
  return axis <= rank && numAxes <= rank;
}

static LogicalResult importGetItem(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "tensor"});
  const llvm::json::Value *key = operation.option(1, {"key", "slice_spec"});
  Subscript subscript;
  if (layer.failed())
    return failure();
  if (!key || !readSubscript(*key, x.getRank(), subscript))
    return layer.reject("only slices and whole numbers are supported between its brackets");
  if (!subscript.axes.empty())
    x = {layer, layer.create<nn::SliceOp>(x, layer.ints(subscript.starts), layer.ints(subscript.ends),
                                          layer.ints(subscript.steps), subscript.axes)};
  if (!subscript.removed.empty())
    x = x.squeeze(subscript.removed);
  return layer.result(subscript.added.empty() ? x : x.unsqueeze(subscript.added));
}

static LogicalResult importIdentity(LayerBinder &layer) {
  return layer.result(Operation(layer).tensor(0, {"x", "input"}));
}

/// The element type that an option names, that of a tensor where it is left out.
static Type bindType(LayerBinder &layer, Operation &operation, Expression x) {
  const llvm::json::Value *name = operation.option(1, {"dtype"});
  if (layer.failed() || !name)
    return layer.failed() ? Type() : x.getElementType();
  Type type = parseElementType(layer.getBuilder(), name->getAsString().value_or(""));
  if (!type)
    (void)layer.reject("'dtype' is not supported");
  return type;
}

static LogicalResult importConvertToTensor(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x", "input"});
  Type type = bindType(layer, operation, x);
  return layer.failed() ? failure() : layer.result(x.cast(type));
}

/// A tensor of one number, of the extents of another one.
template <int number> static LogicalResult importFilledLike(LayerBinder &layer) {
  Operation operation(layer);
  Expression x = operation.tensor(0, {"x"});
  Type type = bindType(layer, operation, x);
  return layer.failed() ? failure() : layer.result(layer.create<nn::FillOp>(x.shape(), layer.scalar(type, number)));
}

using nn::ComparePredicate, nn::ReductionKind;

static const LayerEntry table[] = {
    {"All", importOfBooleans<ReductionKind::Min>},
    {"Any", importOfBooleans<ReductionKind::Max>},
    {"LogicalAnd", importLogical<nn::AndOp>},
    {"LogicalOr", importLogical<nn::OrOp>},
    {"Absolute", importAnyUnary<nn::AbsOp>},
    {"Add", importBinary<nn::AddOp>},
    {"Arccos", importUnary<nn::AcosOp>},
    {"Arcsin", importUnary<nn::AsinOp>},
    {"Arctan", importUnary<nn::AtanOp>},
    {"Argmax", importArgReduction<false>},
    {"Argmin", importArgReduction<true>},
    {"Cast", importCast},
    {"Ceil", importUnary<nn::CeilOp>},
    {"Clip", importClip},
    {"Concatenate", importConcatenate},
    {"ConvertToTensor", importConvertToTensor},
    {"Cos", importUnary<nn::CosOp>},
    {"Cosh", importUnary<nn::CoshOp>},
    {"Divide", importDivide},
    {"Elu", importActivation},
    {"Equal", importCompare<ComparePredicate::Equal>},
    {"Erf", importUnary<nn::ErfOp>},
    {"Exp", importUnary<nn::ExpOp>},
    {"ExpandDims", importExpandDims},
    {"Flip", importFlip},
    {"Floor", importUnary<nn::FloorOp>},
    {"Gelu", importActivation},
    {"GetItem", importGetItem},
    {"Greater", importCompare<ComparePredicate::Greater>},
    {"GreaterEqual", importCompare<ComparePredicate::GreaterEqual>},
    {"HardSigmoid", importActivation},
    {"HardSilu", importActivation},
    {"Identity", importIdentity},
    {"LeakyRelu", importLeakyRelu},
    {"Less", importCompare<ComparePredicate::Less>},
    {"LessEqual", importCompare<ComparePredicate::LessEqual>},
    {"Log", importUnary<nn::LogOp>},
    {"LogSigmoid", importActivation},
    {"Matmul", importMatmul},
    {"Max", importReduction<ReductionKind::Max>},
    {"Maximum", importBinary<nn::MaxOp>},
    {"Mean", importReduction<ReductionKind::Mean>},
    {"Min", importReduction<ReductionKind::Min>},
    {"Minimum", importBinary<nn::MinOp>},
    {"Multiply", importBinary<nn::MulOp>},
    {"Negative", importAnyUnary<nn::NegOp>},
    {"NotEqual", importCompare<ComparePredicate::Equal, true>},
    {"OneHot", importOneHot},
    {"OnesLike", importFilledLike<1>},
    {"Power", importBinary<nn::PowOp>},
    {"Prod", importReduction<ReductionKind::Prod>},
    {"Reciprocal", importUnary<nn::ReciprocalOp>},
    {"Relu", importActivation},
    {"Relu6", importActivation},
    {"Reshape", importReshape},
    {"Round", importUnary<nn::RoundOp>},
    {"Rsqrt", importRsqrt},
    {"Selu", importActivation},
    {"Sigmoid", importActivation},
    {"Sign", importAnyUnary<nn::SignOp>},
    {"Silu", importActivation},
    {"Sin", importUnary<nn::SinOp>},
    {"Sinh", importUnary<nn::SinhOp>},
    {"Softmax", importSoftmax},
    {"Softplus", importActivation},
    {"Softsign", importActivation},
    {"Sqrt", importUnary<nn::SqrtOp>},
    {"Square", importSquare},
    {"Squeeze", importSqueeze},
    {"Stack", importStack},
    {"Std", importVariance<true>},
    {"StopGradient", importIdentity},
    {"Subtract", importBinary<nn::SubOp>},
    {"Sum", importReduction<ReductionKind::Sum>},
    {"Tan", importUnary<nn::TanOp>},
    {"Tanh", importActivation},
    {"Tile", importTile},
    {"Transpose", importTranspose},
    {"TrueDivide", importDivide},
    {"Var", importVariance<false>},
    {"Where", importWhere},
    {"ZerosLike", importFilledLike<0>},
};

ArrayRef<LayerEntry> getOperations() { return table; }

} // namespace nnc::keras
