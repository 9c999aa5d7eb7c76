// RUN: nnc-opt %s --split-input-file --verify-diagnostics | nnc-opt | FileCheck %s

// CHECK-LABEL: @branch
func.func @branch(%c: tensor<i1>, %x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: nn.if %arg0 {
  // CHECK: nn.yield %{{.*}} : tensor<4xf32>
  // CHECK: } else {
  // CHECK: nn.yield %arg1 : tensor<4xf32>
  // CHECK: } : (tensor<i1>) -> tensor<4xf32>
  %0 = nn.if %c {
    %1 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %1 : tensor<4xf32>
  } else {
    nn.yield %x : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// CHECK-LABEL: @loop
func.func @loop(%n: tensor<i64>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>) {
  // CHECK: nn.loop %arg0, %arg1
  %t = arith.constant dense<true> : tensor<i1>
  %0:2 = nn.loop %n, %x attributes {operandSegmentSizes = array<i32: 1, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %1 = nn.add %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %t, %1, %a : tensor<i1>, tensor<4xf32>, tensor<4xf32>
  } : (tensor<i64>, tensor<4xf32>) -> (tensor<4xf32>, tensor<?x4xf32>)
  return %0#0, %0#1 : tensor<4xf32>, tensor<?x4xf32>
}

// -----

func.func @endless(%x: tensor<4xf32>) -> tensor<4xf32> {
  %t = arith.constant dense<true> : tensor<i1>
  // expected-error@+1 {{never ends}}
  %0 = nn.loop %x attributes {operandSegmentSizes = array<i32: 0, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    nn.yield %t, %a : tensor<i1>, tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

func.func @types(%c: tensor<i1>, %x: tensor<4xf32>, %y: tensor<5xf32>) -> tensor<4xf32> {
  // expected-error@+1 {{has a branch that does not yield values of the result types}}
  %0 = nn.if %c {
    nn.yield %x : tensor<4xf32>
  } else {
    nn.yield %y : tensor<5xf32>
  } : (tensor<i1>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
