// RUN: nnc-opt %s --split-windows | FileCheck %s
// RUN: nnc-opt %s --split-windows --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] algorithm {{.*}}"a sum of 3 convolutions by rows of the filter, whose weights the L2 cache holds"
// WHY-NOT: algorithm

module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 4096, l2Bytes = 16384>} {
  // 4 channels, 5x7 taps, 32 columns of f32: 17,920 bytes. The first row sees what the padding gives, the others begin further
  // down.
  // CHECK-LABEL: @large
  // CHECK: %[[UPPER:.*]] = nn.slice %arg1, {{.*}} {axes = array<i64: 2>} {{.*}} -> tensor<40x4x1x7xf32>
  // CHECK: %[[FIRST:.*]] = nn.conv %arg0, %[[UPPER]] {{.*}}pads_begin = array<i64: 3, 1>, pads_end = array<i64: -8, 2>
  // CHECK: nn.conv {{.*}}pads_begin = array<i64: 1, 1>, pads_end = array<i64: -4, 2>
  // CHECK: nn.add %{{.*}}, %[[FIRST]]
  // CHECK: %[[LOWER:.*]] = nn.slice %arg1, {{.*}} {axes = array<i64: 2>} {{.*}} -> tensor<40x4x2x7xf32>
  // CHECK: %[[THIRD:.*]] = nn.conv %arg0, %[[LOWER]] {{.*}}pads_begin = array<i64: -3, 1>, pads_end = array<i64: 0, 2>
  // CHECK: %[[SUM:.*]] = nn.add %[[THIRD]]
  // CHECK: %[[BIAS:.*]] = nn.unsqueeze %arg2 {{.*}} -> tensor<40x1x1xf32>
  // CHECK: nn.add %[[SUM]], %[[BIAS]]
  func.func @large(%x: tensor<?x4x30x30xf32>, %w: tensor<40x4x5x7xf32>, %b: tensor<40xf32>) -> tensor<?x40x13x14xf32> {
    %0 = nn.conv %x, %w, %b {layout = #nn<layout channels_first>, strides = array<i64: 2, 2>, dilations = array<i64: 2, 1>, pads_begin = array<i64: 3, 1>, pads_end = array<i64: 0, 2>, groups = 1 : i64} : (tensor<?x4x30x30xf32>, tensor<40x4x5x7xf32>, tensor<40xf32>) -> tensor<?x40x13x14xf32>
    return %0 : tensor<?x40x13x14xf32>
  }

  // Of one pixel each weight is read once.
  // CHECK-LABEL: @of_one_pixel
  // CHECK-COUNT-1: nn.conv
  func.func @of_one_pixel(%x: tensor<1x4x5x7xf32>, %w: tensor<40x4x5x7xf32>) -> tensor<1x40x1x1xf32> {
    %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x4x5x7xf32>, tensor<40x4x5x7xf32>) -> tensor<1x40x1x1xf32>
    return %0 : tensor<1x40x1x1xf32>
  }
}
