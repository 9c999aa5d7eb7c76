// RUN: nnc-opt %s --convert-kernel-to-vector --split-input-file | FileCheck %s

// A matrix that is computed at run time and multiplied by few rows is not packed: of its last panel only what exists is read.
// CHECK-LABEL: @few_rows
// CHECK-NOT: memref.alloc
// CHECK: %[[PANELS:.*]] = memref.reinterpret_cast %arg1 to offset: [0], sizes: [2, 4, 32], strides: [32, 41, 1]
// CHECK: vector.load %[[PANELS]]
// CHECK: %[[EXISTS:.*]] = arith.constant dense<[true, true, true, true, true, true, true, true, true, false
// CHECK: vector.maskedload %[[PANELS]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @few_rows(%a: memref<3x4xf32>, %b: memref<4x41xf32>, %y: memref<3x41xf32>) {
    %packed = memref.alloc() : memref<2x4x32xf32>
    kernel.pack_matrix(%b, %packed) : (memref<4x41xf32>, memref<2x4x32xf32>) -> ()
    kernel.contract(%a, %packed, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<3x4xf32>, memref<2x4x32xf32>, memref<3x41xf32>) -> ()
    return
  }
}

// -----

// What its rows are is transposed in registers, when they are summed.
// CHECK-LABEL: @dot_products
// CHECK-NOT: memref.alloc
// CHECK-COUNT-17: vector.load {{.*}} vector<16xf32>
// CHECK: vector.maskedload
// CHECK: vector.store {{.*}} vector<16xf32>
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @dot_products(%a: memref<1x40xf32>, %b: memref<16x40xf32>, %y: memref<1x16xf32>) {
    %packed = memref.alloc() : memref<1x40x16xf32>
    kernel.pack_matrix(%b, %packed) {transposed} : (memref<16x40xf32>, memref<1x40x16xf32>) -> ()
    kernel.contract(%a, %packed, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<1x40xf32>, memref<1x40x16xf32>, memref<1x16xf32>) -> ()
    return
  }
}

// -----

// What a loop carries may be the result's place under another name.
// CHECK-LABEL: @carried
// CHECK: scf.for
// CHECK-NOT: memref.reinterpret_cast
// CHECK: return
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @carried(%a: memref<3x3xf32>, %x: memref<3x16xf32>, %n: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %place = memref.alloc() : memref<3x16xf32>
    memref.copy %x, %place : memref<3x16xf32> to memref<3x16xf32>
    %last = scf.for %i = %c0 to %n step %c1 iter_args(%carried = %place) -> memref<3x16xf32> {
      %packed = memref.alloc() : memref<1x3x16xf32>
      kernel.pack_matrix(%carried, %packed) : (memref<3x16xf32>, memref<1x3x16xf32>) -> ()
      kernel.contract(%a, %packed, %place) attributes {epilogue_maps = []} {
      ^bb0(%value: f32):
        kernel.yield %value : f32
      } : (memref<3x3xf32>, memref<1x3x16xf32>, memref<3x16xf32>) -> ()
      scf.yield %place : memref<3x16xf32>
    }
    memref.copy %last, %x : memref<3x16xf32> to memref<3x16xf32>
    return
  }
}

// -----

// Neither where the result has taken the place of the matrix, nor where another product needs it packed as well.
// CHECK-LABEL: @packed
// CHECK-COUNT-2: memref.alloc
// CHECK-NOT: memref.reinterpret_cast
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @packed(%a: memref<16x16xf32>, %x: memref<16x16xf32>, %y: memref<16x16xf32>, %z: memref<16x16xf32>) {
    %packed = memref.alloc() : memref<1x16x16xf32>
    kernel.pack_matrix(%x, %packed) : (memref<16x16xf32>, memref<1x16x16xf32>) -> ()
    kernel.contract(%a, %packed, %x, %x) attributes {epilogue_maps = [affine_map<(d0, d1) -> (d0, d1)>]} {
    ^bb0(%value: f32, %residue: f32):
      %sum = arith.addf %value, %residue : f32
      kernel.yield %sum : f32
    } : (memref<16x16xf32>, memref<1x16x16xf32>, memref<16x16xf32>, memref<16x16xf32>) -> ()
    %other = memref.alloc() : memref<1x16x16xf32>
    kernel.pack_matrix(%a, %other) : (memref<16x16xf32>, memref<1x16x16xf32>) -> ()
    kernel.contract(%x, %other, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<16x16xf32>, memref<1x16x16xf32>, memref<16x16xf32>) -> ()
    kernel.contract(%y, %other, %z) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<16x16xf32>, memref<1x16x16xf32>, memref<16x16xf32>) -> ()
    return
  }
}

