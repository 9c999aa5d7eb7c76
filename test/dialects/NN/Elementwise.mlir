// RUN: nnc-opt %s | nnc-opt | FileCheck %s

// CHECK-LABEL: @broadcast
func.func @broadcast(%a: tensor<4x?xf32>, %b: tensor<3x1x1xf32>) -> tensor<3x4x?xf32> {
  // CHECK: nn.add %{{.*}}, %{{.*}} : (tensor<4x?xf32>, tensor<3x1x1xf32>) -> tensor<3x4x?xf32>
  %0 = nn.add %a, %b : (tensor<4x?xf32>, tensor<3x1x1xf32>) -> tensor<3x4x?xf32>
  return %0 : tensor<3x4x?xf32>
}
