// RUN: nnc-opt %s --split-input-file --verify-diagnostics | nnc-opt | FileCheck %s

// CHECK-LABEL: @lstm
func.func @lstm(%x: tensor<?x2x3xf32>, %w: tensor<16x3xf32>, %r: tensor<16x4xf32>, %b: tensor<16xf32>,
                %n: tensor<2xi32>) -> (tensor<?x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  // CHECK: nn.lstm
  // CHECK-SAME: activations = [#nn<activation sigmoid>, #nn<activation tanh>, #nn<activation tanh>]
  // CHECK-SAME: -> (tensor<?x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  %0:3 = nn.lstm %x, %w, %r, %b, %n {activations = [#nn<activation sigmoid>, #nn<activation tanh>, #nn<activation tanh>],
      alphas = array<f32: 0.0, 0.0, 0.0>, betas = array<f32: 0.0, 0.0, 0.0>, reverse,
      operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 1, 0, 0, 0>}
      : (tensor<?x2x3xf32>, tensor<16x3xf32>, tensor<16x4xf32>, tensor<16xf32>, tensor<2xi32>)
      -> (tensor<?x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  return %0#0, %0#1, %0#2 : tensor<?x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

func.func @weights(%x: tensor<5x2x3xf32>, %w: tensor<9x3xf32>, %r: tensor<12x4xf32>) -> tensor<2x4xf32> {
  // expected-error@+2 {{weights does not fit the input and the recurrent weights: 'tensor<9x3xf32>'}}
  // expected-error@+1 {{failed to infer returned types}}
  %0:2 = nn.gru %x, %w, %r {activations = [#nn<activation sigmoid>, #nn<activation tanh>], alphas = array<f32: 0.0, 0.0>,
      betas = array<f32: 0.0, 0.0>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>}
      : (tensor<5x2x3xf32>, tensor<9x3xf32>, tensor<12x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  return %0#1 : tensor<2x4xf32>
}

// -----

func.func @activations(%x: tensor<5x2x3xf32>, %w: tensor<4x3xf32>, %r: tensor<4x4xf32>) -> tensor<2x4xf32> {
  // expected-error@+1 {{needs 1 activations with as many alphas and betas}}
  %0:2 = nn.rnn %x, %w, %r {activations = [], alphas = array<f32>, betas = array<f32>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0>}
      : (tensor<5x2x3xf32>, tensor<4x3xf32>, tensor<4x4xf32>) -> (tensor<5x2x4xf32>, tensor<2x4xf32>)
  return %0#1 : tensor<2x4xf32>
}
