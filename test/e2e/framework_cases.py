#!/usr/bin/env python3
"""Models with inputs and outputs that the real frameworks recorded: the largest error of an output is at most 1e-4 of its
largest magnitude. The data are no part of the project: they lie in shared/data beside the repository, or where
NNC_FRAMEWORK_DATA says, one folder per framework and in it one per case (case.json, model files, .npy); without them
everything counts as skipped.

A case that nnc refuses is skipped with the reason. A case that its authors mark as `quirk` (a bug of the framework) may be
refused, not computed differently. `--json FILE` writes what utils/generate-formats-doc needs.
"""
import argparse
import collections
import json
import os
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import ROOT, Broken, CompiledModel, Refused, compile_model  # noqa: E402

DATA = os.environ.get("NNC_FRAMEWORK_DATA", os.path.join(os.path.dirname(ROOT), "shared", "data"))
TOLERANCE = 1e-4
# Of networks whose weights alone are quantised: the framework quantises activations on the way, nnc does not.
HYBRID_TOLERANCE = 1e-2
LIMIT = 120  # seconds per compilation


def load(folder, name):
    return np.load(os.path.join(folder, name))


class CaffeCase:
    """Outputs by name; a net for training gets the shapes of its inputs on the command line."""
    framework = "caffe"

    def __init__(self, folder, case):
        self.folder = folder
        self.files = [next(f for f in (case.get("prototxt", "net.prototxt"), "net.prototxt") if os.path.exists(
            os.path.join(folder, f))), case["model"]]
        self.inputs = {name: load(folder, file) for name, file in case["inputs"].items()}
        self.expected = {name: load(folder, file) for name, file in case["outputs"].items()}
        self.options = []
        if "run_prototxt" in case:
            self.options = [f"--shape={name}={','.join(map(str, a.shape))}" for name, a in self.inputs.items()]

    def run(self, model):
        arrays = [self.inputs[name].astype(np.float32) for name in model.input_names]
        outputs = dict(zip(model.output_names, model(arrays)))
        for name, expected in self.expected.items():
            if name not in outputs:
                raise Broken(f"no output {name}; there are {', '.join(outputs)}")
            yield name, outputs[name], expected


class DarknetCase:
    """Outputs in the order of the layers; recurrent nets are called several times, their state handed on by name."""
    framework = "darknet"

    def __init__(self, folder, case):
        self.folder, self.calls = folder, case["calls"]
        self.files = ["model.cfg"] + [f for f in ("model.weights",) if os.path.exists(os.path.join(folder, f))]
        self.input = load(folder, "input_0.npy")
        self.expected = [(name, load(folder, name)) for name in case["outputs"]]
        self.options = [f"--darknet-dialect={case['dialect']}"]

    def run(self, model):
        states = {}
        for tensor, name in zip(model.inputs[1:], model.input_names[1:]):
            states[name] = np.zeros([tensor.shape[d] for d in range(tensor.rank)], np.float32)
        for call in range(self.calls):
            array = self.input[call] if self.calls > 1 else self.input
            outputs = dict(zip(model.output_names, model([array.astype(np.float32), *states.values()])))
            states = {name: outputs.pop(name + "_next").copy() for name in states}
            if len(outputs) != len(self.expected):
                raise Broken(f"{len(outputs)} outputs, expected {len(self.expected)}")
            for actual, (name, expected) in zip(outputs.values(), self.expected):
                yield name, actual, expected[call] if self.calls > 1 else expected


class CcvCase:
    """What ccv_convnet_encode makes of one image."""
    framework = "ccv"

    def __init__(self, folder, case):
        self.folder, self.options, self.files = folder, [], ["model.sqlite3"]

    def run(self, model):
        expected = load(self.folder, "output_encode.npy")
        output, = model([load(self.folder, "input_encode.npy")[None]])
        yield "encode", output[0], expected.reshape(output.shape[1:]) if output.ndim == 2 else expected


def find(folder, pattern):
    return sorted(f for f in os.listdir(folder) if re.fullmatch(pattern, f))


