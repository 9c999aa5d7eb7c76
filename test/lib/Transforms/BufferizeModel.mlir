// RUN: nnc-opt %s --bufferize-model --split-input-file | FileCheck %s

// The chain needs one buffer, written in place; its last operation writes to the output; nothing is copied.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32> {nn.name = "x"}, %[[Y:.*]]: memref<32xf32> {nn.name = "y", nn.output})
// CHECK-NOT: memref.copy
// CHECK-DAG: %[[OUT:.*]] = memref.expand_shape %[[Y]]
// CHECK-DAG: %[[A:.*]] = memref.alloc() {alignment = 64 : i64} : memref<4x8xf32>
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic {{.*}} ins(%[[X]] : {{.*}}) outs(%[[A]]
// CHECK: linalg.generic {{.*}} outs(%[[OUT]]
// CHECK-NOT: memref.copy
// CHECK: return
#id = affine_map<(d0, d1) -> (d0, d1)>
#tr = affine_map<(d0, d1) -> (d1, d0)>
func.func @main(%x: tensor<4x8xf32> {nn.name = "x"}) -> (tensor<32xf32> {nn.name = "y"}) {
  %e = tensor.empty() : tensor<4x8xf32>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.mulf %i, %i : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %b = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a, %x : tensor<4x8xf32>, tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %s = arith.addf %i, %j : f32
    linalg.yield %s : f32
  } -> tensor<4x8xf32>
  %r = tensor.collapse_shape %b [[0, 1]] : tensor<4x8xf32> into tensor<32xf32>
  return %r : tensor<32xf32>
}

// -----

// A concatenation's operands are computed in their places.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[Y:[a-z0-9]*]]: memref<8xf32> {nn.output})
// CHECK-NOT: memref.alloc
// CHECK: %[[LEFT:.*]] = memref.subview %[[Y]][0] [4] [1]
// CHECK: linalg.generic {{.*}} outs(%[[LEFT]]
// CHECK: %[[RIGHT:.*]] = memref.subview %[[Y]][4] [4] [1]
// CHECK-NEXT: memref.copy %{{.*}}, %[[RIGHT]]
// CHECK-NEXT: return
#v = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<4xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %a = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.mulf %i, %i : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %r = tensor.concat dim(0) %a, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

