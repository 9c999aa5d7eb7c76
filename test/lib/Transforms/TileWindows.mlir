// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-windows,canonicalize))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-windows))' --mlir-disable-threading --remarks-filter=fusion -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] fusion {{.*}}"a convolution and the windows behind it in blocks of 3 rows"
// WHY: [Passed] fusion {{.*}}"a convolution and the windows behind it in blocks of 3 rows"
// WHY-NOT: fusion

#bias = affine_map<(d0, d1, d2, d3) -> (d3)>
#whole = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// Of 60 rows of the convolution each block but the first keeps the last two of the block before it.
// CHECK-LABEL: @depthwise
// CHECK: %[[BUFFER:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x5x60x48xf32>
// CHECK: %[[ROWS:.*]] = memref.subview %[[BUFFER]][0, 0, 0, 0] [1, 4, 60, 48] [1, 1, 1, 1]
// CHECK: %[[FIRST:.*]] = memref.subview %arg0[0, 0, 0, 0] [1, 4, 60, 8] [1, 1, 1, 1]
// CHECK: kernel.conv(%[[FIRST]], %arg1, %arg3, %[[ROWS]])
// CHECK: kernel.depthwise({{.*}}pads_begin = array<i64: 1, 1>, pads_end = array<i64: 0, 1>
// CHECK: %[[LAST:.*]] = memref.subview %[[BUFFER]][0, 2, 0, 0] [1, 2, 60, 48] [1, 1, 1, 1]
// CHECK: %[[FRONT:.*]] = memref.subview %[[BUFFER]][0, 0, 0, 0] [1, 2, 60, 48] [1, 1, 1, 1]
// CHECK: memref.copy %[[LAST]], %[[FRONT]]
// CHECK: scf.for %[[BLOCK:.*]] = %c1 to %c19 step %c1
// CHECK: %[[TIMES:.*]] = arith.muli %[[BLOCK]], %c3
// CHECK: %[[AT:.*]] = arith.addi %[[TIMES]], %c1
// CHECK: memref.subview %arg0[0, %[[AT]], 0, 0] [1, 3, 60, 8] [1, 1, 1, 1]
// CHECK: kernel.conv
// CHECK: memref.subview %arg4[0, %{{.*}}, 0, 0] [1, 3, 60, 48] [1, 1, 1, 1]
// CHECK: kernel.depthwise({{.*}}pads_begin = array<i64: 0, 1>, pads_end = array<i64: 0, 1>
// CHECK: memref.subview %[[BUFFER]][0, 3, 0, 0] [1, 2, 60, 48] [1, 1, 1, 1]
// CHECK: memref.copy
// CHECK: }
// CHECK: memref.subview %arg0[0, 58, 0, 0] [1, 2, 60, 8] [1, 1, 1, 1]
// CHECK: kernel.conv
// CHECK: memref.subview %arg4[0, 57, 0, 0] [1, 3, 60, 48] [1, 1, 1, 1]
// CHECK: kernel.depthwise({{.*}}pads_begin = array<i64: 0, 1>, pads_end = array<i64: 1, 1>
// CHECK-NOT: memref.copy
func.func @depthwise(%x: memref<1x60x60x8xf32>, %w: memref<1x3x1x1x8x16xf32>, %d: memref<3x3x48xf32>, %b: memref<48xf32>, %y: memref<1x60x60x48xf32>) {
  %a = memref.alloc() {alignment = 64 : i64} : memref<1x60x60x48xf32>
  kernel.conv(%x, %w, %b, %a) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = [#bias]} {
  ^bb0(%s: f32, %t: f32):
    %z = arith.addf %s, %t : f32
    kernel.yield %z : f32
  } : (memref<1x60x60x8xf32>, memref<1x3x1x1x8x16xf32>, memref<48xf32>, memref<1x60x60x48xf32>) -> ()
  kernel.depthwise(%a, %d, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x60x60x48xf32>, memref<3x3x48xf32>, memref<1x60x60x48xf32>) -> ()
  return
}

