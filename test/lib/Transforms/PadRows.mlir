// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(pad-rows))' | FileCheck %s

// A product reads rows that are 4 KiB apart; views of the longer rows, and who else reads them, follow.
// CHECK-LABEL: @product
// CHECK: %[[PLACE:.*]] = memref.alloc() {alignment = 64 : i64} : memref<14x14x1040xf32>
// CHECK: %[[ROWS:.*]] = memref.subview %[[PLACE]][0, 0, 0] [14, 14, 1024] [1, 1, 1] : memref<14x14x1040xf32> to memref<14x14x1024xf32, strided<[14560, 1040, 1]>>
// CHECK: memref.copy %arg0, %[[ROWS]]
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %[[ROWS]] {{.*}} into memref<196x1024xf32, strided<[1040, 1]>>
// CHECK: %[[HALF:.*]] = memref.subview %[[FLAT]][0, 512] [196, 512] [1, 1] : {{.*}} to memref<196x512xf32, strided<[1040, 1], offset: 512>>
// CHECK: kernel.contract(%[[HALF]], %arg1, %arg2)
func.func @product(%x: memref<14x14x1024xf32>, %w: memref<1x512x32xf32>, %y: memref<196x32xf32>) {
  %a = memref.alloc() {alignment = 64 : i64} : memref<14x14x1024xf32>
  memref.copy %x, %a : memref<14x14x1024xf32> to memref<14x14x1024xf32>
  %flat = memref.collapse_shape %a [[0, 1], [2]] : memref<14x14x1024xf32> into memref<196x1024xf32>
  %half = memref.subview %flat[0, 512] [196, 512] [1, 1] : memref<196x1024xf32> to memref<196x512xf32, strided<[1024, 1], offset: 512>>
  kernel.contract(%half, %w, %y) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (memref<196x512xf32, strided<[1024, 1], offset: 512>>, memref<1x512x32xf32>, memref<196x32xf32>) -> ()
  return
}

// The number of rows may be known at run time only.
// CHECK-LABEL: @batch
// CHECK: memref.alloc(%arg3) : memref<?x2064xf32>
func.func @batch(%x: memref<?x2048xf32>, %w: memref<1x2048x32xf32>, %y: memref<?x32xf32>, %n: index) {
  %a = memref.alloc(%n) : memref<?x2048xf32>
  memref.copy %x, %a : memref<?x2048xf32> to memref<?x2048xf32>
  kernel.contract(%a, %w, %y) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (memref<?x2048xf32>, memref<1x2048x32xf32>, memref<?x32xf32>) -> ()
  return
}

// What the caller owns, or a view does not let go, is copied where the product has many columns.
// CHECK-LABEL: @copies
// CHECK: %[[PLACE:.*]] = memref.alloc() {alignment = 64 : i64} : memref<14x1040xf32>
// CHECK: %[[ROWS:.*]] = memref.subview %[[PLACE]][0, 0] [14, 1024] [1, 1]
// CHECK: memref.copy %arg0, %[[ROWS]]
// CHECK: kernel.contract(%[[ROWS]], %arg1, %arg2)
func.func @copies(%x: memref<14x1024xf32>, %w: memref<8x1024x32xf32>, %y: memref<14x256xf32>) {
  kernel.contract(%x, %w, %y) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (memref<14x1024xf32>, memref<8x1024x32xf32>, memref<14x256xf32>) -> ()
  return
}

// Where rows and columns are one dimension, where rows are few, where no product reads them, or where they are not 4 KiB
// apart, all stays.
// CHECK-LABEL: @others
// CHECK: memref.alloc() : memref<14x1024xf32>
// CHECK: memref.alloc() : memref<7x1024xf32>
// CHECK: memref.alloc() : memref<14x1024xf32>
// CHECK: memref.alloc() : memref<14x512xf32>
func.func @others(%x: memref<14x1024xf32>, %w: memref<1x1024x32xf32>, %y: memref<14x32xf32>, %z: memref<14336xf32>) {
  %a = memref.alloc() : memref<14x1024xf32>
  memref.copy %x, %a : memref<14x1024xf32> to memref<14x1024xf32>
  %flat = memref.collapse_shape %a [[0, 1]] : memref<14x1024xf32> into memref<14336xf32>
  memref.copy %flat, %z : memref<14336xf32> to memref<14336xf32>
  kernel.contract(%a, %w, %y) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (memref<14x1024xf32>, memref<1x1024x32xf32>, memref<14x32xf32>) -> ()
  %b = memref.alloc() : memref<7x1024xf32>
  %few = memref.subview %y[0, 0] [7, 32] [1, 1] : memref<14x32xf32> to memref<7x32xf32, strided<[32, 1]>>
  kernel.contract(%b, %w, %few) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (memref<7x1024xf32>, memref<1x1024x32xf32>, memref<7x32xf32, strided<[32, 1]>>) -> ()
  %c = memref.alloc() : memref<14x1024xf32>
  memref.copy %x, %c : memref<14x1024xf32> to memref<14x1024xf32>
  %d = memref.alloc() : memref<14x512xf32>
  %narrow = memref.subview %w[0, 0, 0] [1, 512, 32] [1, 1, 1] : memref<1x1024x32xf32> to memref<1x512x32xf32, strided<[32768, 32, 1]>>
  kernel.contract(%d, %narrow, %y) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (memref<14x512xf32>, memref<1x512x32xf32, strided<[32768, 32, 1]>>, memref<14x32xf32>) -> ()
  return
}
