// RUN: nnc-opt %s --plan-memory --split-input-file --verify-diagnostics | FileCheck %s

// %a and %c are never live together: they share their bytes.
// CHECK: nn.memory_plan = {bound = 128 : i64, buffers = [
// CHECK-SAME: {bytes = 64 : i64, first = 3 : i64, last = 4 : i64, layer = "first", offset = [[A:[0-9]+]] : i64}
// CHECK-SAME: layer = "second"
// CHECK-SAME: {bytes = 64 : i64, first = 5 : i64, last = 6 : i64, layer = "third", offset = [[A]] : i64}
// CHECK-SAME: peak = 128 : i64
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[ARENA:[a-z0-9]*]]: memref<?xi8> {nn.arena})
// CHECK-NOT: memref.alloc
// CHECK: memref.view %[[ARENA]][%{{.*}}][] : memref<?xi8> to memref<16xf32>
func.func @main(%x: memref<16xf32>, %y: memref<16xf32> {nn.output}) {
  %a = memref.alloc() : memref<16xf32> loc("first")
  %b = memref.alloc() : memref<16xf32> loc("second")
  %c = memref.alloc() : memref<16xf32> loc("third")
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  memref.copy %a, %b : memref<16xf32> to memref<16xf32>
  memref.copy %b, %c : memref<16xf32> to memref<16xf32>
  memref.copy %c, %y : memref<16xf32> to memref<16xf32>
  return
}

// -----

// Buffers of a loop's body that are not live together share their bytes; what lives on around it does not.
// CHECK: nn.memory_plan = {bound = 128 : i64
// CHECK-SAME: layer = "state", offset = [[S:[0-9]+]]
// CHECK-SAME: layer = "early", offset = [[A:[0-9]+]]
// CHECK-SAME: layer = "late", offset = [[A]]
// CHECK-SAME: peak = 128 : i64
func.func @main(%x: memref<16xf32>, %y: memref<16xf32> {nn.output}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c8 = arith.constant 8 : index
  %s = memref.alloc() : memref<16xf32> loc("state")
  memref.copy %x, %s : memref<16xf32> to memref<16xf32>
  scf.for %i = %c0 to %c8 step %c1 {
    %a = memref.alloc() : memref<16xf32> loc("early")
    memref.copy %s, %a : memref<16xf32> to memref<16xf32>
    memref.copy %a, %s : memref<16xf32> to memref<16xf32>
    %b = memref.alloc() : memref<16xf32> loc("late")
    memref.copy %s, %b : memref<16xf32> to memref<16xf32>
    memref.copy %b, %s : memref<16xf32> to memref<16xf32>
  }
  memref.copy %s, %y : memref<16xf32> to memref<16xf32>
  return
}

// -----

// A view keeps its buffer alive.
// CHECK: nn.memory_plan = {bound = 128 : i64
// CHECK-SAME: peak = 128 : i64
func.func @main(%x: memref<16xf32>, %y: memref<16xf32> {nn.output}) {
  %a = memref.alloc() : memref<16xf32>
  %b = memref.alloc() : memref<16xf32>
  %v = memref.expand_shape %a [[0, 1]] output_shape [4, 4] : memref<16xf32> into memref<4x4xf32>
  memref.copy %x, %a : memref<16xf32> to memref<16xf32>
  memref.copy %x, %b : memref<16xf32> to memref<16xf32>
  memref.copy %b, %y : memref<16xf32> to memref<16xf32>
  %w = memref.collapse_shape %v [[0, 1]] : memref<4x4xf32> into memref<16xf32>
  memref.copy %w, %y : memref<16xf32> to memref<16xf32>
  return
}

// -----

// Run-time sizes: two slots, the third buffer takes over the first's.
// CHECK: slots = 2 : i64
// CHECK-LABEL: func.func @main_workspace(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK: %[[ROW:.*]] = arith.constant 32 : index
// CHECK: arith.mului_extended %[[ROW]], %[[N]]
// CHECK: arith.maxui
// CHECK: return
// CHECK-LABEL: func.func @main(
// CHECK: memref.dim
// CHECK-NOT: memref.alloc
// CHECK: memref.view %{{.*}}[%[[FIRST:.*]]][%{{.*}}] : memref<?xi8> to memref<?x8xf32>
// CHECK: memref.view %{{.*}}[%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?x8xf32>
// CHECK: memref.view %{{.*}}[%[[FIRST]]][%{{.*}}] : memref<?xi8> to memref<?x8xf32>
// CHECK: return
func.func @main(%x: memref<?x8xf32>, %y: memref<?x8xf32> {nn.output}) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%n) : memref<?x8xf32>
  %b = memref.alloc(%n) : memref<?x8xf32>
  %m = memref.dim %a, %c0 : memref<?x8xf32>
  %c = memref.alloc(%m) : memref<?x8xf32>
  memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %b, %c : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %c, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}

// -----

func.func @main(%x: memref<1xindex>, %y: memref<1xindex> {nn.output}) {
  %c0 = arith.constant 0 : index
  // expected-error @+1 {{depends on data}}
  %n = memref.load %x[%c0] : memref<1xindex>
  %a = memref.alloc(%n) : memref<?xf32>
  %f = arith.constant 0.0 : f32
  memref.store %f, %a[%c0] : memref<?xf32>
  return
}

// -----

