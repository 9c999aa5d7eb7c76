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

// A classifier of images whose features come to 32: later choices are for the largest such image.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: attributes {nnc.likely_extent = 11 : i64}
func.func @main(%image: tensor<?x?x?x3xf32>) -> tensor<?x?x?x3xf32> {
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  %c8 = arith.constant 8 : index
  %c32 = arith.constant 32 : index
  %h = tensor.dim %image, %c1 : tensor<?x?x?x3xf32>
  %w = tensor.dim %image, %c2 : tensor<?x?x?x3xf32>
  %rows = arith.divui %h, %c4 : index
  %columns = arith.divui %w, %c4 : index
  %pixels = arith.muli %rows, %columns : index
  %features = arith.muli %pixels, %c8 : index
  %fits = arith.cmpi eq, %features, %c32 : index
  cf.assert %fits, "features"
  return %image : tensor<?x?x?x3xf32>
}

// -----

// What data decide tells of no extent; and folding for 224x224 leaves the check itself as it is.
// CHECK: #[[MIN:.*]] = affine_map<(d0)[s0] -> (d0 + 1, s0)>
// CHECK-LABEL: func.func @main_extents_fit(
// CHECK: affine.min #[[MIN]](%arg0)[%
// CHECK-LABEL: func.func @main(
// CHECK-NOT: nnc.likely_extent
// CHECK: return
func.func @main(%a: tensor<?xf32>, %size: tensor<i64>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c8 = arith.constant 8 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %value = tensor.extract %size[] : tensor<i64>
  %most = arith.index_cast %value : i64 to index
  %least = affine.min affine_map<(d0)[s0] -> (d0 + 1, s0)>(%n)[%most]
  %fits = arith.cmpi eq, %least, %c8 : index
  cf.assert %fits, "sizes"
  return %a : tensor<?xf32>
}

// -----

// In a branch that the extents decide an assertion counts where the branch is taken; where data decide it stays there.
// CHECK-LABEL: func.func @main_extents_fit(%arg0: index) -> i1
// CHECK-DAG: %[[TAKEN:.*]] = arith.cmpi sgt
// CHECK-DAG: %[[FITS:.*]] = arith.cmpi eq
// CHECK: %[[RESULT:.*]] = arith.select %[[TAKEN]], %[[FITS]], %true
// CHECK: return %[[RESULT]]
// CHECK-LABEL: func.func @main(
// CHECK-NOT: "eight"
// CHECK: scf.if
// CHECK-NOT: "eight"
// CHECK: cf.assert %{{.*}}, "four"
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

// -----

