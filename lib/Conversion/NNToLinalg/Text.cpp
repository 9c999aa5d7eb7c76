// Strings: their bytes are constants, the caller's, or in the space that a run makes
// strings in; their elements are addresses. Everything about bytes is done by
// functions that lib/Target links into the object (lib/Target/TextFunctions).
#include "lib/Conversion/NNToLinalg/Text.h"

#include "dialects/Kernel/Kernel.h"
#include "dialects/Text/Text.h"
#include "lib/Conversion/NNToLinalg/Broadcasting.h"
#include "lib/Conversion/NNToLinalg/ElementwiseBodies.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/TensorBuilding.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace nnc {

/// Bytes for the strings that a run makes, and pieces that a string may have, where the module does not say.
static constexpr int64_t defaultSpace = 64 << 10, defaultPieces = 64;

static int64_t getSetting(Operation *op, StringRef name, int64_t otherwise) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  auto setting = module->getAttrOfType<IntegerAttr>(name);
  return setting ? setting.getInt() : otherwise;
}

//===----------------------------------------------------------------------===//
// Functions and constants
//===----------------------------------------------------------------------===//

namespace {

/// A function on strings. In its type s is an address or a count, i an i64, f an f64; the first is the result.
struct TextFunction {
  StringRef name, type;
  bool usesSpace; ///< its first operand is the space, which it may fill or mark as failed
};

} // namespace

static constexpr TextFunction equal{"nnc_text_equal", "sss", false}, find{"nnc_text_find", "issss", false},
    match{"nnc_text_match", "ssssss", false}, concat{"nnc_text_concat", "ssss", true},
    changeCase{"nnc_text_change_case", "ssss", true}, ofInteger{"nnc_text_of_integer", "ssis", true},
    ofFloat{"nnc_text_of_float", "ssf", true}, toInteger{"nnc_text_to_integer", "isss", true},
    toFloat{"nnc_text_to_float", "fsss", true}, countPieces{"nnc_text_count", "issssii", true},
    takePiece{"nnc_text_piece", "sssssii", true}, compare{"nnc_text_compare", "iss", false},
    removeBytes{"nnc_text_remove", "ssss", true}, fingerprint{"nnc_text_fingerprint", "is", false},
    keyedHash{"nnc_text_keyed_hash", "isii", false}, seededHash{"nnc_text_seeded_hash", "isi", false};

/// The functions that the lowering of `op` calls.
static SmallVector<const TextFunction *> getFunctions(Operation *op) {
  if (isa<text::EqualOp>(op))
    return {&equal};
  if (isa<text::FindOp>(op))
    return {&find};
  if (isa<text::MatchOp>(op))
    return {&match};
  if (isa<text::ConcatOp>(op))
    return {&concat};
  if (isa<text::ChangeCaseOp>(op))
    return {&changeCase};
  if (isa<text::RemoveOp>(op))
    return {&removeBytes};
  if (auto hash = dyn_cast<text::HashOp>(op))
    return {!hash.getKey() ? &fingerprint : hash.getKey()->size() == 1 ? &seededHash : &keyedHash};
  if (auto unique = dyn_cast<nn::UniqueOp>(op); unique && text::isStrings(unique.getInput().getType()))
    return {&compare};
  if (isa<text::SplitOp>(op))
    return {&countPieces, &takePiece};
  if (auto format = dyn_cast<text::FormatOp>(op))
    return {isa<FloatType>(getElementTypeOrSelf(format.getInput())) ? &ofFloat : &ofInteger};
  if (auto parse = dyn_cast<text::ParseOp>(op))
    return {isa<FloatType>(parse.getTo()) ? &toFloat : &toInteger};
  return {};
}

static Type getType(Builder &builder, char code) {
  return code == 'i' ? Type(builder.getI64Type()) : code == 'f' ? Type(builder.getF64Type()) : builder.getIndexType();
}

static void declare(ModuleOp module, const TextFunction &function) {
  if (module.lookupSymbol(function.name))
    return;
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types;
  for (char code : function.type.drop_front())
    types.push_back(getType(builder, code));
  Type result = getType(builder, function.type.front());
  func::FuncOp::create(builder, module.getLoc(), function.name, builder.getFunctionType(types, result)).setPrivate();
}

