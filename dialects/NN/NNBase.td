//===- NNBase.td - the NN dialect, its op base class and shared constraints ===//
//
// The hub of the compiler: framework-neutral tensor operations that every
// frontend produces. Pure values, ranked tensors, `?` where an extent is not
// known before run time.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_NNBASE_TD
#define DIALECTS_NN_NNBASE_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def NN_Dialect : Dialect {
  let name = "nn";
  let cppNamespace = "::nnc::nn";
  let summary = "Neural-network operations on tensors, free of any framework's habits";
  let description = [{
    Types: ranked tensors of f16, bf16, f32, f64, the f8 formats, f4E2M1FN, i1
    (boolean), signless integers (signed meaning, i2 and up) and `ui2`..`ui64`
    (unsigned meaning).

    Conventions that hold for every operation:

    * An operation infers its result types (`InferTypeOpInterface`), so builders
      take none; `?` extents stay `?`. A result type may be more static than the
      inferred one, never contradict it.
    * Broadcasting is numpy's: trailing dimensions are aligned.
    * Shape-like data that a framework may compute at run time (target shape,
      slice bounds, pads, repeats ...) is a 1-D i64 operand; a lowering that
      needs it at compile time looks for a constant. Everything else that
      shapes the operation (axes, strides, kinds) is an attribute.
    * Axes are non-negative once an operation exists; frontends normalise.
    * A spatial operation carries `layout`: `channels_first` (N, C, spatial...)
      or `channels_last` (N, spatial..., C). Windows are given by `strides`,
      `dilations`, `pads_begin`, `pads_end`, one entry per spatial dimension.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect"];
}

/// Marks an operation that computes one result element from the elements at the same (broadcast) position.
def NN_Elementwise : NativeOpTrait<"ElementwiseTrait"> { let cppNamespace = "::nnc::nn"; }

/// All nn ops are pure and infer their result types. The generated method
/// `inferReturnTypes(context, location, adaptor, types)` is written in the
/// family's .cpp; errors are reported with `emitOptionalError`.
class NN_Op<string mnemonic, list<Trait> traits = []>
    : Op<NN_Dialect, mnemonic, !listconcat(traits, [
        Pure,
        InferTypeOpAdaptorBase<[{
          static bool isCompatibleReturnTypes(::mlir::TypeRange inferred, ::mlir::TypeRange actual) {
            return ::nnc::nn::areCompatible(inferred, actual);
          }
        }]>])>;

def NN_Tensor : RankedTensorOf<[AnyFloat, AnySignlessInteger, AnyUnsignedInteger, Index]>;
def NN_FloatTensor : RankedTensorOf<[AnyFloat]>;
def NN_IntegerTensor : RankedTensorOf<[AnySignlessInteger, AnyUnsignedInteger]>;
def NN_IndexTensor : RankedTensorOf<[I32, I64]>;
def NN_BoolTensor : RankedTensorOf<[I1]>;
def NN_ShapeTensor : 1DTensorOf<[I64]>;

def NN_Layout : I32EnumAttr<"Layout", "where the channel dimension of a spatial tensor is", [
    I32EnumAttrCase<"ChannelsFirst", 0, "channels_first">,
    I32EnumAttrCase<"ChannelsLast", 1, "channels_last">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_LayoutAttr : EnumAttr<NN_Dialect, NN_Layout, "layout">;

#endif // DIALECTS_NN_NNBASE_TD
