// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(lower-matrix-tiles))' | FileCheck %s

// Palette 1; rows of 64 bytes but for left-hand sides (registers 4 and 5), of 4 * 7; 7 rows of right-hand sides, the others' at run time.
// CHECK-LABEL: @configure
// CHECK-SAME: %[[ROWS:.*]]: index
// CHECK: %[[PLACE:.*]] = memref.alloca() {alignment = 64 : i64} : memref<64xi8>
// CHECK: arith.constant dense<[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 64, 0, 64, 0, 64, 0, 28, 0, 28, 0, 64, 0, 64, 0, 0, {{.*}}, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0]> : vector<64xi8>
// CHECK: vector.store
// CHECK: %[[BYTE:.*]] = arith.index_cast %[[ROWS]] : index to i8
// CHECK-COUNT-6: memref.store %[[BYTE]], %[[PLACE]]
// CHECK-NOT: memref.store
// CHECK: llvm.call_intrinsic "llvm.x86.ldtilecfg"(%{{.*}}) : (!llvm.ptr) -> ()
// CHECK: llvm.call_intrinsic "llvm.x86.tilerelease"() : () -> ()
func.func @configure(%rows: index) {
  kernel.tile_configure %rows by 7
  kernel.tile_release
  return
}

// Rows two pixels apart, of three channels each, from an element of a view whose offset is known at run time.
// CHECK-LABEL: @load
// CHECK-SAME: %[[X:.*]]: memref<?x3xbf16, strided<[3, 1], offset: ?>>, %[[I:.*]]: index
// CHECK: %{{.*}}, %[[OFFSET:.*]], %{{.*}}, %{{.*}} = memref.extract_strided_metadata %[[X]]
// CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %[[X]]
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[ROW:.*]] = arith.muli %[[I]], %{{.*}} : index
// CHECK: arith.addi %[[OFFSET]], %[[ROW]] : index
// CHECK: arith.addi %[[BASE]], %{{.*}} : index
// CHECK: %[[STRIDE:.*]] = arith.muli %{{.*}}, %[[TWO]] : index
// CHECK: %[[WORD:.*]] = arith.index_cast %[[STRIDE]] : index to i64
// CHECK: llvm.mlir.constant(2 : i64) : i64
// CHECK: %[[STEP:.*]] = arith.muli %[[WORD]]
// CHECK: %[[TILE:.*]] = llvm.mlir.constant(4 : i8) : i8
// CHECK: %[[AT:.*]] = llvm.inttoptr
// CHECK: llvm.call_intrinsic "llvm.x86.tileloadd64"(%[[TILE]], %[[AT]], %[[STEP]]) : (i8, !llvm.ptr, i64) -> ()
func.func @load(%x: memref<?x3xbf16, strided<[3, 1], offset: ?>>, %i: index) {
  %zero = arith.constant 0 : index
  kernel.tile_load 4 from %x[%i, %zero] along 0 step 2 : memref<?x3xbf16, strided<[3, 1], offset: ?>>
  return
}

// CHECK-LABEL: @products
// CHECK: llvm.call_intrinsic "llvm.x86.tilezero"(%{{.*}}) : (i8) -> ()
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbusd"(%{{.*}}, %{{.*}}, %{{.*}}) : (i8, i8, i8) -> ()
// CHECK: llvm.call_intrinsic "llvm.x86.tdpbf16ps"
// CHECK: llvm.call_intrinsic "llvm.x86.tilestored64"
func.func @products(%y: memref<16x32xi32>) {
  %zero = arith.constant 0 : index
  kernel.tile_zero 0
  kernel.tile_dot 0, 4, 6
  kernel.tile_dot 1, 4, 7 bf16
  kernel.tile_store 0 to %y[%zero, %zero] along 0 : memref<16x32xi32>
  return
}
