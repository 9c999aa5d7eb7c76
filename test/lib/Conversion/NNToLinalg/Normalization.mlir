// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @softmax
func.func @softmax(%x: tensor<?x3x7x16xf32>) -> tensor<?x3x7x16xf32> {
  // CHECK: tensor.collapse_shape %arg0 {{\[}}[0, 1], [2], [3]] : {{.*}} into tensor<?x7x16xf32>
  // CHECK: kernel.softmax{{.*}} log
  // CHECK: tensor.expand_shape
  %0 = nn.log_softmax %x {axis = 2 : i64} : (tensor<?x3x7x16xf32>) -> tensor<?x3x7x16xf32>
  return %0 : tensor<?x3x7x16xf32>
}

// -----

// CHECK: #[[ROW:.*]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-LABEL: @layer_norm
func.func @layer_norm(%x: tensor<?x7x16xf32>, %s: tensor<16xf32>, %b: tensor<16xf32>) -> tensor<?x7x16xf32> {
  // CHECK: kernel.normalize(%{{.*}}, %arg1, %arg2, %{{.*}}) attributes {center = true, epilogue_maps = [#[[ROW]], #[[ROW]]]
  // CHECK: arith.mulf
  // CHECK: arith.addf
  // CHECK: (tensor<?x16x1xf32>
  %0 = nn.layer_norm %x scale(%s : tensor<16xf32>) bias(%b : tensor<16xf32>) {axis = 2 : i64, epsilon = 1.0e-5} : tensor<?x7x16xf32> -> tensor<?x7x16xf32>
  return %0 : tensor<?x7x16xf32>
}

// -----

// A scale that broadcasts is applied afterwards.
// CHECK-LABEL: @broadcast_scale
func.func @broadcast_scale(%x: tensor<2x7x16xf32>, %s: tensor<16xf32>) -> tensor<2x7x16xf32> {
  // CHECK: kernel.normalize{{.*}}center = false, epilogue_maps = []
  // CHECK: linalg.generic
  // CHECK: arith.mulf
  %0 = nn.rms_norm %x, %s {axis = 1 : i64, epsilon = 1.0e-5} : (tensor<2x7x16xf32>, tensor<16xf32>) -> tensor<2x7x16xf32>
  return %0 : tensor<2x7x16xf32>
}

// -----

// CHECK: #[[CHANNEL:.*]] = affine_map<(d0, d1, d2) -> (d2)>
// CHECK-LABEL: @instance_norm
func.func @instance_norm(%x: tensor<1x3x5x16xf32>, %s: tensor<16xf32>, %b: tensor<16xf32>) -> tensor<1x3x5x16xf32> {
  // CHECK: kernel.normalize{{.*}} epilogue_maps = [#[[CHANNEL]], #[[CHANNEL]]]
  // CHECK: (tensor<1x15x16xf32>
  %0 = nn.instance_norm %x, %s, %b {layout = #nn<layout channels_last>, epsilon = 1.0e-5} : (tensor<1x3x5x16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x3x5x16xf32>
  return %0 : tensor<1x3x5x16xf32>
}

// -----

// CHECK-LABEL: @batch_norm_and_lrn
func.func @batch_norm_and_lrn(%x: tensor<1x16x3x5xf32>, %s: tensor<16xf32>) -> (tensor<1x16x3x5xf32>, tensor<1x16x3x5xf32>) {
  // CHECK: math.sqrt
  // CHECK: tensor.expand_shape {{.*}} into tensor<16x1x1xf32>
  %0 = nn.batch_norm %x, %s, %s, %s, %s {layout = #nn<layout channels_first>, epsilon = 1.0e-5} : (tensor<1x16x3x5xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>, tensor<16xf32>) -> tensor<1x16x3x5xf32>
  // CHECK: kernel.lrn
  // CHECK: (tensor<15x16xf32>, tensor<15x16xf32>)
  %1 = nn.lrn %x {layout = #nn<layout channels_first>, size = 5 : i64, alpha = 1.0e-4, beta = 0.75, bias = 1.0} : (tensor<1x16x3x5xf32>) -> tensor<1x16x3x5xf32>
  return %0, %1 : tensor<1x16x3x5xf32>, tensor<1x16x3x5xf32>
}

// -----

// Channels first each channel is a row; the scale is repeated for each image.
// CHECK-LABEL: @instance_norm_of_planes
// CHECK: %[[ROWS:.*]] = tensor.collapse_shape %arg0 {{.*}} into tensor<6x20
// CHECK: kernel.normalize
// CHECK: tensor<6x20x1xf32>, tensor<6xf32>, tensor<6xf32>, tensor<6x20x1xf32>
func.func @instance_norm_of_planes(%x: tensor<2x3x4x5xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<2x3x4x5xf32> {
  %0 = nn.instance_norm %x, %s, %b {layout = #nn<layout channels_first>, epsilon = 1.0e-05 : f64} : (tensor<2x3x4x5xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4x5xf32>
  return %0 : tensor<2x3x4x5xf32>
}
