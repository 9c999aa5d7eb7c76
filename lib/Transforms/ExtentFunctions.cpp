// Counts dynamic extents of a function's arguments.
#include "lib/Transforms/ExtentFunctions.h"

using namespace mlir;

namespace nnc {

/// Number of dynamic extents of the arguments of `main` before `end` that are outputs, or that are not.
static unsigned countExtents(func::FuncOp main, unsigned end, bool outputs) {
  unsigned count = 0;
  for (unsigned i = 0; i < end; ++i)
    if (auto type = dyn_cast<ShapedType>(main.getArgumentTypes()[i]);
        type && static_cast<bool>(main.getArgAttr(i, "nn.output")) == outputs)
      count += type.getNumDynamicDims();
  return count;
}

func::FuncOp createExtentFunction(func::FuncOp main, StringRef name, TypeRange results) {
  OpBuilder builder(main);
  unsigned count = countExtents(main, main.getNumArguments(), /*outputs=*/false);
  SmallVector<Type> extents(count, builder.getIndexType());
  auto function = func::FuncOp::create(builder, main.getLoc(), name, builder.getFunctionType(extents, results));
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

unsigned getOutputExtentIndex(func::FuncOp main, BlockArgument argument, int64_t dim) {
  return countExtents(main, argument.getArgNumber(), /*outputs=*/true) +
         cast<ShapedType>(argument.getType()).getDynamicDimIndex(dim);
}

} // namespace nnc
