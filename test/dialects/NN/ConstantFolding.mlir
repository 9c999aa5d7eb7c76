// RUN: nnc-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @integers
func.func @integers() -> (tensor<2x2xi64>, tensor<2xi64>, tensor<2xui8>, tensor<2xi1>) {
  %x = arith.constant dense<[[7], [-7]]> : tensor<2x1xi64>
  %y = arith.constant dense<[2, -2]> : tensor<2xi64>
  // CHECK-DAG: arith.constant dense<{{\[\[}}1, -1], [1, -1]]> : tensor<2x2xi64>
  %0 = nn.mod %x, %y : (tensor<2x1xi64>, tensor<2xi64>) -> tensor<2x2xi64>
  // CHECK-DAG: arith.constant dense<[14, -14]> : tensor<2xi64>
  %seven = arith.constant dense<7> : tensor<i64>
  %1 = nn.mul %seven, %y : (tensor<i64>, tensor<2xi64>) -> tensor<2xi64>
  // CHECK-DAG: arith.constant dense<[2, 254]> : tensor<2xui8>
  %2 = nn.cast %y {to = ui8} : (tensor<2xi64>) -> tensor<2xui8>
  // CHECK-DAG: arith.constant dense<[true, false]> : tensor<2xi1>
  %100 = arith.constant dense<100> : tensor<ui8>
  %3 = nn.compare %2, %100 {predicate = #nn<compare less>} : (tensor<2xui8>, tensor<ui8>) -> tensor<2xi1>
  return %0, %1, %2, %3 : tensor<2x2xi64>, tensor<2xi64>, tensor<2xui8>, tensor<2xi1>
}

// CHECK-LABEL: @floats
func.func @floats() -> (tensor<3xf32>, tensor<3xi64>) {
  %x = arith.constant dense<[2.5, -2.5, 4.0]> : tensor<3xf32>
  // CHECK-DAG: arith.constant dense<[2.000000e+00, -3.000000e+00, 4.000000e+00]> : tensor<3xf32>
  %0 = nn.floor %x : (tensor<3xf32>) -> tensor<3xf32>
  // CHECK-DAG: arith.constant dense<[2, -2, 4]> : tensor<3xi64>
  %1 = nn.cast %x {to = i64} : (tensor<3xf32>) -> tensor<3xi64>
  return %0, %1 : tensor<3xf32>, tensor<3xi64>
}

// CHECK-LABEL: @movement
func.func @movement() -> (tensor<3x2xi64>, tensor<2x2xi64>, tensor<1x6xi64>, tensor<2x4xi64>, tensor<2x3xf32>, tensor<3xi64>) {
  %x = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  // CHECK-DAG: dense<{{\[\[}}1, 4], [2, 5], [3, 6]]>
  %0 = nn.transpose %x {permutation = array<i64: 1, 0>} : (tensor<2x3xi64>) -> tensor<3x2xi64>
  %starts = arith.constant dense<-1> : tensor<1xi64>
  %ends = arith.constant dense<-10> : tensor<1xi64>
  %steps = arith.constant dense<-2> : tensor<1xi64>
  // CHECK-DAG: dense<{{\[\[}}3, 1], [6, 4]]>
  %1 = nn.slice %x, %starts, %ends, %steps {axes = array<i64: 1>} : (tensor<2x3xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x2xi64>
  %to = arith.constant dense<[1, -1]> : tensor<2xi64>
  // CHECK-DAG: dense<{{\[\[}}1, 2, 3, 4, 5, 6]]> : tensor<1x6xi64>
  %2 = nn.reshape %x, %to : (tensor<2x3xi64>, tensor<2xi64>) -> tensor<1x6xi64>
  %indices = arith.constant dense<[-1, 0]> : tensor<2xi64>
  %columns = nn.gather %x, %indices {axis = 1 : i64} : (tensor<2x3xi64>, tensor<2xi64>) -> tensor<2x2xi64>
  // CHECK-DAG: dense<{{\[\[}}3, 1, 3, 1], [6, 4, 6, 4]]>
  %3 = nn.concat %columns, %columns {axis = 1 : i64} : (tensor<2x2xi64>, tensor<2x2xi64>) -> tensor<2x4xi64>
  %shape = nn.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<2x3xi64>) -> tensor<2xi64>
  %half = arith.constant dense<0.5> : tensor<1xf32>
  // CHECK-DAG: dense<5.000000e-01> : tensor<2x3xf32>
  %4 = nn.fill %shape, %half : (tensor<2xi64>, tensor<1xf32>) -> tensor<2x3xf32>
  %a = arith.constant dense<5> : tensor<i64>
  %b = arith.constant dense<0> : tensor<i64>
  %c = arith.constant dense<-2> : tensor<i64>
  // CHECK-DAG: dense<[5, 3, 1]>
  %5 = nn.range %a, %b, %c : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64>
  return %0, %1, %2, %3, %4, %5 : tensor<3x2xi64>, tensor<2x2xi64>, tensor<1x6xi64>, tensor<2x4xi64>, tensor<2x3xf32>, tensor<3xi64>
}

// The known extent of a partly known shape.
// CHECK-LABEL: @known_extent
// CHECK-NEXT: arith.constant dense<16> : tensor<1xi64>
func.func @known_extent(%x: tensor<?x8xf32>) -> tensor<1xi64> {
  %one = arith.constant dense<1> : tensor<1xi64>
  %two = arith.constant dense<2> : tensor<1xi64>
  %shape = nn.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x8xf32>) -> tensor<2xi64>
  %extent = nn.gather %shape, %one {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = nn.mul %extent, %two : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  return %0 : tensor<1xi64>
}

// CHECK-LABEL: @undone
// CHECK-NEXT: return %arg0
func.func @undone(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 2, 0, 1>} : (tensor<2x3x4xf32>) -> tensor<4x2x3xf32>
  %1 = nn.transpose %0 {permutation = array<i64: 1, 2, 0>} : (tensor<4x2x3xf32>) -> tensor<2x3x4xf32>
  %2 = nn.unsqueeze %1 {axes = array<i64: 1>} : (tensor<2x3x4xf32>) -> tensor<2x1x3x4xf32>
  %3 = nn.squeeze %2 {axes = array<i64: 1>} : (tensor<2x1x3x4xf32>) -> tensor<2x3x4xf32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %4 = nn.mul %3, %one : (tensor<2x3x4xf32>, tensor<f32>) -> tensor<2x3x4xf32>
  return %4 : tensor<2x3x4xf32>
}
