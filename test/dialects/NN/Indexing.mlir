// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @types
func.func @types(%data: tensor<5x?xf32>, %indices: tensor<2x3xi64>) -> (tensor<5x2x3xf32>, tensor<5xf32>, tensor<2x4x3xf32>) {
  %0 = nn.gather %data, %indices {axis = 1 : i64} : (tensor<5x?xf32>, tensor<2x3xi64>) -> tensor<5x2x3xf32>
  %a = arith.constant dense<1.0> : tensor<f32>
  %b = arith.constant dense<10.5> : tensor<f32>
  %c = arith.constant dense<2.0> : tensor<f32>
  // CHECK: nn.range {{.*}} -> tensor<5xf32>
  %1 = nn.range %a, %b, %c : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<5xf32>
  %depth = arith.constant dense<4> : tensor<1xi64>
  %values = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
  %2 = nn.one_hot %indices, %depth, %values {axis = 1 : i64} : (tensor<2x3xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<2x4x3xf32>
  return %0, %1, %2 : tensor<5x2x3xf32>, tensor<5xf32>, tensor<2x4x3xf32>
}

// -----

func.func @gather_beyond_the_end(%data: tensor<5xf32>) -> tensor<2xf32> {
  %indices = arith.constant dense<[-5, 5]> : tensor<2xi64>
  // expected-error @+1 {{has the index 5 into an axis of 5 elements}}
  %0 = nn.gather %data, %indices {axis = 0 : i64} : (tensor<5xf32>, tensor<2xi64>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
