// RUN: nnc-opt %s --fuse-elementwise --split-input-file | FileCheck %s
// RUN: nnc-opt %s --fuse-elementwise --split-input-file --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s --check-prefix=NAMES

// A chain is one loop.
// CHECK-LABEL: func.func @chain(
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK-NEXT: arith.negf
// CHECK-NOT: linalg.generic
// The loop names the layers of both, its own first.
// NAMES: linalg.generic
// NAMES: } -> tensor<8xf32> loc(fused["second", "first"])
#v = affine_map<(d0) -> (d0)>
func.func @chain(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %a = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = math.exp %i : f32
    linalg.yield %s : f32
  } -> tensor<8xf32> loc("first")
  %b = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%a : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = arith.negf %i : f32
    linalg.yield %s : f32
  } -> tensor<8xf32> loc("second")
  return %b : tensor<8xf32>
}

// -----

// Two sums of 30 stay two loops.
// CHECK-LABEL: func.func @wide(
// CHECK-COUNT-2: linalg.generic
#v = affine_map<(d0) -> (d0)>
func.func @wide(%x: tensor<8xf32>, %a0: tensor<8xf32>, %a1: tensor<8xf32>, %a2: tensor<8xf32>, %a3: tensor<8xf32>, %a4: tensor<8xf32>, %a5: tensor<8xf32>, %a6: tensor<8xf32>, %a7: tensor<8xf32>, %a8: tensor<8xf32>, %a9: tensor<8xf32>, %a10: tensor<8xf32>, %a11: tensor<8xf32>, %a12: tensor<8xf32>, %a13: tensor<8xf32>, %a14: tensor<8xf32>, %a15: tensor<8xf32>, %a16: tensor<8xf32>, %a17: tensor<8xf32>, %a18: tensor<8xf32>, %a19: tensor<8xf32>, %a20: tensor<8xf32>, %a21: tensor<8xf32>, %a22: tensor<8xf32>, %a23: tensor<8xf32>, %a24: tensor<8xf32>, %a25: tensor<8xf32>, %a26: tensor<8xf32>, %a27: tensor<8xf32>, %a28: tensor<8xf32>, %a29: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v], iterator_types = ["parallel"]}
      ins(%x, %a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7, %a8, %a9, %a10, %a11, %a12, %a13, %a14, %a15, %a16, %a17, %a18, %a19, %a20, %a21, %a22, %a23, %a24, %a25, %a26, %a27, %a28, %a29 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%i: f32, %i0: f32, %i1: f32, %i2: f32, %i3: f32, %i4: f32, %i5: f32, %i6: f32, %i7: f32, %i8: f32, %i9: f32, %i10: f32, %i11: f32, %i12: f32, %i13: f32, %i14: f32, %i15: f32, %i16: f32, %i17: f32, %i18: f32, %i19: f32, %i20: f32, %i21: f32, %i22: f32, %i23: f32, %i24: f32, %i25: f32, %i26: f32, %i27: f32, %i28: f32, %i29: f32, %o: f32):
    %s0 = arith.addf %i, %i0 : f32
    %s1 = arith.addf %s0, %i1 : f32
    %s2 = arith.addf %s1, %i2 : f32
    %s3 = arith.addf %s2, %i3 : f32
    %s4 = arith.addf %s3, %i4 : f32
    %s5 = arith.addf %s4, %i5 : f32
    %s6 = arith.addf %s5, %i6 : f32
    %s7 = arith.addf %s6, %i7 : f32
    %s8 = arith.addf %s7, %i8 : f32
    %s9 = arith.addf %s8, %i9 : f32
    %s10 = arith.addf %s9, %i10 : f32
    %s11 = arith.addf %s10, %i11 : f32
    %s12 = arith.addf %s11, %i12 : f32
    %s13 = arith.addf %s12, %i13 : f32
    %s14 = arith.addf %s13, %i14 : f32
    %s15 = arith.addf %s14, %i15 : f32
    %s16 = arith.addf %s15, %i16 : f32
    %s17 = arith.addf %s16, %i17 : f32
    %s18 = arith.addf %s17, %i18 : f32
    %s19 = arith.addf %s18, %i19 : f32
    %s20 = arith.addf %s19, %i20 : f32
    %s21 = arith.addf %s20, %i21 : f32
    %s22 = arith.addf %s21, %i22 : f32
    %s23 = arith.addf %s22, %i23 : f32
    %s24 = arith.addf %s23, %i24 : f32
    %s25 = arith.addf %s24, %i25 : f32
    %s26 = arith.addf %s25, %i26 : f32
    %s27 = arith.addf %s26, %i27 : f32
    %s28 = arith.addf %s27, %i28 : f32
    %s29 = arith.addf %s28, %i29 : f32
    linalg.yield %s29 : f32
  } -> tensor<8xf32>
  %c = linalg.generic {indexing_maps = [#v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v, #v], iterator_types = ["parallel"]}
      ins(%b, %a0, %a1, %a2, %a3, %a4, %a5, %a6, %a7, %a8, %a9, %a10, %a11, %a12, %a13, %a14, %a15, %a16, %a17, %a18, %a19, %a20, %a21, %a22, %a23, %a24, %a25, %a26, %a27, %a28, %a29 : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%i: f32, %i0: f32, %i1: f32, %i2: f32, %i3: f32, %i4: f32, %i5: f32, %i6: f32, %i7: f32, %i8: f32, %i9: f32, %i10: f32, %i11: f32, %i12: f32, %i13: f32, %i14: f32, %i15: f32, %i16: f32, %i17: f32, %i18: f32, %i19: f32, %i20: f32, %i21: f32, %i22: f32, %i23: f32, %i24: f32, %i25: f32, %i26: f32, %i27: f32, %i28: f32, %i29: f32, %o: f32):
    %s0 = arith.addf %i, %i0 : f32
    %s1 = arith.addf %s0, %i1 : f32
    %s2 = arith.addf %s1, %i2 : f32
    %s3 = arith.addf %s2, %i3 : f32
    %s4 = arith.addf %s3, %i4 : f32
    %s5 = arith.addf %s4, %i5 : f32
    %s6 = arith.addf %s5, %i6 : f32
    %s7 = arith.addf %s6, %i7 : f32
    %s8 = arith.addf %s7, %i8 : f32
    %s9 = arith.addf %s8, %i9 : f32
    %s10 = arith.addf %s9, %i10 : f32
    %s11 = arith.addf %s10, %i11 : f32
    %s12 = arith.addf %s11, %i12 : f32
    %s13 = arith.addf %s12, %i13 : f32
    %s14 = arith.addf %s13, %i14 : f32
    %s15 = arith.addf %s14, %i15 : f32
    %s16 = arith.addf %s15, %i16 : f32
    %s17 = arith.addf %s16, %i17 : f32
    %s18 = arith.addf %s17, %i18 : f32
    %s19 = arith.addf %s18, %i19 : f32
    %s20 = arith.addf %s19, %i20 : f32
    %s21 = arith.addf %s20, %i21 : f32
    %s22 = arith.addf %s21, %i22 : f32
    %s23 = arith.addf %s22, %i23 : f32
    %s24 = arith.addf %s23, %i24 : f32
    %s25 = arith.addf %s24, %i25 : f32
    %s26 = arith.addf %s25, %i26 : f32
    %s27 = arith.addf %s26, %i27 : f32
    %s28 = arith.addf %s27, %i28 : f32
    %s29 = arith.addf %s28, %i29 : f32
    linalg.yield %s29 : f32
  } -> tensor<8xf32>
  return %c : tensor<8xf32>
}

