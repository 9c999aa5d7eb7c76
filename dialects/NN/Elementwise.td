//===- Elementwise.td - operations on corresponding elements ---------------===//
//
// Every operation here computes one element of its result from the elements at
// the same (broadcast) position of its operands, so all of them fuse with each
// other and into the epilogue of a kernel.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_ELEMENTWISE_TD
#define DIALECTS_NN_ELEMENTWISE_TD

include "dialects/NN/NNBase.td"

/// One operand, result of the same type.
class NN_UnaryOp<string mnemonic, string text, Type type = NN_FloatTensor, dag attributes = (ins)>
    : NN_Op<mnemonic, [NN_Elementwise]> {
  let summary = text;
  let description = "x is an element of `input`; the result has the type of `input`.";
  let arguments = !con((ins type:$input), attributes);
  let results = (outs type:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *,
        std::optional<::mlir::Location>, Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(adaptor.getInput().getType());
      return ::mlir::success();
    }
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) {
      return ::nnc::nn::foldElementwise(*this, adaptor.getOperands());
    }
  }];
}

/// One operand, result of booleans.
class NN_TestOp<string mnemonic, string text, dag attributes = (ins)> : NN_Op<mnemonic, [NN_Elementwise]> {
  let summary = text;
  let description = "x is an element of `input`; the result has the shape of `input`.";
  let arguments = !con((ins NN_FloatTensor:$input), attributes);
  let results = (outs NN_BoolTensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context,
        std::optional<::mlir::Location> location, Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nnc::nn::inferBroadcast(location, adaptor.getOperands(), ::mlir::IntegerType::get(context, 1), types);
    }
  }];
}

/// Two operands of one element type, broadcast against each other.
class NN_BinaryOp<string mnemonic, string text, Type type = NN_Tensor, list<Trait> traits = [],
                  dag attributes = (ins), string elementType = "{}">
    : NN_Op<mnemonic, !listconcat([NN_Elementwise], traits)> {
  let summary = text;
  let description = [{
    x is an element of `lhs`, y of `rhs`; both have one element type, which is the
    result's (booleans for `compare`), and broadcast against each other.
  }];
  let arguments = !con((ins type:$lhs, type:$rhs), attributes);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *context,
        std::optional<::mlir::Location> location, Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nnc::nn::inferBroadcast(location, adaptor.getOperands(), /*elementType=*/}] # elementType # [{, types);
    }
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) {
      return ::nnc::nn::foldElementwise(*this, adaptor.getOperands());
    }
  }];
}

//===----------------------------------------------------------------------===//
// One operand
//===----------------------------------------------------------------------===//

def NN_AbsOp : NN_UnaryOp<"abs", "absolute value; the least integer stays as it is", NN_Tensor>;
def NN_NegOp : NN_UnaryOp<"neg", "-x; integers wrap", NN_Tensor>;
def NN_SignOp : NN_UnaryOp<"sign", "-1, 0 or 1", NN_Tensor>;
def NN_CeilOp : NN_UnaryOp<"ceil", "least integer not below x">;
def NN_FloorOp : NN_UnaryOp<"floor", "greatest integer not above x">;
def NN_RoundOp : NN_UnaryOp<"round", "nearest integer, halves to even">;
def NN_ReciprocalOp : NN_UnaryOp<"reciprocal", "1 / x">;
def NN_SqrtOp : NN_UnaryOp<"sqrt", "square root">;
def NN_ExpOp : NN_UnaryOp<"exp", "e to the power of x">;
def NN_LogOp : NN_UnaryOp<"log", "natural logarithm">;
def NN_ErfOp : NN_UnaryOp<"erf", "Gauss error function">;
def NN_SinOp : NN_UnaryOp<"sin", "sine">;
def NN_CosOp : NN_UnaryOp<"cos", "cosine">;
def NN_TanOp : NN_UnaryOp<"tan", "tangent">;
def NN_AsinOp : NN_UnaryOp<"asin", "arc sine">;
def NN_AcosOp : NN_UnaryOp<"acos", "arc cosine">;
def NN_AtanOp : NN_UnaryOp<"atan", "arc tangent">;
def NN_SinhOp : NN_UnaryOp<"sinh", "hyperbolic sine">;
def NN_CoshOp : NN_UnaryOp<"cosh", "hyperbolic cosine">;
def NN_TanhOp : NN_UnaryOp<"tanh", "hyperbolic tangent">;
def NN_AsinhOp : NN_UnaryOp<"asinh", "inverse hyperbolic sine">;
def NN_AcoshOp : NN_UnaryOp<"acosh", "inverse hyperbolic cosine">;
def NN_AtanhOp : NN_UnaryOp<"atanh", "inverse hyperbolic tangent">;
def NN_NotOp : NN_UnaryOp<"not", "logical negation", NN_BoolTensor>;
def NN_BitwiseNotOp : NN_UnaryOp<"bitwise_not", "complement of all bits", NN_IntegerTensor>;
def NN_IsNaNOp : NN_TestOp<"is_nan", "whether x is not a number">;
def NN_IsInfOp : NN_TestOp<"is_inf", "whether x is an infinity of a sign that is looked for",
                           (ins UnitAttr:$detect_negative, UnitAttr:$detect_positive)>;

