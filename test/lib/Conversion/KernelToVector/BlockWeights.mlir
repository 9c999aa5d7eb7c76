// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector,canonicalize,cse))' --split-input-file | FileCheck %s

// One row: the integers are widened in registers, by a table of sixteen numbers. Each block has sums of its own, which are
// multiplied by its scale once.
// CHECK-LABEL: func.func @row(
// CHECK: scf.for %[[BLOCK:.*]] = %c0 to %c2 {{.*}} iter_args(%[[ALL:.*]] = %{{.*}}, %{{.*}} = %{{.*}})
// CHECK: %[[WORDS:.*]] = vector.load %arg1{{.*}} : memref<2x10x32xi32>, vector<16xi32>
// CHECK: %[[SCALE:.*]] = arith.bitcast %[[WORDS]] : vector<16xi32> to vector<16xf32>
// CHECK: %[[SUMS:.*]]:2 = scf.for %{{.*}} = %c0 to %c4
// CHECK-COUNT-16: llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"
// CHECK: scf.yield
// CHECK: vector.fma %[[SUMS]]#0, %[[SCALE]], %[[ALL]] : vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, floatLookup = "llvm.x86.avx512.permvar.sf.512">} {
  func.func @row(%a: memref<1x64xf32>, %b: memref<2x10x32xi32>, %c: memref<1x64xf32>) {
    kernel.contract(%a, %b, %c) attributes {blocks = #kernel.blocks<bits = 4, size = 32>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x64xf32>, memref<2x10x32xi32>, memref<1x64xf32>) -> ()
    return
  }
}

// -----

// More rows than a tile has: a panel becomes f32 in a buffer, which all tiles of rows read.
// CHECK-LABEL: func.func @rows(
// CHECK: %[[NUMBERS:.*]] = memref.alloc() {alignment = 64 : i64} : memref<1x64x16xf32>
// CHECK: scf.for %[[PANEL:.*]] = %c0 to %c2
// CHECK: %[[SCALE:.*]] = arith.bitcast
// CHECK: %[[OFFSET:.*]] = arith.bitcast
// CHECK: arith.shli
// CHECK: arith.shrsi
// CHECK: %[[CODE:.*]] = arith.sitofp {{.*}} : vector<8xi32> to vector<8xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[CODE]], %[[OFFSET]]
// CHECK: %[[NUMBER:.*]] = arith.mulf %[[SUM]], %[[SCALE]]
// CHECK: vector.store %[[NUMBER]], %[[NUMBERS]]
// CHECK: vector.load %[[NUMBERS]]
// CHECK: vector.fma
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @rows(%a: memref<12x64xf32>, %b: memref<2x20x16xi32>, %c: memref<12x32xf32>) {
    kernel.contract(%a, %b, %c) attributes {blocks = #kernel.blocks<bits = 8, size = 32, offsets = true>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<12x64xf32>, memref<2x20x16xi32>, memref<12x32xf32>) -> ()
    return
  }
}

// -----

// Bytes by bytes: the sums begin with what unsigned codes are too much, -8 times the sum of the block's bytes.
// CHECK-LABEL: func.func @bytes(
// CHECK: scf.for
// CHECK: %[[X_SCALE:.*]] = memref.load %arg0{{.*}} : memref<1x20xi32>
// CHECK: %[[SUM:.*]] = memref.load %arg0{{.*}} : memref<1x20xi32>
// CHECK: %[[FIRST:.*]] = arith.muli %[[SUM]], %c-8_i32
// CHECK: vector.broadcast %[[FIRST]] : i32 to vector<16xi32>
// CHECK: scf.for
// CHECK: arith.xori
// CHECK: arith.andi
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: arith.shrui
// CHECK: arith.andi
// CHECK: llvm.call_intrinsic "llvm.x86.avx512.vpdpbusd.512"
// CHECK: arith.sitofp
// CHECK: arith.bitcast %[[X_SCALE]] : i32 to f32
// CHECK: arith.mulf
// CHECK: vector.fma
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, vnni = true>} {
  func.func @bytes(%a: memref<1x20xi32>, %b: memref<1x10x16xi32>, %c: memref<1x16xf32>) {
    kernel.contract(%a, %b, %c) attributes {blocks = #kernel.blocks<bits = 4, size = 32>, epilogue_maps = []} {
    ^bb0(%acc: f32):
      kernel.yield %acc : f32
    } : (memref<1x20xi32>, memref<1x10x16xi32>, memref<1x16xf32>) -> ()
    return
  }
}

// -----

// Rows as bytes, four in a word, with a scale and a sum behind each block; the scale of what has an infinity is NaN.
// CHECK-LABEL: func.func @quantize(
// CHECK: %[[LARGEST:.*]] = vector.reduction <maximumf>
// CHECK: %[[NOTHING:.*]] = arith.mulf %[[LARGEST]], %{{.*}} : f32
// CHECK: %[[KNOWN:.*]] = arith.addf %[[LARGEST]], %[[NOTHING]]
// CHECK: %[[SCALE:.*]] = arith.divf %[[KNOWN]], %{{.*}} : f32
// CHECK: math.roundeven
// CHECK: %[[BYTES:.*]] = arith.trunci %{{.*}} : vector<8xi32> to vector<8xi8>
// CHECK: vector.bitcast %[[BYTES]] : vector<8xi8> to vector<2xi32>
// CHECK: vector.store {{.*}} : memref<3x20xi32>, vector<2xi32>
// CHECK: %[[SUM:.*]] = vector.reduction <add>
// CHECK: arith.bitcast %[[SCALE]] : f32 to i32
// CHECK: memref.store
// CHECK: memref.store %[[SUM]]
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144, vnni = true>} {
  func.func @quantize(%a: memref<3x64xf32>, %b: memref<3x20xi32>) {
    kernel.quantize_blocks(%a, %b) {blocks = #kernel.blocks<bits = 4, size = 32>} : (memref<3x64xf32>, memref<3x20xi32>) -> ()
    return
  }
}