static Value call(ImplicitLocOpBuilder &builder, const TextFunction &function, ValueRange operands) {
  Type result = getType(builder, function.type.front());
  return func::CallOp::create(builder, function.name, result, operands).getResult(0);
}

Value compareStrings(ImplicitLocOpBuilder &builder, Value a, Value b) {
  return arith::TruncIOp::create(builder, builder.getI32Type(), call(builder, compare, {a, b}));
}

/// Where the constant `elements` lies.
static Value getAddress(ImplicitLocOpBuilder &builder, DenseElementsAttr elements) {
  auto type = cast<RankedTensorType>(elements.getType());
  auto memory = MemRefType::get(type.getShape(), type.getElementType());
  Value constant = arith::ConstantOp::create(builder, elements);
  Value buffer = bufferization::ToBufferOp::create(builder, memory, constant, /*read_only=*/true);
  return memref::ExtractAlignedPointerAsIndexOp::create(builder, buffer);
}

template <typename T> static DenseElementsAttr makeTable(Builder &builder, ArrayRef<T> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, builder.getIntegerType(8 * sizeof(T)));
  ArrayRef<char> bytes(reinterpret_cast<const char *>(values.data()), values.size() * sizeof(T));
  return DenseElementsAttr::getFromRawBuffer(type, bytes);
}

namespace {

/// Constant strings: all bytes, and where each begins.
struct StringPool {
  std::vector<int8_t> bytes;
  std::vector<int32_t> offsets;

  /// Each string once; an error at `op` where they are too many.
  static FailureOr<StringPool> get(Operation *op, ArrayAttr strings) {
    StringPool pool;
    llvm::DenseMap<StringAttr, int32_t> places;
    for (auto string : strings.getAsRange<StringAttr>()) {
      auto [place, isNew] = places.try_emplace(string, pool.bytes.size());
      pool.offsets.push_back(place->second);
      if (!isNew)
        continue;
      pool.bytes.insert(pool.bytes.end(), string.getValue().begin(), string.getValue().end());
      pool.bytes.push_back(0);
      if (pool.bytes.size() > INT32_MAX)
        return op->emitError("constant strings of more than 2 GiB are not supported");
    }
    return pool;
  }
};

} // namespace

