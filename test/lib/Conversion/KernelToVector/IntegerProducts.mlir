// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' --split-input-file | FileCheck %s

// Four neighbours of K at once: 32 bits of lhs in each lane, 64 bytes of rhs.
// CHECK-LABEL: @vnni
// CHECK: scf.for
// CHECK: vector.load %{{.*}} : memref<1x10x64xi8>, vector<64xi8>
// CHECK: vector.load %{{.*}} : memref<2x40xi8>, vector<4xi8>
// CHECK: vector.bitcast %{{.*}} : vector<4xi8> to vector<1xi32>
// CHECK: vector.bitcast %{{.*}} : vector<16xi32> to vector<64xi8>
// CHECK-COUNT-2: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: vector.store %{{.*}} : memref<2x16xi32>, vector<16xi32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576, vnni = true>} {
  func.func @vnni(%a: memref<2x40xi8>, %b: memref<1x10x64xi8>, %c: memref<2x16xi32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<2x40xi8>, memref<1x10x64xi8>, memref<2x16xi32>) -> ()
    return
  }
}

// -----

// Pairs of 16-bit integers elsewhere.
// CHECK-LABEL: @pairs
// CHECK: vector.load %{{.*}} : memref<1x20x16xi16>, vector<16xi16>
// CHECK: vector.bitcast %{{.*}} : vector<2xi8> to vector<1xi16>
// CHECK: vector.broadcast %{{.*}} : i16 to vector<8xi16>
// CHECK: arith.extui %{{.*}} : vector<16xi8> to vector<16xi16>
// CHECK-NOT: llvm.call_intrinsic
// CHECK: vector.deinterleave
// CHECK: arith.muli %{{.*}} : vector<8xi32>
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @pairs(%a: memref<1x40xi8>, %b: memref<1x20x16xi16>, %c: memref<1x8xi32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<1x40xi8>, memref<1x20x16xi16>, memref<1x8xi32>) -> ()
    return
  }
}

// -----

// Where the CPU adds products of pairs, by that instruction.
// CHECK-LABEL: @pairs_by_name
// CHECK: %[[SUM:.*]] = llvm.call_intrinsic "llvm.x86.avx2.pmadd.wd"(%{{.*}}, %{{.*}}) : (vector<16xi16>, vector<16xi16>) -> vector<8xi32>
// CHECK: arith.addi %[[SUM]], %{{.*}} : vector<8xi32>
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144, i16Dot = "llvm.x86.avx2.pmadd.wd">} {
  func.func @pairs_by_name(%a: memref<1x40xi8>, %b: memref<1x20x16xi16>, %c: memref<1x8xi32>) {
    kernel.contract(%a, %b, %c) attributes {epilogue_maps = []} {
    ^bb0(%acc: i32):
      kernel.yield %acc : i32
    } : (memref<1x40xi8>, memref<1x20x16xi16>, memref<1x8xi32>) -> ()
    return
  }
}

// -----

// A CPU without vectors extends bytes one by one, inputs without a sign.
// CHECK-LABEL: @bytes
// CHECK: arith.extui {{.*}} : i8 to i32
// CHECK: arith.extsi {{.*}} : i8 to i32
// CHECK: arith.muli
module attributes {kernel.target = #kernel.target<vectorBits = 32, vectorRegisters = 32, fma = false, l1Bytes = 16384, l2Bytes = 16384>} {
  func.func @bytes(%a: memref<3x8xi8>, %b: memref<1x2x8xi8>, %y: memref<3x2xi32>) {
    kernel.contract(%a, %b, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: i32):
      kernel.yield %value : i32
    } : (memref<3x8xi8>, memref<1x2x8xi8>, memref<3x2xi32>) -> ()
    return
  }
}
