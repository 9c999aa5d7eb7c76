// RUN: nnc-opt %s --lower-parallel | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-NOT: scf.parallel
// CHECK: scf.for %[[I:.*]] = %c0 to %c8 step %c2
// CHECK-NEXT: memref.store %{{.*}}, %{{.*}}[%[[I]]]
func.func @main(%m: memref<8xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %c8 = arith.constant 8 : index
  scf.parallel (%i) = (%c0) to (%c8) step (%c2) {
    memref.store %v, %m[%i] : memref<8xf32>
  }
  return
}
