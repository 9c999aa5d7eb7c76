// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(choose-winograd))' | FileCheck %s
// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(choose-winograd))' --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] algorithm {{.*}}"Winograd's F(4x4, 3x3): estimated 0.32 of the direct convolution's time"
// WHY: [Passed] algorithm {{.*}}"Winograd's F(2x2, 3x3): estimated 0.61 of the direct convolution's time"
// WHY: [Missed] algorithm {{.*}}"no Winograd's F(4x4, 3x3): estimated 1.62 of {{.*}}, and only less than 0.9 counts as faster"
// WHY: [Missed] algorithm {{.*}}"no Winograd: strides or dilations are not 1"
// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(choose-winograd{bf16=true}))' | FileCheck %s --check-prefix=BF16

// Large images pay for the larger tile; the epilogue goes along.
// CHECK-LABEL: @large
// CHECK: %[[U:.*]] = kernel.pack_winograd(%{{.*}}, %{{.*}}) {tile = array<i64: 4, 4>} : (tensor<64x64x3x3xf32>, tensor<36x2x64x32xf32>)
// CHECK-NOT: kernel.pack_filter
// CHECK: kernel.winograd(%arg0, %[[U]], %arg1, %{{.*}}) attributes {epilogue_maps = [#map], pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, tile = array<i64: 4, 4>, window = array<i64: 3, 3>}
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: arith.addf %[[A]], %[[B]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @large(%x: tensor<?x56x56x64xf32>, %bias: tensor<64xf32>, %out: tensor<?x56x56x64xf32>) -> tensor<?x56x56x64xf32> {
    %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
    %e = tensor.empty() : tensor<1x2x3x3x64x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<64x64x3x3xf32>, tensor<1x2x3x3x64x32xf32>) -> tensor<1x2x3x3x64x32xf32>
    %y = kernel.conv(%x, %p, %bias, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = [affine_map<(a, b, c, d) -> (d)>]} {
    ^bb0(%acc: f32, %b: f32):
      %s = arith.addf %acc, %b : f32
      kernel.yield %s : f32
    } : (tensor<?x56x56x64xf32>, tensor<1x2x3x3x64x32xf32>, tensor<64xf32>, tensor<?x56x56x64xf32>) -> tensor<?x56x56x64xf32>
    return %y : tensor<?x56x56x64xf32>
  }
}

// -----

// On 14x14 pixels sixteen large tiles would read too large a filter.
// CHECK-LABEL: @small_image
// CHECK: kernel.winograd{{.*}} tile = array<i64: 2, 2>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @small_image(%x: tensor<1x14x14x512xf32>, %out: tensor<1x14x14x512xf32>) -> tensor<1x14x14x512xf32> {
    %w = arith.constant dense<1.0> : tensor<512x512x3x3xf32>
    %e = tensor.empty() : tensor<1x16x3x3x512x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<512x512x3x3xf32>, tensor<1x16x3x3x512x32xf32>) -> tensor<1x16x3x3x512x32xf32>
    %y = kernel.conv(%x, %p, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x14x14x512xf32>, tensor<1x16x3x3x512x32xf32>, tensor<1x14x14x512xf32>) -> tensor<1x14x14x512xf32>
    return %y : tensor<1x14x14x512xf32>
  }
}

// -----

// Too few channels, a stride, a filter that is no constant: directly.
// CHECK-LABEL: @directly
// CHECK-NOT: kernel.winograd
// CHECK-COUNT-3: kernel.conv
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @directly(%image: tensor<1x30x30x3xf32>, %x: tensor<1x30x30x64xf32>, %filter: tensor<64x64x3x3xf32>) -> (tensor<1x28x28x32xf32>, tensor<1x14x14x64xf32>, tensor<1x28x28x64xf32>) {
    %w3 = arith.constant dense<1.0> : tensor<32x3x3x3xf32>
    %e3 = tensor.empty() : tensor<1x1x3x3x3x32xf32>
    %p3 = kernel.pack_filter(%w3, %e3) {groups = 1 : i64} : (tensor<32x3x3x3xf32>, tensor<1x1x3x3x3x32xf32>) -> tensor<1x1x3x3x3x32xf32>
    %o3 = tensor.empty() : tensor<1x28x28x32xf32>
    %stem = kernel.conv(%image, %p3, %o3) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x30x30x3xf32>, tensor<1x1x3x3x3x32xf32>, tensor<1x28x28x32xf32>) -> tensor<1x28x28x32xf32>
    %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
    %e = tensor.empty() : tensor<1x2x3x3x64x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<64x64x3x3xf32>, tensor<1x2x3x3x64x32xf32>) -> tensor<1x2x3x3x64x32xf32>
    %o = tensor.empty() : tensor<1x14x14x64xf32>
    %strided = kernel.conv(%x, %p, %o) attributes {strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x30x30x64xf32>, tensor<1x2x3x3x64x32xf32>, tensor<1x14x14x64xf32>) -> tensor<1x14x14x64xf32>
    %q = kernel.pack_filter(%filter, %e) {groups = 1 : i64} : (tensor<64x64x3x3xf32>, tensor<1x2x3x3x64x32xf32>) -> tensor<1x2x3x3x64x32xf32>
    %r = tensor.empty() : tensor<1x28x28x64xf32>
    %variable = kernel.conv(%x, %q, %r) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x30x30x64xf32>, tensor<1x2x3x3x64x32xf32>, tensor<1x28x28x64xf32>) -> tensor<1x28x28x64xf32>
    return %stem, %strided, %variable : tensor<1x28x28x32xf32>, tensor<1x14x14x64xf32>, tensor<1x28x28x64xf32>
  }
}

