// RUN: nnc-opt %s --nnc-to-tensors | FileCheck %s

// Loops that read by index and are fused with a transpose: their indices are arithmetic, not affine operations.
// CHECK-LABEL: @main
// CHECK-NOT: affine.apply
// CHECK: tensor.extract %arg0
// CHECK-NOT: affine.apply
func.func @main(%x: tensor<2x5x3x7xf32>, %i: tensor<4xi64>) -> tensor<2x6x14x1xf32> {
  %0 = nn.gather %x, %i {axis = 1 : i64} : (tensor<2x5x3x7xf32>, tensor<4xi64>) -> tensor<2x4x3x7xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<2x4x3x7xf32>) -> tensor<2x3x7x4xf32>
  %2 = nn.depth_to_space %1 {block = 2 : i64, layout = #nn<layout channels_last>, order = #nn<depth_order crd>} : (tensor<2x3x7x4xf32>) -> tensor<2x6x14x1xf32>
  return %2 : tensor<2x6x14x1xf32>
}
