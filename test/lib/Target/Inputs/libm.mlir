// A remainder of floats is a library function.
#id = affine_map<(d0) -> (d0)>
func.func @main(%x: tensor<8xf64>) -> tensor<8xf64> {
  %e = tensor.empty() : tensor<8xf64>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf64>) outs(%e : tensor<8xf64>) {
  ^bb0(%i: f64, %o: f64):
    %s = arith.remf %i, %i : f64
    linalg.yield %s : f64
  } -> tensor<8xf64>
  return %a : tensor<8xf64>
}