// -----

// Extents of run time count as those that images of 224x224 get: here, after halves of halves, 7x7, too few for the larger
// filter. What depends on data is guessed from the channels.
// CHECK-LABEL: @small_at_run_time
// CHECK: kernel.conv
// CHECK: kernel.winograd
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @small_at_run_time(%image: tensor<?x?x?x3xf32>, %x: tensor<?x?x?x224xf32>, %data: tensor<1xindex>) -> (tensor<1x?x?x224xf32>, tensor<1x?x?x224xf32>) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c32 = arith.constant 32 : index
    %rows = tensor.dim %image, %c1 : tensor<?x?x?x3xf32>
    %columns = tensor.dim %image, %c2 : tensor<?x?x?x3xf32>
    %h = arith.divui %rows, %c32 : index
    %w = arith.divui %columns, %c32 : index
    %filter = arith.constant dense<1.0> : tensor<224x224x3x3xf32>
    %e = tensor.empty() : tensor<1x7x3x3x224x32xf32>
    %p = kernel.pack_filter(%filter, %e) {groups = 1 : i64} : (tensor<224x224x3x3xf32>, tensor<1x7x3x3x224x32xf32>) -> tensor<1x7x3x3x224x32xf32>
    %out = tensor.empty(%h, %w) : tensor<1x?x?x224xf32>
    %y = kernel.conv(%x, %p, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<?x?x?x224xf32>, tensor<1x7x3x3x224x32xf32>, tensor<1x?x?x224xf32>) -> tensor<1x?x?x224xf32>
    %n = tensor.extract %data[%c0] : tensor<1xindex>
    %place = tensor.empty(%n, %n) : tensor<1x?x?x224xf32>
    %z = kernel.conv(%x, %p, %place) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<?x?x?x224xf32>, tensor<1x7x3x3x224x32xf32>, tensor<1x?x?x224xf32>) -> tensor<1x?x?x224xf32>
    return %y, %z : tensor<1x?x?x224xf32>, tensor<1x?x?x224xf32>
  }
}

// -----

// CHECK-LABEL: @run_time_extents
// CHECK: kernel.winograd
// CHECK-SAME: tile = array<i64: 4, 4>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_extents(%x: tensor<?x?x?x64xf32>, %out: tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32> {
    %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
    %e = tensor.empty() : tensor<1x2x3x3x64x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<64x64x3x3xf32>, tensor<1x2x3x3x64x32xf32>) -> tensor<1x2x3x3x64x32xf32>
    %y = kernel.conv(%x, %p, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<?x?x?x64xf32>, tensor<1x2x3x3x64x32xf32>, tensor<?x?x?x64xf32>) -> tensor<?x?x?x64xf32>
    return %y : tensor<?x?x?x64xf32>
  }
}

// -----

// Pairs of bf16 at once are faster here, with a filter an eighth as large.
// CHECK-LABEL: @pairs
// CHECK: kernel.winograd
// BF16-LABEL: @pairs
// BF16: kernel.conv
// BF16-LABEL: @without_pairs
// BF16: kernel.winograd
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576, bf16Dot = "llvm.x86.avx512bf16.dpbf16ps.512">} {
  func.func @pairs(%x: tensor<1x14x14x256xf32>, %out: tensor<1x14x14x256xf32>) -> tensor<1x14x14x256xf32> {
    %w = arith.constant dense<1.0> : tensor<256x256x3x3xf32>
    %e = tensor.empty() : tensor<1x8x3x3x256x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<256x256x3x3xf32>, tensor<1x8x3x3x256x32xf32>) -> tensor<1x8x3x3x256x32xf32>
    %y = kernel.conv(%x, %p, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x14x14x256xf32>, tensor<1x8x3x3x256x32xf32>, tensor<1x14x14x256xf32>) -> tensor<1x14x14x256xf32>
    return %y : tensor<1x14x14x256xf32>
  }
}

