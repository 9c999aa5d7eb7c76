// RUN: nnc-opt %s --split-input-file --verify-diagnostics

func.func @ranks(%a: tensor<4x8xf32>, %b: tensor<8x16xf32>, %to: tensor<4x16xf32>) {
  // expected-error @+1 {{lhs, packed rhs and destination do not fit}}
  %0 = kernel.contract(%a, %b, %to) attributes {epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<4x8xf32>, tensor<8x16xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @panel(%a: tensor<4x8xf32>, %b: tensor<1x8x?xf32>, %to: tensor<4x16xf32>) {
  // expected-error @+1 {{the width of a panel must be static}}
  %0 = kernel.contract(%a, %b, %to) attributes {epilogue_maps = []} {
  ^bb0(%value: f32):
    kernel.yield %value : f32
  } : (tensor<4x8xf32>, tensor<1x8x?xf32>, tensor<4x16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @pack(%b: tensor<8x16xf32>, %to: tensor<8x16xf32>) {
  // expected-error @+1 {{source and destination do not fit}}
  %0 = kernel.pack_matrix(%b, %to) : (tensor<8x16xf32>, tensor<8x16xf32>) -> tensor<8x16xf32>
  return
}
