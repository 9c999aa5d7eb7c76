// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector,canonicalize))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(convert-linalg-to-vector))' --mlir-disable-threading --remarks-filter=vectors -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY

#both = affine_map<(d0, d1) -> (d0, d1)>

// Rows found by an index that is read once per row: whole vectors are copied.
// CHECK-LABEL: @gather_rows
// CHECK: scf.for %[[ROW:.*]] =
// CHECK: %[[I:.*]] = memref.load %{{.*}}[%[[ROW]]] : memref<8xi64>
// CHECK: %[[AT:.*]] = arith.index_cast %[[I]]
// CHECK: scf.for %[[COLUMN:.*]] =
// CHECK: vector.load %{{.*}}[%[[AT]], %[[COLUMN]]] : memref<100x64xf32>, vector<4xf32>
func.func @gather_rows(%data: memref<100x64xf32>, %indices: memref<8xi64>, %out: memref<8x64xf32>) {
  linalg.generic {indexing_maps = [#both], iterator_types = ["parallel", "parallel"]} outs(%out : memref<8x64xf32>) {
  ^bb0(%x: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %m = memref.load %indices[%i] : memref<8xi64>
    %n = arith.index_cast %m : i64 to index
    %r = memref.load %data[%n, %j] : memref<100x64xf32>
    linalg.yield %r : f32
  }
  return
}

// Elements read backwards are whole vectors, reversed.
// CHECK-LABEL: @backwards
// CHECK: vector.load {{.*}} vector<4xf32>
// CHECK: vector.shuffle {{.*}} [3, 2, 1, 0]
func.func @backwards(%row: memref<64xf32>, %out: memref<8x64xf32>) {
  %last = arith.constant 63 : index
  linalg.generic {indexing_maps = [#both], iterator_types = ["parallel", "parallel"]} outs(%out : memref<8x64xf32>) {
  ^bb0(%x: f32):
    %j = linalg.index 1 : index
    %k = arith.subi %last, %j : index
    %r = memref.load %row[%k] : memref<64xf32>
    linalg.yield %r : f32
  }
  return
}

// A broadcast that shows at run time only: one branch per vector, no gather.
// CHECK-LABEL: @broadcast
// CHECK: %[[MANY:.*]] = arith.cmpi ne
// CHECK: scf.if %[[MANY]]
// CHECK: vector.load
// CHECK: else
// CHECK: vector.broadcast
func.func @broadcast(%row: memref<?xf32>, %out: memref<8x64xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %w = memref.dim %row, %c0 : memref<?xf32>
  linalg.generic {indexing_maps = [#both], iterator_types = ["parallel", "parallel"]} outs(%out : memref<8x64xf32>) {
  ^bb0(%x: f32):
    %j = linalg.index 1 : index
    %one = arith.cmpi eq, %w, %c1 : index
    %k = arith.select %one, %c0, %j : index
    %r = memref.load %row[%k] : memref<?xf32>
    linalg.yield %r : f32
  }
  return
}

// The lane's own index as data is a vector.
// CHECK-LABEL: @triangle
// CHECK: arith.cmpi sge, {{.*}} vector<4xindex>
// CHECK: arith.select {{.*}} vector<4xi1>, vector<4xf32>
func.func @triangle(%a: memref<8x8xf32>, %out: memref<8x8xf32>) {
  %zero = arith.constant 0.0 : f32
  linalg.generic {indexing_maps = [#both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<8x8xf32>) outs(%out : memref<8x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %keep = arith.cmpi sge, %j, %i : index
    %r = arith.select %keep, %x, %zero : f32
    linalg.yield %r : f32
  }
  return
}

// Elements found by an index of their own.
// WHY: [Passed] vectors {{.*}}"4 elements at a time"
// WHY: [Missed] vectors {{.*}}"scattered elements are loaded one by one"
#line = affine_map<(d0) -> (d0)>
func.func @gather_elements(%data: memref<100xf32>, %indices: memref<8xi64>, %out: memref<8xf32>) {
  linalg.generic {indexing_maps = [#line, #line], iterator_types = ["parallel"]}
      ins(%indices : memref<8xi64>) outs(%out : memref<8xf32>) {
  ^bb0(%m: i64, %x: f32):
    %n = arith.index_cast %m : i64 to index
    %r = memref.load %data[%n] : memref<100xf32>
    linalg.yield %r : f32
  }
  return
}

// Vectors of integers are divided as floats that hold their quotients; by a constant the code generator multiplies.
// CHECK-LABEL: @divide
// CHECK: arith.sitofp {{.*}} : vector<4xi32> to vector<4xf64>
// CHECK: arith.sitofp {{.*}} : vector<4xi32> to vector<4xf64>
// CHECK: arith.divf {{.*}} : vector<4xf64>
// CHECK: arith.fptosi {{.*}} : vector<4xf64> to vector<4xi32>
// CHECK: arith.divsi {{.*}} : vector<4xi32>
func.func @divide(%a: memref<8x8xi32>, %b: memref<8x8xi32>, %out: memref<8x8xi32>) {
  %seven = arith.constant 7 : i32
  linalg.generic {indexing_maps = [#both, #both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : memref<8x8xi32>, memref<8x8xi32>) outs(%out : memref<8x8xi32>) {
  ^bb0(%x: i32, %y: i32, %z: i32):
    %q = arith.divsi %x, %y : i32
    %r = arith.divsi %q, %seven : i32
    linalg.yield %r : i32
  }
  return
}

// Vectors of two i64 are not: few CPUs convert those.
// CHECK-LABEL: @divide_wide
// CHECK: arith.remsi {{.*}} : vector<2xi64>
func.func @divide_wide(%a: memref<8x8xi64>, %b: memref<8x8xi64>, %out: memref<8x8xi64>) {
  linalg.generic {indexing_maps = [#both, #both, #both], iterator_types = ["parallel", "parallel"]}
      ins(%a, %b : memref<8x8xi64>, memref<8x8xi64>) outs(%out : memref<8x8xi64>) {
  ^bb0(%x: i64, %y: i64, %z: i64):
    %r = arith.remsi %x, %y : i64
    linalg.yield %r : i64
  }
  return
}
