func.func private @missing() -> f32
func.func @main() -> tensor<1xf32> {
  %v = call @missing() : () -> f32
  %t = tensor.from_elements %v : tensor<1xf32>
  return %t : tensor<1xf32>
}
