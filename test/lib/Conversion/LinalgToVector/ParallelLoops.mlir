// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector,canonicalize))' | FileCheck %s

#id = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
#last = affine_map<(d0, d1, d2, d3) -> (d3)>
#first = affine_map<(d0, d1) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>

module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {

// One loop over all elements, the remainder of 3 in narrower vectors.
// CHECK-LABEL: @flat
// CHECK: memref.collapse_shape {{.*}} into memref<147xf32>
// CHECK: scf.for %{{.*}} = %c0 to %c144 step %c8
// CHECK: vector.load {{.*}} vector<8xf32>
// CHECK: arith.addf {{.*}} vector<8xf32>
// CHECK: vector.store {{.*}} vector<2xf32>
// CHECK: memref.store
// CHECK-NOT: linalg
func.func @flat(%a: memref<1x7x7x3xf32>, %b: memref<1x7x7x3xf32>, %c: memref<1x7x7x3xf32>) {
  linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a, %b : memref<1x7x7x3xf32>, memref<1x7x7x3xf32>) outs(%c : memref<1x7x7x3xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  }
  return
}

// Pixels become one loop, shared among threads since their number is not known.
// CHECK-LABEL: @pixels
// CHECK: scf.parallel (%[[ROW:.*]]) =
// CHECK: scf.for %[[AT:.*]] = %c0 to %c40 step %c8
// CHECK: vector.load %{{.*}}[%[[ROW]], %[[AT]]] : memref<?x40xf32>, vector<8xf32>
// CHECK: vector.load %{{.*}}[%[[AT]]] : memref<40xf32>, vector<8xf32>
func.func @pixels(%a: memref<?x7x7x40xf32>, %b: memref<40xf32>, %c: memref<?x7x7x40xf32>) {
  linalg.generic {indexing_maps = [#id, #last, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%a, %b : memref<?x7x7x40xf32>, memref<40xf32>) outs(%c : memref<?x7x7x40xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  }
  return
}

// What a row shares is computed before its loop; one lane count for f32 and i64.
// CHECK-LABEL: @rows
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: %[[X:.*]] = memref.load %{{.*}}[%[[ROW]]]
// CHECK: %[[R:.*]] = arith.divf %{{.*}}, %[[X]] : f32
// CHECK: scf.for
// CHECK: vector.broadcast %[[R]] : f32 to vector<4xf32>
// CHECK: arith.fptosi %{{.*}} : vector<4xf32> to vector<4xi64>
func.func @rows(%a: memref<16x40xf32>, %b: memref<16xf32>, %c: memref<16x40xi64>) {
  %one = arith.constant 1.0 : f32
  linalg.generic {indexing_maps = [#both, #first, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : memref<16x40xf32>, memref<16xf32>) outs(%c : memref<16x40xi64>) {
  ^bb0(%x: f32, %y: f32, %z: i64):
    %r = arith.divf %one, %y : f32
    %s = arith.mulf %x, %r : f32
    %i = arith.fptosi %s : f32 to i64
    linalg.yield %i : i64
  }
  return
}

// CHECK-LABEL: @copy
// CHECK: scf.parallel
// CHECK: scf.for %{{.*}} = %c0 to %c4096 step %c8
// CHECK: vector.store
// CHECK-NOT: memref.copy
func.func @copy(%a: memref<?x1000xf32>, %b: memref<?x1000xf32>) {
  memref.copy %a, %b : memref<?x1000xf32> to memref<?x1000xf32>
  return
}

// CHECK-LABEL: @fill
// CHECK: %[[C:.*]] = arith.constant dense<2.000000e+00> : vector<4xf32>
// CHECK: vector.store %[[C]]
func.func @fill(%a: memref<4xf32>) {
  %c = arith.constant 2.0 : f32
  linalg.fill ins(%c : f32) outs(%a : memref<4xf32>)
  return
}
}
