// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

// 196 tiles of 4x4 pixels in blocks of 28, two register tiles of 14 rows. Scratch rows are a vector longer than needed.
// CHECK-LABEL: @blocks
// CHECK: memref.alloc() {alignment = 64 : i64} : memref<36x28x80xf32>
// CHECK: memref.alloc() {alignment = 64 : i64} : memref<36x28x80xf32>
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c196{{.*}} step %c28
// Transform of tiles inside the image: 36 pixels read, 36 values written; of others those that exist.
// CHECK: scf.parallel
// CHECK: scf.if
// CHECK: scf.for
// CHECK-COUNT-36: vector.load %arg0
// CHECK: } else {
// CHECK-COUNT-36: vector.load %arg0
// CHECK-NOT: vector.load
// CHECK: arith.andi {{.*}} : vector<16xi32>
// Products.
// CHECK: scf.parallel
// CHECK: scf.for {{.*}} step %c14
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-28: vector.fma
// CHECK-NOT: vector.fma
// CHECK: scf.yield
// Back, and through the epilogue: one place that stores outputs.
// CHECK: scf.parallel
// CHECK: vector.store %{{.*}}, %arg2
// CHECK-NOT: vector.store %{{.*}}, %arg2
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @blocks(%x: memref<1x56x56x64xf32>, %w: memref<36x2x64x32xf32>, %y: memref<1x56x56x64xf32>) {
    kernel.winograd(%x, %w, %y) attributes {tile = array<i64: 4, 4>, window = array<i64: 3, 3>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x56x56x64xf32>, memref<36x2x64x32xf32>, memref<1x56x56x64xf32>) -> ()
    return
  }
}

// -----

// Columns of three taps: six points for four outputs, which go from registers to where they belong. Of the second panel
// only the vector that has outputs is multiplied.
// CHECK-LABEL: @columns
// CHECK: memref.alloc() {alignment = 64 : i64} : memref<6x{{.*}}x64xf32>
// CHECK: scf.parallel
// CHECK-COUNT-6: vector.load %arg0
// CHECK: scf.parallel
// CHECK: scf.if
// CHECK: vector.load %arg1
// CHECK-NOT: vector.load %arg1
// CHECK: vector.fma
// CHECK: } else {
// CHECK-COUNT-2: vector.load %arg1
// CHECK: vector.fma
// CHECK: scf.parallel
// CHECK-COUNT-4: vector.store %{{.*}}, %arg2
// CHECK-NOT: vector.store
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @columns(%x: memref<1x58x56x48xf32>, %w: memref<6x2x48x32xf32>, %y: memref<1x56x56x48xf32>) {
    kernel.winograd(%x, %w, %y) attributes {tile = array<i64: 4, 1>, window = array<i64: 3, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x58x56x48xf32>, memref<6x2x48x32xf32>, memref<1x56x56x48xf32>) -> ()
    return
  }
}

// -----

// Of an image whose extents are known at run time no pixel is read where it has none.
// CHECK-LABEL: @extents
// CHECK: scf.parallel
// CHECK: scf.if
// CHECK-COUNT-16: vector.load %arg0
// CHECK: } else {
// CHECK-DAG: %[[ROWS:.*]] = arith.cmpi sgt, %dim{{.*}}, %c0
// CHECK-DAG: %[[COLUMNS:.*]] = arith.cmpi sgt, %dim{{.*}}, %c0
// CHECK: %[[ANY:.*]] = arith.andi %[[ROWS]], %[[COLUMNS]] : i1
// CHECK: scf.if %[[ANY]]
// CHECK-COUNT-16: vector.load %arg0
// CHECK: } else {
// CHECK-NOT: vector.load
// CHECK-COUNT-16: vector.store
// CHECK: scf.parallel
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @extents(%x: memref<1x?x?x48xf32>, %w: memref<16x1x48x32xf32>, %y: memref<1x?x?x32xf32>) {
    kernel.winograd(%x, %w, %y) attributes {tile = array<i64: 2, 2>, window = array<i64: 3, 3>, pads_begin = array<i64: 2, 2>, pads_end = array<i64: 2, 2>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x?x?x48xf32>, memref<16x1x48x32xf32>, memref<1x?x?x32xf32>) -> ()
    return
  }
}

// -----

// The filter is transformed in f64.
// CHECK-LABEL: @pack
// CHECK-COUNT-9: arith.extf
// CHECK: arith.mulf {{.*}} : f64
// CHECK-COUNT-16: arith.truncf
func.func @pack(%w: memref<8x3x3x3xf32>, %u: memref<16x1x3x8xf32>) {
  kernel.pack_winograd(%w, %u) {tile = array<i64: 2, 2>} : (memref<8x3x3x3xf32>, memref<16x1x3x8xf32>) -> ()
  return
}
