// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-attention,canonicalize))' | FileCheck %s
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-attention{threads=true},canonicalize))' | FileCheck %s --check-prefix=SHARED
// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(tile-attention))' --mlir-disable-threading --remarks-filter=fusion -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Passed] fusion {{.*}}"attention in blocks of 100 rows: scores stay in the cache"
// WHY-NOT: fusion

#row = affine_map<(d0, d1, d2) -> (0, d1, d2)>

// Two blocks of 100 rows; the buffer's rows are not 4 KiB apart. The mask is the same for all batches.
// CHECK-LABEL: @attention
// CHECK: %[[BUFFER:.*]] = memref.alloc() {{.*}} : memref<1x100x144xf32>
// CHECK: scf.for %[[BATCH:.*]] = %c0 to %c6
// CHECK: scf.for %[[BLOCK:.*]] = %c0 to %c2
// CHECK: %[[ROW:.*]] = arith.muli %[[BLOCK]], %c100
// CHECK: memref.subview %arg0[%[[BATCH]], %[[ROW]], 0] [1, 100, 8] [1, 1, 1]
// CHECK: memref.subview %arg1[0, 0, 0, 0] [1, 4, 8, 32] [1, 1, 1, 1]
// CHECK: memref.subview %arg2[0, %[[ROW]], 0] [1, 100, 128] [1, 1, 1]
// CHECK: kernel.contract({{.*}}) attributes {epilogue_maps = [#{{.*}}]}
// CHECK: kernel.softmax(%[[LINES:.*]], %[[LINES]])
// CHECK: memref.subview %arg4[%[[BATCH]], %[[ROW]], 0] [1, 100, 8] [1, 1, 1]
// CHECK: kernel.contract
// CHECK-NOT: kernel.contract
// SHARED-LABEL: @attention
// SHARED: %[[BUFFER:.*]] = memref.alloc() {{.*}} : memref<6x100x144xf32>
// SHARED: scf.parallel
func.func @attention(%q: memref<6x200x8xf32>, %k: memref<1x4x8x32xf32>, %m: memref<1x200x128xf32>, %v: memref<6x1x128x16xf32>, %y: memref<6x200x8xf32>) {
  %s = memref.alloc() : memref<6x200x128xf32>
  %p = memref.alloc() : memref<1200x128x1xf32>
  kernel.contract(%q, %k, %m, %s) attributes {epilogue_maps = [#row]} {
  ^bb0(%x: f32, %mask: f32):
    %z = arith.addf %x, %mask : f32
    kernel.yield %z : f32
  } : (memref<6x200x8xf32>, memref<1x4x8x32xf32>, memref<1x200x128xf32>, memref<6x200x128xf32>) -> ()
  %rows = memref.collapse_shape %s [[0, 1], [2]] : memref<6x200x128xf32> into memref<1200x128xf32>
  %lines = memref.expand_shape %rows [[0], [1, 2]] output_shape [1200, 128, 1] : memref<1200x128xf32> into memref<1200x128x1xf32>
  kernel.softmax(%lines, %p) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<1200x128x1xf32>, memref<1200x128x1xf32>) -> ()
  %flat = memref.collapse_shape %p [[0], [1, 2]] : memref<1200x128x1xf32> into memref<1200x128xf32>
  %w = memref.expand_shape %flat [[0, 1], [2]] output_shape [6, 200, 128] : memref<1200x128xf32> into memref<6x200x128xf32>
  kernel.contract(%w, %v, %y) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x128xf32>, memref<6x1x128x16xf32>, memref<6x200x8xf32>) -> ()
  return
}