//===----------------------------------------------------------------------===//
// Activations
//===----------------------------------------------------------------------===//

def NN_GeluForm : I32EnumAttr<"GeluForm", "how the Gauss error function is evaluated", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Tanh", 1, "tanh">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_GeluFormAttr : EnumAttr<NN_Dialect, NN_GeluForm, "gelu_form">;

def NN_ReluOp : NN_UnaryOp<"relu", "max(x, 0); NaN stays NaN", NN_Tensor>;
def NN_SigmoidOp : NN_UnaryOp<"sigmoid", "1 / (1 + exp(-x))">;
def NN_SoftplusOp : NN_UnaryOp<"softplus", "log(1 + exp(x))">;
def NN_SoftsignOp : NN_UnaryOp<"softsign", "x / (1 + |x|)">;
def NN_SiluOp : NN_UnaryOp<"silu", "x * sigmoid(alpha * x)", NN_FloatTensor,
                           (ins DefaultValuedAttr<F32Attr, "1.0f">:$alpha)>;
def NN_MishOp : NN_UnaryOp<"mish", "x * tanh(log(1 + exp(x)))">;
def NN_HardSwishOp : NN_UnaryOp<"hard_swish", "x * max(0, min(1, x / 6 + 1/2))">;
def NN_GeluOp : NN_UnaryOp<"gelu", "x * (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh", NN_FloatTensor,
                           (ins DefaultValuedAttr<NN_GeluFormAttr, "::nnc::nn::GeluForm::None">:$approximate)>;
def NN_LeakyReluOp : NN_UnaryOp<"leaky_relu", "x where x >= 0, else alpha * x", NN_FloatTensor,
                                (ins F32Attr:$alpha)>;
def NN_EluOp : NN_UnaryOp<"elu", "x where x >= 0, else alpha * (exp(x) - 1)", NN_FloatTensor,
                          (ins F32Attr:$alpha)>;
def NN_CeluOp : NN_UnaryOp<"celu", "max(0, x) + min(0, alpha * (exp(x / alpha) - 1))", NN_FloatTensor,
                           (ins F32Attr:$alpha)>;
def NN_SeluOp : NN_UnaryOp<"selu", "gamma * (x where x > 0, else alpha * (exp(x) - 1))", NN_FloatTensor,
                           (ins F32Attr:$alpha, F32Attr:$gamma)>;
def NN_HardSigmoidOp : NN_UnaryOp<"hard_sigmoid", "max(0, min(1, alpha * x + beta))", NN_FloatTensor,
                                  (ins F32Attr:$alpha, F32Attr:$beta)>;
def NN_ThresholdedReluOp : NN_UnaryOp<"thresholded_relu", "x where x > alpha, else 0", NN_FloatTensor,
                                      (ins F32Attr:$alpha)>;
def NN_ShrinkOp : NN_UnaryOp<"shrink", "x + bias where x < -lambda, x - bias where x > lambda, else 0", NN_Tensor,
                             (ins F32Attr:$bias, F32Attr:$lambda)>;

