#!/usr/bin/env python3
"""Gives nnc the files of test/fuzz/corpus, which reach much of each reader, or broke it once. Whatever a file says, nnc compiles it,
or ends with code 1 behind errors and leaves no file; a signal or a hang is a failure. Set NNC to test another build."""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, ROOT  # noqa: E402

CORPUS = os.path.join(ROOT, "test", "fuzz", "corpus")
TWO_FILES = {"Caffe", "Darknet"}  # a text, which ends at the first 0 byte, and weights
WITHOUT_FILES = {"OverFeat"}  # what its target gets is not a file of the format
LIMIT = 60  # seconds, with other work beside it


def list_files():
    for target in sorted(os.listdir(CORPUS)):
        if target not in WITHOUT_FILES:
            for name in sorted(os.listdir(os.path.join(CORPUS, target))):
                yield target, name


def split(target, data):
    """The files of the model, as the target makes them."""
    text, _, weights = data.partition(b"\0")
    is_text = text and all(byte >= 32 or byte in b"\t\n\v\f\r" for byte in text[:4096])
    return [text, weights] if target in TWO_FILES and weights and is_text else [data]


def run_one(target, name):
    """What is wrong, or None."""
    with open(os.path.join(CORPUS, target, name), "rb") as file:
        parts = split(target, file.read())
    with tempfile.TemporaryDirectory(prefix="nnc-corpus-") as folder:
        paths = [os.path.join(folder, f"model{number}") for number in range(len(parts))]
        for path, part in zip(paths, parts):
            with open(path, "wb") as file:
                file.write(part)
        output = os.path.join(folder, "corpus.o")
        try:
            result = subprocess.run([NNC, *paths, f"--format={target.lower()}", "-o", output, "-O0", "--cpu=x86-64-v2"],
                                    capture_output=True, text=True, errors="replace", timeout=LIMIT, check=False)
        except subprocess.TimeoutExpired:
            return f"no end within {LIMIT} s"
        if result.returncode not in (0, 1):
            return f"code {result.returncode}: {result.stderr.strip()[:300]}"
        if (result.returncode == 0) != os.path.exists(output):
            return f"code {result.returncode}, but the output is " + ("there" if os.path.exists(output) else "missing")
        if result.returncode == 1 and " error: " not in result.stderr:
            return "no error is told"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        files = list(list_files())
        for (target, name), problem in zip(files, pool.map(lambda file: run_one(*file), files)):
            passed, failed = passed + (not problem), failed + bool(problem)
            if problem:
                print(f"FAIL {target}/{name}: {problem}")
    print(f"fuzz_corpus: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
