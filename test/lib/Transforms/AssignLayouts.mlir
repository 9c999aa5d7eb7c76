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

// An instance normalization without neighbours has no transposes that could cancel.
// CHECK-LABEL: @instance_norm_alone
// CHECK-NOT: nn.transpose
// CHECK: nn.instance_norm {{.*}}channels_first
func.func @instance_norm_alone(%x: tensor<2x3x4x5xf32>, %s: tensor<3xf32>, %b: tensor<3xf32>) -> tensor<2x3x4x5xf32> {
  %0 = nn.instance_norm %x, %s, %b {layout = #nn<layout channels_first>, epsilon = 1.0e-05 : f64} : (tensor<2x3x4x5xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<2x3x4x5xf32>
  %1 = nn.relu %0 : (tensor<2x3x4x5xf32>) -> tensor<2x3x4x5xf32>
  return %1 : tensor<2x3x4x5xf32>
}
