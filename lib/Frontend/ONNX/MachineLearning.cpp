// Operators of the domain ai.onnx.ml on numbers, and encoders of strings.
#include "lib/Frontend/Import/Expression.h"
#include "lib/Frontend/ONNX/OpTable.h"
#include "lib/Frontend/ONNX/RunTimeChecks.h"
#include "lib/Frontend/ONNX/Strings.h"

#include <cmath>
#include <set>

using namespace mlir;

namespace nnc::onnx {

using frontend::Expression;

static constexpr StringRef domain = "ai.onnx.ml";

/// A row of the attribute's numbers, as f32.
static Expression getRow(NodeBinder &node, StringRef name) {
  SmallVector<double> numbers = node.floatsAttr(name);
  std::vector<float> values(numbers.begin(), numbers.end());
  auto count = static_cast<int64_t>(values.size());
  return {node, node.floats({count}, values)};
}

//===--- Features ---===//

/// (x - offset) * scale.
static LogicalResult importScaler(NodeBinder &node) {
  Expression x(node, node.operand(0)), offset = getRow(node, "offset"), scale = getRow(node, "scale");
  if (node.failed())
    return failure();
  return node.result((x.cast(node.getBuilder().getF32Type()) - offset) * scale);
}

static LogicalResult importBinarizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  double threshold = node.floatAttr("threshold", 0);
  if (node.failed())
    return failure();
  Type type = x.getElementType();
  Expression number = isa<FloatType>(type) ? x : x.cast(node.getBuilder().getF64Type());
  return node.result((number > number.like(threshold)).cast(type));
}

/// The columns that the indices choose.
static LogicalResult importArrayFeatureExtractor(NodeBinder &node) {
  Expression x(node, node.operand(0)), indices(node, node.operand(1));
  if (node.failed())
    return failure();
  if (x.getRank() < 1)
    return node.reject("there is no axis to choose from");
  if (x.getRank() == 1)
    x = x.unsqueeze({0});
  return node.result(x.gather(indices.reshape({-1}), x.getRank() - 1));
}

/// Each row divided by its largest magnitude, or its norm; a row of zeros stays.
static LogicalResult importNormalizer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  std::string norm = node.stringAttr("norm", "MAX");
  if (node.failed())
    return failure();
  x = x.cast(node.getBuilder().getF32Type());
  int64_t axis = x.getRank() - 1;
  if (x.getRank() < 1 || x.getRank() > 2)
    return node.reject("the features must be one or two axes");
  Expression divisor;
  if (norm == "L1")
    divisor = x.reduce(nn::ReductionKind::SumAbs, {axis}, /*keepdims=*/true);
  else if (norm == "L2")
    divisor = x.reduce(nn::ReductionKind::SumSquare, {axis}, /*keepdims=*/true).unary<nn::SqrtOp>();
  else if (norm == "MAX")
    divisor = x.reduce(nn::ReductionKind::Max, {axis}, /*keepdims=*/true);
  else
    return node.reject("norm '" + norm + "' is not supported");
  return node.result(divisor.equals(0.0).choose(x, x / divisor));
}

/// `replaced_value` becomes the imputed value of the column.
static LogicalResult importImputer(NodeBinder &node) {
  Expression x(node, node.operand(0));
  if (!node.failed() && x.getElementType().isInteger(64)) {
    Expression values = Expression::ints(node, node.intsAttr("imputed_value_int64s"));
    int64_t missing = node.intAttr("replaced_value_int64", 0);
    if (values.getExtent(0) == 0)
      return node.reject("it has no values for integers");
    return node.result(x.equals(Expression::ints(node, {missing})).choose(values, x));
  }
  Expression imputed = getRow(node, "imputed_value_floats");
  double replaced = node.floatAttr("replaced_value_float", 0);
  if (node.failed())
    return failure();
  if (!x.getElementType().isF32() || imputed.getExtent(0) == 0)
    return node.reject("only floats and integers of 64 bits are imputed");
  Expression isMissing = std::isnan(replaced) ? x.unary<nn::IsNaNOp>() : x.equals(replaced);
  return node.result(isMissing.choose(imputed, x));
}

