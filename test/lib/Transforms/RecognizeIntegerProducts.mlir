// RUN: nnc-opt %s --recognize-integer-products --split-input-file | FileCheck %s

// The quantisation behind the product shares the factor.
// CHECK-LABEL: @matmul
func.func @matmul(%a: tensor<3x8xui8>, %b: tensor<8x5xi8>, %sa: tensor<f32>, %za: tensor<ui8>, %sb: tensor<5xf32>,
                  %sy: tensor<f32>, %zy: tensor<ui8>) -> tensor<3x5xui8> {
  // CHECK-NOT: nn.dequantize
  // CHECK-NOT: nn.matmul
  // CHECK: %[[SUM:.*]] = nn.integer_matmul %arg0, %arg1 lhs_zero %arg3
  // CHECK: %[[FACTOR:.*]] = nn.mul %arg2, %arg4
  // CHECK: nn.div %[[FACTOR]], %arg5
  // CHECK: nn.quantize
  %da = nn.dequantize %a, %sa, %za {to = f32} : (tensor<3x8xui8>, tensor<f32>, tensor<ui8>) -> tensor<3x8xf32>
  %db = nn.dequantize %b, %sb {to = f32} : (tensor<8x5xi8>, tensor<5xf32>) -> tensor<8x5xf32>
  %y = nn.matmul %da, %db : (tensor<3x8xf32>, tensor<8x5xf32>) -> tensor<3x5xf32>
  %q = nn.quantize %y, %sy, %zy {to = ui8} : (tensor<3x5xf32>, tensor<f32>, tensor<ui8>) -> tensor<3x5xui8>
  return %q : tensor<3x5xui8>
}

// -----

// Without a quantisation the sum is scaled. Scales of a transposed operand are transposed, too.
// CHECK-LABEL: @transposed
func.func @transposed(%a: tensor<3x8xui8>, %b: tensor<5x8xi8>, %sa: tensor<f32>, %sb: tensor<5x1xf32>) -> tensor<3x5xf32> {
  // CHECK: nn.transpose %arg1
  // CHECK: nn.transpose %arg3
  // CHECK: nn.integer_matmul
  // CHECK: nn.cast
  // CHECK: nn.mul
  %da = nn.dequantize %a, %sa {to = f32} : (tensor<3x8xui8>, tensor<f32>) -> tensor<3x8xf32>
  %db = nn.dequantize %b, %sb {to = f32} : (tensor<5x8xi8>, tensor<5x1xf32>) -> tensor<5x8xf32>
  %y = nn.matmul %da, %db {transpose_rhs} : (tensor<3x8xf32>, tensor<5x8xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// -----

// A scale that varies along the sum stays inside it.
// CHECK-LABEL: @along_the_sum
func.func @along_the_sum(%a: tensor<3x8xui8>, %b: tensor<8x5xi8>, %sa: tensor<f32>, %sb: tensor<8x1xf32>) -> tensor<3x5xf32> {
  // CHECK: nn.matmul
  %da = nn.dequantize %a, %sa {to = f32} : (tensor<3x8xui8>, tensor<f32>) -> tensor<3x8xf32>
  %db = nn.dequantize %b, %sb {to = f32} : (tensor<8x5xi8>, tensor<8x1xf32>) -> tensor<8x5xf32>
  %y = nn.matmul %da, %db : (tensor<3x8xf32>, tensor<8x5xf32>) -> tensor<3x5xf32>
  return %y : tensor<3x5xf32>
}

// -----

// A bias of i32 in units of the factor is added to the sum; another one to the scaled sum.
// CHECK-LABEL: @conv
func.func @conv(%x: tensor<1x4x5x5xui8>, %w: tensor<8x4x3x3xi8>, %b: tensor<8xi32>, %other: tensor<8xf32>) -> (tensor<1x8x3x3xf32>, tensor<1x8x3x3xf32>) {
  %half = arith.constant dense<0.5> : tensor<f32>
  %quarter = arith.constant dense<0.25> : tensor<f32>
  // CHECK: %[[SUM:.*]] = nn.integer_conv
  // CHECK: %[[BIAS:.*]] = nn.unsqueeze %arg2
  // CHECK: nn.add %[[SUM]], %[[BIAS]] : (tensor<1x8x3x3xi32>
  %dx = nn.dequantize %x, %half {to = f32} : (tensor<1x4x5x5xui8>, tensor<f32>) -> tensor<1x4x5x5xf32>
  %dw = nn.dequantize %w, %half {to = f32} : (tensor<8x4x3x3xi8>, tensor<f32>) -> tensor<8x4x3x3xf32>
  %db = nn.dequantize %b, %quarter {to = f32} : (tensor<8xi32>, tensor<f32>) -> tensor<8xf32>
  %y = nn.conv %dx, %dw, %db {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<8x4x3x3xf32>, tensor<8xf32>) -> tensor<1x8x3x3xf32>
  // CHECK: nn.integer_conv
  // CHECK: nn.add {{.*}} : (tensor<1x8x3x3xf32>
  %z = nn.conv %dx, %dw, %other {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x4x5x5xf32>, tensor<8x4x3x3xf32>, tensor<8xf32>) -> tensor<1x8x3x3xf32>
  return %y, %z : tensor<1x8x3x3xf32>, tensor<1x8x3x3xf32>
}