// Each choice is asked for once, not once for each way to it: of these there are 2^40.
// CHECK-NOT: @main_extents_fit
// CHECK-LABEL: func.func @main(
// CHECK: cf.assert
func.func @main(%a: tensor<?xf32>, %i: tensor<?xi64>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %n = tensor.dim %a, %c0 : tensor<?xf32>
  %data = tensor.extract %i[%n] : tensor<?xi64>
  %s0 = arith.index_cast %data : i64 to index
  %f0 = arith.cmpi sgt, %s0, %n : index %s1 = arith.select %f0, %s0, %n : index
  %f1 = arith.cmpi sgt, %s1, %n : index %s2 = arith.select %f1, %s1, %n : index
  %f2 = arith.cmpi sgt, %s2, %n : index %s3 = arith.select %f2, %s2, %n : index
  %f3 = arith.cmpi sgt, %s3, %n : index %s4 = arith.select %f3, %s3, %n : index
  %f4 = arith.cmpi sgt, %s4, %n : index %s5 = arith.select %f4, %s4, %n : index
  %f5 = arith.cmpi sgt, %s5, %n : index %s6 = arith.select %f5, %s5, %n : index
  %f6 = arith.cmpi sgt, %s6, %n : index %s7 = arith.select %f6, %s6, %n : index
  %f7 = arith.cmpi sgt, %s7, %n : index %s8 = arith.select %f7, %s7, %n : index
  %f8 = arith.cmpi sgt, %s8, %n : index %s9 = arith.select %f8, %s8, %n : index
  %f9 = arith.cmpi sgt, %s9, %n : index %s10 = arith.select %f9, %s9, %n : index
  %f10 = arith.cmpi sgt, %s10, %n : index %s11 = arith.select %f10, %s10, %n : index
  %f11 = arith.cmpi sgt, %s11, %n : index %s12 = arith.select %f11, %s11, %n : index
  %f12 = arith.cmpi sgt, %s12, %n : index %s13 = arith.select %f12, %s12, %n : index
  %f13 = arith.cmpi sgt, %s13, %n : index %s14 = arith.select %f13, %s13, %n : index
  %f14 = arith.cmpi sgt, %s14, %n : index %s15 = arith.select %f14, %s14, %n : index
  %f15 = arith.cmpi sgt, %s15, %n : index %s16 = arith.select %f15, %s15, %n : index
  %f16 = arith.cmpi sgt, %s16, %n : index %s17 = arith.select %f16, %s16, %n : index
  %f17 = arith.cmpi sgt, %s17, %n : index %s18 = arith.select %f17, %s17, %n : index
  %f18 = arith.cmpi sgt, %s18, %n : index %s19 = arith.select %f18, %s18, %n : index
  %f19 = arith.cmpi sgt, %s19, %n : index %s20 = arith.select %f19, %s19, %n : index
  %f20 = arith.cmpi sgt, %s20, %n : index %s21 = arith.select %f20, %s20, %n : index
  %f21 = arith.cmpi sgt, %s21, %n : index %s22 = arith.select %f21, %s21, %n : index
  %f22 = arith.cmpi sgt, %s22, %n : index %s23 = arith.select %f22, %s22, %n : index
  %f23 = arith.cmpi sgt, %s23, %n : index %s24 = arith.select %f23, %s23, %n : index
  %f24 = arith.cmpi sgt, %s24, %n : index %s25 = arith.select %f24, %s24, %n : index
  %f25 = arith.cmpi sgt, %s25, %n : index %s26 = arith.select %f25, %s25, %n : index
  %f26 = arith.cmpi sgt, %s26, %n : index %s27 = arith.select %f26, %s26, %n : index
  %f27 = arith.cmpi sgt, %s27, %n : index %s28 = arith.select %f27, %s27, %n : index
  %f28 = arith.cmpi sgt, %s28, %n : index %s29 = arith.select %f28, %s28, %n : index
  %f29 = arith.cmpi sgt, %s29, %n : index %s30 = arith.select %f29, %s29, %n : index
  %f30 = arith.cmpi sgt, %s30, %n : index %s31 = arith.select %f30, %s30, %n : index
  %f31 = arith.cmpi sgt, %s31, %n : index %s32 = arith.select %f31, %s31, %n : index
  %f32 = arith.cmpi sgt, %s32, %n : index %s33 = arith.select %f32, %s32, %n : index
  %f33 = arith.cmpi sgt, %s33, %n : index %s34 = arith.select %f33, %s33, %n : index
  %f34 = arith.cmpi sgt, %s34, %n : index %s35 = arith.select %f34, %s34, %n : index
  %f35 = arith.cmpi sgt, %s35, %n : index %s36 = arith.select %f35, %s35, %n : index
  %f36 = arith.cmpi sgt, %s36, %n : index %s37 = arith.select %f36, %s36, %n : index
  %f37 = arith.cmpi sgt, %s37, %n : index %s38 = arith.select %f37, %s37, %n : index
  %f38 = arith.cmpi sgt, %s38, %n : index %s39 = arith.select %f38, %s38, %n : index
  %f39 = arith.cmpi sgt, %s39, %n : index %s40 = arith.select %f39, %s39, %n : index
  %fits = arith.cmpi eq, %s40, %n : index
  cf.assert %fits, "equal"
  return %a : tensor<?xf32>
}
