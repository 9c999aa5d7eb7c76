// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// One product for all steps; in the loop one product, and one pass over the gates that updates both states in place.
// CHECK-LABEL: @lstm
func.func @lstm(%x: tensor<7x2x3xf32>, %w: tensor<16x3xf32>, %r: tensor<16x4xf32>)
    -> (tensor<7x2x4xf32>, tensor<2x4xf32>) {
  // CHECK: kernel.pack_matrix(%arg2, {{.*}}) {transposed}
  // CHECK: kernel.contract(
  // CHECK: tensor<14x16xf32>) -> tensor<14x16xf32>
  // CHECK: scf.for %[[T:.*]] = %c0 to %c7 step %c1 iter_args(%[[H:.*]] = {{.*}}, %[[C:.*]] = {{.*}}, %[[Y:.*]] =
  // CHECK: tensor.extract_slice {{.*}}[%[[T]], 0, 0] [1, 2, 16]
  // CHECK: kernel.contract(%[[H]],
  // CHECK-COUNT-4: tensor.extract_slice
  // CHECK: %[[NEXT:.*]]:2 = linalg.generic {{.*}} outs(%[[H]], %[[C]] :
  // CHECK: %[[ALL:.*]] = tensor.insert_slice %[[NEXT]]#0 into %[[Y]][%[[T]], 0, 0]
  // CHECK: scf.yield %[[NEXT]]#0, %[[NEXT]]#1, %[[ALL]]
  %0:3 = nn.lstm %x, %w, %r {activations = [#nn<activation sigmoid>, #nn<activation tanh>, #nn<activation tanh>],
      alphas = array<f32: 0.0, 0.0, 0.0>, betas = array<f32: 0.0, 0.0, 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0>}
      : (tensor<7x2x3xf32>, tensor<16x3xf32>, tensor<16x4xf32>) -> (tensor<7x2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>)
  return %0#0, %0#1 : tensor<7x2x4xf32>, tensor<2x4xf32>
}

// -----

// The sequence is not kept where nothing reads it; reverse starts with the last step; lengths stop an entry.
// CHECK-LABEL: @gru
func.func @gru(%x: tensor<?x2x3xf32>, %w: tensor<12x3xf32>, %r: tensor<12x4xf32>, %n: tensor<2xi32>)
    -> tensor<2x4xf32> {
  // CHECK: scf.for %[[T:.*]] = %c0 to %{{.*}} step %c1 iter_args(%[[H:.*]] = %{{.*}}) -> (tensor<2x4xf32>)
  // CHECK: %[[AT:.*]] = arith.subi %{{.*}}, %[[T]]
  // CHECK: kernel.contract(%[[H]],
  // CHECK: -> tensor<2x8xf32>
  // CHECK: kernel.contract(
  // CHECK: -> tensor<2x4xf32>
  // CHECK: arith.index_cast %[[AT]] : index to i32
  // CHECK: arith.cmpi slt
  %0:2 = nn.gru %x, %w, %r, %n {activations = [#nn<activation sigmoid>, #nn<activation tanh>],
      alphas = array<f32: 0.0, 0.0>, betas = array<f32: 0.0, 0.0>, reverse,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1, 0>}
      : (tensor<?x2x3xf32>, tensor<12x3xf32>, tensor<12x4xf32>, tensor<2xi32>) -> (tensor<?x2x4xf32>, tensor<2x4xf32>)
  return %0#1 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @rnn
func.func @rnn(%x: tensor<7x2x3xf32>, %w: tensor<4x3xf32>, %r: tensor<4x4xf32>, %h: tensor<2x4xf32>)
    -> tensor<2x4xf32> {
  // CHECK: scf.for {{.*}} iter_args(%[[H:.*]] = %arg3)
  // CHECK: kernel.contract(%[[H]],
  // CHECK: arith.cmpf olt, %{{.*}}, %cst
  %0:2 = nn.rnn %x, %w, %r, %h {activations = [#nn<activation relu>], alphas = array<f32: 0.0>, betas = array<f32: 0.0>,
      operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1>}
      : (tensor<7x2x3xf32>, tensor<4x3xf32>, tensor<4x4xf32>, tensor<2x4xf32>) -> (tensor<7x2x4xf32>, tensor<2x4xf32>)
  return %0#1 : tensor<2x4xf32>
}
