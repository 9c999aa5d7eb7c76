// RUN: nnc-opt %s --compute-output-extents --canonicalize --split-input-file --verify-diagnostics | FileCheck %s

// One argument per run-time extent of the inputs, in order; one result per run-time extent of the outputs.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[A:.*]]: index, %[[B:.*]]: index, %[[C:.*]]: index) -> (index, index)
// CHECK: return %[[B]], %[[C]]
func.func @main(%x: tensor<?x?xf32>, %y: tensor<4x?xf32>) -> (tensor<?x4xf32>, tensor<4x?xf32>) {
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c1 : tensor<?x?xf32>
  %empty = tensor.empty(%n) : tensor<?x4xf32>
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %fill, %y : tensor<?x4xf32>, tensor<4x?xf32>
}

// -----

// Sizes that are computed are computed again: nothing of the tensors' values is needed.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[N:.*]]: index) -> index
// CHECK: %[[TWO:.*]] = arith.constant 2 : index
// CHECK: %[[TWICE:.*]] = arith.muli %[[N]], %[[TWO]]
// CHECK: return %[[TWICE]]
func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %twice = arith.muli %n, %c2 : index
  %empty = tensor.empty(%twice) : tensor<?xf32>
  %zero = arith.constant 0.0 : f32
  %fill = linalg.fill ins(%zero : f32) outs(%empty : tensor<?xf32>) -> tensor<?xf32>
  return %fill : tensor<?xf32>
}

// -----

// Static outputs need no function.
// CHECK-NOT: @main_output_extents
func.func @main(%x: tensor<?xf32>) -> tensor<1xf32> {
  %y = arith.constant dense<0.0> : tensor<1xf32>
  return %y : tensor<1xf32>
}

// -----

// Of what data decide the bound is known before the run: what is taken from the bounded extent is its least, 0. The extents
// themselves are one more result. Ends are kept where sums cannot wrap.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[N:.*]]: index) -> (index, index, index)
// CHECK: %[[BELOW:.*]] = arith.minsi %[[N]], %c2305843009213693952
// CHECK: %[[END:.*]] = arith.maxsi %[[BELOW]], %c-2305843009213693952
// CHECK: %[[SUM:.*]] = arith.addi %[[END]], %{{.*}} : index
// CHECK: return %[[SUM]], %{{.*}}, %c9
// CHECK-LABEL: func.func @main(
// CHECK-SAME: (tensor<?xf32> {nn.bounds = array<i64: -9223372036854775808>}, tensor<?xf32> {nn.bounds = array<i64: -9223372036854775808>},
// CHECK-SAME: tensor<?xf32> {nn.bounds = array<i64: 9>}, tensor<3xi64> {nn.true_extents})
// CHECK: %[[TRUE:.*]] = tensor.from_elements
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}}, %[[TRUE]]
func.func @main(%x: tensor<?xf32>, %data: tensor<index>) -> (tensor<?xf32>, tensor<?xf32>, tensor<?xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %count = tensor.extract %data[] : tensor<index>
  %k = kernel.bounded %count, %n
  %more = arith.addi %k, %c1 : index
  %rest = arith.subi %n, %k : index
  %few = arith.minsi %k, %c9 : index
  %empty = arith.cmpi eq, %k, %c0 : index
  %some = arith.select %empty, %c1, %few : index
  %a = tensor.empty(%more) : tensor<?xf32>
  %b = tensor.empty(%rest) : tensor<?xf32>
  %c = kernel.bounded %some, %c9
  %d = tensor.empty(%c) : tensor<?xf32>
  return %a, %b, %d : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>
}

// -----

// Nothing bounds a quotient by data from above; one that cancels is bounded.
// CHECK-LABEL: func.func @main_output_extents() -> index
// CHECK: %c5 = arith.constant 5 : index
// CHECK: return %c5
func.func @main(%data: tensor<index>) -> tensor<?xf32> {
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %c8 = arith.constant 8 : index
  %count = tensor.extract %data[] : tensor<index>
  %k = kernel.bounded %count, %c8
  %all = arith.muli %k, %c5 : index
  %divisor = arith.maxsi %k, %c1 : index
  %each = arith.divui %all, %divisor : index
  %a = tensor.empty(%each) : tensor<?xf32>
  return %a : tensor<?xf32>
}

// -----

func.func @main(%data: tensor<index>) -> tensor<?xf32> {
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %c8 = arith.constant 8 : index
  %count = tensor.extract %data[] : tensor<index>
  %k = kernel.bounded %count, %c8
  %divisor = arith.maxsi %k, %c1 : index
  // expected-error @+1 {{nothing bounds this quotient: its divisor depends on data}}
  %each = arith.divui %c5, %divisor : index
  %a = tensor.empty(%each) : tensor<?xf32>
  return %a : tensor<?xf32>
}

// -----

func.func @main(%x: tensor<?xf32>, %data: tensor<index>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c7 = arith.constant 7 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %count = tensor.extract %data[] : tensor<index>
  %k = kernel.bounded %count, %n
  %sign = arith.subi %k, %c7 : index
  // expected-error @+1 {{nothing bounds this product, of which a factor depends on data}}
  %product = arith.muli %sign, %k : index
  %a = tensor.empty(%product) : tensor<?xf32>
  return %a : tensor<?xf32>
}

// -----

// A size that is a value of an input: the function takes the input.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[N:.*]]: index, %[[S:.*]]: memref<2xi64>) -> index
// CHECK: %[[VALUE:.*]] = memref.load %[[S]][%c1]
// CHECK: %[[SIZE:.*]] = arith.index_cast %[[VALUE]]
// CHECK: %[[ALL:.*]] = arith.muli %[[SIZE]], %[[N]]
// CHECK: return %[[ALL]]
// CHECK-LABEL: func.func @main(
// CHECK-SAME: tensor<2xi64> {nn.size_values}, %{{.*}}: tensor<2xui64>, %{{.*}}: tensor<999xi64>)
// CHECK-NOT: nn.bounds
func.func @main(%x: tensor<?xf32>, %s: tensor<2xi64>, %unsigned: tensor<2xui64>, %many: tensor<999xi64>) -> tensor<?xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?xf32>
  %value = tensor.extract %s[%c1] : tensor<2xi64>
  %size = arith.index_cast %value : i64 to index
  %all = arith.muli %size, %n : index
  %a = tensor.empty(%all) : tensor<?xf32>
  return %a : tensor<?xf32>
}

// -----

// A packed result has the extents of its elements, which are a result no longer.
// CHECK-LABEL: func.func @main_output_extents(
// CHECK-SAME: %[[N:.*]]: index, %[[M:.*]]: index) -> (index, index)
// CHECK: return %[[M]], %[[N]]
// CHECK-LABEL: func.func @main(
// CHECK-SAME: -> (tensor<?xi8> {nn.packed = 2 : i64})
func.func @main(%x: tensor<?x?xi8>) -> (tensor<?xi8> {nn.packed = 2 : i64}, tensor<?x3x?xi8> {nn.unpacked = 0 : i64}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %n = tensor.dim %x, %c0 : tensor<?x?xi8>
  %m = tensor.dim %x, %c1 : tensor<?x?xi8>
  %elements = tensor.empty(%m, %n) : tensor<?x3x?xi8>
  %bytes = arith.muli %m, %n : index
  %row = tensor.empty(%bytes) : tensor<?xi8>
  // CHECK: return %{{.*}} : tensor<?xi8>
  return %row, %elements : tensor<?xi8>, tensor<?x3x?xi8>
}
