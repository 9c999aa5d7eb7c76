// RUN: nnc-opt %s --place-branch-results --cse --split-input-file --verify-diagnostics | FileCheck %s

// A place for the larger bound, before the branch; the extents are results, and the result is that part of the place.
// CHECK-LABEL: func.func @main(
// CHECK-DAG: %[[EIGHT:.*]] = arith.constant 8 : index
// CHECK: %[[PLACE:.*]] = bufferization.alloc_tensor() : tensor<8xf32>
// CHECK: %[[IF:.*]]:2 = scf.if %{{.*}} -> (tensor<8xf32>, index)
// CHECK: %[[THERE:.*]] = tensor.extract_slice %[[PLACE]][0] [%[[N:.*]]] [1]
// CHECK: %[[PUT:.*]] = bufferization.materialize_in_destination %{{.*}} in %[[THERE]]
// CHECK: %[[IN:.*]] = tensor.insert_slice %[[PUT]] into %[[PLACE]][0] [%[[N]]] [1]
// CHECK: scf.yield %[[IN]], %[[N]]
// CHECK: else
// CHECK: bufferization.materialize_in_destination
// CHECK: %[[EXTENT:.*]] = kernel.bounded %[[IF]]#1, %[[EIGHT]]
// CHECK: %[[PART:.*]] = tensor.extract_slice %[[IF]]#0[0] [%[[EXTENT]]] [1]
// CHECK: return %[[PART]]
func.func @main(%a: tensor<8xf32>, %flag: tensor<i1>, %count: tensor<index>) -> tensor<?xf32> {
  %c8 = arith.constant 8 : index
  %c = tensor.extract %flag[] : tensor<i1>
  %r = scf.if %c -> tensor<?xf32> {
    %data = tensor.extract %count[] : tensor<index>
    %n = kernel.bounded %data, %c8
    %part = tensor.extract_slice %a[0] [%n] [1] : tensor<8xf32> to tensor<?xf32>
    %copy = bufferization.alloc_tensor() copy(%part) : tensor<?xf32>
    scf.yield %copy : tensor<?xf32>
  } else {
    %part = tensor.extract_slice %a[0] [5] [1] : tensor<8xf32> to tensor<5xf32>
    %all = tensor.cast %part : tensor<5xf32> to tensor<?xf32>
    %copy = bufferization.alloc_tensor() copy(%all) : tensor<?xf32>
    scf.yield %copy : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}

// -----

// What nothing bounds is an error.
func.func @main(%a: tensor<8xf32>, %flag: tensor<i1>, %count: tensor<?xindex>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c = tensor.extract %flag[] : tensor<i1>
  %r = scf.if %c -> tensor<?xf32> {
    // expected-error@+1 {{the size of a buffer depends on data}}
    %n = tensor.extract %count[%c0] : tensor<?xindex>
    %new = tensor.empty(%n) : tensor<?xf32>
    %copy = bufferization.alloc_tensor() copy(%new) : tensor<?xf32>
    scf.yield %copy : tensor<?xf32>
  } else {
    %all = tensor.cast %a : tensor<8xf32> to tensor<?xf32>
    %copy = bufferization.alloc_tensor() copy(%all) : tensor<?xf32>
    scf.yield %copy : tensor<?xf32>
  }
  return %r : tensor<?xf32>
}
