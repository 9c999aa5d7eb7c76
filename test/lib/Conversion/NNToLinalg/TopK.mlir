// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// Few: passes over all rows.
// CHECK-LABEL: @top_k
func.func @top_k(%x: tensor<4x9xf32>) -> (tensor<4x3xf32>, tensor<4x3xi64>) {
  %k = arith.constant dense<3> : tensor<1xi64>
  // CHECK: scf.for
  // CHECK: arith.maximumf
  // CHECK: arith.minsi
  // CHECK-COUNT-2: tensor.insert_slice
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<4x9xf32>, tensor<1xi64>) -> (tensor<4x3xf32>, tensor<4x3xi64>)
  return %0#0, %0#1 : tensor<4x3xf32>, tensor<4x3xi64>
}

// -----

// Many: each row's best in a heap. The worst of them is compared with all others.
// CHECK-LABEL: @many
// CHECK: scf.for
// CHECK: scf.while
// CHECK: scf.for {{.*}} to %c82 step %c1 iter_args(%{{.*}}, %[[WORST:.*]] = %{{.*}}) -> (tensor<8xi64>, f32)
// CHECK: %[[MAY:.*]] = arith.cmpf ugt, %{{.*}}, %[[WORST]]
// CHECK: scf.if %[[MAY]]
// CHECK: scf.while
// CHECK-COUNT-2: tensor.insert {{.*}} : tensor<4x8x1x{{.*}}>
func.func @many(%x: tensor<4x90xf32>) -> (tensor<4x8xf32>, tensor<4x8xi64>) {
  %k = arith.constant dense<8> : tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<4x90xf32>, tensor<1xi64>) -> (tensor<4x8xf32>, tensor<4x8xi64>)
  return %0#0, %0#1 : tensor<4x8xf32>, tensor<4x8xi64>
}