//===--- Encodings ---===//

/// For each x, (..., 1), which of `keys`, (n), it is; NaN is NaN only where `matchNaN`.
static Expression matchKeys(Expression x, Expression keys, bool matchNaN) {
  Expression column = x.unsqueeze({x.getRank()}), isKey = column.equals(keys);
  if (!matchNaN || !isa<FloatType>(x.getElementType()))
    return isKey;
  return isKey | (column.unary<nn::IsNaNOp>() & keys.unary<nn::IsNaNOp>());
}

/// What the attribute `stem`_int64s, _floats, _strings or _tensor lists; null where there is none.
static Expression getList(NodeBinder &node, const std::string &stem) {
  if (node.hasAttr(stem + "_int64s"))
    return Expression::ints(node, node.intsAttr(stem + "_int64s"));
  if (node.hasAttr(stem + "_floats"))
    return getRow(node, stem + "_floats");
  if (node.hasAttr(stem + "_strings")) {
    SmallVector<std::string> strings = node.stringsAttr(stem + "_strings");
    return {node, createStrings(node, strings, {static_cast<int64_t>(strings.size())})};
  }
  return {node, node.tensorAttr(stem + "_tensor")};
}

/// 1 + the place of each x among the keys, the first of equal ones; 0 where it is none of them.
static Expression findKeys(NodeBinder &node, Expression x, Expression keys, bool matchNaN) {
  Type i64 = node.getBuilder().getI64Type();
  if (auto strings = getConstantStrings(keys)) {
    SortedKeys sorted = SortedKeys::get(*strings);
    SmallVector<int64_t> places{0};
    for (int64_t place : sorted.places)
      places.push_back(place + 1);
    return Expression::ints(node, places).gather(sorted.find(node, x) + 1, 0);
  }
  Expression isKey = matchKeys(x, keys, matchNaN).cast(node.getBuilder().getI8Type());
  int64_t last = x.getRank();
  Expression place(node, node.create<nn::ArgReduceOp>(isKey, last, /*keepdims=*/false, /*min=*/false, /*last=*/false));
  Expression key = keys.gather(place, 0), isKnown = x.equals(key);
  if (matchNaN && isa<FloatType>(x.getElementType()))
    isKnown = isKnown | (x.unary<nn::IsNaNOp>() & key.unary<nn::IsNaNOp>());
  return isKnown.choose(place.cast(i64) + 1, Expression::scalar(node, i64, 0));
}

/// The value at each of `places`, from 1 on; the default at 0.
static Expression chooseValues(NodeBinder &node, Expression places, Expression values) {
  std::string otherString = node.stringAttr("default_string", "_Unused");
  double lowest = node.floatAttr("default_float", -0.0);
  int64_t other = node.intAttr("default_int64", -1);
  Expression otherwise(node, node.tensorAttr("default_tensor"));
  if (node.failed())
    return {};
  if (auto strings = getConstantStrings(values)) {
    auto given = getConstantStrings(otherwise);
    if (otherwise && (!given || given->size() != 1)) {
      (void)node.reject("default_tensor must be one string");
      return {};
    }
    strings->insert(strings->begin(), given ? given->front() : otherString);
    return chooseStrings(node, places, *strings);
  }
  Type type = values.getElementType();
  if (otherwise && otherwise.getElementType() != type) {
    (void)node.reject("default_tensor does not have the type of the values");
    return {};
  }
  if (!otherwise)
    otherwise = isa<FloatType>(type) ? values.like(lowest) : Expression(node, node.ints({other})).cast(type);
  return Expression::concat(node, {otherwise.reshape({1}), values}, 0).gather(places, 0);
}

