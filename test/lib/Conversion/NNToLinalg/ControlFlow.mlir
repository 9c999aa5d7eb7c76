// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// Both branches write to one place.
// CHECK-LABEL: @branch
func.func @branch(%c: tensor<1xi1>, %x: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: %[[PLACE:.*]] = bufferization.alloc_tensor(%{{.*}}) : tensor<?xf32>
  // CHECK: scf.if
  // CHECK: %[[NEW:.*]] = linalg.generic
  // CHECK: bufferization.materialize_in_destination %[[NEW]] in %[[PLACE]]
  // CHECK: else
  // CHECK: bufferization.materialize_in_destination %arg1 in %[[PLACE]]
  %0 = nn.if %c {
    %1 = nn.relu %x : (tensor<?xf32>) -> tensor<?xf32>
    nn.yield %1 : tensor<?xf32>
  } else {
    nn.yield %x : tensor<?xf32>
  } : (tensor<1xi1>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// A number of iterations is all that ends the loop: scf.for; what is collected goes into one tensor.
// CHECK-LABEL: @counted
func.func @counted(%x: tensor<4xf32>, %y: tensor<?x4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  // CHECK: %[[N:.*]] = tensor.dim %arg1
  // CHECK: scf.for %[[I:.*]] = %c0 to %{{.*}} step %c1 iter_args(%[[A:.*]] = %arg0, %[[ALL:.*]] = %{{.*}})
  // CHECK: %[[SUM:.*]] = linalg.generic
  // CHECK: tensor.insert_slice %[[SUM]] into %[[ALL]][%[[I]], 0] [1, 4] [1, 1]
  %t = arith.constant dense<true> : tensor<i1>
  %n = nn.shape %y {start = 0 : i64, end = 1 : i64} : (tensor<?x4xf32>) -> tensor<1xi64>
  %0:2 = nn.loop %n, %x attributes {operandSegmentSizes = array<i32: 1, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %1 = nn.add %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %t, %1, %1 : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  } : (tensor<1xi64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<?x4xf32>
}

// -----

// What a loop inside collects is as long as that runs, which the extents of an input tell.
// CHECK-LABEL: @collects_twice
func.func @collects_twice(%x: tensor<?x?xf32>) -> tensor<?x?xf32> {
  // CHECK: tensor.empty({{.*}}) : tensor<?x?xf32>
  // CHECK: scf.for
  // CHECK: scf.for
  %t = arith.constant dense<true> : tensor<i1>
  %n = nn.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x?xf32>) -> tensor<1xi64>
  %0 = nn.loop %n attributes {operandSegmentSizes = array<i32: 1, 0, 0>} {
  ^bb0(%i: tensor<i64>):
    %row = nn.gather %x, %i {axis = 0 : i64} : (tensor<?x?xf32>, tensor<i64>) -> tensor<?xf32>
    %m = nn.shape %row {start = 0 : i64, end = 1 : i64} : (tensor<?xf32>) -> tensor<1xi64>
    %1 = nn.loop %m attributes {operandSegmentSizes = array<i32: 1, 0, 0>} {
    ^bb0(%j: tensor<i64>):
      %e = nn.gather %row, %j {axis = 0 : i64} : (tensor<?xf32>, tensor<i64>) -> tensor<f32>
      nn.yield %t, %e : tensor<i1>, tensor<f32>
    } : (tensor<1xi64>) -> tensor<?xf32>
    nn.yield %t, %1 : tensor<i1>, tensor<?xf32>
  } : (tensor<1xi64>) -> tensor<?x?xf32>
  return %0 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: @conditional
func.func @conditional(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  // CHECK: scf.while
  // CHECK: scf.condition
  // CHECK: } do {
  // CHECK: scf.yield
  %0 = nn.loop %c, %x attributes {operandSegmentSizes = array<i32: 0, 1, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %1 = nn.add %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %c, %1 : tensor<i1>, tensor<4xf32>
  } : (tensor<i1>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @collects(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<?x4xf32> {
  // expected-error@+1 {{how much it collects depends on data, and nothing bounds the number of its iterations}}
  %0:2 = nn.loop %c, %x attributes {operandSegmentSizes = array<i32: 0, 1, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    nn.yield %c, %a, %a : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  } : (tensor<i1>, tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>)
  return %0#1 : tensor<?x4xf32>
}

// -----

// What a loop with a condition collects has room for its number of iterations; as many as there were are the result.
// CHECK-LABEL: @collects_at_most
// CHECK: %[[PLACE:.*]] = tensor.empty(%[[N:.*]]) : tensor<?x4xf32>
// CHECK: %[[LOOP:.*]]:3 = scf.while {{.*}}%[[PLACE]]
// CHECK: tensor.insert_slice
// CHECK: %[[RAN:.*]] = kernel.bounded %[[LOOP]]#{{.*}}, %[[N]]
// CHECK: tensor.extract_slice %[[LOOP]]#{{.*}}[0, 0] [%[[RAN]], 4] [1, 1]
func.func @collects_at_most(%x: tensor<4xf32>, %c: tensor<i1>, %y: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %n = nn.shape %y {start = 0 : i64, end = 1 : i64} : (tensor<?x4xf32>) -> tensor<1xi64>
  %0:2 = nn.loop %n, %c, %x attributes {operandSegmentSizes = array<i32: 1, 1, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %1 = nn.add %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %c, %1, %a : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  } : (tensor<1xi64>, tensor<i1>, tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>)
  return %0#1 : tensor<?x4xf32>
}

// -----

// Extents that are known before the branch: one of the two.
// CHECK-LABEL: @branch_of_two
// CHECK: %[[CHOSEN:.*]] = arith.select %{{.*}}, %c3, %c5
// CHECK: %[[N:.*]] = kernel.bounded %[[CHOSEN]], %c5
// CHECK: bufferization.alloc_tensor(%[[N]]) : tensor<?xf32>
func.func @branch_of_two(%c: tensor<1xi1>, %x: tensor<3xf32>, %y: tensor<5xf32>) -> tensor<?xf32> {
  %0 = nn.if %c {
    nn.yield %x : tensor<3xf32>
  } else {
    nn.yield %y : tensor<5xf32>
  } : (tensor<1xi1>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Whether a sum has the shape of what the first iteration is given, its extents tell.
// CHECK-LABEL: @carries
// CHECK: scf.for
// CHECK: arith.cmpi eq
// CHECK: cf.assert %{{.*}}, "the shape of a value that it carries changes from iteration to iteration" {nn.indispensable}
func.func @carries(%n: tensor<i64>, %x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  %t = arith.constant dense<true> : tensor<i1>
  %0 = nn.loop %n, %x attributes {operandSegmentSizes = array<i32: 1, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<?xf32>):
    %1 = nn.add %a, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    nn.yield %t, %1 : tensor<i1>, tensor<?xf32>
  } : (tensor<i64>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// How much a loop collects is limited where a value says it: to what an extent may be.
// CHECK-LABEL: @collects
// CHECK: cf.assert %{{.*}}, "nn.loop: what it collects has at most 2147483647 elements"
// CHECK: scf.for
func.func @collects(%n: tensor<i64>, %x: tensor<4xf32>) -> tensor<?x4xf32> {
  %t = arith.constant dense<true> : tensor<i1>
  %0 = nn.loop %n attributes {operandSegmentSizes = array<i32: 1, 0, 0>} {
  ^bb0(%i: tensor<i64>):
    nn.yield %t, %x : tensor<i1>, tensor<4xf32>
  } : (tensor<i64>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

// The extents of what a loop collects are those of a copy before it, of which nothing else is left.
// CHECK-LABEL: func.func @collected_part(
// CHECK-NOT: tensor.extract_slice
// CHECK: tensor.empty(%{{.*}}, %{{.*}}) : tensor<?x?xf32>
// CHECK: scf.for
// CHECK: tensor.extract_slice
// CHECK: tensor.insert_slice
func.func @collected_part(%trips: tensor<i64>, %x: tensor<?xf32>) -> tensor<?x?xf32> {
  %one = arith.constant dense<1> : tensor<1xi64>
  %most = arith.constant dense<9> : tensor<1xi64>
  %0:2 = nn.loop %trips, %x attributes {operandSegmentSizes = array<i32: 1, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<?xf32>):
    %true = arith.constant dense<true> : tensor<i1>
    %next = nn.sin %a : (tensor<?xf32>) -> tensor<?xf32>
    %part = nn.slice %next, %one, %most {axes = array<i64: 0>} : (tensor<?xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
    nn.yield %true, %next, %part : tensor<i1>, tensor<?xf32>, tensor<?xf32>
  } : (tensor<i64>, tensor<?xf32>) -> (tensor<?xf32>, tensor<?x?xf32>)
  return %0#1 : tensor<?x?xf32>
}
