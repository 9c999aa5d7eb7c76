// RUN: nnc-opt %s --outline-extent-checks --split-input-file --verify-diagnostics | FileCheck %s

// CHECK-LABEL: func.func @main_extents_fit(%arg0: index, %arg1: index) -> i1
// CHECK: %[[FITS:.*]] = arith.cmpi eq, %arg0, %arg1
// CHECK: return %[[FITS]]
// CHECK-LABEL: func.func @main(
// CHECK-NOT: cf.assert
func.func @main(%a: tensor<2x?xf32>, %b: tensor<?xf32>) -> tensor<2x?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %k = tensor.dim %a, %c1 : tensor<2x?xf32>
  %n = tensor.dim %b, %c0 : tensor<?xf32>
  %fits = arith.cmpi eq, %k, %n : index
  cf.assert %fits, "equal"
  return %a : tensor<2x?xf32>
}

// -----

// In a branch that the extents decide an assertion counts where the branch is taken; where data decide it is dropped.
// CHECK-LABEL: func.func @main_extents_fit(%arg0: index) -> i1
// CHECK-DAG: %[[TAKEN:.*]] = arith.cmpi sgt
// CHECK-DAG: %[[FITS:.*]] = arith.cmpi eq
// CHECK: %[[RESULT:.*]] = arith.select %[[TAKEN]], %[[FITS]], %true
// CHECK: return %[[RESULT]]
// CHECK-LABEL: func.func @main(
// CHECK-NOT: cf.assert
func.func @main(%a: tensor<?xf32>, %flag: tensor<i1>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %many = arith.cmpi sgt, %n, %c4 : index
  scf.if %many {
    %fits = arith.cmpi eq, %n, %c8 : index
    cf.assert %fits, "eight"
  }
  %data = tensor.extract %flag[] : tensor<i1>
  scf.if %data {
    %fits = arith.cmpi eq, %n, %c4 : index
    cf.assert %fits, "four"
  }
  return %a : tensor<?xf32>
}

// -----

func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {
  %false = arith.constant false
  // expected-error@below {{no extents of the inputs fit: never}}
  cf.assert %false, "never"
  return %a : tensor<?xf32>
}

// -----

// What only the run will tell stays where it is.
// CHECK-NOT: @main_extents_fit
// CHECK-LABEL: func.func @main(
// CHECK: %[[FITS:.*]] = arith.cmpi eq
// CHECK: cf.assert %[[FITS]], "three"
func.func @main(%a: tensor<8xf32>, %count: tensor<index>) -> tensor<?xf32> {
  %c3 = arith.constant 3 : index
  %c8 = arith.constant 8 : index
  %data = tensor.extract %count[] : tensor<index>
  %n = kernel.bounded %data, %c8
  %part = tensor.extract_slice %a[0] [%n] [1] : tensor<8xf32> to tensor<?xf32>
  %fits = arith.cmpi eq, %n, %c3 : index
  cf.assert %fits, "three"
  return %part : tensor<?xf32>
}

// -----

// What buffers rely on may not be dropped.
func.func @main(%a: tensor<?xf32>, %n: tensor<index>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  scf.for %i = %c0 to %c4 step %c1 {
    %fits = arith.cmpi eq, %i, %c0 : index
    // expected-error@+1 {{the shape changes}}
    cf.assert %fits, "the shape changes" {nn.indispensable}
  }
  return %a : tensor<?xf32>
}
