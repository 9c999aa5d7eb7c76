// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

// Four pixels of 16 channels side by side; the largest by compare and select, which is one instruction.
// CHECK-LABEL: @max_pool
// CHECK: scf.parallel
// CHECK: scf.for {{.*}} iter_args
// CHECK-COUNT-8: arith.cmpf ogt, {{.*}} : vector<16xf32>
// CHECK-NOT: arith.cmpf
// CHECK-NOT: arith.maximumf
// CHECK: scf.yield
// CHECK-COUNT-4: vector.store %{{.*}} : memref<1x4x4x16xf32>, vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @max_pool(%x: memref<1x8x8x16xf32>, %y: memref<1x4x4x16xf32>) {
    kernel.pool(%x, %y) attributes {kind = #kernel<pool max>, window = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x8x8x16xf32>, memref<1x4x4x16xf32>) -> ()
    return
  }
}

// -----

// 20 channels are one vector of 16 and one of 4; no masks.
// CHECK-LABEL: @depthwise
// CHECK: vector.fma {{.*}} : vector<16xf32>
// CHECK: vector.store %{{.*}} : memref<1x6x20xf32>, vector<16xf32>
// CHECK: vector.fma {{.*}} : vector<4xf32>
// CHECK: vector.store %{{.*}} : memref<1x6x20xf32>, vector<4xf32>
// CHECK-NOT: vector.mask
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @depthwise(%x: memref<1x8x20xf32>, %w: memref<3x20xf32>, %y: memref<1x6x20xf32>) {
    kernel.depthwise(%x, %w, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x8x20xf32>, memref<3x20xf32>, memref<1x6x20xf32>) -> ()
    return
  }
}

// -----

// The mean of a window at the edge divides by what lies inside.
// CHECK-LABEL: @average_pool
// CHECK: arith.addf {{.*}} : vector<8xf32>
// CHECK: arith.constant 2.000000e+00
// CHECK: arith.divf
// CHECK: vector.store %{{.*}} : memref<1x4x8xf32>, vector<8xf32>
// CHECK: arith.constant 3.000000e+00
// CHECK: arith.divf
// CHECK: vector.store %{{.*}} : memref<1x4x8xf32>, vector<8xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @average_pool(%x: memref<1x4x8xf32>, %y: memref<1x4x8xf32>) {
    kernel.pool(%x, %y) attributes {kind = #kernel<pool average>, window = array<i64: 3>, strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x4x8xf32>, memref<1x4x8xf32>) -> ()
    return
  }
}

// -----

// Run-time extents: a full tile that is not inside, and smaller tiles, test the first tap of the first pixel and the last
// tap of the last one.
// CHECK-LABEL: @run_time_extents
// CHECK: scf.for {{.*}} step %c10
// CHECK: %[[INSIDE:.*]] = arith.andi
// CHECK: scf.if %[[INSIDE]]
// CHECK: scf.for {{.*}} iter_args
// CHECK-NOT: scf.if
// CHECK-COUNT-30: vector.fma
// CHECK: } else {
// CHECK: %[[FIRST:.*]] = arith.cmpi ult, %{{.*}}, %[[EXTENT:.*]] : index
// CHECK-COUNT-9: vector.fma
// CHECK: scf.if %[[FIRST]] -> (vector<16xf32>)
// CHECK-COUNT-11: vector.fma
// CHECK: %[[LAST:.*]] = arith.cmpi ult, %{{.*}}, %[[EXTENT]] : index
// CHECK-COUNT-9: vector.fma
// CHECK: scf.if %[[LAST]] -> (vector<16xf32>)
// CHECK: scf.for {{.*}} step %c5
// CHECK: scf.if {{.*}} -> (vector<16xf32>)
// CHECK: scf.for {{.*}} step %c4
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_extents(%x: memref<1x?x?x16xf32>, %w: memref<3x3x16xf32>, %y: memref<1x?x?x16xf32>) {
    kernel.depthwise(%x, %w, %y) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x?x16xf32>, memref<3x3x16xf32>, memref<1x?x?x16xf32>) -> ()
    return
  }
}

// -----

// Without padding all tiles are inside.
// CHECK-LABEL: @run_time_extents_without_padding
// CHECK-NOT: scf.if
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_extents_without_padding(%x: memref<1x?x16xf32>, %w: memref<3x16xf32>, %y: memref<1x?x16xf32>) {
    kernel.depthwise(%x, %w, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x16xf32>, memref<3x16xf32>, memref<1x?x16xf32>) -> ()
    return
  }
}

// -----

// Padding that is wider than the window: at the edges pixels are taken one by one.
// CHECK-LABEL: @run_time_extents_wide_padding
// CHECK-NOT: scf.if
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_extents_wide_padding(%x: memref<1x?x16xf32>, %w: memref<3x16xf32>, %y: memref<1x?x16xf32>) {
    kernel.depthwise(%x, %w, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 4>, pads_end = array<i64: 4>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x?x16xf32>, memref<3x16xf32>, memref<1x?x16xf32>) -> ()
    return
  }
}

// -----

// Of images of one channel a vector holds neighbouring pixels; of a stride of 2 every second element of two loads, the last of
// which ends with the last element. Each image has a filter of its own. The first pixel, whose window begins before the row,
// is computed by itself.
// CHECK-LABEL: @planes
// CHECK: memref.load %arg0
// CHECK: %[[FIRST:.*]] = vector.load {{.*}} : memref<2x35xf32>, vector<16xf32>
// CHECK: %[[LAST:.*]] = vector.load {{.*}} : memref<2x35xf32>, vector<16xf32>
// CHECK: vector.shuffle %[[FIRST]], %[[LAST]] [0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31]
// CHECK: memref.load %arg1[%{{.*}}, %[[IMAGE:.*]]]
// CHECK: vector.store {{.*}} : memref<2x18xf32>, vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @planes(%x: memref<2x35x1xf32>, %w: memref<3x2xf32>, %y: memref<2x18x1xf32>) {
    kernel.depthwise(%x, %w, %y) attributes {strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<2x35x1xf32>, memref<3x2xf32>, memref<2x18x1xf32>) -> ()
    return
  }
}

// -----

// Unsigned bytes in f32.
// CHECK-LABEL: @depthwise_bytes
// CHECK: %[[BYTES:.*]] = vector.load %{{.*}} : memref<1x8x16xi8>, vector<16xi8>
// CHECK: %[[WIDE:.*]] = arith.extui %[[BYTES]] : vector<16xi8> to vector<16xi32>
// CHECK: %[[X:.*]] = arith.sitofp %[[WIDE]] : vector<16xi32> to vector<16xf32>
// CHECK: vector.fma %[[X]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @depthwise_bytes(%x: memref<1x8x16xi8>, %w: memref<3x16xf32>, %y: memref<1x6x16xi32>) {
    kernel.depthwise(%x, %w, %y) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, is_unsigned, epilogue_maps = []} {
    ^bb0(%value: f32):
      %sum = arith.fptosi %value : f32 to i32
      kernel.yield %sum : i32
    } : (memref<1x8x16xi8>, memref<3x16xf32>, memref<1x6x16xi32>) -> ()
    return
  }
}
