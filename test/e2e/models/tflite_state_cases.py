"""The cases of tflite_ops.py that have graphs inside graphs, or keep something from one call to the next: variables,
recurrent layers."""
import itertools

import numpy as np

from .tflite_cases import NONE, RELU, RELU6, TANH, Case, Random
from .tflite_graph import RESOURCE

CALLS = 3
FLOAT, INT, BOOL = np.float32, np.int32, np.bool_


#===--- Graphs that graphs run ---===#


def add(graph, x, y, shape, dtype=FLOAT, op="ADD"):
    return graph.op(op, [x, y], [graph.tensor(shape, dtype)], op.title() + "Options")[0]


def run_if(graph, condition, operands, build_branch, results):
    """`build_branch` (graph, operands, whether the condition holds) gives the outputs of one branch; `operands`: pairs of a
    tensor and its (shape, type)."""
    numbers = []
    for holds in (True, False):
        inner, number = graph.graph()
        inner.output(*build_branch(inner, [inner.parameter(*kind) for _, kind in operands], holds))
        numbers.append(number)
    return graph.op("IF", [condition, *(tensor for tensor, _ in operands)], [graph.tensor(*kind) for kind in results],
                    "IfOptions", thenSubgraphIndex=numbers[0], elseSubgraphIndex=numbers[1])


def repeat(graph, bound, operands, build_step):
    """A loop over i < bound; `build_step` (graph, i, operands) gives the next operands. Returns those after the loop."""
    kinds = [((), INT), ((), INT)] + [kind for _, kind in operands]
    condition, condition_number = graph.graph()
    i, limit, *_ = [condition.parameter(*kind) for kind in kinds]
    condition.output(*condition.op("LESS", [i, limit], [condition.tensor([], BOOL)], "LessOptions"))
    body, body_number = graph.graph()
    i, limit, *values = [body.parameter(*kind) for kind in kinds]
    following = add(body, i, body.constant(INT(1)), [], INT)
    body.output(following, limit, *build_step(body, i, values))
    return graph.op("WHILE", [graph.constant(INT(0)), bound, *(tensor for tensor, _ in operands)],
                    [graph.tensor(*kind) for kind in kinds], "WhileOptions", condSubgraphIndex=condition_number,
                    bodySubgraphIndex=body_number)[2:]


def branches():
    kind = ((3, 4), FLOAT)
    for is_known, value in itertools.product((False, True), repeat=2):
        name = f"if_{is_known}_{value}"

        def build(graph, name=name, is_known=is_known, value=value):
            r = Random(name)
            x, y = graph.input(r.floats(3, 4)), graph.input(r.floats(3, 4))
            condition = (graph.constant if is_known else graph.input)(np.array(value))

            def branch(inner, operands, holds):
                return add(inner, *operands, (3, 4), op="MUL" if holds else "SUB"), operands[1]

            graph.output(*run_if(graph, condition, [(x, kind), (y, kind)], branch, [kind, kind]))

        yield Case(name, build)


def loops():
    kind = ((2, 3), FLOAT)
    for count, is_known in itertools.product((0, 1, 5), (False, True)):
        name = f"while_{count}_{is_known}"

        def build(graph, name=name, count=count, is_known=is_known):
            start = graph.input(Random(name).floats(2, 3))
            bound = (graph.constant if is_known else graph.input)(np.array(count, INT))

            def step(body, i, values):
                shift = body.op("CAST", [i], [body.tensor([], FLOAT)])[0]
                return [add(body, add(body, values[0], body.constant(FLOAT(0.5)), (2, 3), op="MUL"), shift, (2, 3))]

            graph.output(*repeat(graph, bound, [(start, kind)], step))

        yield Case(name, build)

    def build(graph):
        """A branch in a loop in a loop."""
        start = graph.input(Random("nested").floats(2, 3))
        bound = graph.input(np.array(3, INT))

        def inner_step(body, i, values):
            condition = body.op("LESS", [i, body.constant(INT(1))], [body.tensor([], BOOL)], "LessOptions")[0]

            def branch(graph, operands, holds):
                return [add(graph, operands[0], graph.constant(FLOAT(2 if holds else 0.25)), (2, 3), op="MUL")]

            return run_if(body, condition, [(values[0], kind)], branch, [kind])

        def outer_step(body, i, values):
            return repeat(body, i, [(values[0], kind)], inner_step)

        graph.output(*repeat(graph, bound, [(start, kind)], outer_step))

    yield Case("while_nested", build)


