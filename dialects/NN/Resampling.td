//===- Resampling.td - values between samples -------------------------------===//
//
// Positions are mapped in f32, as frameworks do: a position that falls half-way
// between two samples must fall on the same side as theirs.
//
//===----------------------------------------------------------------------===//

#ifndef DIALECTS_NN_RESAMPLING_TD
#define DIALECTS_NN_RESAMPLING_TD

include "dialects/NN/NNBase.td"

def NN_ResizeMode : I32EnumAttr<"ResizeMode", "how a value between samples is found", [
    I32EnumAttrCase<"Nearest", 0, "nearest">, I32EnumAttrCase<"Linear", 1, "linear">,
    I32EnumAttrCase<"Cubic", 2, "cubic">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_ResizeModeAttr : EnumAttr<NN_Dialect, NN_ResizeMode, "resize_mode">;

def NN_CoordinateMode : I32EnumAttr<"CoordinateMode", "how a position in the result is mapped to the input", [
    I32EnumAttrCase<"HalfPixel", 0, "half_pixel">, I32EnumAttrCase<"HalfPixelSymmetric", 1, "half_pixel_symmetric">,
    I32EnumAttrCase<"PytorchHalfPixel", 2, "pytorch_half_pixel">, I32EnumAttrCase<"AlignCorners", 3, "align_corners">,
    I32EnumAttrCase<"Asymmetric", 4, "asymmetric">, I32EnumAttrCase<"TfCropAndResize", 5, "tf_crop_and_resize">,
    I32EnumAttrCase<"TfHalfPixelForNearest", 6, "tf_half_pixel_for_nn">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_CoordinateModeAttr : EnumAttr<NN_Dialect, NN_CoordinateMode, "coordinate_mode">;

def NN_NearestMode : I32EnumAttr<"NearestMode", "which neighbour is nearest", [
    I32EnumAttrCase<"RoundPreferFloor", 0, "round_prefer_floor">,
    I32EnumAttrCase<"RoundPreferCeil", 1, "round_prefer_ceil">,
    I32EnumAttrCase<"Floor", 2, "floor">, I32EnumAttrCase<"Ceil", 3, "ceil">]> {
  let cppNamespace = "::nnc::nn";
  let genSpecializedAttr = 0;
}
def NN_NearestModeAttr : EnumAttr<NN_Dialect, NN_NearestMode, "nearest_mode">;

def NN_ResizeOp : NN_Op<"resize", [AttrSizedOperandSegments]> {
  let summary = "resampling along the given axes";
  let description = [{
    Along axes[i] the result has sizes[i] elements, or, without `sizes`,
    floor(extent * scales[i]). Positions are mapped with scales[i] where given,
    else with sizes[i] / extent. `region` (starts, then ends, of `axes`, relative
    to extent - 1) and `extrapolation_value` (for positions outside the input)
    belong to `tf_crop_and_resize`. With `antialias` the filter of `linear` and
    `cubic` grows with the factor of a reduction. `exclude_outside` gives
    neighbours outside the input no weight; otherwise the edge is repeated.
  }];
  let arguments = (ins NN_Tensor:$input, Optional<NN_ShapeTensor>:$sizes, Optional<1DTensorOf<[F32]>>:$scales,
                       Optional<1DTensorOf<[F32]>>:$region, DenseI64ArrayAttr:$axes, NN_ResizeModeAttr:$mode,
                       DefaultValuedAttr<NN_CoordinateModeAttr, "::nnc::nn::CoordinateMode::HalfPixel">:$coordinates,
                       DefaultValuedAttr<NN_NearestModeAttr, "::nnc::nn::NearestMode::RoundPreferFloor">:$nearest,
                       DefaultValuedAttr<F32Attr, "-0.75f">:$cubic_coefficient, UnitAttr:$exclude_outside,
                       UnitAttr:$antialias, DefaultValuedAttr<F32Attr, "0.0f">:$extrapolation_value);
  let results = (outs NN_Tensor:$result);
  let assemblyFormat = [{
    $input (`sizes` $sizes^)? (`scales` $scales^)? (`region` $region^)? attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // DIALECTS_NN_RESAMPLING_TD
