// RUN: nnc-opt %s --update-in-place | FileCheck %s

// The sum takes the place of its second operand; the first dimension, which is 1, may be read as 0.
// CHECK-LABEL: @residual
// CHECK: %[[X:.*]] = memref.alloc() {name = "x"}
// CHECK-NOT: memref.alloc
// CHECK: kernel.contract(%arg0, %arg1, %[[X]], %[[X]])
// CHECK: memref.copy %[[X]], %arg2
func.func @residual(%a: memref<1x8x4xf32>, %b: memref<1x1x4x16xf32>, %out: memref<1x8x16xf32>) {
  %sum = memref.alloc() {name = "sum"} : memref<1x8x16xf32>
  %x = memref.alloc() {name = "x"} : memref<1x8x16xf32>
  memref.copy %out, %x : memref<1x8x16xf32> to memref<1x8x16xf32>
  kernel.contract(%a, %b, %x, %sum) attributes {epilogue_maps = [affine_map<(d0, d1, d2) -> (0, d1, d2)>]} {
  ^bb0(%0: f32, %1: f32):
    %2 = arith.addf %0, %1 : f32
    kernel.yield %2 : f32
  } : (memref<1x8x4xf32>, memref<1x1x4x16xf32>, memref<1x8x16xf32>, memref<1x8x16xf32>) -> ()
  memref.copy %sum, %out : memref<1x8x16xf32> to memref<1x8x16xf32>
  return
}

// What is read later, through a view, stays.
// CHECK-LABEL: @read_later
// CHECK: kernel.contract(%arg0, %arg1, %[[X:.*]], %[[SUM:.*]]) attributes
// CHECK: memref.copy %[[SUM]]
func.func @read_later(%a: memref<8x4xf32>, %b: memref<1x4x16xf32>, %out: memref<8x16xf32>, %again: memref<128xf32>) {
  %x = memref.alloc() : memref<8x16xf32>
  %sum = memref.alloc() : memref<8x16xf32>
  %view = memref.collapse_shape %x [[0, 1]] : memref<8x16xf32> into memref<128xf32>
  memref.copy %out, %x : memref<8x16xf32> to memref<8x16xf32>
  kernel.contract(%a, %b, %x, %sum) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%0: f32, %1: f32):
    %2 = arith.addf %0, %1 : f32
    kernel.yield %2 : f32
  } : (memref<8x4xf32>, memref<1x4x16xf32>, memref<8x16xf32>, memref<8x16xf32>) -> ()
  memref.copy %sum, %out : memref<8x16xf32> to memref<8x16xf32>
  memref.copy %view, %again : memref<128xf32> to memref<128xf32>
  return
}

// x + x b: each row of x is still multiplied when the first columns of the sum are stored.
// CHECK-LABEL: @multiplied
// CHECK: kernel.contract(%[[VIEW:.*]], %arg0, %[[X:.*]], %[[SUM:.*]]) attributes
// CHECK: memref.copy %[[SUM]]
func.func @multiplied(%b: memref<1x16x16xf32>, %out: memref<8x16xf32>) {
  %x = memref.alloc() {name = "x"} : memref<8x16xf32>
  %sum = memref.alloc() {name = "sum"} : memref<8x16xf32>
  memref.copy %out, %x : memref<8x16xf32> to memref<8x16xf32>
  %view = memref.subview %x[0, 0] [8, 16] [1, 1] : memref<8x16xf32> to memref<8x16xf32, strided<[16, 1]>>
  kernel.contract(%view, %b, %x, %sum) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%0: f32, %1: f32):
    %2 = arith.addf %0, %1 : f32
    kernel.yield %2 : f32
  } : (memref<8x16xf32, strided<[16, 1]>>, memref<1x16x16xf32>, memref<8x16xf32>, memref<8x16xf32>) -> ()
  memref.copy %sum, %out : memref<8x16xf32> to memref<8x16xf32>
  return
}

// One row for all: others need it too.
// CHECK-LABEL: @broadcast
// CHECK: kernel.contract(%arg0, %arg1, %[[X:.*]], %[[SUM:.*]]) attributes
// CHECK: memref.copy %[[SUM]]
func.func @broadcast(%a: memref<8x4xf32>, %b: memref<1x4x8xf32>, %out: memref<8x8xf32>) {
  %x = memref.alloc() {name = "x"} : memref<8x8xf32>
  %sum = memref.alloc() {name = "sum"} : memref<8x8xf32>
  memref.copy %out, %x : memref<8x8xf32> to memref<8x8xf32>
  kernel.contract(%a, %b, %x, %sum) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d1, d0)>]} {
  ^bb0(%0: f32, %1: f32):
    %2 = arith.addf %0, %1 : f32
    kernel.yield %2 : f32
  } : (memref<8x4xf32>, memref<1x4x8xf32>, memref<8x8xf32>, memref<8x8xf32>) -> ()
  memref.copy %sum, %out : memref<8x8xf32> to memref<8x8xf32>
  return
}

// The caller's inputs are not changed.
// CHECK-LABEL: @of_the_caller
// CHECK: kernel.contract(%arg0, %arg1, %arg2, %[[SUM:.*]]) attributes
// CHECK: memref.copy %[[SUM]]
func.func @of_the_caller(%a: memref<8x4xf32>, %b: memref<1x4x16xf32>, %x: memref<8x16xf32>, %out: memref<8x16xf32>) {
  %sum = memref.alloc() : memref<8x16xf32>
  kernel.contract(%a, %b, %x, %sum) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%0: f32, %1: f32):
    %2 = arith.addf %0, %1 : f32
    kernel.yield %2 : f32
  } : (memref<8x4xf32>, memref<1x4x16xf32>, memref<8x16xf32>, memref<8x16xf32>) -> ()
  memref.copy %sum, %out : memref<8x16xf32> to memref<8x16xf32>
  return
}

// A choice gives x another name, by which it is read later.
// CHECK-LABEL: @chosen
// CHECK: kernel.contract(%arg0, %arg1, %[[X:.*]], %[[SUM:.*]]) attributes
// CHECK: memref.copy %[[SUM]]
func.func @chosen(%a: memref<8x4xf32>, %b: memref<1x4x16xf32>, %out: memref<8x16xf32>, %other: memref<8x16xf32>, %which: i1) {
  %x = memref.alloc() {name = "x"} : memref<8x16xf32>
  %sum = memref.alloc() {name = "sum"} : memref<8x16xf32>
  memref.copy %out, %x : memref<8x16xf32> to memref<8x16xf32>
  %chosen = arith.select %which, %x, %out : memref<8x16xf32>
  kernel.contract(%a, %b, %x, %sum) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
  ^bb0(%0: f32, %1: f32):
    %2 = arith.addf %0, %1 : f32
    kernel.yield %2 : f32
  } : (memref<8x4xf32>, memref<1x4x16xf32>, memref<8x16xf32>, memref<8x16xf32>) -> ()
  memref.copy %sum, %out : memref<8x16xf32> to memref<8x16xf32>
  memref.copy %chosen, %other : memref<8x16xf32> to memref<8x16xf32>
  return
}
