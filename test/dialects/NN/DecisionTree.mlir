// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @two_trees
func.func @two_trees(%x: tensor<?x3xf32>) -> tensor<2x?xi32> {
  %roots = arith.constant dense<[0, 4]> : tensor<2xi32>
  %features = arith.constant dense<[2, 0]> : tensor<2xi32>
  %thresholds = arith.constant dense<[0.5, -1.0]> : tensor<2xf32>
  %relations = arith.constant dense<[3, 1]> : tensor<2xi32>
  %branches = arith.constant dense<[[2, 1], [3, 5]]> : tensor<2x2xi32>
  // CHECK: nn.find_leaves {{.*}} -> tensor<2x?xi32>
  %0 = nn.find_leaves %x, %roots, %features, %thresholds, %relations, %branches : (tensor<?x3xf32>, tensor<2xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi32>, tensor<2x2xi32>) -> tensor<2x?xi32>
  return %0 : tensor<2x?xi32>
}

// -----

// A walk could go round in a circle.
func.func @circle(%x: tensor<4x3xf32>) -> tensor<1x4xi32> {
  %roots = arith.constant dense<0> : tensor<1xi32>
  %features = arith.constant dense<[2, 0]> : tensor<2xi32>
  %thresholds = arith.constant dense<0.5> : tensor<2xf32>
  %relations = arith.constant dense<3> : tensor<2xi32>
  %branches = arith.constant dense<[[2, 1], [0, 3]]> : tensor<2x2xi32>
  // expected-error @+1 {{has a branch from node 1 to 0, which is not behind it}}
  %0 = nn.find_leaves %x, %roots, %features, %thresholds, %relations, %branches : (tensor<4x3xf32>, tensor<1xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi32>, tensor<2x2xi32>) -> tensor<1x4xi32>
  return %0 : tensor<1x4xi32>
}

// -----

func.func @feature(%x: tensor<4x3xf32>) -> tensor<1x4xi32> {
  %roots = arith.constant dense<0> : tensor<1xi32>
  %features = arith.constant dense<3> : tensor<1xi32>
  %thresholds = arith.constant dense<0.5> : tensor<1xf32>
  %relations = arith.constant dense<3> : tensor<1xi32>
  %branches = arith.constant dense<[[2, 1]]> : tensor<1x2xi32>
  // expected-error @+1 {{tests feature 3 of 'tensor<4x3xf32>'}}
  %0 = nn.find_leaves %x, %roots, %features, %thresholds, %relations, %branches : (tensor<4x3xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1x2xi32>) -> tensor<1x4xi32>
  return %0 : tensor<1x4xi32>
}

// -----

func.func @computed(%x: tensor<4x3xf32>, %features: tensor<1xi32>) -> tensor<1x4xi32> {
  %roots = arith.constant dense<0> : tensor<1xi32>
  %thresholds = arith.constant dense<0.5> : tensor<1xf32>
  %relations = arith.constant dense<3> : tensor<1xi32>
  %branches = arith.constant dense<[[2, 1]]> : tensor<1x2xi32>
  // expected-error @+1 {{needs trees that are constant}}
  %0 = nn.find_leaves %x, %roots, %features, %thresholds, %relations, %branches : (tensor<4x3xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1x2xi32>) -> tensor<1x4xi32>
  return %0 : tensor<1x4xi32>
}
