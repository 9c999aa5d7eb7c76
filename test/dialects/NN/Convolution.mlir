// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @shapes
func.func @shapes(%x: tensor<?x6x9x?xf32>, %w: tensor<8x3x3x2xf32>, %y: tensor<1x9x6xf32>, %v: tensor<6x2x4xf32>, %b: tensor<4xf32>) {
  // Two groups, channels first, a stride and a dilation.
  // CHECK: -> tensor<?x8x4x?xf32>
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 2, 1>, dilations = array<i64: 1, 2>, pads_begin = array<i64: 1, 0>, pads_end = array<i64: 0, 0>, groups = 2 : i64} : (tensor<?x6x9x?xf32>, tensor<8x3x3x2xf32>) -> tensor<?x8x4x?xf32>
  // 3 * (9 - 1) + 1 + 4 - 2 - 1 positions.
  // CHECK: -> tensor<1x26x4xf32>
  %1 = nn.conv_transpose %y, %v, %b {layout = #nn<layout channels_last>, strides = array<i64: 3>, dilations = array<i64: 1>, pads_begin = array<i64: 2>, pads_end = array<i64: 1>, output_padding = array<i64: 1>, groups = 2 : i64} : (tensor<1x9x6xf32>, tensor<6x2x4xf32>, tensor<4xf32>) -> tensor<1x26x4xf32>
  return
}

// -----

func.func @channels(%x: tensor<1x9x5xf32>, %w: tensor<8x6x3xf32>) {
  // expected-error @+2 {{the filter is for 6 channels, the input has 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 1 : i64} : (tensor<1x9x5xf32>, tensor<8x6x3xf32>) -> tensor<1x7x8xf32>
  return
}

// -----

func.func @groups(%x: tensor<1x9x6xf32>, %w: tensor<8x2x3xf32>) {
  // expected-error @+2 {{3 groups do not divide the channels of 'tensor<8x2x3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 3 : i64} : (tensor<1x9x6xf32>, tensor<8x2x3xf32>) -> tensor<1x7x8xf32>
  return
}

// -----

func.func @stride(%x: tensor<1x9x6xf32>, %w: tensor<8x6x3xf32>) {
  // expected-error @+2 {{strides and dilations must be positive}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 0>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 1 : i64} : (tensor<1x9x6xf32>, tensor<8x6x3xf32>) -> tensor<1x7x8xf32>
  return
}

// -----

func.func @bias(%x: tensor<1x9x6xf32>, %w: tensor<8x6x3xf32>, %b: tensor<7xf32>) {
  // expected-error @+2 {{bias 'tensor<7xf32>' does not have one element per output channel (8)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv %x, %w, %b {layout = #nn<layout channels_last>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 1 : i64} : (tensor<1x9x6xf32>, tensor<8x6x3xf32>, tensor<7xf32>) -> tensor<1x7x8xf32>
  return
}

// -----

func.func @nothing_left(%x: tensor<1x2x6xf32>, %w: tensor<6x2x3xf32>) {
  // expected-error @+2 {{the pads leave nothing of 'tensor<1x2x6xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.conv_transpose %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 9>, pads_end = array<i64: 9>, output_padding = array<i64: 0>, groups = 1 : i64} : (tensor<1x2x6xf32>, tensor<6x2x3xf32>) -> tensor<1x1x2xf32>
  return
}
