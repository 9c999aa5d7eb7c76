#!/usr/bin/env python3
"""Other machines than this one. ONNX's backend node tests are compiled for each target,
with constant weights and with run-time extents.
Where a cross compiler and qemu-user are there, the objects also run, and must give the recorded outputs."""
import argparse
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import ROOT, Broken, Refused, compile_model  # noqa: E402
from onnx_node_tests import (CASES, Skipped, collect, compare_results, for_memory, make_form, supported_ops,  # noqa: E402
                             to_array, used_ops)

# Target -> the C compiler and the emulator that can run its programs.
RUN = {
    "aarch64-linux-gnu": ("aarch64-linux-gnu-gcc", "qemu-aarch64"),
    "armv7-linux-gnueabihf": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
    "riscv64-linux-gnu": ("riscv64-linux-gnu-gcc", "qemu-riscv64"),
    "armv7 without NEON": ("arm-linux-gnueabihf-gcc", "qemu-arm"),
}
# Where nnc needs more than the triple.
OPTIONS = {"armv7 without NEON": ["--target=armv7-linux-gnueabihf", "--features=-neon"]}
WITHOUT_FLOATS = ["thumbv6m-none-eabi", "riscv32-none-elf"]
COMPILE = ["thumbv7em-none-eabihf", "thumbv6m-none-eabi", "riscv32-none-elf", "wasm32", "x86_64-pc-windows-msvc",
           "i686-linux-gnu", "arm64-apple-macosx12"]
# A few of each family of operators; one of each group runs with and without run-time extents.
SAMPLE = ("^test_(softmax_axis_1|matmul_3d|gemm_all_attributes|basic_conv_with_padding|conv_with_strides_padding|convtranspose_pad|"
          "maxpool_2d_pads|averagepool_2d_strides|layer_normalization_4d_axis1|batchnorm_example|lstm_with_peepholes|"
          "gru_with_initial_bias|reduce_sum_keepdims_random|argmax_default_axis_random|cumsum_2d_axis_1|top_k|gather_1|"
          "scatter_elements_with_axis|resize_upsample_scales_linear|transpose_all_permutations_3|concat_2d_axis_0|"
          "slice_neg_steps|pad|floor|ceil|round|erf|pow_bcast_array|exp|log|tanh|sin|atan|sqrt|mod_mixed_sign_float32|"
          "mod_mixed_sign_int64|div|cast_FLOAT_to_FLOAT16|cast_FLOAT16_to_FLOAT|cast_FLOAT_to_DOUBLE|cast_FLOAT_to_BFLOAT16|"
          "gelu_default_1|qlinearconv|matmulinteger|quantizelinear|dynamicquantizelinear|det_2d|where_example|"
          "nonmaxsuppression_center_point_box_format|if|loop11|isnan|bitshift_left_uint64|logsoftmax_axis_1)$")


def make_driver(target, folder):
    """The compiled run_model.c, or None where this target's programs cannot run here."""
    compiler, emulator = RUN.get(target, (None, None))
    if not compiler or not shutil.which(compiler) or not shutil.which(emulator):
        return None
    driver = os.path.join(folder, target + ".o")
    subprocess.run([compiler, "-O1", "-DMODEL=model_model", "-I" + os.path.join(ROOT, "include"), "-c",
                    os.path.join(ROOT, "test", "e2e", "run_model.c"), "-o", driver], check=True)
    return driver


def get_extents(interface, arrays):
    """The run-time extents in the header's order, read off the inputs."""
    extents = {}
    for tensor, array in zip(interface["inputs"], arrays):
        for extent, actual in zip(tensor["shape"], array.shape):
            if isinstance(extent, str):
                extents.setdefault(extent, actual)
    return np.array(list(extents.values()), np.int64)


def read_outputs(data, interface, expected):
    """The outputs as run_model.c writes them; those of types that numpy lacks as their bits."""
    at = 0
    for tensor, wanted in zip(interface["outputs"], expected):
        rank = len(tensor["shape"])
        shape = np.frombuffer(data, np.int64, rank, at)
        dtype = for_memory(wanted).dtype
        count = int(np.prod(shape))
        at += 8 * rank
        yield np.frombuffer(data, dtype, count, at).reshape(shape)
        at += count * dtype.itemsize
    if at != len(data):
        raise Broken(f"{len(data)} bytes of outputs, expected {at}")


def execute(target, driver, objects, case, arrays, interface):
    """Links and runs the model under the emulator; None, or what is wrong."""
    compiler, emulator = RUN[target]
    program = os.path.join(objects, "program")
    subprocess.run([compiler, "-static", driver, os.path.join(objects, "model.o"), "-o", program], check=True)
    arrays = [for_memory(a) for a in arrays]
    data = get_extents(interface, arrays).tobytes() + b"".join(np.require(a, requirements="C").tobytes() for a in arrays)
    try:
        result = subprocess.run([emulator, program], input=data, capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "did not end under the emulator"
    if result.returncode:
        return f"ended with code {result.returncode} under the emulator"
    return compare_results(case, list(read_outputs(result.stdout, interface, [to_array(a) for a in case.data_sets[0][1]])))


def run_case(job):
    """(case, form, target, driver) -> (name, 'passed' | 'failed' | 'skipped', reason)."""
    index, form, target, driver = job
    case = CASES[index]
    name = f"{case.name}/{form} for {target}"
    try:
        model, arrays = make_form(case, form)
        with tempfile.TemporaryDirectory(prefix="nnc-target-") as folder:
            source, output = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.o")
            report = os.path.join(folder, "model.json")
            onnx.save(model, source)
            try:
                compile_model(source, output, [], 120)
            except Refused as reason:
                raise Skipped(str(reason)) from None
            try:
                compile_model(source, output, [*OPTIONS.get(target, [f"--target={target}"]), "--report=" + report], 120)
            except Refused as reason:
                if target in WITHOUT_FLOATS and "has no instructions for them" in str(reason):
                    raise Skipped(str(reason)) from None  # square roots, which no compiler's runtime has
                raise
            if not driver:
                return name, "passed", None
            with open(report, encoding="utf-8") as file:
                interface = json.load(file)
            reason = execute(target, driver, folder, case, arrays, interface)
            return name, "failed" if reason else "passed", reason
    except Skipped as reason:
        return name, "skipped", str(reason)
    except (Refused, Broken, subprocess.CalledProcessError, ValueError) as error:
        return name, "failed", str(error).splitlines()[0][:300]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default=SAMPLE, help="only tests whose name contains this expression")
    parser.add_argument("--targets", default=",".join([*RUN, *COMPILE]))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    arguments = parser.parse_args()
    CASES.extend(collect(arguments.pattern))
    supported = supported_ops()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    with tempfile.TemporaryDirectory(prefix="nnc-targets-") as folder:
        jobs = []
        for target in arguments.targets.split(","):
            driver = make_driver(target, folder)
            if target in RUN and not driver:
                print(f"SKIP running the programs for {target}: needs {' and '.join(RUN[target])}")
                counts["skipped"] += 1
            jobs += [(index, form, target, driver) for index, case in enumerate(CASES) for form in ("constant", "dynamic")
                     if set(used_ops(case.model.graph)) <= supported]
        with multiprocessing.get_context("fork").Pool(arguments.jobs) as pool:
            for name, verdict, reason in pool.imap(run_case, jobs, chunksize=4):
                counts[verdict] += verdict != "skipped"
                if verdict == "failed":
                    print(f"FAIL {name}: {reason}", flush=True)
    print(f"targets: {counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
