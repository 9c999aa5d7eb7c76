// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector),canonicalize,cse)' --split-input-file | FileCheck %s

// Pairs of tiles of 14 pixels, one in a row, by a panel of two tiles of outputs. What is summed is 3 taps of 16
// channels, 12 groups, in one step for each row of taps. The image is copied with zeros around it.
// CHECK-LABEL: @image
// CHECK-SAME: %[[X:.*]]: memref<1x14x14x16xi8>, %[[W:.*]]: memref<1x2x3x3x4x128xi8>
// CHECK: %[[PADDED:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x16x16x16xi8>
// CHECK-COUNT-4: linalg.fill
// CHECK: memref.copy %[[X]]
// CHECK: kernel.tile_configure %c14{{.*}} by 12
// CHECK: kernel.tile_zero 0
// CHECK: kernel.tile_zero 1
// CHECK: kernel.tile_zero 2
// CHECK: kernel.tile_zero 3
// CHECK: scf.for %[[TAP:.*]] = %c0 to %c3
// CHECK: kernel.tile_load 4 from %[[PADDED]][%{{.*}}] along 2 step 1
// CHECK: kernel.tile_load 6 from %[[W]][%{{.*}}] along 4 step 1
// CHECK: kernel.tile_dot 0, 4, 6
// CHECK: kernel.tile_load 7 from %[[W]]
// CHECK: kernel.tile_dot 1, 4, 7
// CHECK: kernel.tile_load 5 from %[[PADDED]]
// CHECK: kernel.tile_dot 2, 5, 6
// CHECK: kernel.tile_dot 3, 5, 7
// CHECK: kernel.tile_store 0 to %[[SUMS:.*]][
// CHECK: scf.for %{{.*}} = %c0 to %c14
// CHECK-COUNT-2: vector.load %[[SUMS]]{{.*}} vector<16xi32>
// CHECK: kernel.tile_release
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true, byteTiles = true>} {
  func.func @image(%x: memref<1x14x14x16xi8>, %w: memref<1x2x3x3x4x128xi8>, %y: memref<1x14x14x64xi32>) {
    kernel.conv(%x, %w, %y) attributes {dilations = array<i64: 1, 1>, epilogue_maps = [], pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<1x14x14x16xi8>, memref<1x2x3x3x4x128xi8>, memref<1x14x14x64xi32>) -> ()
    return
  }
}

// -----

// 7 rows of 7 pixels, 9 from one to the next, are one row of 61: 4 tiles of 16. Of these only pixels of the results are stored.
// CHECK-LABEL: @small
// CHECK: kernel.tile_configure %c16{{.*}} by 12
// CHECK: arith.minsi
// CHECK: arith.divui %{{.*}}, %c9
// CHECK: arith.remui %{{.*}}, %c9
// CHECK: arith.cmpi ult, %{{.*}}, %c7
// CHECK: scf.if
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true, byteTiles = true>} {
  func.func @small(%x: memref<1x7x7x16xi8>, %w: memref<1x1x3x3x4x128xi8>, %y: memref<1x7x7x32xi32>) {
    kernel.conv(%x, %w, %y) attributes {dilations = array<i64: 1, 1>, epilogue_maps = [], pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<1x7x7x16xi8>, memref<1x1x3x3x4x128xi8>, memref<1x7x7x32xi32>) -> ()
    return
  }
}

// -----

// A run-time number of rows is cut into tiles of equal height; few rows are multiplied by vectors.
// CHECK-LABEL: @rows
// CHECK: arith.cmpi sge, %{{.*}}, %c4
// CHECK: scf.if
// CHECK: kernel.tile_configure %{{.*}} by 16
// CHECK: kernel.tile_dot 0, 4, 6 bf16
// CHECK: else
// CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, bf16Dot = "llvm.x86.avx512bf16.dpbf16ps.512", bf16Tiles = true>} {
  func.func @rows(%a: memref<?x64xbf16>, %b: memref<1x32x64xbf16>, %c: memref<?x32xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<?x64xbf16>, memref<1x32x64xbf16>, memref<?x32xf32>) -> ()
    return
  }
}

// -----

// No tiles: of 17 groups there are no equal steps (17 of one group would leave a tile nearly empty).
// CHECK-LABEL: @uneven
// CHECK-NOT: kernel.tile
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true, byteTiles = true>} {
  func.func @uneven(%a: memref<40x68xi8>, %b: memref<1x17x128xi8>, %c: memref<40x32xi32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<40x68xi8>, memref<1x17x128xi8>, memref<40x32xi32>) -> ()
    return
  }
}

// -----

// Many weights of a constant, of which the product reads a view: each of four pairs of tiles brings a quarter of the next
// panel's. Two pairs would bring too much at once.
// CHECK-LABEL: @ahead
// CHECK: %[[W:.*]] = memref.get_global @w
// CHECK: %[[VIEW:.*]] = memref.expand_shape %[[W]]
// CHECK-COUNT-8: memref.prefetch %[[VIEW]]
// CHECK-NOT: memref.prefetch
// CHECK-LABEL: @few
// CHECK-NOT: memref.prefetch
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true, byteTiles = true>} {
  memref.global "private" constant @w : memref<16x64x128xi8> = dense<1>
  func.func @ahead(%a: memref<128x256xi8>, %c: memref<128x512xi32>) {
    %b = memref.get_global @w : memref<16x64x128xi8>
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<128x256xi8>, memref<16x64x128xi8>, memref<128x512xi32>) -> ()
    return
  }
  func.func @few(%a: memref<64x256xi8>, %c: memref<64x512xi32>) {
    %b = memref.get_global @w : memref<16x64x128xi8>
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<64x256xi8>, memref<16x64x128xi8>, memref<64x512xi32>) -> ()
    return
  }
}

// -----

// Negative pads cut the image, which only vectors do.
// CHECK-LABEL: @cut
// CHECK-NOT: kernel.tile
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true, byteTiles = true>} {
  func.func @cut(%x: memref<1x14x14x16xi8>, %w: memref<1x2x3x3x4x128xi8>, %y: memref<1x12x12x64xi32>) {
    kernel.conv(%x, %w, %y) attributes {dilations = array<i64: 1, 1>, epilogue_maps = [], pads_begin = array<i64: -1, 1>, pads_end = array<i64: 1, -1>, strides = array<i64: 1, 1>} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<1x14x14x16xi8>, memref<1x2x3x3x4x128xi8>, memref<1x12x12x64xi32>) -> ()
    return
  }
}