// A buffer as large as an output: the output's extent is computed from the inputs'.
// CHECK-LABEL: func.func @main_workspace(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK: %[[M:.*]] = call @main_output_extents(%[[N]])
// CHECK: arith.mului_extended %{{.*}}, %[[M]]
func.func @main_output_extents(%n: index) -> index {
  return %n : index
}
func.func @main(%x: memref<?xf32>, %y: memref<?xf32> {nn.output}) {
  %c0 = arith.constant 0 : index
  %m = memref.dim %y, %c0 : memref<?xf32>
  %a = memref.alloc(%m) : memref<?xf32>
  memref.copy %x, %a : memref<?xf32> to memref<?xf32>
  memref.copy %a, %y : memref<?xf32> to memref<?xf32>
  return
}

// -----

// The same where values of an input make it, next to an extent that data decide: the inputs are static, the arena is not.
// CHECK-LABEL: func.func @main_workspace(
// CHECK-SAME: %[[N:.*]]: memref<i64>) -> index
// CHECK: %[[M:.*]]:2 = call @main_output_extents(%[[N]])
// CHECK: arith.mului_extended %{{.*}}, %[[M]]#1
func.func @main_output_extents(%n: memref<i64>) -> (index, index) {
  %c32 = arith.constant 32 : index
  %0 = memref.load %n[] : memref<i64>
  %1 = arith.index_cast %0 : i64 to index
  return %c32, %1 : index, index
}
func.func @main(%n: memref<i64> {nn.size_values},
                %y: memref<?x?xf32> {nn.output, nn.bounds = array<i64: 32, -9223372036854775808>}) {
  %c1 = arith.constant 1 : index
  %m = memref.dim %y, %c1 : memref<?x?xf32>
  %a = memref.alloc(%m) : memref<32x?xf32>
  %b = memref.cast %a : memref<32x?xf32> to memref<?x?xf32>
  memref.copy %b, %y : memref<?x?xf32> to memref<?x?xf32>
  return
}

// -----

// Data decide the extent: the place is for the bound, the view has the extent. All inputs are static: so is the arena.
// CHECK-LABEL: peak = 128 : i64, slots = 0
// CHECK-NOT: @main_workspace
// CHECK-LABEL: func.func @main(
// CHECK: %[[N:.*]] = memref.load
// CHECK: memref.view %{{.*}}[%{{.*}}][%[[N]]] : memref<?xi8> to memref<?xf32>
// CHECK-NOT: kernel.bounded
func.func @main(%x: memref<1xindex>, %y: memref<?xf32> {nn.output, nn.bounds = array<i64: 32>}) {
  %c0 = arith.constant 0 : index
  %c32 = arith.constant 32 : index
  %data = memref.load %x[%c0] : memref<1xindex>
  %n = kernel.bounded %data, %c32
  %a = memref.alloc(%n) : memref<?xf32>
  %f = arith.constant 0.0 : f32
  memref.store %f, %a[%c0] : memref<?xf32>
  %z = memref.reinterpret_cast %y to offset: [0], sizes: [%n], strides: [1] : memref<?xf32> to memref<?xf32>
  memref.copy %a, %z : memref<?xf32> to memref<?xf32>
  return
}

// -----

// In a loop: the allocation before it is for the bound, what is used in it is its beginning.
// CHECK-LABEL: func.func @main_workspace(%{{.*}}: index) -> index
// CHECK-LABEL: func.func @main(
// CHECK: %[[VIEW:.*]] = memref.view %{{.*}}[%{{.*}}][%{{.*}}] : memref<?xi8> to memref<?x3xf32>
// CHECK: scf.for
// CHECK: %[[N:.*]] = memref.load
// CHECK: memref.reinterpret_cast %[[VIEW]] to offset: [0], sizes: [%[[N]], 3], strides: [3, 1] : memref<?x3xf32> to memref<?x3xf32>
func.func @main(%x: memref<?xindex>, %y: memref<f32> {nn.output}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %f = arith.constant 0.0 : f32
  %bound = memref.dim %x, %c0 : memref<?xindex>
  scf.for %i = %c0 to %bound step %c1 {
    %data = memref.load %x[%i] : memref<?xindex>
    %n = kernel.bounded %data, %bound
    %a = memref.alloc(%n) : memref<?x3xf32>
    memref.store %f, %a[%c0, %c0] : memref<?x3xf32>
    %g = memref.load %a[%c0, %c0] : memref<?x3xf32>
    memref.store %g, %y[] : memref<f32>
  }
  return
}

// -----

// A view touches nothing: the life of the joined buffer begins where its first half is written, by the layer that does so.
// CHECK: nn.memory_plan = {bound = 192 : i64
// CHECK-SAME: {bytes = 128 : i64, first = [[F:[0-9]+]] : i64, last = [[L:[0-9]+]] : i64, layer = "left", layers = array<i64: 4>, offset =
// CHECK-SAME: {bytes = 128 : i64, {{[^}]*}}layer = "early", offset =
// CHECK-SAME: peak = 192 : i64
func.func @main(%x: memref<16xf32>, %y: memref<32xf32> {nn.output}) {
  %joined = memref.alloc() : memref<32xf32> loc("joined")
  %left = memref.subview %joined[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %right = memref.subview %joined[16] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1], offset: 16>>
  %a = memref.alloc() : memref<32xf32> loc("early")
  %half = memref.subview %a[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  memref.copy %x, %half : memref<16xf32> to memref<16xf32, strided<[1]>> loc("early")
  %b = memref.alloc() : memref<16xf32> loc("between")
  memref.copy %half, %b : memref<16xf32, strided<[1]>> to memref<16xf32> loc("between")
  memref.copy %b, %left : memref<16xf32> to memref<16xf32, strided<[1]>> loc(fused<4 : i64>["left"])
  memref.copy %b, %right : memref<16xf32> to memref<16xf32, strided<[1], offset: 16>> loc("right")
  memref.copy %joined, %y : memref<32xf32> to memref<32xf32> loc("end")
  return
}
