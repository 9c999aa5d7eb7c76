// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector,canonicalize))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector))' --remarks-filter=vectors -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
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
