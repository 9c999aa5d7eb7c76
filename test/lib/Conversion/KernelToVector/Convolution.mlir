// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

// A row of 14 pixels by two vectors of channels fills the registers of AVX-512. The columns of the filter are unrolled: at
// the left and right edge the multiply-adds of pixels outside of the image are not there at all.
// CHECK-LABEL: @conv
// CHECK: scf.parallel
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.for {{.*}} iter_args
// CHECK: vector.load %{{.*}} : memref<1x1x3x3x8x32xf32>, vector<16xf32>
// CHECK-COUNT-26: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-28: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-26: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK-COUNT-28: vector.store %{{.*}} : memref<1x14x14x32xf32>, vector<16xf32>
// CHECK-NOT: vector.mask
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @conv(%x: memref<1x14x14x8xf32>, %w: memref<1x1x3x3x8x32xf32>, %y: memref<1x14x14x32xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x14x14x8xf32>, memref<1x1x3x3x8x32xf32>, memref<1x14x14x32xf32>) -> ()
    return
  }
}

// -----

// Without fused multiply-add there are products and sums; the epilogue is applied to whole vectors.
// CHECK-LABEL: @sse2
// CHECK-NOT: vector.fma
// CHECK: arith.mulf {{.*}} : vector<4xf32>
// CHECK: arith.addf {{.*}} : vector<4xf32>
// CHECK: %[[BIAS:.*]] = vector.load %{{.*}} : memref<8xf32>, vector<4xf32>
// CHECK: arith.addf %{{.*}}, %[[BIAS]] : vector<4xf32>
// CHECK: vector.store %{{.*}} : memref<1x5x8xf32>, vector<4xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 128, vectorRegisters = 16, fma = false, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @sse2(%x: memref<1x5x4xf32>, %w: memref<1x1x1x4x8xf32>, %bias: memref<8xf32>, %y: memref<1x5x8xf32>) {
    kernel.conv(%x, %w, %bias, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, epilogue_maps = [affine_map<(n, x, c) -> (c)>]} {
    ^bb0(%value: f32, %b: f32):
      %sum = arith.addf %value, %b : f32
      kernel.yield %sum : f32
    } : (memref<1x5x4xf32>, memref<1x1x1x4x8xf32>, memref<8xf32>, memref<1x5x8xf32>) -> ()
    return
  }
}

// -----

// A panel of a filter that ends before its width is filled with zeros.
// CHECK-LABEL: @pack
// CHECK: scf.for %{{.*}} = %{{.*}} to %c20
// CHECK: %[[WEIGHT:.*]] = memref.load %arg0
// CHECK: memref.store %[[WEIGHT]], %arg1
// CHECK: %[[ZERO:.*]] = arith.constant 0.000000e+00
// CHECK: scf.for %{{.*}} = %c20{{.*}} to %c32
// CHECK: memref.store %[[ZERO]], %arg1
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @pack(%w: memref<20x8x3xf32>, %to: memref<1x1x3x8x32xf32>) {
    kernel.pack_filter(%w, %to) {groups = 1 : i64} : (memref<20x8x3xf32>, memref<1x1x3x8x32xf32>) -> ()
    return
  }
}

// -----

// A signal stored as an image of width 1: register tiles run along its height.
// CHECK-LABEL: @signal
// CHECK: scf.for %{{.*}} = %{{.*}} to %c504 step %c14
// CHECK-COUNT-28: vector.fma
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @signal(%x: memref<1x508x1x64xf32>, %w: memref<1x1x5x1x64x32xf32>, %y: memref<1x504x1x32xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x508x1x64xf32>, memref<1x1x5x1x64x32xf32>, memref<1x504x1x32xf32>) -> ()
    return
  }
}

// -----

