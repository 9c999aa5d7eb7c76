// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

// Two vectors of columns and 14 rows fill the registers of AVX-512; 28 rows are two tiles.
// CHECK-LABEL: @tile
// CHECK: scf.parallel
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c14
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-28: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK-COUNT-28: vector.store %{{.*}} : memref<28x64xf32>, vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @tile(%a: memref<28x40xf32>, %b: memref<2x40x32xf32>, %c: memref<28x64xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<28x40xf32>, memref<2x40x32xf32>, memref<28x64xf32>) -> ()
    return
  }
}

// -----

// Rows that are known at run time only. A single one takes four panels at once. Of several, full tiles of 14, then one or
// two smaller ones, none below 7 where 14 were not enough.
// CHECK-LABEL: @run_time_rows
// CHECK: %[[SINGLE:.*]] = arith.cmpi eq, %{{.*}}, %c1{{.*}} : index
// CHECK: scf.if %[[SINGLE]]
// CHECK: scf.parallel {{.*}} to (%c2{{.*}}) step
// CHECK-COUNT-8: vector.fma
// CHECK-NOT: vector.fma
// CHECK: } else {
// CHECK: scf.parallel {{.*}} to (%c8{{.*}}) step
// CHECK: scf.for {{.*}} step %c14{{(_[0-9]+)? }}
// CHECK-COUNT-28: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.for {{.*}} step %c7{{(_[0-9]+)? }}
// CHECK-COUNT-14: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.for {{.*}} step %c6{{(_[0-9]+)? }}
// CHECK: scf.for {{.*}} step %c2{{(_[0-9]+)? }}
// CHECK-COUNT-4: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.for {{.*}} step %c1{{(_[0-9]+)? }}
// CHECK-COUNT-2: vector.fma
// CHECK-NOT: vector.fma
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_rows(%a: memref<?x40xf32>, %b: memref<8x40x32xf32>, %c: memref<?x256xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%x: f32):
      kernel.yield %x : f32
    } : (memref<?x40xf32>, memref<8x40x32xf32>, memref<?x256xf32>) -> ()
    return
  }
}

// -----

// Of 6 rows by 2 vectors half a tile is not fast: where 1 to 4 rows are left, they and a full tile become two tiles.
// CHECK-LABEL: @few_rows_left
// CHECK: } else {
// CHECK: %[[FULL:.*]] = arith.divui %{{.*}}, %c6
// CHECK: %[[SOME:.*]] = arith.minsi %[[FULL]], %c1
// CHECK: arith.subi %[[FULL]]
// CHECK: scf.for {{.*}} step %c6
// CHECK-COUNT-12: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.for {{.*}} step %c5
// CHECK-COUNT-10: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.for {{.*}} step %c4
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @few_rows_left(%a: memref<?x40xf32>, %b: memref<1x40x16xf32>, %c: memref<?x16xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%x: f32):
      kernel.yield %x : f32
    } : (memref<?x40xf32>, memref<1x40x16xf32>, memref<?x16xf32>) -> ()
    return
  }
}