#===--- Variables ---===#


def initialise(graph, **values):
    """Gives variables their values at the first call."""
    inner, number = graph.graph()
    for name, value in values.items():
        inner.op("ASSIGN_VARIABLE", [inner.handle(name), inner.constant(value)], [], "AssignVariableOptions")
    graph.op("CALL_ONCE", [], [], "CallOnceOptions", initSubgraphIndex=number)


def read(graph, name, shape, dtype=FLOAT):
    return graph.op("READ_VARIABLE", [graph.handle(name)], [graph.tensor(shape, dtype)], "ReadVariableOptions")[0]


def assign(graph, name, value):
    graph.op("ASSIGN_VARIABLE", [graph.handle(name), value], [], "AssignVariableOptions")


def variables():
    for name, initial in (("zeros", np.zeros((2, 3), FLOAT)), ("numbers", Random("initial").floats(2, 3)),
                          ("ones", np.ones((2, 3), FLOAT))):

        def build(graph, name=name, initial=initial):
            initialise(graph, **{name: initial})
            x = graph.input(Random(name).floats(2, 3))
            total = add(graph, read(graph, name, (2, 3)), x, (2, 3))
            assign(graph, name, total)
            graph.output(total, read(graph, name, (2, 3)))

        yield Case(f"variable_{name}", build, calls=CALLS)

    def build_int(graph):
        initialise(graph, counter=np.int64(41), text=np.arange(-3, 3, dtype=np.int8))
        count = add(graph, read(graph, "counter", (), np.int64), graph.constant(np.int64(2)), (), np.int64)
        assign(graph, "counter", count)
        graph.output(count, read(graph, "text", (6,), np.int8))

    yield Case("variable_integers", build_int, calls=CALLS)

    def build_branch(graph):
        """Assigned in one branch only; a variable that the other assigns."""
        initialise(graph, left=np.zeros(3, FLOAT), right=np.ones(3, FLOAT))
        x = graph.input(Random("branch").floats(3))
        small = graph.op("REDUCE_MAX", [read(graph, "left", (3,)), graph.constant(np.array([0], INT))],
                         [graph.tensor([], FLOAT)], "ReducerOptions")[0]
        condition = graph.op("LESS", [small, graph.constant(FLOAT(1))], [graph.tensor([], BOOL)], "LessOptions")[0]

        def branch(inner, operands, holds):
            name = "left" if holds else "right"
            assign(inner, name, add(inner, read(inner, name, (3,)), operands[0], (3,)))
            return [add(inner, operands[0], operands[0], (3,))]

        graph.output(*run_if(graph, condition, [(x, ((3,), FLOAT))], branch, [((3,), FLOAT)]))
        graph.output(read(graph, "left", (3,)), read(graph, "right", (3,)))

    yield Case("variable_in_branch", build_branch, calls=CALLS + 1)

    def build_loop(graph):
        """Assigned by the iterations; the handle is passed in."""
        initialise(graph, looped=np.full((2, 2), 2, FLOAT))
        x = graph.input(Random("loop").floats(2, 2))
        bound = graph.input(np.array(2, INT))
        kinds = [((2, 2), FLOAT), ((), RESOURCE)]

        def step(body, i, values):
            before = body.op("READ_VARIABLE", [values[1]], [body.tensor((2, 2), FLOAT)], "ReadVariableOptions")[0]
            after = add(body, before, values[0], (2, 2))
            body.op("ASSIGN_VARIABLE", [values[1], after], [], "AssignVariableOptions")
            return [add(body, values[0], after, (2, 2), op="SUB"), values[1]]

        value, _ = repeat(graph, bound, list(zip([x, graph.handle("looped")], kinds)), step)
        graph.output(value, read(graph, "looped", (2, 2)))

    yield Case("variable_in_loop", build_loop, calls=CALLS)


#===--- Recurrent layers ---===#