/// The address of the string that begins at `offset` of the bytes at `base`.
static Value getStringAt(ImplicitLocOpBuilder &builder, Value base, Value offset) {
  return add(builder, base, arith::IndexCastOp::create(builder, builder.getIndexType(), offset));
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

namespace {

/// An operation that computes element by element: specialisations build the body's function.
template <typename OpTy> struct LowerText : OpConversionPattern<OpTy> {
  LowerText(const TypeConverter &types, MLIRContext *context, Value space)
      : OpConversionPattern<OpTy>(types, context), space(space) {}
  using Body = std::function<Value(ImplicitLocOpBuilder &, ValueRange)>;

  /// What computes an element; the addresses that it needs are built before. Null after an error.
  Body prepare(ImplicitLocOpBuilder &builder, OpTy op) const;

  LogicalResult matchAndRewrite(OpTy op, typename OpTy::Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto type = this->getTypeConverter()->template convertType<RankedTensorType>(op.getType());
    Body body = prepare(builder, op);
    if (!body)
      return failure();
    rewriter.replaceOp(op, buildElementwise(rewriter, op, adaptor.getOperands(), type, body));
    return success();
  }

  Value space;
};

} // namespace

static Value isNotZero(ImplicitLocOpBuilder &builder, Value count) {
  return arith::CmpIOp::create(builder, arith::CmpIPredicate::ne, count, getIndex(builder, 0));
}

template <>
LowerText<text::EqualOp>::Body LowerText<text::EqualOp>::prepare(ImplicitLocOpBuilder &, text::EqualOp) const {
  return [](ImplicitLocOpBuilder &inner, ValueRange x) { return isNotZero(inner, call(inner, equal, x)); };
}

template <>
LowerText<text::ChooseOp>::Body LowerText<text::ChooseOp>::prepare(ImplicitLocOpBuilder &builder,
                                                                   text::ChooseOp op) const {
  auto pool = StringPool::get(op, op.getStrings());
  if (failed(pool))
    return {};
  Value base = getAddress(builder, makeTable<int8_t>(builder, pool->bytes));
  Value offsets = arith::ConstantOp::create(builder, makeTable<int32_t>(builder, pool->offsets));
  return [=](ImplicitLocOpBuilder &inner, ValueRange x) {
    Value place = arith::IndexCastOp::create(inner, inner.getIndexType(), x[0]);
    return getStringAt(inner, base, tensor::ExtractOp::create(inner, offsets, place));
  };
}

template <>
LowerText<text::FindOp>::Body LowerText<text::FindOp>::prepare(ImplicitLocOpBuilder &builder, text::FindOp op) const {
  auto pool = StringPool::get(op, op.getKeys());
  if (failed(pool))
    return {};
  if (pool->offsets.empty())
    return [](ImplicitLocOpBuilder &inner, ValueRange) -> Value {
      return arith::ConstantIntOp::create(inner, inner.getI64Type(), -1);
    };
  Value bytes = getAddress(builder, makeTable<int8_t>(builder, pool->bytes));
  Value offsets = getAddress(builder, makeTable<int32_t>(builder, pool->offsets));
  Value count = getIndex(builder, pool->offsets.size());
  return [=](ImplicitLocOpBuilder &inner, ValueRange x) { return call(inner, find, {x[0], bytes, offsets, count}); };
}

template <>
LowerText<text::MatchOp>::Body LowerText<text::MatchOp>::prepare(ImplicitLocOpBuilder &builder,
                                                                 text::MatchOp op) const {
  std::vector<int8_t> classes(op.getClasses().begin(), op.getClasses().end());
  std::vector<int16_t> transitions(op.getTransitions().begin(), op.getTransitions().end());
  int64_t numClasses = *llvm::max_element(op.getClasses()) + 1;
  Value classOf = getAddress(builder, makeTable<int8_t>(builder, classes));
  Value next = getAddress(builder, makeTable<int16_t>(builder, transitions));
  Value width = getIndex(builder, numClasses), start = getIndex(builder, op.getStart());
  return [=](ImplicitLocOpBuilder &inner, ValueRange x) {
    return isNotZero(inner, call(inner, match, {x[0], classOf, next, width, start}));
  };
}

template <>
LowerText<text::ConcatOp>::Body LowerText<text::ConcatOp>::prepare(ImplicitLocOpBuilder &, text::ConcatOp) const {
  return [space = space](ImplicitLocOpBuilder &inner, ValueRange x) {
    return call(inner, concat, {space, x[0], x[1]});
  };
}

template <>
LowerText<text::ChangeCaseOp>::Body LowerText<text::ChangeCaseOp>::prepare(ImplicitLocOpBuilder &builder,
                                                                           text::ChangeCaseOp op) const {
  Value how = getIndex(builder, op.getUpper() + 2 * op.getAscii());
  return [=, space = space](ImplicitLocOpBuilder &inner, ValueRange x) {
    return call(inner, changeCase, {space, x[0], how});
  };
}

template <>
LowerText<text::RemoveOp>::Body LowerText<text::RemoveOp>::prepare(ImplicitLocOpBuilder &builder,
                                                                   text::RemoveOp op) const {
  auto pool = StringPool::get(op, builder.getArrayAttr(op.getCharactersAttr()));
  if (failed(pool))
    return {};
  Value characters = getAddress(builder, makeTable<int8_t>(builder, pool->bytes));
  return [=, space = space](ImplicitLocOpBuilder &inner, ValueRange x) {
    return call(inner, removeBytes, {space, x[0], characters});
  };
}

template <>
LowerText<text::HashOp>::Body LowerText<text::HashOp>::prepare(ImplicitLocOpBuilder &builder, text::HashOp op) const {
  SmallVector<Value> key;
  for (int64_t number : op.getKey().value_or(ArrayRef<int64_t>()))
    key.push_back(arith::ConstantIntOp::create(builder, builder.getI64Type(), number));
  return [=](ImplicitLocOpBuilder &inner, ValueRange x) {
    if (key.size() == 1)
      return call(inner, seededHash, {x[0], key[0]});
    return key.empty() ? call(inner, fingerprint, {x[0]}) : call(inner, keyedHash, {x[0], key[0], key[1]});
  };
}

template <>
LowerText<text::FormatOp>::Body LowerText<text::FormatOp>::prepare(ImplicitLocOpBuilder &builder,
                                                                   text::FormatOp op) const {
  Type type = getElementTypeOrSelf(op.getInput());
  Value isUnsigned = getIndex(builder, type.isUnsignedInteger() || type.isInteger(1));
  return [=, space = space](ImplicitLocOpBuilder &inner, ValueRange x) {
    Type wide = isa<FloatType>(type) ? Type(inner.getF64Type()) : inner.getI64Type();
    Value number = x[0].getType() == wide ? x[0]
                   : isa<FloatType>(type) ? arith::ExtFOp::create(inner, wide, x[0]).getResult()
                   : type.isUnsignedInteger() || type.isInteger(1)
                       ? arith::ExtUIOp::create(inner, wide, x[0]).getResult()
                       : arith::ExtSIOp::create(inner, wide, x[0]).getResult();
    return isa<FloatType>(type) ? call(inner, ofFloat, {space, number})
                                : call(inner, ofInteger, {space, number, isUnsigned});
  };
}

template <>
LowerText<text::ParseOp>::Body LowerText<text::ParseOp>::prepare(ImplicitLocOpBuilder &builder,
                                                                 text::ParseOp op) const {
  Type type = op.getTo();
  Value flag = getIndex(builder, type.isF32() || type.isUnsignedInteger());
  return [=, space = space](ImplicitLocOpBuilder &inner, ValueRange x) -> Value {
    Value number = call(inner, isa<FloatType>(type) ? toFloat : toInteger, {space, x[0], flag});
    return type.isF32() ? arith::TruncFOp::create(inner, type, number).getResult() : number;
  };
}

namespace {

struct LowerConstant : OpConversionPattern<text::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(text::ConstantOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    RankedTensorType type = op.getType();
    auto pool = StringPool::get(op, op.getStrings());
    if (failed(pool))
      return failure();
    if (pool->offsets.empty()) {
      rewriter.replaceOp(op, tensor::EmptyOp::create(builder, type, ValueRange()));
      return success();
    }
    Value base = getAddress(builder, makeTable<int8_t>(builder, pool->bytes));
    auto table = makeTable<int32_t>(builder, pool->offsets).reshape(type.clone(builder.getI32Type()));
    Value offsets = arith::ConstantOp::create(builder, table);
    rewriter.replaceOp(op, generate(builder, type, {}, [&](ImplicitLocOpBuilder &inner, ValueRange index) {
                         return getStringAt(inner, base, tensor::ExtractOp::create(inner, offsets, index));
                       }));
    return success();
  }
};

/// Counts the pieces of all strings first.
struct LowerSplit : OpConversionPattern<text::SplitOp> {
  LowerSplit(const TypeConverter &types, MLIRContext *context, Value space)
      : OpConversionPattern(types, context), space(space) {}

  LogicalResult matchAndRewrite(text::SplitOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    Value input = adaptor.getInput();
    int64_t maxSplits = op.getMaxSplits();
    int64_t most = getSetting(op, "text.pieces", defaultPieces);
    if (op.getMost() > 0)
      most = op.getMost();
    else if (maxSplits >= 0)
      most = std::min(most, maxSplits) + 1;
    auto pool = StringPool::get(op, builder.getStrArrayAttr({op.getDelimiter(), op.getWords()}));
    Value strings = getAddress(builder, makeTable<int8_t>(builder, pool->bytes));
    auto getString = [&](size_t number) { return add(builder, strings, getIndex(builder, pool->offsets[number])); };
    // No delimiter at all is for characters.
    Value delimiter = op.getCharacters() ? getIndex(builder, 0) : getString(0), words = getString(1);
    Value splits = arith::ConstantIntOp::create(builder, builder.getI64Type(), maxSplits);
    Value limit = arith::ConstantIntOp::create(builder, builder.getI64Type(), most);
    auto countsType = cast<RankedTensorType>(op.getCounts().getType());
    SmallVector<Value> extents;
    for (int64_t axis = 0; axis < countsType.getRank(); ++axis)
      extents.push_back(getExtent(builder, op.getLoc(), input, axis));
    Value counts = generate(builder, countsType, extents, [&](ImplicitLocOpBuilder &inner, ValueRange index) {
      Value string = tensor::ExtractOp::create(inner, input, index);
      return call(inner, countPieces, {space, string, delimiter, words, splits, limit});
    });
    auto takeMost = [&](ImplicitLocOpBuilder &inner, ValueRange index, ValueRange carried) {
      Value count = arith::IndexCastOp::create(inner, inner.getIndexType(), tensor::ExtractOp::create(inner, counts, index));
      return SmallVector<Value>{arith::MaxSIOp::create(inner, carried[0], count)};
    };
    Value largest = forEachIndex(builder, extents, getIndex(builder, 0), takeMost).front();
    extents.push_back(kernel::BoundedOp::create(builder, largest, getIndex(builder, most)));
    auto take = [&](ImplicitLocOpBuilder &inner, ValueRange index) {
      Value string = tensor::ExtractOp::create(inner, input, index.drop_back());
      return call(inner, takePiece, {space, string, delimiter, words, splits, toInt64(inner, index.back())});
    };
    auto type = cast<RankedTensorType>(op.getPieces().getType());
    SmallVector<int64_t> shape(type.getShape());
    shape.back() = ShapedType::kDynamic;
    Value pieces = generate(builder, type.clone(shape), extents, take);
    rewriter.replaceOp(op, {castTo(builder, pieces, type), counts});
    return success();
  }

  Value space;
};

} // namespace

