#!/usr/bin/env python3
"""Operators of com.microsoft that decoders contain (mixtures of experts, weights in blocks of few bits, gates and streams, rotations by
three places), some that its optimisers leave, and operators that ONNX had on trial before opset 10: as domain_ops.py."""
import sys

import numpy as np
import onnxruntime
from onnx import helper

import domain_ops
from domain_ops import MICROSOFT, RANDOM, cache, constant, floats, ints, run_cases


def expert_cases():
    tokens, hidden, inner, experts = 6, 32, 64, 5

    def layers(fused, third):
        weights = [floats(experts, inner * (2 if fused else 1), hidden) / 6, floats(experts, inner * (2 if fused else 1)),
                   floats(experts, hidden, inner) / 8, floats(experts, hidden)]
        return weights + ([floats(experts, inner, hidden) / 6, floats(experts, inner)] if third else [])

    for activation in ("relu", "gelu", "silu", "identity"):
        for normalize in (0, 1):
            yield f"experts_{activation}_{normalize}", "MoE", 1, [
                floats(tokens, hidden), floats(tokens, experts), *(constant(w) for w in layers(False, False))], {
                "activation_type": activation, "k": 2, "normalize_routing_weights": normalize}
    yield "experts_swiglu", "MoE", 1, [
        floats(2, 3, hidden), floats(tokens, experts), *(constant(w) for w in layers(True, False))], {
        "activation_type": "swiglu", "k": 4, "normalize_routing_weights": 1, "swiglu_fusion": 1,
        "activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 0.8}
    for bits in (4, 8):
        # Of 8 bits in blocks ONNX Runtime quantises the tokens as well.
        for block in (0, 32) if bits == 4 else (0,):
            for zeros in (0, 1):
                yield f"quantized_experts_{bits}_{block}_{zeros}", "QMoE", 1, quantized_experts(
                    tokens, hidden, inner, experts, bits, block, zeros), {
                    "activation_type": "silu", "k": 2, "normalize_routing_weights": 1, "expert_weight_bits": bits,
                    "weights_prepacked": 0, **({"block_size": block} if block else {})}


def quantized_experts(tokens, hidden, inner, experts, bits, block, zeros):
    per_byte, operands, points = 8 // bits, [floats(tokens, hidden), floats(tokens, experts)], []
    for rows, columns in ((inner, hidden), (hidden, inner)):
        blocks = (columns // block,) if block else ()
        scales = (0.002 + 0.002 * RANDOM.random((experts, rows) + blocks)).astype(np.float32) * (16 if bits == 4 else 1)
        operands += [constant(ints(256, experts, rows, columns // per_byte, dtype=np.uint8)), constant(scales),
                     constant(floats(experts, rows))]
        shape = (experts, rows, -(-blocks[0] // per_byte)) if block else (experts, -(-rows // per_byte))
        points.append(constant(ints(256, *shape, dtype=np.uint8)))
    return operands + ([None, None, None] + points if zeros else [])


def block_cases():
    for bits in (2, 4, 8):
        for zeros in (0, 1):
            width = 64 * bits // 8
            data = [constant(ints(256, 11, width, dtype=np.uint8)), ints(11, 2, 3, dtype=np.int64), constant(floats(11, 4))]
            if zeros:
                data.append(constant(ints(256, 11, max(1, 4 * bits // 8), dtype=np.uint8)))
            yield f"rows_{bits}_{zeros}", "GatherBlockQuantized", 1, data, {
                "bits": bits, "block_size": 16, "gather_axis": 0, "quantize_axis": 1}
    for kind in (0, 1):
        for n, k, block in ((8, 32, 16), (5, 64, 32)):
            yield f"bnb4_{kind}_{n}", "MatMulBnb4", 1, [floats(3, k), constant(ints(256, n * k // 2, dtype=np.uint8)),
                                                        constant(np.abs(floats(n * k // block)))], {
                "K": k, "N": n, "block_size": block, "quant_type": kind}
    for name, zeros in (("grouped_bits", None), ("grouped_bits_zeros", constant(floats(32)))):
        yield name, "MatMulNBits", 1, [
            floats(3, 64), constant(ints(256, 8, 4, 8, dtype=np.uint8)), constant(floats(32)), zeros, constant(ints(4, 64, dtype=np.int32))], {
                "K": 64, "N": 8, "bits": 4, "block_size": 16}
    yield "integers_16", "MatMulInteger16", 1, [ints(200, 3, 5, dtype=np.int16) - np.int16(100), ints(200, 5, 4, dtype=np.int16)], {}


def gate_cases():
    batch, count, heads, size = 2, 3, 4, 8
    x, gate = floats(batch, count, heads * size), floats(batch, count, heads * size)
    for activation in ("silu", "sigmoid"):
        yield "gated_norm_" + activation, "GatedRMSNorm", 1, [x, floats(size), gate], {"activation": activation, "epsilon": 1e-4}
    yield "gated_add", "GatedAdd", 1, [x, gate, floats(batch, count, 1)], {}
    yield "scaled_silu", "ScaledSiLU", 1, [x], {"alpha": 0.7}
    yield "attention_gate", "LinearAttentionGate", 2, [floats(batch, count, heads), floats(heads), -np.abs(floats(heads)),
                                                       floats(batch, count, heads)], {}
    yield "branch_norm", "BranchwiseRMSNorm", 1, [x, floats(heads * size)], {"num_branches": heads, "epsilon": 1e-4}
    yield "branch_norm_grouped", "BranchwiseRMSNorm", 1, [floats(batch, count, heads, size), floats(heads, size)], {}
    streams, block = floats(batch, count, heads, size), floats(batch, count, size)
    for shape in ((heads,), (heads, 1), (heads, size)):
        gates = floats(batch, count, *shape)
        name = "x".join(map(str, shape))
        yield "pre_mix_" + name, "HyperConnectionPreMix", 1, [streams, gates], {"reduction_scale": 0.5}
        yield "post_mix_" + name, "HyperConnectionPostMix", 1, [streams, block, gates, floats(batch, count, heads, heads)], {}
    yield "pre_mix_flat", "HyperConnectionPreMix", 1, [x, gate], {"num_branches": heads}
    yield "post_mix_flat", "HyperConnectionPostMix", 1, [x, block, floats(batch, count, heads)], {"num_branches": heads}
    yield "engram", "EngramGate", 2, [streams, floats(batch, count, heads, size), block, floats(heads, size), floats(heads, size),
                                      floats(heads, size)], {}


def rotation_cases():
    batch, count, heads, size = 2, 5, 3, 16
    cosines, sines = cache(24, size // 2)
    places = ints(24, 3, batch, count, dtype=np.int64)
    for layout, sections in ((0, [2, 3, 3]), (1, [4, 2, 2]), (0, [8, 0, 0])):
        for interleaved in (0, 1):
            yield f"places_{layout}_{sections[0]}_{interleaved}", "MRotaryEmbedding", 1, [
                floats(batch, heads, count, size), places, cosines, sines], {
                "mrope_section": sections, "mrope_layout": layout, "interleaved": interleaved}
    yield "places_flat", "MRotaryEmbedding", 1, [floats(batch, count, heads * size), places, cosines, sines], {
        "mrope_section": [2, 3, 3], "num_heads": heads}


def other_cases():
    yield "unfold", "UnfoldTensor", 1, [floats(2, 9, 4)], {"dim": 1, "size": 3, "step": 2}
    yield "unfold_last", "UnfoldTensor", 1, [floats(2, 3, 7)], {"size": 4}
    for size in (1, 2, 3):
        yield f"repeats_{size}", "NGramRepeatBlock", 1, [ints(4, 3, 11, dtype=np.int64), floats(3, 4)], {"ngram_size": size}
    for size in (1, 2, 3):  # no words yet, and one
        for count in (0, 1):
            yield f"repeats_{size}_of_{count}", "NGramRepeatBlock", 1, [
                ints(4, 3, count, dtype=np.int64), floats(3, 4)], {"ngram_size": size}
    holes = floats(3, 4)
    holes[:, 1:3] = np.nan
    yield "repeats_nan", "NGramRepeatBlock", 1, [ints(4, 3, 11, dtype=np.int64), holes], {"ngram_size": 2}
    tables = [ints(256, rows, 8, dtype=np.uint8) for rows in (11, 9, 2)]
    numbers = [ints(256, 8, dtype=np.uint8), ints(256, 8, dtype=np.uint8)]
    scales = [np.array(s, np.float32) for s in (0.03, 0.02, 0.05, 0.01, 0.02)]
    zeros = [np.array(z, np.uint8) for z in (120, 90, 128, 3, 100)]
    mask = (np.arange(5)[None] < np.array([[5], [3]])).astype(np.int32)
    constants = [constant(array) for array in (*tables, *numbers)]
    for given in (None, mask):
        yield "embed_" + ("plain" if given is None else "mask"), "QEmbedLayerNormalization", 2, [
            ints(11, 2, 5), ints(2, 2, 5), *constants, given, *scales, *zeros], {"epsilon": 1e-6}


def shared_cases():
    """A cache with room for more than it holds, or for less: the whole length is known, or an input."""
    heads, groups, size, room = 4, 2, 16, 12
    for name, count, lengths in (("decode", 1, [6]), ("prompt", 4, [4]), ("ragged", 1, [7, 4, 2]), ("grown", 1, [room + 1])):
        batch, total = len(lengths), np.array(max(lengths), np.int32)
        for kind, whole in (("", constant(total)), ("_input", total)):
            inputs = [floats(batch, count, heads * size), floats(batch, count, groups * size), floats(batch, count, groups * size),
                      floats(batch, groups, room, size), floats(batch, groups, room, size), np.array(lengths, np.int32) - 1,
                      whole, *cache(24, size // 2)]
            yield f"shared_{name}{kind}", "GroupQueryAttention", 3, inputs, {
                "num_heads": heads, "kv_num_heads": groups, "do_rotary": 1}


def sparse_cases():
    """Heads that see some blocks of keys only, by two layouts in turns, and a cache with room."""
    heads, groups, size, room, block = 4, 2, 16, 64, 16
    starts = constant(np.array([[0, 1, 3, 5, 8], [0, 1, 3, 6, 9]], np.int32))
    columns = constant(np.array([[0, 0, 1, 1, 2, 1, 2, 3, -1], [0, 0, 1, 0, 1, 2, 0, 2, 3]], np.int32))
    for name, count, batch, total in (("prompt", 20, 1, 20), ("long_prompt", 57, 2, 57), ("decode", 1, 2, 50), ("last", 1, 1, room)):
        caches, total_input = [floats(batch, groups, room, size) for _ in range(2)], np.array(total, np.int32)
        for kind, whole in (("", constant(total_input)), ("_input", total_input)):
            yield f"sparse_{name}{kind}", "SparseAttention", 3, [
                floats(batch, count, heads * size), floats(batch, count, groups * size), floats(batch, count, groups * size), *caches,
                starts, columns, whole, np.full(batch, total, np.int32), *cache(room, size // 2)], {
                    "num_heads": heads, "kv_num_heads": groups, "sparse_block_size": block, "do_rotary": 1,
                    "rotary_interleaved": total % 2}
    yield "sparse_packed", "SparseAttention", 3, [
        floats(1, 9, (heads + 2 * groups) * size), None, None, *[floats(1, groups, room, size) for _ in range(2)], starts, columns,
        constant(np.array(9, np.int32)), np.array([9], np.int32)], {
            "num_heads": heads, "kv_num_heads": groups, "sparse_block_size": block, "scale": 0.3}


def delta_cases():
    """Linear attention with gates; tokens along one axis or two, heads of keys that several of values share."""
    batch, count, heads, groups, size, width = 2, 5, 2, 4, 8, 6
    tokens, state = batch * count, floats(batch, groups, width, size)
    query, keys, values = floats(tokens, heads, size), floats(tokens, heads, size) / 4, floats(tokens, groups, width)
    decay, rate = -np.abs(floats(tokens, groups)), np.abs(floats(tokens, groups)) / 2
    wide, logarithm, bias = floats(tokens, groups, size), floats(groups), floats(groups)
    lists = {"linear": (None, None), "gated": (-np.abs(wide), None), "delta": (None, rate), "gated_delta": (decay, rate)}
    for rule, gates in lists.items():
        yield "delta_" + rule, "GatedDeltaNet", 2, [query, keys, values, None, *gates, state], {"update_rule": rule}
    two = [x.reshape(batch, count, *x.shape[1:]) for x in (query, keys, values, decay, rate, wide)]
    yield "delta_no_state", "GatedDeltaNet", 2, [*two[:3], None, *two[3:5]], {"qk_l2_norm": 1, "scale": 0.7}
    for kind, shape in (("softplus", (groups,)), ("kda", (groups, size)), ("qwen", (groups * size,)), ("sigmoid", (groups,))):
        yield "delta_" + kind, "GatedDeltaNet", 2, [*two[:3], None, two[5], two[4], state, logarithm, floats(*shape)], {
            "gate_activation": kind, "beta_activation": "sigmoid", "qk_l2_norm": 1, "gate_lower_bound": -3.0}
    yield "delta_one_gate", "GatedDeltaNet", 2, [query, keys, values, None, decay, rate, state, logarithm, bias], {
        "gate_activation": "softplus"}
    for name, shape in (("packed", (tokens, -1)), ("packed_batch", (batch, count, -1))):
        packed = np.concatenate([x.reshape(shape) for x in (query, keys, values)], -1)
        gates = [x.reshape(*shape[:-1], groups) for x in (decay, rate)]
        yield "delta_" + name, "GatedDeltaNet", 2, [packed, None, None, None, *gates, state], {}
    halves = [x.astype(np.float16) for x in (query, keys, values)]
    yield "delta_half", "GatedDeltaNet", 2, [*halves, None, decay, rate, state], {"qk_l2_norm": 1}


def early_cases():
    image = floats(2, 3, 6, 7)
    yield "affine", "Affine", 1, [floats(3, 4)], {"alpha": 0.5, "beta": 2.0}
    yield "scale", "Scale", 1, [floats(3, 4)], {"scale": 0.3}
    yield "scaled_tanh", "ScaledTanh", 1, [floats(3, 4)], {"alpha": 1.5, "beta": 0.7}
    yield "softplus", "ParametricSoftplus", 1, [floats(3, 4)], {"alpha": 1.5, "beta": 0.7}
    yield "image", "ImageScaler", 1, [image], {"scale": 0.1, "bias": [0.5, -1.0, 2.0]}
    yield "crop_border", "Crop", 1, [image], {"border": [1, 0, 2, 3]}
    yield "crop_scale", "Crop", 1, [image], {"border": [1, 2, 0, 0], "scale": [3, 4]}
    yield "slice", "DynamicSlice", 1, [floats(5, 6), np.array([1, -4], np.int64), np.array([3, 100], np.int64)], {}
    yield "slice_axes", "DynamicSlice", 1, [floats(5, 6), np.array([-3], np.int64), np.array([-1], np.int64),
                                            constant(np.array([1], np.int64))], {}
    regions = np.array([[0, 0, 0, 5, 4], [1, 2, 1, 6, 5], [1, 3, 3, 3, 3], [0, -4, -3, 2, 9], [0, 8, 8, 12, 12]], np.float32)
    for scale in (1.0, 0.5):
        yield f"regions_{scale}", "MaxRoiPool", 1, [image, regions], {"pooled_shape": [3, 2], "spatial_scale": scale}


def forget_batch(model):
    """What the sizes of layers decide stays known."""
    model.graph.input[0].type.tensor_type.shape.dim[0].ClearField("dim_value")


def token_cases():
    """Attention of one token: to a cache that takes its key, or to another's keys; bias and mask are those of what is there."""
    batch, heads, size, room = 2, 3, 8, 6
    hidden = heads * size

    def case(name, operands, outputs, **attributes):
        names = ("query", "key", "value", "mask", "scores", "past_keys", "past_values", "last", "beams", "places", "bias")
        return f"token_{name}", "DecoderMaskedMultiHeadAttention", outputs, [operands.get(n) for n in names], {
            "num_heads": heads, **attributes}

    token = {"query": floats(batch, 1, hidden), "key": floats(batch, 1, hidden), "value": floats(batch, 1, hidden)}
    caches = {"past_keys": floats(batch, heads, room, size), "past_values": floats(batch, heads, room, size)}
    for count in (0, 4, room - 1):
        mask = ints(2, batch, count + 1)
        mask[:, -1] = 1
        own = {**token, **caches, "last": np.array([count], np.int32)}
        more = {"mask": mask, "scores": floats(1, heads, 1, count + 1), "bias": floats(3 * hidden)}
        yield case(f"cached_{count}", own, 3, past_present_share_buffer=1)
        yield case(f"masked_{count}", {**own, **more}, 3, past_present_share_buffer=1, scale=0.3)
    dirty = {name: cache.copy() for name, cache in caches.items()}
    for cache in dirty.values():
        cache[:, :, 4:] = 3e38  # what nobody has written yet
    yield case("dirty", {**token, **dirty, "last": np.array([3], np.int32)}, 3, past_present_share_buffer=1)
    others = {"query": token["query"], "key": floats(batch, heads, 5, size), "value": floats(batch, heads, 5, size)}
    yield case("cross", others, 1)
    yield case("cross_masked", {**others, "mask": ints(2, batch, 5), "bias": floats(3 * hidden)}, 1, mask_filter_value=-50.0)


def adapt_models():
    """Models of early cases are of an opset that has the operators; of run-time extents only the first is one."""
    make, domain_ops.forget_first = domain_ops.make_model, forget_batch

    def make_early(op, num_outputs, arrays, attributes, domain):
        model, given = make(op, num_outputs, arrays, attributes, domain)
        if not domain:
            model.opset_import[0].CopyFrom(helper.make_opsetid("", 9))
        return model, given

    domain_ops.make_model = make_early
    run = domain_ops.run_session

    def run_session(session, model, arrays):
        """ONNX Runtime wants caches of SparseAttention that are inputs and outputs at once."""
        if model.graph.node[0].op_type != "SparseAttention":
            return run(session, model, arrays)
        binding, names = session.io_binding(), [value.name for value in session.get_inputs()]
        for name, array in zip(names, arrays):
            value = onnxruntime.OrtValue.ortvalue_from_numpy(array)
            binding.bind_ortvalue_input(name, value)
            if name in ("x3", "x4"):
                binding.bind_ortvalue_output("y1" if name == "x3" else "y2", value)
        binding.bind_output("y0")
        session.run_with_iobinding(binding)
        present_keys, present_values, result = binding.copy_outputs_to_cpu()  # in the order of bind_output
        return [result, present_keys, present_values]

    domain_ops.run_session = run_session


def main():
    adapt_models()
    groups = (expert_cases, block_cases, gate_cases, rotation_cases, other_cases, shared_cases, sparse_cases, delta_cases,
              token_cases)
    everything = [(MICROSOFT, case) for group in groups for case in group()] + [("", case) for case in early_cases()]
    return run_cases("decoder-ops", everything, sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
