"""Compiles models with nnc to shared libraries, and drives them through the descriptor of nnc/Runtime.h."""
import ctypes
import os
import subprocess

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NNC = os.environ.get("NNC", os.path.join(os.environ.get("NNC_BUILD", os.path.join(ROOT, "build", "release")), "bin", "nnc"))

# The element types of nnc/Runtime.h. bfloat16 and the floats of 8 bits travel as their bits; types of 4 and 2 bits are
# arrays of ml_dtypes here, packed on their way. Strings are arrays of objects here, and addresses on their way.
TYPES = {1: np.bool_, 2: np.int8, 3: np.uint8, 4: np.int16, 5: np.uint16, 6: np.int32, 7: np.uint32, 8: np.int64,
         9: np.uint64, 10: np.float16, 11: np.uint16, 12: np.float32, 13: np.float64, 16: np.uint8, 17: np.uint8,
         18: np.uint8, 19: np.uint8, 20: np.uint8, 21: np.uint8, 22: np.uint8, 23: np.uint8, 24: np.uint8, 25: np.uint8,
         26: np.uintp}
STRING = 26
PACKED_BITS = {21: 4, 22: 4, 23: 4, 24: 2, 25: 2}
ERRORS = {1: "null pointer", 2: "misaligned pointer", 3: "unsupported CPU", 4: "extent or position out of range",
          5: "no room for strings, or no number", 6: "other weights"}
GUARD = 64  # bytes behind each buffer that the model must not touch


class Tensor(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_uint32), ("rank", ctypes.c_uint32),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("extent_of", ctypes.POINTER(ctypes.c_int32)),
                ("bytes", ctypes.c_uint64)]

    @property
    def dtype(self):
        return np.dtype(TYPES[self.type])


WORKSPACE_SIZE = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.POINTER(ctypes.c_int64))
OUTPUT_EXTENTS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int64), ctypes.POINTER(ctypes.c_int64))
WORKSPACE_SIZE_FOR = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int64))
OUTPUT_EXTENTS_FOR = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int64),
                                      ctypes.POINTER(ctypes.c_int64))
INVOKE_REPORTING = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p),
                                    ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p, ctypes.c_void_p,
                                    ctypes.POINTER(ctypes.c_int64))
INVOKE = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p),
                          ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p, ctypes.c_void_p)


class State(ctypes.Structure):
    _fields_ = [("input", ctypes.c_uint32), ("output", ctypes.c_uint32), ("initial", ctypes.c_void_p)]


class Preprocessing(ctypes.Structure):
    _fields_ = [("is_applied", ctypes.c_uint32), ("has_mean_image", ctypes.c_uint32), ("channel_axis", ctypes.c_int32),
                ("num_means", ctypes.c_uint32), ("num_scales", ctypes.c_uint32), ("reserved", ctypes.c_uint32),
                ("mean", ctypes.POINTER(ctypes.c_float)), ("scale", ctypes.POINTER(ctypes.c_float)),
                ("channel_order", ctypes.c_char_p)]


class Labels(ctypes.Structure):
    _fields_ = [("num_labels", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("labels", ctypes.POINTER(ctypes.c_char_p))]


INVOKE_WITH_WEIGHTS = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_void_p),
                                       ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p, ctypes.c_void_p,
                                       ctypes.POINTER(ctypes.c_int64), ctypes.c_void_p)


class Weights(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_uint64), ("align", ctypes.c_uint64), ("header", ctypes.c_void_p),
                ("header_bytes", ctypes.c_uint64), ("invoke", INVOKE_WITH_WEIGHTS)]


