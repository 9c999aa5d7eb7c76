// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @reshape
func.func @reshape(%x: tensor<?x4x8xf32>) -> (tensor<?x32xf32>, tensor<?x8x4xf32>) {
  %to = arith.constant dense<[0, 32]> : tensor<2xi64>
  // CHECK: tensor.collapse_shape %arg0 {{\[\[}}0], [1, 2]]
  %0 = nn.reshape %x, %to : (tensor<?x4x8xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  %other = arith.constant dense<[-1, 8, 4]> : tensor<3xi64>
  // CHECK: tensor.expand_shape {{.*}} {{\[\[}}0, 1, 2]] output_shape [%{{.*}}, 8, 4]
  %1 = nn.reshape %x, %other : (tensor<?x4x8xf32>, tensor<3xi64>) -> tensor<?x8x4xf32>
  return %0, %1 : tensor<?x32xf32>, tensor<?x8x4xf32>
}

// -----

// CHECK: #[[FROM:.*]] = affine_map<(d0, d1, d2) -> (d1, d2, d0)>
// CHECK-LABEL: @transpose
func.func @transpose(%x: tensor<2x?x4xf32>) -> tensor<4x2x?xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[FROM]], #{{.*}}]
  %0 = nn.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x?x4xf32>) -> tensor<4x2x?xf32>
  return %0 : tensor<4x2x?xf32>
}

// -----

// CHECK-LABEL: @transpose_of_one_channel
func.func @transpose_of_one_channel(%x: tensor<?x1x?x4xf32>) -> tensor<?x?x4x1xf32> {
  // CHECK-NOT: linalg.generic
  // CHECK: %[[FLAT:.*]] = tensor.collapse_shape %arg0 {{\[\[}}0, 1, 2, 3]]
  // CHECK: tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1, 2, 3]] output_shape [%{{.*}}, %{{.*}}, 4, 1]
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<?x1x?x4xf32>) -> tensor<?x?x4x1xf32>
  return %0 : tensor<?x?x4x1xf32>
}

// -----

// CHECK-LABEL: @concat
func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<2x7xf32> {
  // CHECK: %[[TO:.*]] = tensor.empty() : tensor<2x7xf32>
  // CHECK: %[[X:.*]] = tensor.insert_slice %arg0 into %[[TO]][0, 0] [2, 3] [1, 1]
  // CHECK: tensor.insert_slice %arg1 into %[[X]][0, 3] [2, 4] [1, 1]
  %0 = nn.concat %x, %y {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<2x7xf32>
  return %0 : tensor<2x7xf32>
}

// -----

// Slices without elements would begin behind the end.
// CHECK-LABEL: @empty
func.func @empty(%x: tensor<2x0xf32>, %y: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x0xf32>) {
  // CHECK: %[[NONE:.*]] = arith.constant dense<> : tensor<2x0xf32>
  // CHECK: return %arg1, %[[NONE]]
  %0 = nn.concat %y, %x {axis = 1 : i64} : (tensor<2x4xf32>, tensor<2x0xf32>) -> tensor<2x4xf32>
  %1 = nn.cumsum %x {axis = 1 : i64} : (tensor<2x0xf32>) -> tensor<2x0xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x0xf32>
}

// -----

// CHECK-LABEL: @slice
func.func @slice(%x: tensor<5x8xf32>) -> (tensor<2x8xf32>, tensor<5x3xf32>) {
  %starts = arith.constant dense<1> : tensor<1xi64>
  %ends = arith.constant dense<-1> : tensor<1xi64>
  %two = arith.constant dense<2> : tensor<1xi64>
  // CHECK: tensor.extract_slice %arg0[1, 0] [2, 8] [2, 1]
  %0 = nn.slice %x, %starts, %ends, %two {axes = array<i64: 0>} : (tensor<5x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x8xf32>
  %back = arith.constant dense<-3> : tensor<1xi64>
  %least = arith.constant dense<-9223372036854775808> : tensor<1xi64>
  // CHECK: linalg.generic
  // CHECK: tensor.extract %arg0
  %1 = nn.slice %x, %ends, %least, %back {axes = array<i64: 1>} : (tensor<5x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5x3xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<5x3xf32>
}

// -----

// CHECK-LABEL: @growth
func.func @growth(%x: tensor<3x1xf32>, %n: tensor<2xi64>) -> (tensor<2x3x4xf32>, tensor<?x?xf32>) {
  %to = arith.constant dense<[2, 1, 4]> : tensor<3xi64>
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<2x3x4xf32>)
  %0 = nn.broadcast_to %x, %to : (tensor<3x1xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<?x3x?x1xf32>)
  // CHECK: tensor.collapse_shape {{.*}} {{\[\[}}0, 1], [2, 3]]
  %1 = nn.tile %x, %n : (tensor<3x1xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %0, %1 : tensor<2x3x4xf32>, tensor<?x?xf32>
}

// -----

// CHECK-LABEL: @blocks
func.func @blocks(%x: tensor<1x2x3x8xf32>) -> tensor<1x4x6x2xf32> {
  // CHECK: tensor.expand_shape {{.*}} into tensor<1x2x3x2x2x2xf32>
  // CHECK: linalg.generic
  // CHECK: tensor.collapse_shape {{.*}} {{\[\[}}0], [1, 2], [3, 4], [5]]
  %0 = nn.depth_to_space %x {block = 2 : i64, order = #nn<depth_order dcr>, layout = #nn<layout channels_last>} : (tensor<1x2x3x8xf32>) -> tensor<1x4x6x2xf32>
  return %0 : tensor<1x4x6x2xf32>
}
