// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// Unsigned integers are compared with their sign bit flipped.
// CHECK-LABEL: @unsigned
func.func @unsigned(%x: tensor<1x9x9x8xui8>) -> tensor<1x5x5x8xui8> {
  // CHECK: arith.xori
  // CHECK: kernel.pool{{.*}} kind = #kernel<pool max>
  // CHECK: (tensor<1x9x9x8xi8>, tensor<1x5x5x8xi8>)
  // CHECK: arith.xori
  %0 = nn.max_pool %x {layout = #nn<layout channels_last>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, ceil} : (tensor<1x9x9x8xui8>) -> tensor<1x5x5x8xui8>
  return %0 : tensor<1x5x5x8xui8>
}

// -----

// With `ceil` a last partial window counts if it starts inside.
// CHECK-LABEL: @dynamic_ceil
func.func @dynamic_ceil(%x: tensor<1x?x8xf32>) -> tensor<1x?x8xf32> {
  // CHECK: %[[EXTENT:.*]] = tensor.dim %arg0
  // CHECK: arith.remsi
  // CHECK: arith.select
  // CHECK: kernel.pool{{.*}} kind = #kernel<pool average_include_pad>
  %0 = nn.avg_pool %x {layout = #nn<layout channels_last>, window = array<i64: 3>, strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, ceil, count_include_pad} : (tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
  return %0 : tensor<1x?x8xf32>
}
