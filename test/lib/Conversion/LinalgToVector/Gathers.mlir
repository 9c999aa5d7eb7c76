// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector,canonicalize))' | FileCheck %s

#line = affine_map<(d0) -> (d0)>
#plane = affine_map<(d0, d1) -> (d0, d1)>

// CPUs of wide vectors load from places that data decide with a vector of offsets.
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {

// CHECK-LABEL: @rows
// CHECK: %[[INDICES:.*]] = vector.load {{.*}} vector<8xi32>
// CHECK: arith.cmpi slt, %[[INDICES]], {{.*}} : vector<8xi32>
// CHECK: %[[LEAST:.*]] = arith.minsi {{.*}} : vector<8xi32>
// CHECK: %[[OFFSETS:.*]] = arith.muli %[[LEAST]], {{.*}} : vector<8xi32>
// CHECK: %[[FLAT:.*]] = memref.collapse_shape %arg0 {{.*}} into memref<400xf32>
// CHECK: vector.gather %[[FLAT]][%c3] [%[[OFFSETS]]]
func.func @rows(%data: memref<100x4xf32>, %indices: memref<8xi32>, %out: memref<8xf32>) {
  %zero = arith.constant 0 : i32
  %extent = arith.constant 100 : i32
  %last = arith.constant 99 : i32
  %column = arith.constant 3 : index
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%indices : memref<8xi32>) outs(%out : memref<8xf32>) {
  ^bb0(%m: i32, %x: f32):
    %isNegative = arith.cmpi slt, %m, %zero : i32
    %fromEnd = arith.addi %m, %extent : i32
    %place = arith.select %isNegative, %fromEnd, %m : i32
    %least = arith.minsi %place, %last : i32
    %n = arith.index_cast %least : i32 to index
    %r = memref.load %data[%n, %column] : memref<100x4xf32>
    linalg.yield %r : f32
  }
  return
}

// An index that is there already: a load for each lane.
// CHECK-LABEL: @ready
// CHECK-NOT: vector.gather
func.func @ready(%data: memref<100xf32>, %indices: memref<8xi32>, %out: memref<8xf32>) {
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%indices : memref<8xi32>) outs(%out : memref<8xf32>) {
  ^bb0(%m: i32, %x: f32):
    %n = arith.index_cast %m : i32 to index
    %r = memref.load %data[%n] : memref<100xf32>
    linalg.yield %r : f32
  }
  return
}

// Bytes have no such instruction.
// CHECK-LABEL: @bytes
// CHECK-NOT: vector.gather
func.func @bytes(%data: memref<100xi8>, %indices: memref<8xi32>, %out: memref<8xi8>) {
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%indices : memref<8xi32>) outs(%out : memref<8xi8>) {
  ^bb0(%m: i32, %x: i8):
    %m2 = arith.muli %m, %m : i32
    %m4 = arith.muli %m2, %m2 : i32
    %m8 = arith.muli %m4, %m4 : i32
    %m9 = arith.addi %m8, %m : i32
    %n = arith.index_cast %m9 : i32 to index
    %r = memref.load %data[%n] : memref<100xi8>
    linalg.yield %r : i8
  }
  return
}

// What positions alone decide is no data.
// CHECK-LABEL: @positions
// CHECK-NOT: vector.gather
func.func @positions(%data: memref<100xf32>, %out: memref<64xf32>) {
  %last = arith.constant 50 : index
  linalg.generic {indexing_maps = [#line], iterator_types = ["parallel"]} outs(%out : memref<64xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 0 : index
    %i2 = arith.muli %i, %i : index
    %i4 = arith.muli %i2, %i2 : index
    %i5 = arith.addi %i4, %i : index
    %n = arith.minsi %i5, %last : index
    %r = memref.load %data[%n] : memref<100xf32>
    linalg.yield %r : f32
  }
  return
}

// Positions in floats are computed as vectors anyway. Of a buffer of run-time extents, elements of one row have 32-bit offsets.
// CHECK-LABEL: @row_of_run_time_length
// CHECK: %[[PLACES:.*]] = arith.fptosi {{.*}} : vector<8xf32> to vector<8xi32>
// CHECK: vector.gather %arg0[%{{.*}}, %c0] [%[[PLACES]]]
func.func @row_of_run_time_length(%data: memref<?x?xf32>, %out: memref<?x64xf32>) {
  %half = arith.constant 0.5 : f32
  linalg.generic {indexing_maps = [#plane], iterator_types = ["parallel", "parallel"]} outs(%out : memref<?x64xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %k = arith.index_cast %j : index to i32
    %f = arith.sitofp %k : i32 to f32
    %g = arith.mulf %f, %half : f32
    %h = arith.addf %g, %half : f32
    %m = arith.fptosi %h : f32 to i32
    %n = arith.index_cast %m : i32 to index
    %r = memref.load %data[%i, %n] : memref<?x?xf32>
    linalg.yield %r : f32
  }
  return
}

// Not where rows change as well.
// CHECK-LABEL: @rows_of_run_time_length
// CHECK-NOT: vector.gather
func.func @rows_of_run_time_length(%data: memref<?x?xf32>, %indices: memref<8xi32>, %out: memref<8xf32>) {
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%indices : memref<8xi32>) outs(%out : memref<8xf32>) {
  ^bb0(%m: i32, %x: f32):
    %m2 = arith.muli %m, %m : i32
    %m4 = arith.muli %m2, %m2 : i32
    %m8 = arith.muli %m4, %m4 : i32
    %m9 = arith.addi %m8, %m : i32
    %n = arith.index_cast %m9 : i32 to index
    %r = memref.load %data[%n, %n] : memref<?x?xf32>
    linalg.yield %r : f32
  }
  return
}

}
