// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// An input of 4 bits keeps its shape, but only half of its bytes are read; an output is a row of packed bytes.
// CHECK-LABEL: @packed
// CHECK-SAME: %[[X:.*]]: tensor<3x3xi8>) -> tensor<5xi8>
func.func @packed(%x: tensor<3x3xi4>) -> tensor<3x3xui4> {
  // CHECK: %[[ROW:.*]] = tensor.collapse_shape %[[X]]
  // CHECK: tensor.extract %[[ROW]]
  // CHECK: arith.shrui
  // CHECK: return %{{.*}} : tensor<5xi8>
  %y = nn.cast %x {to = ui4} : (tensor<3x3xi4>) -> tensor<3x3xui4>
  return %y : tensor<3x3xui4>
}

// -----

// expected-error@+1 {{output 0, of 'i4': extents of packed outputs must be known at compile time}}
func.func @dynamic(%x: tensor<?xf32>) -> tensor<?xi4> {
  %y = nn.cast %x {to = i4} : (tensor<?xf32>) -> tensor<?xi4>
  return %y : tensor<?xi4>
}
