// RUN: nnc-opt %s --split-input-file --outline-layers | FileCheck %s

// Two layers of the same shape share one function.
// CHECK: func.func private @layer_first(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>)
// CHECK: scf.for
// CHECK-NOT: func.func private
// CHECK-LABEL: func.func @main
// CHECK: call @layer_first(%arg0, %arg1)
// CHECK: call @layer_first(%arg1, %arg2)
// CHECK-NOT: scf.for
func.func @main(%a: memref<8xf32>, %b: memref<8xf32>, %c: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %x = memref.load %a[%i] : memref<8xf32>
    memref.store %x, %b[%i] : memref<8xf32>
  } loc("first")
  scf.for %i = %c0 to %c8 step %c1 {
    %x = memref.load %b[%i] : memref<8xf32>
    memref.store %x, %c[%i] : memref<8xf32>
  } loc("second")
  return
}

// -----

// Loops with results, and what stores these, are one function with the layer fused into them; its name is the loop's. What
// another layer needs stays.
// CHECK: func.func private @layer_product(%{{.*}}: memref<8xf32>, %{{.*}}: f32, %{{.*}}: memref<8xf32>)
// CHECK: scf.for {{.*}} iter_args
// CHECK: arith.addf
// CHECK: memref.store
// CHECK-LABEL: func.func @main
// CHECK: %[[F:.*]] = memref.load
// CHECK-NEXT: call @layer_product(%arg0, %[[F]], %arg1)
// CHECK-NEXT: return
func.func @main(%a: memref<8xf32>, %b: memref<8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %zero = arith.constant 0.0 : f32
  %f = memref.load %a[%c0] : memref<8xf32> loc("factor")
  %bias = memref.load %a[%c8] : memref<8xf32> loc("bias")
  %sum = scf.for %i = %c0 to %c8 step %c1 iter_args(%s = %zero) -> f32 {
    %x = memref.load %a[%i] : memref<8xf32>
    %y = arith.mulf %x, %f : f32
    %z = arith.addf %s, %y : f32
    scf.yield %z : f32
  } loc(fused["product", "bias"])
  %t = arith.addf %sum, %bias : f32 loc("bias")
  memref.store %t, %b[%c0] : memref<8xf32> loc(fused["product", "bias"])
  return
}

// -----

// Layers of one name that differ get numbers; those that are the same share one function and take none.
// CHECK-DAG: func.func private @layer_same(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>)
// CHECK-DAG: func.func private @layer_same_1(%{{.*}}: memref<4xf32>, %{{.*}}: memref<4xf32>)
// CHECK-DAG: func.func private @layer_same_2(%{{.*}}: memref<8xf32>, %{{.*}}: memref<4xf32>)
// CHECK-NOT: func.func private
// CHECK-LABEL: func.func @main
// CHECK: call @layer_same(%arg0, %arg1)
// CHECK: call @layer_same_1(%arg2, %arg3)
// CHECK: call @layer_same(%arg1, %arg0)
// CHECK: call @layer_same_2(%arg0, %arg2)
func.func @main(%a: memref<8xf32>, %b: memref<8xf32>, %c: memref<4xf32>, %d: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  scf.for %i = %c0 to %c8 step %c1 {
    %x = memref.load %a[%i] : memref<8xf32>
    memref.store %x, %b[%i] : memref<8xf32>
  } loc("same")
  memref.copy %a, %b : memref<8xf32> to memref<8xf32>
  scf.for %i = %c0 to %c4 step %c1 {
    %x = memref.load %c[%i] : memref<4xf32>
    memref.store %x, %d[%i] : memref<4xf32>
  } loc("same")
  memref.copy %a, %b : memref<8xf32> to memref<8xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    %x = memref.load %b[%i] : memref<8xf32>
    memref.store %x, %a[%i] : memref<8xf32>
  } loc("same")
  memref.copy %a, %b : memref<8xf32> to memref<8xf32>
  scf.for %i = %c0 to %c4 step %c1 {
    %x = memref.load %a[%i] : memref<8xf32>
    memref.store %x, %c[%i] : memref<4xf32>
  } loc("same")
  return
}

// -----

// A loop over blocks of rows stays: what it holds are kernels.
// CHECK: func.func private @layer_kernel(%{{.*}}: memref<8xf32>, %{{.*}}: memref<8xf32>)
// CHECK-LABEL: func.func @main
// CHECK: scf.for
// CHECK-NEXT: call @layer_kernel
// CHECK-NEXT: call @layer_kernel
// CHECK-NEXT: }
func.func @main(%a: memref<8xf32>, %b: memref<8xf32>, %blocks: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  scf.for %block = %c0 to %blocks step %c1 {
    scf.for %i = %c0 to %c8 step %c1 {
      %x = memref.load %a[%i] : memref<8xf32>
      memref.store %x, %b[%i] : memref<8xf32>
    } loc("kernel")
    scf.for %i = %c0 to %c8 step %c1 {
      %x = memref.load %b[%i] : memref<8xf32>
      memref.store %x, %a[%i] : memref<8xf32>
    } loc("other")
  } {nnc.holds_kernels}
  return
}
