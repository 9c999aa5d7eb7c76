// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s
// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY-COUNT-2: "a product of all taps by the image, added up: the outputs are too few for vectors of channels"
// WHY-NOT: a product of all taps

// With strides the sums are a plane for each phase; pads cut them.
// CHECK-LABEL: @phases
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576>} {
func.func @phases(%x: tensor<1x8x9x9xf32>, %w: tensor<8x2x3x3xf32>, %b: tensor<2xf32>) -> tensor<1x2x17x17xf32> {
  // CHECK: linalg.generic {{.*}} ins(%arg1 : tensor<8x2x3x3xf32>) outs(%{{.*}} : tensor<3x3x2x8xf32>)
  // CHECK: linalg.generic {{.*}} ins(%arg2 : tensor<2xf32>) outs(%{{.*}} : tensor<1x2x2x2x10x10xf32>)
  // CHECK: kernel.pack_matrix(%{{.*}}) : (tensor<1x8x81xf32>, tensor<1x3x8x32xf32>)
  // CHECK: kernel.contract{{.*}}
  // CHECK: (tensor<1x18x8xf32>, tensor<1x3x8x32xf32>, tensor<1x18x81xf32>)
  // CHECK: scf.for %[[ROW:.*]] = %c0 to %c3
  // CHECK: scf.for %[[COLUMN:.*]] = %c0 to %c3
  // CHECK: %[[Y:.*]] = arith.divui %[[ROW]], %c2
  // CHECK: %[[Y_PHASE:.*]] = arith.remui %[[ROW]], %c2
  // CHECK: %[[X:.*]] = arith.divui %[[COLUMN]], %c2
  // CHECK: %[[X_PHASE:.*]] = arith.remui %[[COLUMN]], %c2
  // CHECK: tensor.extract_slice %{{.*}}[0, %[[ROW]], %[[COLUMN]], 0, 0, 0] [1, 1, 1, 2, 9, 9]
  // CHECK: tensor.extract_slice %{{.*}}[0, 0, %[[Y_PHASE]], %[[X_PHASE]], %[[Y]], %[[X]]] [1, 2, 1, 1, 9, 9]
  // CHECK: tensor.collapse_shape {{.*}} into tensor<1x2x20x20xf32>
  // CHECK: tensor.extract_slice %{{.*}}[0, 0, 1, 1] [1, 2, 17, 17] [1, 1, 1, 1]
  %0 = nn.conv_transpose %x, %w, %b {layout = #nn<layout channels_first>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x8x9x9xf32>, tensor<8x2x3x3xf32>, tensor<2xf32>) -> tensor<1x2x17x17xf32>
  return %0 : tensor<1x2x17x17xf32>
}
}

// -----

// A product that half of the cache does not hold is made of a few rows at a time. The first tap puts pixels the farthest.
// CHECK-LABEL: @blocks
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 4096>} {
func.func @blocks(%x: tensor<1x27x40x8xf32>, %w: tensor<1x8x2x1xf32>) -> tensor<1x26x40x1xf32> {
  // CHECK: scf.for
  // CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %c6
  // CHECK: tensor.extract_slice %arg0[0, %[[FIRST]], 0, 0] [1, 6, 40, 8]
  // CHECK: kernel.pack_matrix({{.*}}) {transposed}
  // CHECK: scf.for %[[TAP:.*]] = %c0 to %c2
  // CHECK: %[[REVERSE:.*]] = arith.subi %c1, %[[TAP]]
  // CHECK: %[[PLACE:.*]] = arith.addi %[[FIRST]], %[[REVERSE]]
  // CHECK: tensor.extract_slice %{{.*}}[0, %[[TAP]], 0, 0, 0, 0] [1, 1, 1, 1, 6, 40]
  // CHECK: tensor.extract_slice %{{.*}}[0, 0, 0, 0, %[[PLACE]], {{.*}}] [1, 1, 1, 1, 6, 40]
  // CHECK: tensor.extract_slice %arg0[0, 24, 0, 0] [1, 3, 40, 8]
  // CHECK: tensor.extract_slice %{{.*}}[0, 0, 1, 0] [1, 1, 26, 40]
  %0 = nn.conv %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x27x40x8xf32>, tensor<1x8x2x1xf32>) -> tensor<1x26x40x1xf32>
  return %0 : tensor<1x26x40x1xf32>
}
}

// -----

// CHECK-LABEL: @enough_outputs
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 1048576>} {
func.func @enough_outputs(%x: tensor<1x8x9x9xf32>, %w: tensor<5x8x3x3xf32>) -> tensor<1x5x7x7xf32> {
  // CHECK: kernel.conv
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x8x9x9xf32>, tensor<5x8x3x3xf32>) -> tensor<1x5x7x7xf32>
  return %0 : tensor<1x5x7x7xf32>
}
}

// -----

// With strides most products would be for nothing; of 2 x 2 taps and strides the phases are channels.
// CHECK-LABEL: @strides
module attributes {kernel.target = #kernel.target<vectorBits = 128, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 1048576>} {
func.func @strides(%x: tensor<1x8x9x9xf32>, %w: tensor<1x8x3x3xf32>, %v: tensor<8x1x2x2xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x1x18x18xf32>) {
  // CHECK-COUNT-2: kernel.conv
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x8x9x9xf32>, tensor<1x8x3x3xf32>) -> tensor<1x1x4x4xf32>
  %1 = nn.conv_transpose %x, %v {layout = #nn<layout channels_first>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x8x9x9xf32>, tensor<8x1x2x2xf32>) -> tensor<1x1x18x18xf32>
  return %0, %1 : tensor<1x1x4x4xf32>, tensor<1x1x18x18xf32>
}
}