class Descriptor(ctypes.Structure):
    _fields_ = [("abi_version", ctypes.c_uint32), ("struct_size", ctypes.c_uint32), ("name", ctypes.c_char_p),
                ("model_hash", ctypes.c_char_p), ("num_inputs", ctypes.c_uint32), ("num_outputs", ctypes.c_uint32),
                ("inputs", ctypes.POINTER(Tensor)), ("outputs", ctypes.POINTER(Tensor)),
                ("num_extents", ctypes.c_uint32), ("num_output_extents", ctypes.c_uint32),
                ("extent_names", ctypes.POINTER(ctypes.c_char_p)), ("workspace_bytes", ctypes.c_uint64),
                ("workspace_align", ctypes.c_uint64), ("weights_bytes", ctypes.c_uint64), ("macs", ctypes.c_uint64),
                ("workspace_size", WORKSPACE_SIZE), ("output_extents", OUTPUT_EXTENTS), ("invoke", INVOKE),
                ("profile", ctypes.c_void_p), ("cpus", ctypes.c_void_p),
                ("invoke_reporting", INVOKE_REPORTING),
                ("workspace_size_for", WORKSPACE_SIZE_FOR), ("output_extents_for", OUTPUT_EXTENTS_FOR),
                ("size_input", ctypes.POINTER(ctypes.c_uint8)),
                ("num_states", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("states", ctypes.POINTER(State)),
                ("preprocessing", ctypes.POINTER(ctypes.POINTER(Preprocessing))),
                ("labels", ctypes.POINTER(ctypes.POINTER(Labels))),
                ("weights", ctypes.POINTER(Weights))]


class Refused(Exception):
    """nnc said, with exit code 1, that it does not support the model."""


class Broken(Exception):
    """nnc crashed or hung, or a compiled model broke its contract."""


def compile_model(source, output, options=(), timeout=300, environment=None):
    """Runs nnc on the file `source`; raises Refused with the messages where it refuses, Broken where it crashes."""
    command = [NNC, source, "-o", output, *options]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=timeout, errors="replace",
                                env=environment)
    except subprocess.TimeoutExpired:
        raise Broken(f"nnc did not end within {timeout} s") from None
    if "is left after stage" in result.stderr:
        raise Broken("a pass left something undone: " + result.stderr.strip().splitlines()[0])
    if result.returncode == 1 and result.stderr.strip() and "error:" in result.stderr:
        raise Refused(result.stderr.strip())
    if result.returncode != 0:
        lines = (result.stderr or result.stdout).strip().splitlines()
        raise Broken(f"nnc ended with code {result.returncode}: " + " | ".join(lines[:4]))
    return result


def as_bytes(array):
    """The elements in memory order; types that numpy lacks as their bits."""
    return np.require(array, requirements="C")


def pack(array, bits):
    """The elements' low bits, the first in the low bits of a byte."""
    per_byte = 8 // bits
    flat = array.reshape(-1).view(np.uint8) & ((1 << bits) - 1)
    flat = np.concatenate([flat, np.zeros(-flat.size % per_byte, np.uint8)]).reshape(-1, per_byte)
    return (flat << (np.arange(per_byte, dtype=np.uint8) * bits)).sum(axis=1).astype(np.uint8)


def as_addresses(strings, keep):
    """The addresses of the strings' bytes, each with a zero behind it, which `keep` keeps alive."""
    flat = [ctypes.create_string_buffer(text.encode("utf-8", "surrogateescape")) for text in strings.reshape(-1)]
    keep += flat
    return np.array([ctypes.addressof(text) for text in flat], np.uintp).reshape(strings.shape)


def as_strings(addresses):
    flat = [ctypes.string_at(int(a)).decode("utf-8", "surrogateescape") for a in addresses.reshape(-1)]
    strings = np.empty(len(flat), object)
    strings[:] = flat
    return strings.reshape(addresses.shape)


