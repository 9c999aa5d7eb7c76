"""The cases of tflite_ops.py of gaps, windows, complex numbers, sparse weights, sparse lists, and graphs that are called."""
import itertools

import numpy as np
from flatbuffers import flexbuffers

from .tflite_cases import Case, Random, simple

INT, FLOAT, LONG = np.int32, np.float32, np.int64


def gaps():
    r = Random("gaps")
    for dtype in (FLOAT, INT, np.int8):
        for steps in ([1, 2, 3], [3, 1, 1], [1, 1, 4], [1, 1, 1]):
            yield simple(f"dilate_{np.dtype(dtype)}_{steps}", "DILATE", [(r.floats(2, 3, 4) * 9).astype(dtype), np.array(
                steps, INT), np.array(-3, dtype)], constants=(1, 2), dtype=dtype)
    functions = {"add": 1, "mul": 2, "min": 3, "max": 4}
    for (name, number), dtype in itertools.product(functions.items(), (FLOAT, INT)):
        for sizes, strides, dilations in (([1, 2, 3, 1], [1, 1, 1, 1], [1, 1, 1, 1]), ([1, 3, 4, 1], [1, 2, 3, 1], [1, 1, 1, 1]),
                                          ([1, 2, 2, 2], [1, 1, 1, 1], [1, 2, 3, 1]), ([1, 1, 1, 1], [1, 1, 3, 1], [1, 1, 1, 1])):
            title = f"reduce_window_{name}_{np.dtype(dtype)}_{sizes}_{strides}_{dilations}"
            yield simple(title, "REDUCE_WINDOW", [(r.floats(2, 5, 7, 3) * 3).astype(dtype), np.array(2, dtype), *(
                np.array(numbers, LONG) for numbers in (sizes, strides, dilations))], "ReduceWindowOptions", (1, 2, 3, 4),
                         dtype=dtype, reduceFunction=number)


def complex_numbers():
    for shape, lengths in (((2, 1, 16), (1, 16)), ((3, 8, 8), (8, 8)), ((1, 5, 20), (4, 16)), ((2, 3, 10), (4, 16)), (
            (7, 512), (1, 512))):
        name = f"rfft_2d_{shape}_{lengths}"

        def build(graph, name=name, shape=shape, lengths=lengths):
            x = graph.input(Random(name).floats(*shape))
            y = graph.complex_tensor()
            graph.op("RFFT2D", [x, graph.constant(np.array(lengths, INT))], [y], "Rfft2dOptions")
            for op in ("REAL", "IMAG", "COMPLEX_ABS"):
                graph.output(*graph.op(op, [y], [graph.tensor([], FLOAT)]))

        yield Case(name, build, atol=1e-4)

    def build_moved(graph):
        x = graph.input(Random("moved").floats(3, 1, 8))
        y, row, flat = (graph.complex_tensor() for _ in range(3))
        graph.op("RFFT2D", [x, graph.constant(np.array((1, 8), INT))], [y], "Rfft2dOptions")
        graph.op("SQUEEZE", [y], [row], "SqueezeOptions", squeezeDims=[-2])
        graph.op("RESHAPE", [row, graph.constant(np.array([5, -1], INT))], [flat], "ReshapeOptions")
        for value in (row, flat):
            graph.output(*graph.op("COMPLEX_ABS", [value], [graph.tensor([], FLOAT)]))

    yield Case("rfft_2d_moved", build_moved)


def sparse():
    layouts = {"rows": ((0, 1), (), 1), "columns": ((1, 0), (), 1), "all": ((0, 1), (), 0),
               "blocks": ((0, 1, 2), ((1, 4),), 1), "squares": ((0, 1, 2, 3), ((0, 2), (1, 4)), 1)}
    for dtype, (title, (order, blocks, dense)) in itertools.product((FLOAT, np.int8), layouts.items()):
        name = f"densify_{np.dtype(dtype)}_{title}"

        def build(graph, name=name, dtype=dtype, order=order, blocks=blocks, dense=dense):
            r = Random(name)
            keep = r.rng.random((6 // (2 if len(blocks) == 2 else 1), 12 // (4 if blocks else 1))) < 0.4
            keep = np.kron(keep, np.ones((2 if len(blocks) == 2 else 1, 4 if blocks else 1)))
            values = ((np.abs(r.floats(6, 12)) * 20 + 1) * keep).astype(dtype)
            weights = graph.sparse(values, order, blocks, dense, (0.1, 0) if dtype == np.int8 else None)
            out = graph.tensor(values.shape, dtype, (0.1, 0) if dtype == np.int8 else None)
            graph.op("DENSIFY", [weights], [out], "DensifyOptions")
            if dtype == FLOAT:
                out = graph.op("ADD", [graph.input(r.floats(6, 12)), out], [graph.tensor([], FLOAT)], "AddOptions")[0]
                graph.output(out)
            else:
                graph.output(*graph.op("DEQUANTIZE", [out], [graph.tensor([], FLOAT)]))

        yield Case(name, build)


def lists():
    r = Random("lists")
    for combiner, rank in itertools.product((0, 1, 2), (2, 3)):
        places = np.array([[0, 0, 1], [0, 1, 0], [2, 1, 0], [2, 1, 1], [2, 1, 3]] if rank == 3 else [
            [0, 0], [0, 2], [2, 0], [2, 1], [2, 3]], INT)
        yield simple(f"embedding_lookup_sparse_{combiner}_{rank}", "EMBEDDING_LOOKUP_SPARSE", [
            np.array([1, 4, 0, 3, 3], INT), places, np.array([3, 2, 4][:rank - 1] + [4], INT), r.positive(5), r.floats(6, 2, 3)],
                     "EmbeddingLookupSparseOptions", (2,), combiner=combiner)


def calls():
    """Graphs that an operator runs. TFLite's interpreter does not run CALL: there the reference has what the graph has."""
    def step(graph, x):
        doubled = graph.op("ADD", [x, x], [graph.tensor([2, 3], FLOAT)], "AddOptions")
        return graph.op("TANH", doubled, [graph.tensor([2, 3], FLOAT)])[0]

    def build_call(graph):
        x = graph.input(Random("call").floats(2, 3))
        if graph.is_reference:
            graph.output(step(graph, x), step(graph, step(graph, x)))
            return
        inner, number = graph.graph()
        inner.output(step(inner, inner.parameter([2, 3], FLOAT)))

        def call(value):
            return graph.op("CALL", [value], [graph.tensor([2, 3], FLOAT)], "CallOptions", subgraph=number)[0]

        graph.output(call(x), call(call(x)))

    yield Case("call", build_call)

    def build_composite(graph):
        x = graph.input(Random("composite").floats(2, 3))
        inner, number = graph.graph()
        inner.output(step(inner, inner.parameter([2, 3], FLOAT)))
        graph.output(*graph.op("STABLEHLO_COMPOSITE", [x], [graph.tensor([2, 3], FLOAT)], "StableHLOCompositeOptions",
                               name="odml.twice", decompositionSubgraphIndex=number,
                               compositeAttributes=np.frombuffer(flexbuffers.Dumps({}), np.uint8)))

    yield Case("stablehlo_composite", build_composite)


def list_cases():
    for family in (gaps, complex_numbers, sparse, lists, calls):
        yield from family()
