// RUN: nnc-opt %s --split-input-file --verify-diagnostics

func.func @filter_rank(%x: tensor<1x8x4xf32>, %w: tensor<1x1x3x4xf32>, %to: tensor<1x8x16xf32>) {
  // expected-error @+1 {{input, filter and destination do not fit}}
  %0 = kernel.conv(%x, %w, %to) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<1x8x4xf32>, tensor<1x1x3x4xf32>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
  return
}

// -----

func.func @dynamic_filter(%x: tensor<1x8x4xf32>, %w: tensor<1x1x?x4x16xf32>, %to: tensor<1x8x16xf32>) {
  // expected-error @+1 {{the filter's shape must be static}}
  %0 = kernel.conv(%x, %w, %to) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<1x8x4xf32>, tensor<1x1x?x4x16xf32>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
  return
}

// -----

func.func @lists(%x: tensor<1x8x4xf32>, %w: tensor<1x1x3x4x16xf32>, %to: tensor<1x8x16xf32>) {
  // expected-error @+1 {{one entry per spatial dimension is needed in each list}}
  %0 = kernel.conv(%x, %w, %to) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<1x8x4xf32>, tensor<1x1x3x4x16xf32>, tensor<1x8x16xf32>) -> tensor<1x8x16xf32>
  return
}

// -----

func.func @groups(%w: tensor<16x4x3xf32>, %to: tensor<1x1x3x4x16xf32>) {
  // expected-error @+1 {{source and destination do not fit}}
  %0 = kernel.pack_filter(%w, %to) {groups = 2 : i64} : (tensor<16x4x3xf32>, tensor<1x1x3x4x16xf32>) -> tensor<1x1x3x4x16xf32>
  return
}