def lstm_weights(graph, r, features, units, outputs, coupled=False, peepholes=False, projection=0, norms=False):
    """The operands of one direction: weights, recurrent weights, peepholes, biases, projection, layer normalisation."""

    def weights(*shape, skip=False, scale=0.4):
        return -1 if skip else graph.constant(r.floats(*shape, scale=scale))

    gates = (coupled, False, False, False)  # input, forget, cell, output
    inputs = [weights(units, features, skip=s) for s in gates] + [weights(units, outputs, skip=s) for s in gates]
    peephole = [weights(units, skip=not peepholes or s) for s in (coupled, False, False)]
    biases = [weights(units, skip=s) for s in gates]
    projected = [weights(outputs, units, skip=projection < 1), weights(outputs, skip=projection < 2)]
    scales = [weights(units, skip=s or not norms, scale=1) for s in gates]
    return inputs + peephole + biases, projected, scales


def sequence_lstms():
    def lstm(name, activation=TANH, clip=0.0, time_major=False, projection=0, norms=False, single=False, projection_clip=0.0,
             **fields):
        def build(graph):
            r = Random(name)
            outputs = 4 if projection else 7
            shape = (2, 6) if single else (5, 2, 6) if time_major else (2, 5, 6)
            inputs, projected, scales = lstm_weights(graph, r, 6, 7, outputs, projection=projection, norms=norms, **fields)
            states = [graph.variable((2, outputs)), graph.variable((2, 7))]
            more = {} if single else {"timeMajor": time_major}
            graph.output(*graph.op("LSTM" if single else "UNIDIRECTIONAL_SEQUENCE_LSTM",
                                   [graph.input(r.floats(*shape)), *inputs, *projected, *states, *scales],
                                   [graph.tensor([], FLOAT)],
                                   "LSTMOptions" if single else "UnidirectionalSequenceLSTMOptions", cellClip=clip,
                                   projClip=projection_clip, fusedActivationFunction=activation, **more))

        return Case(name, build, calls=CALLS)

    for time_major, coupled, peepholes in itertools.product((False, True), repeat=3):
        yield lstm(f"sequence_lstm_{time_major}_{coupled}_{peepholes}", clip=0.3 if peepholes else 10, time_major=time_major,
                   coupled=coupled, peepholes=peepholes)
    yield lstm("sequence_lstm_relu", activation=RELU)
    for coupled, peepholes, norms, projection in itertools.product((False, True), (False, True), (False, True), (0, 1, 2)):
        if norms or projection:
            yield lstm(f"sequence_lstm_{coupled}_{peepholes}_{norms}_{projection}", coupled=coupled, peepholes=peepholes,
                       norms=norms, projection=projection, clip=0.5, projection_clip=0.3 if projection == 2 else 0)
    yield lstm("lstm", single=True)
    yield lstm("lstm_projection", single=True, projection=2, norms=True, peepholes=True)

    def build_basic(graph):
        r = Random("basic")
        arrays = [r.floats(2, 5), r.floats(2, 3), r.floats(12, 8, scale=0.5), r.floats(12), r.floats(2, 3)]
        indices = [(graph.constant if place in (2, 3) else graph.input)(array) for place, array in enumerate(arrays)]
        results = graph.op("LSTM", indices, [graph.tensor(s, FLOAT) for s in ((2, 3), (2, 3), (2, 8), (2, 12))],
                           "LSTMOptions", kernelType=1, fusedActivationFunction=TANH)
        graph.output(*results[:2])

    yield Case("lstm_basic", build_basic)


