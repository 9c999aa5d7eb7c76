// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// Leading dimensions broadcast; a vector's dimension is not in the result.
// CHECK-LABEL: @shapes
func.func @shapes(%a: tensor<2x1x4x8xf32>, %b: tensor<3x8x5xf32>, %row: tensor<8xf32>, %c: tensor<5x?xf32>) {
  // CHECK: -> tensor<2x3x4x5xf32>
  %0 = nn.matmul %a, %b : (tensor<2x1x4x8xf32>, tensor<3x8x5xf32>) -> tensor<2x3x4x5xf32>
  // CHECK: -> tensor<3x5xf32>
  %1 = nn.matmul %row, %b : (tensor<8xf32>, tensor<3x8x5xf32>) -> tensor<3x5xf32>
  // CHECK: {transpose_rhs} {{.*}} -> tensor<2x1x4x5xf32>
  %2 = nn.matmul %a, %c {transpose_rhs} : (tensor<2x1x4x8xf32>, tensor<5x?xf32>) -> tensor<2x1x4x5xf32>
  return
}

// -----

func.func @inner(%a: tensor<4x8xf32>, %b: tensor<7x5xf32>) {
  // expected-error @+2 {{inner dimensions differ: 'tensor<4x8xf32>' and 'tensor<7x5xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %a, %b : (tensor<4x8xf32>, tensor<7x5xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @leading(%a: tensor<2x4x8xf32>, %b: tensor<3x8x5xf32>) {
  // expected-error @+2 {{leading dimensions do not broadcast}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %a, %b : (tensor<2x4x8xf32>, tensor<3x8x5xf32>) -> tensor<2x4x5xf32>
  return
}

// -----

func.func @transposed_vector(%a: tensor<8xf32>, %b: tensor<8x5xf32>) {
  // expected-error @+2 {{a vector cannot be transposed}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.matmul %a, %b {transpose_lhs} : (tensor<8xf32>, tensor<8x5xf32>) -> tensor<5xf32>
  return
}
