// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector,canonicalize))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector))' --mlir-disable-threading --remarks-filter=vectors -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] vectors {{.*}}"4 elements at a time, transposing squares of them in registers"

#in = affine_map<(d0, d1, d2, d3) -> (d0, d3, d1, d2)>
#out = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>

// NCHW to NHWC: pixels are one loop; squares of 4 x 4, no scalar load.
// CHECK-LABEL: @channels_last
// CHECK-SAME: %[[IN:.*]]: memref<1x8x4x6xf32>
// CHECK: memref.collapse_shape {{.*}} into memref<8x24xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c24 step %c4
// CHECK: scf.for %{{.*}} = %c0 to %c8 step %c4
// CHECK-COUNT-4: vector.load {{.*}} memref<8x24xf32>, vector<4xf32>
// CHECK-COUNT-8: vector.shuffle
// CHECK-COUNT-4: vector.store {{.*}} memref<24x8xf32>, vector<4xf32>
// CHECK-NOT: memref.load
func.func @channels_last(%a: memref<1x8x4x6xf32>, %b: memref<1x4x6x8xf32>) {
  linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a : memref<1x8x4x6xf32>) outs(%b : memref<1x4x6x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}

// What lies between the loops of the squares is inside of a row of them: 4 columns, then the other 12 beside them. Along pixels
// 4 at a time would do without a square, but each store of one element would touch another line.
// CHECK-LABEL: @shuffled_channels
// CHECK: scf.for %[[ROW:.*]] = %c0 to %c24 step %c4
// CHECK: scf.for %[[NEAR:.*]] = %c0 to %c3 step %c1
// CHECK-COUNT-4: vector.load {{.*}} memref<4x3x24xf32>, vector<4xf32>
// CHECK: vector.store %{{.*}}, %{{.*}}[%[[ROW]], %[[NEAR]], %c0] : memref<24x3x4xf32>, vector<4xf32>
func.func @shuffled_channels(%a: memref<4x3x24xf32>, %b: memref<24x3x4xf32>) {
  linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d1, d0)>, affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
                  iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%a : memref<4x3x24xf32>) outs(%b : memref<24x3x4xf32>) {
  ^bb0(%x: f32, %y: f32):
    linalg.yield %x : f32
  }
  return
}
