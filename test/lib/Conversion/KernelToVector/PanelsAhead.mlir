// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector,canonicalize,cse))' | FileCheck %s
// While a tile is computed, its share of the next panel of weights is brought to the cache.

module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576>} {
  memref.global "private" constant @weights : memref<4x512x32xf32> = dense<1.0> {alignment = 64 : i64}
  memref.global "private" constant @filter : memref<1x4x3x3x32x32xf32> = dense<1.0> {alignment = 64 : i64}
  memref.global "private" constant @small : memref<2x64x32xf32> = dense<1.0> {alignment = 64 : i64}

  // Tiles of 14 and 13 rows: as much of the panel's 512 * 32 elements as they are of all 40.
  // CHECK-LABEL: @contract
  // CHECK: scf.parallel (%[[PANEL:.*]]) =
  // CHECK: %[[NEXT:.*]] = arith.addi %[[PANEL]], %c1
  // CHECK: scf.for %[[STEP:.*]] = %c0 to %c512
  // CHECK: %[[AT:.*]] = arith.muli %[[STEP]], %c12
  // CHECK: memref.prefetch %{{.*}}[%[[NEXT]], %c0, %[[AT]]], read, locality<2>, data : memref<4x512x32xf32>
  // CHECK: scf.for %[[ROW:.*]] = %c14 to %c40 step %c13
  // CHECK: %[[SHARE:.*]] = arith.muli %[[ROW]], %c16384
  // CHECK: %[[FIRST:.*]] = arith.divui %[[SHARE]], %c40
  // CHECK: scf.for %[[STEP:.*]] = %c0 to %c512
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[STEP]], %c11
  // CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[OFFSET]]
  // CHECK: memref.prefetch %{{.*}}[%[[NEXT]], %c0, %[[AT]]], read
  // CHECK-NOT: memref.prefetch
  func.func @contract(%x: memref<40x512xf32>, %y: memref<40x128xf32>) {
    %w = memref.get_global @weights : memref<4x512x32xf32>
    kernel.contract(%x, %w, %y) attributes {epilogue_maps = []} {
    ^bb0(%z: f32):
      kernel.yield %z : f32
    } : (memref<40x512xf32>, memref<4x512x32xf32>, memref<40x128xf32>) -> ()
    return
  }

  // CHECK-LABEL: @convolution
  // CHECK: memref.prefetch %{{.*}}[%c0, %{{.*}}, %c0, %c0, %c0, %{{.*}}], read
  func.func @convolution(%x: memref<1x12x12x32xf32>, %y: memref<1x12x12x128xf32>) {
    %w = memref.get_global @filter : memref<1x4x3x3x32x32xf32>
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%z: f32):
      kernel.yield %z : f32
    } : (memref<1x12x12x32xf32>, memref<1x4x3x3x32x32xf32>, memref<1x12x12x128xf32>) -> ()
    return
  }

  // Of run-time rows, a line at each step at most; both quotients are the same for all tiles.
  // CHECK-LABEL: @run_time_rows
  // CHECK: %[[ROWS:.*]] = arith.maxsi %{{.*}}, %c1
  // CHECK: %[[PER_ROW:.*]] = arith.divui %c16384, %[[ROWS]]
  // CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %[[PER_ROW]]
  // CHECK: %[[LINE:.*]] = arith.minsi %{{.*}}, %c16
  // CHECK: scf.for %[[STEP:.*]] = %c0 to %c512
  // CHECK: %[[OFFSET:.*]] = arith.muli %[[STEP]], %[[LINE]]
  // CHECK: %[[AT:.*]] = arith.addi %[[FIRST]], %[[OFFSET]]
  // CHECK: memref.prefetch %{{.*}}[%{{.*}}, %c0, %[[AT]]], read
  func.func @run_time_rows(%x: memref<?x512xf32>, %y: memref<?x128xf32>) {
    %w = memref.get_global @weights : memref<4x512x32xf32>
    kernel.contract(%x, %w, %y) attributes {epilogue_maps = []} {
    ^bb0(%z: f32):
      kernel.yield %z : f32
    } : (memref<?x512xf32>, memref<4x512x32xf32>, memref<?x128xf32>) -> ()
    return
  }

  // Weights that stay in the cache, and what is no weights.
  // CHECK-LABEL: @others
  // CHECK-NOT: memref.prefetch
  func.func @others(%x: memref<40x64xf32>, %keys: memref<40x512x32xf32>, %y: memref<40x64xf32>, %z: memref<40x1280xf32>, %q: memref<40x512xf32>) {
    %w = memref.get_global @small : memref<2x64x32xf32>
    kernel.contract(%x, %w, %y) attributes {epilogue_maps = []} {
    ^bb0(%a: f32):
      kernel.yield %a : f32
    } : (memref<40x64xf32>, memref<2x64x32xf32>, memref<40x64xf32>) -> ()
    kernel.contract(%q, %keys, %z) attributes {epilogue_maps = []} {
    ^bb0(%a: f32):
      kernel.yield %a : f32
    } : (memref<40x512xf32>, memref<40x512x32xf32>, memref<40x1280xf32>) -> ()
    return
  }
}
