// RUN: nnc-opt %s --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: @types
func.func @types(%x: tensor<2x?xindex>, %n: tensor<2xf32>) {
  // CHECK: text.constant ["a", "b"], [2, 1] : tensor<2x1xindex>
  %0 = text.constant ["a", "b"], [2, 1] : tensor<2x1xindex>
  // CHECK: text.equal
  %1 = text.equal %x, %0 : (tensor<2x?xindex>, tensor<2x1xindex>) -> tensor<2x?xi1>
  // CHECK: text.find %{{.*}} {keys = ["a", "b"]}
  %2 = text.find %x {keys = ["a", "b"]} : (tensor<2x?xindex>) -> tensor<2x?xi64>
  %3 = text.choose %2 {strings = ["a", "b"]} : (tensor<2x?xi64>) -> tensor<2x?xindex>
  %4 = text.concat %x, %0 : (tensor<2x?xindex>, tensor<2x1xindex>) -> tensor<2x?xindex>
  %5 = text.change_case %x {upper} : (tensor<2x?xindex>) -> tensor<2x?xindex>
  %6 = text.format %n : (tensor<2xf32>) -> tensor<2xindex>
  %7 = text.parse %6 {to = f64} : (tensor<2xindex>) -> tensor<2xf64>
  // CHECK: text.remove %{{.*}} {characters = ".,"}
  %9 = text.remove %x {characters = ".,"} : (tensor<2x?xindex>) -> tensor<2x?xindex>
  // CHECK: text.hash %{{.*}} : (tensor<2x?xindex>) -> tensor<2x?xi64>
  %10 = text.hash %x : (tensor<2x?xindex>) -> tensor<2x?xi64>
  // CHECK: text.hash %{{.*}} {key = array<i64: 1, 2>}
  %11 = text.hash %x {key = array<i64: 1, 2>} : (tensor<2x?xindex>) -> tensor<2x?xi64>
  // CHECK: text.split
  %8:2 = text.split %x {delimiter = ".", max_splits = -1 : i64} : (tensor<2x?xindex>) -> (tensor<2x?x?xindex>, tensor<2x?xi64>)
  return
}

// -----

func.func @keys(%x: tensor<2xindex>) {
  // expected-error @+1 {{has keys that do not ascend: 'b' and 'a'}}
  %0 = text.find %x {keys = ["b", "a"]} : (tensor<2xindex>) -> tensor<2xi64>
  return
}

// -----

func.func @strings() {
  // expected-error @+1 {{has 1 strings for 'tensor<2xindex>'}}
  %0 = text.constant ["b"], [2] : tensor<2xindex>
  return
}

// -----

func.func @automaton(%x: tensor<2xindex>) {
  // expected-error @+1 {{needs a class for each of the 256 bytes}}
  %0 = text.match %x {classes = array<i32: 0>, transitions = array<i32: 0>, start = 0 : i32} : (tensor<2xindex>) -> tensor<2xi1>
  return
}

// -----

func.func @key(%x: tensor<2xindex>) {
  // expected-error @+1 {{needs a key of one number or two}}
  %0 = text.hash %x {key = array<i64: 1, 2, 3>} : (tensor<2xindex>) -> tensor<2xi64>
  return
}

// -----

func.func @characters(%x: tensor<2xindex>) {
  // expected-error @+1 {{removes characters of ASCII only}}
  %0 = text.remove %x {characters = "\C3\A9"} : (tensor<2xindex>) -> tensor<2xindex>
  return
}

// -----

func.func @words(%x: tensor<2xindex>) {
  // expected-error @+1 {{has words of characters of ASCII only}}
  %0:2 = text.split %x {delimiter = "", max_splits = -1 : i64, words = "\C3\A9"} : (tensor<2xindex>) -> (tensor<2x?xindex>, tensor<2xi64>)
  return
}
