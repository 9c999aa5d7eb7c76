// RUN: nnc-opt %s --sink-transposes | FileCheck %s
// RUN: nnc-opt %s --sink-transposes --mlir-disable-threading --remarks-filter=layout -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY

// CHECK-LABEL: @cancels
func.func @cancels(%x: tensor<1x4x6x8xf32>, %y: tensor<1x4x6x8xf32>) -> tensor<1x4x6x8xf32> {
  // CHECK-NOT: nn.transpose
  // CHECK: %[[R:.*]] = nn.relu %{{.*}} : (tensor<1x4x6x8xf32>)
  // CHECK: %[[A:.*]] = nn.add %[[R]], %{{.*}} : (tensor<1x4x6x8xf32>, tensor<1x4x6x8xf32>)
  // CHECK: return %[[A]]
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = nn.transpose %y {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %2 = nn.relu %0 : (tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  %3 = nn.add %2, %1 : (tensor<1x8x4x6xf32>, tensor<1x8x4x6xf32>) -> tensor<1x8x4x6xf32>
  %4 = nn.transpose %3 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x6xf32>) -> tensor<1x4x6x8xf32>
  return %4 : tensor<1x4x6x8xf32>
}

// A bias per channel is reordered, not the data.
// CHECK-LABEL: @bias
func.func @bias(%x: tensor<1x4x6x2xf32>) -> tensor<1x4x6x2xf32> {
  // CHECK: %[[A:.*]] = nn.add %{{.*}}, %{{.*}} : (tensor<1x4x6x2xf32>, tensor<1x1x1x2xf32>)
  // CHECK: return %[[A]]
  %c = arith.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x2xf32>) -> tensor<1x2x4x6xf32>
  %1 = nn.add %0, %c : (tensor<1x2x4x6xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x6xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x2x4x6xf32>) -> tensor<1x4x6x2xf32>
  return %2 : tensor<1x4x6x2xf32>
}

// CHECK-LABEL: @concat
func.func @concat(%x: tensor<1x4x6x8xf32>, %y: tensor<1x4x6x2xf32>) -> tensor<1x4x6x10xf32> {
  // CHECK: %[[C:.*]] = nn.concat %{{.*}}, %{{.*}} {axis = 3 : i64}
  // CHECK: return %[[C]]
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x8xf32>) -> tensor<1x8x4x6xf32>
  %1 = nn.transpose %y {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x4x6x2xf32>) -> tensor<1x2x4x6xf32>
  %2 = nn.concat %0, %1 {axis = 1 : i64} : (tensor<1x8x4x6xf32>, tensor<1x2x4x6xf32>) -> tensor<1x10x4x6xf32>
  %3 = nn.transpose %2 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x10x4x6xf32>) -> tensor<1x4x6x10xf32>
  return %3 : tensor<1x4x6x10xf32>
}

// A transpose that moves only axes of extent one is a reshape.
// CHECK-LABEL: @unit
func.func @unit(%x: tensor<1x1x1x8xf32>) -> tensor<1x8x1x1xf32> {
  // CHECK: nn.reshape
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x1x1x8xf32>) -> tensor<1x8x1x1xf32>
  return %0 : tensor<1x8x1x1xf32>
}