def NN_ClipOp : NN_Op<"clip", [NN_Elementwise, AttrSizedOperandSegments]> {
  let summary = "min(max(x, minimum), maximum); a bound that is not given does not limit";
  let description = [{
    The bounds are tensors of one element of the type of `input`. Where
    minimum > maximum the result is maximum. NaN stays NaN.
  }];
  let arguments = (ins NN_Tensor:$input, Optional<NN_Tensor>:$minimum, Optional<NN_Tensor>:$maximum);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $input (`min` $minimum^)? (`max` $maximum^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Two operands
//===----------------------------------------------------------------------===//

def NN_ComparePredicate : I32EnumAttr<"ComparePredicate", "the relation that a comparison tests", [
    I32EnumAttrCase<"Equal", 0, "equal">, I32EnumAttrCase<"Less", 1, "less">,
    I32EnumAttrCase<"LessEqual", 2, "less_equal">, I32EnumAttrCase<"Greater", 3, "greater">,
    I32EnumAttrCase<"GreaterEqual", 4, "greater_equal">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_ComparePredicateAttr : EnumAttr<NN_Dialect, NN_ComparePredicate, "compare">;

def NN_AddOp : NN_BinaryOp<"add", "x + y; integers wrap", NN_Tensor, [Commutative]>;
def NN_SubOp : NN_BinaryOp<"sub", "x - y; integers wrap">;
def NN_MulOp : NN_BinaryOp<"mul", "x * y; integers wrap", NN_Tensor, [Commutative]>;
def NN_DivOp : NN_BinaryOp<"div", "x / y; integers round toward zero">;
def NN_ModOp : NN_BinaryOp<"mod", "remainder with the sign of y, or with `fmod` that of x", NN_Tensor, [],
                           (ins UnitAttr:$fmod)>;
def NN_MaxOp : NN_BinaryOp<"max", "the larger of the two; NaN where either is NaN", NN_Tensor, [Commutative]>;
def NN_MinOp : NN_BinaryOp<"min", "the smaller of the two; NaN where either is NaN", NN_Tensor, [Commutative]>;
def NN_AndOp : NN_BinaryOp<"and", "logical and", NN_BoolTensor, [Commutative]>;
def NN_OrOp : NN_BinaryOp<"or", "logical or", NN_BoolTensor, [Commutative]>;
def NN_XorOp : NN_BinaryOp<"xor", "logical exclusive or", NN_BoolTensor, [Commutative]>;
def NN_BitwiseAndOp : NN_BinaryOp<"bitwise_and", "and of all bits", NN_IntegerTensor, [Commutative]>;
def NN_BitwiseOrOp : NN_BinaryOp<"bitwise_or", "or of all bits", NN_IntegerTensor, [Commutative]>;
def NN_BitwiseXorOp : NN_BinaryOp<"bitwise_xor", "exclusive or of all bits", NN_IntegerTensor, [Commutative]>;
def NN_ShiftLeftOp : NN_BinaryOp<"shift_left", "x shifted left by y bits; 0 where y >= width", NN_IntegerTensor>;
def NN_ShiftRightOp : NN_BinaryOp<"shift_right", "x shifted right by y bits; the sign (or 0) where y >= width",
                                  NN_IntegerTensor>;
def NN_PReluOp : NN_BinaryOp<"prelu", "x where x >= 0, else slope * x; lhs is x, rhs the slope">;
def NN_CompareOp : NN_BinaryOp<"compare", "whether a relation holds; false where either is NaN", NN_Tensor, [],
                               (ins NN_ComparePredicateAttr:$predicate), "::mlir::IntegerType::get(context, 1)">;

def NN_PowOp : NN_Op<"pow", [NN_Elementwise]> {
  let summary = "x to the power of y";
  let description = [{
    The result has the element type of `lhs`; the exponent may have another one.
  }];
  let arguments = (ins NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

//===----------------------------------------------------------------------===//
// Selection and conversion
//===----------------------------------------------------------------------===//

def NN_WhereOp : NN_Op<"where", [NN_Elementwise]> {
  let summary = "x where the condition holds, else y; all three broadcast";
  let description = "x is an element of `lhs`, y of `rhs`; both have the element type of the result.";
  let arguments = (ins NN_BoolTensor:$condition, NN_Tensor:$lhs, NN_Tensor:$rhs);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$condition `,` $lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_PowerRounding : I32EnumAttr<"PowerRounding", "how a number becomes a power of two", [
    I32EnumAttrCase<"Up", 0, "up">, I32EnumAttrCase<"Down", 1, "down">, I32EnumAttrCase<"Nearest", 2, "nearest">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_PowerRoundingAttr : EnumAttr<NN_Dialect, NN_PowerRounding, "power_rounding">;

def NN_CastOp : NN_Op<"cast", [NN_Elementwise]> {
  let summary = "conversion to another element type";
  let description = [{
    Floats become integers by truncation, as in C; out of range the result is
    unspecified. Integers wrap. To boolean: whether x is not 0 (NaN is true).
    From boolean: 0 or 1. To floats of 8 and 4 bits: to nearest, halves to even,
    limited to the finite numbers with `saturate`, else infinity or NaN; to
    f8E8M0FNU as `rounding` says.
  }];
  let arguments = (ins NN_Tensor:$input, TypeAttr:$to, DefaultValuedAttr<BoolAttr, "true">:$saturate,
                       DefaultValuedAttr<NN_PowerRoundingAttr, "::nnc::nn::PowerRounding::Up">:$rounding);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let hasFolder = 1;
}

def NN_BitcastOp : NN_Op<"bitcast", [NN_Elementwise]> {
  let summary = "the same bits as another element type of the same width";
  let description = "A boolean has 8 bits, 0 or 1; to a boolean nothing but a boolean is cast.";
  let arguments = (ins NN_Tensor:$input, TypeAttr:$to);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}

#endif // DIALECTS_NN_ELEMENTWISE_TD
