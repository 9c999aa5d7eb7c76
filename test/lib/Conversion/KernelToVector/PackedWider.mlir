// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector),canonicalize,cse)' | FileCheck %s

// Panels of 32 columns, packed for AVX-512, are two tiles of two vectors each on AVX2: four tiles for two panels.
// CHECK-LABEL: @contract
// CHECK: scf.parallel (%[[TILE:.*]]) = (%{{.*}}) to (%c4{{.*}})
// CHECK-DAG: %[[PANEL:.*]] = arith.divui %[[TILE]], %c2
// CHECK-DAG: %[[PART:.*]] = arith.remui %[[TILE]], %c2
// CHECK-DAG: %[[COLUMN:.*]] = arith.muli %[[PART]], %c16
// CHECK: vector.load %{{.*}}[%[[PANEL]], %{{.*}}, %[[COLUMN]]] : memref<2x40x32xf32>, vector<8xf32>
// CHECK: %[[NEXT:.*]] = arith.addi %[[COLUMN]], %c8
// CHECK: vector.load %{{.*}}[%[[PANEL]], %{{.*}}, %[[NEXT]]] : memref<2x40x32xf32>, vector<8xf32>
// CHECK: vector.store %{{.*}} : memref<6x64xf32>, vector<8xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144, packedBits = 512>} {
  func.func @contract(%a: memref<6x40xf32>, %b: memref<2x40x32xf32>, %c: memref<6x64xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<6x40xf32>, memref<2x40x32xf32>, memref<6x64xf32>) -> ()
    return
  }

  // Of 40 output channels the last 8 are one tile of the second panel.
  // CHECK-LABEL: @conv
  // CHECK-COUNT-2: scf.parallel
  // CHECK-NOT: scf.parallel
  func.func @conv(%x: memref<1x5x9x16xf32>, %w: memref<1x2x1x1x16x32xf32>, %y: memref<1x5x9x40xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x5x9x16xf32>, memref<1x2x1x1x16x32xf32>, memref<1x5x9x40xf32>) -> ()
    return
  }
}