// Something else reads the scores.
// CHECK-LABEL: @shared_scores
// CHECK-NOT: scf
func.func @shared_scores(%q: memref<6x200x8xf32>, %k: memref<6x4x8x32xf32>, %v: memref<6x1x128x16xf32>, %y: memref<6x200x8xf32>, %copy: memref<6x200x128xf32>) {
  %s = memref.alloc() : memref<6x200x128xf32>
  %p = memref.alloc() : memref<1200x128x1xf32>
  kernel.contract(%q, %k, %s) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x8xf32>, memref<6x4x8x32xf32>, memref<6x200x128xf32>) -> ()
  memref.copy %s, %copy : memref<6x200x128xf32> to memref<6x200x128xf32>
  %rows = memref.collapse_shape %s [[0, 1], [2]] : memref<6x200x128xf32> into memref<1200x128xf32>
  %lines = memref.expand_shape %rows [[0], [1, 2]] output_shape [1200, 128, 1] : memref<1200x128xf32> into memref<1200x128x1xf32>
  kernel.softmax(%lines, %p) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<1200x128x1xf32>, memref<1200x128x1xf32>) -> ()
  %flat = memref.collapse_shape %p [[0], [1, 2]] : memref<1200x128x1xf32> into memref<1200x128xf32>
  %w = memref.expand_shape %flat [[0, 1], [2]] output_shape [6, 200, 128] : memref<1200x128xf32> into memref<6x200x128xf32>
  kernel.contract(%w, %v, %y) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x128xf32>, memref<6x1x128x16xf32>, memref<6x200x8xf32>) -> ()
  return
}

// The queries are overwritten between.
// CHECK-LABEL: @overwritten
// CHECK-NOT: scf
func.func @overwritten(%k: memref<6x4x8x32xf32>, %v: memref<6x1x128x16xf32>, %y: memref<6x200x8xf32>) {
  %zero = arith.constant 0.0 : f32
  %q = memref.alloc() : memref<6x200x8xf32>
  %s = memref.alloc() : memref<6x200x128xf32>
  %p = memref.alloc() : memref<1200x128x1xf32>
  kernel.contract(%q, %k, %s) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x8xf32>, memref<6x4x8x32xf32>, memref<6x200x128xf32>) -> ()
  linalg.fill ins(%zero : f32) outs(%q : memref<6x200x8xf32>)
  %rows = memref.collapse_shape %s [[0, 1], [2]] : memref<6x200x128xf32> into memref<1200x128xf32>
  %lines = memref.expand_shape %rows [[0], [1, 2]] output_shape [1200, 128, 1] : memref<1200x128xf32> into memref<1200x128x1xf32>
  kernel.softmax(%lines, %p) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<1200x128x1xf32>, memref<1200x128x1xf32>) -> ()
  %flat = memref.collapse_shape %p [[0], [1, 2]] : memref<1200x128x1xf32> into memref<1200x128xf32>
  %w = memref.expand_shape %flat [[0, 1], [2]] output_shape [6, 200, 128] : memref<1200x128xf32> into memref<6x200x128xf32>
  kernel.contract(%w, %v, %y) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x128xf32>, memref<6x1x128x16xf32>, memref<6x200x8xf32>) -> ()
  return
}

