// RUN: nnc-opt %s --outline-layers | FileCheck %s

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
