#!/usr/bin/env python3
"""Transposed convolutions of all lowerings (few phases, many, one spatial dimension, few outputs, groups, dilations, pads,
output padding, extents known at run time) and convolutions of few outputs, which are lowered as they are, against ONNX
Runtime; those with many phases must compile to little code."""
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import CompiledModel, compile_model, describe_difference  # noqa: E402
from onnx_node_tests import in_child  # noqa: E402
from random_graphs import run_reference  # noqa: E402

MOST_CODE = 400_000  # bytes of an object apart from its weights

# Input, filter (C, OC / group, K...), the node's attributes; `dynamic`: the extents that are known at run time. Filters of
# `op` Conv are (OC, C / group, K...). Outputs are few where a vector has twice as many lanes: up to two with all CPUs.
CASES = {
    "stride_1": ([2, 5, 7, 6], [5, 3, 3, 2], dict(pads=[1, 0, 1, 1])),
    "stride_2": ([1, 16, 9, 8], [16, 24, 4, 4], dict(strides=[2, 2], pads=[1, 1, 1, 1])),
    "stride_2_dilated": ([1, 3, 6, 7], [3, 4, 3, 3], dict(strides=[2, 3], dilations=[2, 3])),
    "upsample_32": ([1, 21, 5, 7], [21, 21, 64, 64], dict(strides=[32, 32])),
    "upsample_32_cropped": ([1, 21, 5, 7], [21, 21, 64, 64], dict(strides=[32, 32], pads=[16] * 4, dynamic=[2, 3])),
    "upsample_32_by_channel": ([1, 21, 4, 4], [21, 1, 64, 64], dict(strides=[32, 32], group=21)),
    "uneven": ([2, 6, 5, 4], [6, 3, 11, 9], dict(strides=[8, 9], group=2, dilations=[2, 3], output_padding=[7, 3],
                                                pads=[3, 1, 0, 2])),
    "filter_below_stride": ([1, 4, 5, 4], [4, 3, 2, 3], dict(strides=[8, 9], output_padding=[7, 8])),
    "one_place": ([1, 3, 1, 1], [3, 2, 16, 16], dict(strides=[16, 16], pads=[5, 0, 0, 7])),
    "one_row": ([1, 3, 1, 5], [3, 2, 3, 3], dict(strides=[4, 3], output_padding=[3, 2])),
    "vocoder_8": ([1, 32, 50], [32, 16, 16], dict(strides=[8], pads=[4, 4], dynamic=[0, 2])),
    "vocoder_320": ([1, 32, 20], [32, 1, 640], dict(strides=[320], dynamic=[2])),
    "vocoder_groups": ([2, 8, 11], [8, 3, 33], dict(strides=[32], group=4, pads=[1, 3])),
    "volume": ([1, 4, 3, 4, 5], [4, 3, 5, 5, 5], dict(strides=[4, 4, 4], pads=[1, 0, 2, 0, 1, 1])),
    "strip": ([1, 4, 3, 40], [4, 4, 1, 64], dict(strides=[1, 40])),
    "stride_1_groups": ([1, 6, 9, 8], [6, 4, 3, 2], dict(group=2, dilations=[2, 1], pads=[1, 0, 1, 0])),
    "stride_1_by_channel": ([2, 8, 20, 21], [8, 1, 3, 3], dict(group=8, pads=[1, 1, 1, 1])),
    "stride_1_cropped": ([1, 4, 9, 8], [4, 8, 3, 3], dict(pads=[3, 4, 2, 3], dynamic=[2])),
    "few_outputs": ([1, 16, 11, 13], [16, 1, 3, 3], dict(pads=[1, 1, 1, 1])),
    "few_outputs_stride_2": ([2, 9, 17, 10], [9, 1, 5, 3], dict(strides=[2, 3], pads=[2, 1, 1, 0], output_padding=[1, 2])),
    "few_outputs_dilated": ([1, 8, 12, 9], [8, 2, 3, 4], dict(strides=[3, 2], dilations=[2, 3], pads=[1, 2, 3, 0])),
    "few_outputs_signal": ([2, 12, 100], [12, 1, 7], dict(strides=[3], pads=[2, 2])),
    "few_outputs_volume": ([1, 8, 6, 5, 7], [8, 1, 3, 2, 3], dict(strides=[2, 1, 2], pads=[1, 0, 1, 0, 1, 1])),
    "few_outputs_blocks": ([2, 8, 67, 61], [8, 1, 9, 7], dict(strides=[2, 2], pads=[3, 3, 3, 3])),
    "conv": ([2, 16, 11, 13], [1, 16, 3, 3], dict(op="Conv", pads=[1, 1, 1, 1])),
    "conv_uneven": ([1, 9, 14, 12], [2, 9, 4, 3], dict(op="Conv", dilations=[2, 3], pads=[5, 0, 9, 7])),
    "conv_signal": ([1, 10, 200], [1, 10, 9], dict(op="Conv")),
    "conv_volume": ([1, 8, 6, 5, 7], [1, 8, 3, 2, 3], dict(op="Conv", pads=[1, 0, 1, 1, 1, 1])),
    "conv_blocks": ([2, 12, 113, 67], [1, 12, 11, 9], dict(op="Conv", pads=[5, 4, 5, 4])),
}


def make_model(rng, shape, filter_shape, bias, op="ConvTranspose", group=1, dynamic=(), **attributes):
    constants = {"w": rng.standard_normal(filter_shape).astype(np.float32)}
    if bias:
        constants["b"] = rng.standard_normal(filter_shape[0] if op == "Conv" else filter_shape[1] * group).astype(np.float32)
    node = helper.make_node(op, ["x", *constants], ["y"], group=group, **attributes)
    declared = [f"d{axis}" if axis in dynamic else extent for axis, extent in enumerate(shape)]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, declared)],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return model, sum(value.nbytes for value in constants.values())


def check(name, bias):
    rng = np.random.default_rng(sum(map(ord, name)) + bias)
    shape, filter_shape, attributes = CASES[name]
    model, weights = make_model(rng, shape, filter_shape, bias, **attributes)
    x = rng.standard_normal(shape).astype(np.float32)
    expected = run_reference(model, [x])[0]
    with tempfile.TemporaryDirectory(prefix="nnc-transposed-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model"])
        code = os.path.getsize(library) - weights
        if code > MOST_CODE:
            return f"{code} bytes beside the weights"
        return in_child(lambda: describe_difference(CompiledModel(library, "model")([x])[0], expected, 1e-4, 1e-4))


def main():
    failed = 0
    for name in CASES:
        for bias in (False, True):
            problem = check(name, bias)
            if problem:
                failed += 1
                print(f"FAIL {name}{'_bias' if bias else ''}: {problem}")
    print(f"transposed: {2 * len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
