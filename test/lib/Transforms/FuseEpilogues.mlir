// RUN: nnc-opt %s --fuse-epilogues | FileCheck %s
// RUN: nnc-opt %s --fuse-epilogues --mlir-disable-threading --remarks-filter=fusion -o /dev/null 2>&1 | FileCheck %s --check-prefix=WHY
// WHY: [Missed] fusion {{.*}}"what follows is a loop of its own: it reads the result in another order, or broadcasts it"
// WHY: [Passed] fusion {{.*}}"computed by the kernel before (contract of '') while its results are in registers"

// CHECK-DAG: #[[$ID:.*]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$COL:.*]] = affine_map<(d0, d1) -> (d1)>
#id = affine_map<(d0, d1) -> (d0, d1)>
#col = affine_map<(d0, d1) -> (d1)>

// CHECK-LABEL: @bias_and_residual
// CHECK-SAME: %[[BIAS:[a-z0-9]+]]: tensor<24xf32>, %[[RESIDUAL:[a-z0-9]+]]: tensor<6x24xf32>
func.func @bias_and_residual(%a: tensor<6x8xf32>, %b: tensor<2x8x16xf32>, %bias: tensor<24xf32>,
                             %residual: tensor<6x24xf32>) -> tensor<6x24xf32> {
  // CHECK: %[[C:.*]] = kernel.contract(%{{.*}}, %{{.*}}, %[[BIAS]], %[[RESIDUAL]], %{{.*}}) attributes {epilogue_maps = [#[[$COL]], #[[$ID]]]}
  // CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32, %[[B:.*]]: f32, %[[R:.*]]: f32):
  // CHECK-NEXT: %[[S:.*]] = arith.addf %[[ACC]], %[[B]]
  // CHECK-NEXT: %[[T:.*]] = arith.addf %[[S]], %[[R]]
  // CHECK-NEXT: kernel.yield %[[T]]
  // CHECK: return %[[C]]
  %e = tensor.empty() : tensor<6x24xf32>
  %0 = kernel.contract(%a, %b, %e) attributes {epilogue_maps = []} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  } : (tensor<6x8xf32>, tensor<2x8x16xf32>, tensor<6x24xf32>) -> tensor<6x24xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias, %residual : tensor<6x24xf32>, tensor<24xf32>, tensor<6x24xf32>) outs(%e : tensor<6x24xf32>) {
  ^bb0(%x: f32, %y: f32, %z: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    %t = arith.addf %s, %z : f32
    linalg.yield %t : f32
  } -> tensor<6x24xf32>
  return %1 : tensor<6x24xf32>
}

#id3 = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#col3 = affine_map<(d0, d1, d2) -> (d2)>

// CHECK-LABEL: @through_reshape
func.func @through_reshape(%a: tensor<6x8xf32>, %b: tensor<2x8x16xf32>, %bias: tensor<24xf32>,
                           %residual: tensor<2x3x24xf32>) -> tensor<2x3x24xf32> {
  // CHECK: %[[R:.*]] = tensor.collapse_shape %{{.*}} {{\[}}[0, 1], [2]] : tensor<2x3x24xf32> into tensor<6x24xf32>
  // CHECK: %[[C:.*]] = kernel.contract(%{{.*}}, %{{.*}}, %{{.*}}, %[[R]], %{{.*}})
  // CHECK: %[[X:.*]] = tensor.expand_shape %[[C]]
  // CHECK: return %[[X]]
  %e = tensor.empty() : tensor<6x24xf32>
  %e3 = tensor.empty() : tensor<2x3x24xf32>
  %0 = kernel.contract(%a, %b, %e) attributes {epilogue_maps = []} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  } : (tensor<6x8xf32>, tensor<2x8x16xf32>, tensor<6x24xf32>) -> tensor<6x24xf32>
  %x = tensor.expand_shape %0 [[0, 1], [2]] output_shape [2, 3, 24] : tensor<6x24xf32> into tensor<2x3x24xf32>
  %1 = linalg.generic {indexing_maps = [#id3, #col3, #id3, #id3], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %bias, %residual : tensor<2x3x24xf32>, tensor<24xf32>, tensor<2x3x24xf32>) outs(%e3 : tensor<2x3x24xf32>) {
  ^bb0(%v: f32, %y: f32, %z: f32, %o: f32):
    %s = arith.addf %v, %y : f32
    %t = arith.addf %s, %z : f32
    linalg.yield %t : f32
  } -> tensor<2x3x24xf32>
  return %1 : tensor<2x3x24xf32>
}