// -----

module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @without_pairs(%x: tensor<1x14x14x256xf32>, %out: tensor<1x14x14x256xf32>) -> tensor<1x14x14x256xf32> {
    %w = arith.constant dense<1.0> : tensor<256x256x3x3xf32>
    %e = tensor.empty() : tensor<1x8x3x3x256x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<256x256x3x3xf32>, tensor<1x8x3x3x256x32xf32>) -> tensor<1x8x3x3x256x32xf32>
    %y = kernel.conv(%x, %p, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x14x14x256xf32>, tensor<1x8x3x3x256x32xf32>, tensor<1x14x14x256xf32>) -> tensor<1x14x14x256xf32>
    return %y : tensor<1x14x14x256xf32>
  }
}

// -----

// Groups one by one, each on its channels of input, filter, bias and output.
// CHECK-LABEL: @groups
// CHECK-DAG: %[[W0:.*]] = tensor.extract_slice %[[W:.*]][0, 0, 0, 0] [96, 128, 3, 3]
// CHECK-DAG: %[[U0:.*]] = kernel.pack_winograd(%[[W0]],
// CHECK-DAG: %[[X0:.*]] = tensor.extract_slice %arg0[0, 0, 0, 0] [1, 26, 26, 128]
// CHECK-DAG: %[[Y0:.*]] = tensor.extract_slice %arg2[0, 0, 0, 0] [1, 26, 26, 96]
// CHECK-DAG: %[[B0:.*]] = tensor.extract_slice %arg1[0] [96] [1]
// CHECK: %[[R0:.*]] = kernel.winograd(%[[X0]], %[[U0]], %[[B0]], %[[Y0]])
// CHECK: %[[S:.*]] = tensor.insert_slice %[[R0]] into %arg2[0, 0, 0, 0] [1, 26, 26, 96]
// CHECK-DAG: %[[X1:.*]] = tensor.extract_slice %arg0[0, 0, 0, 128] [1, 26, 26, 128]
// CHECK-DAG: %[[Y1:.*]] = tensor.extract_slice %[[S]][0, 0, 0, 96] [1, 26, 26, 96]
// CHECK-DAG: %[[B1:.*]] = tensor.extract_slice %arg1[96] [96] [1]
// CHECK: %[[R1:.*]] = kernel.winograd(%[[X1]], %{{.*}}, %[[B1]], %[[Y1]])
// CHECK: tensor.insert_slice %[[R1]] into %[[S]][0, 0, 0, 96] [1, 26, 26, 96]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @groups(%x: tensor<1x26x26x256xf32>, %bias: tensor<192xf32>, %out: tensor<1x26x26x192xf32>) -> tensor<1x26x26x192xf32> {
    %w = arith.constant dense<1.0> : tensor<192x128x3x3xf32>
    %e = tensor.empty() : tensor<2x3x3x3x128x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 2 : i64} : (tensor<192x128x3x3xf32>, tensor<2x3x3x3x128x32xf32>) -> tensor<2x3x3x3x128x32xf32>
    %y = kernel.conv(%x, %p, %bias, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = [affine_map<(a, b, c, d) -> (d)>]} {
    ^bb0(%acc: f32, %b: f32):
      %s = arith.addf %acc, %b : f32
      kernel.yield %s : f32
    } : (tensor<1x26x26x256xf32>, tensor<2x3x3x3x128x32xf32>, tensor<192xf32>, tensor<1x26x26x192xf32>) -> tensor<1x26x26x192xf32>
    return %y : tensor<1x26x26x192xf32>
  }
}

// -----

// A CPU without vectors keeps the smaller filter.
// CHECK-LABEL: @microcontroller
// CHECK: kernel.conv
module attributes {kernel.target = #kernel.target<vectorBits = 32, vectorRegisters = 32, fma = true, l1Bytes = 16384, l2Bytes = 16384>} {
  func.func @microcontroller(%x: tensor<1x56x56x64xf32>, %out: tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32> {
    %w = arith.constant dense<1.0> : tensor<64x64x3x3xf32>
    %e = tensor.empty() : tensor<1x32x3x3x64x2xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<64x64x3x3xf32>, tensor<1x32x3x3x64x2xf32>) -> tensor<1x32x3x3x64x2xf32>
    %y = kernel.conv(%x, %p, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x56x56x64xf32>, tensor<1x32x3x3x64x2xf32>, tensor<1x56x56x64xf32>) -> tensor<1x56x56x64xf32>
    return %y : tensor<1x56x56x64xf32>
  }
}

