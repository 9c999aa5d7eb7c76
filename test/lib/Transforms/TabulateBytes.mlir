// RUN: nnc-opt %s --tabulate-bytes --canonicalize --split-input-file | FileCheck %s
// RUN: nnc-opt %s --tabulate-bytes --split-input-file --mlir-disable-threading --remarks-filter=algorithm -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] algorithm {{.*}}"10 operations on one byte are a table"

module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 32768, l2Bytes = 1048576, byteLookup = "llvm.x86.avx512.vpermi2var.qi.512">} {
// Of signed bytes: entry 0 is of 0, entry 128 of -128. The byte on the way is in the same table.
// CHECK-LABEL: @function
// CHECK: linalg.generic
// CHECK-NEXT: ^bb0(%[[X:.*]]: i8, %{{.*}}: i8):
// CHECK-NEXT: %[[Y:.*]] = kernel.byte_table %[[X]] [0, 4, 8, 12, 16, 20, {{.*}}, 127, 127, -128, -128, {{.*}}, -8, -4] : i8
// CHECK-NEXT: linalg.yield %[[Y]]
func.func @function(%x: tensor<40xi8>, %init: tensor<40xi8>) -> tensor<40xi8> {
  %two = arith.constant 2.0 : f32
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<40xi8>) outs(%init : tensor<40xi8>) {
  ^bb0(%in: i8, %out: i8):
    %low = arith.constant -128 : i32
    %high = arith.constant 127 : i32
    %1 = arith.sitofp %in : i8 to f32
    %2 = arith.mulf %1, %two : f32
    %3 = arith.fptosi %2 : f32 to i32
    %4 = arith.maxsi %3, %low : i32
    %5 = arith.minsi %4, %high : i32
    %6 = arith.trunci %5 : i32 to i8
    %7 = arith.extsi %6 : i8 to i32
    %8 = arith.addi %7, %7 : i32
    %9 = arith.maxsi %8, %low : i32
    %10 = arith.minsi %9, %high : i32
    %11 = arith.trunci %10 : i32 to i8
    linalg.yield %11 : i8
  } -> tensor<40xi8>
  return %0 : tensor<40xi8>
}

// A byte on the way that is a result too: two tables, the second of it or of the first byte.
// CHECK-LABEL: @in_a_row
// CHECK: ^bb0(%[[X:.*]]: i8, %{{.*}}: i8, %{{.*}}: i8):
// CHECK-NEXT: %[[P:.*]] = kernel.byte_table %[[X]] [0, 0, 1, 1, 1, 2,
// CHECK-NEXT: %[[Q:.*]] = kernel.byte_table %[[X]] [0, 0, 1, 1, 1, 1,
// CHECK-NEXT: linalg.yield %[[P]], %[[Q]]
func.func @in_a_row(%x: tensor<40xi8>, %init: tensor<40xi8>) -> (tensor<40xi8>, tensor<40xi8>) {
  %0:2 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<40xi8>) outs(%init, %init : tensor<40xi8>, tensor<40xi8>) {
  ^bb0(%in: i8, %out: i8, %other: i8):
    %third = arith.constant 0.3 : f32
    %1 = arith.uitofp %in : i8 to f32
    %2 = arith.mulf %1, %third : f32
    %3 = math.sqrt %2 : f32
    %4 = arith.mulf %3, %3 : f32
    %5 = math.roundeven %4 : f32
    %6 = arith.fptoui %5 : f32 to i8
    %7 = arith.uitofp %6 : i8 to f32
    %8 = math.sqrt %7 : f32
    %9 = math.roundeven %8 : f32
    %10 = arith.fptoui %9 : f32 to i8
    linalg.yield %6, %10 : i8, i8
  } -> (tensor<40xi8>, tensor<40xi8>)
  return %0#0, %0#1 : tensor<40xi8>, tensor<40xi8>
}

