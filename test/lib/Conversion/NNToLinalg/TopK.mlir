// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// One of rows along memory: the extreme element by its rank, of which that of NaN is the largest, then its place,
// where it is read: of zeros, the rank is the same.
// CHECK-LABEL: @one
// CHECK: %[[NAN:.*]] = arith.cmpf uno
// CHECK: %[[RANK:.*]] = arith.select %[[NAN]], %c2147483647_i32, %{{.*}} : i32
// CHECK: arith.maxsi %{{.*}}, %[[RANK]] : i32
// CHECK: arith.bitcast %{{.*}} : i32 to f32
// CHECK: arith.minsi
// CHECK: tensor.extract %{{.*}} : tensor<4x1xi64>
// CHECK: tensor.extract %{{.*}} : tensor<4x9x1xf32>
func.func @one(%x: tensor<4x9xf32>) -> (tensor<4x1xf32>, tensor<4x1xi64>) {
  %k = arith.constant dense<1> : tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<4x9xf32>, tensor<1xi64>) -> (tensor<4x1xf32>, tensor<4x1xi64>)
  return %0#0, %0#1 : tensor<4x1xf32>, tensor<4x1xi64>
}

// -----

// One of rows side by side: both in one pass.
// CHECK-LABEL: @one_of_columns
// CHECK: linalg.generic {{.*}} outs(%{{.*}}, %{{.*}} : tensor<1x40xf32>, tensor<1x40xi32>)
// CHECK: %[[BETTER:.*]] = arith.andi
// CHECK: arith.select %[[BETTER]], {{.*}} : f32
// CHECK: arith.select %[[BETTER]], {{.*}} : i32
func.func @one_of_columns(%x: tensor<9x40xf32>) -> (tensor<1x40xf32>, tensor<1x40xi64>) {
  %k = arith.constant dense<1> : tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 0 : i64, smallest} : (tensor<9x40xf32>, tensor<1xi64>) -> (tensor<1x40xf32>, tensor<1x40xi64>)
  return %0#0, %0#1 : tensor<1x40xf32>, tensor<1x40xi64>
}

// -----

// Rows side by side are lanes of vectors.
// CHECK-LABEL: @columns
// CHECK: kernel.top_k(%{{.*}}, %{{.*}}) : (tensor<2x90x7xf32>, tensor<2x40x7xi64>) -> tensor<2x40x7xi64>
func.func @columns(%x: tensor<2x90x7xf32>) -> (tensor<2x40x7xf32>, tensor<2x40x7xi64>) {
  %k = arith.constant dense<40> : tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<2x90x7xf32>, tensor<1xi64>) -> (tensor<2x40x7xf32>, tensor<2x40x7xi64>)
  return %0#0, %0#1 : tensor<2x40x7xf32>, tensor<2x40x7xi64>
}

// -----

// Many of a long row: it is sorted, byte by byte.
// CHECK-LABEL: @sorted
// CHECK-NOT: scf.while
// CHECK: linalg.fill ins(%{{.*}} : i64) outs(%{{.*}} : tensor<4x256xi64>)
// CHECK-COUNT-4: tensor.insert {{.*}} : tensor<9000xi64>
func.func @sorted(%x: tensor<1x9000xf32>) -> (tensor<1x4000xf32>, tensor<1x4000xi64>) {
  %k = arith.constant dense<4000> : tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<1x9000xf32>, tensor<1xi64>) -> (tensor<1x4000xf32>, tensor<1x4000xi64>)
  return %0#0, %0#1 : tensor<1x4000xf32>, tensor<1x4000xi64>
}

// -----

// Several of few rows: each row's best in a heap. The worst of them is compared with all others.
// CHECK-LABEL: @many
// CHECK: scf.for
// CHECK: scf.while
// CHECK: scf.for {{.*}} to %c82 step %c1 iter_args(%{{.*}}, %[[WORST:.*]] = %{{.*}}) -> (tensor<8xi64>, f32)
// CHECK: %[[MAY:.*]] = arith.cmpf ugt, %{{.*}}, %[[WORST]]
// CHECK: scf.if %[[MAY]]
// CHECK: scf.while
// CHECK-COUNT-2: tensor.insert {{.*}} : tensor<1x8x1x{{.*}}>
func.func @many(%x: tensor<1x90xf32>) -> (tensor<1x8xf32>, tensor<1x8xi64>) {
  %k = arith.constant dense<8> : tensor<1xi64>
  %0:2 = nn.top_k %x, %k {axis = 1 : i64} : (tensor<1x90xf32>, tensor<1xi64>) -> (tensor<1x8xf32>, tensor<1x8xi64>)
  return %0#0, %0#1 : tensor<1x8xf32>, tensor<1x8xi64>
}
