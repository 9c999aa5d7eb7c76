// RUN: nnc-opt %s --flip-filters --split-input-file | FileCheck %s

// The pads of the window are what is left of its reach; an output padding is more of them.
// CHECK-LABEL: @groups
func.func @groups(%x: tensor<?x6x9x8xf32>, %w: tensor<6x4x3x2xf32>, %b: tensor<8xf32>) -> tensor<?x8x12x10xf32> {
  // CHECK: %[[GROUPED:.*]] = nn.reshape %arg1, %{{.*}} -> tensor<2x3x4x3x2xf32>
  // CHECK: %[[TURNED:.*]] = nn.transpose %[[GROUPED]] {permutation = array<i64: 0, 2, 1, 3, 4>}
  // CHECK: %[[FILTER:.*]] = nn.reshape %[[TURNED]], %{{.*}} -> tensor<8x3x3x2xf32>
  // CHECK: %[[FLIPPED:.*]] = nn.reverse %[[FILTER]] {axes = array<i64: 2, 3>}
  // CHECK: nn.conv %arg0, %[[FLIPPED]], %arg2 {dilations = array<i64: 2, 1>, groups = 2 : i64, {{.*}}pads_begin = array<i64: 3, 1>, pads_end = array<i64: 4, 2>, strides = array<i64: 1, 1>} {{.*}} -> tensor<?x8x12x10xf32>
  %0 = nn.conv_transpose %x, %w, %b {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 2, 1>, pads_begin = array<i64: 1, 0>, pads_end = array<i64: 1, 0>, output_padding = array<i64: 1, 1>, groups = 2 : i64} : (tensor<?x6x9x8xf32>, tensor<6x4x3x2xf32>, tensor<8xf32>) -> tensor<?x8x12x10xf32>
  return %0 : tensor<?x8x12x10xf32>
}

// -----

// CHECK-LABEL: @strides
func.func @strides(%x: tensor<1x6x9xf32>, %w: tensor<6x4x3xf32>) -> tensor<1x4x19xf32> {
  // CHECK: nn.conv_transpose
  %0 = nn.conv_transpose %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, output_padding = array<i64: 0>, groups = 1 : i64} : (tensor<1x6x9xf32>, tensor<6x4x3xf32>) -> tensor<1x4x19xf32>
  return %0 : tensor<1x4x19xf32>
}