def unpack(packed, shape, bits):
    """A byte for each element, its bits in the low ones."""
    shifts = np.arange(8 // bits, dtype=np.uint8) * bits
    elements = (packed[:, None] >> shifts) & ((1 << bits) - 1)
    return elements.reshape(-1)[:int(np.prod(shape, dtype=np.int64))].reshape(shape)


class CompiledModel:
    """A shared library made by nnc, loaded."""

    def __init__(self, path, name):
        """Weights of `--weights=extern` lie beside the library, as nnc writes them."""
        self.library = ctypes.CDLL(os.path.abspath(path))
        self.model = Descriptor.in_dll(self.library, name + "_model")
        if self.model.abi_version != 1 or self.model.struct_size != ctypes.sizeof(Descriptor):
            raise Broken("the descriptor has another version or size")
        self.inputs = [self.model.inputs[i] for i in range(self.model.num_inputs)]
        self.outputs = [self.model.outputs[i] for i in range(self.model.num_outputs)]
        self.input_names = [t.name.decode() for t in self.inputs]
        self.output_names = [t.name.decode() for t in self.outputs]
        self.weights = None
        if self.model.weights:
            self.weights = np.memmap(os.path.splitext(path)[0] + ".weights", np.uint8, "r")
        self.states = [(s.input, s.output) for s in self.model.states[:self.model.num_states]]

    def get_initial_state(self, place):
        """What the input `place`, a state of static shape, is before the first run."""
        tensor = self.inputs[place]
        shape = [tensor.shape[d] for d in range(tensor.rank)]
        for state in self.model.states[:self.model.num_states]:
            if state.input == place and state.initial:
                data = ctypes.string_at(state.initial, tensor.bytes)
                return np.frombuffer(data, tensor.dtype).reshape(shape)
        return np.zeros(shape, tensor.dtype)

    def find_extents(self, arrays):
        """The run-time extents, read off the inputs."""
        extents = [-1] * self.model.num_extents
        for tensor, array in zip(self.inputs, arrays):
            shape = [tensor.shape[d] for d in range(tensor.rank)]
            if len(shape) != array.ndim:
                raise Broken(f"input {tensor.name.decode()} has rank {len(shape)}, the data {array.ndim}")
            for d, extent in enumerate(shape):
                if extent < 0:
                    place = tensor.extent_of[d]
                    if extents[place] not in (-1, array.shape[d]):
                        raise Broken("two extents of one symbol differ")
                    extents[place] = array.shape[d]
                elif extent != array.shape[d]:
                    raise Broken(f"input {tensor.name.decode()} has shape {shape}, the data {array.shape}")
        return extents

    def prepare(self, arrays, parallel=None):
        """Checks the inputs, allocates outputs and workspace; returns a function that runs the model once (`parallel` is
        its nnc_parallel) and a function that checks the guards and returns the outputs."""
        model = self.model
        if len(arrays) != len(self.inputs):
            raise Broken(f"the model has {len(self.inputs)} inputs, the data {len(arrays)}")
        texts = []
        arrays = [np.require(a, requirements="C") for a in arrays]
        arrays = [as_addresses(array, texts) if tensor.type == STRING else array
                  for tensor, array in zip(self.inputs, arrays)]
        contents = [text.raw for text in texts]
        for tensor, array in zip(self.inputs, arrays):
            if array.dtype.itemsize != tensor.dtype.itemsize:
                raise Broken(f"input {tensor.name.decode()}: element type {tensor.type}, the data {array.dtype}")
        values = self.find_extents(arrays)
        arrays = [pack(array, PACKED_BITS[tensor.type]) if tensor.type in PACKED_BITS else array
                  for tensor, array in zip(self.inputs, arrays)]
        extents = (ctypes.c_int64 * max(1, len(values)))(*values)
        results = (ctypes.c_int64 * max(1, model.num_output_extents))()
        buffers = [aligned(array.nbytes, array) for array in arrays]
        workspace_bytes = model.workspace_bytes
        if model.workspace_size_for:
            sizing = (ctypes.c_void_p * len(buffers))(*[b.ctypes.data if model.size_input[i] else None
                                                        for i, b in enumerate(buffers)])
            if model.workspace_size(extents) or (model.output_extents and model.output_extents(extents, results) != 1):
                raise Broken("sizes without the inputs that make them")
            if model.output_extents_for:
                check_code(model.output_extents_for(sizing, extents, results), "output_extents_for")
            workspace_bytes = model.workspace_size_for(sizing, extents)
        elif model.workspace_size:
            workspace_bytes = model.workspace_size(extents)
        if model.workspace_size and not workspace_bytes:
            check_code(4, "workspace_size")
        if model.output_extents and not model.output_extents_for:
            check_code(model.output_extents(extents, results), "output_extents")
        outputs = []
        def get_shape(tensor):
            return [results[tensor.extent_of[d]] if tensor.shape[d] < 0 else tensor.shape[d] for d in range(tensor.rank)]

        for tensor in self.outputs:
            shape = get_shape(tensor)
            dtype = tensor.dtype
            count = int(np.prod(shape, dtype=np.int64))
            bits = PACKED_BITS.get(tensor.type, 0)
            size = -(-count * bits // 8) if bits else count * dtype.itemsize
            outputs.append((aligned(size), shape, dtype, size, bits))
        workspace = aligned(workspace_bytes)
        guards = [(b, array.nbytes) for b, array in zip(buffers, arrays)]
        guards += [(b, size) for b, _, _, size, _ in outputs] + [(workspace, workspace_bytes)]
        pointers = (ctypes.c_void_p * max(1, len(buffers)))(*[b.ctypes.data for b in buffers])
        targets = (ctypes.c_void_p * max(1, len(outputs)))(*[b.ctypes.data for b, *_ in outputs])
        address = workspace.ctypes.data

        largest = list(results)

        def run():
            if self.weights is not None:
                check_code(model.weights.contents.invoke(pointers, targets, extents, address, parallel, results,
                                                         self.weights.ctypes.data), "the model")
            elif model.invoke_reporting:
                if model.invoke(pointers, targets, extents, address, parallel) != 1:
                    raise Broken("invoke takes a model that reports extents")
                check_code(model.invoke_reporting(pointers, targets, extents, address, parallel, results), "the model")
                if any(not 0 <= extent <= bound for extent, bound in zip(results, largest)):
                    raise Broken(f"the output extents {list(results)} are not within {largest}")
            else:
                check_code(model.invoke(pointers, targets, extents, address, parallel), "the model")

        def collect():
            for buffer, size in guards:
                if not (buffer[size:size + GUARD] == 0xA5).all():
                    raise Broken("the model wrote behind the end of a buffer")
            for buffer, array in zip(buffers, arrays):
                if buffer[:array.nbytes].tobytes() != array.tobytes():
                    raise Broken("the model changed one of its inputs")
            if contents != [text.raw for text in texts]:
                raise Broken("the model changed a string of its inputs")
            collected = []
            for tensor, (buffer, shape, dtype, size, bits) in zip(self.outputs, outputs):
                if bits:
                    collected.append(unpack(buffer[:size], shape, bits))
                    continue
                count = int(np.prod(get_shape(tensor), dtype=np.int64)) * dtype.itemsize
                if not (buffer[count:size] == 0xFF).all():
                    raise Broken("the model wrote behind the end of an output")
                elements = buffer[:count].view(dtype).reshape(get_shape(tensor))
                collected.append(as_strings(elements) if tensor.type == STRING else elements)
            return collected

        run.keep = (buffers, outputs, workspace, arrays, extents, texts)
        return run, collect

    def __call__(self, arrays):
        run, collect = self.prepare(arrays)
        run()
        return collect()


def check_code(code, what):
    if code:
        raise Broken(f"{what} returned {code} ({ERRORS.get(code, 'unknown')})")


def aligned(size, content=None):
    """`size` bytes, 64-byte aligned, followed by a guard; filled with `content`, or with bytes that make a NaN."""
    memory = np.full(size + GUARD + 64, 0xA5, np.uint8)
    start = -memory.ctypes.data % 64
    memory = memory[start:start + size + GUARD]
    if content is None:
        memory[:size] = 0xFF
    elif size:
        memory[:size] = np.frombuffer(content.tobytes(), np.uint8)
    return memory


def describe_difference(actual, expected, rtol, atol):
    """None where the arrays agree, else a sentence."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    if actual.shape != expected.shape:
        return f"shape {list(actual.shape)}, expected {list(expected.shape)}"
    if actual.dtype != expected.dtype:
        return f"element type {actual.dtype}, expected {expected.dtype}"
    if expected.dtype.kind in "biuO":
        wrong = actual != expected
        if not wrong.any():
            return None
    else:
        a, e = actual.astype(np.float64), expected.astype(np.float64)
        wrong = ~np.isclose(a, e, rtol=rtol, atol=atol, equal_nan=True)
        if not wrong.any():
            return None
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    return (f"{int(wrong.sum())} of {wrong.size} elements differ, first at {list(place)}: "
            f"{actual[place]}, expected {expected[place]}")
