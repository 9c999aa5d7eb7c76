// RUN: nnc-opt %s --split-input-file --verify-diagnostics

func.func @tile(%w: memref<8x3x3x3xf32>, %u: memref<25x1x3x8xf32>) {
  // expected-error@+1 {{tiles of 2 or 4 go with a window of 3, of 2 with one of 5, of 1 with one of 1}}
  kernel.pack_winograd(%w, %u) {tile = array<i64: 3, 3>} : (memref<8x3x3x3xf32>, memref<25x1x3x8xf32>) -> ()
  return
}

// -----

func.func @matrices(%w: memref<8x3x3x3xf32>, %u: memref<36x1x3x8xf32>) {
  // expected-error@+1 {{with a matrix for each point}}
  kernel.pack_winograd(%w, %u) {tile = array<i64: 2, 2>} : (memref<8x3x3x3xf32>, memref<36x1x3x8xf32>) -> ()
  return
}

// -----

func.func @pads(%x: memref<1x8x8x4xf32>, %u: memref<16x1x4x4xf32>, %y: memref<1x8x8x4xf32>) {
  // expected-error@+1 {{input, pads and destination do not fit}}
  kernel.winograd(%x, %u, %y) attributes {tile = array<i64: 2, 2>, window = array<i64: 3, 3>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 1, 1>, epilogue_maps = []} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  } : (memref<1x8x8x4xf32>, memref<16x1x4x4xf32>, memref<1x8x8x4xf32>) -> ()
  return
}
