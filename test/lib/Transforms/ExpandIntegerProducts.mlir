// RUN: nnc-opt %s --expand-integer-products --split-input-file | FileCheck %s

// Without zero points, ui8 by i8 and a sum over a multiple of 4: as it is.
// CHECK-LABEL: @final
func.func @final(%a: tensor<3x8xui8>, %b: tensor<8x5xi8>) -> tensor<3x5xi32> {
  // CHECK-NEXT: nn.integer_matmul %arg0, %arg1 :
  // CHECK-NEXT: return
  %y = nn.integer_matmul %a, %b : (tensor<3x8xui8>, tensor<8x5xi8>) -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}

// -----

// i8 is flipped to ui8, which is a zero point of 128; the sum is padded.
// CHECK-LABEL: @flipped
func.func @flipped(%a: tensor<3x6xi8>, %b: tensor<6x5xi8>) -> tensor<3x5xi32> {
  // CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<128> : tensor<i32>
  // CHECK: %[[A:.*]] = nn.bitwise_xor
  // CHECK: %[[PA:.*]] = nn.pad %[[A]]
  // CHECK: %[[PB:.*]] = nn.pad %arg1
  // CHECK: %[[SUM:.*]] = nn.integer_matmul %[[PA]], %[[PB]] : (tensor<3x8xui8>, tensor<8x5xi8>)
  // CHECK: %[[COLUMNS:.*]] = nn.reduce {{.*}} -> tensor<1x5xi32>
  // CHECK: %[[C:.*]] = nn.mul %[[COLUMNS]], %[[ZERO]]
  // CHECK: nn.sub %[[SUM]], %[[C]]
  %y = nn.integer_matmul %a, %b : (tensor<3x6xi8>, tensor<6x5xi8>) -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}

// -----

// A sum over an extent that is not known is computed on i32.
// CHECK-LABEL: @unknown
func.func @unknown(%a: tensor<3x?xui8>, %b: tensor<?x5xi8>, %z: tensor<ui8>) -> tensor<3x5xi32> {
  // CHECK-NOT: nn.integer_matmul
  // CHECK: nn.sub
  // CHECK: nn.matmul {{.*}} -> tensor<3x5xi32>
  %y = nn.integer_matmul %a, %b lhs_zero %z : (tensor<3x?xui8>, tensor<?x5xi8>, tensor<ui8>) -> tensor<3x5xi32>
  return %y : tensor<3x5xi32>
}

// -----

// Padding of a convolution is its zero point; channels are padded to a multiple of 4.
// CHECK-LABEL: @conv
func.func @conv(%x: tensor<1x5x5x3xui8>, %w: tensor<8x3x3x3xi8>, %z: tensor<ui8>) -> tensor<1x5x5x8xi32> {
  // CHECK: nn.pad %arg0, {{.*}} -> tensor<1x7x7x4xui8>
  // CHECK: nn.integer_conv {{.*}}pads_begin = array<i64: 0, 0>{{.*}} (tensor<1x7x7x4xui8>, tensor<8x4x3x3xi8>)
  // CHECK: nn.reduce {{.*}} -> tensor<8xi32>
  // CHECK: nn.sub
  %y = nn.integer_conv %x, %w input_zero %z {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x5x5x3xui8>, tensor<8x3x3x3xi8>, tensor<ui8>) -> tensor<1x5x5x8xi32>
  return %y : tensor<1x5x5x8xi32>
}

// -----

// Depthwise convolutions, on CPUs without fused multiply-add, and filters with zero points are computed on i32.
// CHECK-LABEL: @depthwise
func.func @depthwise(%x: tensor<1x5x5x8xui8>, %w: tensor<8x1x3x3xi8>) -> tensor<1x3x3x8xi32> {
  // CHECK-NOT: nn.integer_conv
  // CHECK: nn.conv {{.*}} -> tensor<1x3x3x8xi32>
  %y = nn.integer_conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 8 : i64} : (tensor<1x5x5x8xui8>, tensor<8x1x3x3xi8>) -> tensor<1x3x3x8xi32>
  return %y : tensor<1x3x3x8xi32>
}

// -----

// Each channel by itself in f32: bytes of either sign as they are, what was padded with their zero point around them.
// CHECK-LABEL: @depthwiseFloats
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @depthwiseFloats(%x: tensor<1x5x5x8xi8>, %w: tensor<8x1x3x3xi8>, %z: tensor<i8>) -> tensor<1x5x5x8xi32> {
    // CHECK: nn.pad %arg0, {{.*}} -> tensor<1x7x7x8xi8>
    // CHECK: nn.integer_conv {{.*}}pads_begin = array<i64: 0, 0>{{.*}} (tensor<1x7x7x8xi8>, tensor<8x1x3x3xi8>)
    // CHECK: nn.sub
    %y = nn.integer_conv %x, %w input_zero %z {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, groups = 8 : i64} : (tensor<1x5x5x8xi8>, tensor<8x1x3x3xi8>, tensor<i8>) -> tensor<1x5x5x8xi32>
    return %y : tensor<1x5x5x8xi32>
  }
}

// -----

// For tiles 17 groups of 4 become 18, two steps of 9.
// CHECK-LABEL: @tiles
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true, byteTiles = true>} {
  func.func @tiles(%a: tensor<40x66xui8>, %b: tensor<66x8xi8>) -> tensor<40x8xi32> {
    // CHECK: nn.integer_matmul %{{.*}}, %{{.*}} : (tensor<40x72xui8>, tensor<72x8xi8>)
    %y = nn.integer_matmul %a, %b : (tensor<40x66xui8>, tensor<66x8xi8>) -> tensor<40x8xi32>
    return %y : tensor<40x8xi32>
  }
}

// -----

// Two groups of 6 channels become groups of 8.
// CHECK-LABEL: @groups
func.func @groups(%x: tensor<1x?x5x12xui8>, %w: tensor<4x6x1x1xi8>) -> tensor<1x?x5x4xi32> {
  // CHECK: %[[SPLIT:.*]] = nn.reshape %arg0, {{.*}} -> tensor<1x?x5x2x6xui8>
  // CHECK: %[[PADDED:.*]] = nn.pad %[[SPLIT]], {{.*}} -> tensor<1x?x5x2x8xui8>
  // CHECK: %[[IMAGE:.*]] = nn.reshape %[[PADDED]], {{.*}} -> tensor<1x?x5x16xui8>
  // CHECK: nn.integer_conv %[[IMAGE]], {{.*}} (tensor<1x?x5x16xui8>, tensor<4x8x1x1xi8>)
  %y = nn.integer_conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 2 : i64} : (tensor<1x?x5x12xui8>, tensor<4x6x1x1xi8>) -> tensor<1x?x5x4xi32>
  return %y : tensor<1x?x5x4xi32>
}
