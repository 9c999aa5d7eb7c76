"""A decoder-only transformer as Llama's (Touvron et al., 2023), with fixed-seed random weights: RMS norms, rotary embeddings,
fewer heads of keys than of queries, SwiGLU, and an output layer that shares the embedding's weights. The cache of keys and
values is an input, and an output with the value after the run. Three forms of it, as exporters write them:

`growing`: primitive operators; the cache has the length of what came before, and grows (optimum).
`group-query`: GroupQueryAttention of com.microsoft; the cache grows as well.
`scatter`: TensorScatter and Attention of opset 24 on a cache of a fixed capacity.
"""
import numpy as np
from onnx import TensorProto, helper

from models.graph_builder import FLOAT, INT64, GraphBuilder

FORMS = ("growing", "group-query", "scatter")
INT32 = TensorProto.INT32


class Size:
    """Numbers of a decoder; the defaults are those of a test."""

    def __init__(self, layers=2, width=64, heads=4, groups=2, inner=160, words=256, capacity=64):
        self.layers, self.width, self.heads, self.groups = layers, width, heads, groups
        self.inner, self.words, self.capacity = inner, words, capacity
        self.head = width // heads


class Decoder(GraphBuilder):
    def __init__(self, form, size, seed):
        super().__init__(seed)
        self.form, self.size = form, size
        self.past, self.present = [], []

    def ints(self, *values):
        return self.constant(np.array(values, np.int64))

    def scalar(self, value):
        return self.constant(np.float32(value))

    def dense(self, x, inputs, outputs):
        return self.node("MatMul", x, self.normal((inputs, outputs), inputs**-0.5))

    def norm(self, x):
        weight = self.uniform((self.size.width,), 0.8, 1.2)
        if self.form == "scatter":
            return self.node("RMSNormalization", x, weight, axis=-1, epsilon=1e-5)
        if self.form == "group-query":
            return self.node("SimplifiedLayerNormalization", x, weight, axis=-1, epsilon=1e-5)
        mean = self.node("ReduceMean", self.node("Pow", x, self.scalar(2)), axes=[-1], keepdims=1)
        root = self.node("Sqrt", self.node("Add", mean, self.scalar(1e-5)))
        return self.node("Mul", weight, self.node("Div", x, root))

    def heads(self, x, count):
        split = self.node("Reshape", x, self.ints(0, 0, count, self.size.head))
        return self.node("Transpose", split, perm=[0, 2, 1, 3])

    def merge(self, x):
        return self.node("Reshape", self.node("Transpose", x, perm=[0, 2, 1, 3]), self.ints(0, 0, self.size.width))

    def angles(self):
        """Tables of cosines and sines, a row for each position."""
        half = self.size.head // 2
        angles = np.outer(np.arange(self.size.capacity), 10000.0 ** (-np.arange(half) / half))
        return [self.constant(table(angles).astype(np.float32)) for table in (np.cos, np.sin)]

    def rotate(self, x, cosines, sines):
        half = self.size.head // 2
        low = self.node("Slice", x, self.ints(0), self.ints(half), self.ints(3))
        high = self.node("Slice", x, self.ints(half), self.ints(2**31 - 1), self.ints(3))
        turned = self.node("Concat", self.node("Neg", high), low, axis=3)
        return self.node("Add", self.node("Mul", x, cosines), self.node("Mul", turned, sines))

    def next_cache(self):
        number = len(self.present) // 2
        self.past += [f"past_key_values.{number}.{kind}" for kind in ("key", "value")]
        return self.past[-2:]

    def repeat(self, x):
        """Each head of keys once for each of its queries' heads."""
        size, times = self.size, self.size.heads // self.size.groups
        shape = self.node("Shape", x)
        batch, length = (self.node("Slice", shape, self.ints(at), self.ints(at + 1)) for at in (0, 2))
        wide = self.node("Concat", batch, self.ints(size.groups, times), length, self.ints(size.head), axis=0)
        flat = self.node("Concat", batch, self.ints(size.heads), length, self.ints(size.head), axis=0)
        return self.node("Reshape", self.node("Expand", self.node("Unsqueeze", x, self.ints(2)), wide), flat)

    def attend_growing(self, query, key, value):
        query, key = (self.rotate(x, self.cosines, self.sines) for x in (query, key))
        past = self.next_cache()
        key, value = (self.node("Concat", cached, x, axis=2) for cached, x in zip(past, (key, value)))
        self.present += [key, value]
        scores = self.node("MatMul", query, self.node("Transpose", self.repeat(key), perm=[0, 1, 3, 2]))
        scores = self.node("Add", self.node("Mul", scores, self.scalar(self.size.head**-0.5)), self.mask(key))
        return self.merge(self.node("MatMul", self.node("Softmax", scores, axis=-1), self.repeat(value)))

    def mask(self, key):
        """(B, 1, S, T): a large negative number where a key comes after the query. Made once."""
        if not self.causal:
            total = self.node("Squeeze", self.node("Slice", self.node("Shape", key), self.ints(2), self.ints(3)))
            places = self.node("Range", self.constant(np.int64(0)), total, self.constant(np.int64(1)))
            later = self.node("Greater", places, self.node("Unsqueeze", "position_ids", self.ints(1, 3)))
            self.causal = self.node("Where", later, self.scalar(-1e9), self.scalar(0))
        return self.causal

    def attend_group_query(self, query, key, value):
        past = self.next_cache()
        cosines, sines = self.tables
        mixed, *present = self.node("GroupQueryAttention", query, key, value, *past, "seqlens_k", "total_sequence_length",
                                    cosines, sines, outputs=3, domain="com.microsoft", num_heads=self.size.heads,
                                    kv_num_heads=self.size.groups, do_rotary=1, rotary_interleaved=0)
        self.present += present
        return mixed

    def attend_scatter(self, query, key, value):
        query, key = (self.node("RotaryEmbedding", x, *self.tables, "position_ids") for x in (query, key))
        key, value = (self.node("TensorScatter", cached, x, "write_indices", axis=2, mode="linear")
                      for cached, x in zip(self.next_cache(), (key, value)))
        self.present += [key, value]
        return self.merge(self.node("Attention", query, key, value, self.visible, "", "", "kv_lengths"))

    def attention(self, x):
        size = self.size
        query = self.dense(x, size.width, size.width)
        key, value = (self.dense(x, size.width, size.groups * size.head) for _ in range(2))
        if self.form != "group-query":
            query, key, value = self.heads(query, size.heads), self.heads(key, size.groups), self.heads(value, size.groups)
        attend = {"growing": self.attend_growing, "group-query": self.attend_group_query, "scatter": self.attend_scatter}
        return self.dense(attend[self.form](query, key, value), size.width, size.width)

    def feed_forward(self, x):
        gate, up = (self.dense(x, self.size.width, self.size.inner) for _ in range(2))
        swish = self.node("Mul", gate, self.node("Sigmoid", gate))
        return self.dense(self.node("Mul", swish, up), self.size.inner, self.size.width)

    def prepare_positions(self):
        self.tables, self.causal = self.angles(), None
        if self.form == "growing":
            rows = [self.node("Gather", table, "position_ids") for table in self.tables]
            self.cosines, self.sines = (self.node("Unsqueeze", self.node("Concat", row, row, axis=2), self.ints(1))
                                        for row in rows)
        if self.form == "scatter":
            places = self.constant(np.arange(self.size.capacity))
            self.visible = self.node("LessOrEqual", places, self.node("Unsqueeze", "position_ids", self.ints(1, 3)))

    def build(self):
        size, embedding = self.size, self.normal((self.size.words, self.size.width), 0.1 * self.size.width**-0.5)
        self.prepare_positions()
        x = self.node("Gather", embedding, "input_ids")
        for _ in range(size.layers):
            x = self.node("Add", x, self.attention(self.norm(x)))
            x = self.node("Add", x, self.feed_forward(self.norm(x)))
        logits = self.node("MatMul", self.norm(x), self.node("Transpose", embedding, perm=[1, 0]))
        self.nodes.append(helper.make_node("Identity", [logits], ["logits"]))
        for past, present in zip(self.past, self.present):
            self.nodes.append(helper.make_node("Identity", [present], [past.replace("past_key_values", "present")]))
        return self.finish()

    def finish(self):
        size = self.size
        length, total = (size.capacity, size.capacity) if self.form == "scatter" else ("past", "total")
        inputs = {"input_ids": (INT64, ["batch", "sequence"])}
        if self.form != "group-query":
            inputs["position_ids"] = (INT64, ["batch", "sequence"])
        if self.form == "group-query":
            inputs.update({"seqlens_k": (INT32, ["batch"]), "total_sequence_length": (INT32, [])})
        if self.form == "scatter":
            inputs.update({"write_indices": (INT64, ["batch"]), "kv_lengths": (INT64, ["batch"])})
        outputs = {"logits": (FLOAT, ["batch", "sequence", size.words])}
        for name in self.past:
            inputs[name] = (FLOAT, ["batch", size.groups, length, size.head])
            outputs[name.replace("past_key_values", "present")] = (FLOAT, ["batch", size.groups, total, size.head])
        model = self.model("decoder", inputs, outputs, {"growing": 17, "group-query": 17, "scatter": 24}[self.form])
        model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
        model.ir_version = {"scatter": 11}.get(self.form, 8)
        return model


