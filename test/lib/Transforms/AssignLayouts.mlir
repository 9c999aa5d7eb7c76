// RUN: nnc-opt %s --assign-layouts | FileCheck %s
// RUN: nnc-opt %s --assign-layouts --mlir-disable-threading --remarks-filter=layout -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] layout {{.*}}"channels last

// CHECK-LABEL: @spatial
func.func @spatial(%x: tensor<1x8x4x6xf32>) -> tensor<1x2x8x12xf32> {
  // CHECK: %[[T:.*]] = nn.transpose %{{.*}} {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x6xf32>) -> tensor<1x4x6x8xf32>
  // CHECK: %[[D:.*]] = nn.depth_to_space %[[T]] {{.*}}channels_last{{.*}} -> tensor<1x8x12x2xf32>
  // CHECK: %[[B:.*]] = nn.transpose %[[D]] {permutation = array<i64: 0, 3, 1, 2>}
  // CHECK: return %[[B]]
  %0 = nn.depth_to_space %x {block = 2 : i64, layout = #nn<layout channels_first>} : (tensor<1x8x4x6xf32>) -> tensor<1x2x8x12xf32>
  return %0 : tensor<1x2x8x12xf32>
}

// An instance normalization without neighbours has no transposes that could cancel.
// CHECK-LABEL: @instance_norm_alone
// CHECK-NOT: nn.transpose
// CHECK: nn.instance_norm {{.*}}channels_first
func.func @instance_norm_alone(%x: tensor<2x3x4x5xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<2x3x4x5xf32> {
  %0 = nn.instance_norm %x, %s, %b {layout = #nn<layout channels_first>, epsilon = 1.0e-05 : f64} : (tensor<2x3x4x5xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4x5xf32>
  %1 = nn.relu %0 : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %1 : tensor<2x3x4x5xf32>
}

// Pools and depthwise convolutions of long rows likewise; not of short ones, nor beside a convolution.
// CHECK-LABEL: @planes
// CHECK-NOT: nn.transpose
// CHECK: nn.max_pool
// CHECK: nn.transpose
// CHECK: nn.max_pool
func.func @planes(%x: tensor<1x3x8x64xf32>, %y: tensor<1x3x64x8xf32>) -> (tensor<1x3x4x32xf32>, tensor<1x3x32x4xf32>) {
  %0 = nn.max_pool %x {layout = #nn<layout channels_first>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : (tensor<1x3x8x64xf32>) -> tensor<1x3x4x32xf32>
  %1 = nn.max_pool %y {layout = #nn<layout channels_first>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : (tensor<1x3x64x8xf32>) -> tensor<1x3x32x4xf32>
  return %0, %1 : tensor<1x3x4x32xf32>, tensor<1x3x32x4xf32>
}

// Six pixels are one vector and a half of 128 bits: with 49 taps each, transposes cost less than what stays empty.
// CHECK-LABEL: @taps
// CHECK-NOT: nn.transpose
// CHECK: nn.max_pool
// CHECK: nn.transpose
// CHECK: nn.max_pool
func.func @taps(%x: tensor<1x3x8x8xf32>, %y: tensor<1x3x12x12xf32>) -> (tensor<1x3x6x6xf32>, tensor<1x3x6x6xf32>) {
  %0 = nn.max_pool %x {layout = #nn<layout channels_first>, window = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : (tensor<1x3x8x8xf32>) -> tensor<1x3x6x6xf32>
  %1 = nn.max_pool %y {layout = #nn<layout channels_first>, window = array<i64: 7, 7>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>} : (tensor<1x3x12x12xf32>) -> tensor<1x3x6x6xf32>
  return %0, %1 : tensor<1x3x6x6xf32>, tensor<1x3x6x6xf32>
}

// One output is a product of all taps with the image as it is.
// CHECK-LABEL: @few_outputs_alone
// CHECK-NOT: nn.transpose
// CHECK: nn.conv {{.*}}channels_first
func.func @few_outputs_alone(%x: tensor<1x8x9x9xf32>, %w: tensor<1x8x3x3xf32>) -> tensor<1x1x7x7xf32> {
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x8x9x9xf32>, tensor<1x8x3x3xf32>) -> tensor<1x1x7x7xf32>
  return %0 : tensor<1x1x7x7xf32>
}
