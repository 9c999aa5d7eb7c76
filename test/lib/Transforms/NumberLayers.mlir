// RUN: nnc-opt %s --number-layers --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// Layers are counted in order; what only constants feed is none. Operations inside a branch have the number of the branch.
// CHECK-LABEL: func.func @main
// CHECK: nn.exp {{.*}} loc("weights")
// CHECK: nn.relu {{.*}} loc(fused<0 : i64>["a"])
// CHECK: nn.if
// CHECK: nn.tanh {{.*}} loc(fused<1 : i64>["inside"])
// CHECK: loc(fused<1 : i64>["b"])
// CHECK: nn.add {{.*}} loc(fused<2 : i64>["a"])
func.func @main(%x: tensor<4xf32>, %c: tensor<i1>) -> tensor<4xf32> {
  %constant = arith.constant dense<1.0> : tensor<4xf32>
  %w = nn.exp %constant : (tensor<4xf32>) -> tensor<4xf32> loc("weights")
  %a = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32> loc("a")
  %b = nn.if %c {
    %t = nn.tanh %a : (tensor<4xf32>) -> tensor<4xf32> loc("inside")
    nn.yield %t : tensor<4xf32>
  } else {
    nn.yield %a : tensor<4xf32>
  } : (tensor<i1>) -> tensor<4xf32> loc("b")
  %s = nn.add %b, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32> loc("a")
  return %s : tensor<4xf32>
}
