#!/usr/bin/env python3
"""Generates tokens with a small decoder-only transformer (models/decoder.py): a prompt at once, then a token at a time, with
the cache of keys and values as inputs and outputs. Tokens must be ONNX Runtime's, logits within 1e-4 of their largest
magnitude. Each form of the cache with run-time extents, with --weights=extern, and with a fixed batch.

With --bench it writes a larger one and compares the tokens per second of both, in turns:
test/e2e/decoder.py --bench --layers 12 --width 768 --heads 12 --groups 4 --inner 2048 --words 32000 --capacity 512
"""
import argparse
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model  # noqa: E402
from models import decoder  # noqa: E402

TOLERANCE = 1e-4
PROMPT, COUNT = 9, 30


def open_session(path, threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def runs_session(session):
    """A function from inputs to outputs, by name."""
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, inputs)))


def runs_compiled(model):
    return lambda inputs: dict(zip(model.output_names, map(np.array, model([inputs[name] for name in model.input_names]))))


def make(form, size, folder):
    path = os.path.join(folder, form + ".onnx")
    onnx.save(decoder.build(form, size), path)
    return path


def make_prompt(size, batch, length):
    return np.random.default_rng(5).integers(0, size.words, (batch, length))


def compare(form, folder, batch, options):
    """None, or what is wrong with the tokens of one compilation."""
    size = decoder.Size(layers=2)
    path, library = make(form, size, folder), os.path.join(folder, "decoder.so")
    compile_model(path, library, ["--emit=shared", "--name=decoder", *options])
    prompt = make_prompt(size, batch, PROMPT)
    expected, wanted = decoder.generate(runs_session(open_session(path)), form, size, prompt, COUNT)
    actual, logits = decoder.generate(runs_compiled(CompiledModel(library, "decoder")), form, size, prompt, COUNT)
    if not (actual == expected).all():
        return f"tokens {actual.tolist()}, ONNX Runtime's {expected.tolist()}"
    error = max(np.abs(a - w).max() / np.abs(w).max() for a, w in zip(logits, wanted))
    if not error <= TOLERANCE:
        return f"logits differ by {error:.1e} of their largest magnitude"
    if len(np.unique(expected)) < COUNT // 3:
        return "the tokens repeat: they prove little"
    return None


def check_all(forms):
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    usual = ((1, []), (2, ["--weights=extern"]), (1, ["--shape=batch=1"]))
    cases = [(form, *case) for form in forms for case in usual]
    for form, batch, options in cases:
        name = " ".join([form, f"batch {batch}", *options])
        with tempfile.TemporaryDirectory(prefix="nnc-decoder-") as folder:
            try:
                wrong = compare(form, folder, batch, options)
            except (Broken, Refused) as error:
                wrong = str(error)
        counts["failed" if wrong else "passed"] += 1
        print(f"FAIL {name}: {wrong}" if wrong else f"ok   {name}", flush=True)
    print("decoder: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


def take_turns(bodies, rounds):
    """Median seconds of each function."""
    times = [[] for _ in bodies]
    for number in range(rounds + 1):
        for body, list_of_times in zip(bodies, times):
            begin = time.perf_counter()
            body()
            if number:  # the first run finds cold caches
                list_of_times.append(time.perf_counter() - begin)
    return [statistics.median(t) for t in times]


def bench(form, size, length, context, rounds, folder, options):
    """Tokens per second of a prompt, and of one token behind a context."""
    path, library = make(form, size, folder), os.path.join(folder, "decoder.so")
    start = time.time()
    compile_model(path, library, ["--emit=shared", "--name=decoder", *options], timeout=1200)
    print(f"{form}: compiled in {time.time() - start:.1f} s")
    session, compiled = open_session(path), CompiledModel(library, "decoder")
    rng = np.random.default_rng(6)
    for what, count, past in (("prompt", length, 0), ("decode", 1, context)):
        inputs = {**decoder.make_inputs(form, make_prompt(size, 1, count), past), **decoder.first_cache(form, size, 1)}
        for name in inputs:
            if name.startswith("past"):
                shape = list(inputs[name].shape)
                shape[2] = size.capacity if form == "scatter" else past
                inputs[name] = rng.standard_normal(shape, np.float32)
        ours, collect = compiled.prepare([inputs[name] for name in compiled.input_names])
        ours()
        theirs = session.run(["logits"], inputs)[0]
        error = np.abs(collect()[0] - theirs).max() / np.abs(theirs).max()
        nnc, ort = take_turns([ours, lambda: session.run(None, inputs)], rounds)  # pylint: disable=cell-var-from-loop
        print(f"{form}, {what} of {count} behind {past}: nnc {1e3 * nnc:.2f} ms, {count / nnc:.1f} tokens/s; ONNX Runtime "
              f"{1e3 * ort:.2f} ms, {count / ort:.1f} tokens/s; {nnc / ort:.2f}; error {error:.1e}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench", action="store_true")
    parser.add_argument("--forms", default=",".join(decoder.FORMS))
    for name, value in vars(decoder.Size()).items():
        if name != "head":
            parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--prompt", type=int, default=128, help="tokens of the prompt that is timed")
    parser.add_argument("--context", type=int, default=128, help="tokens before the one that is timed")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--options", default="", help="of nnc")
    parser.add_argument("--write", help="only write the models into this folder")
    arguments = parser.parse_args()
    size = decoder.Size(*(getattr(arguments, name) for name in vars(decoder.Size()) if name != "head"))
    forms = arguments.forms.split(",")
    if arguments.write:
        for form in forms:
            print(make(form, size, arguments.write))
        return 0
    if not arguments.bench:
        return check_all(forms)
    with tempfile.TemporaryDirectory(prefix="nnc-decoder-") as folder:
        for form in forms:
            bench(form, size, arguments.prompt, arguments.context, arguments.rounds, folder, arguments.options.split())
    return 0


if __name__ == "__main__":
    sys.exit(main())
