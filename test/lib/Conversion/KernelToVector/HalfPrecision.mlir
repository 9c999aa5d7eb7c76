// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' --split-input-file | FileCheck %s

// Weights of 16 bits are widened in registers, and summed in f32.
// CHECK-LABEL: @widened
// CHECK: scf.for
// CHECK: %[[W:.*]] = vector.load %{{.*}} : memref<1x40x8xf16>, vector<8xf16>
// CHECK: arith.extf %[[W]] : vector<8xf16> to vector<8xf32>
// CHECK: memref.load %{{.*}} : memref<1x40xf32>
// CHECK: vector.fma %{{.*}} : vector<8xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @widened(%a: memref<1x40xf32>, %b: memref<1x40x8xf16>, %c: memref<1x8xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x40xf32>, memref<1x40x8xf16>, memref<1x8xf32>) -> ()
    return
  }
}

// -----

// Two neighbours of K at once; the last one of an odd number with 16 zero bits.
// CHECK-LABEL: @pairs
// CHECK: scf.for
// CHECK: vector.load %{{.*}} : memref<1x21x32xbf16>, vector<32xbf16>
// CHECK: vector.load %{{.*}} : memref<8x41xbf16>, vector<2xbf16>
// CHECK: vector.bitcast %{{.*}} : vector<2xbf16> to vector<1xi32>
// CHECK: vector.bitcast %{{.*}} : vector<16xi32> to vector<32xbf16>
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: scf.yield
// CHECK: memref.load %{{.*}} : memref<8x41xbf16>
// CHECK: arith.extui %{{.*}} : i16 to i32
// CHECK-COUNT-8: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"
// CHECK: vector.store %{{.*}} : memref<8x16xf32>, vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576, bf16Dot = "llvm.x86.avx512bf16.dpbf16ps.512">} {
  func.func @pairs(%a: memref<8x41xbf16>, %b: memref<1x21x32xbf16>, %c: memref<8x16xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<8x41xbf16>, memref<1x21x32xbf16>, memref<8x16xf32>) -> ()
    return
  }
}

// -----

// bf16 on both sides does not make pairs: the packed weights do.
// CHECK-LABEL: @singles
// CHECK-NOT: llvm.call_intrinsic
// CHECK: vector.fma
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576, bf16Dot = "llvm.x86.avx512bf16.dpbf16ps.512">} {
  func.func @singles(%a: memref<8x41xbf16>, %b: memref<1x41x16xbf16>, %c: memref<8x16xf32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<8x41xbf16>, memref<1x41x16xbf16>, memref<8x16xf32>) -> ()
    return
  }
}

// -----

// Channels of each group in pairs, unrolled as they are few.
// CHECK-LABEL: @channels
// CHECK: vector.load %{{.*}} : memref<2x1x1x1x2x32xbf16>, vector<32xbf16>
// CHECK: vector.load %{{.*}} : memref<1x4x4x6xbf16>, vector<2xbf16>
// CHECK: llvm.call_intrinsic
// CHECK: memref.load %{{.*}} : memref<1x4x4x6xbf16>
// CHECK: llvm.call_intrinsic
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576, bf16Dot = "llvm.x86.avx512bf16.dpbf16ps.512">} {
  func.func @channels(%a: memref<1x4x4x6xbf16>, %b: memref<2x1x1x1x2x32xbf16>, %c: memref<1x4x4x32xf32>) {
    kernel.conv(%a, %b, %c) attributes {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x4x4x6xbf16>, memref<2x1x1x1x2x32xbf16>, memref<1x4x4x32xf32>) -> ()
    return
  }
}
