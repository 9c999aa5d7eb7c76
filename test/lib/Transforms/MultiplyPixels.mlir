// RUN: nnc-opt %s --multiply-pixels | FileCheck %s
// RUN: nnc-opt %s --multiply-pixels --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY-COUNT-2: [Passed] algorithm {{.*}}"a product of matrices: each pixel is of one pixel
// WHY-NOT: algorithm

// CHECK-LABEL: @alone
// CHECK: %[[IMAGE:.*]] = nn.reshape %arg0, {{.*}} -> tensor<?x3x256xf32>
// CHECK: %[[FILTER:.*]] = nn.reshape %arg1, {{.*}} -> tensor<7x3xf32>
// CHECK: nn.matmul %[[FILTER]], %[[IMAGE]] : (tensor<7x3xf32>, tensor<?x3x256xf32>) -> tensor<?x7x256xf32>
// CHECK: nn.reshape %arg2, {{.*}} -> tensor<7x1xf32>
// CHECK: nn.add
// CHECK: nn.reshape {{.*}} -> tensor<?x7x16x16xf32>
// CHECK: nn.relu
func.func @alone(%x: tensor<?x3x16x16xf32>, %w: tensor<7x3x1x1xf32>, %b: tensor<7xf32>) -> tensor<?x7x16x16xf32> {
  %0 = nn.conv %x, %w, %b {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<?x3x16x16xf32>, tensor<7x3x1x1xf32>, tensor<7xf32>) -> tensor<?x7x16x16xf32>
  %1 = nn.relu %0 : (tensor<?x7x16x16xf32>) -> tensor<?x7x16x16xf32>
  return %1 : tensor<?x7x16x16xf32>
}

// Groups are a batch; of a stride's pixels only those that are read.
// CHECK-LABEL: @grouped_and_strided
// CHECK: %[[PIXELS:.*]] = nn.slice %arg0, {{.*}} {axes = array<i64: 2>} {{.*}} -> tensor<1x4x150xf32>
// CHECK: %[[IMAGE:.*]] = nn.reshape %[[PIXELS]], {{.*}} -> tensor<1x2x2x150xf32>
// CHECK: nn.matmul {{.*}}, %[[IMAGE]] : (tensor<2x3x2xf32>, tensor<1x2x2x150xf32>) -> tensor<1x2x3x150xf32>
func.func @grouped_and_strided(%x: tensor<1x4x299xf32>, %w: tensor<6x2x1xf32>) -> tensor<1x6x150xf32> {
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 0>, pads_end = array<i64: 0>, groups = 2 : i64} : (tensor<1x4x299xf32>, tensor<6x2x1xf32>) -> tensor<1x6x150xf32>
  return %0 : tensor<1x6x150xf32>
}

// Through the relu it shares the layout of the next one; the last has few pixels.
// CHECK-LABEL: @with_neighbours
// CHECK-COUNT-3: nn.conv
func.func @with_neighbours(%x: tensor<1x3x16x16xf32>, %y: tensor<1x3x4x4xf32>, %w: tensor<3x3x1x1xf32>, %v: tensor<3x3x3x3xf32>) -> (tensor<1x3x14x14xf32>, tensor<1x3x4x4xf32>) {
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x3x16x16xf32>, tensor<3x3x1x1xf32>) -> tensor<1x3x16x16xf32>
  %1 = nn.relu %0 : (tensor<1x3x16x16xf32>) -> tensor<1x3x16x16xf32>
  %2 = nn.conv %1, %v {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x3x16x16xf32>, tensor<3x3x3x3xf32>) -> tensor<1x3x14x14xf32>
  %3 = nn.conv %y, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x3x4x4xf32>, tensor<3x3x1x1xf32>) -> tensor<1x3x4x4xf32>
  return %2, %3 : tensor<1x3x14x14xf32>, tensor<1x3x4x4xf32>
}

// What the model transposes itself is channels-last already.
// CHECK-LABEL: @between_transposes
// CHECK: nn.conv
func.func @between_transposes(%x: tensor<1x16x16x3xf32>, %w: tensor<3x3x1x1xf32>) -> tensor<1x3x16x16xf32> {
  %0 = nn.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<1x16x16x3xf32>) -> tensor<1x3x16x16xf32>
  %1 = nn.conv %0, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x3x16x16xf32>, tensor<3x3x1x1xf32>) -> tensor<1x3x16x16xf32>
  return %1 : tensor<1x3x16x16xf32>
}
