#!/usr/bin/env python3
"""Whole networks, compiled by nnc and compared with ONNX Runtime (or with recorded outputs): the largest error is at most
1e-4 of the output's largest magnitude, and the largest element is the same one. For each network the table also has
compile seconds, the compiler's peak memory, the workspace against its lower bound, the object's size, and the median time
of a run on one thread beside ONNX Runtime's, taken in turns in one process.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, ROOT, Broken, CompiledModel  # noqa: E402
from models import bert, light, mobilenet, pretrained  # noqa: E402

TOLERANCE = 1e-4
COMPILE_LIMIT = 600  # seconds
LIGHT_INPUT_SEED = 7


class Network:
    """One row of the table. `make(folder)` returns the model's path and its inputs."""

    def __init__(self, name, make, options=(), expected=None, required=True, timed=True):
        self.name, self.make, self.options, self.expected = name, make, list(options), expected
        self.required, self.timed = required, timed


def save(model, folder):
    path = os.path.join(folder, "model.onnx")
    onnx.save(model, path)
    return path


def digits(_):
    rng = np.random.default_rng(1)
    return os.path.join(ROOT, "examples", "digits", "digits.onnx"), [rng.random((1, 1, 8, 8), np.float32)]


def light_as_given(name):
    def make(folder):
        model = light.load(name)
        return save(model, folder), [light.recorded_input(model)]
    return make


def light_random(name):
    def make(folder):
        model = light.randomise(light.load(name), seed=1)
        return save(model, folder), [light.random_input(model, LIGHT_INPUT_SEED)]
    return make


def make_mobilenet(folder):
    image = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    return save(mobilenet.build(), folder), [image]


def from_package(folder, name):
    return lambda _: (pretrained.path_of(folder, name), pretrained.inputs_of(name))


def shape_options(path, inputs):
    """--shape for each input with symbolic extents."""
    model = onnx.load(path, load_external_data=False)
    weights = {t.name for t in model.graph.initializer}
    values = [v for v in model.graph.input if v.name not in weights]
    options = []
    for value, array in zip(values, inputs):
        dimensions = value.type.tensor_type.shape.dim
        if array.ndim and [d.dim_value for d in dimensions] != list(array.shape):
            options.append(f"--shape={value.name}=" + ",".join(map(str, array.shape)))
    return options


def list_networks(downloads):
    """All networks, and {name: reason} of those whose files cannot be had."""
    networks = [Network("digits", digits)]
    for name in light.NAMES:
        networks.append(Network(f"{name} (as given)", light_as_given(name), timed=False,
                                expected=lambda name=name: [light.recorded_output(name)]))
        networks.append(Network(name, light_random(name)))
    networks.append(Network("mobilenet-v2", make_mobilenet))
    networks.append(Network("bert-base", lambda folder: (save(bert.build(), folder), bert.inputs())))
    missing, skips = pretrained.fetch(downloads), {}
    for name, (package, _, _, required) in pretrained.NETWORKS.items():
        if package in missing:
            skips[name] = missing[package]
            continue
        make = from_package(downloads, name)
        path, inputs = make(None)
        options = shape_options(path, inputs)
        networks.append(Network(name, make, options, required=required))
        if options:
            networks.append(Network(f"{name} (run-time extents)", make, required=False))
    return networks, skips


def peak_memory(pid):
    """Peak resident MiB of a running process; None where it has ended."""
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) / 1024
    except (OSError, TypeError):
        return None


def compile_measured(path, output, options):
    """Runs nnc; returns (exit code, messages, seconds, peak MiB)."""
    with tempfile.TemporaryFile("w+", errors="replace") as log:
        begin, peak = time.time(), 0
        process = subprocess.Popen([NNC, path, "-o", output, *options], stdout=log, stderr=log)
        while process.poll() is None:
            if time.time() - begin > COMPILE_LIMIT:
                process.kill()
                process.wait()
                return -1, f"nnc did not end within {COMPILE_LIMIT} s", time.time() - begin, 0
            peak = max(peak, peak_memory(process.pid) or 0)
            time.sleep(0.005)
        seconds = time.time() - begin
        log.seek(0)
        return process.returncode, log.read().strip(), seconds, peak


