// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file --verify-diagnostics | FileCheck %s

// rhs is packed in pairs of 16-bit integers where the CPU has no products of bytes: with zeros behind its columns, it is a
// transposition.
// CHECK-LABEL: @matmul
func.func @matmul(%a: tensor<3x8xui8>, %b: tensor<8x5xi8>) -> tensor<3x5xi32> {
  // CHECK: tensor.insert_slice %{{.*}} into %{{.*}}[0, 0] [8, 5] [1, 1] : tensor<8x5xi8> into tensor<8x8xi8>
  // CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<4x2x1x8xi8>) outs(%{{.*}} : tensor<1x4x8x2xi16>)
  // CHECK: arith.extsi
  // CHECK: kernel.contract
  // CHECK: (tensor<3x8xi8>, tensor<1x4x16xi16>, tensor<3x5xi32>) -> tensor<3x5xi32>
  %y = nn.integer_matmul %a, %b : (tensor<3x8xui8>, tensor<8x5xi8>) -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}

// -----

// In fours where it has.
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576, vnni = true>} {
  // CHECK-LABEL: @conv
  func.func @conv(%x: tensor<1x5x5x8xui8>, %w: tensor<16x8x3x3xi8>) -> tensor<1x3x3x16xi32> {
    // CHECK: outs(%{{.*}} : tensor<1x1x3x3x2x64xi8>)
    // CHECK: kernel.conv
    %y = nn.integer_conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x5x5x8xui8>, tensor<16x8x3x3xi8>) -> tensor<1x3x3x16xi32>
    return %y : tensor<1x3x3x16xi32>
  }
}

// -----

// Each channel by itself: sums of f32, converted.
// CHECK-LABEL: @depthwise
func.func @depthwise(%x: tensor<1x5x5x8xui8>, %w: tensor<8x1x3x3xi8>) -> tensor<1x3x3x8xi32> {
  // CHECK: arith.sitofp
  // CHECK: %[[SUMS:.*]] = kernel.depthwise({{.*}}is_unsigned
  // CHECK: (tensor<1x5x5x8xi8>, tensor<3x3x8xf32>, tensor<1x3x3x8xf32>) -> tensor<1x3x3x8xf32>
  // CHECK: linalg.generic {{.*}} ins(%[[SUMS]]
  // CHECK: arith.fptosi
  %y = nn.integer_conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 8 : i64} : (tensor<1x5x5x8xui8>, tensor<8x1x3x3xi8>) -> tensor<1x3x3x8xi32>
  return %y : tensor<1x3x3x8xi32>
}

// -----

func.func @zero_points_are_taken_out_before(%a: tensor<3x8xui8>, %b: tensor<8x5xi8>, %z: tensor<ui8>) -> tensor<3x5xi32> {
  // expected-error@+1 {{the integer product has zero points or extents that no kernel takes}}
  %y = nn.integer_matmul %a, %b lhs_zero %z : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<ui8>) -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}