// The product's epilogue reads the probabilities as well; in the next, it writes where the mask is.
// CHECK-LABEL: @read_twice
// CHECK-NOT: scf
// CHECK-LABEL: @mask_overwritten
// CHECK-NOT: scf
func.func @read_twice(%q: memref<6x200x8xf32>, %k: memref<6x4x8x32xf32>, %v: memref<6x4x128x32xf32>, %y: memref<6x200x128xf32>) {
  %s = memref.alloc() : memref<6x200x128xf32>
  %p = memref.alloc() : memref<1200x128x1xf32>
  %m = memref.alloc() : memref<6x200x128xf32>
  kernel.contract(%q, %k, %s) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x8xf32>, memref<6x4x8x32xf32>, memref<6x200x128xf32>) -> ()
  %rows = memref.collapse_shape %s [[0, 1], [2]] : memref<6x200x128xf32> into memref<1200x128xf32>
  %lines = memref.expand_shape %rows [[0], [1, 2]] output_shape [1200, 128, 1] : memref<1200x128xf32> into memref<1200x128x1xf32>
  kernel.softmax(%lines, %p) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<1200x128x1xf32>, memref<1200x128x1xf32>) -> ()
  %flat = memref.collapse_shape %p [[0], [1, 2]] : memref<1200x128x1xf32> into memref<1200x128xf32>
  %w = memref.expand_shape %flat [[0, 1], [2]] output_shape [6, 200, 128] : memref<1200x128xf32> into memref<6x200x128xf32>
  kernel.contract(%w, %v, %w, %y) attributes {epilogue_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>]} {
  ^bb0(%x: f32, %a: f32):
    %z = arith.addf %x, %a : f32
    kernel.yield %z : f32
  } : (memref<6x200x128xf32>, memref<6x4x128x32xf32>, memref<6x200x128xf32>, memref<6x200x128xf32>) -> ()
  return
}
func.func @mask_overwritten(%q: memref<6x200x8xf32>, %k: memref<6x4x8x32xf32>, %v: memref<6x4x128x32xf32>, %y: memref<6x200x128xf32>) {
  %s = memref.alloc() : memref<6x200x128xf32>
  %p = memref.alloc() : memref<1200x128x1xf32>
  %m = memref.alloc() : memref<6x200x128xf32>
  kernel.contract(%q, %k, %m, %s) attributes {epilogue_maps = [affine_map<(d0, d1, d2) -> (d0, d1, d2)>]} {
  ^bb0(%x: f32, %mask: f32):
    %z = arith.addf %x, %mask : f32
    kernel.yield %z : f32
  } : (memref<6x200x8xf32>, memref<6x4x8x32xf32>, memref<6x200x128xf32>, memref<6x200x128xf32>) -> ()
  %rows = memref.collapse_shape %s [[0, 1], [2]] : memref<6x200x128xf32> into memref<1200x128xf32>
  %lines = memref.expand_shape %rows [[0], [1, 2]] output_shape [1200, 128, 1] : memref<1200x128xf32> into memref<1200x128x1xf32>
  kernel.softmax(%lines, %p) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<1200x128x1xf32>, memref<1200x128x1xf32>) -> ()
  %flat = memref.collapse_shape %p [[0], [1, 2]] : memref<1200x128x1xf32> into memref<1200x128xf32>
  %w = memref.expand_shape %flat [[0, 1], [2]] output_shape [6, 200, 128] : memref<1200x128xf32> into memref<6x200x128xf32>
  kernel.contract(%w, %v, %m) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<6x200x128xf32>, memref<6x4x128x32xf32>, memref<6x200x128xf32>) -> ()
  return
}

// Few rows have few scores, and read keys and values where they are.
// CHECK-LABEL: @few_rows
// CHECK-NOT: scf
func.func @few_rows(%q: memref<96x4x8xf32>, %k: memref<96x16x8x32xf32>, %v: memref<96x1x512x32xf32>, %y: memref<96x4x8xf32>) {
  %s = memref.alloc() : memref<96x4x512xf32>
  %p = memref.alloc() : memref<384x512x1xf32>
  kernel.contract(%q, %k, %s) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<96x4x8xf32>, memref<96x16x8x32xf32>, memref<96x4x512xf32>) -> ()
  %rows = memref.collapse_shape %s [[0, 1], [2]] : memref<96x4x512xf32> into memref<384x512xf32>
  %lines = memref.expand_shape %rows [[0], [1, 2]] output_shape [384, 512, 1] : memref<384x512xf32> into memref<384x512x1xf32>
  kernel.softmax(%lines, %p) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<384x512x1xf32>, memref<384x512x1xf32>) -> ()
  %flat = memref.collapse_shape %p [[0], [1, 2]] : memref<384x512x1xf32> into memref<384x512xf32>
  %w = memref.expand_shape %flat [[0, 1], [2]] output_shape [96, 4, 512] : memref<384x512xf32> into memref<96x4x512xf32>
  kernel.contract(%w, %v, %y) attributes {epilogue_maps = []} {
  ^bb0(%x: f32):
    kernel.yield %x : f32
  } : (memref<96x4x512xf32>, memref<96x1x512x32xf32>, memref<96x4x8xf32>) -> ()
  return
}
