// The shape of most lowerings: a function from an operation with converted
// operands to the value that replaces it; and the creation of kernels.
#ifndef LIB_CONVERSION_NNTOLINALG_LOWERINGPATTERN_H
#define LIB_CONVERSION_NNTOLINALG_LOWERINGPATTERN_H

#include "dialects/Kernel/Kernel.h"
#include "dialects/NN/NN.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Transforms/DialectConversion.h"

namespace nnc {

/// The pattern of one operation with one result: a family specialises `build`,
/// which returns the value of (storage) type `type` that replaces `op`, or null
/// after a diagnostic.
template <typename OpTy>
struct LowerOp : mlir::OpConversionPattern<OpTy> {
  using mlir::OpConversionPattern<OpTy>::OpConversionPattern;
  using OpAdaptor = typename OpTy::Adaptor;
  mlir::Value build(mlir::ImplicitLocOpBuilder &builder, OpTy op, OpAdaptor adaptor, mlir::RankedTensorType type) const;

  llvm::LogicalResult matchAndRewrite(OpTy op, OpAdaptor adaptor,
                                      mlir::ConversionPatternRewriter &rewriter) const override {
    mlir::ImplicitLocOpBuilder builder(op.getLoc(), rewriter);
    auto type = this->getTypeConverter()->template convertType<mlir::RankedTensorType>(op->getResult(0).getType());
    mlir::Value result = build(builder, op, adaptor, type);
    if (!result)
      return llvm::failure();
    rewriter.replaceOp(op, result);
    return llvm::success();
  }
};

/// An input of a kernel's epilogue: a tensor, and where its element is as a
/// function of the destination's index.
struct EpilogueOperand {
  mlir::Value tensor;
  mlir::AffineMap map;
};

/// Builds what a kernel stores from its own result and one element of each epilogue operand.
using EpilogueBuilder = llvm::function_ref<mlir::Value(mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

/// A kernel on tensors without epilogue; `attributes` are its own.
template <typename KernelTy>
mlir::Value createKernel(mlir::ImplicitLocOpBuilder &builder, mlir::ValueRange inputs, mlir::Value init,
                         llvm::ArrayRef<mlir::NamedAttribute> attributes,
                         llvm::ArrayRef<EpilogueOperand> epilogueOperands = {}, EpilogueBuilder epilogue = nullptr) {
  mlir::OperationState state(builder.getLoc(), KernelTy::getOperationName());
  state.addOperands(inputs);
  llvm::SmallVector<mlir::AffineMap> maps;
  llvm::SmallVector<mlir::Type> arguments{mlir::getElementTypeOrSelf(init)};
  for (const EpilogueOperand &operand : epilogueOperands) {
    state.addOperands(operand.tensor);
    maps.push_back(operand.map);
    arguments.push_back(mlir::getElementTypeOrSelf(operand.tensor));
  }
  state.addOperands(init);
  state.addTypes(init.getType());
  state.addAttributes(attributes);
  state.addAttribute("epilogue_maps", builder.getAffineMapArrayAttr(maps));
  mlir::Region *region = state.addRegion();
  mlir::OpBuilder::InsertionGuard guard(builder);
  {
    mlir::OpBuilder::InsertionGuard inner(builder);
    llvm::SmallVector<mlir::Location> locs(arguments.size(), builder.getLoc());
    mlir::Block *body = builder.createBlock(region, region->end(), arguments, locs);
    mlir::Value stored = epilogue ? epilogue(builder, body->getArguments()) : body->getArgument(0);
    kernel::YieldOp::create(builder, stored);
  }
  return builder.create(state)->getResult(0);
}

} // namespace nnc

#endif // LIB_CONVERSION_NNTOLINALG_LOWERINGPATTERN_H
