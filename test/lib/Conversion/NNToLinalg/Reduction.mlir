// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// One kernel for each run of neighbouring axes; partial sums of squares are summed.
// CHECK-LABEL: @two_runs
func.func @two_runs(%x: tensor<?x7x16xf32>) -> tensor<7xf32> {
  // CHECK: kernel.reduce{{.*}} kind = #kernel<reduction sum_square>
  // CHECK: (tensor<?x16x1xf32>, tensor<?x1xf32>)
  // CHECK: kernel.reduce{{.*}} kind = #kernel<reduction sum>
  // CHECK: (tensor<1x?x7xf32>, tensor<1x7xf32>)
  %0 = nn.reduce %x {kind = #nn<reduction sum_square>, axes = array<i64: 0, 2>, keepdims = false} : (tensor<?x7x16xf32>) -> tensor<7xf32>
  return %0 : tensor<7xf32>
}

// -----

// CHECK-LABEL: @integers
func.func @integers(%x: tensor<2x3xui32>, %b: tensor<2x3xi1>) -> (tensor<ui32>, tensor<2x1xi1>) {
  // CHECK: kernel.reduce{{.*}} kind = #kernel<reduction sum>
  // CHECK: arith.divui
  %0 = nn.reduce %x {kind = #nn<reduction mean>, axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xui32>) -> tensor<ui32>
  // CHECK: kernel.reduce{{.*}} is_unsigned, kind = #kernel<reduction max>
  // CHECK: (tensor<2x3x1xi8>
  %1 = nn.reduce %b {kind = #nn<reduction max>, axes = array<i64: 1>, keepdims = true} : (tensor<2x3xi1>) -> tensor<2x1xi1>
  return %0, %1 : tensor<ui32>, tensor<2x1xi1>
}

// -----

func.func @no_meaning(%x: tensor<2x3xi32>) -> tensor<i32> {
  // expected-error@+1 {{log_sum_exp of integers is not supported}}
  %0 = nn.reduce %x {kind = #nn<reduction log_sum_exp>, axes = array<i64: 0, 1>, keepdims = false} : (tensor<2x3xi32>) -> tensor<i32>
  return %0 : tensor<i32>
}

// -----

// The extreme value first, then the last index that has it.
// CHECK-LABEL: @arg_reduce
func.func @arg_reduce(%x: tensor<?x7xf32>) -> tensor<?xi64> {
  // CHECK: kernel.reduce{{.*}} kind = #kernel<reduction min>
  // CHECK: linalg.generic {{.*}} ["parallel", "reduction", "parallel"]
  // CHECK: arith.cmpf oeq
  // CHECK: arith.cmpf uno
  // CHECK: arith.maxsi
  %0 = nn.arg_reduce %x {axis = 1 : i64, keepdims = false, min, last} : (tensor<?x7xf32>) -> tensor<?xi64>
  return %0 : tensor<?xi64>
}

// -----

// Rows side by side: both at once.
// CHECK-LABEL: @arg_reduce_across
func.func @arg_reduce_across(%x: tensor<4x9x3xf32>) -> tensor<4x3xi64> {
  // CHECK-NOT: kernel.reduce
  // CHECK: linalg.generic {{.*}} ["parallel", "reduction", "parallel"]} {{.*}} outs(%{{.*}}, %{{.*}} : tensor<4x3xf32>, tensor<4x3xi32>)
  // CHECK: arith.extui
  %0 = nn.arg_reduce %x {axis = 1 : i64, keepdims = false} : (tensor<4x9x3xf32>) -> tensor<4x3xi64>
  return %0 : tensor<4x3xi64>
}

// -----

// CHECK-LABEL: @cumsum
func.func @cumsum(%x: tensor<7x4xf32>) -> tensor<7x4xf32> {
  // CHECK: scf.for %{{.*}} iter_args(%[[SUM:.*]] = %{{.*}}, %[[ALL:.*]] = %{{.*}})
  // CHECK: arith.subi
  // CHECK: tensor.insert_slice %[[SUM]] into %[[ALL]]
  // CHECK: tensor.extract_slice
  // CHECK: linalg.generic {{.*}} outs(%[[SUM]]
  %0 = nn.cumsum %x {axis = 0 : i64, exclusive, reverse} : (tensor<7x4xf32>) -> tensor<7x4xf32>
  return %0 : tensor<7x4xf32>
}

// -----

// Four rows side by side, then the fifth.
// CHECK-LABEL: @cumprod
func.func @cumprod(%x: tensor<5x7xf32>) -> tensor<5x7xf32> {
  // CHECK: %[[ONE:.*]] = arith.constant 1.0{{.*}} : f32
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]], %{{.*}} = %[[ONE]])
  // CHECK-COUNT-4: arith.mulf
  // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %{{.*}}, %{{.*}} = %[[ONE]])
  // CHECK: arith.mulf
  %0 = nn.cumprod %x {axis = 1 : i64} : (tensor<5x7xf32>) -> tensor<5x7xf32>
  return %0 : tensor<5x7xf32>
}
