// Replaces math functions by arithmetic, so that no object needs libm.
//
// Expects loops on scalars and vectors of f32 and f64 (the bounds of errors are
// in docs/Math.md); f16 and bf16 are computed in f32.
#include "lib/Transforms/ExpandHalf.h"
#include "lib/Transforms/ExpandMathFunctions.h"
#include "lib/Transforms/Passes.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include <cmath>

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_EXPANDMATH
#include "lib/Transforms/Passes.h.inc"

namespace {
/// How the formula of a function wants its arguments.
enum class Precision {
  /// f32 and f64.
  Own,
  /// f32 is computed in f64.
  Double,
};
} // namespace

static bool isFloat(Type type) {
  type = getElementTypeOrSelf(type);
  return type.isF16() || type.isBF16() || type.isF32() || type.isF64();
}

/// Applies `formula` to the operands of `op`, in f32 or f64, and replaces `op`.
static void replaceBy(Operation *op, bool hasFma, Precision precision,
                      function_ref<Number(ArrayRef<Number> operands, bool isShort)> formula) {
  OpBuilder builder(op);
  Arithmetic arithmetic{builder, op->getLoc(), hasFma};
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  Type single = element.isF64() ? element : builder.getF32Type();
  bool isShort = !element.isF64();
  SmallVector<Number> operands;
  for (Value operand : op->getOperands()) {
    Number number = convert({&arithmetic, operand}, single); // half precision to double only in two steps
    operands.push_back(precision == Precision::Double ? toDouble(number) : number);
  }
  Number result = convert(convert(formula(operands, isShort), single), element);
  op->getResult(0).replaceAllUsesWith(result.value);
  op->erase();
}

namespace {
using Unary = Number (*)(Number);

struct Function {
  StringRef name;
  Unary formula;
  Precision precision = Precision::Own;
};
} // namespace

static const Function functions[] = {
    {"math.exp", exponential},
    {"math.exp2", exponentialOfTwo},
    {"math.expm1", exponentialMinusOne},
    {"math.sinh", hyperbolicSine},
    {"math.cosh", hyperbolicCosine},
    {"math.tanh", hyperbolicTangent},
    {"math.log", logarithm},
    {"math.log2", logarithmToTwo},
    {"math.log10", logarithmToTen},
    {"math.log1p", logarithmOfOnePlus},
    {"math.asinh", areaHyperbolicSine, Precision::Double},
    {"math.acosh", areaHyperbolicCosine, Precision::Double},
    {"math.atanh", areaHyperbolicTangent, Precision::Double},
    {"math.rsqrt", squareRootInverse},
    {"math.cbrt", cubeRoot, Precision::Double},
    {"math.sin", sine},
    {"math.cos", cosine},
    {"math.tan", tangent},
    {"math.asin", arcSine},
    {"math.acos", arcCosine},
    {"math.atan", arcTangent},
    {"math.erf", errorFunction},
    {"math.round", roundHalfAway},
};

/// Instructions where the target has fused multiply-add (from AVX2 on).
static const Function roundings[] = {
    {"math.floor", floor}, {"math.ceil", ceiling}, {"math.trunc", truncate}, {"math.roundeven", roundToEven}};

/// Instructions everywhere, but not for half precision.
static bool isInstruction(Operation *op) {
  return isa<math::SqrtOp, math::AbsFOp, math::CopySignOp, math::FmaOp, math::FloorOp, math::CeilOp, math::TruncOp,
             math::RoundEvenOp>(op);
}

/// Widens an instruction on half precision to f32.
static void widen(Operation *op) {
  OpBuilder builder(op);
  Arithmetic arithmetic{builder, op->getLoc(), /*hasFma=*/true};
  Type element = getElementTypeOrSelf(op->getResult(0).getType());
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(convert({&arithmetic, operand}, builder.getF32Type()).value);
  Operation *wide = builder.create(op->getLoc(), op->getName().getIdentifier(), operands, operands.front().getType());
  op->getResult(0).replaceAllUsesWith(convert({&arithmetic, wide->getResult(0)}, element).value);
  op->erase();
}

