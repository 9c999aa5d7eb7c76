"""What generated code costs, without a clock: instructions of one run, counted by callgrind, within 2 % of the stored values
(code_guard.json; --update writes them), and the inner loops of register tiles, read in the assembly: no spills, no scalar
multiply-adds.

valgrind knows no AVX-512: instructions are counted for AVX2, assembly is read for AVX2 and AVX-512.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import onnx

from compiled_model import NNC
from models.graph_builder import FLOAT, GraphBuilder

STORED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "code_guard.json")
ACCEPTED = 0.02
TILE_MULTIPLY_ADDS = 8  # a loop with as many, and a broadcast input, is the inner loop of a register tile
# Spills that are known: with 16 registers a first layer's unrolled channels do not fit.
KNOWN_SPILLS = {("small image network", "x86-64-v3")}
MAIN = """#include "model.h"
#include <stdlib.h>
int main(void) {{
  float *input = aligned_alloc(64, {inputs} * 4 + 64 & -64), *output = aligned_alloc(64, {outputs} * 4 + 64 & -64);
  void *workspace = aligned_alloc(64, MODEL_WORKSPACE_SIZE + 64 & -64);
  for (long i = 0; i < {inputs}; ++i) input[i] = (i % 17) * 0.1f - 0.8f;
  return model_run(input, output, workspace);
}}
"""


def single(shape, *nodes):
    """A model of `nodes`, each a function from the builder and a value to a value."""
    def make():
        graph, value = GraphBuilder(5), "x"
        for node in nodes:
            value = node(graph, value)
        model = graph.model("guard", {"x": (FLOAT, shape)}, {value: (FLOAT, None)}, 17)
        return onnx.shape_inference.infer_shapes(model)
    return make


def conv(outputs, inputs, size, **attributes):
    return lambda g, x: g.node("Conv", x, g.normal((outputs, inputs, size, size), 0.1), g.normal((outputs,), 0.1), **attributes)


def matmul(rows, columns):
    return lambda g, x: g.node("MatMul", x, g.normal((rows, columns), 0.1))


def op(name, **attributes):
    return lambda g, x: g.node(name, x, **attributes)


PAD = {"pads": [1, 1, 1, 1]}
CASES = {
    "matmul": single((60, 256), matmul(256, 192)),
    "vector by matrix": single((1, 512), matmul(512, 256)),
    "conv 1x1": single((1, 64, 14, 14), conv(96, 64, 1)),
    "conv 3x3, stride 2": single((1, 32, 28, 28), conv(64, 32, 3, strides=[2, 2], **PAD)),
    "conv 3x3, Winograd": single((1, 64, 28, 28), conv(64, 64, 3, **PAD)),
    "depthwise": single((1, 64, 28, 28), conv(64, 1, 3, group=64, **PAD)),
    "softmax": single((64, 160), op("Softmax", axis=-1)),
    "max pool": single((1, 32, 28, 28), op("MaxPool", kernel_shape=[3, 3], strides=[2, 2])),
    "small image network": single((1, 3, 32, 32), conv(16, 3, 3, **PAD), op("Relu"), conv(32, 16, 3, strides=[2, 2], **PAD),
                                  op("Relu"), conv(32, 32, 3, **PAD), op("Relu"), op("GlobalAveragePool"), op("Flatten"),
                                  matmul(32, 10), op("Softmax", axis=-1)),
}


def run(*command, cwd=None):
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    if result.returncode:
        raise RuntimeError(f"{os.path.basename(command[0])}: {(result.stderr or result.stdout).strip()[-300:]}")
    return result.stdout


def elements(value):
    count = 1
    for dimension in value.type.tensor_type.shape.dim:
        count *= dimension.dim_value
    return count


def count_instructions(model, folder):
    """Of one run of the AVX2 object in `folder`, not of what is around it."""
    with open(os.path.join(folder, "main.c"), "w", encoding="utf-8") as file:
        file.write(MAIN.format(inputs=elements(model.graph.input[0]), outputs=elements(model.graph.output[0])))
    run("cc", "-O1", "-w", "main.c", "model.o", "-o", "main", cwd=folder)
    run("valgrind", "--tool=callgrind", "--callgrind-out-file=counts", "--toggle-collect=model_run", "./main", cwd=folder)
    with open(os.path.join(folder, "counts"), encoding="utf-8") as file:
        return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M)[1])


def find_inner_loops(listing):
    """(function, instructions) of each loop without another one inside."""
    function, lines = "", []
    for line in listing.splitlines():
        header = re.match(r"^[0-9a-f]+ <(.+)>:$", line)
        if header:
            function, lines = header[1], []
            continue
        found = re.match(r"^\s*([0-9a-f]+):\s+(\S.*)$", line)
        if not found:
            continue
        address, text = int(found[1], 16), found[2]
        lines.append((address, text))
        jump = re.match(r"j\w+\s+([0-9a-f]+)\b", text)
        if jump and int(jump[1], 16) < address:
            body = [t for a, t in lines if a >= int(jump[1], 16)]
            if not any(re.match(r"j", t) for t in body[:-1]):
                yield function, body


def is_broadcast_input(text):
    """Constants are broadcast from fixed addresses."""
    return "%rip" not in text and ("vbroadcastss" in text or "{1to" in text)


def inspect(path):
    """Sentences about inner loops of register tiles that are not what they should be, and how many loops there are."""
    problems, loops = [], 0
    for function, body in find_inner_loops(run("objdump", "-d", "--no-show-raw-insn", path)):
        packed = sum(bool(re.match(r"vfn?m(add|sub)\w*ps\b", text)) for text in body)
        if any(re.match(r"vfn?m(add|sub)\w*ss\b", text) for text in body):
            problems.append(f"{function}: scalar multiply-adds in a loop")
        if packed < TILE_MULTIPLY_ADDS or not any(map(is_broadcast_input, body)):
            continue
        loops += 1
        if any(re.search(r"\(%rsp\b", text) and re.search(r"%[xyz]mm", text) for text in body):
            problems.append(f"{function}: a vector is spilled in the loop with {packed} multiply-adds")
    return problems, loops


def check(name, make, stored, counts):
    """None or what is wrong; adds to `counts`."""
    with tempfile.TemporaryDirectory(prefix="nnc-guard-") as folder:
        model, path = make(), os.path.join(folder, "model.onnx")
        onnx.save(model, path)
        for cpu in ("x86-64-v4", "x86-64-v3"):
            run(NNC, path, "-o", os.path.join(folder, "model.o"), "--name=model", "--cpu=" + cpu)
            problems, loops = inspect(os.path.join(folder, "model.o"))
            if problems and (name, cpu) not in KNOWN_SPILLS:
                return f"{cpu}: {problems[0]}" + (f" and {len(problems) - 1} more" if len(problems) > 1 else "")
            if not loops and name.startswith(("matmul", "conv")):
                return f"{cpu}: no inner loop of a register tile found"
        counts[name] = count_instructions(model, folder)
    if stored is None:
        return "no stored value; --update writes it"
    change = counts[name] / stored - 1
    return None if abs(change) <= ACCEPTED else f"{counts[name]} instructions, stored are {stored}: {100 * change:+.1f} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="store what is counted now")
    arguments = parser.parse_args()
    if not shutil.which("valgrind"):
        print(f"SKIP [{len(CASES)}] valgrind is not installed\nguard: 0 passed, 0 failed, {len(CASES)} skipped")
        return 0
    stored, counts, failed = {}, {}, 0
    if os.path.exists(STORED):
        with open(STORED, encoding="utf-8") as file:
            stored = json.load(file)
    for name, make in CASES.items():
        reason = check(name, make, stored.get(name), counts)
        if reason and not (arguments.update and name in counts):
            failed += 1
            print(f"FAIL {name}: {reason}")
    if arguments.update:
        with open(STORED, "w", encoding="utf-8") as file:
            json.dump({**stored, **counts}, file, indent=1)
            file.write("\n")
    print(f"guard: {len(CASES) - failed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
