// RUN: nnc-opt %s --place-carried-values | FileCheck %s

// A value made in the body takes the place of the one it follows; one that stays needs nothing.
// CHECK-LABEL: @made
func.func @made(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0, %[[B:.*]] = %arg1)
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    // CHECK: %[[NEW:.*]] = tensor.insert
    // CHECK: %[[PLACED:.*]] = bufferization.materialize_in_destination %[[NEW]] in %[[A]]
    // CHECK: scf.yield %[[PLACED]], %[[B]]
    %e = tensor.empty() : tensor<4xf32>
    %f = arith.constant 1.0 : f32
    %new = tensor.insert %f into %e[%c0] : tensor<4xf32>
    scf.yield %new, %b : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// What is inserted into the carried value is in its place.
// CHECK-LABEL: @inserted
func.func @inserted(%x: tensor<4xf32>, %f: f32, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    // CHECK: %[[NEW:.*]] = tensor.insert
    // CHECK-NEXT: scf.yield %[[NEW]]
    %new = tensor.insert %f into %a[%i] : tensor<4xf32>
    scf.yield %new : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// What a loop inside collects has a place of its own.
// CHECK-LABEL: @collected
func.func @collected(%x: tensor<4xf32>, %n: index) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c4 = arith.constant 4 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    // CHECK: %[[PLACE:.*]] = bufferization.alloc_tensor() : tensor<4xf32>
    // CHECK: scf.for {{.*}} iter_args(%{{.*}} = %[[PLACE]])
    %e = tensor.empty() : tensor<4xf32>
    %all = scf.for %j = %c0 to %c4 step %c1 iter_args(%b = %e) -> (tensor<4xf32>) {
      %k = arith.subi %c3, %j : index
      %f = tensor.extract %a[%k] : tensor<4xf32>
      %new = tensor.insert %f into %b[%j] : tensor<4xf32>
      scf.yield %new : tensor<4xf32>
    }
    scf.yield %all : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// What is read after the insertion is inserted into a copy; what is read before it is not.
// CHECK-LABEL: @read_later
func.func @read_later(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0, %[[B:.*]] = %arg1)
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    // CHECK: %[[COPY:.*]] = bufferization.alloc_tensor() copy(%[[A]])
    // CHECK: %[[NEW:.*]] = tensor.insert %{{.*}} into %[[COPY]]
    // CHECK: %[[OLD:.*]] = tensor.extract %[[A]]
    // CHECK: %[[OTHER:.*]] = tensor.insert %[[OLD]] into %[[B]]
    // CHECK: %[[PLACED:.*]] = bufferization.materialize_in_destination %[[NEW]] in %[[A]]
    // CHECK: scf.yield %[[PLACED]], %[[OTHER]]
    %f = tensor.extract %b[%c0] : tensor<4xf32>
    %new = tensor.insert %f into %a[%c0] : tensor<4xf32>
    %old = tensor.extract %a[%c0] : tensor<4xf32>
    %other = tensor.insert %old into %b[%c1] : tensor<4xf32>
    scf.yield %new, %other : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// So is what follows another value.
// CHECK-LABEL: @crossed
func.func @crossed(%x: tensor<4xf32>, %y: tensor<4xf32>, %f: f32, %n: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0, %[[B:.*]] = %arg1)
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    // CHECK: bufferization.alloc_tensor() copy(%[[A]])
    // CHECK: bufferization.alloc_tensor() copy(%[[B]])
    %second = tensor.insert %f into %a[%c0] : tensor<4xf32>
    %first = tensor.insert %f into %b[%c1] : tensor<4xf32>
    scf.yield %first, %second : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// Values that change places are copied first.
// CHECK-LABEL: @swapped
func.func @swapped(%x: tensor<4xf32>, %y: tensor<4xf32>, %n: index) -> (tensor<4xf32>, tensor<4xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0, %[[B:.*]] = %arg1)
  %0:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %y) -> (tensor<4xf32>, tensor<4xf32>) {
    // CHECK: %[[OLDB:.*]] = bufferization.alloc_tensor() copy(%[[B]])
    // CHECK: %[[OLDA:.*]] = bufferization.alloc_tensor() copy(%[[A]])
    // CHECK: materialize_in_destination %[[OLDB]] in %[[A]]
    // CHECK: materialize_in_destination %[[OLDA]] in %[[B]]
    scf.yield %b, %a : tensor<4xf32>, tensor<4xf32>
  }
  return %0#0, %0#1 : tensor<4xf32>, tensor<4xf32>
}

