// The Kernel dialect: registration, and what all structured kernels share.
#include "dialects/Kernel/Kernel.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

#include "dialects/Kernel/KernelDialect.cpp.inc"
#include "dialects/Kernel/KernelEnums.cpp.inc"
#include "dialects/Kernel/KernelInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Kernel/KernelAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/Kernel/KernelOps.cpp.inc"

using namespace mlir;

namespace nnc::kernel {

void KernelDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "dialects/Kernel/KernelOps.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Kernel/KernelAttributes.cpp.inc"
      >();
}

int64_t TargetAttr::getLanes(Type type) const {
  unsigned bits = isa<IndexType>(type) ? 64 : std::max(8u, type.getIntOrFloatBitWidth());
  return std::max<int64_t>(1, getVectorBits() / bits);
}

TargetAttr getTarget(Operation *op) {
  auto module = isa<ModuleOp>(op) ? cast<ModuleOp>(op) : op->getParentOfType<ModuleOp>();
  if (module)
    if (auto target = module->getAttrOfType<TargetAttr>("kernel.target"))
      return target;
  return TargetAttr::get(op->getContext(), /*vectorBits=*/128, /*vectorRegisters=*/16, /*fma=*/false,
                         /*l1Bytes=*/32 << 10, /*l2Bytes=*/256 << 10, /*vnni=*/false, /*packedBits=*/0,
                         /*bf16Dot=*/"", /*i16Dot=*/"", /*byteLookup=*/"", /*floatLookup=*/"",
                         /*byteTiles=*/false, /*bf16Tiles=*/false);
}

LogicalResult WeightBlocksAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, int64_t bits, int64_t size,
                                       bool) {
  if ((bits != 4 && bits != 8) || size < 1 || size % (32 / bits) != 0)
    return emitError() << "blocks are of 4 or 8 bits, and of whole words";
  return success();
}

OpFoldResult ByteTableOp::fold(FoldAdaptor adaptor) {
  auto index = dyn_cast_or_null<IntegerAttr>(adaptor.getIndex());
  if (!index)
    return {};
  return IntegerAttr::get(getType(), APInt(8, static_cast<uint8_t>(getTable()[index.getValue().getZExtValue()])));
}

LogicalResult ByteTableOp::verify() {
  return getTable().size() == 256 ? success() : emitOpError("a table has 256 entries");
}

void getStructuredEffects(DestinationStyleOpInterface op,
                          SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>> &effects) {
  if (!op.hasPureBufferSemantics())
    return;
  for (OpOperand *operand : op.getDpsInputOperands())
    effects.emplace_back(MemoryEffects::Read::get(), operand);
  for (OpOperand &operand : op.getDpsInitsMutable())
    effects.emplace_back(MemoryEffects::Write::get(), &operand);
}

LogicalResult verifyStructured(EpilogueOpInterface op) {
  auto dps = cast<DestinationStyleOpInterface>(op.getOperation());
  auto init = cast<ShapedType>(dps.getDpsInits().front().getType());
  Block &body = op.getEpilogue().front();
  auto inputs = op.getEpilogueInputs();
  if (body.getNumArguments() != inputs.size() + 1)
    return op->emitOpError("epilogue takes the kernel's result and one element per epilogue input");
  if (op.getEpilogueMaps().size() != inputs.size())
    return op->emitOpError("one epilogue map per epilogue input is needed");
  for (auto [input, map, argument] : llvm::zip(inputs, op.getEpilogueMaps(), body.getArguments().drop_front())) {
    auto type = cast<ShapedType>(input.getType());
    AffineMap affine = cast<AffineMapAttr>(map).getValue();
    if (affine.getNumDims() != init.getRank() || affine.getNumResults() != type.getRank())
      return op->emitOpError("epilogue map does not lead from the destination's rank to its input's");
    if (argument.getType() != type.getElementType())
      return op->emitOpError("epilogue argument is not of its input's element type");
  }
  auto yield = dyn_cast<YieldOp>(body.getTerminator());
  if (!yield || yield.getValues().size() != 1 || yield.getValues().front().getType() != init.getElementType())
    return op->emitOpError("epilogue must yield one value of the destination's element type");
  return success();
}

void buildIdentityEpilogue(OpBuilder &builder, Region &epilogue, Type elementType, Location loc) {
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&epilogue, epilogue.end(), {elementType}, {loc});
  YieldOp::create(builder, loc, body->getArguments());
}

} // namespace nnc::kernel