class RealCaffe(CaffeCase):
    """A published network, in a folder with the files of its other formats."""

    def __init__(self, folder, case):
        inputs = {re.fullmatch(r"input_(.*)\.npy", f)[1]: f for f in find(folder, r"input_.*\.npy")}
        outputs = {re.fullmatch(r"output_(.*)\.npy", f)[1]: f for f in find(folder, r"output_.*\.npy")}
        super().__init__(folder, {"prototxt": find(folder, r".*\.prototxt")[0], "run_prototxt": "", "inputs": inputs,
                                  "model": find(folder, r".*\.caffemodel")[0], "outputs": outputs})


class RealDarknet(DarknetCase):
    """A published network; its input is an image of bytes."""

    def __init__(self, folder, case):
        self.folder, self.calls = folder, 1
        self.files = find(folder, r".*\.cfg") + find(folder, r".*\.weights")
        self.input = load(folder, "input_u8.npy").astype(np.float32) / 255
        self.expected = [(name, load(folder, name)) for name in find(folder, r"output_.*\.npy")]
        self.options = []


class RealTFLite:
    """A published network; inputs in the order of the file, quantised numbers as they are."""

    def __init__(self, folder, case):
        self.folder, self.files, stem = folder, [case["file"]], re.escape(os.path.splitext(case["file"])[0])
        oracle = case.get("oracle", {})
        recorded = oracle.get(case["file"], {}) if isinstance(oracle, dict) else {}
        self.options, self.calls = [], recorded.get("calls", 1) if isinstance(recorded, dict) else 1
        self.inputs = [load(folder, f) for f in find(folder, rf"input_{stem}(_\d+)?\.npy")]
        self.inputs += [load(folder, f).astype(np.float32) / 127.5 - 1 for f in find(folder, rf"input_{stem}_u8\.npy")]
        self.expected = {f: load(folder, f) for f in find(folder, rf"output_{stem}(_\d+)?\.npy")}
        # Else they are those of the same network in another format, by the outputs' names.
        self.named = {} if self.expected else {f[7:-4]: load(folder, f) for f in find(folder, r"output_.*\.npy")}

    def run(self, model):
        states = [model.get_initial_state(place) for place, _ in model.states]
        if self.calls > 1:
            yield from self.run_calls(model, states)
            return
        outputs = model(self.inputs + states)
        for name, actual in zip(model.output_names, outputs):
            if self.named and name.replace(":", "_") in self.named:
                yield name, actual, self.named[name.replace(":", "_")]
        for actual, (name, expected) in zip(outputs, self.expected.items()):
            yield name, actual, expected

    def run_calls(self, model, states):
        """Calls in a row, along a first axis of all that is recorded."""
        for call in range(self.calls):
            outputs = model([array[call] for array in self.inputs] + states)
            states = [outputs[place] for _, place in model.states]
            for actual, (name, expected) in zip(outputs, self.expected.items()):
                yield f"{name} call {call}", actual, expected[call]


class RealKeras:
    """A published .h5 file of one input and one output."""

    def __init__(self, folder, case):
        self.folder, self.options = folder, []
        self.files = find(folder, r".*\.(h5|hdf5|keras)")
        stem = self.files[0].split(".")[0]
        self.input = load(folder, find(folder, rf"input_{stem}(_h5|_fp32|)\.npy")[0])
        self.output = find(folder, rf"output_{stem}(_h5|)\.npy")[0]

    def run(self, model):
        array = self.input.astype(model.inputs[0].dtype)
        yield self.output, model([array])[0], load(self.folder, self.output)


FRAMEWORKS = {"caffe": CaffeCase, "ccv": CcvCase, "darknet": DarknetCase}
REAL = {"caffe": RealCaffe, "darknet": RealDarknet, "keras": RealKeras, "tflite": RealTFLite}


def tolerance_of(case):
    return HYBRID_TOLERANCE if "hybrid" in case["format"] else TOLERANCE


