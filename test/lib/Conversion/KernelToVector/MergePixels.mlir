// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

#all = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#channel = affine_map<(d0, d1, d2, d3) -> (d3)>
#image = affine_map<(d0, d1, d2, d3) -> (d0, d3)>

// A result reads one pixel: all rows are one, which threads share in parts of 8 tiles. What the epilogue reads follows.
// CHECK-LABEL: @pointwise
// CHECK-DAG: %[[X:.*]] = memref.collapse_shape %arg0 {{\[\[}}0], [1, 2], [3]] : memref<?x?x?x48xf32> into memref<?x?x48xf32>
// CHECK-DAG: %[[R:.*]] = memref.collapse_shape %arg2 {{\[\[}}0], [1, 2], [3]] : memref<?x?x?x32xf32> into memref<?x?x32xf32>
// CHECK-DAG: %[[Y:.*]] = memref.collapse_shape %arg5 {{\[\[}}0], [1, 2], [3]] : memref<?x?x?x32xf32> into memref<?x?x32xf32>
// CHECK: scf.parallel
// CHECK: %[[END:.*]] = arith.addi %{{.*}}, %c112
// CHECK: arith.minsi %[[END]]
// CHECK: scf.for %[[AT:.*]] = {{.*}} step %c14
// CHECK: memref.load %[[X]]
// CHECK: vector.load %[[R]][%[[IMAGE:.*]], %[[AT]], %{{.*}}]
// CHECK: vector.load %arg3[%[[COLUMN:.*]]] :
// CHECK: vector.load %arg4[%[[IMAGE]], %[[COLUMN]]] :
// CHECK: vector.store %{{.*}}, %[[Y]][%[[IMAGE]], %[[AT]], %[[COLUMN]]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @pointwise(%x: memref<?x?x?x48xf32>, %w: memref<1x1x1x1x48x32xf32>, %r: memref<?x?x?x32xf32>, %b: memref<32xf32>, %s: memref<?x32xf32>, %y: memref<?x?x?x32xf32>) {
    kernel.conv(%x, %w, %r, %b, %s, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = [#all, #channel, #image]} {
    ^bb0(%value: f32, %residual: f32, %bias: f32, %scale: f32):
      %t = arith.addf %value, %residual : f32
      %u = arith.addf %t, %bias : f32
      %v = arith.mulf %u, %scale : f32
      kernel.yield %v : f32
    } : (memref<?x?x?x48xf32>, memref<1x1x1x1x48x32xf32>, memref<?x?x?x32xf32>, memref<32xf32>, memref<?x32xf32>, memref<?x?x?x32xf32>) -> ()
    return
  }
}

// -----

// Whole rows of an image are neighbouring pixels too.
// CHECK-LABEL: @rows
// CHECK: %[[AT:.*]] = arith.muli %arg3, %[[WIDTH:.*]] : index
// CHECK: %[[PIXELS:.*]] = arith.muli %arg4, %[[WIDTH]] : index
// CHECK: %[[ALL:.*]] = memref.collapse_shape %arg0 {{.*}} : memref<1x?x?x48xf32> into memref<1x?x48xf32>
// CHECK: memref.subview %[[ALL]][0, %[[AT]], 0] [1, %[[PIXELS]], 48] [1, 1, 1]
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @rows(%x: memref<1x?x?x48xf32>, %w: memref<1x1x1x1x48x32xf32>, %y: memref<1x?x?x32xf32>, %row: index, %count: index) {
    %c2 = arith.constant 2 : index
    %columns = memref.dim %x, %c2 : memref<1x?x?x48xf32>
    %rows = memref.subview %x[0, %row, 0, 0] [1, %count, %columns, 48] [1, 1, 1, 1] : memref<1x?x?x48xf32> to memref<1x?x?x48xf32, strided<[?, ?, 48, 1], offset: ?>>
    kernel.conv(%rows, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x?x48xf32, strided<[?, ?, 48, 1], offset: ?>>, memref<1x1x1x1x48x32xf32>, memref<1x?x?x32xf32>) -> ()
    return
  }
}

// -----

// A part of each row is not.
// CHECK-LABEL: @parts
// CHECK-NOT: memref.collapse_shape
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @parts(%x: memref<1x?x?x48xf32>, %w: memref<1x1x1x1x48x32xf32>, %y: memref<1x?x?x32xf32>, %rows: index, %columns: index) {
    %part = memref.subview %x[0, 0, 0, 0] [1, %rows, %columns, 48] [1, 1, 1, 1] : memref<1x?x?x48xf32> to memref<1x?x?x48xf32, strided<[?, ?, 48, 1]>>
    kernel.conv(%part, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x?x48xf32, strided<[?, ?, 48, 1]>>, memref<1x1x1x1x48x32xf32>, memref<1x?x?x32xf32>) -> ()
    return
  }
}

// -----

// A slice of the channels of a larger image: rows are apart.
// CHECK-LABEL: @slice
// CHECK-NOT: memref.collapse_shape
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @slice(%x: memref<1x?x?x48xf32>, %w: memref<1x1x1x1x48x32xf32>, %y: memref<1x?x?x32xf32, strided<[?, ?, 64, 1], offset: ?>>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x?x48xf32>, memref<1x1x1x1x48x32xf32>, memref<1x?x?x32xf32, strided<[?, ?, 64, 1], offset: ?>>) -> ()
    return
  }
}

// -----

// Static rows are cut into tiles of their own length.
// CHECK-LABEL: @static
// CHECK-NOT: memref.collapse_shape
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @static(%x: memref<?x7x7x48xf32>, %w: memref<1x1x1x1x48x32xf32>, %y: memref<?x7x7x32xf32>) {
    kernel.conv(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<?x7x7x48xf32>, memref<1x1x1x1x48x32xf32>, memref<?x7x7x32xf32>) -> ()
    return
  }
}