// Channels that change places between two reshapes change places where they are last; other reshapes stay as they are.
// CHECK-LABEL: @shuffle
func.func @shuffle(%x: tensor<?x5x6x8xf32>) -> (tensor<?x5x6x8xf32>, tensor<?x8x5x6xf32>) {
  // CHECK: %[[FIRST:.*]] = nn.transpose %arg0 {permutation = array<i64: 0, 3, 1, 2>}
  // CHECK: nn.reshape %[[FIRST]], %{{.*}} -> tensor<?x2x4x5x6xf32>
  // CHECK: %[[PARTS:.*]] = nn.reshape %arg0, %{{.*}} : (tensor<?x5x6x8xf32>, tensor<5xi64>) -> tensor<?x5x6x2x4xf32>
  // CHECK: %[[SHUFFLED:.*]] = nn.transpose %[[PARTS]] {permutation = array<i64: 0, 1, 2, 4, 3>}
  // CHECK: %[[JOINED:.*]] = nn.reshape %[[SHUFFLED]], %{{.*}} -> tensor<?x5x6x8xf32>
  // CHECK: nn.transpose %{{.*}} {permutation = array<i64: 0, 1, 2, 4, 3>}
  // CHECK: %[[OTHER:.*]] = nn.reshape %{{.*}} -> tensor<?x8x5x6xf32>
  // CHECK: return %[[JOINED]], %[[OTHER]]
  %split = arith.constant dense<[-1, 2, 4, 5, 6]> : tensor<5xi64>
  %join = arith.constant dense<[-1, 8, 5, 6]> : tensor<4xi64>
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<?x5x6x8xf32>) -> tensor<?x8x5x6xf32>
  %1 = nn.reshape %0, %split : (tensor<?x8x5x6xf32>, tensor<5xi64>) -> tensor<?x2x4x5x6xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 0, 2, 1, 3, 4>} : (tensor<?x2x4x5x6xf32>) -> tensor<?x4x2x5x6xf32>
  %3 = nn.reshape %2, %join : (tensor<?x4x2x5x6xf32>, tensor<4xi64>) -> tensor<?x8x5x6xf32>
  %4 = nn.transpose %3 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<?x8x5x6xf32>) -> tensor<?x5x6x8xf32>
  %5 = nn.transpose %1 {permutation = array<i64: 0, 1, 2, 4, 3>} : (tensor<?x2x4x5x6xf32>) -> tensor<?x2x4x6x5xf32>
  %6 = nn.reshape %5, %join : (tensor<?x2x4x6x5xf32>, tensor<4xi64>) -> tensor<?x8x5x6xf32>
  return %4, %6 : tensor<?x5x6x8xf32>, tensor<?x8x5x6xf32>
}

// Of transposes that are left it is said why.
// WHY: "a transpose is left before 'relu': the model's input has another order of axes than the kernels"
// WHY: "a transpose is left before 'tanh': the model asks for it"
// WHY: "a transpose is left before 'return': the model's output has another order of axes than the kernels"
func.func @left(%x: tensor<1x8x4x6xf32>) -> tensor<8x1x4x6xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x6xf32>) -> tensor<1x4x6x8xf32>
  %1 = nn.relu %0 : (tensor<1x4x6x8xf32>) -> tensor<1x4x6x8xf32>
  %2 = nn.transpose %1 {permutation = array<i64: 2, 1, 0, 3>} : (tensor<1x4x6x8xf32>) -> tensor<6x4x1x8xf32>
  %3 = nn.tanh %2 : (tensor<6x4x1x8xf32>) -> tensor<6x4x1x8xf32>
  %4 = nn.transpose %3 {permutation = array<i64: 3, 2, 1, 0>} : (tensor<6x4x1x8xf32>) -> tensor<8x1x4x6xf32>
  return %4 : tensor<8x1x4x6xf32>
}

// A product takes its right-hand side in either order.
// CHECK-LABEL: @product
// CHECK-NOT: nn.transpose
// CHECK: %[[FIRST:.*]] = nn.matmul %arg0, %arg1 {transpose_rhs}
// CHECK: nn.matmul %[[FIRST]], %arg2 :
func.func @product(%a: tensor<2x3x4xf32>, %b: tensor<2x5x4xf32>, %c: tensor<5x6xf32>) -> tensor<2x3x6xf32> {
  %0 = nn.transpose %b {permutation = array<i64: 0, 2, 1>} : (tensor<2x5x4xf32>) -> tensor<2x4x5xf32>
  %1 = nn.matmul %a, %0 : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
  %2 = nn.transpose %c {permutation = array<i64: 1, 0>} : (tensor<5x6xf32>) -> tensor<6x5xf32>
  %3 = nn.matmul %1, %2 {transpose_rhs} : (tensor<2x3x5xf32>, tensor<6x5xf32>) -> tensor<2x3x6xf32>
  return %3 : tensor<2x3x6xf32>
}
