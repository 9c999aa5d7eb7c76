// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(expand-math{converts-half=false}))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(expand-math))' | FileCheck %s --check-prefix=NATIVE

// CHECK-LABEL: func.func @extend
// NATIVE-LABEL: func.func @extend
func.func @extend(%x: vector<4xf16>) -> vector<4xf32> {
  // CHECK: arith.bitcast %arg0 : vector<4xf16> to vector<4xi16>
  // CHECK: arith.extui %{{.*}} : vector<4xi16> to vector<4xi32>
  // CHECK-NOT: arith.extf
  // CHECK: return %{{.*}} : vector<4xf32>
  // NATIVE: arith.extf
  %wide = arith.extf %x : vector<4xf16> to vector<4xf32>
  return %wide : vector<4xf32>
}

// CHECK-LABEL: func.func @truncate
// NATIVE-LABEL: func.func @truncate
func.func @truncate(%x: f32) -> f16 {
  // CHECK: arith.bitcast %arg0 : f32 to i32
  // CHECK-NOT: arith.truncf
  // CHECK: %[[BITS:.*]] = arith.trunci %{{.*}} : i32 to i16
  // CHECK: arith.bitcast %[[BITS]] : i16 to f16
  // NATIVE: arith.truncf
  %narrow = arith.truncf %x : f32 to f16
  return %narrow : f16
}

// bf16 to f64 goes through f32 for all CPUs.
// CHECK-LABEL: func.func @extend_bf16
// NATIVE-LABEL: func.func @extend_bf16
func.func @extend_bf16(%x: bf16) -> f64 {
  // CHECK: arith.bitcast %arg0 : bf16 to i16
  // CHECK: arith.extf %{{.*}} : f32 to f64
  // NATIVE: arith.bitcast %arg0 : bf16 to i16
  // NATIVE: arith.extf %{{.*}} : f32 to f64
  %wide = arith.extf %x : bf16 to f64
  return %wide : f64
}
