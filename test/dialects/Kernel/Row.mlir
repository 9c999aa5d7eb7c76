// RUN: nnc-opt %s --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<2x8xf32>, %to: tensor<2x8xf32>) {
  // expected-error @+1 {{expects an input of rank 3 and a destination of rank 3}}
  %0 = kernel.softmax(%x, %to) attributes {epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @reduce_rank(%x: tensor<2x8x1xf32>, %to: tensor<2x1x1xf32>) {
  // expected-error @+1 {{expects an input of rank 3 and a destination of rank 2}}
  %0 = kernel.reduce(%x, %to) attributes {kind = #kernel<reduction sum>, epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<2x8x1xf32>, tensor<2x1x1xf32>) -> tensor<2x1x1xf32>
  return
}

// -----

func.func @integer_mean(%x: tensor<2x8x1xi32>, %to: tensor<2x1xi32>) {
  // expected-error @+1 {{has no mean of integers}}
  %0 = kernel.reduce(%x, %to) attributes {kind = #kernel<reduction mean>, epilogue_maps = []} {
  ^bb0(%value: i32):
    kernel.yield %value : i32
  } : (tensor<2x8x1xi32>, tensor<2x1xi32>) -> tensor<2x1xi32>
  return
}

// -----

func.func @wide_keys(%x: tensor<2x8x1xf64>, %to: tensor<2x3x1xi64>) {
  // expected-error @+1 {{has no keys of elements of more than 32 bits}}
  %0 = kernel.top_k(%x, %to) : (tensor<2x8x1xf64>, tensor<2x3x1xi64>) -> tensor<2x3x1xi64>
  return
}
