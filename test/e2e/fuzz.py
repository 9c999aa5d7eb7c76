#!/usr/bin/env python3
"""Runs the libFuzzer targets of the readers (preset fuzz) for a while, each from the small models of mutate.py and the files of
test/fuzz/corpus. A crash, a report of a sanitizer, a hang, or a refusal without a word is a failure; the file is kept."""
import argparse
import collections
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutate  # noqa: E402
from compiled_model import ROOT  # noqa: E402

TARGETS = {"ONNX": ["ONNX"], "Caffe": ["Caffe"], "Darknet": ["darknet"], "Keras": ["Keras 2", "Keras 3"],
           "TFLite": ["TFLite"], "Ccv": ["libccv"], "OverFeat": []}
CORPUS = os.path.join(ROOT, "test", "fuzz", "corpus")
LARGEST = 1 << 16  # bytes of a seed


def write_seeds(sources, folder):
    """One file per model; a text and its weights are divided by a 0 byte."""
    for number, source in enumerate(sources):
        data = b"\0".join(contents for _, contents in source)
        if len(data) <= LARGEST:
            with open(os.path.join(folder, str(number)), "wb") as file:
                file.write(data)


def read_corpus(target):
    """The files that are kept for a target."""
    for path in sorted(glob.glob(os.path.join(CORPUS, target, "*"))):
        with open(path, "rb") as file:
            yield [("", file.read())]


def onnx_texts():
    """The models in text form of the lit tests."""
    for path in sorted(glob.glob(os.path.join(ROOT, "test", "**", "*.test"), recursive=True)):
        with open(path, encoding="utf-8") as file:
            parts = re.split(r"^#--- (\S+)\n|^//--- (\S+)\n", file.read(), flags=re.M)
        for first, second, text in zip(parts[1::3], parts[2::3], parts[3::3]):
            if (first or second).endswith(".onnxtxt"):
                yield [(".onnxtxt", text.encode())]


def onnx_operators():
    """The three smallest of ONNX's node tests for each operator, so that every operator's import is reached."""
    from onnx.backend.test.case.node import collect_testcases
    models = collections.defaultdict(set)
    for case in collect_testcases():
        models[case.model.graph.node[0].op_type].add(case.model.SerializeToString())
    return [[(".onnx", model)] for _, some in sorted(models.items()) for model in sorted(some, key=len)[:3]]


def fuzz(target, sources, seconds, keep):
    """None, or what is wrong; the number of files that were tried."""
    name = os.path.basename(target)
    with tempfile.TemporaryDirectory(prefix="nnc-fuzz-") as folder:
        write_seeds(sources, folder)
        result = subprocess.run(
            [target, "-seed=1", f"-max_total_time={seconds}", "-timeout=30", "-rss_limit_mb=4096", f"-max_len={LARGEST}",
             f"-artifact_prefix={os.path.join(keep, name)}-", "-print_final_stats=1", folder],
            capture_output=True, text=True, errors="replace", timeout=seconds + 300, check=False)
    runs = re.search(r"number_of_executed_units: (\d+)", result.stderr)
    if result.returncode:
        told = [line for line in result.stderr.splitlines() if "ERROR" in line or "runtime error" in line or "Test unit" in line]
        return f"code {result.returncode}: {' | '.join(told)[:400]}", 0
    return None, int(runs[1]) if runs else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"some of {', '.join(TARGETS)}; all unless given")
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "fuzz"))
    parser.add_argument("--keep", default=os.path.join(ROOT, "build", "check", "fuzz"), help="folder for failing files")
    arguments = parser.parse_args()
    os.makedirs(arguments.keep, exist_ok=True)
    formats = mutate.make_sources()
    formats["ONNX"] += [*onnx_texts(), *onnx_operators()]
    passed = failed = skipped = 0
    for name in arguments.targets or TARGETS:
        sources = [source for part in TARGETS[name] for source in formats.get(part, [])]
        if TARGETS[name] and not sources:
            print(f"SKIP {name}: this machine cannot write its files")
            skipped += 1
            continue
        sources += read_corpus(name)
        problem, runs = fuzz(os.path.join(arguments.build, "bin", "Fuzz" + name), sources, arguments.seconds, arguments.keep)
        passed, failed = passed + (not problem), failed + bool(problem)
        print(f"FAIL {name}: {problem}" if problem else f"{name}: {runs} files from {len(sources)}", flush=True)
    if not failed:
        shutil.rmtree(arguments.keep, ignore_errors=True)
    print(f"fuzz: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
