// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @pad
func.func @pad(%x: tensor<4x?xf32>) -> (tensor<5x?xf32>, tensor<7x?xf32>) {
  %pads = arith.constant dense<[2, -1]> : tensor<2xi64>
  // CHECK: %[[CUT:.*]] = tensor.extract_slice %arg0[0, 0] [3, %{{.*}}] [1, 1]
  // CHECK: %[[FILLED:.*]] = linalg.fill
  // CHECK: tensor.insert_slice %[[CUT]] into %[[FILLED]][2, 0] [3, %{{.*}}] [1, 1]
  %0 = nn.pad %x, %pads {axes = array<i64: 0>, mode = #nn<pad_mode constant>} : (tensor<4x?xf32>, tensor<2xi64>) -> tensor<5x?xf32>
  %more = arith.constant dense<[2, 1]> : tensor<2xi64>
  // CHECK: linalg.generic
  // CHECK: tensor.extract %arg0
  %1 = nn.pad %x, %more {axes = array<i64: 0>, mode = #nn<pad_mode reflect>} : (tensor<4x?xf32>, tensor<2xi64>) -> tensor<7x?xf32>
  return %0, %1 : tensor<5x?xf32>, tensor<7x?xf32>
}

// -----

// CHECK-LABEL: @parts
// CHECK-DAG: %[[C7:.*]] = arith.constant 7 : index
// CHECK-DAG: %[[C18:.*]] = arith.constant 18 : index
func.func @parts(%x: tensor<4x20xf32>) -> tensor<4x29xf32> {
  %pads = arith.constant dense<[7, 2]> : tensor<2xi64>
  // Rows are read as they are in the middle, and backwards on either side.
  // CHECK: %[[MIDDLE:.*]] = linalg.generic
  // CHECK: tensor.extract %arg0[%{{.*}}, %{{.*}}] : tensor<4x20xf32>
  // CHECK: tensor.insert_slice %[[MIDDLE]] into %{{.*}}[0, 7] [4, 20] [1, 1]
  // CHECK: %[[LEFT:.*]] = linalg.generic
  // CHECK: arith.subi %[[C7]], %{{.*}} : index
  // CHECK: tensor.insert_slice %[[LEFT]] into %{{.*}}[0, 0] [4, 7] [1, 1]
  // CHECK: %[[RIGHT:.*]] = linalg.generic
  // CHECK: arith.subi %[[C18]], %{{.*}} : index
  // CHECK: tensor.insert_slice %[[RIGHT]] into %{{.*}}[0, 27] [4, 2] [1, 1]
  %0 = nn.pad %x, %pads {axes = array<i64: 1>, mode = #nn<pad_mode reflect>} : (tensor<4x20xf32>, tensor<2xi64>) -> tensor<4x29xf32>
  return %0 : tensor<4x29xf32>
}

// -----

// What wraps more than once, and narrow pads, are one loop.
// CHECK-LABEL: @whole
// CHECK-NOT: tensor.insert_slice
func.func @whole(%x: tensor<4x20xf32>) -> (tensor<4x61xf32>, tensor<4x24xf32>) {
  %wide = arith.constant dense<[20, 21]> : tensor<2xi64>
  %0 = nn.pad %x, %wide {axes = array<i64: 1>, mode = #nn<pad_mode wrap>} : (tensor<4x20xf32>, tensor<2xi64>) -> tensor<4x61xf32>
  %narrow = arith.constant dense<[1, 3]> : tensor<2xi64>
  %1 = nn.pad %x, %narrow {axes = array<i64: 1>, mode = #nn<pad_mode edge>} : (tensor<4x20xf32>, tensor<2xi64>) -> tensor<4x24xf32>
  return %0, %1 : tensor<4x61xf32>, tensor<4x24xf32>
}

// -----

// What is large is filled around the input only.
// CHECK-LABEL: @borders
func.func @borders(%x: tensor<1000x300xf32>) -> tensor<1003x301xf32> {
  %pads = arith.constant dense<[2, 0, 1, 1]> : tensor<4xi64>
  // CHECK: linalg.fill {{.*}} -> tensor<2x301xf32>
  // CHECK: tensor.insert_slice %{{.*}}[0, 0] [2, 301] [1, 1]
  // CHECK: linalg.fill {{.*}} -> tensor<1x301xf32>
  // CHECK: tensor.insert_slice %{{.*}}[1002, 0] [1, 301] [1, 1]
  // CHECK: linalg.fill {{.*}} -> tensor<1000x1xf32>
  // CHECK: tensor.insert_slice %{{.*}}[2, 300] [1000, 1] [1, 1]
  // CHECK: tensor.insert_slice %arg0 into %{{.*}}[2, 0] [1000, 300] [1, 1]
  %0 = nn.pad %x, %pads {axes = array<i64: 0, 1>, mode = #nn<pad_mode constant>} : (tensor<1000x300xf32>, tensor<4xi64>) -> tensor<1003x301xf32>
  return %0 : tensor<1003x301xf32>
}