/// Expands `op` if it is a function; false for one that has no formula.
static bool expand(Operation *op, bool hasFma) {
  StringRef name = op->getName().getStringRef();
  auto apply = [&](ArrayRef<Function> table, bool hasFma) {
    const Function *entry = llvm::find_if(table, [&](const Function &entry) { return entry.name == name; });
    if (entry == table.end())
      return false;
    replaceBy(op, hasFma, entry->precision, [&](ArrayRef<Number> x, bool) { return entry->formula(x.front()); });
    return true;
  };
  // Scalars may belong to the functions about sizes, which code for several CPUs shares.
  bool hasRoundings = hasFma && isa<VectorType>(op->getResult(0).getType());
  if (apply(functions, hasFma) || (!hasRoundings && apply(roundings, /*hasFma=*/false)))
    return true;
  if (isa<math::PowFOp>(op)) {
    replaceBy(op, hasFma, Precision::Double,
              [](ArrayRef<Number> x, bool isShort) { return power(x[0], x[1], isShort); });
    return true;
  }
  if (isa<math::Atan2Op>(op)) {
    replaceBy(op, hasFma, Precision::Double, [](ArrayRef<Number> x, bool) { return arcTangent(x[0], x[1]); });
    return true;
  }
  if (isa<math::FmaOp>(op) && !hasFma) { // would be a library call
    replaceBy(op, hasFma, Precision::Own, [](ArrayRef<Number> x, bool) { return multiplyAdd(x[0], x[1], x[2]); });
    return true;
  }
  if (!isInstruction(op))
    return false;
  if (getElementTypeOrSelf(op->getResult(0).getType()).getIntOrFloatBitWidth() < 32)
    widen(op);
  return true;
}

namespace {
/// Small constant exponents take a few products instead.
struct ExpandConstantPower : public OpRewritePattern<math::PowFOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(math::PowFOp op, PatternRewriter &rewriter) const override {
    FloatAttr exponent;
    DenseElementsAttr splat;
    if (matchPattern(op.getRhs(), m_Constant(&splat)) && splat.isSplat())
      exponent = dyn_cast<FloatAttr>(splat.getSplatValue<Attribute>());
    else if (!matchPattern(op.getRhs(), m_Constant(&exponent)))
      return rewriter.notifyMatchFailure(op, "exponent not constant");
    if (!exponent)
      return rewriter.notifyMatchFailure(op, "exponents not equal");
    Type element = getElementTypeOrSelf(op.getType());
    if (!element.isF32() && !element.isF64())
      return rewriter.notifyMatchFailure(op, "neither f32 nor f64");
    Arithmetic arithmetic{rewriter, op.getLoc(), /*hasFma=*/false};
    Number x{&arithmetic, op.getLhs()};
    double value = exponent.getValueAsDouble();
    if (value == 1)
      rewriter.replaceOp(op, op.getLhs());
    else if (value == 2)
      rewriter.replaceOp(op, (x * x).value);
    else if (value == 3)
      rewriter.replaceOp(op, (x * x * x).value);
    else if (value == -1)
      rewriter.replaceOp(op, (1.0 / x).value);
    else
      return rewriter.notifyMatchFailure(op, "not a small exponent");
    return success();
  }
};

struct ExpandMathPass : public impl::ExpandMathBase<ExpandMathPass> {
  using ExpandMathBase::ExpandMathBase;

  void runOnOperation() override {
    MLIRContext *context = &getContext();
    bool hasFma = kernel::getTarget(getOperation()).getFma();
    RewritePatternSet patterns(context);
    math::populateExpansionPatterns(patterns, {"fpowi", "ipowi", "clampf", "sincos"});
    patterns.add<ExpandConstantPower>(context);
    if (hasFma)
      populateDivideByConstantPatterns(patterns);
    arith::populateExpandBFloat16Patterns(patterns); // would be calls of a runtime that not every compiler has
    populateExtendBF16Patterns(patterns);
    if (!convertsHalf)
      populateExpandHalfPatterns(patterns);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      return signalPassFailure();
    SmallVector<Operation *> operations;
    getOperation()->walk([&](Operation *op) {
      if (isa_and_present<math::MathDialect>(op->getDialect()) && op->getNumResults() == 1 &&
          isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
        operations.push_back(op);
    });
    for (Operation *op : operations) {
      std::string name = op->getName().getStringRef().str();
      Location loc = op->getLoc();
      if (!isFloat(op->getResult(0).getType()) || !expand(op, hasFma)) {
        emitError(loc) << "'" << name << "' on " << op->getResult(0).getType() << " has no expansion";
        return signalPassFailure();
      }
    }
  }
};
} // namespace

} // namespace nnc