// Where the extent is 1, index 0 is the loop's own index: a batch of one image.
// CHECK-LABEL: @batch_of_one
// CHECK: kernel.contract
// CHECK-NEXT: ^bb0(%[[ACC:.*]]: f32):
// CHECK-NEXT: arith.maximumf %[[ACC]]
// CHECK-NOT: linalg.generic
#zero = affine_map<(d0, d1) -> (0, d1)>
func.func @batch_of_one(%a: tensor<1x8xf32>, %b: tensor<2x8x16xf32>) -> tensor<1x24xf32> {
  %e = tensor.empty() : tensor<1x24xf32>
  %zero = arith.constant 0.0 : f32
  %0 = kernel.contract(%a, %b, %e) attributes {epilogue_maps = []} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  } : (tensor<1x8xf32>, tensor<2x8x16xf32>, tensor<1x24xf32>) -> tensor<1x24xf32>
  %1 = linalg.generic {indexing_maps = [#zero, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<1x24xf32>) outs(%e : tensor<1x24xf32>) {
  ^bb0(%x: f32, %o: f32):
    %m = arith.maximumf %x, %zero : f32
    linalg.yield %m : f32
  } -> tensor<1x24xf32>
  return %1 : tensor<1x24xf32>
}

// A row that is repeated is not: the kernel computes it once.
// CHECK-LABEL: @repeated
// CHECK: kernel.contract
// CHECK: kernel.yield
// CHECK: linalg.generic
func.func @repeated(%a: tensor<1x8xf32>, %b: tensor<2x8x16xf32>) -> tensor<6x24xf32> {
  %e = tensor.empty() : tensor<1x24xf32>
  %wide = tensor.empty() : tensor<6x24xf32>
  %0 = kernel.contract(%a, %b, %e) attributes {epilogue_maps = []} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  } : (tensor<1x8xf32>, tensor<2x8x16xf32>, tensor<1x24xf32>) -> tensor<1x24xf32>
  %1 = linalg.generic {indexing_maps = [#zero, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<1x24xf32>) outs(%wide : tensor<6x24xf32>) {
  ^bb0(%x: f32, %o: f32):
    %m = arith.addf %x, %x : f32
    linalg.yield %m : f32
  } -> tensor<6x24xf32>
  return %1 : tensor<6x24xf32>
}

// The loop may know extents that the kernel does not: its result's type is what others go on with.
// CHECK-LABEL: @known_behind
// CHECK: %[[C:.*]] = kernel.contract
// CHECK-NEXT: ^bb0
// CHECK-NEXT: arith.addf
// CHECK-NEXT: kernel.yield
// CHECK-NEXT: -> tensor<?x?xf32>
// CHECK-NEXT: %[[T:.*]] = tensor.cast %[[C]] : tensor<?x?xf32> to tensor<?x24xf32>
// CHECK-NEXT: return %[[T]]
func.func @known_behind(%a: tensor<?x8xf32>, %b: tensor<2x8x16xf32>, %bias: tensor<24xf32>, %m: index, %n: index)
    -> tensor<?x24xf32> {
  %e = tensor.empty(%m, %n) : tensor<?x?xf32>
  %wide = tensor.empty(%m) : tensor<?x24xf32>
  %0 = kernel.contract(%a, %b, %e) attributes {epilogue_maps = []} {
  ^bb0(%acc: f32):
    kernel.yield %acc : f32
  } : (tensor<?x8xf32>, tensor<2x8x16xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  %1 = linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<?x?xf32>, tensor<24xf32>) outs(%wide : tensor<?x24xf32>) {
  ^bb0(%x: f32, %y: f32, %o: f32):
    %s = arith.addf %x, %y : f32
    linalg.yield %s : f32
  } -> tensor<?x24xf32>
  return %1 : tensor<?x24xf32>
}
