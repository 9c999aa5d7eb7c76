//===- Pooling.td - windows reduced to one element --------------------------===//

#ifndef DIALECTS_NN_POOLING_TD
#define DIALECTS_NN_POOLING_TD

include "dialects/NN/NNBase.td"

class NN_PoolOp<string mnemonic, string text, dag more = (ins)> : NN_Op<mnemonic> {
  let summary = text;
  let arguments = !con((ins NN_Tensor:$input, NN_LayoutAttr:$layout, DenseI64ArrayAttr:$window,
                            DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$dilations,
                            DenseI64ArrayAttr:$pads_begin, DenseI64ArrayAttr:$pads_end, UnitAttr:$ceil), more);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext *, std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      return ::nnc::nn::inferPool(location, ::mlir::cast<::mlir::RankedTensorType>(adaptor.getInput().getType()),
          adaptor.getLayout() == Layout::ChannelsFirst, adaptor.getWindow(), adaptor.getStrides(),
          adaptor.getDilations(), adaptor.getPadsBegin(), adaptor.getPadsEnd(), adaptor.getCeil(), types);
    }
  }];
}

def NN_MaxPoolOp : NN_PoolOp<"max_pool", "largest element of each window; padding never wins"> {
  let description = [{
    With `ceil` a last window that reaches past the padded end counts, unless it
    would start there. NaN is ignored.
  }];
}

def NN_AvgPoolOp : NN_PoolOp<"avg_pool", "mean of each window", (ins UnitAttr:$count_include_pad)> {
  let description = [{
    The divisor is the number of the window's elements inside the input, or with
    `count_include_pad` inside the padded input.
  }];
}

def NN_SumPoolOp : NN_PoolOp<"sum_pool", "sum of each window; padding counts as 0"> {
  let description = "Windows are placed as for `max_pool`.";
}

#endif // DIALECTS_NN_POOLING_TD