//===----------------------------------------------------------------------===//
// The space
//===----------------------------------------------------------------------===//

/// Memory that begins with a TextSpace, and the check that nothing failed.
static Value addSpace(func::FuncOp main) {
  auto module = main->getParentOfType<ModuleOp>();
  ImplicitLocOpBuilder builder(main.getLoc(), OpBuilder::atBlockBegin(&main.getBody().front()));
  int64_t word = DataLayout(module).getTypeSize(builder.getIndexType());
  int64_t words = 3 + llvm::divideCeil(getSetting(module, "text.space", defaultSpace), word);
  auto type = MemRefType::get({words}, builder.getIndexType());
  auto memory = memref::AllocOp::create(builder, type, ValueRange(), builder.getI64IntegerAttr(64));
  memory->setAttr("nn.lasting", builder.getUnitAttr()); // its contents are needed until the run ends
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(builder, memory);
  auto store = [&](Value value, int64_t place) {
    memref::StoreOp::create(builder, value, memory, getIndex(builder, place));
  };
  store(add(builder, address, getIndex(builder, 3 * word)), 0);
  store(add(builder, address, getIndex(builder, words * word)), 1);
  store(getIndex(builder, 0), 2);
  builder.setInsertionPoint(main.getBody().front().getTerminator());
  Value failed = memref::LoadOp::create(builder, memory, getIndex(builder, 2));
  Value isFine = arith::CmpIOp::create(builder, arith::CmpIPredicate::eq, failed, getIndex(builder, 0));
  auto check = cf::AssertOp::create(builder, isFine, "strings have room and are numbers where these are read");
  check->setAttr("nn.error", builder.getStringAttr("text"));
  return address;
}

Value prepareText(ModuleOp module) {
  bool needsSpace = false;
  module.walk([&](Operation *op) {
    for (const TextFunction *function : getFunctions(op)) {
      declare(module, *function);
      needsSpace |= function->usesSpace;
    }
  });
  auto main = module.lookupSymbol<func::FuncOp>("main");
  return needsSpace && main && !main.isExternal() ? addSpace(main) : Value();
}

void populateTextToLinalg(const StorageTypeConverter &types, RewritePatternSet &patterns, Value space) {
  patterns.add<LowerConstant>(types, patterns.getContext());
  patterns.add<LowerText<text::EqualOp>, LowerText<text::ChooseOp>, LowerText<text::FindOp>, LowerText<text::MatchOp>,
               LowerText<text::ConcatOp>, LowerText<text::ChangeCaseOp>, LowerText<text::FormatOp>,
               LowerText<text::ParseOp>, LowerText<text::RemoveOp>, LowerText<text::HashOp>, LowerSplit>(types, patterns.getContext(), space);
}

} // namespace nnc
