#!/usr/bin/env python3
"""Random quantised models against ONNX Runtime, for SSE2, AVX2, AVX-512, AVX-512 with VNNI, and AMX.

Integer results of ONNX's own operators must be equal in all bits. Operators of com.microsoft have no specification of
their rounding: their quantised results may differ by one step.
"""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402
from host_cpu import CPUS, can_run  # noqa: E402


class Case:
    """A model of one node or a few, with run-time inputs."""

    def __init__(self, random):
        self.random = random
        self.nodes, self.inputs, self.constants, self.feeds = [], [], [], {}
        self.tolerance = 0
        self.float_tolerance = {}  # of a CPU, of the largest magnitude, where not 1e-5

    def array(self, shape, dtype):
        if dtype == np.float32:
            return self.random.standard_normal(shape).astype(np.float32)
        info = np.iinfo(dtype)
        return self.random.integers(info.min, info.max + 1, shape).astype(dtype)

    def weights(self, shape, dtype):
        """Of 7 bits where the CPU lacks VNNI: there ONNX Runtime's products of u8 and i8 saturate beyond."""
        array = self.array(shape, dtype)
        return array if dtype == np.uint8 or can_run("vnni") else array >> 1

    def feed(self, name, array, shape=None):
        """An input, of `shape` where that has run-time extents."""
        self.feeds[name] = array
        element = helper.np_dtype_to_tensor_dtype(array.dtype)
        self.inputs.append(helper.make_tensor_value_info(name, element, shape or array.shape))
        return name

    def constant(self, name, array):
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def scale(self, name, shape=()):
        return self.constant(name, self.random.uniform(0.01, 0.1, shape).astype(np.float32))

    def zero(self, name, dtype, shape=(), symmetric=False):
        value = np.zeros(shape, dtype) if symmetric else self.array(shape, dtype)
        return self.constant(name, value.astype(dtype))

    def node(self, op, inputs, outputs=("y",), **attributes):
        self.nodes.append(helper.make_node(op, inputs, list(outputs), **attributes))

    def model(self, outputs):
        graph = helper.make_graph(self.nodes, "quantized", self.inputs,
                                  [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs],
                                  self.constants)
        return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 21),
                                                                      helper.make_opsetid("com.microsoft", 1)])


BYTES = {np.uint8: TensorProto.UINT8, np.int8: TensorProto.INT8}


def pick(random, *choices):
    return choices[random.integers(len(choices))]


def matmul_shapes(random):
    m, k, n = (int(random.integers(1, limit)) for limit in (40, 150, 70))
    return (m, k), (k, n)


def make_matmul_integer(random):
    case = Case(random)
    left, right = matmul_shapes(random)
    a, b = pick(random, np.uint8, np.int8), pick(random, np.uint8, np.int8)
    if a == np.int8 and b == np.uint8:  # ONNX Runtime has no such kernel
        b = np.int8
    case.feed("a", case.array(left, a))
    (case.feed if random.integers(4) == 0 else case.constant)("b", case.array(right, b))
    case.node("MatMulInteger", ["a", "b", case.zero("az", a), case.zero("bz", b, symmetric=random.integers(2))])
    return case, [("y", TensorProto.INT32)]


def make_qlinear_matmul(random):
    case = Case(random)
    left, right = matmul_shapes(random)
    a = pick(random, np.uint8, np.int8)
    b = pick(random, np.uint8, np.int8) if a == np.uint8 else np.int8
    batch = pick(random, (), (2,), (2, 3))
    case.feed("a", case.array(batch + left, a))
    case.constant("b", case.array(right, b))
    per_column = random.integers(2) and b == np.int8
    columns = (right[1],) if per_column else ()
    case.node("QLinearMatMul", ["a", case.scale("as"), case.zero("az", a), "b", case.scale("bs", columns),
                                case.zero("bz", b, columns, symmetric=per_column or random.integers(2)),
                                case.constant("ys", np.float32(random.uniform(1, 8))), case.zero("yz", a)])
    return case, [("y", BYTES[a])]


