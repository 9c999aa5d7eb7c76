// RUN: nnc-opt %s --emit-parallel-calls | FileCheck %s

llvm.func @task(%a: !llvm.ptr, %n: i64, %i: i64) {
  llvm.return
}

// The callback's body unpacks what the loop uses.
// CHECK: llvm.func internal @loop_body(%[[ENV:.*]]: !llvm.ptr, %[[I:.*]]: i64)
// CHECK: llvm.load {{.*}} -> !llvm.ptr
// CHECK: llvm.load {{.*}} -> i64
// CHECK: llvm.call @task(%{{.*}}, %{{.*}}, %[[I]])

// CHECK: llvm.func @loop(%[[P:.*]]: !llvm.ptr, %[[A:.*]]: !llvm.ptr, %[[N:.*]]: i64, %[[TASKS:.*]]: i64)
// CHECK-NOT: nn.parallel_for
// CHECK: %[[MEMORY:.*]] = llvm.alloca
// CHECK: %[[NULL:.*]] = llvm.icmp "eq" %[[P]]
// CHECK: %[[TWO:.*]] = llvm.mlir.constant(2 : i64)
// CHECK: %[[SINGLE:.*]] = llvm.icmp "ult" %[[TASKS]], %[[TWO]]
// CHECK: %[[STAYS:.*]] = llvm.or %[[NULL]], %[[SINGLE]]
// CHECK: llvm.cond_br %[[STAYS]], ^[[SEQUENTIAL:.*]], ^[[PARALLEL:.*]]
// CHECK: ^[[PARALLEL]]:
// CHECK: llvm.store %[[A]]
// CHECK: llvm.store %[[N]]
// CHECK: %[[CALLEE:.*]] = llvm.load
// CHECK: %[[CONTEXT:.*]] = llvm.load
// CHECK: %[[BODY:.*]] = llvm.mlir.addressof @loop_body
// CHECK: llvm.call %[[CALLEE]](%[[CONTEXT]], %[[TASKS]], %[[BODY]], %[[MEMORY]])
// CHECK: ^[[SEQUENTIAL]]:
// CHECK: llvm.call @task
llvm.func @loop(%parallel: !llvm.ptr, %a: !llvm.ptr, %n: i64, %tasks: i64) attributes {nn.parallel_for} {
  %zero = llvm.mlir.constant(0 : i64) : i64
  llvm.call @task(%a, %n, %zero) : (!llvm.ptr, i64, i64) -> ()
  llvm.return
}
