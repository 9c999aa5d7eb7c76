// RUN: nnc-opt %s --convert-nn-to-linalg | FileCheck %s

// One byte says whether all held; it is looked at once, at the end.
// CHECK-LABEL: @main
// CHECK: %[[STANDING:.*]] = memref.alloc() {alignment = 64 : i64, nn.lasting} : memref<1xi8>
// CHECK: memref.store %{{.*}}, %[[STANDING]]
// CHECK: scf.for
// CHECK: %[[BEFORE:.*]] = memref.load %[[STANDING]]
// CHECK: %[[HOLDS:.*]] = arith.extui %{{.*}} : i1 to i8
// CHECK: %[[AND:.*]] = arith.andi %[[BEFORE]], %[[HOLDS]]
// CHECK: memref.store %[[AND]], %[[STANDING]]
// CHECK: %[[END:.*]] = memref.load %[[STANDING]]
// CHECK: %[[FINE:.*]] = arith.cmpi ne, %[[END]]
// CHECK: cf.assert %[[FINE]], "it is small"
// CHECK-NEXT: return
func.func @main(%n: tensor<i64>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %t = arith.constant dense<true> : tensor<i1>
  %limit = arith.constant dense<3> : tensor<i64>
  %0 = nn.loop %n, %x attributes {operandSegmentSizes = array<i32: 1, 0, 1>} {
  ^bb0(%i: tensor<i64>, %a: tensor<4xf32>):
    %small = nn.compare %i, %limit {predicate = #nn<compare less>} : (tensor<i64>, tensor<i64>) -> tensor<i1>
    %b = tensor.extract %small[] : tensor<i1>
    cf.assert %b, "it is small"
    %1 = nn.add %a, %a : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    nn.yield %t, %1 : tensor<i1>, tensor<4xf32>
  } : (tensor<i64>, tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
