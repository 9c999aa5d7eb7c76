//===- Recurrent.td - layers with a state that goes from step to step ------===//

#ifndef DIALECTS_NN_RECURRENT_TD
#define DIALECTS_NN_RECURRENT_TD

include "dialects/NN/NNBase.td"

def NN_Activation : I32EnumAttr<"Activation", "a function of one gate, with parameters alpha and beta", [
    I32EnumAttrCase<"Sigmoid", 0, "sigmoid">, I32EnumAttrCase<"Tanh", 1, "tanh">, I32EnumAttrCase<"Relu", 2, "relu">,
    I32EnumAttrCase<"Affine", 3, "affine">, I32EnumAttrCase<"LeakyRelu", 4, "leaky_relu">,
    I32EnumAttrCase<"ThresholdedRelu", 5, "thresholded_relu">, I32EnumAttrCase<"ScaledTanh", 6, "scaled_tanh">,
    I32EnumAttrCase<"HardSigmoid", 7, "hard_sigmoid">, I32EnumAttrCase<"Elu", 8, "elu">,
    I32EnumAttrCase<"Softsign", 9, "softsign">, I32EnumAttrCase<"Softplus", 10, "softplus">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_ActivationAttr : EnumAttr<NN_Dialect, NN_Activation, "activation">;
def NN_ActivationArrayAttr : TypedArrayAttrBase<NN_ActivationAttr, "array of activations">;

/// One direction of a recurrent layer over [time, batch, feature]. With `reverse` time runs backwards; the sequence
/// stays in the order of the input. `lengths` has the number of steps of each batch entry that count: the others
/// leave the state as it is and give zeros. Initial states that are left out are zeros.
class NN_RecurrentOp<string mnemonic, string what, dag state, dag peephole, dag attributes, dag finals>
    : NN_Op<mnemonic, [AttrSizedOperandSegments]> {
  let summary = what;
  let arguments = !con((ins NN_FloatTensor:$input, NN_FloatTensor:$weights, NN_FloatTensor:$recurrent_weights,
                            Optional<NN_FloatTensor>:$bias, Optional<NN_FloatTensor>:$recurrent_bias,
                            Optional<NN_IndexTensor>:$lengths, Optional<NN_FloatTensor>:$initial_hidden),
                       state, peephole,
                       (ins UnitAttr:$reverse, NN_ActivationArrayAttr:$activations, DenseF32ArrayAttr:$alphas,
                            DenseF32ArrayAttr:$betas, OptionalAttr<F32Attr>:$clip),
                       attributes);
  let results = !con((outs NN_FloatTensor:$sequence, NN_FloatTensor:$hidden), finals);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}

def NN_RnnOp : NN_RecurrentOp<"rnn", "a recurrent layer with one gate", (ins), (ins), (ins), (outs)> {
  let description = [{
    h = f(x W^T + h R^T + b + rb) for each step. W is [hidden, feature], R
    [hidden, hidden]; `clip` bounds what activations are given. Results: all
    hidden states [time, batch, hidden], and the last one.
  }];
}

def NN_GruOp : NN_RecurrentOp<"gru", "gated recurrent units", (ins), (ins), (ins UnitAttr:$linear_before_reset), (outs)> {
  let description = [{
    Gates in the order update (z), reset (r), candidate (n), stacked along the first
    axis of weights and biases; activations f, g:
    z = f(xz + h Rz^T), r = f(xr + h Rr^T), n = g(xn + (r * h) Rn^T), or with
    `linear_before_reset` n = g(xn + r * (h Rn^T + rbn)); h = (1 - z) n + z h.
  }];
}

def NN_LstmOp : NN_RecurrentOp<"lstm", "long short-term memory", (ins Optional<NN_FloatTensor>:$initial_cell),
    (ins Optional<NN_FloatTensor>:$peephole), (ins UnitAttr:$input_forget, OptionalAttr<F32Attr>:$cell_clip), (outs NN_FloatTensor:$cell)> {
  let description = [{
    Gates in the order input (i), output (o), forget (f), cell (c), stacked along the
    first axis of weights and biases; peephole weights are those of i, o and f;
    activations f, g, h:
    i = f(xi + h Ri^T + pi c), f = f(xf + h Rf^T + pf c), or 1 - i with
    `input_forget`, c' = f c + i g(xc + h Rc^T), bounded by `cell_clip`, o = f(xo + h Ro^T + po c'),
    h' = o h(c').
  }];
}

#endif // DIALECTS_NN_RECURRENT_TD
