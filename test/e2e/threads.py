"""Models compiled with --threads: results are the same bits without a callback, with one, two and three threads, and equal
ONNX Runtime's."""
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

from compiled_model import CompiledModel, compile_model
from models.graph_builder import FLOAT, GraphBuilder
from thread_pool import ThreadPool


def image_model():
    """Direct convolution, Winograd's, depthwise, pool, residual; image sizes that are no multiples of tiles."""
    graph = GraphBuilder(3)
    x = graph.node("Conv", "x", graph.normal((32, 3, 5, 5), 0.1), pads=[2, 2, 2, 2], strides=[2, 2])
    y = graph.node("Relu", graph.node("Conv", x, graph.normal((32, 32, 3, 3), 0.06), pads=[1, 1, 1, 1]))
    z = graph.node("Conv", y, graph.normal((32, 1, 3, 3), 0.3), group=32, pads=[1, 1, 1, 1])
    sum_ = graph.node("Add", z, x)
    graph.node("MaxPool", sum_, kernel_shape=[3, 3], strides=[2, 2])
    return finish(graph, (1, 3, 157, 123))


def sequence_model():
    """Matrix products, softmax, layer norm, GELU."""
    graph = GraphBuilder(4)
    x = graph.node("MatMul", "x", graph.normal((96, 384), 0.1))
    y = graph.node("Softmax", x, axis=-1)
    z = graph.node("LayerNormalization", y, graph.uniform((384,), 0.5, 1.5), graph.normal((384,), 0.1), axis=-1)
    graph.node("MatMul", graph.node("Tanh", z), graph.normal((384, 100), 0.1))
    return finish(graph, (1, 203, 96))


def attention_model():
    """Attention of five heads, in blocks of rows, with a mask for all heads."""
    graph = GraphBuilder(5)
    heads = graph.node("Reshape", "x", graph.constant(np.array([1, 211, 5, 24], np.int64)))
    queries, keys = (graph.node("Transpose", heads, perm=perm) for perm in ([0, 2, 1, 3], [0, 2, 3, 1]))
    scores = graph.node("Add", graph.node("MatMul", queries, keys), graph.normal((1, 1, 211, 211), 1))
    graph.node("MatMul", graph.node("Softmax", scores, axis=-1), queries)
    return finish(graph, (1, 211, 120))


def finish(graph, shape):
    last = graph.nodes[-1].output[0]
    return graph.model("threads", {"x": (FLOAT, shape)}, {last: (FLOAT, None)}, 17), shape


def check(make, folder, options):
    model, shape = make()
    path, library = os.path.join(folder, make.__name__ + ".onnx"), os.path.join(folder, make.__name__ + ".so")
    onnx.save(model, path)
    x = np.random.default_rng(7).standard_normal(shape, np.float32)
    expected = onnxruntime.InferenceSession(path).run(None, {"x": x})[0]
    compile_model(path, library, ["--emit=shared", "--name=" + make.__name__, *options])
    compiled, results = CompiledModel(library, make.__name__), []
    for threads in (0, 1, 2, 3):
        pool = ThreadPool(threads, folder) if threads else None
        run, collect = compiled.prepare([x], pool.parallel if pool else None)
        for _ in range(3):
            run()
            results.append(np.array(collect()[0]))
        if pool:
            pool.close()
    error = np.abs(results[0] - expected).max() / np.abs(expected).max()
    if not error < 2e-5:
        return f"error {error:.1e}"
    if any(result.tobytes() != results[0].tobytes() for result in results):
        return "the number of threads changes the result"
    return None


def main():
    onnxruntime.set_default_logger_severity(3)
    counts = [0, 0]
    for make in (image_model, sequence_model, attention_model):
        for options in (["--threads"], ["--threads", "--cpu=x86-64-v3"], ["--threads", "--cpu=x86-64"]):
            with tempfile.TemporaryDirectory(prefix="nnc-threads-") as folder:
                reason = check(make, folder, options)
            counts[reason is not None] += 1
            if reason:
                print(f"FAIL {make.__name__} {' '.join(options)}: {reason}")
    print(f"threads: {counts[0]} passed, {counts[1]} failed, 0 skipped")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
