// Layers that make categories of hashes.
#include "lib/Frontend/Import/Strings.h"
#include "lib/Frontend/Keras/Categories.h"
#include "lib/Frontend/Keras/LayerTable.h"
#include "lib/Frontend/Keras/Vocabulary.h"

using namespace mlir;
using nnc::frontend::Expression;

namespace nnc::keras {

/// Where the parameter mask_value is in x, null where it is left out.
static Expression findMasked(LayerBinder &layer, Expression x) {
  const llvm::json::Value *mask = layer.parameters().find("mask_value");
  if (!mask)
    return {};
  bool isText = text::isStrings(layer.getType(x));
  if (auto token = mask->getAsString(); token && isText && text::isString(*token))
    return {layer, layer.create<text::EqualOp>(x, frontend::createStrings(layer, {token->str()}, {}))};
  auto number = mask->getAsNumber();
  if (!number || isText || std::abs(*number) > (int64_t(1) << 53)) {
    (void)layer.reject("mask_value does not have the type of its input, or is too large");
    return {};
  }
  return x.equals(*number);
}

/// Gives the categories, or rows of them.
static LogicalResult finish(LayerBinder &layer, Expression x, int64_t count) {
  Builder &builder = layer.getBuilder();
  StringRef mode = layer.parameters().getString("output_mode", "int");
  Type type = bindCategoryType(layer, mode == "int" ? Type(builder.getI64Type()) : Type(builder.getF32Type()));
  if (layer.failed())
    return failure();
  Expression result = mode == "int" ? x.cast(type) : encodeCategories(layer, x, mode, count, type);
  return layer.failed() ? failure() : layer.result(result);
}

static LogicalResult importHashing(LayerBinder &layer) {
  Expression x = bindCategories(layer);
  layer.expectInputs(1);
  int64_t count = layer.positive("num_bins", 0), buckets = count;
  auto salt = bindSalt(layer);
  if (layer.failed())
    return failure();
  if (count > maxCategories && layer.parameters().getString("output_mode", "int") != "int")
    return layer.reject("it has too many categories");
  Expression masked = count > 1 ? findMasked(layer, x) : Expression();
  if (masked)
    --buckets; // category 0 is for what is masked
  if (x.getElementType().isInteger(1))
    return layer.reject("booleans are not hashed");
  if (isa<FloatType>(x.getElementType()))
    x = x.cast(layer.getBuilder().getI64Type());
  Expression bucket = hashIntoBuckets(layer, x, buckets, salt);
  if (masked)
    bucket = masked.choose(bucket.like(0), bucket + 1);
  return layer.failed() ? failure() : finish(layer, bucket, count);
}

//===--- Crosses ---===//

/// All bits of a number, which may be more than a double has.
static Expression bits(LayerBinder &layer, uint64_t number) {
  Type type = layer.getBuilder().getIntegerType(64, /*isSigned=*/false);
  return Expression::ints(layer, {static_cast<int64_t>(number)}).cast(type);
}

/// Two hashes of 64 bits as one, as TensorFlow joins those of crossed features.
static Expression join(LayerBinder &layer, Expression first, Expression second) {
  Expression factor = bits(layer, 0xc6a4a7935bd1e995), distance = bits(layer, 47);
  auto mix = [&](Expression x) { return x.binary<nn::BitwiseXorOp>(x.binary<nn::ShiftRightOp>(distance)); };
  Expression result = first.binary<nn::BitwiseXorOp>(factor);
  result = result.binary<nn::BitwiseXorOp>(mix(second * factor) * factor) * factor;
  return mix(mix(result) * factor);
}

static LogicalResult importHashedCrossing(LayerBinder &layer) {
  int64_t count = layer.positive("num_bins", 0);
  layer.refuse({"sparse"});
  if (layer.getInputs().size() < 2)
    return layer.reject("it needs two inputs at least");
  Builder &builder = layer.getBuilder();
  Type wide = builder.getIntegerType(64, /*isSigned=*/false);
  Expression all = bits(layer, 0xDECAFCAFFE);
  for (const Operand &input : layer.getInputs()) {
    Expression x(layer, input.value);
    bool isText = text::isStrings(layer.getType(x));
    if (x.getRank() < 1 || x.getRank() > 2 || (x.getRank() == 2 && x.getExtent(1) != 1))
      return layer.reject("its inputs must be columns of one number");
    if (!isText && (!isa<IntegerType>(x.getElementType()) || x.getElementType().isInteger(1)))
      return layer.reject("its inputs must be integers or strings");
    if (isText)
      x = {layer, layer.create<text::HashOp>(x, DenseI64ArrayAttr())};
    all = join(layer, all, x.cast(builder.getI64Type()).cast(wide));
  }
  if (layer.failed())
    return failure();
  if (count > maxCategories && layer.parameters().getString("output_mode", "int") != "int")
    return layer.reject("it has too many categories");
  Value limit = all.like(static_cast<double>(count));
  return finish(layer, all.unary<nn::ModOp>(limit, /*fmod=*/false).cast(builder.getI64Type()), count);
}

static const LayerEntry table[] = {
    {"HashedCrossing", importHashedCrossing},
    {"Hashing", importHashing},
};

ArrayRef<LayerEntry> getHashingLayers() { return table; }

} // namespace nnc::keras
