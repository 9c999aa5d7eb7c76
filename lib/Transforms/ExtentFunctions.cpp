// Counts dynamic extents of a function's arguments, and small inputs of numbers.
#include "lib/Transforms/ExtentFunctions.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;

namespace nnc {

/// Number of dynamic extents of the arguments of `main` before `end` that are outputs, or that are not. A packed output
/// has those of its elements.
static unsigned countExtents(func::FuncOp main, unsigned end, bool outputs) {
  unsigned count = 0;
  for (unsigned i = 0; i < end; ++i)
    if (auto type = dyn_cast<ShapedType>(main.getArgumentTypes()[i]);
        type && static_cast<bool>(main.getArgAttr(i, "nn.output")) == outputs) {
      auto packed = main.getArgAttrOfType<IntegerAttr>(i, "nn.packed");
      count += packed ? packed.getInt() : type.getNumDynamicDims();
    }
  return count;
}

/// Inputs of more elements are no shapes.
static constexpr int64_t maxSizeValues = 64;

/// Whether sizes may be made of the values of argument `i`.
static bool hasSizeValues(func::FuncOp main, unsigned i) {
  auto type = dyn_cast<ShapedType>(main.getArgumentTypes()[i]);
  if (!type || main.getArgAttr(i, "nn.output") || main.getArgAttr(i, "nn.arena") || !type.hasStaticShape() ||
      type.getRank() > 1 || type.getNumElements() > maxSizeValues || type.getNumElements() == 0)
    return false;
  auto recorded = main.getArgAttrOfType<TypeAttr>(i, "nn.element_type");
  Type element = recorded ? recorded.getValue() : type.getElementType();
  return element.isSignlessInteger(32) || element.isSignlessInteger(64) ||
         isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(element);
}

Value getElementOfArgument(OpBuilder &builder, func::FuncOp function, func::FuncOp main, BlockArgument argument,
                           int64_t position) {
  if (!hasSizeValues(main, argument.getArgNumber()))
    return {};
  Value values = argument;
  if (function != main) {
    unsigned place = countExtents(main, main.getNumArguments(), /*outputs=*/false);
    for (unsigned i = 0; i < argument.getArgNumber(); ++i)
      place += hasSizeValues(main, i);
    values = function.getArgument(place);
  }
  SmallVector<Value> index;
  if (cast<ShapedType>(argument.getType()).getRank() == 1)
    index.push_back(arith::ConstantIndexOp::create(builder, argument.getLoc(), position));
  if (isa<TensorType>(values.getType()))
    return tensor::ExtractOp::create(builder, argument.getLoc(), values, index);
  return memref::LoadOp::create(builder, argument.getLoc(), values, index);
}

func::FuncOp createExtentFunction(func::FuncOp main, StringRef name, TypeRange results) {
  OpBuilder builder(main);
  unsigned count = countExtents(main, main.getNumArguments(), /*outputs=*/false);
  SmallVector<Type> arguments(count, builder.getIndexType());
  for (unsigned i = 0; i < main.getNumArguments(); ++i) {
    if (!hasSizeValues(main, i))
      continue;
    auto type = cast<ShapedType>(main.getArgumentTypes()[i]);
    arguments.push_back(MemRefType::get(type.getShape(), type.getElementType()));
    main.setArgAttr(i, "nn.size_values", builder.getUnitAttr());
  }
  auto function = func::FuncOp::create(builder, main.getLoc(), name, builder.getFunctionType(arguments, results));
  function.addEntryBlock();
  return function;
}

Value getExtentArgument(func::FuncOp function, func::FuncOp main, BlockArgument argument, int64_t dim) {
  if (main.getArgAttr(argument.getArgNumber(), "nn.output"))
    return {};
  auto type = cast<ShapedType>(argument.getType());
  return function.getArgument(countExtents(main, argument.getArgNumber(), /*outputs=*/false) +
                              type.getDynamicDimIndex(dim));
}

SizeExpressions getSizesIn(func::FuncOp function, func::FuncOp main) {
  return SizeExpressions(
      main,
      [=](OpBuilder &, BlockArgument argument, int64_t dim) { return getExtentArgument(function, main, argument, dim); },
      [=](OpBuilder &builder, BlockArgument argument, int64_t position) {
        return getElementOfArgument(builder, function, main, argument, position);
      });
}

std::optional<unsigned> getOutputExtentIndex(func::FuncOp main, BlockArgument argument, int64_t dim) {
  if (main.getArgAttr(argument.getArgNumber(), "nn.packed"))
    return std::nullopt;
  return countExtents(main, argument.getArgNumber(), /*outputs=*/true) +
         cast<ShapedType>(argument.getType()).getDynamicDimIndex(dim);
}

} // namespace nnc
