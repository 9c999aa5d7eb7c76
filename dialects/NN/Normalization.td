//===- Normalization.td - elements set in relation to their neighbours ------===//

#ifndef DIALECTS_NN_NORMALIZATION_TD
#define DIALECTS_NN_NORMALIZATION_TD

include "dialects/NN/NNBase.td"

/// The result has the type of the operand `input`.
class NN_NormalizationOp<string mnemonic, string text, dag rest, list<Trait> traits = []> : NN_Op<mnemonic, traits> {
  let summary = text;
  let arguments = !con((ins NN_FloatTensor:$input), rest);
  let results = (outs NN_FloatTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location>,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      types.push_back(adaptor.getInput().getType());
      return ::mlir::success();
    }
  }];
}

def NN_SoftmaxOp : NN_NormalizationOp<"softmax", "exp(x - max) / sum along an axis", (ins I64Attr:$axis)> {
  let description = "max is the largest element along `axis`, sum that of exp(x - max); so nothing overflows.";
  let hasVerifier = 1;
}
def NN_LogSoftmaxOp : NN_NormalizationOp<"log_softmax", "logarithm of softmax along an axis", (ins I64Attr:$axis)> {
  let description = "x - max - log(sum of exp(x - max)) along `axis`, so that small probabilities do not become log(0).";
  let hasVerifier = 1;
}

def NN_BatchNormOp : NN_NormalizationOp<"batch_norm", "(x - mean) / sqrt(variance + epsilon) * scale + bias per channel",
    (ins NN_FloatTensor:$scale, NN_FloatTensor:$bias, NN_FloatTensor:$mean, NN_FloatTensor:$variance,
         NN_LayoutAttr:$layout, F64Attr:$epsilon)> {
  let description = [{
    Inference: mean and variance are given, not computed. The four parameters are
    1-D, with one element per channel, and have the input's element type.
  }];
  let hasVerifier = 1;
}

def NN_LayerNormOp : NN_NormalizationOp<"layer_norm", "zero mean and unit variance over the axes from `axis` on",
    (ins Optional<NN_FloatTensor>:$scale, Optional<NN_FloatTensor>:$bias, I64Attr:$axis, F64Attr:$epsilon), [AttrSizedOperandSegments]> {
  let description = "`scale` and `bias` broadcast against the input.";
  let assemblyFormat = [{
    $input (`scale` `(` $scale^ `:` type($scale) `)`)? (`bias` `(` $bias^ `:` type($bias) `)`)? attr-dict `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

def NN_RmsNormOp : NN_NormalizationOp<"rms_norm", "x / sqrt(mean(x^2) + epsilon) * scale over the axes from `axis` on",
    (ins Optional<NN_FloatTensor>:$scale, I64Attr:$axis, F64Attr:$epsilon)> {
  let description = "`scale` broadcasts against the input.";
  let hasVerifier = 1;
}

def NN_InstanceNormOp : NN_NormalizationOp<"instance_norm",
    "zero mean and unit variance over the spatial dimensions, then scale and bias per channel",
    (ins NN_FloatTensor:$scale, NN_FloatTensor:$bias, NN_LayoutAttr:$layout, F64Attr:$epsilon)> {
  let description = [{
    For each sample and channel: (x - mean) / sqrt(variance + epsilon) * scale +
    bias. `scale` and `bias` are 1-D, with one element per channel.
  }];
  let hasVerifier = 1;
}

def NN_LrnOp : NN_NormalizationOp<"lrn", "x / (bias + alpha / size * sum of x^2 over `size` channels)^beta",
    (ins NN_LayoutAttr:$layout, I64Attr:$size, F64Attr:$alpha, F64Attr:$beta, F64Attr:$bias)> {
  let description = [{
    Local response normalisation: channel c sums over the channels
    c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), as far as there are any.
  }];
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_NORMALIZATION_TD
