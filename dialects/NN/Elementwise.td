//===- Elementwise.td - operations on corresponding elements ---------------===//

#ifndef DIALECTS_NN_ELEMENTWISE_TD
#define DIALECTS_NN_ELEMENTWISE_TD

include "dialects/NN/NNBase.td"

/// One operand, result of the same type.
class NN_UnaryOp<string mnemonic, Type type = NN_Tensor, list<Trait> traits = []>
    : NN_Op<mnemonic, traits> {
  let arguments = (ins type:$input);
  let results = (outs type:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *,
        std::optional<::mlir::Location>, Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(adaptor.getInput().getType());
      return ::mlir::success();
    }
  }];
}

/// Two operands of one element type, broadcast against each other.
class NN_BinaryOp<string mnemonic, Type type = NN_Tensor, list<Trait> traits = []>
    : NN_Op<mnemonic, traits> {
  let arguments = (ins type:$lhs, type:$rhs);
  let results = (outs type:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *,
        std::optional<::mlir::Location> location, Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nnc::nn::inferBroadcast(location, adaptor.getOperands(), /*elementType=*/{}, types);
    }
  }];
}

def NN_ReluOp : NN_UnaryOp<"relu"> { let summary = "max(x, 0); NaN stays NaN"; }
def NN_ExpOp : NN_UnaryOp<"exp", NN_FloatTensor> { let summary = "e to the power of x"; }
def NN_AddOp : NN_BinaryOp<"add", NN_Tensor, [Commutative]> { let summary = "x + y; integers wrap"; }
def NN_MulOp : NN_BinaryOp<"mul", NN_Tensor, [Commutative]> { let summary = "x * y; integers wrap"; }

#endif // DIALECTS_NN_ELEMENTWISE_TD
