// RUN: nnc-opt %s --assign-layouts | FileCheck %s
// RUN: nnc-opt %s --assign-layouts --remarks-filter=layout -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] layout {{.*}}"channels last

// CHECK-LABEL: @spatial
func.func @spatial(%x: tensor<1x8x4x6xf32>) -> tensor<1x2x8x12xf32> {
  // CHECK: %[[T:.*]] = nn.transpose %{{.*}} {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x4x6xf32>) -> tensor<1x4x6x8xf32>
  // CHECK: %[[D:.*]] = nn.depth_to_space %[[T]] {{.*}}channels_last{{.*}} -> tensor<1x8x12x2xf32>
  // CHECK: %[[B:.*]] = nn.transpose %[[D]] {permutation = array<i64: 0, 3, 1, 2>}
  // CHECK: return %[[B]]
  %0 = nn.depth_to_space %x {block = 2 : i64, layout = #nn<layout channels_first>} : (tensor<1x8x4x6xf32>) -> tensor<1x2x8x12xf32>
  return %0 : tensor<1x2x8x12xf32>
}
