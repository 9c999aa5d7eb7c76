// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// Round half to even, then the zero point, then the limits; NaN becomes the least.
// CHECK-LABEL: @quantize
func.func @quantize(%x: tensor<4xf32>, %scale: tensor<f32>, %zero: tensor<ui8>) -> tensor<4xui8> {
  // CHECK: linalg.generic
  // CHECK: %[[Q:.*]] = arith.divf
  // CHECK: %[[R:.*]] = math.roundeven %[[Q]]
  // CHECK: %[[S:.*]] = arith.addf %[[R]]
  // CHECK: %[[C:.*]] = arith.cmpf ogt, %[[S]]
  // CHECK: arith.select %[[C]], %[[S]]
  // CHECK: arith.cmpf olt
  // CHECK: arith.fptosi
  // CHECK: arith.trunci {{.*}} : i32 to i8
  %q = nn.quantize %x, %scale, %zero {to = ui8} : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  return %q : tensor<4xui8>
}

// -----

// A scale of 1 is no division.
// CHECK-LABEL: @no_division
// CHECK-NOT: arith.divf
// CHECK: math.floor
func.func @no_division(%x: tensor<4xf32>) -> tensor<4xi8> {
  %one = arith.constant dense<1.0> : tensor<f32>
  %q = nn.quantize %x, %one {to = i8, rounding = #nn<integer_rounding half_away_from_zero>} : (tensor<4xf32>, tensor<f32>) -> tensor<4xi8>
  return %q : tensor<4xi8>
}

// -----

// The difference is exact.
// CHECK-LABEL: @dequantize
func.func @dequantize(%x: tensor<4xi8>, %scale: tensor<f32>, %zero: tensor<i8>) -> tensor<4xf32> {
  // CHECK: %[[A:.*]] = arith.extsi
  // CHECK: %[[Z:.*]] = arith.extsi
  // CHECK: %[[D:.*]] = arith.subi %[[A]], %[[Z]]
  // CHECK: %[[F:.*]] = arith.sitofp %[[D]]
  // CHECK: arith.mulf %[[F]]
  %y = nn.dequantize %x, %scale, %zero {to = f32} : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}