def open_session(path):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def take_turns(ours, theirs, seconds):
    """Median milliseconds of both, run alternately."""
    times = ([], [])
    start = time.perf_counter()
    while len(times[0]) < 5 or (time.perf_counter() - start < seconds and len(times[0]) < 2000):
        for body, list_of_times in zip((ours, theirs), times):
            begin = time.perf_counter()
            body()
            list_of_times.append(1000 * (time.perf_counter() - begin))
    return [sorted(t)[len(t) // 2] for t in times]


def run_and_compare(network, path, inputs, library, seconds):
    """In a process of its own: the differences found, and the times."""
    model = CompiledModel(library, "model")
    session = open_session(path)
    names = [i.name for i in session.get_inputs()]
    by_name = dict(zip(names, inputs))
    expected = network.expected() if network.expected else session.run(None, by_name)
    run, collect = model.prepare([by_name[name] for name in model.input_names])
    run()
    results, worst = [np.array(r) for r in collect()], 0.0
    if len(results) != len(expected):
        raise Broken(f"{len(results)} outputs, expected {len(expected)}")
    for name, actual, wanted in zip(model.output_names, results, map(np.asarray, expected)):
        if actual.shape != wanted.shape:
            raise Broken(f"{name}: shape {list(actual.shape)}, expected {list(wanted.shape)}")
        a, w = actual.astype(np.float64), wanted.astype(np.float64)
        if np.isnan(a).any() != np.isnan(w).any():
            raise Broken(f"{name}: has {int(np.isnan(a).sum())} NaNs")
        scale = np.abs(w).max(initial=0)
        error = np.abs(a - w).max(initial=0) / (scale or 1)
        worst = max(worst, float(error))
        if not error <= TOLERANCE:
            raise Broken(f"{name}: largest error {error:.2e} of the largest magnitude {scale:.4g}")
        if not network.expected and a.size > 1 and a.argmax() != w.argmax():
            raise Broken(f"{name}: the largest element is {a.argmax()}, expected {w.argmax()}")
    run()
    if any(again.tobytes() != first.tobytes() for again, first in zip(collect(), results)):
        raise Broken("a second run gives another result")
    row = {"error": worst}
    if network.timed:
        row["ms"], row["ort_ms"] = take_turns(run, lambda: session.run(None, by_name), seconds)
    return row


def in_child(body, limit=300):
    """Runs body() in a child process bound to one CPU; returns its result, or raises Broken."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        import signal
        signal.alarm(limit)
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        try:
            answer = {"row": body()}
        except Exception as error:  # pylint: disable=broad-except
            answer = {"error": f"{error}" if isinstance(error, Broken) else f"{type(error).__name__}: {error}"}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        raise Broken(f"died of signal {os.WTERMSIG(status)}")
    answer = json.loads(answer)
    if "error" in answer:
        raise Broken(answer["error"])
    return answer["row"]


def check(network, seconds):
    """(verdict, reason, row) of one network."""
    row = {"name": network.name}
    with tempfile.TemporaryDirectory(prefix="nnc-network-") as folder:
        path, inputs = network.make(folder)
        library, report = os.path.join(folder, "model.so"), os.path.join(folder, "report.json")
        options = ["--emit=shared", "--name=model", f"--report={report}", *network.options]
        code, messages, row["compile_s"], row["compile_mib"] = compile_measured(path, library, options)
        if code == 1 and "error:" in messages and not network.required:
            return "skipped", "refused: " + re.sub(r"^.*?error: ", "", messages.splitlines()[0]), row
        if code != 0:
            return "failed", f"nnc ended with code {code}: " + " | ".join(messages.splitlines()[:6]), row
        if os.path.exists(report):
            with open(report, encoding="utf-8") as file:
                sizes = json.load(file)["sizes"]
            row.update({"arena": sizes.get("workspace", 0), "bound": sizes.get("workspace_lower_bound", 0),
                        "object": sizes.get("object", 0), "code": sizes.get("code", 0)})
        try:
            row.update(in_child(lambda: run_and_compare(network, path, inputs, library, seconds)))
        except Broken as error:
            return "failed", str(error), row
    if row.get("bound") and row["arena"] > 1.05 * row["bound"] + 4096:
        return "failed", f"the workspace of {row['arena']} bytes exceeds its lower bound {row['bound']} by over 5 %", row
    return "passed", None, row


def format_table(rows):
    lines = ["| network | compile s | compiler MiB | arena KiB | lower bound KiB | object MiB | error | nnc ms | ORT ms |",
             "|---|---|---|---|---|---|---|---|---|"]

    def cell(row, key, scale, digits):
        return f"{row[key] / scale:.{digits}f}" if key in row else "-"

    for row in rows:
        error = f"{row['error']:.1e}" if "error" in row else "-"
        lines.append(f"| {row['name']} | {cell(row, 'compile_s', 1, 1)} | {cell(row, 'compile_mib', 1, 0)} | "
                     f"{cell(row, 'arena', 1024, 0)} | {cell(row, 'bound', 1024, 0)} | {cell(row, 'object', 2**20, 1)} | "
                     f"{error} | {cell(row, 'ms', 1, 3)} | {cell(row, 'ort_ms', 1, 3)} |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pattern", nargs="?", default="", help="only networks whose name contains this expression")
    parser.add_argument("--downloads", default=os.path.join(ROOT, "build", "models"))
    parser.add_argument("--output", default=os.path.join(ROOT, "build", "check", "networks"), help="of the .md and .json")
    parser.add_argument("--seconds", type=float, default=2, help="how long to time each network")
    arguments = parser.parse_args()

    networks, missing = list_networks(arguments.downloads)
    rows, counts = [], {"passed": 0, "failed": 0, "skipped": 0}
    for name, reason in missing.items():
        if re.search(arguments.pattern, name):
            counts["skipped"] += 1
            print(f"SKIP {name}: {reason}")
    for network in networks:
        if not re.search(arguments.pattern, network.name):
            continue
        verdict, reason, row = check(network, arguments.seconds)
        counts[verdict] += 1
        rows.append(row)
        if verdict == "passed":
            print(f"ok   {network.name}: error {row['error']:.1e}, compiled in {row['compile_s']:.1f} s" +
                  (f", {row['ms']:.3f} ms (ONNX Runtime {row['ort_ms']:.3f} ms)" if "ms" in row else ""), flush=True)
        else:
            print(f"{'FAIL' if verdict == 'failed' else 'SKIP'} {network.name}: {reason}", flush=True)
    os.makedirs(os.path.dirname(arguments.output), exist_ok=True)
    with open(arguments.output + ".md", "w", encoding="utf-8") as file:
        file.write(format_table(rows))
    with open(arguments.output + ".json", "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
    print("networks: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
