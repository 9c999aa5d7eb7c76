// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @gather
func.func @gather(%data: tensor<5x?xf32>, %indices: tensor<3xi64>) -> tensor<3x?xf32> {
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<3x?xf32>)
  // CHECK: tensor.extract %arg1
  // CHECK: arith.cmpi slt
  // CHECK: tensor.extract %arg0
  %0 = nn.gather %data, %indices {axis = 0 : i64} : (tensor<5x?xf32>, tensor<3xi64>) -> tensor<3x?xf32>
  return %0 : tensor<3x?xf32>
}

// -----

// CHECK-LABEL: @scatter
func.func @scatter(%data: tensor<5x4xf32>, %indices: tensor<?x1xi64>, %updates: tensor<?x4xf32>) -> tensor<5x4xf32> {
  // Whole rows are added.
  // CHECK: scf.for
  // CHECK-NOT: scf.for
  // CHECK: tensor.extract_slice {{.*}} [1, 4] [1, 1] : tensor<?x4xf32> to tensor<4xf32>
  // CHECK: %[[OLD:.*]] = tensor.extract_slice {{.*}} [1, 4] [1, 1] : tensor<5x4xf32> to tensor<4xf32>
  // CHECK: linalg.generic {{.*}} outs(%[[OLD]] : tensor<4xf32>)
  // CHECK: arith.addf
  // CHECK: tensor.insert_slice
  %0 = nn.scatter_nd %data, %indices, %updates {reduction = #nn<scatter_reduction add>} : (tensor<5x4xf32>, tensor<?x1xi64>, tensor<?x4xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// -----

// Indices of 32 bits are compared as such.
// CHECK-LABEL: @narrow_indices
func.func @narrow_indices(%data: tensor<5x4xf32>, %indices: tensor<7xi32>) -> tensor<7x4xf32> {
  // CHECK: arith.cmpi slt, {{.*}} : i32
  // CHECK: %[[AT:.*]] = arith.maxsi {{.*}} : i32
  // CHECK: arith.index_cast %[[AT]] : i32 to index
  %0 = nn.gather %data, %indices {axis = 0 : i64} : (tensor<5x4xf32>, tensor<7xi32>) -> tensor<7x4xf32>
  return %0 : tensor<7x4xf32>
}

// -----

// CHECK-LABEL: @scatter_single_elements
func.func @scatter_single_elements(%data: tensor<5x4xf32>, %indices: tensor<?x2xi64>, %updates: tensor<?xf32>) -> tensor<5x4xf32> {
  // CHECK: scf.for
  // CHECK-NOT: slice
  // CHECK: tensor.insert %
  %0 = nn.scatter_nd %data, %indices, %updates {reduction = #nn<scatter_reduction none>} : (tensor<5x4xf32>, tensor<?x2xi64>, tensor<?xf32>) -> tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// -----

// CHECK-LABEL: @generators
func.func @generators(%x: tensor<?x4xf32>, %limit: tensor<i64>, %hot: tensor<3xi64>) -> (tensor<2xi64>, tensor<?xi64>, tensor<3x4xf32>, tensor<?x4xf32>) {
  // CHECK: tensor.dim
  // CHECK: tensor.from_elements
  %0 = nn.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
  %start = arith.constant dense<0> : tensor<i64>
  %delta = arith.constant dense<2> : tensor<i64>
  // CHECK: arith.ceildivsi
  // CHECK: linalg.generic
  %1 = nn.range %start, %limit, %delta : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %depth = arith.constant dense<4> : tensor<1xi64>
  %values = arith.constant dense<[0.0, 1.0]> : tensor<2xf32>
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<3x4xf32>)
  %2 = nn.one_hot %hot, %depth, %values {axis = 1 : i64} : (tensor<3xi64>, tensor<1xi64>, tensor<2xf32>) -> tensor<3x4xf32>
  %value = arith.constant dense<1.5> : tensor<1xf32>
  // CHECK: linalg.fill {{.*}} -> tensor<?x4xf32>
  %3 = nn.fill %0, %value : (tensor<2xi64>, tensor<1xf32>) -> tensor<?x4xf32>
  return %0, %1, %2, %3 : tensor<2xi64>, tensor<?xi64>, tensor<3x4xf32>, tensor<?x4xf32>
}

// -----

// An extent that a comparison of an input decides is made of that input's elements, not of what is in memory.
// CHECK-LABEL: @choice
// CHECK-SAME: %[[N:[^:]*]]: tensor<2xi64>
// CHECK: %[[FIRST:.*]] = tensor.extract %[[N]][%c0]
// CHECK: %[[A:.*]] = arith.index_cast %[[FIRST]]
// CHECK: %[[SECOND:.*]] = tensor.extract %[[N]][%c1]
// CHECK: %[[B:.*]] = arith.index_cast %[[SECOND]]
// CHECK: arith.cmpi slt, %[[A]], %[[B]]
// CHECK: arith.select %{{.*}}, %[[A]], %c7
// CHECK: cf.assert {{.*}}"nn.fill: extents are not negative"
// CHECK: %[[SAME:.*]] = arith.select %{{.*}}, %{{.*}}, %c7
// CHECK: tensor.empty(%[[SAME]])
func.func @choice(%n: tensor<2xi64>) -> tensor<?xf32> {
  %zero = arith.constant dense<0> : tensor<1xi64>
  %one = arith.constant dense<1> : tensor<1xi64>
  %two = arith.constant dense<2> : tensor<1xi64>
  %seven = arith.constant dense<7> : tensor<1xi64>
  %value = arith.constant dense<1.0> : tensor<f32>
  %a = nn.slice %n, %zero, %one {axes = array<i64: 0>} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %b = nn.slice %n, %one, %two {axes = array<i64: 0>} : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %less = nn.compare %a, %b {predicate = #nn<compare less>} : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi1>
  %extent = nn.where %less, %a, %seven : (tensor<1xi1>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %0 = nn.fill %extent, %value : (tensor<1xi64>, tensor<f32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
