// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file | FileCheck %s

// The extents of one symbol are equal; a static 1 is read at 0; a constant becomes a scalar.
// CHECK: #[[ROW:.*]] = affine_map<(d0, d1) -> (0, d1)>
// CHECK-LABEL: @broadcast
func.func @broadcast(%x: tensor<?x4xf32> {nn.symbols = ["batch", ""]}, %y: tensor<?x4xf32> {nn.symbols = ["batch", ""]},
                     %row: tensor<1x4xf32>) -> tensor<?x4xf32> {
  // CHECK: linalg.generic {{.*}} ins(%arg0, %arg1 : tensor<?x4xf32>, tensor<?x4xf32>)
  // CHECK: arith.addf
  %0 = nn.add %x, %y : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: linalg.generic {indexing_maps = [#{{.*}}, #[[ROW]], #{{.*}}]
  // CHECK: arith.mulf
  %1 = nn.mul %0, %row : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  %two = arith.constant dense<2.0> : tensor<f32>
  // CHECK: linalg.generic
  // CHECK-NOT: math.powf
  // CHECK: arith.mulf
  %2 = nn.pow %1, %two : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  return %2 : tensor<?x4xf32>
}

// -----

// Extents that nothing ties together may turn out to be 1.
// CHECK-LABEL: @broadcast_at_run_time
func.func @broadcast_at_run_time(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xf32> {
  // CHECK: linalg.generic
  // CHECK-SAME: outs
  // CHECK: tensor.extract %arg0
  // CHECK: tensor.extract %arg1
  %0 = nn.sub %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// Booleans are stored as i8, unsigned integers as signless ones.
// CHECK-LABEL: @storage
// CHECK-SAME: tensor<4xi8>, %{{.*}}: tensor<4xi8>) -> tensor<4xi8>
func.func @storage(%x: tensor<4xui8>, %c: tensor<4xi1>) -> tensor<4xi1> {
  %limit = arith.constant dense<[1, 2, 3, 4]> : tensor<4xui8>
  // CHECK: arith.constant dense<[1, 2, 3, 4]> : tensor<4xi8>
  // CHECK: arith.cmpi ult
  // CHECK: arith.extui %{{.*}} : i1 to i8
  %0 = nn.compare %x, %limit {predicate = #nn<compare less>} : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xi1>
  // CHECK: arith.cmpi ne
  // CHECK: arith.cmpi ne
  // CHECK: arith.andi
  %1 = nn.and %0, %c : (tensor<4xi1>, tensor<4xi1>) -> tensor<4xi1>
  return %1 : tensor<4xi1>
}

// -----

// CHECK-LABEL: @half_computes_in_single
func.func @half_computes_in_single(%x: tensor<4xf16>) -> tensor<4xf16> {
  // CHECK: arith.extf %{{.*}} : f16 to f32
  // CHECK: math.tanh {{.*}} : f32
  // CHECK: arith.truncf %{{.*}} : f32 to f16
  %0 = nn.tanh %x : (tensor<4xf16>) -> tensor<4xf16>
  return %0 : tensor<4xf16>
}

// -----

// CHECK-LABEL: @casts
func.func @casts(%x: tensor<4xf32>) -> (tensor<4xui8>, tensor<4xi64>, tensor<4xi1>) {
  // CHECK: arith.fptosi %{{.*}} : f32 to i32
  // CHECK: arith.trunci %{{.*}} : i32 to i8
  %0 = nn.cast %x {to = ui8} : (tensor<4xf32>) -> tensor<4xui8>
  // CHECK: arith.fptosi %{{.*}} : f32 to i64
  %1 = nn.cast %x {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  // CHECK: arith.cmpf une
  %2 = nn.cast %x {to = i1} : (tensor<4xf32>) -> tensor<4xi1>
  return %0, %1, %2 : tensor<4xui8>, tensor<4xi64>, tensor<4xi1>
}

// -----

// CHECK-LABEL: @clip
func.func @clip(%x: tensor<4xf32>, %max: tensor<f32>) -> tensor<4xf32> {
  // CHECK: arith.cmpf olt, %[[MAX:.*]], %[[X:.*]] : f32
  // CHECK: arith.select %{{.*}}, %[[MAX]], %[[X]] : f32
  %0 = nn.clip %x max %max {} : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// CHECK-LABEL: @bitcast
func.func @bitcast(%x: tensor<4xf32>, %y: tensor<4xi16>) -> (tensor<4xui32>, tensor<4xbf16>) {
  // CHECK: arith.bitcast %{{.*}} : f32 to i32
  // CHECK: arith.bitcast %{{.*}} : i16 to bf16
  %0 = nn.bitcast %x {to = ui32} : (tensor<4xf32>) -> tensor<4xui32>
  %1 = nn.bitcast %y {to = bf16} : (tensor<4xi16>) -> tensor<4xbf16>
  return %0, %1 : tensor<4xui32>, tensor<4xbf16>
}
