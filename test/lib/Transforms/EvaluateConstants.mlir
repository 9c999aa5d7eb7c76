// RUN: nnc-opt %s --nnc-to-tensors --split-input-file | FileCheck %s

// The weights are packed at compile time: panels of columns, padded with zeros.
// CHECK-LABEL: func.func @main
// CHECK-NOT: kernel.pack_matrix
// CHECK: %[[PACKED:.*]] = arith.constant dense<{{.*}}0.000000e+00, 0.000000e+00]]]> : tensor<1x2x{{[0-9]+}}xf32>
// CHECK-NOT: kernel.pack_matrix
// CHECK: kernel.contract(%{{.*}}, %[[PACKED]], %{{.*}})
func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x6xf32> {nn.name = "y"}) {
  %w = arith.constant dense<[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [7.0, 8.0, 9.0, 10.0, 11.0, 12.0]]> : tensor<2x6xf32>
  %y = nn.matmul %x, %w : (tensor<5x2xf32>, tensor<2x6xf32>) -> tensor<5x6xf32>
  return %y : tensor<5x6xf32>
}

// -----

// Weights of a loop's body are packed once, at compile time.
// CHECK-LABEL: func.func @main
// CHECK-NOT: kernel.pack_matrix
// CHECK: scf.for
// CHECK-NOT: kernel.pack_matrix
// CHECK: kernel.contract
func.func @main(%x: tensor<5x2xf32> {nn.name = "x"}) -> (tensor<5x2xf32> {nn.name = "y"}) {
  %w = arith.constant dense<[[1.0, 2.0], [7.0, 8.0]]> : tensor<2x2xf32>
  %n = arith.constant dense<3> : tensor<i64>
  %t = arith.constant dense<true> : tensor<i1>
  %y = nn.loop %n, %x attributes {operandSegmentSizes = array<i32: 1, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<5x2xf32>):
    %1 = nn.matmul %a, %w : (tensor<5x2xf32>, tensor<2x2xf32>) -> tensor<5x2xf32>
    nn.yield %t, %1 : tensor<i1>, tensor<5x2xf32>
  } : (tensor<i64>, tensor<5x2xf32>) -> tensor<5x2xf32>
  return %y : tensor<5x2xf32>
}

// -----

// A function of constants is replaced by its value.
// CHECK-LABEL: func.func @main
// CHECK: arith.constant dense<{{\[}}2.000000e+00, 3.000000e+00, 4.000000e+00]> : tensor<3xf32>
// CHECK-NOT: math.sqrt
func.func @main(%x: tensor<3xf32> {nn.name = "x"}) -> (tensor<3xf32> {nn.name = "y"}) {
  %c = arith.constant dense<[4.0, 9.0, 16.0]> : tensor<3xf32>
  %root = nn.sqrt %c : (tensor<3xf32>) -> tensor<3xf32>
  %y = nn.add %x, %root : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

// A large value made of few constants is computed at run time, not stored.
// CHECK-LABEL: func.func @main
// CHECK-NOT: dense_resource
// CHECK: linalg.generic
func.func @main(%x: tensor<65536x4xf32> {nn.name = "x"}) -> (tensor<65536x4xf32> {nn.name = "y"}) {
  %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %shape = arith.constant dense<[65536, 4]> : tensor<2xi64>
  %wide = nn.broadcast_to %c, %shape : (tensor<4xf32>, tensor<2xi64>) -> tensor<65536x4xf32>
  %root = nn.exp %wide : (tensor<65536x4xf32>) -> tensor<65536x4xf32>
  %y = nn.add %x, %root : (tensor<65536x4xf32>, tensor<65536x4xf32>) -> tensor<65536x4xf32>
  return %y : tensor<65536x4xf32>
}
