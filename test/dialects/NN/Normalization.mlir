// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @valid
func.func @valid(%x: tensor<2x3x?xf32>, %c: tensor<3xf32>, %row: tensor<?xf32>) {
  // CHECK: nn.softmax
  %0 = nn.softmax %x {axis = 1 : i64} : (tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  // CHECK: nn.batch_norm
  %1 = nn.batch_norm %x, %c, %c, %c, %c {layout = #nn<layout channels_first>, epsilon = 1.0e-5 : f64} : (tensor<2x3x?xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x?xf32>
  // CHECK: nn.layer_norm {{.*}} scale(
  %2 = nn.layer_norm %x scale(%row : tensor<?xf32>) {axis = 2 : i64, epsilon = 1.0e-5 : f64} : tensor<2x3x?xf32> -> tensor<2x3x?xf32>
  // CHECK: nn.lrn
  %3 = nn.lrn %x {layout = #nn<layout channels_first>, size = 5 : i64, alpha = 1.0e-4 : f64, beta = 0.75 : f64, bias = 1.0 : f64} : (tensor<2x3x?xf32>) -> tensor<2x3x?xf32>
  return
}

// -----

func.func @axis(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{axis 2 is out of range for 2 dimensions}}
  %0 = nn.softmax %x {axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @channels(%x: tensor<2x3x4xf32>, %c: tensor<4xf32>) {
  // expected-error @+1 {{parameter 'tensor<4xf32>' does not have one element per channel (3)}}
  %0 = nn.instance_norm %x, %c, %c {layout = #nn<layout channels_first>, epsilon = 1.0e-5 : f64} : (tensor<2x3x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scale_grows(%x: tensor<3x1xf32>, %scale: tensor<3x4xf32>) {
  // expected-error @+1 {{parameter 'tensor<3x4xf32>' does not broadcast to 'tensor<3x1xf32>'}}
  %0 = nn.layer_norm %x scale(%scale : tensor<3x4xf32>) {axis = 1 : i64, epsilon = 1.0e-5 : f64} : tensor<3x1xf32> -> tensor<3x1xf32>
  return
}

// -----

func.func @lrn_size(%x: tensor<2x3x4xf32>) {
  // expected-error @+1 {{size must be positive}}
  %0 = nn.lrn %x {layout = #nn<layout channels_first>, size = 0 : i64, alpha = 1.0e-4 : f64, beta = 0.75 : f64, bias = 1.0 : f64} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return
}
