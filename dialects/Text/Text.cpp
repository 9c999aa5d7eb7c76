// The Text dialect: registration, inference and verifiers.
#include "dialects/Text/Text.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"

#include "dialects/Text/TextDialect.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Text/TextOps.cpp.inc"

using namespace mlir;

namespace nnc::text {

void TextDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Text/TextOps.cpp.inc"
      >();
}

bool isStrings(Type type) { return isa<RankedTensorType>(type) && isa<IndexType>(getElementTypeOrSelf(type)); }

bool isString(StringRef text) {
  const auto *begin = reinterpret_cast<const llvm::UTF8 *>(text.data());
  return !text.contains('\0') && llvm::isLegalUTF8String(&begin, begin + text.size());
}

//===--- Constants ---===//

LogicalResult ConstantOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                           SmallVectorImpl<Type> &types) {
  types.push_back(RankedTensorType::get(adaptor.getShape(), IndexType::get(context)));
  return success();
}

LogicalResult ConstantOp::verify() {
  if (getType().getNumElements() != static_cast<int64_t>(getStrings().size()))
    return emitOpError("has ") << getStrings().size() << " strings for " << getType();
  return success();
}

//===--- Tests ---===//

LogicalResult FindOp::verify() {
  StringRef before;
  for (auto [i, key] : llvm::enumerate(getKeys().getAsRange<StringAttr>())) {
    if (i && !(before < key.getValue()))
      return emitOpError("has keys that do not ascend: '") << before << "' and '" << key.getValue() << "'";
    before = key.getValue();
  }
  return success();
}

LogicalResult MatchOp::verify() {
  ArrayRef<int32_t> classes = getClasses(), transitions = getTransitions();
  if (classes.size() != 256)
    return emitOpError("needs a class for each of the 256 bytes");
  int32_t numClasses = *llvm::max_element(classes) + 1;
  if (llvm::any_of(classes, [](int32_t c) { return c < 0; }) || transitions.empty() || transitions.size() % numClasses)
    return emitOpError("has transitions that do not fit its classes");
  auto numStates = static_cast<int32_t>(transitions.size() / numClasses);
  if (static_cast<int32_t>(getStart()) >= numStates ||
      llvm::any_of(transitions, [&](int32_t state) { return state < 0 || state >= numStates; }))
    return emitOpError("has states that are not there");
  return success();
}

LogicalResult HashOp::verify() {
  if (getKey() && getKey()->size() != 2 && getKey()->size() != 1)
    return emitOpError("needs a key of one number or two");
  return success();
}

//===--- Strings made at run time ---===//

LogicalResult RemoveOp::verify() {
  if (!llvm::all_of(getCharacters(), [](char c) { return llvm::isASCII(c) && c; }))
    return emitOpError("removes characters of ASCII only");
  return success();
}

LogicalResult SplitOp::verify() {
  if (!llvm::all_of(getWords(), [](char c) { return llvm::isASCII(c) && c; }))
    return emitOpError("has words of characters of ASCII only");
  if (!getWords().empty() && (!getDelimiter().empty() || getCharacters()))
    return emitOpError("has a delimiter or characters beside words");
  return success();
}

LogicalResult SplitOp::inferReturnTypes(MLIRContext *context, std::optional<Location>, Adaptor adaptor,
                                        SmallVectorImpl<Type> &types) {
  auto input = cast<RankedTensorType>(adaptor.getInput().getType());
  SmallVector<int64_t> shape(input.getShape());
  types.push_back(input.clone(IntegerType::get(context, 64)));
  shape.push_back(ShapedType::kDynamic);
  types.insert(types.begin(), RankedTensorType::get(shape, IndexType::get(context)));
  return success();
}

} // namespace nnc::text
