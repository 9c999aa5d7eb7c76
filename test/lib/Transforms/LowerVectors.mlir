// RUN: nnc-opt %s --lower-vectors --split-input-file | FileCheck %s

// A transpose becomes shuffles of one vector.
// CHECK-LABEL: func.func @transpose
// CHECK-NOT: vector.transpose
// CHECK: vector.shuffle %{{.*}} [0, 4, 1, 5, 2, 6, 3, 7]
func.func @transpose(%v: vector<2x4xf32>) -> vector<4x2xf32> {
  %t = vector.transpose %v, [1, 0] : vector<2x4xf32> to vector<4x2xf32>
  return %t : vector<4x2xf32>
}

// -----

// A reduction of several dimensions becomes reductions of one.
// CHECK-LABEL: func.func @reduction
// CHECK-NOT: vector.multi_reduction
// CHECK-COUNT-2: vector.reduction <add>
// CHECK-NOT: vector.multi_reduction
func.func @reduction(%v: vector<2x8xf32>, %acc: vector<2xf32>) -> vector<2xf32> {
  %r = vector.multi_reduction <add>, %v, %acc [1] : vector<2x8xf32> to vector<2xf32>
  return %r : vector<2xf32>
}

// -----

// A transfer inside of its memory becomes a load.
// CHECK-LABEL: func.func @transfer
// CHECK-NOT: vector.transfer_read
// CHECK: vector.load
func.func @transfer(%m: memref<16xf32>) -> vector<8xf32> {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %v = vector.transfer_read %m[%c0], %zero {in_bounds = [true]} : memref<16xf32>, vector<8xf32>
  return %v : vector<8xf32>
}

// -----

// Multiply-add of several dimensions becomes one per row.
// CHECK-LABEL: func.func @fma
// CHECK-COUNT-2: vector.fma %{{.*}} : vector<4xf32>
func.func @fma(%a: vector<2x4xf32>, %b: vector<2x4xf32>, %c: vector<2x4xf32>) -> vector<2x4xf32> {
  %r = vector.fma %a, %b, %c : vector<2x4xf32>
  return %r : vector<2x4xf32>
}