def compare(name, actual, expected, tolerance):
    """None, or a sentence about the difference."""
    if list(actual.shape) != list(expected.shape):
        return f"{name}: shape {list(actual.shape)}, expected {list(expected.shape)}"
    if expected.dtype.kind in "iu" and actual.dtype == expected.dtype:
        worst = np.abs(actual.astype(np.int64) - expected.astype(np.int64)).max(initial=0)
        return None if worst == 0 else f"{name}: {int((actual != expected).sum())} integers differ, by {worst} at most"
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    # What is not finite must be the same; -FLT_MAX stands for nothing, and would hide all other errors.
    special = ~np.isfinite(expected) | (np.abs(expected) > 1e38)
    if not np.array_equal(actual[special], expected[special], equal_nan=True):
        return f"{name}: NaN, infinity or the least number at another place"
    actual, expected = actual[~special], expected[~special]
    if not expected.size:
        return None
    scale = max(np.abs(expected).max(), 1e-30)
    error = np.abs(actual - expected).max() / scale
    return None if error <= tolerance else f"{name}: error {error:.2g} of the largest magnitude {scale:.3g}"


def run_case(framework, folder, case, output):
    """(status, reason) of one case."""
    try:
        item = (REAL if case.get("real") else FRAMEWORKS)[framework](folder, case)
        compile_model(os.path.join(folder, item.files[0]), output,
                      [*(os.path.join(folder, f) for f in item.files[1:]), "--emit=shared", "--name=m", *item.options],
                      timeout=LIMIT)
        model = CompiledModel(output, "m")
        for name, actual, expected in item.run(model):
            problem = compare(name, actual, expected, tolerance_of(case))
            if problem:
                return "fail", problem
        return "pass", ""
    except Refused as refused:
        text = next(line for line in str(refused).splitlines() if "error:" in line)
        return "refused", re.sub(r"^.*?error: ", "", text)
    except (Broken, OSError, KeyError) as problem:
        return "fail", str(problem) or repr(problem)


def list_cases(pattern):
    """Framework, folder, name and contents of case.json of each case."""
    for framework in FRAMEWORKS:
        root = os.path.join(DATA, framework)
        for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
            path = os.path.join(root, name, "case.json")
            if os.path.exists(path) and re.search(pattern, f"{framework}/{name}"):
                with open(path) as file:
                    yield framework, os.path.dirname(path), name, json.load(file)
    root = os.path.join(DATA, "models")
    for name in sorted(os.listdir(root)) if os.path.isdir(root) else []:
        path = os.path.join(root, name, "case.json")
        if not os.path.exists(path) or not re.search(pattern, f"models/{name}"):
            continue
        with open(path) as file:
            case = json.load(file)
        for framework in REAL:
            if not re.search(rf"\b{framework}\b", case["format"]):
                continue
            place = os.path.dirname(path)
            if framework != "tflite":
                yield framework, place, name, {**case, "real": True}
                continue
            for file in find(place, r".*\.tflite"):
                yield framework, place, os.path.splitext(file)[0], {**case, "real": True, "file": file}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="regular expression that framework/case must match")
    parser.add_argument("--json", help="file for the results")
    parser.add_argument("-v", action="store_true", help="name cases that pass")
    arguments = parser.parse_args()
    cases = list(list_cases(arguments.pattern))
    if not cases:
        print(f"SKIP no recorded cases of frameworks: {'none match' if arguments.pattern else 'the data are not there'}")
        print("frameworks: 0 passed, 0 failed, 1 skipped")
        return 0
    results, counts, reasons = [], collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number, (framework, place, name, case) in enumerate(cases):
            output = os.path.join(folder, f"{number}.so")
            status, reason = run_case(framework, place, case, output)
            if os.path.exists(output):
                os.remove(output)
            counts[status] += 1
            results.append({"framework": framework, "case": name, "status": status, "reason": reason,
                            "quirk": bool(case.get("quirk")), "real": bool(case.get("real")), "layers": case["layers"]})
            if status == "refused":
                reasons[f"{framework}: {re.sub(chr(39) + '[^' + chr(39) + ']*' + chr(39), '...', reason)}"] += 1
            if status == "fail" or arguments.v:
                print({"fail": "FAIL", "pass": "pass", "refused": "refused"}[status], f"{framework}/{name}", reason,
                      flush=True)
    for reason, number in sorted(reasons.items()):
        print(f"SKIP [{number}] {reason}")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(results, file, indent=1)
    print(f"frameworks: {counts['pass']} passed, {counts['fail']} failed, {counts['refused']} skipped")
    return 1 if counts["fail"] else 0


if __name__ == "__main__":
    sys.exit(main())
