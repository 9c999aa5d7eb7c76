// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(expand-math))' | FileCheck %s

// CHECK-LABEL: @functions
// CHECK-NOT: math.exp
// CHECK-NOT: math.tanh
// CHECK-NOT: math.erf
// CHECK-NOT: math.log
// CHECK: return
func.func @functions(%x: vector<4xf32>) -> (vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>) {
  %0 = math.exp %x : vector<4xf32>
  %1 = math.tanh %x : vector<4xf32>
  %2 = math.erf %x : vector<4xf32>
  %3 = math.log10 %x : vector<4xf32>
  return %0, %1, %2, %3 : vector<4xf32>, vector<4xf32>, vector<4xf32>, vector<4xf32>
}

// Before SSE4.1 there is no rounding instruction.
// CHECK-LABEL: @floor
// CHECK-NOT: math.floor
// CHECK: return
func.func @floor(%x: f32) -> f32 {
  %0 = math.floor %x : f32
  return %0 : f32
}
