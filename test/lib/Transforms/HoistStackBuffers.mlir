// RUN: nnc-opt %s --hoist-stack-buffers | FileCheck %s

// A buffer of a loop is allocated once, with its size; one of the function stays where it is.
// CHECK: llvm.func @loop(%[[N:.*]]: i64
// CHECK-NEXT: %[[COUNT:.*]] = llvm.mlir.constant(32 : index) : i64
// CHECK-NEXT: %[[BUFFER:.*]] = llvm.alloca %[[COUNT]] x f32 {alignment = 64 : i64}
// CHECK: llvm.alloca %{{.*}} x i8
// CHECK: llvm.br
// CHECK-NOT: llvm.alloca
// CHECK: llvm.call @use(%[[BUFFER]], %{{.*}})
llvm.func @use(!llvm.ptr, !llvm.ptr)
llvm.func @loop(%n: i64) {
  %c0 = llvm.mlir.constant(0 : index) : i64
  %c1 = llvm.mlir.constant(1 : index) : i64
  %own = llvm.alloca %c1 x i8 : (i64) -> !llvm.ptr
  llvm.br ^head(%c0 : i64)
^head(%i: i64):
  %more = llvm.icmp "slt" %i, %n : i64
  llvm.cond_br %more, ^body, ^end
^body:
  %c32 = llvm.mlir.constant(32 : index) : i64
  %buffer = llvm.alloca %c32 x f32 {alignment = 64 : i64} : (i64) -> !llvm.ptr
  llvm.call @use(%buffer, %own) : (!llvm.ptr, !llvm.ptr) -> ()
  %next = llvm.add %i, %c1 : i64
  llvm.br ^head(%next : i64)
^end:
  llvm.return
}

// What depends on the loop cannot.
// CHECK: llvm.func @size
// CHECK: ^bb1
// CHECK: llvm.alloca
llvm.func @size(%n: i64) {
  llvm.br ^body
^body:
  %buffer = llvm.alloca %n x f32 : (i64) -> !llvm.ptr
  llvm.call @use(%buffer, %buffer) : (!llvm.ptr, !llvm.ptr) -> ()
  llvm.return
}