// -----

// What each row of a reduction reads again is not computed again.
// CHECK-LABEL: @column
// CHECK: math.exp
// CHECK: linalg.yield
// CHECK: linalg.generic
// CHECK: arith.mulf
func.func @column(%x: tensor<8x16xf32>, %y: tensor<16xf32>, %sums: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<16xf32>
  %c = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%y : tensor<16xf32>) outs(%e : tensor<16xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = math.exp %i : f32
    linalg.yield %s : f32
  } -> tensor<16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d1)>, affine_map<(d0, d1) -> (d0)>],
                       iterator_types = ["parallel", "reduction"]}
      ins(%x, %c : tensor<8x16xf32>, tensor<16xf32>) outs(%sums : tensor<8xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %p = arith.mulf %i, %j : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %r : tensor<8xf32>
}

// -----

// Bytes that are made of fewer bytes are not made of a kernel: one loop.
// CHECK-LABEL: func.func @spread(
// CHECK: linalg.generic
// CHECK-NOT: linalg.generic
#one = affine_map<(d0) -> (0)>
#v = affine_map<(d0) -> (d0)>
func.func @spread(%x: tensor<1xi8>) -> tensor<8xi8> {
  %e = tensor.empty() : tensor<8xi8>
  %a = linalg.generic {indexing_maps = [#one, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<1xi8>) outs(%e : tensor<8xi8>) {
  ^bb0(%i: i8, %o: i8):
    %s = arith.addi %i, %i : i8
    linalg.yield %s : i8
  } -> tensor<8xi8>
  %b = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%a : tensor<8xi8>) outs(%e : tensor<8xi8>) {
  ^bb0(%i: i8, %o: i8):
    %s = arith.muli %i, %i : i8
    linalg.yield %s : i8
  } -> tensor<8xi8>
  return %b : tensor<8xi8>
}

