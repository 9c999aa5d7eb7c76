// RUN: nnc-opt %s --split-input-file --lower-parallel | FileCheck %s
// RUN: nnc-opt %s --split-input-file --lower-parallel=threads=true | FileCheck %s --check-prefix=THREADS
// RUN: nnc-opt %s --split-input-file --lower-parallel=threads=true --mlir-disable-threading --remarks-filter=threads -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY

// WHY: [Missed] threads {{.*}}"one thread: 8 operations in 4 iterations are not worth waking others"
// WHY: [Passed] threads {{.*}}"334 tasks of up to 3000 iterations, each of about 2 operations"
// WHY: [Missed] threads {{.*}}"one thread: 16 operations in 8 iterations
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

// -----

// With threads a loop with work enough becomes a function of tasks; one with little stays. Iterations make tasks by
// their work alone.
// THREADS: func.func private @layer__loop_task(%[[V:.*]]: f32, %[[A:.*]]: memref<1000000xf32>, %[[T:.*]]: index)
// THREADS: %[[SPAN:.*]] = arith.muli %{{.*}}, %c3000 : index
// THREADS: %[[OFFSET:.*]] = arith.muli %[[T]], %[[SPAN]]
// THREADS: %[[FIRST:.*]] = arith.addi %{{.*}}, %[[OFFSET]]
// THREADS: %[[END:.*]] = arith.minsi
// THREADS: scf.for %[[I:.*]] = %[[FIRST]] to %[[END]]
// THREADS-NEXT: memref.store %[[V]], %[[A]][%[[I]]]
// THREADS: func.func private @layer__loop(%{{.*}}: !llvm.ptr, %{{.*}}: f32, %{{.*}}: memref<1000000xf32>, %[[N:.*]]: index) attributes {nn.parallel_for}
// THREADS: scf.for %{{.*}} = %c0{{.*}} to %[[N]]
// THREADS: call @layer__loop_task
// THREADS: func.func @main(%{{.*}}: memref<1000000xf32>, %{{.*}}: memref<8xf32>, %{{.*}}: f32, %[[P:.*]]: !llvm.ptr)
// THREADS: call @layer__loop(%[[P]], %{{.*}}, %{{.*}}, %{{.*}})
// THREADS: scf.for %{{.*}} = %c0 to %c8
// THREADS-NOT: scf.parallel
func.func @main(%large: memref<1000000xf32>, %small: memref<8xf32>, %v: f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %all = arith.constant 1000000 : index
  scf.parallel (%i) = (%c0) to (%all) step (%c1) {
    memref.store %v, %large[%i] : memref<1000000xf32>
  }
  scf.parallel (%i) = (%c0) to (%c8) step (%c1) {
    memref.store %v, %small[%i] : memref<8xf32>
  }
  return
}
