#!/usr/bin/env python3
"""One object for several CPUs (`--cpu=a,b,c`). The code for each CPU that this machine can run must give the same bits as
an object for that CPU alone, the weights that all share must not be more than those of the object alone that needs most,
and where emulators are there, each emulated CPU must choose the best code that it can run."""
import argparse
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import ROOT, Broken, CompiledModel, Refused, compile_model  # noqa: E402
from models.random_graph import RandomGraph  # noqa: E402

LEVELS = ["x86-64-v2", "x86-64-v3", "x86-64-v4"]
NO_CPU = 3  # NNC_ERROR_CPU
# An emulated CPU, and what of LEVELS it is to choose.
EMULATED = {"Conroe": -1, "Nehalem": 0, "Westmere": 0, "Haswell": 1, "EPYC": 1}


class Cpus(ctypes.Structure):
    _fields_ = [("num_cpus", ctypes.c_uint32), ("reserved", ctypes.c_uint32), ("names", ctypes.POINTER(ctypes.c_char_p)),
                ("current", ctypes.CFUNCTYPE(ctypes.c_int)), ("use", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int))]


def make_text(text, seed):
    """The model with random weights: for each `type name` in the graph's list after `|`, and its inputs."""
    rng = np.random.default_rng(seed)

    def fill(info):
        tensor = info.type.tensor_type
        shape = [dim.dim_value or 5 for dim in tensor.shape.dim]
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)
        values = rng.integers(0, 100, shape) if dtype.kind in "iu" else rng.standard_normal(shape) / 4
        return np.asarray(values).astype(dtype)

    model = onnx.parser.parse_model('<ir_version: 9, opset_import: ["" : 17]>\n' + text)
    weights = [info for info in model.graph.input if info.name.startswith("w")]
    model.graph.initializer.extend(onnx.numpy_helper.from_array(fill(info), info.name) for info in weights)
    for info in weights:
        model.graph.input.remove(info)
    return model, [fill(info) for info in model.graph.input]


def list_models(graphs):
    """(name, model, inputs)"""
    texts = {
        "winograd": "g (float[1,33,19,23] x, float[70,33,3,3] w) => (float[1,70,19,23] y) { y = Conv<pads=[1,1,1,1]>(x, w) }",
        "winograd of rows": "g (float[2,48,90] x, float[20,48,3] w) => (float[2,20,90] y) { y = Conv<pads=[1,1]>(x, w) }",
        "groups": "g (float[2,12,9,11] x, float[30,4,3,2] w) => (float[2,30,7,10] y) { y = Conv<group=3>(x, w) }",
        "narrow": "g (float[3,7] x, float[7,5] w) => (float[3,5] y) { z = MatMul(x, w) y = Softmax(z) }",
        "rows": "g (float[n,37] x, float[37,61] w, float[61,90] w2) => (float[n,90] y) { a = MatMul(x, w) b = Tanh(a) y = MatMul(b, w2) }",
        "both": "g (float[2,9,40] x, float[2,40,75] z) => (float[2,9,75] y) { y = MatMul(x, z) }",
        "integers": "g (uint8[6,31] x, int8[31,50] w) => (int32[6,50] y) { y = MatMulInteger(x, w) }",
        "half": "g (float16[4,20] x, float16[20,33] w) => (float16[4,33] y) { a = MatMul(x, w) y = Relu(a) }",
    }
    for number, (name, text) in enumerate(texts.items()):
        yield name, *make_text(text, number)
    for seed in range(graphs):
        yield f"random {seed}", *RandomGraph(1000 + seed).make(layers=2 + seed % 7, symbolic=seed % 3 == 0)


