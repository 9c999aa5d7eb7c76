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

// The elements of an output of run-time extents are returned, too, for the sake of these.
// CHECK-LABEL: @dynamic
// CHECK-SAME: -> (tensor<?xi8> {nn.packed = 2 : i64}, tensor<?x3x?xi8> {nn.unpacked = 0 : i64})
func.func @dynamic(%x: tensor<?x3x?xf32>) -> tensor<?x3x?xi4> {
  // CHECK: %[[ROW:.*]] = tensor.collapse_shape
  // CHECK: arith.divui
  // CHECK: return %{{.*}}, %{{.*}} : tensor<?xi8>, tensor<?x3x?xi8>
  %y = nn.cast %x {to = i4} : (tensor<?x3x?xf32>) -> tensor<?x3x?xi4>
  return %y : tensor<?x3x?xi4>
}
