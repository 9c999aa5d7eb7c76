// RUN: nnc-opt %s --profile-layers=counter=llvm.readsteadycounter | FileCheck %s

// The two calls of one layer share a place.
// CHECK: module attributes {nn.profiled_layers = ["first", "second"]}
// CHECK: memref.global "private" @main_ticks : memref<2xi64> = dense<0>
module {
  func.func private @layer_first(memref<4xf32>)
  func.func private @layer_second(memref<4xf32>)
  // CHECK-LABEL: func.func @main
  func.func @main(%x: memref<4xf32>, %y: memref<4xf32>) {
    // CHECK: %[[START:.*]] = llvm.call_intrinsic "llvm.readsteadycounter"() : () -> i64
    // CHECK-NEXT: call @layer_first
    // CHECK-NEXT: %[[END:.*]] = llvm.call_intrinsic "llvm.readsteadycounter"() : () -> i64
    // CHECK-NEXT: %[[TAKEN:.*]] = arith.subi %[[END]], %[[START]] : i64
    // CHECK: %[[SUM:.*]] = arith.addi %{{.*}}, %[[TAKEN]] : i64
    // CHECK: memref.store %[[SUM]], %{{.*}}[%c0
    call @layer_first(%x) : (memref<4xf32>) -> () loc("first")
    // CHECK: memref.copy
    // CHECK: memref.store {{.*}}[%c1
    memref.copy %x, %y : memref<4xf32> to memref<4xf32> loc("second")
    // CHECK: call @layer_first
    // CHECK: memref.store {{.*}}[%c0
    call @layer_first(%y) : (memref<4xf32>) -> () loc("first")
    // CHECK-NOT: llvm.call_intrinsic
    memref.copy %y, %x : memref<4xf32> to memref<4xf32> loc(unknown)
    return
  }
}