// CHECK: memref.global "private" constant @[[C:.*]] : memref<4xf32> = dense<[1.
// CHECK-LABEL: func.func @main(
// CHECK: memref.get_global @[[C]]
// CHECK: memref.copy
func.func @main() -> tensor<4xf32> {
  %c = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// An input is the caller's: what changes elements of it works on a copy.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: memref<8xf32> {nn.name = "x"}, %[[Y:.*]]: memref<8xf32>
// CHECK: %[[A:.*]] = memref.alloc
// CHECK: memref.copy %[[X]], %[[A]]
// CHECK: memref.store %{{.*}}, %[[A]]
// CHECK: memref.copy %[[A]], %[[Y]]
func.func @main(%x: tensor<8xf32> {nn.name = "x"}) -> (tensor<8xf32> {nn.name = "y"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0.0 : f32
  %r = tensor.insert %zero into %x[%c0] : tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

// The operands of a wide concatenation are copied: analysing many insertions takes too long. The destination still is
// the output's own.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[Y:[a-z0-9]*]]: memref<68xf32> {nn.output})
// CHECK: %[[A:.*]] = memref.alloc() {{.*}} : memref<4xf32>
// CHECK: linalg.generic {{.*}} outs(%[[A]]
// CHECK: %[[FIRST:.*]] = memref.subview %[[Y]][0] [4] [1]
// CHECK: memref.copy %[[A]], %[[FIRST]]
// CHECK: %[[LAST:.*]] = memref.subview %[[Y]][64] [4] [1]
// CHECK: memref.copy %[[A]], %[[LAST]]
// CHECK-NEXT: return
#v = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<4xf32>) -> tensor<68xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %a = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.mulf %i, %i : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  %r = tensor.concat dim(0) %a, %x, %a, %x, %a, %x, %a, %x, %a, %x, %a, %x, %a, %x, %a, %x, %a
      : (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<68xf32>
  return %r : tensor<68xf32>
}

// -----

// A size that is hidden while slices are compared is itself again behind it.
// CHECK-LABEL: func.func @main(
// CHECK: %[[SIZE:.*]] = arith.maxsi
// CHECK-NOT: unrealized_conversion_cast
// CHECK: memref.subview {{.*}}[0] [%[[SIZE]]] [1]
// CHECK-NOT: unrealized_conversion_cast
// CHECK: return
func.func @main(%x: tensor<?xf32> {nn.name = "x"}, %y: tensor<64xf32> {nn.name = "y"}) -> (tensor<64xf32> {nn.name = "z"}) {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %size = arith.maxsi %n, %c8 : index
  %part = tensor.extract_slice %x[0] [%size] [1] : tensor<?xf32> to tensor<?xf32>
  %z = tensor.insert_slice %part into %y[0] [%size] [1] : tensor<?xf32> into tensor<64xf32>
  return %z : tensor<64xf32>
}

// -----

// An input of which a result is a changed version is copied to the result's place, once.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: memref<4x8xf32>, %[[N:.*]]: index, %[[Y:.*]]: memref<4x8xf32> {nn.output})
// CHECK-NOT: memref.alloc
// CHECK: linalg.generic {{.*}} ins(%[[X]] : {{.*}}) outs(%[[Y]]
// CHECK: scf.for
// CHECK: memref.store %{{.*}}, %[[Y]]
// CHECK-NOT: memref.copy
// CHECK: return
func.func @main(%x: tensor<4x8xf32>, %n: index) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %r = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> tensor<4x8xf32> {
    %b = tensor.insert %zero into %a[%i, %i] : tensor<4x8xf32>
    scf.yield %b : tensor<4x8xf32>
  }
  return %r : tensor<4x8xf32>
}

// -----

// Borders that two results share (CSE) are filled in each of them; nothing is copied but what is inserted.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:[a-z0-9]*]]: memref<4xf32>, %[[Z:[a-z0-9]*]]: memref<4xf32>, %[[P:[a-z0-9]*]]: memref<8xf32> {nn.output}, %[[Q:[a-z0-9]*]]: memref<8xf32> {nn.output})
// CHECK-NOT: memref.alloc
// CHECK-COUNT-2: linalg.fill
// CHECK-COUNT-2: memref.copy
// CHECK-NOT: memref.copy
// CHECK: return
func.func @main(%x: tensor<4xf32>, %z: tensor<4xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<8xf32>
  %b = tensor.empty() : tensor<4xf32>
  %border = linalg.fill ins(%zero : f32) outs(%b : tensor<4xf32>) -> tensor<4xf32>
  %filled = tensor.insert_slice %border into %e[4] [4] [1] : tensor<4xf32> into tensor<8xf32>
  %p = tensor.insert_slice %x into %filled[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
  %q = tensor.insert_slice %z into %filled[0] [4] [1] : tensor<4xf32> into tensor<8xf32>
  return %p, %q : tensor<8xf32>, tensor<8xf32>
}

// -----

// Where in the result something is inserted is known before it is computed, though the program says it later.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: memref.alloc
// CHECK: %[[PLACE:.*]] = memref.subview
// CHECK: linalg.generic {{.*}} outs(%[[PLACE]]
// CHECK: memref.copy
// CHECK-NOT: memref.copy
// CHECK: return
#w = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<?xf32>, %z: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %e = tensor.empty(%n) : tensor<?xf32>
  %a = linalg.generic {indexing_maps = [#w, #w], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%e : tensor<?xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.mulf %i, %i : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %m = tensor.dim %z, %c0 : tensor<?xf32>
  %all = arith.addi %n, %m : index
  %r = tensor.empty(%all) : tensor<?xf32>
  %first = tensor.insert_slice %a into %r[0] [%n] [1] : tensor<?xf32> into tensor<?xf32>
  %second = tensor.insert_slice %z into %first[%n] [%m] [1] : tensor<?xf32> into tensor<?xf32>
  return %second : tensor<?xf32>
}
