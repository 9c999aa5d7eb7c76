// Lowers every NN operation; what is left unlowered is an error that names it.
#include "lib/Conversion/NNToLinalg/ExtentRequirements.h"
#include "lib/Conversion/NNToLinalg/NNToLinalg.h"
#include "lib/Conversion/NNToLinalg/NarrowBoundaries.h"
#include "lib/Conversion/NNToLinalg/NarrowElements.h"
#include "lib/Conversion/NNToLinalg/Requirements.h"
#include "lib/Conversion/NNToLinalg/Text.h"
#include "lib/Conversion/Passes.h"

#include "dialects/NN/NN.h"
#include "dialects/Text/Text.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/Transforms/FuncConversions.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;

namespace nnc {

#define GEN_PASS_DEF_CONVERTNNTOLINALG
#include "lib/Conversion/Passes.h.inc"

StorageTypeConverter::StorageTypeConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](RankedTensorType type) -> Type {
    if (isNarrowElement(type.getElementType()))
      return type.clone(IntegerType::get(type.getContext(), 8));
    auto integer = dyn_cast<IntegerType>(type.getElementType());
    if (!integer || (integer.isSignless() && integer.getWidth() != 1))
      return type;
    unsigned width = std::max(8u, integer.getWidth());
    return type.clone(IntegerType::get(type.getContext(), width));
  });
  auto cast = [](OpBuilder &builder, Type type, ValueRange inputs, Location loc) -> Value {
    return UnrealizedConversionCastOp::create(builder, loc, type, inputs).getResult(0);
  };
  addSourceMaterialization(cast);
  addTargetMaterialization(cast);
}

namespace {

/// A constant of booleans or unsigned integers, in its storage type.
struct ConvertConstant : OpConversionPattern<arith::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(arith::ConstantOp op, OpAdaptor, ConversionPatternRewriter &rewriter) const override {
    auto type = dyn_cast_or_null<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    if (!type)
      return rewriter.notifyMatchFailure(op, "not a tensor");
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(op.getValue())) {
      rewriter.replaceOpWithNewOp<arith::ConstantOp>(
          op, cast<TypedAttr>(DenseResourceElementsAttr::get(type, resource.getRawHandle())));
      return success();
    }
    auto dense = dyn_cast<DenseElementsAttr>(op.getValue());
    if (!dense)
      return rewriter.notifyMatchFailure(op, "not a dense constant");
    if (isNarrowElement(dense.getElementType()) && isa<FloatType>(dense.getElementType())) {
      rewriter.replaceOpWithNewOp<arith::ConstantOp>(
          op, cast<TypedAttr>(cast<DenseFPElementsAttr>(dense).mapValues(
                  type.getElementType(), [](const APFloat &x) { return x.bitcastToAPInt().zext(8); })));
      return success();
    }
    unsigned width = type.getElementTypeBitWidth();
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(
        op, cast<TypedAttr>(dense.mapValues(type.getElementType(), [&](const APInt &i) { return i.zext(width); })));
    return success();
  }
};

/// An extent of a tensor whose elements are stored as another type.
struct ConvertDim : OpConversionPattern<tensor::DimOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(tensor::DimOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOpWithNewOp<tensor::DimOp>(op, adaptor.getSource(), adaptor.getIndex());
    return success();
  }
};

/// A boolean element.
struct ConvertExtract : OpConversionPattern<tensor::ExtractOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(tensor::ExtractOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    if (!op.getType().isInteger(1))
      return failure();
    Value stored = tensor::ExtractOp::create(rewriter, op.getLoc(), adaptor.getTensor(), adaptor.getIndices());
    Value zero = arith::ConstantOp::create(rewriter, op.getLoc(), rewriter.getZeroAttr(stored.getType()));
    rewriter.replaceOpWithNewOp<arith::CmpIOp>(op, arith::CmpIPredicate::ne, stored, zero);
    return success();
  }
};

/// Narrow elements are converted and moved; other operations do not know their storage.
bool acceptsNarrowElements(Operation *op) {
  return isa<nn::CastOp, nn::WhereOp, nn::QuantizeOp, nn::DequantizeOp, nn::ReshapeOp, nn::SqueezeOp, nn::UnsqueezeOp,
             nn::FlattenOp, nn::TransposeOp, nn::ConcatOp, nn::SliceOp, nn::ReverseOp, nn::BroadcastToOp, nn::TileOp,
             nn::DepthToSpaceOp, nn::SpaceToDepthOp, nn::GatherOp, nn::GatherElementsOp, nn::GatherNDOp, nn::ShapeOp,
             nn::SizeOp>(op);
}

LogicalResult checkNarrowElements(ModuleOp module) {
  bool ok = true;
  module.walk([&](Operation *op) {
    if (!isa_and_nonnull<nn::NNDialect>(op->getDialect()) || acceptsNarrowElements(op))
      return;
    SmallVector<Type> types(op->getOperandTypes());
    llvm::append_range(types, op->getResultTypes());
    for (Type type : types) {
      if (!isNarrowElement(getElementTypeOrSelf(type)))
        continue;
      op->emitError("'") << op->getName() << "' of elements of type " << getElementTypeOrSelf(type)
                         << " is not supported";
      ok = false;
      return;
    }
  });
  return success(ok);
}

