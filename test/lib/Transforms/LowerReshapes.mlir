// RUN: nnc-opt %s --lower-reshapes --split-input-file | FileCheck %s

// CHECK-LABEL: @two_unknown
func.func @two_unknown(%x: memref<?x4xf32>, %a: index, %b: index) -> memref<?x?x4xf32> {
  // CHECK: %[[BASE:[a-z_]+]], {{.*}} = memref.extract_strided_metadata %arg0
  // CHECK: %[[STRIDE:.*]] = arith.muli %arg2, %{{.*}}
  // CHECK: memref.reinterpret_cast %[[BASE]] to offset: [0], sizes: [%arg1, %arg2, 4], strides: [%[[STRIDE]], 4, 1]
  %0 = memref.expand_shape %x [[0, 1], [2]] output_shape [%a, %b, 4] : memref<?x4xf32> into memref<?x?x4xf32>
  return %0 : memref<?x?x4xf32>
}

// -----

// CHECK-LABEL: @one_unknown
func.func @one_unknown(%x: memref<?xf32>, %a: index) -> memref<?x4xf32> {
  // CHECK: memref.expand_shape
  %0 = memref.expand_shape %x [[0, 1]] output_shape [%a, 4] : memref<?xf32> into memref<?x4xf32>
  return %0 : memref<?x4xf32>
}

// -----

// CHECK-LABEL: @address
// CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %arg0 : memref<?xi8>
// CHECK: arith.addi %[[BASE]], %arg1
func.func @address(%arena: memref<?xi8>, %offset: index) -> index {
  %0 = memref.view %arena[%offset][] : memref<?xi8> to memref<4xindex>
  %1 = memref.extract_aligned_pointer_as_index %0 : memref<4xindex> -> index
  return %1 : index
}