// A loop or a branch inside inserts into the carried value as well.
// CHECK-LABEL: @inserted_inside
// CHECK-NOT: materialize_in_destination
func.func @inserted_inside(%x: tensor<4xf32>, %f: f32, %n: index, %go: i1) -> tensor<4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<4xf32>) {
    %1:2 = scf.while (%b = %a, %k = %c0) : (tensor<4xf32>, index) -> (tensor<4xf32>, index) {
      %more = arith.cmpi slt, %k, %n : index
      scf.condition(%more) %b, %k : tensor<4xf32>, index
    } do {
    ^bb0(%b: tensor<4xf32>, %k: index):
      %new = tensor.insert %f into %b[%k] : tensor<4xf32>
      %next = arith.addi %k, %c1 : index
      scf.yield %new, %next : tensor<4xf32>, index
    }
    %2 = scf.if %go -> (tensor<4xf32>) {
      %new = tensor.insert %f into %1#0[%i] : tensor<4xf32>
      scf.yield %new : tensor<4xf32>
    } else {
      scf.yield %1#0 : tensor<4xf32>
    }
    scf.yield %2 : tensor<4xf32>
  }
  return %0 : tensor<4xf32>
}

// What is computed element by element from the carried value overwrites it, where nothing reads it later.
#rows = affine_map<(i, j) -> (0, j)>
#all = affine_map<(i, j) -> (i, j)>
// CHECK-LABEL: @updated
func.func @updated(%x: tensor<1x4xf32>, %y: tensor<1x4xf32>, %n: index) -> tensor<1x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0)
  %0 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x) -> (tensor<1x4xf32>) {
    %e = tensor.empty() : tensor<1x4xf32>
    // CHECK: linalg.generic {{.*}} ins(%[[A]], %arg1 : {{.*}}) outs(%[[A]] :
    %new = linalg.generic {indexing_maps = [#rows, #all, #all], iterator_types = ["parallel", "parallel"]}
        ins(%a, %y : tensor<1x4xf32>, tensor<1x4xf32>) outs(%e : tensor<1x4xf32>) {
    ^bb0(%b: f32, %c: f32, %old: f32):
      %sum = arith.addf %b, %c : f32
      linalg.yield %sum : f32
    } -> tensor<1x4xf32>
    scf.yield %new : tensor<1x4xf32>
  }
  return %0 : tensor<1x4xf32>
}

// Read in another order, or later: it stays as it is until then.
#swapped = affine_map<(i, j) -> (j, i)>
// CHECK-LABEL: @read_elsewhere
func.func @read_elsewhere(%x: tensor<4x4xf32>, %n: index) -> (tensor<4x4xf32>, f32) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  // CHECK: scf.for {{.*}} iter_args(%[[A:.*]] = %arg0
  %0:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %x, %b = %x, %s = %zero) -> (tensor<4x4xf32>, tensor<4x4xf32>, f32) {
    %e = tensor.empty() : tensor<4x4xf32>
    // CHECK: linalg.generic {{.*}} outs(%{{[0-9]+}} :
    %turned = linalg.generic {indexing_maps = [#swapped, #all], iterator_types = ["parallel", "parallel"]}
        ins(%a : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
    ^bb0(%in: f32, %old: f32):
      linalg.yield %in : f32
    } -> tensor<4x4xf32>
    // CHECK: linalg.generic {{.*}} outs(%{{[0-9]+}} :
    %negated = linalg.generic {indexing_maps = [#all, #all], iterator_types = ["parallel", "parallel"]}
        ins(%b : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) {
    ^bb0(%in: f32, %old: f32):
      %neg = arith.negf %in : f32
      linalg.yield %neg : f32
    } -> tensor<4x4xf32>
    %late = tensor.extract %b[%c0, %c0] : tensor<4x4xf32>
    scf.yield %turned, %negated, %late : tensor<4x4xf32>, tensor<4x4xf32>, f32
  }
  return %0#0, %0#2 : tensor<4x4xf32>, f32
}
