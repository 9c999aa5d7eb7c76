// Constants of strings, look-ups and casts.
#include "lib/Frontend/Import/Strings.h"

#include <map>

using namespace mlir;

namespace nnc::frontend {

LogicalResult checkStrings(NodeBuilder &node, ArrayRef<std::string> strings) {
  if (llvm::all_of(strings, [](const std::string &string) { return text::isString(string); }))
    return success();
  return node.reject("a string is not UTF-8, or has a zero in it");
}

static ArrayAttr makeArray(NodeBuilder &node, ArrayRef<std::string> strings) {
  return node.getBuilder().getStrArrayAttr(llvm::to_vector_of<StringRef>(strings));
}

Value createStrings(NodeBuilder &node, ArrayRef<std::string> strings, ArrayRef<int64_t> shape) {
  if (failed(checkStrings(node, strings)))
    return {};
  return node.create<text::ConstantOp>(makeArray(node, strings), shape);
}

Value createFiller(NodeBuilder &node, Type elementType) {
  if (!elementType.isIndex())
    return node.scalar(elementType, 0);
  return node.create<text::ConstantOp>(node.getBuilder().getStrArrayAttr({StringRef()}), ArrayRef<int64_t>());
}

std::optional<SmallVector<std::string>> getConstantStrings(Value value) {
  auto constant = value ? value.getDefiningOp<text::ConstantOp>() : text::ConstantOp();
  if (!constant)
    return std::nullopt;
  SmallVector<std::string> strings;
  for (auto string : constant.getStrings().getAsRange<StringAttr>())
    strings.push_back(string.str());
  return strings;
}

//===--- Lists ---===//

SortedKeys SortedKeys::get(ArrayRef<std::string> list) {
  std::map<std::string, int64_t> places;
  for (auto [place, key] : llvm::enumerate(list))
    places.try_emplace(key, place);
  SortedKeys sorted;
  for (const auto &[key, place] : places) {
    sorted.keys.push_back(key);
    sorted.places.push_back(place);
  }
  return sorted;
}

Expression SortedKeys::find(NodeBuilder &node, Expression x) const {
  if (failed(checkStrings(node, keys)))
    return {};
  return {node, node.create<text::FindOp>(x, makeArray(node, keys))};
}

Expression chooseStrings(NodeBuilder &node, Expression places, ArrayRef<std::string> list) {
  if (failed(checkStrings(node, list)))
    return {};
  return {node, node.create<text::ChooseOp>(places, makeArray(node, list))};
}

//===--- Casts ---===//

Value castStrings(NodeBuilder &node, Value x, Type to) {
  bool isText = text::isStrings(x.getType());
  if (to.isIndex())
    return isText ? x : node.create<text::FormatOp>(x);
  if (!isText)
    return node.create<nn::CastOp>(x, to);
  // Numbers that are read have one of four types.
  Builder &builder = node.getBuilder();
  if (to.isInteger(1) || to.getIntOrFloatBitWidth() < 8 || (isa<FloatType>(to) && to.getIntOrFloatBitWidth() == 8)) {
    (void)node.reject("strings are not cast to this type");
    return {};
  }
  Type read = isa<FloatType>(to)           ? (to.isF64() ? to : Type(builder.getF32Type()))
              : to.isUnsignedInteger()     ? Type(builder.getIntegerType(64, /*isSigned=*/false))
                                           : Type(builder.getI64Type());
  Value number = node.create<text::ParseOp>(x, read);
  return read == to ? number : node.create<nn::CastOp>(number, to);
}

} // namespace nnc::frontend
