// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// Floats of 8 bits are bytes; conversion is arithmetic on 32-bit integers.
// CHECK-LABEL: @to_f8
// CHECK-SAME: -> tensor<4xi8>
func.func @to_f8(%x: tensor<4xf32>) -> tensor<4xf8E4M3FN> {
  // CHECK: arith.constant 4.480000e+02
  // CHECK-NOT: arith.truncf
  // CHECK: arith.bitcast {{.*}} : f32 to i32
  // CHECK: arith.trunci {{.*}} : i32 to i8
  %y = nn.cast %x {to = f8E4M3FN} : (tensor<4xf32>) -> tensor<4xf8E4M3FN>
  return %y : tensor<4xf8E4M3FN>
}

// -----

// CHECK-LABEL: @from_f8
// CHECK-SAME: %[[X:.*]]: tensor<4xi8>
func.func @from_f8(%x: tensor<4xf8E5M2>) -> tensor<4xf32> {
  // CHECK: arith.extui {{.*}} : i8 to i32
  // CHECK: arith.bitcast {{.*}} : i32 to f32
  %y = nn.cast %x {to = f32} : (tensor<4xf8E5M2>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Constants are their bits.
// CHECK-LABEL: @constants
func.func @constants() -> (tensor<2xi8>, tensor<2xf8E4M3FN>) {
  // CHECK: arith.constant dense<[56, -72]> : tensor<2xi8>
  %f = arith.constant dense<[1.0, -1.0]> : tensor<2xf8E4M3FN>
  // CHECK: arith.constant dense<[15, 7]> : tensor<2xi8>
  %i = arith.constant dense<[-1, 7]> : tensor<2xi4>
  %y = nn.cast %i {to = i8} : (tensor<2xi4>) -> tensor<2xi8>
  return %y, %f : tensor<2xi8>, tensor<2xf8E4M3FN>
}

// -----

// expected-error@+2 {{'nn.add' of elements of type 'i4' is not supported}}
func.func @arithmetic(%x: tensor<4xi4>) -> tensor<4xi4> {
  %y = nn.add %x, %x : (tensor<4xi4>, tensor<4xi4>) -> tensor<4xi4>
  return %y : tensor<4xi4>
}
