// RUN: nnc-opt %s --narrow-floats-as-integers --split-input-file | FileCheck %s --check-prefixes=CHECK,NATIVE
// RUN: nnc-opt %s --narrow-floats-as-integers=half --split-input-file | FileCheck %s --check-prefixes=CHECK,HALF

// CHECK: llvm.mlir.global private constant @numbers(dense<[16256, -32768]> : tensor<2xi16>)
llvm.mlir.global private constant @numbers(dense<[1.0, -0.0]> : tensor<2xbf16>) : !llvm.array<2 x bf16>

// CHECK-LABEL: llvm.func @choose(
// CHECK-SAME: i1, %{{.*}}: i16, %{{.*}}: !llvm.ptr) -> vector<4xi16>
llvm.func @choose(%condition: i1, %x: bf16, %from: !llvm.ptr) -> vector<4xbf16> {
  // CHECK: llvm.mlir.constant(32704 : i16) : i16
  %nan = llvm.mlir.constant(0x7FC0 : bf16) : bf16
  // CHECK: llvm.select %{{.*}} : i1, i16
  %chosen = llvm.select %condition, %nan, %x : i1, bf16
  // CHECK: llvm.load %{{.*}} -> vector<4xi16>
  %loaded = llvm.load %from : !llvm.ptr -> vector<4xbf16>
  %zero = llvm.mlir.constant(0 : i64) : i64
  // CHECK: llvm.insertelement %{{.*}} : vector<4xi16>
  %inserted = llvm.insertelement %chosen, %loaded[%zero : i64] : vector<4xbf16>
  // CHECK: llvm.shufflevector %{{.*}} : vector<4xi16>
  %spread = llvm.shufflevector %inserted, %inserted [0, 0, 0, 0] : vector<4xbf16>
  llvm.return %spread : vector<4xbf16>
}

// -----

// What computes stays as it is.
// CHECK-LABEL: llvm.func @widen(
// CHECK-SAME: bf16
llvm.func @widen(%x: bf16) -> f32 {
  // CHECK: llvm.fpext %{{.*}} : bf16 to f32
  %wide = llvm.fpext %x : bf16 to f32
  llvm.return %wide : f32
}

// -----

// f16 stays where the CPU converts it.
// NATIVE-LABEL: llvm.func @half(%arg0: i1, %arg1: f16) -> f16
// HALF-LABEL: llvm.func @half(%arg0: i1, %arg1: i16) -> i16
llvm.func @half(%condition: i1, %x: f16) -> f16 {
  // HALF: llvm.mlir.constant(15360 : i16) : i16
  %one = llvm.mlir.constant(1.0 : f16) : f16
  // NATIVE: llvm.select %{{.*}} : i1, f16
  // HALF: llvm.select %{{.*}} : i1, i16
  %chosen = llvm.select %condition, %one, %x : i1, f16
  llvm.return %chosen : f16
}

// -----

// An intrinsic gets bf16.
// CHECK-LABEL: llvm.func @dot(
// CHECK-SAME: %[[A:.*]]: vector<16xf32>, %[[X:.*]]: vector<32xi16>
llvm.func @dot(%sum: vector<16xf32>, %x: vector<32xbf16>) -> vector<16xf32> {
  // CHECK: %[[LEFT:.*]] = llvm.bitcast %[[X]] : vector<32xi16> to vector<32xbf16>
  // CHECK: llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%[[A]], %[[LEFT]], %{{.*}}) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
  %result = llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%sum, %x, %x) : (vector<16xf32>, vector<32xbf16>, vector<32xbf16>) -> vector<16xf32>
  llvm.return %result : vector<16xf32>
}
