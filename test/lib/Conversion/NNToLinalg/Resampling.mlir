// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// One table of sample numbers per axis; the channels stay side by side.
// CHECK-LABEL: @nearest
func.func @nearest(%x: tensor<1x4x4x8xf32>) -> tensor<1x8x8x8xf32> {
  // CHECK: %[[ROWS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8xi32>)
  // CHECK: math.floor
  // CHECK: %[[COLUMNS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<8xi32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x8x8x8xf32>)
  // CHECK: %[[C:.*]] = linalg.index 3
  // CHECK: %[[ROW:.*]] = tensor.extract %[[ROWS]]
  // CHECK: %[[Y:.*]] = arith.index_cast %[[ROW]]
  // CHECK: %[[COLUMN:.*]] = tensor.extract %[[COLUMNS]]
  // CHECK: %[[X:.*]] = arith.index_cast %[[COLUMN]]
  // CHECK: tensor.extract %arg0[%c0, %[[Y]], %[[X]], %[[C]]]
  %scales = arith.constant dense<2.0> : tensor<2xf32>
  %0 = nn.resize %x scales %scales {axes = array<i64: 1, 2>, mode = #nn<resize_mode nearest>, coordinates = #nn<coordinate_mode asymmetric>, nearest = #nn<nearest_mode floor>} : (tensor<1x4x4x8xf32>, tensor<2xf32>) -> tensor<1x8x8x8xf32>
  return %0 : tensor<1x8x8x8xf32>
}

// -----

// Half precision is interpolated in f32.
// CHECK-LABEL: @linear
func.func @linear(%x: tensor<1x4x8xf16>) -> tensor<1x6x8xf16> {
  // CHECK: arith.extf
  // CHECK: %[[BASE:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<6xi32>)
  // CHECK: %[[WEIGHTS:.*]] = linalg.generic {{.*}} outs(%{{.*}} : tensor<2x6xf32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x6x8xf32>)
  // CHECK-COUNT-2: arith.mulf
  // CHECK-NOT: arith.mulf
  // CHECK: arith.truncf
  %sizes = arith.constant dense<[6]> : tensor<1xi64>
  %0 = nn.resize %x sizes %sizes {axes = array<i64: 1>, mode = #nn<resize_mode linear>} : (tensor<1x4x8xf16>, tensor<1xi64>) -> tensor<1x6x8xf16>
  return %0 : tensor<1x6x8xf16>
}

// -----

// Along memory comes first where rows become more: there is less to gather.
// CHECK-LABEL: @order
func.func @order(%x: tensor<4x8xf32>) -> (tensor<8x16xf32>, tensor<2x16xf32>) {
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<4x16xf32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x16xf32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<2x8xf32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<2x16xf32>)
  %sizes = arith.constant dense<[8, 16]> : tensor<2xi64>
  %fewer = arith.constant dense<[2, 16]> : tensor<2xi64>
  %0 = nn.resize %x sizes %sizes {axes = array<i64: 0, 1>, mode = #nn<resize_mode linear>} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<8x16xf32>
  %1 = nn.resize %x sizes %fewer {axes = array<i64: 0, 1>, mode = #nn<resize_mode linear>} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x16xf32>
  return %0, %1 : tensor<8x16xf32>, tensor<2x16xf32>
}

// -----

// CHECK-LABEL: @cubic
func.func @cubic(%x: tensor<4xf32>) -> tensor<?xf32> {
  // CHECK: outs(%{{.*}} : tensor<4x6xf32>)
  // CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<6xf32>)
  // CHECK-COUNT-4: tensor.extract %arg0
  %scales = arith.constant dense<1.5> : tensor<1xf32>
  %0 = nn.resize %x scales %scales {axes = array<i64: 0>, mode = #nn<resize_mode cubic>} : (tensor<4xf32>, tensor<1xf32>) -> tensor<6xf32>
  %1 = tensor.cast %0 : tensor<6xf32> to tensor<?xf32>
  return %1 : tensor<?xf32>
}

// -----

// A filter that grows with the reduction: eight weights are summed in a loop.
// CHECK-LABEL: @antialias
func.func @antialias(%x: tensor<16x8xf32>) -> tensor<4x8xf32> {
  // CHECK: outs(%{{.*}} : tensor<8x4xf32>)
  // CHECK: scf.for
  // CHECK: linalg.fill
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel", "reduction"]
  %scales = arith.constant dense<0.25> : tensor<1xf32>
  %0 = nn.resize %x scales %scales {axes = array<i64: 0>, mode = #nn<resize_mode linear>, antialias} : (tensor<16x8xf32>, tensor<1xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// -----

// Positions outside the region's image get the extrapolation value.
// CHECK-LABEL: @crop
func.func @crop(%x: tensor<?xf32>, %region: tensor<2xf32>) -> tensor<3xf32> {
  // CHECK-DAG: %[[MARK:.*]] = arith.constant -2147483648 : i32
  // CHECK-DAG: %[[VALUE:.*]] = arith.constant 7.000000e+00
  // CHECK: arith.cmpf oge
  // CHECK: arith.cmpf ole
  // CHECK: arith.select {{.*}}, %[[MARK]]
  // CHECK: %[[OUTSIDE:.*]] = arith.cmpi eq, %{{.*}}, %[[MARK]]
  // CHECK: arith.select %[[OUTSIDE]], %[[VALUE]]
  %sizes = arith.constant dense<3> : tensor<1xi64>
  %0 = nn.resize %x sizes %sizes region %region {axes = array<i64: 0>, mode = #nn<resize_mode linear>, coordinates = #nn<coordinate_mode tf_crop_and_resize>, extrapolation_value = 7.0 : f32} : (tensor<?xf32>, tensor<1xi64>, tensor<2xf32>) -> tensor<3xf32>
  return %0 : tensor<3xf32>
}

// -----

// Where there are many channels, they come last meanwhile: neighbours in memory have the same weights then.
// CHECK-LABEL: @channels
// CHECK: linalg.generic {{.*}} ins(%arg0 : tensor<1x32x4x5xf32>) outs(%{{.*}} : tensor<4x5x1x32xf32>)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x5x1x32xf32>)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<8x10x1x32xf32>)
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<1x32x8x10xf32>)
func.func @channels(%x: tensor<1x32x4x5xf32>) -> tensor<1x32x8x10xf32> {
  %scales = arith.constant dense<2.0> : tensor<2xf32>
  %0 = nn.resize %x scales %scales {axes = array<i64: 2, 3>, mode = #nn<resize_mode linear>} : (tensor<1x32x4x5xf32>, tensor<2xf32>) -> tensor<1x32x8x10xf32>
  return %0 : tensor<1x32x8x10xf32>
}

// Not where much is moved and little gathered, nor where there are few channels.
// CHECK-LABEL: @moved
// CHECK-NOT: tensor<64x64x1x32xf32>
// CHECK-NOT: tensor<4x5x1x3xf32>
func.func @moved(%x: tensor<1x32x64x64xf32>, %y: tensor<1x3x4x5xf32>) -> (tensor<1x32x16x16xf32>, tensor<1x3x8x10xf32>) {
  %scales = arith.constant dense<0.25> : tensor<2xf32>
  %0 = nn.resize %x scales %scales {axes = array<i64: 2, 3>, mode = #nn<resize_mode linear>} : (tensor<1x32x64x64xf32>, tensor<2xf32>) -> tensor<1x32x16x16xf32>
  %twice = arith.constant dense<2.0> : tensor<2xf32>
  %1 = nn.resize %y scales %twice {axes = array<i64: 2, 3>, mode = #nn<resize_mode linear>} : (tensor<1x3x4x5xf32>, tensor<2xf32>) -> tensor<1x3x8x10xf32>
  return %0, %1 : tensor<1x32x16x16xf32>, tensor<1x3x8x10xf32>
}
