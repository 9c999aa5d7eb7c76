// RUN: nnc-opt %s --convert-nn-to-linalg --canonicalize --split-input-file | FileCheck %s
// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] algorithm {{.*}}"the depthwise kernel: each channel is filtered by itself"
// WHY: [Passed] algorithm {{.*}}"the 2 phases of the strides have code of their own"
// WHY: [Passed] algorithm {{.*}}"the 1024 phases of the strides are channels of one convolution"

// CHECK-LABEL: @direct
func.func @direct(%x: tensor<1x?x9x8xf32>, %w: tensor<24x8x3x3xf32>, %b: tensor<24xf32>) -> tensor<1x?x5x24xf32> {
  // CHECK: tensor.empty(%{{.*}}) : tensor<1x?x5x24xf32>
  // CHECK: %[[PACKED:.*]] = kernel.pack_filter(%arg1, %{{.*}}) {groups = 1 : i64} : (tensor<24x8x3x3xf32>, tensor<1x3x3x3x8x8xf32>)
  // CHECK: kernel.conv(%arg0, %[[PACKED]], %arg2, %{{.*}}) {{.*}}epilogue_maps = [#{{.*}}]
  // CHECK: arith.addf
  %0 = nn.conv %x, %w, %b {layout = #nn<layout channels_last>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x?x9x8xf32>, tensor<24x8x3x3xf32>, tensor<24xf32>) -> tensor<1x?x5x24xf32>
  return %0 : tensor<1x?x5x24xf32>
}

// -----

// Channels first each channel is an image of its own.
// CHECK-DAG: #[[FILTER:.*]] = affine_map<(d0, d1, d2) -> (d2, d0, d1)>
// CHECK-LABEL: @depthwise_channels_first
func.func @depthwise_channels_first(%x: tensor<1x8x9x9xf32>, %w: tensor<8x1x3x3xf32>) -> tensor<1x8x9x9xf32> {
  // CHECK: linalg.generic {indexing_maps = [#[[FILTER]]
  // CHECK: kernel.depthwise
  // CHECK: (tensor<8x9x9x1xf32>, tensor<3x3x8xf32>, tensor<8x9x9x1xf32>)
  // CHECK-NOT: linalg.generic
  %0 = nn.conv %x, %w {layout = #nn<layout channels_first>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, groups = 8 : i64} : (tensor<1x8x9x9xf32>, tensor<8x1x3x3xf32>) -> tensor<1x8x9x9xf32>
  return %0 : tensor<1x8x9x9xf32>
}

// -----

// CHECK-LABEL: @transposed
func.func @transposed(%x: tensor<?x5x8xf32>, %w: tensor<8x6x3xf32>) -> tensor<?x10x12xf32> {
  // CHECK: kernel.pack_filter(%arg1, %{{.*}}) {groups = 2 : i64, transposed} : (tensor<8x6x3xf32>, tensor<2x1x3x4x8xf32>)
  // CHECK: kernel.conv{{.*}} transposed
  // CHECK: tensor<?x10x12xf32>
  %0 = nn.conv_transpose %x, %w {layout = #nn<layout channels_last>, strides = array<i64: 2>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, output_padding = array<i64: 1>, groups = 2 : i64} : (tensor<?x5x8xf32>, tensor<8x6x3xf32>) -> tensor<?x10x12xf32>
  return %0 : tensor<?x10x12xf32>
}

// -----

// Upsampling by 32: a phase is a channel, and the filter of 64 taps is one of 2.
// CHECK-LABEL: @many_phases
func.func @many_phases(%x: tensor<1x?x7x8xf32>, %w: tensor<8x6x64x64xf32>, %b: tensor<6xf32>) -> tensor<1x?x224x6xf32> {
  // CHECK: kernel.pack_filter(%{{.*}}) {groups = 1 : i64} : (tensor<6144x8x2x2xf32>
  // CHECK: kernel.conv{{.*}}pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>
  // CHECK: tensor<1x?x8x6144xf32>
  // CHECK: tensor.extract_slice %{{.*}}[0, 16, 16, 0] [1, %{{.*}}, 224, 6] [1, 1, 1, 1] : tensor<1x?x256x6xf32>
  %0 = nn.conv_transpose %x, %w, %b {layout = #nn<layout channels_last>, strides = array<i64: 32, 32>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 16, 16>, pads_end = array<i64: 16, 16>, output_padding = array<i64: 0, 0>, groups = 1 : i64} : (tensor<1x?x7x8xf32>, tensor<8x6x64x64xf32>, tensor<6xf32>) -> tensor<1x?x224x6xf32>
  return %0 : tensor<1x?x224x6xf32>
}
