// RUN: nnc-opt %s --choose-weight-types --split-input-file | FileCheck %s --check-prefixes=CHECK,EXACT
// RUN: nnc-opt %s --choose-weight-types=half=false --split-input-file | FileCheck %s --check-prefixes=CHECK,NOHALF
// RUN: nnc-opt %s --choose-weight-types=precision=bf16 --split-input-file | FileCheck %s --check-prefixes=CHECK,BF16

// Exact in bf16; used by two kernels, narrowed once.
// CHECK-LABEL: func.func @exact(
func.func @exact(%x: tensor<1x16xf32>, %init: tensor<1x32xf32>) -> (tensor<1x32xf32>, tensor<1x32xf32>) {
  // CHECK: %[[W:.*]] = arith.constant dense<-1.500000e+00> : tensor<1x16x32xbf16>
  %w = arith.constant dense<-1.5> : tensor<1x16x32xf32>
  // CHECK: kernel.contract(%{{.*}}, %[[W]], %{{.*}}) attributes
  // CHECK: (tensor<1x16xf32>, tensor<1x16x32xbf16>, tensor<1x32xf32>) -> tensor<1x32xf32>
  %y = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x16xf32>, tensor<1x16x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  // CHECK: kernel.contract(%{{.*}}, %[[W]], %{{.*}}) attributes
  %z = kernel.contract(%y, %w, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x32xf32>, tensor<1x16x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  return %y, %z : tensor<1x32xf32>, tensor<1x32xf32>
}

// -----

// 1 + 2^-10 is a number of f16, not of bf16.
// CHECK-LABEL: func.func @half(
func.func @half(%x: tensor<1x5x5x8xf32>, %init: tensor<1x3x3x32xf32>) -> tensor<1x3x3x32xf32> {
  // EXACT: arith.constant dense<1.000980e+00> : tensor<1x1x3x3x8x32xf16>
  // NOHALF: arith.constant dense<1.00097656> : tensor<1x1x3x3x8x32xf32>
  // BF16: arith.constant dense<1.000980e+00> : tensor<1x1x3x3x8x32xf16>
  %w = arith.constant dense<1.0009765625> : tensor<1x1x3x3x8x32xf32>
  %y = kernel.conv(%x, %w, %init) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x5x5x8xf32>, tensor<1x1x3x3x8x32xf32>, tensor<1x3x3x32xf32>) -> tensor<1x3x3x32xf32>
  return %y : tensor<1x3x3x32xf32>
}

// -----

// Half a unit above 1 + 2^-7, an odd number: rounded up to the even one.
// CHECK-LABEL: func.func @ties(
func.func @ties(%x: tensor<1x16xf32>, %init: tensor<1x32xf32>) -> tensor<1x32xf32> {
  // NOHALF: arith.constant dense<1.01171875> : tensor<1x16x32xf32>
  // BF16: arith.constant dense<1.011{{.*}}> : tensor<1x16x32xf16>
  // EXACT: arith.constant dense<1.011{{.*}}> : tensor<1x16x32xf16>
  %w = arith.constant dense<1.01171875> : tensor<1x16x32xf32>
  %y = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x16xf32>, tensor<1x16x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  // The same, and 2^-20 more than f16 has.
  // EXACT: arith.constant dense<{{.*}}> : tensor<1x32x32xf32>
  // BF16: arith.constant dense<1.015630e+00> : tensor<1x32x32xbf16>
  %v = arith.constant dense<0x3F818008> : tensor<1x32x32xf32>
  %z = kernel.contract(%y, %v, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x32xf32>, tensor<1x32x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  return %z : tensor<1x32xf32>
}

// -----

// All of f16: widened for CPUs that do not convert it.
// CHECK-LABEL: func.func @pure(
// EXACT: (tensor<1x16xf16>, tensor<1x16x32xf16>, tensor<1x32xf16>) -> tensor<1x32xf16>
// NOHALF: arith.constant dense<1.5{{.*}}> : tensor<1x16x32xf32>
// NOHALF: (tensor<1x16xf16>, tensor<1x16x32xf32>, tensor<1x32xf16>) -> tensor<1x32xf16>
func.func @pure(%x: tensor<1x16xf16>, %init: tensor<1x32xf16>) -> tensor<1x32xf16> {
  %w = arith.constant dense<1.5> : tensor<1x16x32xf16>
  %y = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f16):
    kernel.yield %sum : f16
  } : (tensor<1x16xf16>, tensor<1x16x32xf16>, tensor<1x32xf16>) -> tensor<1x32xf16>
  return %y : tensor<1x32xf16>
}

// -----

