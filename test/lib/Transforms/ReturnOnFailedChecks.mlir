// RUN: nnc-opt %s --return-on-failed-checks --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main(%arg0: i1, %arg1: i1, %arg2: memref<4xf32>) -> i32
// CHECK: memref.store
// CHECK-NEXT: cf.cond_br %arg0, ^[[NEXT:.*]], ^[[FAILED:.*]]
// CHECK: ^[[NEXT]]:
// CHECK-NEXT: cf.cond_br %arg1, ^[[LAST:.*]], ^[[FAILED]]
// CHECK: ^[[LAST]]:
// CHECK: memref.store
// CHECK: return %c0_i32
// CHECK: ^[[FAILED]]:
// CHECK: return %c1_i32
func.func @main(%a: i1, %b: i1, %x: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %one = arith.constant 1.0 : f32
  memref.store %one, %x[%c0] : memref<4xf32>
  cf.assert %a, "a"
  cf.assert %b, "b"
  memref.store %one, %x[%c0] : memref<4xf32>
  return
}

// -----

// CHECK-LABEL: func.func @main(%arg0: memref<4xf32>) {
// CHECK-NEXT: return
func.func @main(%x: memref<4xf32>) {
  return
}

// -----

// CHECK-LABEL: func.func @main(%arg0: i1, %arg1: i1) -> i32
// CHECK: cf.cond_br %arg0, ^{{.*}}, ^[[EXTENT:.*]]
// CHECK: cf.cond_br %arg1, ^{{.*}}, ^[[TEXT:.*]]
// CHECK: ^[[EXTENT]]:
// CHECK: return %c1_i32
// CHECK: ^[[TEXT]]:
// CHECK: return %c2_i32
func.func @main(%a: i1, %b: i1) {
  cf.assert %a, "a"
  cf.assert %b, "b" {nn.error = "text"}
  return
}
