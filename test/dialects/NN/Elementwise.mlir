// RUN: nnc-opt %s | nnc-opt | FileCheck %s

// CHECK-LABEL: @broadcast
func.func @broadcast(%a: tensor<4x?xf32>, %b: tensor<3x1x1xf32>) -> tensor<3x4x?xf32> {
  // CHECK: nn.add %{{.*}}, %{{.*}} : (tensor<4x?xf32>, tensor<3x1x1xf32>) -> tensor<3x4x?xf32>
  %0 = nn.add %a, %b : (tensor<4x?xf32>, tensor<3x1x1xf32>) -> tensor<3x4x?xf32>
  return %0 : tensor<3x4x?xf32>
}

// CHECK-LABEL: @bitcast
func.func @bitcast(%a: tensor<4x?xf32>, %b: tensor<3xi1>) -> (tensor<4x?xui32>, tensor<3xi8>) {
  // CHECK: nn.bitcast %{{.*}} {to = ui32}
  %0 = nn.bitcast %a {to = ui32} : (tensor<4x?xf32>) -> tensor<4x?xui32>
  %1 = nn.bitcast %b {to = i8} : (tensor<3xi1>) -> tensor<3xi8>
  return %0, %1 : tensor<4x?xui32>, tensor<3xi8>
}
