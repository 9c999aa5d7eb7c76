// The NN dialect: declarations of its operations, attributes and shared
// inference functions.
#ifndef DIALECTS_NN_NN_H
#define DIALECTS_NN_NN_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/NN/ConstantFolding.h"
#include "dialects/NN/ShapeInference.h"

#include "dialects/NN/NNDialect.h.inc"
#include "dialects/NN/NNEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/NN/NNAttributes.h.inc"

namespace nnc::nn {

/// Marks element-wise operations: one result element from the elements at the same (broadcast) position.
template <typename ConcreteType>
class ElementwiseTrait : public mlir::OpTrait::TraitBase<ConcreteType, ElementwiseTrait> {};

} // namespace nnc::nn

#define GET_OP_CLASSES
#include "dialects/NN/NNOps.h.inc"

#endif // DIALECTS_NN_NN_H