static LogicalResult importLabelEncoder(NodeBinder &node) {
  Expression x(node, node.operand(0)), keys = getList(node, "keys"), values = getList(node, "values");
  if (node.failed())
    return failure();
  if (!keys || !values)
    return node.reject("it has no keys or values");
  if (keys.getElementType() != x.getElementType() || keys.getRank() != 1 || values.getRank() != 1 ||
      keys.getExtent(0) != values.getExtent(0) || keys.getExtent(0) < 1)
    return node.reject("keys and values do not fit each other or the input");
  Expression places = findKeys(node, x, keys, /*matchNaN=*/node.getOpset() >= 4);
  Expression result = node.failed() ? Expression() : chooseValues(node, places, values);
  return node.failed() ? failure() : node.result(result);
}

/// Between strings and the integers of a list: which way depends on the input.
static LogicalResult translate(NodeBinder &node, Expression x, ArrayRef<std::string> strings, ArrayRef<int64_t> integers) {
  std::string otherString = node.stringAttr("default_string", "_Unused");
  int64_t other = node.intAttr("default_int64", -1);
  if (node.failed())
    return failure();
  if (strings.empty() || strings.size() != integers.size())
    return node.reject("its strings and integers do not fit each other");
  if (SortedKeys::get(strings).keys.size() != strings.size() ||
      std::set<int64_t>(integers.begin(), integers.end()).size() != integers.size())
    return node.reject("a string or an integer is there twice");
  Expression numbers = Expression::ints(node, integers);
  if (text::isStrings(node.getType(x))) {
    Expression places = findKeys(node, x, {node, createStrings(node, strings, {static_cast<int64_t>(strings.size())})}, false);
    Expression all = Expression::concat(node, {Expression::ints(node, {other}), numbers}, 0);
    return node.failed() ? failure() : node.result(all.gather(places, 0));
  }
  if (!x.getElementType().isSignlessInteger(64))
    return node.reject("its input must be strings or int64");
  SmallVector<std::string> all{otherString};
  all.append(strings.begin(), strings.end());
  Expression result = chooseStrings(node, findKeys(node, x, numbers, false), all);
  return node.failed() ? failure() : node.result(result);
}

/// Of version 1: the integers are the places of the strings.
static LogicalResult importFirstLabelEncoder(NodeBinder &node) {
  Expression x(node, node.operand(0));
  SmallVector<std::string> strings = node.stringsAttr("classes_strings");
  return node.failed() ? failure() : translate(node, x, strings, llvm::to_vector(llvm::seq<int64_t>(0, strings.size())));
}

static LogicalResult importCategoryMapper(NodeBinder &node) {
  Expression x(node, node.operand(0));
  SmallVector<std::string> strings = node.stringsAttr("cats_strings");
  SmallVector<int64_t> integers = node.intsAttr("cats_int64s");
  return node.failed() ? failure() : translate(node, x, strings, integers);
}

/// A column of 0 or 1 for each category; an x that is none has zeros, or ends the run with an error.
static LogicalResult importOneHotEncoder(NodeBinder &node) {
  Expression x(node, node.operand(0)), categories = getList(node, "cats");
  bool zeros = node.intAttr("zeros", 1);
  if (node.failed())
    return failure();
  if (!categories)
    return node.reject("it has no categories");
  Type i64 = node.getBuilder().getI64Type();
  if (auto strings = getConstantStrings(categories)) {
    if (!text::isStrings(node.getType(x)))
      return node.reject("its categories do not have the input's type");
    SortedKeys sorted = SortedKeys::get(*strings);
    if (sorted.keys.size() != strings->size())
      return node.reject("a category is there twice");
    x = findKeys(node, x, categories, false);
    categories = Expression::ints(node, llvm::to_vector(llvm::seq<int64_t>(1, strings->size() + 1)));
  } else if (text::isStrings(node.getType(x))) {
    return node.reject("its categories do not have the input's type");
  }
  if (node.failed())
    return failure();
  Expression columns = matchKeys(x.cast(i64), categories.cast(i64), false).cast(node.getBuilder().getF32Type());
  if (node.failed())
    return failure();
  if (!zeros) {
    int64_t last = columns.getRank() - 1;
    Expression isKnown = columns.reduce(nn::ReductionKind::Max, {last}, /*keepdims=*/false);
    if (last > 0)
      isKnown = isKnown.reduce(nn::ReductionKind::Min, llvm::to_vector(llvm::seq(last)), /*keepdims=*/false);
    requireOfData(node, isKnown > 0.0, "each input of a OneHotEncoder is one of its categories");
  }
  return node.failed() ? failure() : node.result(columns);
}

