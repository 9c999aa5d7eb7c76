// RUN: nnc-opt %s --pass-pipeline='builtin.module(func.func(simplify-quantization))' | FileCheck %s

// round(x) + 3, between 0 and 255: x between -3 and 252, by the low bits of its sum with 1.5 * 2^23. NaN is the least.
// CHECK-LABEL: @quantize
// CHECK-SAME: (%[[X:.*]]: f32)
// CHECK-DAG: %[[LOW:.*]] = arith.constant -3.000000e+00 : f32
// CHECK-DAG: %[[HIGH:.*]] = arith.constant 2.520000e+02 : f32
// CHECK-DAG: %[[ROUND:.*]] = arith.constant 0x4B400000 : f32
// CHECK-DAG: %[[ZERO:.*]] = arith.constant 3 : i32
// CHECK: %[[ABOVE:.*]] = arith.cmpf ogt, %[[X]], %[[LOW]] : f32
// CHECK-NEXT: %[[A:.*]] = arith.select %[[ABOVE]], %[[X]], %[[LOW]] : f32
// CHECK-NEXT: %[[BELOW:.*]] = arith.cmpf olt, %[[A]], %[[HIGH]] : f32
// CHECK-NEXT: %[[B:.*]] = arith.select %[[BELOW]], %[[A]], %[[HIGH]] : f32
// CHECK-NEXT: %[[SUM:.*]] = arith.addf %[[B]], %[[ROUND]] : f32
// CHECK-NEXT: %[[BITS:.*]] = arith.bitcast %[[SUM]] : f32 to i32
// CHECK-NEXT: %[[SHIFTED:.*]] = arith.addi %[[BITS]], %[[ZERO]] : i32
// CHECK-NEXT: %[[BYTE:.*]] = arith.trunci %[[SHIFTED]] : i32 to i8
// CHECK-NEXT: return %[[BYTE]]
func.func @quantize(%x: f32) -> i8 {
  %zero = arith.constant 3.0 : f32
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %0 = math.roundeven %x : f32
  %1 = arith.addf %0, %zero : f32
  %2 = arith.cmpf ogt, %1, %low : f32
  %3 = arith.select %2, %1, %low : f32
  %4 = arith.cmpf olt, %3, %high : f32
  %5 = arith.select %4, %3, %high : f32
  %6 = arith.fptosi %5 : f32 to i32
  %7 = arith.trunci %6 : i32 to i8
  return %7 : i8
}

// A relu in front of the division is what the lower bound does anyway. What is dequantized with another zero point, 5, stays
// a float: 1.5 * 2^23 + 5 is subtracted.
// CHECK-LABEL: @requantize
// CHECK-SAME: (%[[X:.*]]: f32)
// CHECK-DAG: %[[BACK:.*]] = arith.constant 0x4B400005 : f32
// CHECK: %[[Q:.*]] = arith.divf %[[X]], %{{.*}} : f32
// CHECK: arith.cmpf ogt, %[[Q]], %{{.*}} : f32
// CHECK: %[[SUM:.*]] = arith.addf
// CHECK-NEXT: %[[Y:.*]] = arith.subf %[[SUM]], %[[BACK]] : f32
// CHECK-NEXT: return %[[Y]]
func.func @requantize(%x: f32) -> f32 {
  %zero = arith.constant 0.0 : f32
  %scale = arith.constant 0.3 : f32
  %high = arith.constant 255.0 : f32
  %offset = arith.constant 5 : i32
  %isBelow = arith.cmpf olt, %x, %zero : f32
  %relu = arith.select %isBelow, %zero, %x : f32
  %quotient = arith.divf %relu, %scale : f32
  %0 = math.roundeven %quotient : f32
  %2 = arith.cmpf ogt, %0, %zero : f32
  %3 = arith.select %2, %0, %zero : f32
  %4 = arith.cmpf olt, %3, %high : f32
  %5 = arith.select %4, %3, %high : f32
  %6 = arith.fptosi %5 : f32 to i32
  %7 = arith.trunci %6 : i32 to i8
  %8 = arith.extui %7 : i8 to i32
  %9 = arith.subi %8, %offset : i32
  %10 = arith.sitofp %9 : i32 to f32
  return %10 : f32
}

// Signed extension of what may be 255 is another number; the relu is no such one where the least integer is below zero.
// CHECK-LABEL: @kept
// CHECK: arith.extsi
// CHECK: arith.sitofp
func.func @kept(%x: f32) -> f32 {
  %low = arith.constant 0.0 : f32
  %high = arith.constant 255.0 : f32
  %0 = math.roundeven %x : f32
  %2 = arith.cmpf ogt, %0, %low : f32
  %3 = arith.select %2, %0, %low : f32
  %4 = arith.cmpf olt, %3, %high : f32
  %5 = arith.select %4, %3, %high : f32
  %6 = arith.fptosi %5 : f32 to i32
  %7 = arith.trunci %6 : i32 to i8
  %8 = arith.extsi %7 : i8 to i32
  %9 = arith.sitofp %8 : i32 to f32
  return %9 : f32
}

// CHECK-LABEL: @keptRelu
// CHECK-DAG: %[[NONE:.*]] = arith.constant 0.000000e+00 : f32
// CHECK: arith.cmpf olt, %{{.*}}, %[[NONE]] : f32
// CHECK: arith.divf
func.func @keptRelu(%x: f32) -> i8 {
  %none = arith.constant 0.0 : f32
  %scale = arith.constant 0.3 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %isBelow = arith.cmpf olt, %x, %none : f32
  %relu = arith.select %isBelow, %none, %x : f32
  %quotient = arith.divf %relu, %scale : f32
  %0 = math.roundeven %quotient : f32
  %2 = arith.cmpf ogt, %0, %low : f32
  %3 = arith.select %2, %0, %low : f32
  %4 = arith.cmpf olt, %3, %high : f32
  %5 = arith.select %4, %3, %high : f32
  %6 = arith.fptosi %5 : f32 to i32
  %7 = arith.trunci %6 : i32 to i8
  return %7 : i8
}
