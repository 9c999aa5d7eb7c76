// RUN: nnc-opt %s --split-input-file --verify-diagnostics --canonicalize | FileCheck %s

// The product of a shape is known at compile time.
// CHECK-LABEL: @product
func.func @product() -> tensor<i64> {
  // CHECK: arith.constant dense<24> : tensor<i64>
  %shape = arith.constant dense<[2, 3, 4]> : tensor<3xi64>
  %0 = nn.reduce %shape {kind = #nn<reduction prod>, axes = array<i64: 0>, keepdims = false} : (tensor<3xi64>) -> tensor<i64>
  return %0 : tensor<i64>
}

// -----

// CHECK-LABEL: @top_k
func.func @top_k(%x: tensor<4x9xf32>, %k: tensor<1xi64>) -> (tensor<4x?xf32>, tensor<4x?xi64>) {
  // CHECK: nn.top_k
  %0:2 = nn.top_k %x, %k {axis = 1 : i64, smallest} : (tensor<4x9xf32>, tensor<1xi64>) -> (tensor<4x?xf32>, tensor<4x?xi64>)
  return %0#0, %0#1 : tensor<4x?xf32>, tensor<4x?xi64>
}

// -----

func.func @too_many(%x: tensor<4x9xf32>) -> (tensor<4x10xf32>, tensor<4x10xi64>) {
  %k = arith.constant dense<10> : tensor<1xi64>
  // expected-error@+2 {{k is 10, the axis has 9 elements}}
  // expected-error@+1 {{}}
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<4x9xf32>, tensor<1xi64>) -> (tensor<4x10xf32>, tensor<4x10xi64>)
  return %0#0, %0#1 : tensor<4x10xf32>, tensor<4x10xi64>
}

// -----

func.func @no_such_axis(%x: tensor<4x9xf32>) -> tensor<4x9xf32> {
  // expected-error@+2 {{axis 2 is out of range}}
  // expected-error@+1 {{}}
  %0 = nn.cumsum %x {axis = 2 : i64} : (tensor<4x9xf32>) -> tensor<4x9xf32>
  return %0 : tensor<4x9xf32>
}

// -----

func.func @product_of_booleans(%x: tensor<4x9xi1>) -> tensor<4x9xi1> {
  // expected-error@+2 {{sums and products of booleans are not defined}}
  // expected-error@+1 {{}}
  %0 = nn.cumprod %x {axis = 1 : i64} : (tensor<4x9xi1>) -> tensor<4x9xi1>
  return %0 : tensor<4x9xi1>
}

// -----

func.func @other_width(%x: tensor<4xf32>) -> tensor<4xi64> {
  // expected-error@+2 {{the bits of 'f32' are no 'i64'}}
  // expected-error@+1 {{}}
  %0 = nn.bitcast %x {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  return %0 : tensor<4xi64>
}
