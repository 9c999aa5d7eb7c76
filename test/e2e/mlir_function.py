"""Compiles one MLIR function on memrefs with nnc-opt and LLVM's tools, and calls it on numpy arrays."""
import ctypes
import os
import subprocess
import tempfile

import numpy as np

LLVM = os.environ.get("NNC_LLVM_BIN", "/usr/lib/llvm-22/bin")
OPT = os.environ.get("NNC_OPT", "build/release/bin/nnc-opt")

LOWER = ("func.func(convert-vector-to-scf),lower-affine,canonicalize,cse,expand-strided-metadata,lower-affine,"
         "func.func(arith-expand),convert-scf-to-cf,convert-vector-to-llvm{reassociate-fp-reductions},convert-math-to-llvm,"
         "convert-math-to-libm,finalize-memref-to-llvm,convert-func-to-llvm,convert-index-to-llvm,convert-ub-to-llvm,"
         "convert-arith-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts,canonicalize,cse")

# What kernel.target says of each CPU, and what clang calls it.
TARGETS = {
    "sse2": ("vectorBits = 128, vectorRegisters = 16, fma = false, l1Bytes = 32768, l2Bytes = 262144", "x86-64"),
    "avx2": ("vectorBits = 256, vectorRegisters = 16, fma = true, l1Bytes = 32768, l2Bytes = 262144", "x86-64-v3"),
    "avx512": ("vectorBits = 512, vectorRegisters = 32, fma = true, l1Bytes = 49152, l2Bytes = 1048576", "x86-64-v4"),
}
# Products of bytes in one instruction; no CPU but these needs tests of other kernels.
VNNI_TARGETS = {"vnni": (TARGETS["avx512"][0] + ", vnni = true", "icelake-server")}


def memref_type(array, dynamic=()):
    names = {"float32": "f32", "float64": "f64", "int64": "i64", "int32": "i32", "int16": "i16", "int8": "i8", "float16": "f16"}
    dims = "".join(("?" if i in dynamic else str(d)) + "x" for i, d in enumerate(array.shape))
    return f"memref<{dims}{names[array.dtype.name]}>"


def descriptor(array):
    class Memref(ctypes.Structure):
        _fields_ = [("allocated", ctypes.c_void_p), ("aligned", ctypes.c_void_p), ("offset", ctypes.c_int64),
                    ("sizes", ctypes.c_int64 * max(1, array.ndim)), ("strides", ctypes.c_int64 * max(1, array.ndim))]
    d = Memref(array.ctypes.data, array.ctypes.data, 0)
    for i in range(array.ndim):
        d.sizes[i] = array.shape[i]
        d.strides[i] = array.strides[i] // array.itemsize
    return d


def compile_function(text, passes, target="avx512", keep=None):
    """Compiles `text`, whose functions take memrefs, and loads it; the pass pipeline runs before the lowering to LLVM."""
    description, cpu = {**TARGETS, **VNNI_TARGETS}[target]
    module = f"module attributes {{kernel.target = #kernel.target<{description}>}} {{\n{text}\n}}\n"
    with tempfile.TemporaryDirectory() as folder:
        base = os.path.join(keep or folder, "f")
        with open(base + ".mlir", "w") as f:
            f.write(module)
        run = lambda *command: subprocess.run(command, check=True)
        run(OPT, base + ".mlir", f"--pass-pipeline=builtin.module({passes},{LOWER})", "-o", base + ".llvm.mlir")
        with open(base + ".llvm.mlir") as f:  # mlir-translate does not know the kernel dialect
            lowered = f.read().replace(f"attributes {{kernel.target = #kernel.target<{description}>}} ", "")
        with open(base + ".llvm.mlir", "w") as f:
            f.write(lowered)
        run(f"{LLVM}/mlir-translate", "--mlir-to-llvmir", base + ".llvm.mlir", "-o", base + ".ll")
        run(f"{LLVM}/clang", "-O2", f"-march={cpu}", "-Wno-override-module", "-shared", "-fPIC", base + ".ll", "-lm",
            "-o", base + ".so")
        return ctypes.CDLL(base + ".so")


def call(library, name, *arrays):
    """Calls a function that has `llvm.emit_c_interface`."""
    descriptors = [descriptor(a) for a in arrays]
    getattr(library, "_mlir_ciface_" + name)(*[ctypes.byref(d) for d in descriptors])
