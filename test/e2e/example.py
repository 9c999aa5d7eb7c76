#!/usr/bin/env python3
"""examples/digits: the committed network, compiled and linked into main.c by plain cc, reads each sample image; training
it again reaches the accuracy that the example promises."""
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, ROOT  # noqa: E402

EXAMPLE = os.path.join(ROOT, "examples", "digits")


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


def main():
    passed = failed = 0

    def check(what, condition, otherwise):
        nonlocal passed, failed
        passed, failed = passed + bool(condition), failed + (not condition)
        print(f"ok   {what}" if condition else f"FAIL {what}: {otherwise}")

    with tempfile.TemporaryDirectory(prefix="nnc-example-") as folder:
        run(NNC, os.path.join(EXAMPLE, "digits.onnx"), "-o", os.path.join(folder, "digits.o"))
        run("cc", "-I.", os.path.join(EXAMPLE, "main.c"), "digits.o", "-o", "reader", cwd=folder)
        for digit in range(10):
            output = run(os.path.join(folder, "reader"), os.path.join(EXAMPLE, "images", f"{digit}.pgm"))
            check(f"image of a {digit}", f"This is a {digit} " in output, output.splitlines()[-1])
        output = run(sys.executable, os.path.join(EXAMPLE, "train.py"), "--output", os.path.join(folder, "again.onnx"))
        found = re.search(r"([\d.]+) % of those", output)
        check("accuracy of a new training", found and float(found[1]) > 97, output)
    print(f"example: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
