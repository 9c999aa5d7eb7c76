// RUN: nnc-opt %s --fold-batch-norm --split-input-file | FileCheck %s

// With s = scale / sqrt(variance + epsilon), here 1, 1 and 6: the filter times s, and (bias - mean) * s + shift.
// CHECK-LABEL: func.func @conv
// CHECK-SAME: %[[X:.*]]: tensor<1x1x5x5xf32>
// CHECK-DAG: %[[FILTER:.*]] = arith.constant dense<{{\[\[\[\[}}1.000000e+00]]], {{\[\[\[}}1.000000e+00]]], {{\[\[\[}}6.000000e+00]]]]>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<[-1.000000e+00, -1.000000e+00, -3.600000e+01]>
// CHECK: %[[Y:.*]] = nn.conv %[[X]], %[[FILTER]], %[[BIAS]]
// CHECK-NOT: nn.batch_norm
// CHECK: return %[[Y]]
func.func @conv(%x: tensor<1x1x5x5xf32>) -> tensor<1x3x5x5xf32> {
  %w = arith.constant dense<1.0> : tensor<3x1x1x1xf32>
  %b = arith.constant dense<2.0> : tensor<3xf32>
  %scale = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %shift = arith.constant dense<[4.0, 5.0, 6.0]> : tensor<3xf32>
  %mean = arith.constant dense<[7.0, 8.0, 9.0]> : tensor<3xf32>
  %variance = arith.constant dense<[0.5, 3.5, -0.25]> : tensor<3xf32>
  %c = nn.conv %x, %w, %b {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x1x5x5xf32>, tensor<3x1x1x1xf32>, tensor<3xf32>) -> tensor<1x3x5x5xf32>
  %y = nn.batch_norm %c, %scale, %shift, %mean, %variance {layout = #nn<layout channels_first>, epsilon = 0.5 : f64} : (tensor<1x3x5x5xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x5x5xf32>
  return %y : tensor<1x3x5x5xf32>
}

// -----

// The filter of a transposed convolution has its output channels on axis 1; without a bias, -mean takes its place.
// CHECK-LABEL: func.func @conv_transpose
// CHECK-DAG: %[[FILTER:.*]] = arith.constant dense<{{\[\[\[}}1.000000e+00], [2.000000e+00]], {{\[\[}}1.000000e+00], [2.000000e+00]]]>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense<[-7.000000e+00, -1.600000e+01]>
// CHECK: nn.conv_transpose %{{.*}}, %[[FILTER]], %[[BIAS]] {
// CHECK-NOT: nn.batch_norm
func.func @conv_transpose(%x: tensor<1x2x5xf32>) -> tensor<1x2x5xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2x1xf32>
  %scale = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %shift = arith.constant dense<0.0> : tensor<2xf32>
  %mean = arith.constant dense<[7.0, 8.0]> : tensor<2xf32>
  %variance = arith.constant dense<1.0> : tensor<2xf32>
  %c = nn.conv_transpose %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 1 : i64, output_padding = array<i64: 0>} : (tensor<1x2x5xf32>, tensor<2x2x1xf32>) -> tensor<1x2x5xf32>
  %y = nn.batch_norm %c, %scale, %shift, %mean, %variance {layout = #nn<layout channels_first>, epsilon = 0.0 : f64} : (tensor<1x2x5xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<1x2x5xf32>
  return %y : tensor<1x2x5xf32>
}

// -----

// A convolution with a second user stays, and so does a batch norm whose parameters come at run time.
// CHECK-LABEL: func.func @stays
// CHECK-COUNT-2: nn.batch_norm
func.func @stays(%x: tensor<1x1x4xf32>, %p: tensor<1xf32>) -> (tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<1x1x1xf32>
  %one = arith.constant dense<1.0> : tensor<1xf32>
  %shared = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %y = nn.batch_norm %shared, %one, %one, %one, %one {layout = #nn<layout channels_first>, epsilon = 1.0e-3 : f64} : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  %own = nn.conv %y, %w {layout = #nn<layout channels_first>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 1 : i64} : (tensor<1x1x4xf32>, tensor<1x1x1xf32>) -> tensor<1x1x4xf32>
  %z = nn.batch_norm %own, %p, %one, %one, %one {layout = #nn<layout channels_first>, epsilon = 1.0e-3 : f64} : (tensor<1x1x4xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x1x4xf32>
  return %shared, %y, %z : tensor<1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>
}