// A first layer with 16 registers: the taps of a row are a loop, the three channels unrolled in it.
// CHECK-LABEL: @first_layer
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c6
// CHECK: scf.for {{.*}} iter_args
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c7{{.*}} iter_args
// CHECK-COUNT-36: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @first_layer(%x: memref<1x29x29x3xf32>, %w: memref<1x1x7x7x3x16xf32>, %y: memref<1x12x12x16xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x29x29x3xf32>, memref<1x1x7x7x3x16xf32>, memref<1x12x12x16xf32>) -> ()
    return
  }
}

// -----

// Run-time extents: what neighbouring pixels of a tile read is a constant apart, so that their addresses share a register.
// Tiles of 14 inside of the image, then those that test the first tap of the first pixel and the last tap of the last one.
// CHECK-LABEL: @run_time_extents
// CHECK: scf.for %[[AT:.*]] = {{.*}} step %c14
// CHECK: scf.if
// CHECK: %[[FIRST:.*]] = arith.muli %[[AT]], %c2
// CHECK: %[[START:.*]] = arith.addi %[[FIRST]], %c-1
// CHECK: %[[NEXT:.*]] = arith.addi %[[START]], %c2
// CHECK: %[[THIRD:.*]] = arith.addi %[[START]], %c4
// CHECK: scf.for %[[CHANNEL:.*]] = %c0
// CHECK: memref.load %arg0[%{{.*}}, %{{.*}}, %[[START]], %[[CHANNEL]]]
// CHECK: memref.load %arg0[%{{.*}}, %{{.*}}, %[[NEXT]], %[[CHANNEL]]]
// CHECK: memref.load %arg0[%{{.*}}, %{{.*}}, %[[THIRD]], %[[CHANNEL]]]
// CHECK: } else {
// CHECK: arith.cmpi ult
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_extents(%x: memref<1x?x?x8xf32>, %w: memref<1x1x3x3x8x32xf32>, %y: memref<1x?x?x32xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x?x8xf32>, memref<1x1x3x3x8x32xf32>, memref<1x?x?x32xf32>) -> ()
    return
  }
}

// -----

// Of run-time extents a tile that is not inside takes all pixels at once where all have the tap: a loop over channels for one
// pixel would wait for each of its multiply-adds.
// CHECK-LABEL: @edges
// CHECK: } else {
// CHECK: %[[EXISTS:.*]] = arith.cmpi ult
// CHECK: scf.if %[[EXISTS]] -> (vector<16xf32>, vector<16xf32>,
// CHECK-NEXT: arith.constant
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-14: vector.fma
// CHECK: } else {
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-13: vector.fma
// CHECK: scf.if %[[EXISTS]] -> (vector<16xf32>)
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @edges(%x: memref<1x?x48xf32>, %w: memref<1x1x3x48x16xf32>, %y: memref<1x?x16xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
    ^bb0(%s: f32):
      kernel.yield %s : f32
    } : (memref<1x?x48xf32>, memref<1x1x3x48x16xf32>, memref<1x?x16xf32>) -> ()
    return
  }
}

// -----

// Edges wider than a tile: all pixels of it together, and those without the tap keep their sums.
// CHECK-LABEL: @wide_edges
// CHECK: scf.for {{.*}} step %c14
// CHECK: scf.for {{.*}} iter_args(%[[SUM:[a-z0-9]+]] = %
// CHECK: %[[EXISTS:.*]] = arith.cmpi ult
// CHECK: %[[NEXT:.*]]:14 = scf.for {{.*}} iter_args
// CHECK-COUNT-14: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// CHECK: arith.select %[[EXISTS]], %[[NEXT]]#0, %[[SUM]] : vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @wide_edges(%x: memref<1x?x48xf32>, %w: memref<1x1x3x48x16xf32>, %y: memref<1x?x16xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 30>, pads_begin = array<i64: 30>, pads_end = array<i64: 30>, epilogue_maps = []} {
    ^bb0(%s: f32):
      kernel.yield %s : f32
    } : (memref<1x?x48xf32>, memref<1x1x3x48x16xf32>, memref<1x?x16xf32>) -> ()
    return
  }
}
