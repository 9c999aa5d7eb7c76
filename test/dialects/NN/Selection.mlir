// RUN: nnc-opt %s --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @types
func.func @types(%x: tensor<3x?xf32>, %boxes: tensor<2x?x4xf32>, %scores: tensor<2x5x?xf32>, %most: tensor<1xi64>, %iou: tensor<1xf32>)
    -> (tensor<2x?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?x3xi64>) {
  // CHECK: nn.non_zero {{.*}} -> tensor<2x?xi64>
  %0 = nn.non_zero %x : (tensor<3x?xf32>) -> tensor<2x?xi64>
  // CHECK: nn.unique %{{.*}} {axis = 1 : i64, sorted}
  %1:3 = nn.unique %x {axis = 1 : i64, sorted} : (tensor<3x?xf32>) -> (tensor<?xi64>, tensor<?xi64>, tensor<?xi64>)
  // CHECK: nn.non_max_suppression {{.*}} {center_point_box}
  %2 = nn.non_max_suppression %boxes, %scores, %most, %iou {center_point_box} : (tensor<2x?x4xf32>, tensor<2x5x?xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<?x3xi64>
  return %0, %1#0, %1#1, %1#2, %2 : tensor<2x?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?x3xi64>
}

// -----

// CHECK-LABEL: @folds
func.func @folds() -> (tensor<2x3xi64>, tensor<1x0xi64>) {
  %x = arith.constant dense<[[0.0, 1.5, 0x7FC00000], [-0.0, 0.0, 3.0]]> : tensor<2x3xf32>
  // CHECK-DAG: dense<{{\[\[}}0, 0, 1], [1, 2, 2]]> : tensor<2x3xi64>
  %0 = nn.non_zero %x : (tensor<2x3xf32>) -> tensor<2x3xi64>
  %none = arith.constant dense<false> : tensor<4xi1>
  // CHECK-DAG: dense<> : tensor<1x0xi64>
  %1 = nn.non_zero %none : (tensor<4xi1>) -> tensor<1x0xi64>
  // CHECK-NOT: nn.non_zero
  return %0, %1 : tensor<2x3xi64>, tensor<1x0xi64>
}

// -----

func.func @unique_axis(%x: tensor<3xf32>) {
  // expected-error @+2 {{axis 1 is out of range for 'tensor<3xf32>'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = nn.unique %x {axis = 1 : i64} : (tensor<3xf32>) -> (tensor<?xi64>, tensor<3xi64>, tensor<?xi64>)
  return
}

// -----

func.func @corners(%boxes: tensor<2x9x5xf32>, %scores: tensor<2x5x9xf32>, %most: tensor<1xi64>, %iou: tensor<1xf32>) {
  // expected-error @+1 {{needs 4 numbers for each box}}
  %0 = nn.non_max_suppression %boxes, %scores, %most, %iou : (tensor<2x9x5xf32>, tensor<2x5x9xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @boxes_without_scores(%boxes: tensor<2x9x4xf32>, %scores: tensor<2x5x8xf32>, %most: tensor<1xi64>, %iou: tensor<1xf32>) {
  // expected-error @+1 {{has boxes of 'tensor<2x9x4xf32>' for scores of 'tensor<2x5x8xf32>'}}
  %0 = nn.non_max_suppression %boxes, %scores, %most, %iou : (tensor<2x9x4xf32>, tensor<2x5x8xf32>, tensor<1xi64>, tensor<1xf32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @limits(%boxes: tensor<2x9x4xf32>, %scores: tensor<2x5x9xf32>, %most: tensor<2xi64>, %iou: tensor<1xf32>) {
  // expected-error @+1 {{needs one number, got 'tensor<2xi64>'}}
  %0 = nn.non_max_suppression %boxes, %scores, %most, %iou : (tensor<2x9x4xf32>, tensor<2x5x9xf32>, tensor<2xi64>, tensor<1xf32>) -> tensor<?x3xi64>
  return
}