def check_model(model, inputs, cpus, folder):
    """What is wrong, or None; and how many CPUs this machine could not run."""
    source = os.path.join(folder, "model.onnx")
    onnx.save(model, source)

    def build(number, cpu):
        library = os.path.join(folder, f"{number}.so")
        compile_model(source, library, ["--emit=shared", "--name=model", "--cpu=" + cpu], timeout=120)
        return CompiledModel(library, "model")

    has_half = any(w.data_type == onnx.TensorProto.FLOAT16 for w in model.graph.initializer)
    several = build("all", ",".join(cpus))
    choice = ctypes.cast(several.model.cpus, ctypes.POINTER(Cpus)).contents
    if [choice.names[i].decode() for i in range(choice.num_cpus)] != cpus:
        return "the descriptor names other CPUs", 0
    best, missing, most = choice.current(), 0, 0
    for place, cpu in enumerate(cpus):
        alone = build(place, cpu)
        most = max(most, alone.model.weights_bytes)
        if choice.use(place):
            missing += 1
            if place <= best and cpus == LEVELS:
                return f"{cpu} cannot run here, but {cpus[best]} can", missing
            continue
        if choice.current() != place:
            return f"chose {cpu}, runs {cpus[choice.current()]}", missing
        for name, actual, wanted in zip(several.output_names, several(inputs), alone(inputs)):
            if actual.tobytes() != wanted.tobytes():
                return f"{cpu}: {name} has other bits than alone", missing
    if choice.use(len(cpus)) != NO_CPU or choice.use(-2) != NO_CPU:
        return "a place that does not exist can be chosen", missing
    if choice.use(-1) or choice.current() != best:
        return "-1 does not choose the best", missing
    # Weights of f16 stay so only where the CPU converts them.
    if cpus == LEVELS and not has_half and several.model.weights_bytes > 1.1 * most:
        return f"{several.model.weights_bytes} bytes of weights, alone {most}", missing
    return None, missing


def emulate(folder):
    """What each emulated CPU chooses: (passed, reasons)."""
    digits = os.path.join(ROOT, "examples", "digits")
    compile_model(os.path.join(digits, "digits.onnx"), os.path.join(folder, "digits.o"), ["--cpu=multi"])
    program, main = os.path.join(folder, "choose"), os.path.join(folder, "choose.c")
    with open(main, "w") as file:
        file.write('#include "digits.h"\n#include <stdio.h>\n'
                   "static float image[DIGITS_IMAGE_NUMEL], probabilities[DIGITS_PROBABILITIES_NUMEL];\n"
                   "static _Alignas(DIGITS_WORKSPACE_ALIGN) unsigned char workspace[DIGITS_WORKSPACE_SIZE];\n"
                   "int main(void) {\n  float sum = 0;\n  int code = digits_run(image, probabilities, workspace);\n"
                   "  for (int i = 0; i < 10; ++i)\n    sum += probabilities[i];\n"
                   '  printf("%d %d %d\\n", digits_cpu(), code, sum > 0.999f && sum < 1.001f);\n  return 0;\n}\n')
    subprocess.run(["cc", "-static", "-Wall", "-Wextra", "-Werror", "-I" + folder, main, os.path.join(folder, "digits.o"),
                    "-o", program], check=True)
    reasons = []
    for cpu, place in EMULATED.items():
        output = subprocess.run(["qemu-x86_64", "-cpu", cpu, program], capture_output=True, text=True).stdout.strip()
        expected = f"{place} {NO_CPU} 0" if place < 0 else f"{place} 0 1"
        if output != expected:
            reasons.append(f"emulated {cpu}: place, code and sum are '{output}', expected '{expected}'")
    return len(EMULATED) - len(reasons), reasons


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", type=int, default=12, help="random ones")
    arguments = parser.parse_args()
    passed, failed, skipped = 0, 0, 0
    for name, model, inputs in list_models(arguments.graphs):
        lists = [LEVELS] if name.startswith("random") else [LEVELS, ["x86-64", "haswell", "icelake-server"]]
        for cpus in lists:
            with tempfile.TemporaryDirectory(prefix="nnc-cpus-") as folder:
                try:
                    reason, missing = check_model(model, inputs, cpus, folder)
                except (Broken, Refused) as error:
                    reason, missing = str(error), 0
            if missing:
                print(f"SKIP [{missing}] {name}: CPUs that this machine lacks")
            skipped += missing
            passed, failed = passed + (len(cpus) - missing) * (not reason), failed + bool(reason)
            if reason:
                print(f"FAIL {name} for {','.join(cpus)}: {reason}")
    if shutil.which("qemu-x86_64") and shutil.which("cc"):
        with tempfile.TemporaryDirectory(prefix="nnc-cpus-") as folder:
            right, reasons = emulate(folder)
        passed, failed = passed + right, failed + len(reasons)
        for reason in reasons:
            print("FAIL", reason)
    else:
        print(f"SKIP [{len(EMULATED)}] emulated CPUs: qemu-x86_64 or cc is missing")
        skipped += len(EMULATED)
    print(f"cpus: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
