// RUN: nnc-opt %s --verify-stage=stage=nn
// RUN: not nnc-opt %s --verify-stage=stage=tensors 2>&1 | FileCheck %s
// RUN: not nnc-opt %s --verify-stage=stage=sleep 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: there is no stage 'sleep'

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // CHECK: [[@LINE+1]]:{{.*}}error: 'nn.relu' is left after stage 'tensors'
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
