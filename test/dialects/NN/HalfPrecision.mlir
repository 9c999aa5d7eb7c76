// RUN: nnc-opt %s --canonicalize | FileCheck %s

// What is chosen of a table is widened, not the table.
// CHECK-LABEL: @table
// CHECK: %[[TABLE:.*]] = arith.constant dense_resource<table> : tensor<512x64xf16>
// CHECK: %[[ROWS:.*]] = nn.gather %[[TABLE]], %{{.*}} {axis = 0 : i64} : (tensor<512x64xf16>, tensor<?xi64>) -> tensor<?x64xf16>
// CHECK: nn.cast %[[ROWS]] {{.*}} : (tensor<?x64xf16>) -> tensor<?x64xf32>
func.func @table(%indices: tensor<?xi64>) -> tensor<?x64xf32> {
  %table = arith.constant dense_resource<table> : tensor<512x64xf16>
  %wide = nn.cast %table {to = f32} : (tensor<512x64xf16>) -> tensor<512x64xf32>
  %rows = nn.gather %wide, %indices {axis = 0 : i64} : (tensor<512x64xf32>, tensor<?xi64>) -> tensor<?x64xf32>
  return %rows : tensor<?x64xf32>
}

// One that is computed is widened once, and one that is narrowed stays narrow.
// CHECK-LABEL: @others
// CHECK: nn.gather {{.*}} -> tensor<?x64xf32>
// CHECK: nn.gather {{.*}} -> tensor<?x64xf16>
func.func @others(%computed: tensor<512x64xf16>, %indices: tensor<?xi64>) -> (tensor<?x64xf32>, tensor<?x64xf16>) {
  %wide = nn.cast %computed {to = f32} : (tensor<512x64xf16>) -> tensor<512x64xf32>
  %rows = nn.gather %wide, %indices {axis = 0 : i64} : (tensor<512x64xf32>, tensor<?xi64>) -> tensor<?x64xf32>
  %single = arith.constant dense_resource<single> : tensor<512x64xf32>
  %narrow = nn.cast %single {to = f16} : (tensor<512x64xf32>) -> tensor<512x64xf16>
  %others = nn.gather %narrow, %indices {axis = 0 : i64} : (tensor<512x64xf16>, tensor<?xi64>) -> tensor<?x64xf16>
  return %rows, %others : tensor<?x64xf32>, tensor<?x64xf16>
}
