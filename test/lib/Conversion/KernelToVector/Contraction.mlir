// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

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
