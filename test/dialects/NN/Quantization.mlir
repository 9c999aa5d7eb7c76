// RUN: nnc-opt %s --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @per_channel
func.func @per_channel(%x: tensor<?x3x4xf32>, %scale: tensor<3x1xf32>, %zero: tensor<3x1xui8>) -> tensor<?x3x4xf32> {
  // CHECK: nn.quantize %arg0, %arg1, %arg2 {to = ui8}
  %q = nn.quantize %x, %scale, %zero {to = ui8} : (tensor<?x3x4xf32>, tensor<3x1xf32>, tensor<3x1xui8>) -> tensor<?x3x4xui8>
  // CHECK: nn.dequantize
  %y = nn.dequantize %q, %scale, %zero {to = f32} : (tensor<?x3x4xui8>, tensor<3x1xf32>, tensor<3x1xui8>) -> tensor<?x3x4xf32>
  return %y : tensor<?x3x4xf32>
}

// -----

func.func @does_not_fit(%x: tensor<2x4xf32>, %scale: tensor<3x1xf32>) -> tensor<2x4xi8> {
  // expected-error@+2 {{a scale or zero point of 'tensor<3x1xf32>' does not fit 'tensor<2x4xf32>'}}
  // expected-error@+1 {{'nn.quantize' op failed to infer returned types}}
  %q = nn.quantize %x, %scale {to = i8} : (tensor<2x4xf32>, tensor<3x1xf32>) -> tensor<2x4xi8>
  return %q : tensor<2x4xi8>
}

// -----

func.func @zero_point_of_another_type(%x: tensor<4xi8>, %scale: tensor<f32>, %zero: tensor<ui8>) -> tensor<4xf32> {
  // expected-error@+2 {{the zero point is not of the quantised type 'i8'}}
  // expected-error@+1 {{'nn.dequantize' op failed to infer returned types}}
  %y = nn.dequantize %x, %scale, %zero {to = f32} : (tensor<4xi8>, tensor<f32>, tensor<ui8>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

func.func @zero_point_along_the_sum(%a: tensor<3x8xui8>, %b: tensor<8x5xi8>, %z: tensor<8xui8>) -> tensor<3x5xi32> {
  // expected-error@+2 {{the zero point 'tensor<8xui8>' does not fit 'tensor<3x8xui8>'}}
  // expected-error@+1 {{'nn.integer_matmul' op failed to infer returned types}}
  %y = nn.integer_matmul %a, %b lhs_zero %z : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<8xui8>) -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}
