// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// In ceil mode the last window counts where it starts inside the input or the padding before it.
// CHECK-LABEL: @shapes
func.func @shapes(%x: tensor<1x3x8x?xf32>, %y: tensor<1x7x3xf32>) {
  // CHECK: -> tensor<1x3x3x?xf32>
  %0 = nn.max_pool %x {layout = #nn<layout channels_first>, window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : (tensor<1x3x8x?xf32>) -> tensor<1x3x3x?xf32>
  // CHECK: ceil{{.*}} -> tensor<1x3x4x?xf32>
  %1 = nn.max_pool %x {layout = #nn<layout channels_first>, window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, ceil} : (tensor<1x3x8x?xf32>) -> tensor<1x3x4x?xf32>
  // A fourth window would start in the padding at the end.
  // CHECK: ceil{{.*}} -> tensor<1x3x3xf32>
  %2 = nn.avg_pool %y {layout = #nn<layout channels_last>, window = array<i64: 2>, strides = array<i64: 3>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 3>, ceil} : (tensor<1x7x3xf32>) -> tensor<1x3x3xf32>
  return
}

// -----

func.func @window(%x: tensor<1x7x3xf32>) {
  // expected-error @+2 {{windows, strides and dilations must be positive and reasonable}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.sum_pool %x {layout = #nn<layout channels_last>, window = array<i64: 0>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : (tensor<1x7x3xf32>) -> tensor<1x8x3xf32>
  return
}

// -----

func.func @pads(%x: tensor<1x7x3xf32>) {
  // expected-error @+2 {{pads must not be negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.max_pool %x {layout = #nn<layout channels_last>, window = array<i64: 2>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: -1>, pads_end = array<i64: 0>} : (tensor<1x7x3xf32>) -> tensor<1x5x3xf32>
  return
}

// -----

func.func @numbers(%x: tensor<1x7x7x3xf32>) {
  // expected-error @+2 {{one window, stride, dilation and pad per spatial dimension is needed}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.max_pool %x {layout = #nn<layout channels_last>, window = array<i64: 2>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>} : (tensor<1x7x7x3xf32>) -> tensor<1x6x6x3xf32>
  return
}
