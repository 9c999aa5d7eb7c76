// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// Counted, then written; the count is at most the number of elements.
// CHECK-LABEL: @non_zero
// CHECK: %[[BOUND:.*]] = arith.muli
// CHECK: %[[COUNT:.*]] = scf.for {{.*}} -> (index)
// CHECK: arith.cmpf une
// CHECK: %[[EXTENT:.*]] = kernel.bounded %[[COUNT]], %[[BOUND]]
// CHECK: tensor.empty(%[[EXTENT]]) : tensor<2x?xi64>
// CHECK: scf.if
// CHECK: tensor.insert
// CHECK: tensor.insert
func.func @non_zero(%x: tensor<3x?xf32>) -> tensor<2x?xi64> {
  %0 = nn.non_zero %x : (tensor<3x?xf32>) -> tensor<2x?xi64>
  return %0 : tensor<2x?xi64>
}

// -----

// A heap sort of places; equal neighbours are one.
// CHECK-LABEL: @unique
// CHECK: scf.for
// CHECK: scf.while
// CHECK: arith.cmpi ult
// CHECK: %[[GROUPS:.*]]:4 = scf.for
// CHECK: kernel.bounded %[[GROUPS]]#3, %c9
// CHECK: tensor.extract_slice
func.func @unique(%x: tensor<9xui8>) -> (tensor<?xi64>, tensor<9xi64>, tensor<?xi64>) {
  %0:3 = nn.unique %x {axis = 0 : i64, sorted} : (tensor<9xui8>) -> (tensor<?xi64>, tensor<9xi64>, tensor<?xi64>)
  return %0#0, %0#1, %0#2 : tensor<?xi64>, tensor<9xi64>, tensor<?xi64>
}

// -----

// Rows for as many boxes as may be chosen: 2 images of 5 classes, of each 7 boxes.
// CHECK-LABEL: @non_max_suppression
// CHECK: tensor.empty() : tensor<70x3xi64>
// CHECK: scf.for
// CHECK: scf.for
// CHECK: scf.while
// CHECK: arith.divf
// CHECK: kernel.bounded %{{.*}}, %c70
func.func @non_max_suppression(%boxes: tensor<2x9x4xf32>, %scores: tensor<2x5x9xf32>, %iou: tensor<1xf32>) -> tensor<?x3xi64> {
  %most = arith.constant dense<7> : tensor<1xi64>
  %0 = nn.non_max_suppression %boxes, %scores, %most, %iou : (tensor<2x9x4xf32>, tensor<2x5x9xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<?x3xi64>
  return %0 : tensor<?x3xi64>
}

// -----

// k is data: brought between 0 and the extent, and required to be there.
// CHECK-LABEL: @top_k
// CHECK: kernel.bounded %{{.*}}, %c4
// CHECK: cf.assert %{{.*}}, "nn.top_k: k is not negative and at most the extent"
func.func @top_k(%x: tensor<3x4xf32>, %n: tensor<1xi64>) -> (tensor<3x?xf32>, tensor<3x?xi64>) {
  %k = nn.abs %n : (tensor<1xi64>) -> tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<3x4xf32>, tensor<1xi64>) -> (tensor<3x?xf32>, tensor<3x?xi64>)
  return %0#0, %0#1 : tensor<3x?xf32>, tensor<3x?xi64>
}

// -----

// An input as k: its value is the size, and what it must be is required.
// CHECK-LABEL: @top_k_of_input
// CHECK-DAG: cf.assert %{{.*}}, "nn.top_k: k is not negative"
// CHECK-DAG: cf.assert %{{.*}}, "nn.top_k: k is at most the extent"
// CHECK-NOT: kernel.bounded
func.func @top_k_of_input(%x: tensor<3x4xf32>, %k: tensor<1xi64>) -> (tensor<3x?xf32>, tensor<3x?xi64>) {
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<3x4xf32>, tensor<1xi64>) -> (tensor<3x?xf32>, tensor<3x?xi64>)
  return %0#0, %0#1 : tensor<3x?xf32>, tensor<3x?xi64>
}

// -----

// The bounds of a slice are data: it has at most the extent.
// CHECK-LABEL: @slice
// CHECK: kernel.bounded %{{.*}}, %c6
func.func @slice(%x: tensor<6x5xf32>, %from: tensor<1xi64>, %end: tensor<1xi64>) -> tensor<?x5xf32> {
  %start = nn.abs %from : (tensor<1xi64>) -> tensor<1xi64>
  %0 = nn.slice %x, %start, %end {axes = array<i64: 0>} : (tensor<6x5xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x5xf32>
  return %0 : tensor<?x5xf32>
}