/// Whether a value of this type never has an element.
static bool isEmpty(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() && tensor.getNumElements() == 0;
}

/// Makes constants of results without elements, and takes operands without elements out of concatenations: slices of
/// them would begin behind their end.
static void removeEmptyTensors(Operation *module) {
  SmallVector<Operation *> empty;
  module->walk([&](Operation *op) {
    if (!isa_and_nonnull<nn::NNDialect>(op->getDialect()) || op->getNumResults() == 0 || op->getNumRegions() > 0)
      return;
    if (llvm::all_of(op->getResultTypes(), isEmpty))
      empty.push_back(op);
    else if (isa<nn::ConcatOp>(op) && cast<ShapedType>(op->getResult(0).getType()).hasStaticShape() &&
             llvm::all_of(op->getOperandTypes(), [](Type type) { return cast<ShapedType>(type).hasStaticShape(); }))
      op->setOperands(llvm::to_vector(llvm::make_filter_range(
          op->getOperands(), [](Value operand) { return !isEmpty(operand.getType()); })));
  });
  for (Operation *op : llvm::reverse(empty)) {
    OpBuilder builder(op);
    for (OpResult result : op->getResults()) {
      auto value = DenseElementsAttr::get(cast<ShapedType>(result.getType()), ArrayRef<Attribute>());
      result.replaceAllUsesWith(arith::ConstantOp::create(builder, op->getLoc(), value));
    }
    op->erase();
  }
}

struct ConvertNNToLinalgPass : public impl::ConvertNNToLinalgBase<ConvertNNToLinalgPass> {
  /// Converts; where a lowering tells why it fails, MLIR's own message about the operation is left out.
  LogicalResult convert(const ConversionTarget &target, RewritePatternSet &&patterns) {
    bool isTold = false;
    std::optional<Location> failed;
    ScopedDiagnosticHandler handler(&getContext(), [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      bool isGeneral = StringRef(diagnostic.str()).starts_with("failed to legalize operation");
      if (isGeneral)
        failed = diagnostic.getLocation();
      isTold |= !isGeneral;
      return success(isGeneral);
    });
    if (succeeded(applyPartialConversion(getOperation(), target, std::move(patterns))))
      return success();
    if (!isTold && failed)
      emitError(*failed, "is not supported with these types and extents");
    return failure();
  }

  void runOnOperation() override {
    if (failed(checkNarrowElements(getOperation())))
      return signalPassFailure();
    SmallVector<std::pair<func::FuncOp, BoundaryTypes>> boundaries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      boundaries.push_back({function, BoundaryTypes(function)});
    if (failed(lowerRequirements(getOperation())) || failed(addExtentRequirements(getOperation())))
      return signalPassFailure();
    removeEmptyTensors(getOperation());
    Value space = prepareText(getOperation());
    StorageTypeConverter types;
    RewritePatternSet patterns(&getContext());
    populateBlockMovementToLinalg(types, patterns);
    populateContractionToLinalg(types, patterns);
    populateControlFlowToLinalg(types, patterns);
    populateConvolutionToLinalg(types, patterns);
    populateTransposedConvolutionToLinalg(types, patterns);
    populateDecisionTreeToLinalg(types, patterns);
    populateElementwiseToLinalg(types, patterns);
    populateIndexingToLinalg(types, patterns);
    populateMovementToLinalg(types, patterns);
    populateNormalizationToLinalg(types, patterns);
    populatePaddingToLinalg(types, patterns);
    populatePoolingToLinalg(types, patterns);
    populateRecurrentToLinalg(types, patterns);
    populateReductionToLinalg(types, patterns);
    populateTopKToLinalg(types, patterns);
    populateResamplingToLinalg(types, patterns);
    populateSelectionToLinalg(types, patterns);
    populateSuppressionToLinalg(types, patterns);
    populateTextToLinalg(types, patterns, space);
    patterns.add<ConvertConstant, ConvertDim, ConvertExtract>(types, &getContext());
    populateFunctionOpInterfaceTypeConversionPattern<func::FuncOp>(patterns, types);
    populateReturnOpTypeConversionPattern(patterns, types);

    ConversionTarget target(getContext());
    target.addIllegalDialect<nn::NNDialect, text::TextDialect>();
    target.markUnknownOpDynamicallyLegal([&](Operation *op) {
      if (auto function = dyn_cast<func::FuncOp>(op))
        return types.isSignatureLegal(function.getFunctionType());
      return types.isLegal(op);
    });
    if (failed(convert(target, std::move(patterns))))
      return signalPassFailure();
    for (const auto &[function, boundary] : boundaries)
      packBoundaries(function, boundary);
  }
};

} // namespace
} // namespace nnc