// -----

// Filters of one column or of five: the tile of each dimension goes with the window there.
// CHECK-LABEL: @windows
// CHECK: kernel.winograd{{.*}} tile = array<i64: 4, 1>, window = array<i64: 3, 1>
// CHECK: kernel.winograd{{.*}} tile = array<i64: 2, 2>, window = array<i64: 5, 5>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @windows(%x: tensor<1x32x32x64xf32>, %rows: tensor<1x32x32x64xf32>, %out: tensor<1x32x32x64xf32>) -> (tensor<1x32x32x64xf32>, tensor<1x32x32x64xf32>) {
    %w3 = arith.constant dense<1.0> : tensor<64x64x3x1xf32>
    %e3 = tensor.empty() : tensor<1x2x3x1x64x32xf32>
    %p3 = kernel.pack_filter(%w3, %e3) {groups = 1 : i64} : (tensor<64x64x3x1xf32>, tensor<1x2x3x1x64x32xf32>) -> tensor<1x2x3x1x64x32xf32>
    %y3 = kernel.conv(%x, %p3, %rows) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 0>, pads_end = array<i64: 1, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x32x32x64xf32>, tensor<1x2x3x1x64x32xf32>, tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32>
    %w5 = arith.constant dense<1.0> : tensor<64x64x5x5xf32>
    %e5 = tensor.empty() : tensor<1x2x5x5x64x32xf32>
    %p5 = kernel.pack_filter(%w5, %e5) {groups = 1 : i64} : (tensor<64x64x5x5xf32>, tensor<1x2x5x5x64x32xf32>) -> tensor<1x2x5x5x64x32xf32>
    %y5 = kernel.conv(%x, %p5, %out) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 2, 2>, pads_end = array<i64: 2, 2>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (tensor<1x32x32x64xf32>, tensor<1x2x5x5x64x32xf32>, tensor<1x32x32x64xf32>) -> tensor<1x32x32x64xf32>
    return %y3, %y5 : tensor<1x32x32x64xf32>, tensor<1x32x32x64xf32>
  }
}

// -----

// A convolution of rows is one of images of one row.
// CHECK-LABEL: @rows
// CHECK-DAG: %[[X:.*]] = tensor.expand_shape %arg0 {{\[\[}}0], [1, 2], [3]] output_shape [1, 1, 256, 64]
// CHECK-DAG: %[[Y:.*]] = tensor.expand_shape %arg2 {{\[\[}}0], [1, 2], [3]] output_shape [1, 1, 256, 64]
// CHECK: %[[R:.*]] = kernel.winograd(%[[X]], %{{.*}}, %arg1, %[[Y]]) attributes {epilogue_maps = [#{{.*}}], pads_begin = array<i64: 0, 1>, pads_end = array<i64: 0, 1>, tile = array<i64: 1, 4>, window = array<i64: 1, 3>}
// CHECK: tensor.collapse_shape %[[R]] {{\[\[}}0], [1, 2], [3]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @rows(%x: tensor<1x256x64xf32>, %bias: tensor<64xf32>, %out: tensor<1x256x64xf32>) -> tensor<1x256x64xf32> {
    %w = arith.constant dense<1.0> : tensor<64x64x3xf32>
    %e = tensor.empty() : tensor<1x2x3x64x32xf32>
    %p = kernel.pack_filter(%w, %e) {groups = 1 : i64} : (tensor<64x64x3xf32>, tensor<1x2x3x64x32xf32>) -> tensor<1x2x3x64x32xf32>
    %y = kernel.conv(%x, %p, %bias, %out) attributes {strides = array<i64: 1>, dilations = array<i64: 1>, pads_begin = array<i64: 1>, pads_end = array<i64: 1>, epilogue_maps = [affine_map<(a, b, c) -> (c)>]} {
    ^bb0(%acc: f32, %b: f32):
      %s = arith.addf %acc, %b : f32
      kernel.yield %s : f32
    } : (tensor<1x256x64xf32>, tensor<1x2x3x64x32xf32>, tensor<64xf32>, tensor<1x256x64xf32>) -> tensor<1x256x64xf32>
    return %y : tensor<1x256x64xf32>
  }
}
