// RUN: nnc-opt %s --gather-weights | FileCheck %s
// RUN: nnc-opt %s --gather-weights=external | FileCheck %s --check-prefix=EXTERNAL

// 16 bytes at 0, 4 repeated bytes at 64; the second copy of the first is not stored; 1 KiB of zeros behind.
// CHECK: memref.global "private" constant @weights : memref<384xi8> = dense_resource<weights> {alignment = 64 : i64}
// CHECK-NOT: memref.global
memref.global "private" constant @a : memref<4xf32> = dense<[1.0, 2.0, 3.0, 4.0]>
memref.global "private" constant @b : memref<2x2xf32> = dense<[[1.0, 2.0], [3.0, 4.0]]>
memref.global "private" constant @c : memref<4xi8> = dense<5>

// CHECK-LABEL: func.func @main
// CHECK-DAG: memref.view %{{.*}}[%c0{{.*}}][] : memref<384xi8> to memref<4xf32>
// CHECK-DAG: memref.view %{{.*}}[%c0{{.*}}][] : memref<384xi8> to memref<2x2xf32>
// CHECK-DAG: memref.view %{{.*}}[%c64{{.*}}][] : memref<384xi8> to memref<4xi8>
func.func @main(%x: memref<4xf32>, %y: memref<2x2xf32>, %z: memref<4xi8>) {
  %a = memref.get_global @a : memref<4xf32>
  %b = memref.get_global @b : memref<2x2xf32>
  %c = memref.get_global @c : memref<4xi8>
  memref.copy %a, %x : memref<4xf32> to memref<4xf32>
  memref.copy %b, %y : memref<2x2xf32> to memref<2x2xf32>
  memref.copy %c, %z : memref<4xi8> to memref<4xi8>
  return
}

// The caller has them: they are an attribute, and an argument.
// EXTERNAL: module attributes {nn.weights = dense_resource<weights> : tensor<384xi8>}
// EXTERNAL-NOT: memref.global{{.*}} @a
// EXTERNAL-LABEL: func.func @main
// EXTERNAL-SAME: %[[WEIGHTS:[a-z0-9]+]]: memref<384xi8>)
// EXTERNAL-DAG: memref.view %[[WEIGHTS]][%c0{{.*}}][] : memref<384xi8> to memref<4xf32>
// EXTERNAL-DAG: memref.view %[[WEIGHTS]][%c64{{.*}}][] : memref<384xi8> to memref<4xi8>

// CHECK: weights: "0x400000000000803F00000040000040400000804000000000
// CHECK-SAME: 0005050505000