/// All columns of all inputs side by side, as f32.
static LogicalResult importFeatureVectorizer(NodeBinder &node) {
  SmallVector<int64_t> widths = node.intsAttr("inputdimensions");
  SmallVector<Expression> parts;
  for (Value operand : node.allOperands()) {
    Expression x = Expression(node, operand).cast(node.getBuilder().getF32Type());
    if (node.failed())
      return failure();
    if (x.getRank() < 1)
      return node.reject("inputs are rows of features");
    if (x.getRank() == 1)
      x = x.unsqueeze({0});
    else if (x.getRank() > 2)
      x = x.unary<nn::FlattenOp>(1);
    int64_t extent = x.getExtent(1), width = parts.size() < widths.size() ? widths[parts.size()] : extent;
    if (width < 0 && width != extent)
      return node.reject("the inputs have no numbers of features, or inputdimensions not");
    if (width != extent && ShapedType::isDynamic(extent))
      return node.reject("the numbers of features must be known at compile time");
    if (width < extent) // what is too much goes, what lacks is 0
      x = x.slice(1, 0, width);
    else if (width > extent)
      x = {node, node.create<nn::PadOp>(x, node.ints({0, width - extent}), x.like(0), ArrayRef<int64_t>{1},
                                        nn::PadMode::Constant)};
    parts.push_back(x);
  }
  if (parts.empty())
    return node.reject("there are no inputs");
  return node.result(Expression::concat(node, parts, 1));
}

/// A list of maps from labels to scores is, here, the tensor of the scores: columns in the order of the labels, which
/// become the names of the classes of an output.
static LogicalResult importZipMap(NodeBinder &node) {
  GraphValue scores = node.operand(0);
  SmallVector<std::string> names = node.stringsAttr("classlabels_strings");
  scores.keys.assign(names.begin(), names.end());
  for (int64_t label : node.intsAttr("classlabels_int64s"))
    scores.keys.push_back(std::to_string(label));
  if (node.failed())
    return failure();
  auto type = NodeBinder::getType(scores.getTensor());
  if (!type.getElementType().isF32() || type.getRank() < 1 || type.getRank() > 2)
    return node.reject("needs one or two dimensions of f32");
  int64_t columns = type.getShape().back();
  if (scores.keys.empty() || (!ShapedType::isDynamic(columns) && columns != static_cast<int64_t>(scores.keys.size())))
    return node.reject("needs as many labels as there are scores");
  return node.result(scores);
}

static const OpEntry table[] = {
    {"ArrayFeatureExtractor", 1, importArrayFeatureExtractor, domain},
    {"Binarizer", 1, importBinarizer, domain},
    {"CategoryMapper", 1, importCategoryMapper, domain},
    {"FeatureVectorizer", 1, importFeatureVectorizer, domain},
    {"Imputer", 1, importImputer, domain},
    {"LabelEncoder", 2, importLabelEncoder, domain},
    {"LabelEncoder", 1, importFirstLabelEncoder, domain},
    {"Normalizer", 1, importNormalizer, domain},
    {"OneHotEncoder", 1, importOneHotEncoder, domain},
    {"Scaler", 1, importScaler, domain},
    {"ZipMap", 1, importZipMap, domain},
};

ArrayRef<OpEntry> getMachineLearningOps() { return table; }

} // namespace nnc::onnx