// -----

// Where an extent may be 1 at run time, an operand is read element by element; what makes it is computed there.
// CHECK-LABEL: @broadcast
// CHECK-NOT: linalg.generic
// CHECK: linalg.generic {{.*}} ins(%arg2, %arg1
// CHECK: ^bb0(%[[Y:.*]]: f32, %[[B:.*]]: f32, %
// CHECK: %[[ROW:.*]] = arith.select %{{.*}}, %c0, %
// CHECK: %[[X:.*]] = tensor.extract %arg0[%[[ROW]], %
// CHECK: %[[SUM:.*]] = arith.addf %[[X]], %[[B]]
// CHECK: arith.mulf %[[SUM]], %[[Y]]
// CHECK-NOT: linalg.generic

// A root would be taken anew for each row.
// CHECK-LABEL: @expensive
// CHECK: linalg.generic
// CHECK: math.sqrt
// CHECK: linalg.generic
// CHECK: tensor.extract
#whole = affine_map<(d0, d1) -> (d0, d1)>
func.func @broadcast(%x: tensor<?x16xf32>, %b: tensor<16xf32>, %y: tensor<?x16xf32>, %isOne: i1, %m: index, %n: index) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %e = tensor.empty(%m) : tensor<?x16xf32>
  %p = linalg.generic {indexing_maps = [#whole, affine_map<(d0, d1) -> (d1)>, #whole], iterator_types = ["parallel", "parallel"]}
      ins(%x, %b : tensor<?x16xf32>, tensor<16xf32>) outs(%e : tensor<?x16xf32>) {
  ^bb0(%i: f32, %j: f32, %o: f32):
    %s = arith.addf %i, %j : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  %f = tensor.empty(%n) : tensor<?x16xf32>
  %r = linalg.generic {indexing_maps = [#whole, #whole], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x16xf32>) outs(%f : tensor<?x16xf32>) {
  ^bb0(%i: f32, %o: f32):
    %row = linalg.index 0 : index
    %column = linalg.index 1 : index
    %at = arith.select %isOne, %c0, %row : index
    %v = tensor.extract %p[%at, %column] : tensor<?x16xf32>
    %s = arith.mulf %v, %i : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

func.func @expensive(%x: tensor<?x16xf32>, %y: tensor<?x16xf32>, %isOne: i1, %m: index, %n: index) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %e = tensor.empty(%m) : tensor<?x16xf32>
  %p = linalg.generic {indexing_maps = [#whole, #whole], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x16xf32>) outs(%e : tensor<?x16xf32>) {
  ^bb0(%i: f32, %o: f32):
    %s = math.sqrt %i : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  %f = tensor.empty(%n) : tensor<?x16xf32>
  %r = linalg.generic {indexing_maps = [#whole, #whole], iterator_types = ["parallel", "parallel"]}
      ins(%y : tensor<?x16xf32>) outs(%f : tensor<?x16xf32>) {
  ^bb0(%i: f32, %o: f32):
    %row = linalg.index 0 : index
    %column = linalg.index 1 : index
    %at = arith.select %isOne, %c0, %row : index
    %v = tensor.extract %p[%at, %column] : tensor<?x16xf32>
    %s = arith.mulf %v, %i : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

// An extent that is the loop's is no broadcast, whatever it is: the operand is an input, here of a kernel's epilogue later. One
// of which no more than a part is read stays.
// CHECK-LABEL: @whole
// CHECK-SAME: %[[X:.*]]: tensor<?x16xf32>, %[[Y:.*]]: tensor<?x24xf32>
// CHECK: linalg.generic {indexing_maps = [#[[MAP:.*]], #[[MAP]]], {{.*}} ins(%[[X]] : tensor<?x16xf32>)
// CHECK-NOT: arith.select
// CHECK: tensor.extract %[[Y]]
func.func @whole(%x: tensor<?x16xf32>, %y: tensor<?x24xf32>) -> tensor<?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c0 : tensor<?x16xf32>
  %e = tensor.empty(%m) : tensor<?x16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      outs(%e : tensor<?x16xf32>) {
  ^bb0(%o: f32):
    %row = linalg.index 0 : index
    %column = linalg.index 1 : index
    %isOne = arith.cmpi eq, %m, %c1 : index
    %at = arith.select %isOne, %c0, %row : index
    %a = tensor.extract %x[%at, %column] : tensor<?x16xf32>
    %b = tensor.extract %y[%at, %column] : tensor<?x24xf32>
    %s = arith.mulf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x16xf32>
  return %r : tensor<?x16xf32>
}

// -----

// So is one whose batch of one image is read at 0.
// CHECK-LABEL: @oneImage
// CHECK-SAME: %[[X:.*]]: tensor<1x?x16xf32>
// CHECK: linalg.generic {indexing_maps = [#[[MAP:.*]], #[[MAP]]], {{.*}} ins(%[[X]] : tensor<1x?x16xf32>)
// CHECK-NOT: tensor.extract
func.func @oneImage(%x: tensor<1x?x16xf32>) -> tensor<1x?x16xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %m = tensor.dim %x, %c1 : tensor<1x?x16xf32>
  %e = tensor.empty(%m) : tensor<1x?x16xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>], iterator_types = ["parallel", "parallel", "parallel"]}
      outs(%e : tensor<1x?x16xf32>) {
  ^bb0(%o: f32):
    %row = linalg.index 1 : index
    %column = linalg.index 2 : index
    %a = tensor.extract %x[%c0, %row, %column] : tensor<1x?x16xf32>
    %s = arith.mulf %a, %a : f32
    linalg.yield %s : f32
  } -> tensor<1x?x16xf32>
  return %r : tensor<1x?x16xf32>
}

// -----

// Chosen rows are read whole; a transposition of them writes through squares, and stays a loop of its own.
// CHECK-LABEL: func.func @turned_rows(
// CHECK: linalg.generic {{.*}} outs(%{{.*}} : tensor<20x8xf32>)
// CHECK: tensor.extract
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : tensor<20x8xf32>) outs(%{{.*}} : tensor<8x20xf32>)
// CHECK-NOT: tensor.extract
// CHECK: return
#same = affine_map<(d0, d1) -> (d0, d1)>
#swap = affine_map<(d0, d1) -> (d1, d0)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @turned_rows(%x: tensor<30x8xf32>, %rows: tensor<20xi32>) -> tensor<8x20xf32> {
  %e = tensor.empty() : tensor<20x8xf32>
  %f = tensor.empty() : tensor<8x20xf32>
  %a = linalg.generic {indexing_maps = [#row, #same], iterator_types = ["parallel", "parallel"]}
      ins(%rows : tensor<20xi32>) outs(%e : tensor<20x8xf32>) {
  ^bb0(%i: i32, %o: f32):
    %row = arith.index_cast %i : i32 to index
    %column = linalg.index 1 : index
    %s = tensor.extract %x[%row, %column] : tensor<30x8xf32>
    linalg.yield %s : f32
  } -> tensor<20x8xf32>
  %b = linalg.generic {indexing_maps = [#swap, #same], iterator_types = ["parallel", "parallel"]}
      ins(%a : tensor<20x8xf32>) outs(%f : tensor<8x20xf32>) {
  ^bb0(%i: f32, %o: f32):
    linalg.yield %i : f32
  } -> tensor<8x20xf32>
  return %b : tensor<8x20xf32>
}