// The largest f32 is finite and stays so; few weights, f64 and weights that are no constant stay too.
// CHECK-LABEL: func.func @stays(
func.func @stays(%x: tensor<1x16xf32>, %d: tensor<1x16xf64>, %init: tensor<1x32xf32>, %dinit: tensor<1x32xf64>,
                 %run: tensor<1x32x32xf32>) -> (tensor<1x32xf32>, tensor<1x32xf64>) {
  // CHECK-NOT: f16
  // CHECK: return
  %w = arith.constant dense<0x7F7FFFFF> : tensor<1x16x32xf32>
  %y = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x16xf32>, tensor<1x16x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  %few = arith.constant dense<1.0> : tensor<1x32x4xf32>
  %four = tensor.extract_slice %init[0, 0] [1, 4] [1, 1] : tensor<1x32xf32> to tensor<1x4xf32>
  %z = kernel.contract(%y, %few, %four) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x32xf32>, tensor<1x32x4xf32>, tensor<1x4xf32>) -> tensor<1x4xf32>
  %padded = tensor.insert_slice %z into %init[0, 0] [1, 4] [1, 1] : tensor<1x4xf32> into tensor<1x32xf32>
  %a = kernel.contract(%padded, %run, %init) attributes {epilogue_maps = []} {
  ^bb0(%sum: f32):
    kernel.yield %sum : f32
  } : (tensor<1x32xf32>, tensor<1x32x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
  %wide = arith.constant dense<1.0> : tensor<1x16x32xf64>
  %b = kernel.contract(%d, %wide, %dinit) attributes {epilogue_maps = []} {
  ^bb0(%sum: f64):
    kernel.yield %sum : f64
  } : (tensor<1x16xf64>, tensor<1x16x32xf64>, tensor<1x32xf64>) -> tensor<1x32xf64>
  return %a, %b : tensor<1x32xf32>, tensor<1x32xf64>
}

// -----

module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, bf16Dot = "llvm.x86.avx512bf16.dpbf16ps.512">} {
  // Pairs of an odd number of rows, the last with zeros; one input rounded once for two kernels.
  // CHECK-LABEL: func.func @pairs(
  // CHECK-SAME: %[[X:.*]]: tensor<?x15xf32>
  // BF16: %[[W:.*]] = arith.constant dense_resource<{{.*}}> : tensor<1x8x64xbf16>
  // BF16: %[[NARROW:.*]] = linalg.generic {{.*}} ins(%[[X]] : tensor<?x15xf32>) outs(%{{.*}} : tensor<?x15xbf16>)
  // BF16: arith.truncf %{{.*}} : f32 to bf16
  // BF16: kernel.contract(%[[NARROW]], %[[W]], %{{.*}}) attributes
  // BF16: (tensor<?x15xbf16>, tensor<1x8x64xbf16>, tensor<?x32xf32>) -> tensor<?x32xf32>
  // BF16-NOT: arith.truncf
  // BF16: kernel.contract(%[[NARROW]], %[[W]], %{{.*}}) attributes
  // EXACT-NOT: truncf
  // EXACT: (tensor<?x15xf32>, tensor<1x15x32xbf16>, tensor<?x32xf32>) -> tensor<?x32xf32>
  func.func @pairs(%x: tensor<?x15xf32>, %init: tensor<?x32xf32>, %other: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<?x32xf32>) {
    %w = arith.constant dense<0.5> : tensor<1x15x32xf32>
    %y = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
    ^bb0(%sum: f32):
      kernel.yield %sum : f32
    } : (tensor<?x15xf32>, tensor<1x15x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    %z = kernel.contract(%x, %w, %other) attributes {epilogue_maps = []} {
    ^bb0(%sum: f32):
      kernel.yield %sum : f32
    } : (tensor<?x15xf32>, tensor<1x15x32xf32>, tensor<?x32xf32>) -> tensor<?x32xf32>
    return %y, %z : tensor<?x32xf32>, tensor<?x32xf32>
  }

  // One row: nothing is won by rounding the input.
  // CHECK-LABEL: func.func @row(
  // CHECK-NOT: truncf
  // CHECK: (tensor<1x16xf32>, tensor<1x16x32xbf16>, tensor<1x32xf32>) -> tensor<1x32xf32>
  func.func @row(%x: tensor<1x16xf32>, %init: tensor<1x32xf32>) -> tensor<1x32xf32> {
    %w = arith.constant dense<0.5> : tensor<1x16x32xf32>
    %y = kernel.contract(%x, %w, %init) attributes {epilogue_maps = []} {
    ^bb0(%sum: f32):
      kernel.yield %sum : f32
    } : (tensor<1x16xf32>, tensor<1x16x32xf32>, tensor<1x32xf32>) -> tensor<1x32xf32>
    return %y : tensor<1x32xf32>
  }

  // All of bf16: pairs without asking.
  // CHECK-LABEL: func.func @native(
  // CHECK: (tensor<1x7x7x6xbf16>, tensor<2x1x3x3x2x128xbf16>, tensor<1x5x5x80xbf16>) -> tensor<1x5x5x80xbf16>
  func.func @native(%x: tensor<1x7x7x6xbf16>, %init: tensor<1x5x5x80xbf16>) -> tensor<1x5x5x80xbf16> {
    %w = arith.constant dense<0.5> : tensor<2x1x3x3x3x64xbf16>
    %y = kernel.conv(%x, %w, %init) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%sum: bf16):
      kernel.yield %sum : bf16
    } : (tensor<1x7x7x6xbf16>, tensor<2x1x3x3x3x64xbf16>, tensor<1x5x5x80xbf16>) -> tensor<1x5x5x80xbf16>
    return %y : tensor<1x5x5x80xbf16>
  }
}
