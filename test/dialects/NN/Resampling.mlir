// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @by_scales
func.func @by_scales(%x: tensor<1x5x?x8xf32>) -> tensor<1x7x?x8xf32> {
  %scales = arith.constant dense<[1.5, 2.0]> : tensor<2xf32>
  // CHECK: nn.resize {{.*}} -> tensor<1x7x?x8xf32>
  %0 = nn.resize %x scales %scales {axes = array<i64: 1, 2>, mode = #nn<resize_mode linear>} : (tensor<1x5x?x8xf32>, tensor<2xf32>) -> tensor<1x7x?x8xf32>
  return %0 : tensor<1x7x?x8xf32>
}

// -----

// The extents are those of another tensor.
// CHECK-LABEL: @to_sizes
func.func @to_sizes(%x: tensor<1x5x6x8xf32>, %like: tensor<1x9x?x8xf32>) -> tensor<1x9x?x8xf32> {
  %sizes = nn.shape %like {start = 1 : i64, end = 3 : i64} : (tensor<1x9x?x8xf32>) -> tensor<2xi64>
  // CHECK: nn.resize {{.*}} -> tensor<1x9x?x8xf32>
  %0 = nn.resize %x sizes %sizes {axes = array<i64: 1, 2>, mode = #nn<resize_mode nearest>} : (tensor<1x5x6x8xf32>, tensor<2xi64>) -> tensor<1x9x?x8xf32>
  return %0 : tensor<1x9x?x8xf32>
}

// -----

func.func @neither(%x: tensor<4xf32>) -> tensor<8xf32> {
  // expected-error @+2 {{resizes neither to sizes nor by scales}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize %x {axes = array<i64: 0>, mode = #nn<resize_mode nearest>} : (tensor<4xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @of_nothing(%x: tensor<0xf32>) -> tensor<8xf32> {
  %sizes = arith.constant dense<8> : tensor<1xi64>
  // expected-error @+2 {{axis 0 of 'tensor<0xf32>' cannot have 8 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize %x sizes %sizes {axes = array<i64: 0>, mode = #nn<resize_mode nearest>} : (tensor<0xf32>, tensor<1xi64>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @far_too_large(%x: tensor<4xf32>) -> tensor<?xf32> {
  %scales = arith.constant dense<1.0e30> : tensor<1xf32>
  // expected-error @+2 {{of axis 0 is out of range}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.resize %x scales %scales {axes = array<i64: 0>, mode = #nn<resize_mode nearest>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @negative_scale(%x: tensor<?xf32>) -> tensor<?xf32> {
  %scales = arith.constant dense<-1.0> : tensor<1xf32>
  // expected-error @+1 {{has a scale that is not positive}}
  %0 = nn.resize %x scales %scales {axes = array<i64: 0>, mode = #nn<resize_mode nearest>} : (tensor<?xf32>, tensor<1xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

func.func @region_without_crop(%x: tensor<4xf32>, %region: tensor<2xf32>) -> tensor<8xf32> {
  %sizes = arith.constant dense<8> : tensor<1xi64>
  // expected-error @+1 {{needs a region for tf_crop_and_resize, and only for that}}
  %0 = nn.resize %x sizes %sizes region %region {axes = array<i64: 0>, mode = #nn<resize_mode nearest>} : (tensor<4xf32>, tensor<1xi64>, tensor<2xf32>) -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// -----

func.func @interpolates_integers(%x: tensor<4xi32>) -> tensor<8xi32> {
  %sizes = arith.constant dense<8> : tensor<1xi64>
  // expected-error @+1 {{interpolates only floats}}
  %0 = nn.resize %x sizes %sizes {axes = array<i64: 0>, mode = #nn<resize_mode cubic>} : (tensor<4xi32>, tensor<1xi64>) -> tensor<8xi32>
  return %0 : tensor<8xi32>
}
