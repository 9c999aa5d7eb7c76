// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector,canonicalize))' | FileCheck %s

module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 1048576>} {

// A few keys stay in registers, in order. The last block of four columns begins where it is whole.
// CHECK-LABEL: @few
// CHECK: scf.for %[[BLOCK:[a-z0-9]+]] = %c0 to %c8 step %c4
// CHECK: %[[AT:[0-9]+]] = arith.minsi %[[BLOCK]], %c3
// CHECK: %[[BEST:[0-9]+]]:2 = scf.for %[[ROW:[a-z0-9]+]] = {{.*}} -> (vector<4xi64>, vector<4xi64>)
// CHECK: vector.load %{{.*}}[%c0, %[[ROW]], %[[AT]]]
// CHECK-COUNT-2: arith.minsi {{.*}} : vector<4xi64>
// CHECK: vector.store %[[BEST]]#0
func.func @few(%x: memref<1x50x7xf32>, %keys: memref<1x2x7xi64>) {
  kernel.top_k(%x, %keys) : (memref<1x50x7xf32>, memref<1x2x7xi64>) -> ()
  return
}

// More are sorted in a network. Contiguous rows are read in squares.
// CHECK-LABEL: @many
// CHECK: %[[KEYS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<50x4xi64>
// CHECK: vector.shuffle
// CHECK: %[[LOW:.*]] = vector.load %[[KEYS]]
// CHECK: %[[HIGH:.*]] = vector.load %[[KEYS]]
// CHECK: arith.minsi %[[LOW]], %[[HIGH]]
// CHECK: arith.maxsi %[[LOW]], %[[HIGH]]
func.func @many(%x: memref<8x50x1xf32>, %keys: memref<8x30x1xi64>) {
  kernel.top_k(%x, %keys) {ascending} : (memref<8x50x1xf32>, memref<8x30x1xi64>) -> ()
  return
}

}
