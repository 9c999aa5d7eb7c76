// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s
// What operations require of extents that are not known: nothing where they are one extent.

// CHECK-LABEL: @matmul
// CHECK-DAG: %[[K:.*]] = tensor.dim %arg0, %c1
// CHECK-DAG: %[[OTHER:.*]] = tensor.dim %arg1, %c0
// CHECK: %[[FITS:.*]] = arith.cmpi eq, %[[K]], %[[OTHER]]
// CHECK: cf.assert %[[FITS]], "nn.matmul: the summed extents are equal"
func.func @matmul(%a: tensor<2x?xf32>, %b: tensor<?x4xf32>) -> tensor<2x4xf32> {
  %0 = nn.matmul %a, %b : (tensor<2x?xf32>, tensor<?x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// -----

// CHECK-LABEL: @same
// CHECK-NOT: cf.assert
func.func @same(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = nn.relu %a : (tensor<?xf32>) -> tensor<?xf32>
  %1 = nn.add %0, %a : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

// A boolean is stored as a byte; its extent is the same.
// CHECK-LABEL: @broadcast
// CHECK: cf.assert %{{.*}}, "nn.and: extents broadcast"
// CHECK: cf.assert %{{.*}}, "nn.and: extents broadcast"
// CHECK-NOT: cf.assert
func.func @broadcast(%a: tensor<?xi1>, %b: tensor<?xi1>) -> tensor<?xi1> {
  %0 = nn.and %a, %b : (tensor<?xi1>, tensor<?xi1>) -> tensor<?xi1>
  return %0 : tensor<?xi1>
}

// -----

// CHECK-LABEL: @window
// CHECK: %[[H:.*]] = tensor.dim %arg0, %c1
// CHECK: %[[FITS:.*]] = arith.cmpi sge, %[[H]], %c4
// CHECK: cf.assert %[[FITS]], "nn.max_pool: the window fits the image"
func.func @window(%a: tensor<1x?x9x2xf32>) -> tensor<1x?x5x2xf32> {
  %0 = nn.max_pool %a {layout = #nn<layout channels_last>, window = array<i64: 5, 5>, strides = array<i64: 1, 1>,
      dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 0>, pads_end = array<i64: 0, 0>}
      : (tensor<1x?x9x2xf32>) -> tensor<1x?x5x2xf32>
  return %0 : tensor<1x?x5x2xf32>
}

// -----

// CHECK-LABEL: @reshape
// CHECK: arith.divui
// CHECK: cf.assert %{{.*}}, "nn.reshape: the number of elements stays the same"
func.func @reshape(%a: tensor<?x6xf32>) -> tensor<4x?xf32> {
  %shape = arith.constant dense<[4, -1]> : tensor<2xi64>
  %0 = nn.reshape %a, %shape : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<4x?xf32>
  return %0 : tensor<4x?xf32>
}

// -----

// CHECK-LABEL: @reflect
// CHECK: %[[EXTENT:.*]] = tensor.dim %arg0, %c0
// CHECK: cf.assert %{{.*}}, "nn.pad: pads remove no more than there is"
// CHECK: %[[FITS:.*]] = arith.cmpi sgt, %[[EXTENT]], %c2
// CHECK: cf.assert %[[FITS]], "nn.pad: there are elements to reflect for all pads"
func.func @reflect(%a: tensor<?xf32>) -> tensor<?xf32> {
  %pads = arith.constant dense<[2, 0]> : tensor<2xi64>
  %0 = nn.pad %a, %pads {axes = array<i64: 0>, mode = #nn<pad_mode reflect>} : (tensor<?xf32>, tensor<2xi64>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
