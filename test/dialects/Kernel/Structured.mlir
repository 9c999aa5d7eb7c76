// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// What all structured kernels share: the epilogue takes the result and one element of each of its inputs.

// CHECK-LABEL: @epilogue
func.func @epilogue(%x: tensor<2x8x1xf32>, %bias: tensor<8xf32>, %to: tensor<2x8x1xf32>) -> tensor<2x8x1xf32> {
  // CHECK: kernel.softmax(%arg0, %arg1, %arg2) attributes {epilogue_maps = [
  %0 = kernel.softmax(%x, %bias, %to) attributes {epilogue_maps = [affine_map<(o, r, i) -> (r)>]} {
  ^bb0(%value: f32, %b: f32):
    %sum = arith.addf %value, %b : f32
    kernel.yield %sum : f32
  } : (tensor<2x8x1xf32>, tensor<8xf32>, tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  return %0 : tensor<2x8x1xf32>
}

// -----

func.func @maps(%x: tensor<2x8x1xf32>, %bias: tensor<8xf32>, %to: tensor<2x8x1xf32>) -> tensor<2x8x1xf32> {
  // expected-error @+1 {{one epilogue map per epilogue input is needed}}
  %0 = kernel.softmax(%x, %bias, %to) attributes {epilogue_maps = []} {
  ^bb0(%value: f32, %b: f32):
    kernel.yield %value : f32
  } : (tensor<2x8x1xf32>, tensor<8xf32>, tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  return %0 : tensor<2x8x1xf32>
}

// -----

func.func @arguments(%x: tensor<2x8x1xf32>, %to: tensor<2x8x1xf32>) -> tensor<2x8x1xf32> {
  // expected-error @+1 {{epilogue takes the kernel's result and one element per epilogue input}}
  %0 = kernel.softmax(%x, %to) attributes {epilogue_maps = []} {
  ^bb0(%value: f32, %b: f32):
    kernel.yield %value : f32
  } : (tensor<2x8x1xf32>, tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  return %0 : tensor<2x8x1xf32>
}

// -----

func.func @map_rank(%x: tensor<2x8x1xf32>, %bias: tensor<8xf32>, %to: tensor<2x8x1xf32>) -> tensor<2x8x1xf32> {
  // expected-error @+1 {{epilogue map does not lead from the destination's rank to its input's}}
  %0 = kernel.softmax(%x, %bias, %to) attributes {epilogue_maps = [affine_map<(o, r) -> (r)>]} {
  ^bb0(%value: f32, %b: f32):
    kernel.yield %value : f32
  } : (tensor<2x8x1xf32>, tensor<8xf32>, tensor<2x8x1xf32>) -> tensor<2x8x1xf32>
  return %0 : tensor<2x8x1xf32>
}

// -----

func.func @yield(%x: tensor<2x8x1xf32>, %to: tensor<2x8x1xf16>) -> tensor<2x8x1xf16> {
  // expected-error @+1 {{epilogue must yield one value of the destination's element type}}
  %0 = kernel.softmax(%x, %to) attributes {epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<2x8x1xf32>, tensor<2x8x1xf16>) -> tensor<2x8x1xf16>
  return %0 : tensor<2x8x1xf16>
}
