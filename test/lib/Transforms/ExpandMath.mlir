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

// Lanes beyond 2^17 are reduced one by one, if there are any.
// CHECK-LABEL: @sin
// CHECK: vector.reduction <or>
// CHECK: scf.if
// CHECK: scf.for
// CHECK: arith.muli {{.*}} : i192
// CHECK-NOT: math.sin
// CHECK: return
func.func @sin(%x: vector<2x4xf32>) -> vector<2x4xf32> {
  %0 = math.sin %x : vector<2x4xf32>
  return %0 : vector<2x4xf32>
}

// Half precision is computed in f32, double precision in its own.
// CHECK-LABEL: @widths
// CHECK: arith.extf {{.*}} : bf16 to f32
// CHECK: arith.truncf {{.*}} : f32 to bf16
// CHECK-NOT: math.log
// CHECK: arith.addf {{.*}} : f64
// CHECK-NOT: math.exp
// CHECK: return
func.func @widths(%x: bf16, %y: f64) -> (bf16, f64) {
  %0 = math.log %x : bf16
  %1 = math.exp %y : f64
  return %0, %1 : bf16, f64
}

// CHECK-LABEL: @square
// CHECK-NEXT: %[[R:.*]] = arith.mulf %[[X:.*]], %[[X]] : f32
// CHECK-NEXT: return %[[R]]
func.func @square(%x: f32) -> f32 {
  %two = arith.constant 2.0 : f32
  %0 = math.powf %x, %two : f32
  return %0 : f32
}