def conv_shapes(random):
    groups = int(pick(random, 1, 1, 1, 2))
    channels, outputs = groups * int(random.integers(1, 20)), groups * int(random.integers(1, 36))
    if random.integers(6) == 0:  # depthwise
        groups = outputs = channels
    kernel = [int(random.integers(1, 4)), int(random.integers(1, 4))]
    image = (int(random.integers(1, 3)), channels, int(random.integers(4, 14)), int(random.integers(4, 14)))
    attributes = {"group": groups, "strides": [int(random.integers(1, 3))] * 2, "kernel_shape": kernel,
                  "pads": [int(random.integers(0, size)) for size in kernel * 2]}
    return image, (outputs, channels // groups, *kernel), attributes


def make_conv_integer(random):
    case = Case(random)
    image, filters, attributes = conv_shapes(random)
    w = pick(random, np.uint8, np.int8)
    case.feed("x", case.array(image, np.uint8))
    case.constant("w", case.array(filters, w))
    case.node("ConvInteger", ["x", "w", case.zero("xz", np.uint8), case.zero("wz", w, symmetric=random.integers(2))],
              **attributes)
    return case, [("y", TensorProto.INT32)]


def make_qlinear_conv(random):
    case = Case(random)
    image, filters, attributes = conv_shapes(random)
    x = pick(random, np.uint8, np.int8)
    w = pick(random, np.uint8, np.int8) if x == np.uint8 else np.int8
    case.feed("x", case.array(image, x))
    case.constant("w", case.array(filters, w))
    per_channel = random.integers(2) and w == np.int8
    shape = (filters[0],) if per_channel else ()
    inputs = ["x", case.scale("xs"), case.zero("xz", x), "w", case.scale("ws", shape),
              case.zero("wz", w, shape, symmetric=per_channel or random.integers(2)),
              case.constant("ys", np.float32(random.uniform(1, 8))), case.zero("yz", x)]
    if random.integers(2):
        inputs.append(case.constant("b", random.integers(-5000, 5000, filters[0]).astype(np.int32)))
    case.node("QLinearConv", inputs, **attributes)
    return case, [("y", BYTES[x])]


def make_linear(random):
    case = Case(random)
    shape = tuple(int(random.integers(1, 9)) for _ in range(3))
    dtype = pick(random, np.uint8, np.int8, np.uint16, np.int16)
    axis = int(random.integers(3))
    per_axis = random.integers(2)
    parameters = (shape[axis],) if per_axis else ()
    case.feed("x", case.array(shape, np.float32) * np.float32(5))
    inputs = ["x", case.scale("s", parameters), case.zero("z", dtype, parameters)]
    case.node("QuantizeLinear", inputs, ["q"], axis=axis)
    case.node("DequantizeLinear", ["q", *inputs[1:]], ["y"], axis=axis)
    return case, [("q", helper.np_dtype_to_tensor_dtype(np.dtype(dtype))), ("y", TensorProto.FLOAT)]


def make_dynamic(random):
    case = Case(random)
    case.feed("x", case.array((int(random.integers(1, 50)), 7), np.float32))
    case.node("DynamicQuantizeLinear", ["x"], ["y", "s", "z"])
    return case, [("y", TensorProto.UINT8), ("s", TensorProto.FLOAT), ("z", TensorProto.UINT8)]


def make_binary(random):
    case = Case(random)
    case.tolerance = 1
    dtype = pick(random, np.uint8, np.int8)
    shape = (3, int(random.integers(1, 40)))
    inputs = []
    for name in "ab":
        case.feed(name, case.array(shape, dtype))
        inputs += [name, case.scale(name + "s"), case.zero(name + "z", dtype)]
    inputs += [case.scale("ys"), case.zero("yz", dtype)]
    case.node(pick(random, "QLinearAdd", "QLinearMul"), inputs, domain="com.microsoft")
    return case, [("y", BYTES[dtype])]


def make_unary(random):
    case = Case(random)
    case.tolerance = 1
    dtype = pick(random, np.uint8, np.int8)
    op = pick(random, "QLinearSigmoid", "QLinearLeakyRelu", "QLinearGlobalAveragePool")
    case.feed("x", case.array((2, 3, 5, int(random.integers(1, 9))), dtype))
    attributes = {"alpha": 0.1} if op == "QLinearLeakyRelu" else {}
    case.node(op, ["x", case.scale("xs"), case.zero("xz", dtype), case.scale("ys"), case.zero("yz", dtype)],
              domain="com.microsoft", **attributes)
    return case, [("y", BYTES[dtype])]


def make_gemm(random):
    case = Case(random)
    left, right = matmul_shapes(random)
    dtype = np.uint8
    case.feed("a", case.array(left, dtype))
    case.constant("b", case.weights(right[::-1], np.int8))
    inputs = ["a", case.scale("as"), case.zero("az", dtype), "b", case.scale("bs"),
              case.zero("bz", np.int8, symmetric=True),
              case.constant("c", random.integers(-5000, 5000, right[1]).astype(np.int32)),
              case.constant("ys", np.float32(random.uniform(1, 8))), case.zero("yz", dtype)]
    case.node("QGemm", inputs, domain="com.microsoft", transB=1, alpha=1.0)
    return case, [("y", TensorProto.UINT8)]


def make_bits(random, rests=(0, 0, 0, 5, 8)):
    """Blocks of 4 or 8 bits along K, whose last one may have `rests` instead; few rows and many."""
    case = Case(random)
    block, bits, rows = int(pick(random, 16, 32, 64, 128)), int(pick(random, 4, 4, 8)), int(pick(random, 1, 1, 2, 3, 7, 8, 15, 33))
    is_small = random.integers(3) == 0  # f32 where vectors read weights from the cache
    n, k = (int(random.integers(1, 90)), 4 * block) if is_small else (int(random.integers(1030, 1100)), 1024)
    k += int(pick(random, *rests))
    blocks = -(-k // block)
    case.feed("x", case.array((rows, k), np.float32), ["rows", k] if random.integers(3) == 0 else None)
    case.constant("b", case.array((n, blocks, block * bits // 8), np.uint8))
    signs = random.choice([-1, 1], n * blocks)
    inputs = ["x", "b", case.constant("s", (random.uniform(0.01, 0.1, n * blocks) * signs).astype(np.float32))]
    if random.integers(2):
        inputs.append(case.constant("z", case.array((n * -(-blocks * bits // 8),), np.uint8)))
    case.node("MatMulNBits", inputs, domain="com.microsoft", K=k, N=n, bits=bits, block_size=block)
    return case, [("y", TensorProto.FLOAT)]


def make_int8_bits(random):
    """The same with an input that may be rounded to 8 bits, which nnc does for CPUs with VNNI only."""
    case, outputs = make_bits(random, rests=(0,))
    case.nodes[0].attribute.append(helper.make_attribute("accuracy_level", 4))
    case.float_tolerance = {cpu: 0.03 for cpu in CPUS if cpu not in ("vnni", "amx")}
    return case, outputs


def make_weights_only(random):
    """Weights of 8 bits with a scale for each column, dequantized before a product of floats."""
    case = Case(random)
    left, right = (int(random.integers(1, 40)), 1024), (1024, int(random.integers(1030, 1100)))
    case.feed("a", case.array(left, np.float32))
    case.constant("b", case.array(right, np.int8))
    case.node("DequantizeLinear", ["b", case.scale("bs", (right[1],)), case.zero("bz", np.int8, (right[1],), symmetric=random.integers(2))],
              ["w"], axis=1)
    case.node("MatMul", ["a", "w"])
    return case, [("y", TensorProto.FLOAT)]


def make_to_float(random):
    case = Case(random)
    left, right = matmul_shapes(random)
    op = pick(random, "DynamicQuantizeMatMul", "MatMulIntegerToFloat")
    b = pick(random, np.uint8, np.int8)
    case.constant("b", case.weights(right, b))
    bias = case.constant("c", case.array((right[1],), np.float32))
    if op == "DynamicQuantizeMatMul":
        case.feed("a", case.array(left, np.float32))
        inputs = ["a", "b", case.scale("bs"), case.zero("bz", b), bias]
    else:
        case.feed("a", case.array(left, np.uint8))
        inputs = ["a", "b", case.scale("as"), case.scale("bs"), case.zero("az", np.uint8), case.zero("bz", b), bias]
    case.node(op, inputs, domain="com.microsoft")
    return case, [("y", TensorProto.FLOAT)]


def quantize(case, name, dtype):
    """QuantizeLinear, DequantizeLinear of a float value."""
    parameters = [case.constant(name + "s", np.float32(case.random.uniform(0.01, 0.1))), case.zero(name + "z", dtype)]
    case.node("QuantizeLinear", [name, *parameters], [name + "q"])
    case.node("DequantizeLinear", [name + "q", *parameters], [name + "d"])
    return name + "d"


def make_qdq_conv(random):
    """The pattern of exporters: quantised input, weights (per channel) and bias around a float convolution."""
    case = Case(random)
    case.tolerance = 1  # ONNX Runtime sums floats here
    image, filters, attributes = conv_shapes(random)
    x = pick(random, np.uint8, np.int8)
    case.feed("x", case.array(image, np.float32))
    channels = (filters[0],) if random.integers(2) else ()
    case.constant("w", case.array(filters, np.int8))
    weight_scale = random.uniform(0.002, 0.02, channels).astype(np.float32)
    case.constant("ws", weight_scale)
    case.node("DequantizeLinear", ["w", "ws", case.zero("wz", np.int8, channels, symmetric=True)], ["wd"], axis=0)
    inputs = [quantize(case, "x", x), "wd"]
    kind = random.integers(3)
    if kind == 1:  # a bias in units of the products, as exporters have it
        input_scale = numpy_helper.to_array(next(c for c in case.constants if c.name == "xs"))
        case.constant("b", random.integers(-500, 500, filters[0]).astype(np.int32))
        case.constant("bs", np.broadcast_to(input_scale * weight_scale, (filters[0],)).astype(np.float32))
        case.node("DequantizeLinear", ["b", "bs"], ["bd"], axis=0)
        inputs.append("bd")
    elif kind == 2:
        inputs.append(case.constant("b", case.array((filters[0],), np.float32)))
    case.node("Conv", inputs, ["c"], **attributes)
    if random.integers(2):
        case.node("Relu", ["c"], ["r"])
    last = case.nodes[-1].output[0]
    case.node("QuantizeLinear", [last, case.constant("ys", np.float32(random.uniform(0.05, 0.3))), case.zero("yz", x)], ["y"])
    return case, [("y", BYTES[x])]


def make_qdq_matmul(random):
    case = Case(random)
    case.tolerance = 1
    left, right = matmul_shapes(random)
    x = pick(random, np.uint8, np.int8)
    case.feed("x", case.array(pick(random, (), (2,)) + left, np.float32))
    columns = (right[1],) if random.integers(2) else ()
    case.constant("w", case.array(right, np.int8))
    case.constant("ws", random.uniform(0.002, 0.02, columns).astype(np.float32))
    case.node("DequantizeLinear", ["w", "ws", case.zero("wz", np.int8, columns, symmetric=random.integers(2))], ["wd"], axis=1)
    case.node("MatMul", [quantize(case, "x", x), "wd"], ["p"])
    if random.integers(2):
        case.node("Add", ["p", case.constant("b", case.array((right[1],), np.float32))], ["sum"])
    last = case.nodes[-1].output[0]
    if random.integers(3) == 0:
        case.node("Identity", [last])
        return case, [("y", TensorProto.FLOAT)]
    case.node("QuantizeLinear", [last, case.constant("ys", np.float32(random.uniform(0.05, 0.3))), case.zero("yz", x)], ["y"])
    return case, [("y", BYTES[x])]


def make_qdq_function(random):
    """Float functions of one byte, each followed by its own quantization: tables, of all 256 bytes and of odd widths."""
    case = Case(random)
    case.tolerance = 1  # the functions differ in their last bits
    dtype = pick(random, np.uint8, np.int8)
    case.feed("x", np.resize(np.arange(256).astype(np.uint8).view(dtype), (2, 1, int(random.integers(128, 400)))))
    case.node("DequantizeLinear", ["x", case.scale("xs"), case.zero("xz", dtype)], ["xd"])
    last, constant = "xd", lambda name, value: case.constant(name, np.float32(value))
    for step in range(int(random.integers(1, 4))):
        op, result = pick(random, "Sigmoid", "Tanh", "Elu", "Erf", "Silu", "HardSwish"), f"f{step}"
        if op == "Silu":
            case.node("Sigmoid", [last], [result + "_sigmoid"])
            case.node("Mul", [last, quantize(case, result + "_sigmoid", dtype)], [result])
        elif op == "HardSwish":  # in its pieces, each of them quantized
            case.node("Add", [last, constant(result + "_three", 3)], [result + "_sum"])
            case.node("Clip", [quantize(case, result + "_sum", dtype), constant(result + "_low", 0), constant(result + "_high", 6)],
                      [result + "_clip"])
            case.node("Mul", [last, quantize(case, result + "_clip", dtype)], [result + "_product"])
            case.node("Div", [quantize(case, result + "_product", dtype), constant(result + "_six", 6)], [result])
        else:
            case.node(op, [last], [result])
        last = quantize(case, result, dtype)
    case.node("QuantizeLinear", [last, case.scale("ys"), case.zero("yz", dtype)], ["y"])
    return case, [("y", BYTES[dtype])]


def make_qdq_movement(random):
    """What moves or chooses elements between dequantization and quantization, with the same parameters or others."""
    case = Case(random)
    dtype = pick(random, np.uint8, np.int8)
    case.feed("x", case.array((1, 4, 7, 9), dtype))
    scale, zero = case.scale("xs"), case.zero("xz", dtype)
    case.node("DequantizeLinear", ["x", scale, zero], ["d"])
    last = "d"
    for step in range(int(random.integers(1, 4))):
        op, result = pick(random, "MaxPool", "Transpose", "Concat", "DepthToSpace", "Slice", "Resize"), f"m{step}"
        if op == "MaxPool":
            case.node(op, [last], [result], kernel_shape=[2, 2], pads=[int(random.integers(2)) for _ in range(4)], strides=[1, 1],
                      ceil_mode=int(random.integers(2)))
        elif op == "Transpose":
            case.node(op, [last], [result], perm=[0, 1, 3, 2])
        elif op == "Concat":  # of tensors with the same parameters, or with two
            case.node("Identity", [last], [result + "_same"])
            case.node(op, [last, result + "_same" if random.integers(2) else quantize(case, last, dtype)], [result], axis=1)
        elif op == "DepthToSpace":
            case.node(op, [last], [result], blocksize=2) if step == 0 else case.node("Identity", [last], [result])
        elif op == "Slice":
            case.node(op, [last, case.constant(result + "b", np.array([1])), case.constant(result + "e", np.array([100])),
                           case.constant(result + "a", np.array([2]))], [result])
        else:
            case.node(op, [last, "", case.constant(result + "f", np.array([1, 1, 2, 1], np.float32))], [result], mode="nearest")
        last = result
    parameters = [scale, zero] if random.integers(2) else [case.scale("ys"), case.zero("yz", dtype)]
    case.node("QuantizeLinear", [last, *parameters], ["y"])
    return case, [("y", BYTES[dtype])]


MAKERS = {name[5:]: maker for name, maker in globals().items() if name.startswith("make_")}


def describe(actual, wanted, tolerance, float_tolerance):
    """None where the results agree, else a sentence."""
    if actual.shape != wanted.shape or actual.dtype != wanted.dtype:
        return f"{actual.dtype} {actual.shape}, expected {wanted.dtype} {wanted.shape}"
    if wanted.dtype == np.float32:
        largest = np.abs(wanted).max(initial=0)
        return None if np.abs(actual - wanted).max(initial=0) <= float_tolerance * max(largest, 1e-3) else "floats differ"
    wrong = np.abs(actual.astype(np.int64) - wanted.astype(np.int64)) > tolerance
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return f"{int(wrong.sum())} of {wrong.size} elements differ, first at {place}: {actual[place]}, expected {wanted[place]}"


def check(name, seed, cpus, folder):
    case, outputs = MAKERS[name](np.random.default_rng(seed))
    model = case.model(outputs)
    source = os.path.join(folder, "model.onnx")
    onnx.save(model, source)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    wanted = session.run([n for n, _ in outputs], case.feeds)
    for cpu in cpus:
        library = os.path.join(folder, f"{name}{seed}{cpu}.so")
        compile_model(source, library, ["--emit=shared", "--name=model", f"--cpu={CPUS[cpu]}"])
        results = CompiledModel(library, "model")([case.feeds[i.name] for i in case.inputs])
        for actual, expected in zip(results, wanted):
            difference = describe(actual, expected, case.tolerance, case.float_tolerance.get(cpu, 1e-5))
            if difference:
                return f"{cpu}: {difference}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only kinds whose name contains this")
    parser.add_argument("--cases", type=int, default=6, help="random models of each kind")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    cpus = [cpu for cpu in CPUS if can_run(cpu)]
    passed = failed = skipped = 0
    for name in (name for name in MAKERS if arguments.pattern in name):
        for seed in range(arguments.first, arguments.first + arguments.cases):
            with tempfile.TemporaryDirectory(prefix="nnc-quantized-") as folder:
                try:
                    difference = check(name, seed, cpus, folder)
                except Refused as reason:
                    print(f"SKIP {name} {seed}: {reason}")
                    skipped += 1
                    continue
                except Broken as reason:
                    difference = str(reason)
            failed += difference is not None
            passed += difference is None
            if difference:
                print(f"FAIL {name} {seed}: {difference}")
    if len(cpus) < len(CPUS):
        print(f"SKIP this CPU lacks {', '.join(sorted(set(CPUS) - set(cpus)))}")
    print(f"quantized: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