// What becomes a byte in an epilogue is computed; what follows is read, although the result is wider.
// CHECK-LABEL: @epilogue
// CHECK: kernel.reduce
// CHECK: %[[BYTE:.*]] = arith.trunci %{{.*}} : i32 to i8
// CHECK-NEXT: %[[Y:.*]] = kernel.byte_table %[[BYTE]] [0, 1, 2,
// CHECK-NEXT: %[[WIDE:.*]] = arith.extui %[[Y]] : i8 to i32
// CHECK-NEXT: kernel.yield %[[WIDE]]
func.func @epilogue(%x: tensor<1x4x5xi32>, %init: tensor<1x5xi32>) -> tensor<1x5xi32> {
  %0 = kernel.reduce(%x, %init) attributes {kind = #kernel<reduction sum>, epilogue_maps = []} {
  ^bb0(%sum: i32):
    %byte = arith.trunci %sum : i32 to i8
    %1 = arith.extui %byte : i8 to i32
    %2 = arith.uitofp %1 : i32 to f32
    %7 = math.roundeven %2 : f32
    %8 = arith.fptoui %7 : f32 to i8
    %9 = arith.extui %8 : i8 to i32
    %10 = arith.uitofp %9 : i32 to f32
    %11 = math.sqrt %10 : f32
    %12 = arith.mulf %11, %11 : f32
    %13 = math.roundeven %12 : f32
    %14 = arith.fptoui %13 : f32 to i8
    %15 = arith.extui %14 : i8 to i32
    kernel.yield %15 : i32
  } : (tensor<1x4x5xi32>, tensor<1x5xi32>) -> tensor<1x5xi32>
  return %0 : tensor<1x5xi32>
}

// Of two bytes; of a byte and its place; infinite where it would be converted: no tables.
// CHECK-LABEL: @none
// CHECK-NOT: kernel.byte_table
func.func @none(%x: tensor<40xi8>, %y: tensor<40xi8>, %init: tensor<40xi8>) -> (tensor<40xi8>, tensor<40xi8>, tensor<40xi8>) {
  %zero = arith.constant 0.0 : f32
  %0:3 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x, %y : tensor<40xi8>, tensor<40xi8>) outs(%init, %init, %init : tensor<40xi8>, tensor<40xi8>, tensor<40xi8>) {
  ^bb0(%a: i8, %b: i8, %o: i8, %p: i8, %q: i8):
    %1 = arith.sitofp %a : i8 to f32
    %2 = arith.sitofp %b : i8 to f32
    %3 = math.tanh %1 : f32
    %4 = arith.mulf %3, %2 : f32
    %5 = arith.fptosi %4 : f32 to i8
    %6 = linalg.index 0 : index
    %7 = arith.index_cast %6 : index to i32
    %8 = arith.sitofp %7 : i32 to f32
    %9 = arith.mulf %3, %8 : f32
    %10 = arith.fptosi %9 : f32 to i8
    %11 = math.exp %1 : f32
    %12 = arith.divf %11, %zero : f32
    %13 = arith.fptosi %12 : f32 to i8
    linalg.yield %5, %10, %13 : i8, i8, i8
  } -> (tensor<40xi8>, tensor<40xi8>, tensor<40xi8>)
  return %0#0, %0#1, %0#2 : tensor<40xi8>, tensor<40xi8>, tensor<40xi8>
}
}

// -----

// Without an instruction for lookups a few operations on vectors are quicker.
module attributes {kernel.target = #kernel.target<vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144>} {
// CHECK-LABEL: @few
// CHECK-NOT: kernel.byte_table
func.func @few(%x: tensor<40xi8>, %init: tensor<40xi8>) -> tensor<40xi8> {
  %0 = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      ins(%x : tensor<40xi8>) outs(%init : tensor<40xi8>) {
  ^bb0(%in: i8, %out: i8):
    %1 = arith.sitofp %in : i8 to f32
    %2 = math.tanh %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.fptosi %3 : f32 to i8
    linalg.yield %4 : i8
  } -> tensor<40xi8>
  return %0 : tensor<40xi8>
}
}