// -----

// Of run-time rows there are both.
// CHECK-LABEL: @run_time_rows
// CHECK: %[[PACKED:.*]] = memref.alloc
// CHECK: %[[FEW:.*]] = arith.cmpi ule, %{{.*}}, %{{.*}} : index
// CHECK: scf.if %[[FEW]] {
// CHECK: %[[PANELS:.*]] = memref.reinterpret_cast %arg1
// CHECK: vector.load %[[PANELS]]
// CHECK: } else {
// CHECK: vector.store %{{.*}}, %[[PACKED]]
// CHECK: vector.load %[[PACKED]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @run_time_rows(%a: memref<?x4xf32>, %b: memref<4x64xf32>, %y: memref<?x64xf32>) {
    %packed = memref.alloc() : memref<2x4x32xf32>
    kernel.pack_matrix(%b, %packed) : (memref<4x64xf32>, memref<2x4x32xf32>) -> ()
    kernel.contract(%a, %packed, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<?x4xf32>, memref<2x4x32xf32>, memref<?x64xf32>) -> ()
    return
  }
}

// -----

// Matrices that have room between them, as those of a cache that is longer than what it holds.
// CHECK-LABEL: @apart
// CHECK-NOT: memref.alloc
// CHECK: %[[META:.*]], %{{.*}}, %{{.*}}, %[[STRIDES:.*]]:3 = memref.extract_strided_metadata %arg1
// CHECK: memref.reinterpret_cast %arg1 to offset: [0], sizes: [2, 2, %{{.*}}, 32], strides: [%[[STRIDES]]#0, 32, 64, 1]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @apart(%a: memref<2x3x?xf32>, %b: memref<2x?x64xf32, strided<[?, 64, 1]>>, %y: memref<2x3x64xf32>, %k: index) {
    %packed = memref.alloc(%k) : memref<2x2x?x32xf32>
    kernel.pack_matrix(%b, %packed) : (memref<2x?x64xf32, strided<[?, 64, 1]>>, memref<2x2x?x32xf32>) -> ()
    kernel.contract(%a, %packed, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<2x3x?xf32>, memref<2x2x?x32xf32>, memref<2x3x64xf32>) -> ()
    return
  }
}

// -----

// All batches and rows that are multiplied by the same columns come one after the other.
// CHECK-LABEL: @shared_columns
// CHECK: scf.parallel (%{{.*}}) = (%c0) to (%c4)
// CHECK: scf.for {{.*}} step %c16
// CHECK: scf.for %{{.*}} = %{{.*}} to %c2
// CHECK: scf.for %[[ROW:[a-z0-9]*]] = %{{.*}} to %c2
// CHECK: vector.load %arg0[%{{.*}}, %{{.*}}, %[[ROW]]
module attributes {kernel.target = #kernel.target<vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576>} {
  func.func @shared_columns(%a: memref<2x2x2x16xf32>, %b: memref<2x1x512x16xf32>, %y: memref<2x2x2x512xf32>) {
    %packed = memref.alloc() : memref<2x1x16x16x32xf32>
    kernel.pack_matrix(%b, %packed) {transposed} : (memref<2x1x512x16xf32>, memref<2x1x16x16x32xf32>) -> ()
    kernel.contract(%a, %packed, %y) attributes {epilogue_maps = []} {
    ^bb0(%value: f32):
      kernel.yield %value : f32
    } : (memref<2x2x2x16xf32>, memref<2x1x16x16x32xf32>, memref<2x2x2x512xf32>) -> ()
    return
  }
}
