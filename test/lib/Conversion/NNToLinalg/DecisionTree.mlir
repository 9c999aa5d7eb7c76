// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize | FileCheck %s

// One walk for each tree and row; all nodes ask whether x <= the threshold.
// CHECK-LABEL: @walk
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x?xi32>)
// CHECK: %[[LEAF:.*]] = scf.while (%[[NODE:.*]] = %{{.*}}) : (index) -> index
// CHECK: %[[MORE:.*]] = arith.cmpi ult, %[[NODE]], %c1
// CHECK: scf.condition(%[[MORE]]) %[[NODE]]
// CHECK: tensor.extract %arg0
// CHECK: arith.cmpf ole
// CHECK-NOT: arith.cmpf
// CHECK: scf.yield
// CHECK: arith.subi %[[LEAF]], %c1
func.func @walk(%x: tensor<?x3xf32>) -> tensor<1x?xi32> {
  %roots = arith.constant dense<0> : tensor<1xi32>
  %features = arith.constant dense<2> : tensor<1xi32>
  %thresholds = arith.constant dense<0.5> : tensor<1xf32>
  %relations = arith.constant dense<3> : tensor<1xi32>
  %branches = arith.constant dense<[[2, 1]]> : tensor<1x2xi32>
  %0 = nn.find_leaves %x, %roots, %features, %thresholds, %relations, %branches : (tensor<?x3xf32>, tensor<1xi32>, tensor<1xi32>, tensor<1xf32>, tensor<1xi32>, tensor<1x2xi32>) -> tensor<1x?xi32>
  return %0 : tensor<1x?xi32>
}

// Nodes that ask for different relations: the outcome is a bit, chosen without branches.
// CHECK-LABEL: @mixed
// CHECK: scf.while
// CHECK: arith.cmpf olt
// CHECK: arith.cmpf oeq
// CHECK: arith.cmpf ogt
// CHECK: arith.andi
func.func @mixed(%x: tensor<?x3xf32>) -> tensor<1x?xi32> {
  %roots = arith.constant dense<0> : tensor<1xi32>
  %features = arith.constant dense<[2, 1]> : tensor<2xi32>
  %thresholds = arith.constant dense<0.5> : tensor<2xf32>
  %relations = arith.constant dense<[3, 13]> : tensor<2xi32>
  %branches = arith.constant dense<[[2, 1], [3, 4]]> : tensor<2x2xi32>
  %0 = nn.find_leaves %x, %roots, %features, %thresholds, %relations, %branches : (tensor<?x3xf32>, tensor<1xi32>, tensor<2xi32>, tensor<2xf32>, tensor<2xi32>, tensor<2x2xi32>) -> tensor<1x?xi32>
  return %0 : tensor<1x?xi32>
}
