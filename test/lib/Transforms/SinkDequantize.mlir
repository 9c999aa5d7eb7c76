// RUN: nnc-opt %s --sink-dequantize --canonicalize | FileCheck %s

// The largest integer is the integer of the largest float; what is quantized again with the same parameters never was one.
// CHECK-LABEL: @pool
// CHECK-NEXT: %[[Y:.*]] = nn.max_pool %arg0 {{.*}} : (tensor<1x8x6x6xi8>) -> tensor<1x8x3x3xi8>
// CHECK-NEXT: return %[[Y]]
func.func @pool(%x: tensor<1x8x6x6xi8>) -> tensor<1x8x3x3xi8> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %z = arith.constant dense<3> : tensor<i8>
  %0 = nn.dequantize %x, %s, %z {to = f32} : (tensor<1x8x6x6xi8>, tensor<f32>, tensor<i8>) -> tensor<1x8x6x6xf32>
  %1 = nn.max_pool %0 {layout = #nn<layout channels_first>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 0, 0>, strides = array<i64: 2, 2>, window = array<i64: 3, 3>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x3x3xf32>
  %2 = nn.quantize %1, %s, %z {to = i8} : (tensor<1x8x3x3xf32>, tensor<f32>, tensor<i8>) -> tensor<1x8x3x3xi8>
  return %2 : tensor<1x8x3x3xi8>
}

// Padding alone is less than any float, but not than any integer.
// CHECK-LABEL: @padding
// CHECK: nn.max_pool {{.*}} : (tensor<1x8x6x6xf32>)
func.func @padding(%x: tensor<1x8x6x6xi8>) -> tensor<1x8x8x8xf32> {
  %s = arith.constant dense<0.5> : tensor<f32>
  %0 = nn.dequantize %x, %s {to = f32} : (tensor<1x8x6x6xi8>, tensor<f32>) -> tensor<1x8x6x6xf32>
  %1 = nn.max_pool %0 {layout = #nn<layout channels_first>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 1, 1>, pads_end = array<i64: 1, 1>, strides = array<i64: 1, 1>, window = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x8x8xf32>
  return %1 : tensor<1x8x8x8xf32>
}

// A negative scale turns the order around; one for each channel does not follow a transpose.
// CHECK-LABEL: @scales
// CHECK: nn.max_pool {{.*}} : (tensor<1x8x6x6xf32>)
// CHECK: nn.transpose {{.*}} : (tensor<1x8x6x6xf32>)
func.func @scales(%x: tensor<1x8x6x6xi8>, %sc: tensor<8x1x1xf32>) -> (tensor<1x8x6x6xf32>, tensor<1x6x6x8xf32>) {
  %s = arith.constant dense<-0.5> : tensor<f32>
  %0 = nn.dequantize %x, %s {to = f32} : (tensor<1x8x6x6xi8>, tensor<f32>) -> tensor<1x8x6x6xf32>
  %1 = nn.max_pool %0 {layout = #nn<layout channels_first>, dilations = array<i64: 1, 1>, pads_begin = array<i64: 0, 0>, pads_end = array<i64: 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 1, 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x8x6x6xf32>
  %2 = nn.dequantize %x, %sc {to = f32} : (tensor<1x8x6x6xi8>, tensor<8x1x1xf32>) -> tensor<1x8x6x6xf32>
  %3 = nn.transpose %2 {permutation = array<i64: 0, 2, 3, 1>} : (tensor<1x8x6x6xf32>) -> tensor<1x6x6x8xf32>
  return %1, %3 : tensor<1x8x6x6xf32>, tensor<1x6x6x8xf32>
}

// Of a whole tensor: the parameters lose their axes.
// CHECK-LABEL: @reshape
// CHECK: %[[Y:.*]] = nn.reshape %arg0, {{.*}} : (tensor<2x3xi8>
// CHECK: nn.dequantize %[[Y]], {{.*}} : (tensor<6xi8>, tensor<f32>) -> tensor<6xf32>
func.func @reshape(%x: tensor<2x3xi8>) -> tensor<6xf32> {
  %s = arith.constant dense<0.5> : tensor<1x1xf32>
  %shape = arith.constant dense<6> : tensor<1xi64>
  %0 = nn.dequantize %x, %s {to = f32} : (tensor<2x3xi8>, tensor<1x1xf32>) -> tensor<2x3xf32>
  %1 = nn.reshape %0, %shape : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf32>
  return %1 : tensor<6xf32>
}

// Of one scale and zero point, one of them left out where it is 0; and of two scales.
// CHECK-LABEL: @concat
// CHECK: %[[BYTES:.*]] = nn.concat %arg0, %arg1 {{.*}} : (tensor<2xi8>, tensor<3xi8>) -> tensor<5xi8>
// CHECK: nn.dequantize %[[BYTES]]
// CHECK: nn.concat {{.*}} : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
func.func @concat(%x: tensor<2xi8>, %y: tensor<3xi8>) -> (tensor<5xf32>, tensor<5xf32>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %t = arith.constant dense<0.25> : tensor<f32>
  %z = arith.constant dense<0> : tensor<i8>
  %0 = nn.dequantize %x, %s, %z {to = f32} : (tensor<2xi8>, tensor<f32>, tensor<i8>) -> tensor<2xf32>
  %1 = nn.dequantize %y, %s {to = f32} : (tensor<3xi8>, tensor<f32>) -> tensor<3xf32>
  %2 = nn.dequantize %y, %t {to = f32} : (tensor<3xi8>, tensor<f32>) -> tensor<3xf32>
  %3 = nn.concat %0, %1 {axis = 0 : i64} : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  %4 = nn.concat %0, %2 {axis = 0 : i64} : (tensor<2xf32>, tensor<3xf32>) -> tensor<5xf32>
  return %3, %4 : tensor<5xf32>, tensor<5xf32>
}

// Another scale, another zero point, another type.
// CHECK-LABEL: @requantize
// CHECK-COUNT-3: nn.quantize
func.func @requantize(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi8>, tensor<4xi16>) {
  %s = arith.constant dense<0.5> : tensor<f32>
  %t = arith.constant dense<0.25> : tensor<f32>
  %z = arith.constant dense<1> : tensor<i8>
  %0 = nn.dequantize %x, %s {to = f32} : (tensor<4xi8>, tensor<f32>) -> tensor<4xf32>
  %1 = nn.quantize %0, %t {to = i8} : (tensor<4xf32>, tensor<f32>) -> tensor<4xi8>
  %2 = nn.quantize %0, %s, %z {to = i8} : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  %3 = nn.quantize %0, %s {to = i16} : (tensor<4xf32>, tensor<f32>) -> tensor<4xi16>
  return %1, %2, %3 : tensor<4xi8>, tensor<4xi8>, tensor<4xi16>
}