def build(form, size=None, seed=12):
    return Decoder(form, size or Size(), seed).build()


def first_cache(form, size, batch):
    """The cache before the first run."""
    length = size.capacity if form == "scatter" else 0
    names = [f"past_key_values.{layer}.{kind}" for layer in range(size.layers) for kind in ("key", "value")]
    return {name: np.zeros((batch, size.groups, length, size.head), np.float32) for name in names}


def make_inputs(form, tokens, start):
    """All inputs but the cache, for `tokens` (B, S) from position `start` on."""
    batch, count = tokens.shape
    inputs = {"input_ids": tokens}
    if form == "group-query":
        inputs["seqlens_k"] = np.full(batch, start + count - 1, np.int32)
        inputs["total_sequence_length"] = np.array(start + count, np.int32)
    else:
        inputs["position_ids"] = np.tile(np.arange(start, start + count), (batch, 1))
    if form == "scatter":
        inputs["write_indices"] = np.full(batch, start, np.int64)
        inputs["kv_lengths"] = np.full(batch, start + count, np.int64)
    return inputs


def generate(run, form, size, prompt, count):
    """Greedily `count` tokens behind `prompt` (B, S); returns them (B, count), and the logits of each run's last position.
    `run` takes and gives dictionaries."""
    cache, tokens, start = first_cache(form, size, len(prompt)), prompt, 0
    chosen, logits = [], []
    for _ in range(count):
        outputs = run({**make_inputs(form, tokens, start), **cache})
        start += tokens.shape[1]
        logits.append(outputs["logits"][:, -1])
        tokens = logits[-1].argmax(axis=-1)[:, None]
        chosen.append(tokens)
        cache = {name: outputs[name.replace("past_key_values", "present")] for name in cache}
    return np.concatenate(chosen, axis=1), logits