// Images of a batch one after the other; the convolution's own windows overlap too.
// CHECK-LABEL: @pool
// CHECK: %[[IMAGES:.*]] = memref.dim %arg0, %c0
// CHECK: scf.for %[[IMAGE:.*]] = %c0 to %[[IMAGES]] step %c1
// CHECK: memref.subview %arg0[%[[IMAGE]], 0, 0, 0] [1, 12, 120, 3] [1, 1, 1, 1]
// CHECK: kernel.conv({{.*}}pads_begin = array<i64: 1, 1>, pads_end = array<i64: 0, 1>
// CHECK: kernel.pool
// CHECK: scf.for %[[BLOCK:.*]] = %c1
// CHECK: memref.subview %arg0[%[[IMAGE]], %{{.*}}, 0, 0] [1, 13, 120, 3] [1, 1, 1, 1]
func.func @pool(%x: memref<?x120x120x3xf32>, %w: memref<1x1x3x3x3x32xf32>, %y: memref<?x30x30x32xf32>, %n: index) {
  %a = memref.alloc(%n) : memref<?x60x60x32xf32>
  kernel.conv(%x, %w, %a) attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<?x120x120x3xf32>, memref<1x1x3x3x3x32xf32>, memref<?x60x60x32xf32>) -> ()
  kernel.pool(%a, %y) attributes {kind = #kernel<pool max>, window = array<i64: 3, 3>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<?x60x60x32xf32>, memref<?x30x30x32xf32>) -> ()
  return
}

// What the cache holds, what others read too, what is written over the image, and elements that an epilogue adds stay.
// CHECK-LABEL: @others
// CHECK-NOT: scf.for
func.func @others(%x: memref<1x60x60x48xf32>, %w: memref<1x3x1x1x48x16xf32>, %d: memref<3x3x48xf32>, %y: memref<1x60x60x48xf32>, %z: memref<1x60x60x48xf32>) {
  %small = memref.subview %x[0, 0, 0, 0] [1, 20, 60, 48] [1, 1, 1, 1] : memref<1x60x60x48xf32> to memref<1x20x60x48xf32, strided<[172800, 2880, 48, 1]>>
  %a = memref.alloc() : memref<1x20x60x48xf32>
  %place = memref.subview %z[0, 0, 0, 0] [1, 20, 60, 48] [1, 1, 1, 1] : memref<1x60x60x48xf32> to memref<1x20x60x48xf32, strided<[172800, 2880, 48, 1]>>
  kernel.conv(%small, %w, %a) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x20x60x48xf32, strided<[172800, 2880, 48, 1]>>, memref<1x3x1x1x48x16xf32>, memref<1x20x60x48xf32>) -> ()
  kernel.depthwise(%a, %d, %place) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x20x60x48xf32>, memref<3x3x48xf32>, memref<1x20x60x48xf32, strided<[172800, 2880, 48, 1]>>) -> ()
  %b = memref.alloc() : memref<1x60x60x48xf32>
  kernel.conv(%x, %w, %b) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x60x60x48xf32>, memref<1x3x1x1x48x16xf32>, memref<1x60x60x48xf32>) -> ()
  kernel.depthwise(%b, %d, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x60x60x48xf32>, memref<3x3x48xf32>, memref<1x60x60x48xf32>) -> ()
  memref.copy %b, %z : memref<1x60x60x48xf32> to memref<1x60x60x48xf32>
  %c = memref.alloc() : memref<1x60x60x48xf32>
  kernel.conv(%x, %w, %c) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x60x60x48xf32>, memref<1x3x1x1x48x16xf32>, memref<1x60x60x48xf32>) -> ()
  kernel.depthwise(%c, %d, %x) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x60x60x48xf32>, memref<3x3x48xf32>, memref<1x60x60x48xf32>) -> ()
  %e = memref.alloc() : memref<1x60x60x48xf32>
  kernel.conv(%x, %w, %z, %e) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = [#whole]} {
  ^bb0(%s: f32, %t: f32):
    %sum = arith.addf %s, %t : f32
    kernel.yield %sum : f32
  } : (memref<1x60x60x48xf32>, memref<1x3x1x1x48x16xf32>, memref<1x60x60x48xf32>, memref<1x60x60x48xf32>) -> ()
  kernel.depthwise(%e, %d, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%s: f32):
    kernel.yield %s : f32
  } : (memref<1x60x60x48xf32>, memref<3x3x48xf32>, memref<1x60x60x48xf32>) -> ()
  return
}