def bidirectional():
    def lstm(name, merge, time_major, auxiliary=None, **fields):
        def build(graph):
            r = Random(name)
            # TFLite takes the states of all but the first of a batch from elsewhere where both directions make one result.
            batch = 1 if merge and not time_major else 2
            shape = (5, batch, 6) if time_major else (batch, 5, 6)
            sequence = graph.input(r.floats(*shape))
            extra = graph.input(r.floats(*shape)) if auxiliary else -1
            directions = [lstm_weights(graph, r, 6, 7, 7, **fields)[:2] for _ in range(2)]
            others = [graph.constant(r.floats(7, 6, scale=0.4)) if auxiliary == "weights" else -1 for _ in range(8)]
            states = [graph.variable((batch, 7)) for _ in range(4)]
            operands = [sequence, *directions[0][0], *directions[0][1], *directions[1][0], *directions[1][1], *states, extra,
                        *others]
            graph.output(*graph.op("BIDIRECTIONAL_SEQUENCE_LSTM", operands, [graph.tensor([], FLOAT) for _ in range(
                1 if merge else 2)], "BidirectionalSequenceLSTMOptions", mergeOutputs=merge, timeMajor=time_major,
                                   fusedActivationFunction=TANH))

        return Case(name, build, calls=CALLS)

    def rnn(name, merge, time_major, auxiliary=None):
        def build(graph):
            r = Random(name)
            shape = (5, 2, 6) if time_major else (2, 5, 6)
            operands = [graph.input(r.floats(*shape))]
            for _ in range(2):
                operands += [graph.constant(r.floats(*s, scale=0.4)) for s in ((7, 6), (7, 7), (7,))] + [graph.variable((2, 7))]
            operands.append(graph.input(r.floats(*shape)) if auxiliary else -1)
            operands += [graph.constant(r.floats(7, 6, scale=0.4)) if auxiliary == "weights" else -1 for _ in range(2)]
            graph.output(*graph.op("BIDIRECTIONAL_SEQUENCE_RNN", operands, [graph.tensor([], FLOAT) for _ in range(
                1 if merge else 2)], "BidirectionalSequenceRNNOptions", mergeOutputs=merge, timeMajor=time_major,
                                   fusedActivationFunction=RELU6))

        return Case(name, build, calls=CALLS)

    for merge, time_major in itertools.product((False, True), repeat=2):
        yield lstm(f"bidirectional_lstm_{merge}_{time_major}", merge, time_major, peepholes=merge, coupled=time_major)
        yield rnn(f"bidirectional_rnn_{merge}_{time_major}", merge, time_major)
    for auxiliary in ("weights", "input"):
        yield lstm(f"bidirectional_lstm_{auxiliary}", True, False, auxiliary)
    yield rnn("bidirectional_rnn_weights", True, False, "weights")


def rnns():
    def rnn(name, activation, time_major=False, single=False):
        def build(graph):
            r = Random(name)
            batch = 3 if time_major else 4
            inputs = [graph.input(r.floats(batch, 5) if single else r.floats(4, 3, 5))]
            inputs += [graph.constant(r.floats(*s, scale=0.5)) for s in ((6, 5), (6, 6), (6,))] + [graph.variable((batch, 6))]
            more = {} if single else {"timeMajor": time_major}
            graph.output(*graph.op("RNN" if single else "UNIDIRECTIONAL_SEQUENCE_RNN", inputs, [graph.tensor([], FLOAT)],
                                   "RNNOptions" if single else "SequenceRNNOptions", fusedActivationFunction=activation,
                                   **more))

        return Case(name, build, calls=CALLS)

    for time_major, activation in itertools.product((False, True), (TANH, RELU, NONE)):
        yield rnn(f"sequence_rnn_{time_major}_{activation}", activation, time_major)
    yield rnn("rnn", TANH, single=True)

    def svdf(rank, memory, bias, activation):
        name = f"svdf_{rank}_{memory}_{bias}_{activation}"

        def build(graph):
            r = Random(name)
            filters = 5 * rank
            graph.output(*graph.op("SVDF", [graph.input(r.floats(2, 3)), graph.constant(r.floats(filters, 3)),
                                            graph.constant(r.floats(filters, memory)),
                                            graph.constant(r.floats(5)) if bias else -1,
                                            graph.variable((2, memory * filters))], [graph.tensor([], FLOAT)], "SVDFOptions",
                                   rank=rank, fusedActivationFunction=activation))

        return Case(name, build, calls=CALLS + 2)

    for rank, memory, (bias, activation) in itertools.product((1, 2), (1, 4), ((False, NONE), (True, RELU))):
        yield svdf(rank, memory, bias, activation)


#===--- Recurrent layers of integers ---===#


def integers(r, dtype, *shape):
    limits = np.iinfo(dtype)
    return r.ints(limits.min + 1, limits.max, *shape, dtype=dtype)


