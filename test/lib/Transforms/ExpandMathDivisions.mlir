// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(expand-math))' --split-input-file | FileCheck %s

// A division of vectors by a constant is a product and a correction; by a power of two LLVM knows better.
// CHECK-LABEL: @quotients
// CHECK: %[[Q:.*]] = arith.mulf %arg0, %{{.*}} : vector<4xf32>
// CHECK: arith.negf %[[Q]]
// CHECK: %[[LEFT:.*]] = math.fma
// CHECK: arith.cmpf ogt
// CHECK: %[[BETTER:.*]] = math.fma %[[LEFT]]
// CHECK: arith.select %{{.*}}, %[[BETTER]], %[[Q]]
// CHECK: arith.divf
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @quotients(%x: vector<4xf32>) -> (vector<4xf32>, vector<4xf32>) {
    %six = arith.constant dense<6.0> : vector<4xf32>
    %four = arith.constant dense<4.0> : vector<4xf32>
    %0 = arith.divf %x, %six : vector<4xf32>
    %1 = arith.divf %x, %four : vector<4xf32>
    return %0, %1 : vector<4xf32>, vector<4xf32>
  }
}

// -----

// What integers and constants bound is neither infinite nor NaN: nothing is left to choose.
// CHECK-LABEL: @bounded
// CHECK: %[[X:.*]] = arith.addf
// CHECK: %[[Q:.*]] = arith.mulf %[[X]], %{{.*}} : vector<4xf32>
// CHECK: %[[MINUS:.*]] = arith.negf %[[X]]
// CHECK: %[[EXCESS:.*]] = math.fma %[[Q]], %{{.*}}, %[[MINUS]]
// CHECK: %[[BACK:.*]] = arith.negf %[[EXCESS]]
// CHECK: %[[Y:.*]] = math.fma %[[BACK]], %{{.*}}, %[[Q]]
// CHECK-NEXT: return %[[Y]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @bounded(%x: vector<4xi32>, %y: vector<4xi32>) -> vector<4xf32> {
    %six = arith.constant dense<6.0> : vector<4xf32>
    %third = arith.constant dense<0.3> : vector<4xf32>
    %0 = arith.sitofp %x : vector<4xi32> to vector<4xf32>
    %1 = arith.sitofp %y : vector<4xi32> to vector<4xf32>
    %2 = arith.mulf %0, %third : vector<4xf32>
    %3 = arith.addf %1, %2 : vector<4xf32>
    %4 = arith.divf %3, %six : vector<4xf32>
    return %4 : vector<4xf32>
  }
}

// -----

// Without fused multiply-add the correction would be none.
// CHECK-LABEL: @without_fma
// CHECK: arith.divf
module attributes {kernel.target = #kernel.target<vectorBits = 128, vectorRegisters = 16, fma = false, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @without_fma(%x: vector<4xf32>) -> vector<4xf32> {
    %six = arith.constant dense<6.0> : vector<4xf32>
    %0 = arith.divf %x, %six : vector<4xf32>
    return %0 : vector<4xf32>
  }
}
