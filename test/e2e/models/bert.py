"""BERT-base (Devlin et al., 2018): embeddings and 12 encoder layers, width 768, 12 heads, sequence 128, with fixed-seed
random weights. Attention and GELU are spelled out in the primitive operators that exporters write."""
import numpy as np

from models.graph_builder import FLOAT, INT64, GraphBuilder

LAYERS, WIDTH, HEADS, INNER, SEQUENCE, WORDS = 12, 768, 12, 3072, 128, 30522


class Bert(GraphBuilder):
    def scalar(self, value):
        return self.constant(np.float32(value))

    def dense(self, x, inputs, outputs):
        return self.node("Add", self.node("MatMul", x, self.normal((inputs, outputs), 0.04)), self.normal(outputs, 0.02))

    def norm(self, x):
        return self.node("LayerNormalization", x, self.uniform(WIDTH, 0.8, 1.2), self.normal(WIDTH, 0.02), axis=-1,
                         epsilon=1e-12)

    def gelu(self, x):
        y = self.node("Erf", self.node("Div", x, self.scalar(2**0.5)))
        return self.node("Mul", self.node("Mul", x, self.node("Add", y, self.scalar(1))), self.scalar(0.5))

    def heads(self, x, perm):
        x = self.node("Reshape", self.dense(x, WIDTH, WIDTH), self.split)
        return self.node("Transpose", x, perm=perm)

    def attention(self, x, mask):
        query, key = self.heads(x, [0, 2, 1, 3]), self.heads(x, [0, 2, 3, 1])
        scores = self.node("Div", self.node("MatMul", query, key), self.scalar((WIDTH / HEADS)**0.5))
        weights = self.node("Softmax", self.node("Add", scores, mask), axis=-1)
        mixed = self.node("MatMul", weights, self.heads(x, [0, 2, 1, 3]))
        mixed = self.node("Reshape", self.node("Transpose", mixed, perm=[0, 2, 1, 3]), self.merge)
        return self.dense(mixed, WIDTH, WIDTH)

    def build(self, layers):
        self.split = self.constant(np.array([0, 0, HEADS, WIDTH // HEADS], np.int64), "split")
        self.merge = self.constant(np.array([0, 0, WIDTH], np.int64), "merge")
        words = self.node("Gather", self.normal((WORDS, WIDTH), 0.04), "input_ids")
        kinds = self.node("Gather", self.normal((2, WIDTH), 0.04), "token_type_ids")
        x = self.node("Add", self.node("Add", words, kinds), self.normal((1, SEQUENCE, WIDTH), 0.04))
        x = self.norm(x)
        axes = self.constant(np.array([1, 2], np.int64), "axes")
        mask = self.node("Cast", self.node("Unsqueeze", "attention_mask", axes), to=FLOAT)
        mask = self.node("Mul", self.node("Sub", self.scalar(1), mask), self.scalar(-10000))
        for _ in range(layers):
            x = self.norm(self.node("Add", x, self.attention(x, mask)))
            y = self.dense(self.gelu(self.dense(x, WIDTH, INNER)), INNER, WIDTH)
            x = self.norm(self.node("Add", x, y))
        ids = {name: (INT64, [1, SEQUENCE]) for name in ("input_ids", "attention_mask", "token_type_ids")}
        return self.model("bert_base", ids, {x: (FLOAT, [1, SEQUENCE, WIDTH])}, 17)


def build(seed=2, layers=LAYERS):
    return Bert(seed).build(layers)


def inputs(seed=3):
    """A sentence of 100 words, the rest masked."""
    rng = np.random.default_rng(seed)
    mask = (np.arange(SEQUENCE) < 100).astype(np.int64)[None]
    return [rng.integers(0, WORDS, (1, SEQUENCE)) * mask, mask, (np.arange(SEQUENCE) >= 60).astype(np.int64)[None] * mask]
