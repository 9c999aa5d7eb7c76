// RUN: nnc-opt %s --compute-output-extents --canonicalize --split-input-file | FileCheck %s

// One argument per run-time extent of the inputs, in order; one result per run-time extent of the outputs.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[A:.*]]: index, %[[B:.*]]: index, %[[C:.*]]: index) -> (index, index)
// CHECK: return %[[B]], %[[C]]
func.func @main(%x: tensor<?x?xf32>, %y: tensor<4x?xf32>) -> (tensor<?x4xf32>, tensor<4x?xf32>) {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %empty = tensor.empty(%n) : tensor<?x4xf32>
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %fill, %y : tensor<?x4xf32>, tensor<4x?xf32>
}

// -----

// Sizes that are computed are computed again: nothing of the tensors' values is needed.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[TWICE:.*]] = arith.muli %[[N]], %[[TWO]]
// CHECK: return %[[TWICE]]
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %twice = arith.muli %n, %c2 : index
  %empty = tensor.empty(%twice) : tensor<?xf32>
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  return %fill : tensor<?xf32>
}

// -----

// Static outputs need no function.
// CHECK-NOT: @main_output_extents
func.func @main(%x: tensor<?xf32>) -> tensor<1xf32> {
  %y = arith.constant dense<0.0> : tensor<1xf32>
  return %y : tensor<1xf32>
}
