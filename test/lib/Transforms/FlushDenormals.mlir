// RUN: nnc-opt %s --flush-denormals | FileCheck %s
// RUN: nnc-opt %s --flush-denormals --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] algorithm {{.*}}"2 denormal weights and biases count as zero: many CPUs are slow with them"
// WHY-NOT: algorithm

// Of weights, and of what is added to the sums; what scales them stays.
// CHECK-LABEL: @ordinary
// CHECK-DAG: %[[SCALE:.*]] = arith.constant dense<[2.000000e+00, 9.999940e-41]> : tensor<2xf32>
// CHECK-DAG: %[[WEIGHTS:.*]] = arith.constant dense_resource<[[W:.*]]> : tensor<1x1x2xf32>
// CHECK-DAG: %[[BIAS:.*]] = arith.constant dense_resource<[[B:.*]]> : tensor<2xf32>
// CHECK: kernel.contract(%arg0, %[[WEIGHTS]], %[[SCALE]], %[[BIAS]], %arg1)
func.func @ordinary(%x: tensor<3x1xf32>, %init: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<[[[1.0, -1.0e-40]]]> : tensor<1x1x2xf32>
  %scale = arith.constant dense<[2.0, 1.0e-40]> : tensor<2xf32>
  %bias = arith.constant dense<[1.0e-40, 1.0]> : tensor<2xf32>
  %0 = kernel.contract(%x, %w, %scale, %bias, %init) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d1)>]} {
  ^bb0(%value: f32, %s: f32, %b: f32):
    %1 = arith.mulf %value, %s : f32
    %2 = arith.addf %1, %b : f32
    kernel.yield %2 : f32
  } : (tensor<3x1xf32>, tensor<1x1x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// All of it is tiny.
// CHECK-LABEL: @tiny
// CHECK: arith.constant dense<{{.*}}1.000000e-30, 9.999940e-41{{.*}}>
func.func @tiny(%x: tensor<3x1xf32>, %init: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<[[[1.0e-30, 1.0e-40]]]> : tensor<1x1x2xf32>
  %0 = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<3x1xf32>, tensor<1x1x2xf32>, tensor<3x2xf32>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}

// CHECK-DAG: [[W]]: "0x{{[0-9A-F]*}}0000803F00000080"
// CHECK-DAG: [[B]]: "0x{{[0-9A-F]*}}000000000000803F"
