// RUN: nnc-opt %s --multiply-patches | FileCheck %s
// RUN: nnc-opt %s --multiply-patches --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY-COUNT-2: [Passed] algorithm {{.*}}"a product of matrices: the windows do not overlap"
// WHY-NOT: algorithm

// CHECK-LABEL: @channels_first
// CHECK: %[[IMAGE:.*]] = nn.reshape %arg0, {{.*}} -> tensor<?x3x2x4x3x8xf32>
// CHECK: %[[ROWS:.*]] = nn.transpose %[[IMAGE]] {permutation = array<i64: 0, 2, 4, 1, 3, 5>}
// CHECK: nn.reshape %[[ROWS]], {{.*}} -> tensor<?x96xf32>
// CHECK: nn.matmul {{.*}} {transpose_rhs} : (tensor<?x96xf32>, tensor<7x96xf32>) -> tensor<?x7xf32>
// CHECK: nn.add {{.*}}, %arg2
// CHECK: nn.transpose {{.*}} {permutation = array<i64: 0, 3, 1, 2>} {{.*}} -> tensor<?x7x2x3xf32>
func.func @channels_first(%x: tensor<?x3x8x24xf32>, %w: tensor<7x3x4x8xf32>, %b: tensor<7xf32>) -> tensor<?x7x2x3xf32> {
  %0 = nn.conv %x, %w, %b {layout = #nn<layout channels_first>, strides = array<i64: 4, 8>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<?x3x8x24xf32>, tensor<7x3x4x8xf32>, tensor<7xf32>) -> tensor<?x7x2x3xf32>
  return %0 : tensor<?x7x2x3xf32>
}

// CHECK-LABEL: @channels_last
// CHECK: nn.transpose {{.*}} {permutation = array<i64: 0, 1, 3, 2, 4, 5>} : (tensor<1x2x4x3x8x3xf32>)
// CHECK: nn.transpose %arg1 {permutation = array<i64: 0, 2, 3, 1>}
// CHECK: nn.matmul
// CHECK-NOT: nn.transpose
func.func @channels_last(%x: tensor<1x8x24x3xf32>, %w: tensor<7x3x4x8xf32>) -> tensor<1x2x3x7xf32> {
  %0 = nn.conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 4, 8>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x8x24x3xf32>, tensor<7x3x4x8xf32>) -> tensor<1x2x3x7xf32>
  return %0 : tensor<1x2x3x7xf32>
}

// Windows that overlap, or leave a part of the image out.
// CHECK-LABEL: @direct
// CHECK-COUNT-2: nn.conv
func.func @direct(%x: tensor<1x3x8x25xf32>, %w: tensor<7x3x4x8xf32>) -> (tensor<1x7x2x5xf32>, tensor<1x7x2x3xf32>) {
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 4, 4>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x3x8x25xf32>, tensor<7x3x4x8xf32>) -> tensor<1x7x2x5xf32>
  %1 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 4, 8>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x3x8x25xf32>, tensor<7x3x4x8xf32>) -> tensor<1x7x2x3xf32>
  return %0, %1 : tensor<1x7x2x5xf32>, tensor<1x7x2x3xf32>
}
