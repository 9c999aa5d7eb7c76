// RUN: nnc-opt %s --split-input-file --verify-diagnostics

func.func @depthwise(%x: tensor<1x8x4xf32>, %w: tensor<3x3x4xf32>, %to: tensor<1x8x4xf32>) {
  // expected-error @+1 {{input, filter and destination do not fit}}
  %0 = kernel.depthwise(%x, %w, %to) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<1x8x4xf32>, tensor<3x3x4xf32>, tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  return
}

// -----

func.func @spatial(%x: tensor<1x4xf32>, %to: tensor<1x4xf32>) {
  // expected-error @+1 {{one to three spatial dimensions are supported}}
  %0 = kernel.pool(%x, %to) attributes {kind = #kernel<pool max>, window = array<i64>, strides = array<i64>, dilations = array<i64>, pads_begin = array<i64>, pads_end = array<i64>, epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<1x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  return
}
