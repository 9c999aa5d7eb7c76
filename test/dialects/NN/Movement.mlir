// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// An extent copied from the input and an unknown batch do not hide the remaining one.
// CHECK-LABEL: @reshape_of_known_shape
func.func @reshape_of_known_shape(%x: tensor<?x4x8xf32>) -> tensor<?x32xf32> {
  %zero = arith.constant dense<0> : tensor<1xi64>
  %rest = arith.constant dense<-1> : tensor<1xi64>
  %shape = nn.shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x4x8xf32>) -> tensor<3xi64>
  %batch = nn.gather %shape, %zero {axis = 0 : i64} : (tensor<3xi64>, tensor<1xi64>) -> tensor<1xi64>
  %to = nn.concat %batch, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  // CHECK: nn.reshape {{.*}} -> tensor<?x32xf32>
  %0 = nn.reshape %x, %to : (tensor<?x4x8xf32>, tensor<2xi64>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// -----

func.func @reshape_of_known_shape_is_checked(%x: tensor<?x4x8xf32>) -> tensor<?x16xf32> {
  %to = arith.constant dense<[0, -1]> : tensor<2xi64>
  // expected-error @+2 {{incompatible with return type(s) of operation}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = "nn.reshape"(%x, %to) : (tensor<?x4x8xf32>, tensor<2xi64>) -> tensor<?x16xf32>
  return %0 : tensor<?x16xf32>
}

// -----

// CHECK-LABEL: @slice
func.func @slice(%x: tensor<5x?x7xf32>) -> tensor<3x?x2xf32> {
  %starts = arith.constant dense<[-1, 1]> : tensor<2xi64>
  %ends = arith.constant dense<[-9223372036854775808, 100]> : tensor<2xi64>
  %steps = arith.constant dense<[-2, 3]> : tensor<2xi64>
  %0 = nn.slice %x, %starts, %ends, %steps {axes = array<i64: 0, 2>} : (tensor<5x?x7xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<3x?x2xf32>
  return %0 : tensor<3x?x2xf32>
}

// -----

func.func @concat_of_different_extents(%x: tensor<2x3xf32>, %y: tensor<2x4xf32>) -> tensor<4x3xf32> {
  // expected-error @+2 {{cannot concatenate 'tensor<2x3xf32>' and 'tensor<2x4xf32>' along axis 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.concat %x, %y {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return %0 : tensor<4x3xf32>
}

// -----

func.func @reflects_too_much(%x: tensor<3xf32>) -> tensor<6xf32> {
  %pads = arith.constant dense<[3, 0]> : tensor<2xi64>
  // expected-error @+2 {{axis 0 of 'tensor<3xf32>' has too few elements to reflect 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = nn.pad %x, %pads {axes = array<i64: 0>, mode = #nn<pad_mode reflect>} : (tensor<3xf32>, tensor<2xi64>) -> tensor<6xf32>
  return %0 : tensor<6xf32>
}

// -----

// What 0 copies drops out of what -1 stands for, also where it is 0.
// CHECK-LABEL: @reshape_of_nothing
func.func @reshape_of_nothing(%x: tensor<0x3xf32>) -> tensor<0x3xf32> {
  %to = arith.constant dense<[0, -1]> : tensor<2xi64>
  // CHECK: nn.reshape {{.*}} -> tensor<0x3xf32>
  %0 = nn.reshape %x, %to : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<0x3xf32>
  return %0 : tensor<0x3xf32>
}

// -----

func.func @reshape_that_is_not_determined(%x: tensor<0x3xf32>) -> tensor<0x3xf32> {
  %to = arith.constant dense<[0, -1]> : tensor<2xi64>
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{extent -1 of the reshaped tensor is not determined: another one is 0}}
  %0 = "nn.reshape"(%x, %to) {allow_zero} : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<0x3xf32>
  return %0 : tensor<0x3xf32>
}

// -----

// Pads that were reordered in a matrix: what is added to the other axes is known.
// CHECK-LABEL: @pads_of_matrix
func.func @pads_of_matrix(%x: tensor<?x3x?xf32>, %n: tensor<1xi64>) -> tensor<?x3x?xf32> {
  %zero = arith.constant dense<0> : tensor<1xi64>
  %zeros = arith.constant dense<0> : tensor<4xi64>
  %rows = arith.constant dense<[3, 2]> : tensor<2xi64>
  %all = arith.constant dense<-1> : tensor<1xi64>
  %least = arith.constant dense<-100> : tensor<1xi64>
  %0 = nn.concat %zero, %n, %zeros {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>, tensor<4xi64>) -> tensor<6xi64>
  %1 = nn.reshape %0, %rows : (tensor<6xi64>, tensor<2xi64>) -> tensor<3x2xi64>
  %2 = nn.slice %1, %all, %least, %all {axes = array<i64: 0>} : (tensor<3x2xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3x2xi64>
  %3 = nn.transpose %2 {permutation = array<i64: 1, 0>} : (tensor<3x2xi64>) -> tensor<2x3xi64>
  %4 = nn.reshape %3, %all : (tensor<2x3xi64>, tensor<1xi64>) -> tensor<6xi64>
  // CHECK: nn.pad {{.*}} -> tensor<?x3x?xf32>
  %5 = nn.pad %x, %4 {axes = array<i64: 0, 1, 2>} : (tensor<?x3x?xf32>, tensor<6xi64>) -> tensor<?x3x?xf32>
  return %5 : tensor<?x3x?xf32>
}
