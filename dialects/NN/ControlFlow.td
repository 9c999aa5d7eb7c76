//===- ControlFlow.td - branches and loops ----------------------------------===//

#ifndef DIALECTS_NN_CONTROLFLOW_TD
#define DIALECTS_NN_CONTROLFLOW_TD

include "dialects/NN/NNBase.td"

/// Regions see the values around them. Result types are given: what is not the same for all branches or iterations is
/// refused by the verifiers and the lowering.
class NN_ControlFlowOp<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat(traits, [
        RecursiveMemoryEffects, SingleBlockImplicitTerminator<"::nnc::nn::YieldOp">])>;

def NN_YieldOp : Op<NN_Dialect, "yield", [Pure, Terminator]> {
  let summary = "the values that a branch or an iteration ends with";
  let arguments = (ins Variadic<NN_Tensor>:$values);
  let builders = [OpBuilder<(ins), "(void)$_builder; (void)$_state;">];
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}

def NN_IfOp : NN_ControlFlowOp<"if", [NoRegionArguments]> {
  let summary = "one of two branches, chosen by a boolean of one element";
  let description = "Both branches yield values of the result types.";
  let arguments = (ins NN_BoolTensor:$condition);
  let regions = (region SizedRegion<1>:$then_region, SizedRegion<1>:$else_region);
  let results = (outs Variadic<NN_Tensor>:$results);
  let assemblyFormat = [{
    $condition $then_region `else` $else_region attr-dict `:` functional-type($condition, results)
  }];
  let hasVerifier = 1;
}

def NN_LoopOp : NN_ControlFlowOp<"loop", [AttrSizedOperandSegments]> {
  let summary = "iterations that carry values on";
  let description = [{
    Runs at most `trips` times (one i64), and as long as `condition` and then the
    first value that the body yields is true; one of the two at least is given.
    The body's arguments are the number of the iteration (i64, rank 0) and the
    carried values, first `initial`. It yields whether to go on (one boolean), the
    carried values, and elements to collect. Results are the last carried values
    and, for each collected element, all iterations' stacked along a new first
    axis. The shape of a carried value does not change.
  }];
  let arguments = (ins Optional<RankedTensorOf<[I64]>>:$trips, Optional<NN_BoolTensor>:$condition,
                       Variadic<NN_Tensor>:$initial);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<NN_Tensor>:$results);
  let assemblyFormat = "operands attr-dict-with-keyword $body `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    unsigned getNumCarried() { return getInitial().size(); }
  }];
}

#endif // DIALECTS_NN_CONTROLFLOW_TD