def integer_lstms():
    """Inputs and weights of 8 bits, cells and peepholes of 16, biases of 32."""

    def lstm(name, coupled=False, peepholes=False, projection=0, clip=0.0, projection_clip=0.0, exponent=-11, single=False,
             time_major=False, product=(0.0075, 7)):
        def build(graph):
            r = Random(name)
            outputs, units, features = 4 if projection and not peepholes else 7, 7, 6

            def numbers(dtype, scale, *shape, skip=False):
                return -1 if skip else graph.constant(integers(r, dtype, *shape), (scale, 0))

            gates = (coupled, False, False, False)  # input, forget, cell, output
            shape = (2, features) if single else (5, 2, features) if time_major else (2, 5, features)
            operands = [graph.input(integers(r, np.int8, *shape), (0.03, 5))]
            operands += [numbers(np.int8, 0.004 + 0.001 * i, units, features, skip=s) for i, s in enumerate(gates)]
            operands += [numbers(np.int8, 0.006 - 0.001 * i, units, outputs, skip=s) for i, s in enumerate(gates)]
            operands += [numbers(np.int16, 2e-5, units, skip=not peepholes or s) for s in (coupled, False, False)]
            operands += [-1 if s else graph.constant(r.ints(-2000, 2000, units), (1e-4, 0)) for s in gates]
            operands.append(numbers(np.int8, 0.005, outputs, units, skip=not projection))
            operands.append(graph.constant(r.ints(-2000, 2000, outputs), (1e-4, 0)) if projection == 2 else -1)
            hidden = (0.012, 9) if projection else (0.0078, -3)
            operands += [graph.variable((2, outputs), np.int8, hidden), graph.variable((2, units), np.int16, (2.0 ** exponent, 0))]
            operands += [-1] * 4
            middle = [graph.tensor([], np.int16, (2.0 ** -12, 0)) for _ in range(4)]
            middle.append(graph.tensor([], np.int8, product if projection else hidden))
            more = {} if single else {"timeMajor": time_major}
            graph.output(*graph.op("LSTM" if single else "UNIDIRECTIONAL_SEQUENCE_LSTM", operands,
                                   [graph.tensor([], np.int8, hidden)],
                                   "LSTMOptions" if single else "UnidirectionalSequenceLSTMOptions", intermediates=middle,
                                   cellClip=clip, projClip=projection_clip, fusedActivationFunction=TANH, **more))

        return Case(name, build, calls=CALLS)

    for coupled, peepholes, projection in itertools.product((False, True), (False, True), (0, 1, 2)):
        yield lstm(f"q_sequence_lstm_{coupled}_{peepholes}_{projection}", coupled, peepholes, projection)
    for exponent in (-12, -13, -15):
        yield lstm(f"q_sequence_lstm_2^{exponent}", exponent=exponent, time_major=True)
    yield lstm("q_sequence_lstm_clip", clip=0.5, projection_clip=0.4, projection=1)
    for zero in (-9, 20):
        yield lstm(f"q_sequence_lstm_saturated_{zero}", projection=2, product=(0.004, zero))
    yield lstm("q_lstm", single=True, peepholes=True)

    def svdf(rank, memory, bias):
        name = f"q_svdf_{rank}_{memory}_{bias}"

        def build(graph):
            r = Random(name)
            filters = 5 * rank
            operands = [graph.input(integers(r, np.int8, 2, 9), (0.03, 4)),
                        graph.constant(integers(r, np.int8, filters, 9), (0.007, 0)),
                        graph.constant(integers(r, np.int16, filters, memory), (1.2e-5, 0)),
                        graph.constant(r.ints(-9000, 9000, 5), (1e-4, 0)) if bias else -1,
                        graph.variable((2, memory * filters), np.int16, (0.0006, 0))]
            graph.output(*graph.op("SVDF", operands, [graph.tensor([], np.int8, (0.02, -7))], "SVDFOptions", rank=rank,
                                   fusedActivationFunction=RELU))

        return Case(name, build, calls=CALLS + 2)

    for rank, memory, bias in itertools.product((1, 2), (1, 4), (False, True)):
        yield svdf(rank, memory, bias)


def list_cases():
    for family in (branches, loops, variables, sequence_lstms, bidirectional, rnns, integer_lstms):
        yield from family()
