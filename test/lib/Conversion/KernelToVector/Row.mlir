// RUN: nnc-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(convert-kernel-to-vector))' | FileCheck %s

// Along memory: lanes are reduced at the end. The exponentials are kept in the destination, and computed once.
// CHECK-LABEL: @softmax
// CHECK: scf.parallel
// CHECK: arith.cmpf ogt, {{.*}} : vector<16xf32>
// CHECK: vector.reduction <maxnumf>
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: vector.store {{.*}} : memref<4x32xf32>, vector<16xf32>
// CHECK-NOT: math.exp
// CHECK: vector.reduction <add>
// CHECK: arith.divf
// CHECK: arith.mulf {{.*}} : vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @softmax(%x: memref<4x32x1xf32>, %y: memref<4x32x1xf32>) {
    kernel.softmax(%x, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<4x32x1xf32>, memref<4x32x1xf32>) -> ()
    return
  }
}

// -----

// Across memory: one vector of rows side by side, nothing to reduce between lanes.
// CHECK-LABEL: @reduce_across
// CHECK-NOT: vector.reduction
// CHECK: arith.addf {{.*}} : vector<16xf32>
// CHECK-NOT: vector.reduction
// CHECK: vector.store {{.*}} : memref<4x16xf32>, vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @reduce_across(%x: memref<4x9x16xf32>, %y: memref<4x16xf32>) {
    kernel.reduce(%x, %y) attributes {kind = #kernel<reduction sum>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<4x9x16xf32>, memref<4x16xf32>) -> ()
    return
  }
}

// -----

// Short rows that take a logarithm each: a vector of rows, then what is left of them.
// CHECK-LABEL: @log_sum_exp_short
// CHECK-NOT: vector.reduction
// CHECK: scf.parallel
// CHECK: math.exp {{.*}} : vector<16xf32>
// CHECK: math.log {{.*}} : vector<16xf32>
// CHECK: vector.store {{.*}} : memref<37xf32>, vector<16xf32>
// CHECK: math.log {{.*}} : vector<4xf32>
// CHECK: math.log {{.*}} : f32
// CHECK-NOT: vector.reduction
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @log_sum_exp_short(%x: memref<37x7x1xf32>, %y: memref<37x1xf32>) {
    kernel.reduce(%x, %y) attributes {kind = #kernel<reduction log_sum_exp>, epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<37x7x1xf32>, memref<37x1xf32>) -> ()
    return
  }
}

// -----

// The mean, then the variance around it, then the scale of the epilogue.
// CHECK-LABEL: @normalize
// CHECK: vector.reduction <add>
// CHECK: arith.subf
// CHECK: vector.reduction <add>
// CHECK: math.sqrt
// CHECK: vector.load {{.*}} : memref<64xf32>, vector<8xf32>
// CHECK: vector.store
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
  func.func @normalize(%x: memref<4x64x1xf32>, %scale: memref<64xf32>, %y: memref<4x64x1xf32>) {
    kernel.normalize(%x, %scale, %y) attributes {epsilon = 1.0e-5 : f64, center = true, epilogue_maps = [affine_map<(o, r, i) -> (r)>]} {
    ^bb0(%value: f32, %s: f32):
      %scaled = arith.mulf %value, %s : f32
      kernel.yield %scaled : f32
    } : (memref<4x64x1xf32>, memref<64xf32>, memref<4x64x1xf32>) -> ()
    return
  }
}
