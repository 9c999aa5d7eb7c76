// RUN: not nnc-opt %s --pass-pipeline='builtin.module(func.func(expand-math))' 2>&1 | FileCheck %s

// CHECK: error: 'math.exp' on 'f128' has no expansion
func.func @quadruple(%x: f128) -> f128 {
  %0 = math.exp %x : f128
  return %0 : f128
}
