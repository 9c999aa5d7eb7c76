// RUN: nnc-opt %s --convert-nn-to-linalg --split-input-file | FileCheck %s

// The address of the pool is added to offsets.
// CHECK-LABEL: @main
// CHECK: %[[BYTES:.*]] = arith.constant dense<[97, 0]> : tensor<2xi8>
// CHECK: %[[BUFFER:.*]] = bufferization.to_buffer %[[BYTES]] read_only
// CHECK: %[[BASE:.*]] = memref.extract_aligned_pointer_as_index %[[BUFFER]]
// CHECK: %[[OFFSETS:.*]] = arith.constant dense<0> : tensor<2xi32>
// CHECK: linalg.generic
// CHECK: tensor.extract %[[OFFSETS]]
// CHECK: arith.addi %[[BASE]]
// CHECK: func.call @nnc_text_equal
// CHECK-NOT: memref.alloc
// CHECK: func.func private @nnc_text_equal(index, index) -> index
func.func @main(%x: tensor<2xindex>) -> tensor<2xi1> {
  %0 = text.constant ["a", "a"], [2] : tensor<2xindex>
  %1 = text.equal %x, %0 : (tensor<2xindex>, tensor<2xindex>) -> tensor<2xi1>
  return %1 : tensor<2xi1>
}

// -----

// What makes strings has a space, which is checked at the end.
// CHECK-LABEL: @main
// CHECK: %[[SPACE:.*]] = memref.alloc() {alignment = 64 : i64, nn.lasting} : memref<13xindex>
// CHECK: %[[ADDRESS:.*]] = memref.extract_aligned_pointer_as_index %[[SPACE]]
// CHECK-COUNT-3: memref.store
// CHECK: func.call @nnc_text_concat(%[[ADDRESS]], %{{.*}}, %{{.*}}) : (index, index, index) -> index
// CHECK: %[[FAILED:.*]] = memref.load %[[SPACE]]
// CHECK: %[[FINE:.*]] = arith.cmpi eq, %[[FAILED]]
// CHECK: cf.assert %[[FINE]], {{.*}} {nn.error = "text"}
module attributes {text.space = 80 : i64} {
  func.func @main(%x: tensor<2xindex>) -> tensor<2xindex> {
    %0 = text.concat %x, %x : (tensor<2xindex>, tensor<2xindex>) -> tensor<2xindex>
    return %0 : tensor<2xindex>
  }
}

// -----

// The number of pieces is bounded.
// CHECK-LABEL: @main
// CHECK: func.call @nnc_text_count
// CHECK: arith.maxsi
// CHECK: kernel.bounded %{{.*}}, %c4
// CHECK: func.call @nnc_text_piece
func.func @main(%x: tensor<2xindex>) -> (tensor<2x?xindex>, tensor<2xi64>) {
  %0:2 = text.split %x {delimiter = ".", max_splits = 3 : i64} : (tensor<2xindex>) -> (tensor<2x?xindex>, tensor<2xi64>)
  return %0#0, %0#1 : tensor<2x?xindex>, tensor<2xi64>
}
