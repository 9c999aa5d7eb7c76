// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// Leading axes of the left-hand side count as rows.
// CHECK-LABEL: @one_matrix
func.func @one_matrix(%x: tensor<?x8x16xf32>, %w: tensor<16x40xf32>) -> tensor<?x8x40xf32> {
  // CHECK: %[[ROWS:.*]] = tensor.collapse_shape %arg0 {{\[}}[0, 1], [2]]
  // CHECK: %[[PACKED:.*]] = kernel.pack_matrix(%arg1, %{{.*}}) : (tensor<16x40xf32>, tensor<5x16x8xf32>)
  // CHECK: kernel.contract(%[[ROWS]], %[[PACKED]], %{{.*}})
  // CHECK: tensor.expand_shape {{.*}} into tensor<?x8x40xf32>
  %0 = nn.matmul %x, %w : (tensor<?x8x16xf32>, tensor<16x40xf32>) -> tensor<?x8x40xf32>
  return %0 : tensor<?x8x40xf32>
}

// -----

// Two unknown extents may differ: each operand is broadcast to the extent found at run time.
// CHECK-LABEL: @unclear_batch
func.func @unclear_batch(%x: tensor<?x1x4x16xf32>, %y: tensor<?x3x5x16xf32>) -> tensor<?x3x4x5xf32> {
  // CHECK: arith.select
  // CHECK: linalg.generic
  // CHECK: linalg.generic
  // CHECK: kernel.pack_matrix{{.*}} {transposed} : (tensor<?x3x5x16xf32>, tensor<?x3x1x16x8xf32>)
  // CHECK: kernel.contract
  // CHECK: (tensor<?x1x4x16xf32>, tensor<?x3x1x16x8xf32>, tensor<?x3x4x5xf32>)
  %0 = nn.matmul %x, %y {transpose_rhs} : (tensor<?x1x4x16xf32>, tensor<?x3x5x16xf32>) -> tensor<?x3x4x5xf32>
  return %0 : tensor<?x3x4x5xf32>
}

// -----

// CHECK-LABEL: @vectors
func.func @vectors(%x: tensor<16xi32>, %y: tensor<16xi32>) -> tensor<i32> {
  // CHECK: kernel.pack_matrix{{.*}} {transposed} : (tensor<1x16xi32>
  // CHECK: kernel.contract
  // CHECK: tensor.collapse_shape %{{.*}} [] : tensor<1x1xi32> into tensor<i32>
  %0 = nn.matmul %x, %y : (tensor<16xi32>, tensor<16xi32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// -----

// A column that is computed at run time is not packed: each row is multiplied by it as it is.
// CHECK-DAG: #[[ROWS:.*]] = affine_map<(d0, d1, d2) -> (0, d1, d2)>
// CHECK-DAG: #[[COLUMN:.*]] = affine_map<(d0, d1, d2) -> (d0, d2, 0)>
// CHECK-DAG: #[[SUMS:.*]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: @column
func.func @column(%x: tensor<1x4x16xf32>, %y: tensor<?x16x1xf32>) -> tensor<?x4x1xf32> {
  // CHECK-NOT: kernel.pack_matrix
  // CHECK: %[[ZERO:.*]] = linalg.fill {{.*}} -> tensor<?x4xf32>
  // CHECK: linalg.generic {indexing_maps = [#[[ROWS]], #[[COLUMN]], #[[SUMS]]], {{.*}}"reduction"]} ins(%arg0, %arg1 : {{.*}}) outs(%[[ZERO]]
  // CHECK: tensor.expand_shape {{.*}} into tensor<?x4x1xf32>
  %0 = nn.matmul %x, %y : (tensor<1x4x16xf32>, tensor<?x16x1xf32>) -> tensor<?x4x1xf32>
  return %0 : tensor<?x4x1xf32>
}

// -----

// Rows of f16 are widened once for all columns; where there are few of both, when they are read.
// CHECK-LABEL: @half_rows
// CHECK: arith.extf
// CHECK: kernel.contract
// CHECK: (tensor<77x64xf32>, tensor<{{.*}}xf16>, tensor<77x77xf16>) -> tensor<77x77xf16>
func.func @half_rows(%a: tensor<77x64xf16>, %b: tensor<64x77xf16>) -> tensor<77x77xf16> {
  %y = nn.matmul %a, %b : (tensor<77x64xf16>, tensor<64x77xf16>) -> tensor<77x77xf16>
  return %y : tensor<77x77xf16>
}

// CHECK-LABEL: @few_half_rows
// CHECK-NOT: arith.extf
// CHECK: (tensor<3x64xf16>, tensor<{{.*}}xf16>, tensor<3x770xf16>) -> tensor<3x770xf16>
func.func @few_half_rows(%a: tensor<3x64xf16>, %b: tensor<64x770xf16>) -> tensor<3x770xf16> {
  %y = nn.matmul %a, %b : (tensor<3x64xf16>, tensor<64x770xf16>) -> tensor<3x770xf16>
  return %y : tensor<3x770xf16>
}
