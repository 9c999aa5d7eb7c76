// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-windows,canonicalize,cse))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-windows))' --mlir-disable-threading --remarks-filter=fusion -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY-COUNT-1: [Passed] fusion {{.*}}"a convolution and the windows behind it in blocks of rows, where the image between exceeds the cache"
// WHY-NOT: fusion

// Whether there are blocks is known at run time: the first one is the whole image where there are none. The buffer is as
// large as the cache then, else as the image. Only the first block has padding in front of it, and reads in front of the image.
// What a block reads has at most the image's rows, which are known in front of the loop.
// CHECK-LABEL: @run_time
// CHECK: %[[INPUTS:.*]] = memref.dim %arg0, %c1
// CHECK: arith.muli %{{.*}}, %c192
// CHECK: arith.cmpi sgt, %{{.*}}, %c262144
// CHECK: arith.cmpi slt, %{{.*}}, %c131073
// CHECK: %[[TILED:.*]] = arith.andi
// CHECK: %[[HEIGHT:.*]] = arith.select %[[TILED]], %{{.*}}, %[[OUTPUTS:.*]] : index
// CHECK: %[[BLOCKS:.*]] = arith.select %[[TILED]], %{{.*}}, %c1 : index
// CHECK: %[[BYTES:.*]] = arith.select %[[TILED]], %c262144, %{{.*}} : index
// CHECK: %[[BUFFER:.*]] = memref.alloc(%[[BYTES]]) {alignment = 64 : i64} : memref<?xi8>
// CHECK: %[[SCRATCH:.*]] = memref.view %[[BUFFER]][%c0][%{{.*}}, %{{.*}}] : memref<?xi8> to memref<1x?x?x48xf32>
// CHECK: scf.for %[[N:.*]] = %c0 to
// CHECK: %[[FIRST:.*]] = kernel.bounded %{{.*}}, %[[INPUTS]]
// CHECK: memref.subview %arg0[%[[N]], 0, 0, 0] [1, %[[FIRST]], %{{.*}}, 8]
// CHECK: kernel.conv
// CHECK: memref.subview %arg3[%[[N]], 0, 0, 0] [1, %[[HEIGHT]], %{{.*}}, 48]
// CHECK: kernel.depthwise({{.*}}pads_begin = array<i64: 1, 1>
// CHECK: scf.for %[[BLOCK:.*]] = %c1 to %[[BLOCKS]] step %c1
// CHECK: memref.copy
// CHECK: %[[OUTPUT:.*]] = arith.muli %[[BLOCK]], %[[HEIGHT]]
// CHECK: %[[READ:.*]] = kernel.bounded %{{.*}}, %[[INPUTS]]
// CHECK: memref.subview %arg0[%[[N]], %{{.*}}, 0, 0] [1, %[[READ]], %{{.*}}, 8]
// CHECK: kernel.conv
// CHECK: memref.subview %arg3[%[[N]], %[[OUTPUT]], 0, 0]
// CHECK: kernel.depthwise({{.*}}pads_begin = array<i64: 0, 1>
// CHECK: {nnc.holds_kernels}
#bias = affine_map<(d0, d1, d2, d3) -> (d3)>
func.func @run_time(%x: memref<?x?x?x8xf32>, %w: memref<1x3x1x1x8x16xf32>, %d: memref<3x3x48xf32>, %y: memref<?x?x?x48xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %n = memref.dim %x, %c0 : memref<?x?x?x8xf32>
  %h = memref.dim %x, %c1 : memref<?x?x?x8xf32>
  %v = memref.dim %x, %c2 : memref<?x?x?x8xf32>
  %a = memref.alloc(%n, %h, %v) : memref<?x?x?x48xf32>
  kernel.conv(%x, %w, %a) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<?x?x?x8xf32>, memref<1x3x1x1x8x16xf32>, memref<?x?x?x48xf32>) -> ()
  kernel.depthwise(%a, %d, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<?x?x?x48xf32>, memref<3x3x48xf32>, memref<?x?x?x48xf32>) -> ()
  return
}

// Of a usual image, of 224x224, the cache holds what 56x56 pixels have.
// CHECK-LABEL: @small
// CHECK-NOT: scf.for
func.func @small(%x: memref<1x?x?x8xf32>, %w: memref<1x1x1x1x8x16xf32>, %d: memref<3x3x16xf32>, %y: memref<1x?x?x16xf32>) {
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %h = memref.dim %x, %c1 : memref<1x?x?x8xf32>
  %v = arith.divui %h, %c4 : index
  %a = memref.alloc(%v, %v) : memref<1x?x?x16xf32>
  kernel.conv(%x, %w, %a) attributes {strides = array<i64: 4, 4>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x?x?x8xf32>, memref<1x1x1x1x8x16xf32>, memref<1x?x?x16xf32>) -> ()
  kernel.depthwise(%a, %d, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x?x?x16xf32>, memref<3x3x16xf32>, memref<1x?x?x16xf32>) -> ()
  return
}
