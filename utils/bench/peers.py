"""What is measured: nnc and its peers. A peer is one class with

    packages   what pip installs,
    modules    what must be there to import,
    __init__   makes the model ready to run (in a process of its own, already bound to its cores),
    run        runs it once,
    outputs    what the last run gave, in the model's order,

and a place in PEERS. Settings are those that the peer documents as the fastest for one request at a time.
"""
import ctypes
import os
import subprocess
import sys

import numpy as np

from environment import ROOT

sys.path.insert(0, os.path.join(ROOT, "test", "e2e"))
from compiled_model import CompiledModel  # noqa: E402
from thread_pool import ThreadPool  # noqa: E402


class Task:
    """A model, its inputs, and how to run it."""

    def __init__(self, model, inputs, folder, threads=1, cpu="native", options=()):
        self.model, self.inputs, self.folder = model, inputs, folder
        self.threads, self.cpu, self.options = threads, cpu, list(options)


def call(command, **options):
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", **options)
    if result.returncode:
        lines = [line for line in (result.stderr + result.stdout).splitlines() if line.strip()]
        raise RuntimeError(f"{os.path.basename(command[0])}: " + " | ".join(lines[-2:])[-300:])
    return result.stdout


DYNAMIC, DYNAMIC_LIBRARY = "dynamic", "dynamic.so"


class Nnc:
    """The library that Measurement compiled; threads come from runtime/Pool.c."""
    packages, modules = (), ()
    library = "model.so"

    def __init__(self, task):
        model = CompiledModel(os.path.join(task.folder, self.library), "model")
        self.pool = ThreadPool(task.threads, task.folder) if task.threads > 1 else None
        parallel = self.pool.parallel if self.pool else None
        self.run, self.outputs = model.prepare([task.inputs[name] for name in model.input_names], parallel)


class NncDynamic(Nnc):
    """The same for inputs of run-time extents."""
    library = DYNAMIC_LIBRARY


class OnnxRuntime:
    packages, modules = ("onnxruntime",), ("onnxruntime",)

    def __init__(self, task):
        import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = task.threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(task.model, options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()  # no copies
        for value in self.session.get_inputs():
            self.binding.bind_cpu_input(value.name, task.inputs[value.name])
        for value in self.session.get_outputs():
            self.binding.bind_output(value.name)

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return self.binding.copy_outputs_to_cpu()


class OpenVino:
    packages, modules = ("openvino",), ("openvino",)

    def __init__(self, task):
        import openvino
        settings = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": task.threads, "NUM_STREAMS": 1,
                    "INFERENCE_PRECISION_HINT": "f32"}
        core = openvino.Core()
        model = core.read_model(task.model)
        model.reshape({name: list(array.shape) for name, array in task.inputs.items()})
        self.request = core.compile_model(model, "CPU", settings).create_infer_request()
        for name, array in task.inputs.items():
            self.request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        self.run = self.request.infer

    def outputs(self):
        return [np.array(tensor.data) for tensor in self.request.output_tensors]


class Iree:
    packages, modules = ("iree-base-compiler[onnx]", "iree-base-runtime"), ("iree.compiler", "iree.runtime")

    def __init__(self, task):
        from iree import runtime
        tools = os.path.dirname(sys.executable)
        imported, module = (os.path.join(task.folder, name) for name in ("iree.mlir", "iree.vmfb"))
        converter = [os.path.join(tools, "iree-import-onnx"), task.model, "-o", imported]
        try:
            call([*converter, "--opset-version", "17"])
        except RuntimeError:
            call(converter)  # the conversion of versions fails for some models
        call([os.path.join(tools, "iree-compile"), imported, "-o", module, "--iree-hal-target-device=local",
              "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-opt-level=O3",
              "--iree-llvmcpu-target-cpu=" + ("host" if task.cpu == "native" else task.cpu)])
        config = runtime.Config("local-sync" if task.threads == 1 else "local-task")
        compiled = runtime.VmModule.mmap(config.vm_instance, module)
        name = next(n for n in compiled.function_names if not n.startswith("__") and not n.endswith("$async"))
        self.function = runtime.load_vm_module(compiled, config)[name]
        self.inputs = [runtime.asdevicearray(config.device, array) for array in task.inputs.values()]

    def run(self):
        self.result = self.function(*self.inputs)

    def outputs(self):
        result = self.result if isinstance(self.result, (tuple, list)) else [self.result]
        return [np.asarray(r.to_host()) for r in result]


class Tvm:
    """Relax with its default schedules for the CPU; not tuned."""
    packages, modules = ("apache-tvm",), ("tvm",)

    def __init__(self, task):
        os.environ["TVM_NUM_THREADS"] = str(task.threads)
        import onnx
        import tvm
        from tvm import relax
        from tvm.relax.frontend.onnx import from_onnx
        module = from_onnx(onnx.load(task.model), {n: list(a.shape) for n, a in task.inputs.items()},
                           keep_params_in_input=False)
        cpu = call(["llc-22", "--version"]).partition("Host CPU: ")[2].split()[0] if task.cpu == "native" else task.cpu
        target = tvm.target.Target({"kind": "llvm", "mcpu": cpu, "num-cores": task.threads, "opt-level": 3})
        machine = relax.VirtualMachine(tvm.compile(module, target=target), tvm.cpu())
        inputs = [tvm.runtime.tensor(array) for array in task.inputs.values()]
        self.run = lambda: setattr(self, "result", machine["main"](*inputs))

    def outputs(self):
        result = self.result if not hasattr(self.result, "numpy") else [self.result]
        return [r.numpy() for r in result]


class EmxOnnxCgen:
    """C code, compiled by cc -O3 -march=native."""
    packages, modules = ("emx-onnx-cgen",), ("emx_onnx_cgen",)

    def __init__(self, task):
        source, library = (os.path.join(task.folder, name) for name in ("emx.c", "emx.so"))
        call([sys.executable, "-m", "emx_onnx_cgen", "compile", task.model, source, "--model-name", "emx_model",
              "--restrict-arrays"])
        call(["cc", "-O3", "-march=" + task.cpu, "-ffast-math", "-shared", "-fPIC", source, "-o", library, "-lm"])
        import onnx
        model = onnx.shape_inference.infer_shapes(onnx.load(task.model))
        types = onnx.helper.tensor_dtype_to_np_dtype
        self.results = [np.zeros([d.dim_value for d in v.type.tensor_type.shape.dim],
                                 types(v.type.tensor_type.elem_type)) for v in model.graph.output]
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in [*task.inputs.values(), *self.results]]
        code, weights = ctypes.CDLL(library), os.path.join(task.folder, "emx_model.bin")
        if os.path.exists(weights) and not code.emx_model_load(weights.encode()):
            raise RuntimeError("the weights cannot be loaded")
        function = code.emx_model
        self.run = lambda: function(*pointers)

    def outputs(self):
        return self.results


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "iree": Iree, "tvm": Tvm, "emx-onnx-cgen": EmxOnnxCgen}
