"""TFLite graphs written operator by operator, with the bindings of the schema that ai-edge-litert ships."""
import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from flatbuffers import flexbuffers

TYPES = {np.dtype(np.float32): schema.TensorType.FLOAT32, np.dtype(np.float16): schema.TensorType.FLOAT16,
         np.dtype(np.float64): schema.TensorType.FLOAT64, np.dtype(np.int8): schema.TensorType.INT8,
         np.dtype(np.uint8): schema.TensorType.UINT8, np.dtype(np.int16): schema.TensorType.INT16,
         np.dtype(np.int32): schema.TensorType.INT32, np.dtype(np.uint32): schema.TensorType.UINT32,
         np.dtype(np.int64): schema.TensorType.INT64, np.dtype(np.bool_): schema.TensorType.BOOL}
RESOURCE = "resource"  # the type of handles


class Graph:
    """Collects tensors and operators; `inputs` has the array of each input. Of a case whose reference is another model than
    nnc's, `is_reference` says which of them this is. `main`: the model's first graph, if this is another one."""

    def __init__(self, is_reference=False, main=None):
        self.is_reference = is_reference
        self.tensors, self.operators = [], []
        self.buffers, self.codes = ([schema.BufferT()], []) if main is None else (main.buffers, main.codes)
        self.inputs, self.input_indices, self.output_indices = [], [], []
        self.graphs = [self] if main is None else main.graphs

    def graph(self):
        """Another graph of the model, and its number."""
        self.graphs.append(Graph(self.is_reference, self))
        return self.graphs[-1], len(self.graphs) - 1

    def tensor(self, shape, dtype, quantization=None, name=None, signature=None):
        """`quantization`: (scale, zero point), or (scales, zero points, axis)."""
        tensor = schema.TensorT()
        tensor.name = f"t{len(self.tensors)}" if name is None else name
        tensor.shape, tensor.buffer = list(shape), 0
        tensor.type = schema.TensorType.RESOURCE if dtype == RESOURCE else TYPES[np.dtype(dtype)]
        tensor.shapeSignature = signature
        if quantization is not None:
            scale, zero, *axis = quantization
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.atleast_1d(np.asarray(scale, np.float32)).tolist()
            tensor.quantization.zeroPoint = np.atleast_1d(np.asarray(zero, np.int64)).tolist()
            tensor.quantization.quantizedDimension = axis[0] if axis else 0
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def complex_tensor(self):
        tensor = self.tensor([], np.float32)
        self.tensors[tensor].type = schema.TensorType.COMPLEX64
        return tensor

    def input(self, array, quantization=None, name=None, open_axes=()):
        """`open_axes`: those whose extents the file leaves open."""
        signature = [-1 if axis in open_axes else extent for axis, extent in enumerate(array.shape)]
        index = self.tensor(array.shape, array.dtype, quantization, name, signature if open_axes else None)
        self.inputs.append(array)
        self.input_indices.append(index)
        return index

    def constant(self, array, quantization=None, name=None):
        array = np.asarray(array)
        index = self.tensor(array.shape, array.dtype, quantization, name)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(array.tobytes(), np.uint8)
        self.tensors[index].buffer = len(self.buffers)
        self.buffers.append(buffer)
        return index

    def sparse(self, array, order, blocks=(), dense_levels=0, quantization=None):
        """A constant of which the file has the elements that are not 0: `order` is that of its axes and, behind them, of the
        axes of its blocks, `blocks` pairs of an axis and an extent. The first levels are dense, and those of blocks."""
        array = np.asarray(array)
        rank, shape = array.ndim, list(array.shape)
        for axis, size in blocks:
            shape[axis] //= size
        split = []
        for axis in range(rank):
            sizes = [size for at, size in blocks if at == axis]
            split += [shape[axis], *sizes]
        places, at = {}, 0
        for axis in range(rank):
            places[axis] = at
            at += 1
            for number, (where, _) in enumerate(blocks):
                if where == axis:
                    places[rank + number] = at
                    at += 1
        tree = array.reshape(split).transpose([places[axis] for axis in order])
        sparsity = schema.SparsityParametersT()
        sparsity.traversalOrder, sparsity.dimMetadata = list(order), []
        sparsity.blockMap = [axis for axis, _ in blocks] or None
        nodes = [tree]
        for level, axis in enumerate(order):
            entry = schema.DimensionMetadataT()
            if level < dense_levels or axis >= rank:
                entry.format, entry.denseSize = schema.DimensionType.DENSE, tree.shape[level]
                nodes = [child for node in nodes for child in node]
            else:
                entry.format, segments, indices, below = schema.DimensionType.SPARSE_CSR, [0], [], []
                for node in nodes:
                    kept = [i for i, child in enumerate(node) if np.any(child)]
                    indices += kept
                    below += [node[i] for i in kept]
                    segments.append(len(indices))
                nodes = below
                kind, dtype = (("Uint8Vector", np.uint8), ("Uint16Vector", np.uint16), ("Int32Vector", np.int32))[level % 3]
                for name, numbers in (("Segments", segments), ("Indices", indices)):
                    vector = getattr(schema, kind + "T")()
                    vector.values = np.array(numbers, dtype)
                    setattr(entry, f"array{name}Type", getattr(schema.SparseIndexVector, kind))
                    setattr(entry, f"array{name}", vector)
            sparsity.dimMetadata.append(entry)
        index = self.constant(np.array([np.asarray(node) for node in nodes], array.dtype), quantization)
        self.tensors[index].shape, self.tensors[index].sparsity = list(array.shape), sparsity
        return index

    def parameter(self, shape, dtype, quantization=None):
        """An input of a graph that another one runs."""
        self.input_indices.append(self.tensor(shape, dtype, quantization))
        return self.input_indices[-1]

    def variable(self, shape, dtype=np.float32, quantization=None):
        index = self.tensor(shape, dtype, quantization)
        self.tensors[index].isVariable = True
        return index

    def handle(self, name):
        """The handle of a variable."""
        return self.op("VAR_HANDLE", [], [self.tensor([], RESOURCE)], "VarHandleOptions", container="", sharedName=name)[0]

    def code(self, name, custom=None, version=1):
        number = getattr(schema.BuiltinOperator, name) if isinstance(name, str) else name
        code = schema.OperatorCodeT()
        code.deprecatedBuiltinCode, code.builtinCode = min(number, 127), number
        code.customCode, code.version = custom, version
        self.codes.append(code)
        return len(self.codes) - 1

    def custom(self, name, inputs, outputs, **options):
        """Adds a custom operator, whose options are a map of FlexBuffers."""
        return self.custom_bytes(name, inputs, outputs, flexbuffers.Dumps(options))

    def custom_bytes(self, name, inputs, outputs, data, version=1):
        """Adds a custom operator with these bytes as its options."""
        self.op("CUSTOM", inputs, outputs, custom=name, version=version)
        self.operators[-1].customOptions = np.frombuffer(data, np.uint8)
        return outputs

    def op(self, name, /, inputs, outputs, options=None, custom=None, version=1, intermediates=None, **fields):
        """Adds an operator; -1 among the inputs is one that is left out. `outputs`: its tensors."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self.code(name, custom, version)
        operator.inputs, operator.outputs, operator.intermediates = list(inputs), list(outputs), intermediates
        if options:
            table = getattr(schema, options + "T")()
            for field, value in fields.items():
                if not hasattr(table, field):
                    raise AttributeError(f"{options} has no field {field}")
                setattr(table, field, value)
            # Those of the newest operators are in a union of their own.
            if hasattr(schema.BuiltinOptions2, options):
                operator.builtinOptions2Type, operator.builtinOptions2 = getattr(schema.BuiltinOptions2, options), table
            else:
                operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, options), table
        self.operators.append(operator)
        return outputs

    def output(self, *indices):
        self.output_indices += indices

    def serialize(self):
        model, graphs = schema.ModelT(), []
        for number, source in enumerate(self.graphs):
            graph = schema.SubGraphT()
            graph.name, graph.tensors, graph.operators = f"g{number}", source.tensors, source.operators
            graph.inputs, graph.outputs = source.input_indices, source.output_indices
            graphs.append(graph)
        model.version, model.description = 3, "made by nnc's tests"
        model.operatorCodes, model.subgraphs, model.buffers = self.codes, graphs, self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())
