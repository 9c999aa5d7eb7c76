#!/usr/bin/env python3
"""Random nests of Loop, Scan and If, with values captured from all graphs around, static and symbolic extents, parts of
other extents that are chosen, collected and put together again; compared with ONNX Runtime. One in fifty may be refused: what
keeps its shape, but not so that nnc can tell.
"""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import parser

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, Refused  # noqa: E402
from recurrent import check  # noqa: E402

STEPS = ["Tanh({a})", "Neg({a})", "Add({a}, {b})", "Mul({a}, {b})", "MatMul({a}, w)", "Sub({a}, {b})", "Softmax<axis = 1>({a})",
         "Max({a}, {b})"]


class Nest:
    """Text of graphs, all values of which have one shape."""

    def __init__(self, rng, rows, columns):
        self.rng, self.columns, self.count = rng, columns, 0
        self.shape = f"float[{rows},{columns}]"

    def new(self):
        self.count += 1
        return f"v{self.count}"

    def pick(self, names):
        return names[int(self.rng.integers(len(names)))]

    def block(self, names, depth, number, steps):
        """Lines, and `names` with those of what they make; `number` is the iteration's, where there is one."""
        lines, names = [], list(names)
        for _ in range(steps):
            kind = self.rng.choice([self.step, self.branch, self.loop, self.scan, self.parts]) if depth else self.step
            line, out = kind(names, depth - 1, number)
            lines.append(line)
            names.append(out)
        return "  ".join(lines), names

    def step(self, names, depth, number):
        out = self.new()
        return f"{out} = {self.rng.choice(STEPS).format(a=self.pick(names), b=self.pick(names))}", out

    def condition(self, number):
        c, r = self.new(), self.new()
        if number and self.rng.integers(2):
            return f"{r} = Mod({number}, two)  {c} = Equal({r}, none)", c
        return f"{c} = Identity(flag)", c

    def branch(self, names, depth, number):
        line, c = self.condition(number)
        out, parts = self.new(), []
        for branch in ("then_branch", "else_branch"):
            lines, inner = self.block(names, depth, number, int(self.rng.integers(1, 3)))
            graph, y = self.new(), self.new()
            parts.append(f"{branch} = {graph} () => ({self.shape} {y}) {{ {lines}  {y} = Identity({inner[-1]}) }}")
        return f"{line}  {out} = If({c})<{', '.join(parts)}>", out

    def loop(self, names, depth, number):
        graph, i, on, go, a, after, part, end, stack, total, out = (self.new() for _ in range(11))
        lines, inner = self.block([*names, a], depth, i, int(self.rng.integers(1, 3)))
        trips, collects, stops = self.rng.choice(["trips", "three", "once"]), self.rng.integers(2), self.rng.integers(4) == 0
        stop = f"{total} = ReduceSum<keepdims = 0>({inner[-1]})  {on} = Less({total}, limit)" if stops else f"{on} = Identity({go})"
        given, collected, sums = "", "", f"{out} = Identity({end})"
        if collects:
            given, collected = f", float[?,{self.columns}] {part}", f", {stack}"
            stop += "  " + self.rng.choice([f"{part} = Identity({inner[-1]})", f"{part} = ReduceSum<keepdims = 1>({inner[-1]}, zero)",
                                            f"{part} = Slice({inner[-1]}, zero, one, zero)"])
            sums = f"{stack}s = ReduceSum<keepdims = 0>({stack}, zero)  {out} = Add({stack}s, {end})"
        return (f"{end}{collected} = Loop({trips}, , {self.pick(names)})<body = {graph} (int64 {i}, bool {go}, {self.shape} {a}) => "
                f"(bool {on}, {self.shape} {after}{given}) {{ {lines}  {stop}  {after} = Identity({inner[-1]}) }}>  {sums}"), out

    def scan(self, names, depth, number):
        graph, a, e, after, kept, state, start, row, total, out = (self.new() for _ in range(10))
        lines, inner = self.block(names, depth, number, 1)
        return (f"{start} = ReduceSum<keepdims = 0>({self.pick(names)}, zero)  {state}, {out} = Scan<num_scan_inputs = 1, "
                f"scan_input_directions = [{self.rng.integers(2)}], body = {graph} (float[{self.columns}] {a}, float[{self.columns}] {e}) => "
                f"(float[{self.columns}] {after}, float[{self.columns}] {kept}) {{ {lines}  {row} = ReduceMax<axes = [0], keepdims = 0>({inner[-1]})  "
                f"{total} = Add({a}, {e})  {after} = Tanh({total})  {kept} = Mul({after}, {row}) }}>({start}, {self.pick(names)})"), out

    def parts(self, names, depth, number):
        part, graph, other, first, rest, row, out = (self.new() for _ in range(7))
        line, c = self.condition(number)
        lines, inner = self.block(names, depth, number, 1)
        x = self.pick(names)
        return (f"{line}  {lines}  {part} = If({c})<then_branch = {graph} () => (float[?,{self.columns}] {first}) {{ {first} = Slice({x}, zero, one, zero) }}, "
                f"else_branch = {other} () => (float[?,{self.columns}] {rest}) {{ {rest} = Slice({inner[-1]}, one, end, zero) }}>  "
                f"{row} = ReduceSum<keepdims = 1>({part}, zero)  {out} = Add({x}, {row})"), out


def make_case(rng):
    rows, columns = int(rng.integers(1, 5)), int(rng.choice([1, 3, 8, 17]))
    extent = rng.choice(["n", str(rows)])
    lines, names = Nest(rng, extent, columns).block(["x", "z"], int(rng.integers(1, 4)), None, int(rng.integers(1, 3)))
    shape = f"float[{extent},{columns}]"
    text = f"""<ir_version: 8, opset_import: ["" : 17]>
    g ({shape} x, {shape} z, float[{columns},{columns}] w, int64 trips, bool flag) => ({shape} y)
      <int64 two = {{2}}, int64 none = {{0}}, int64 three = {{3}}, int64 once = {{1}}, float limit = {{3.0}}, int64[1] zero = {{0}},
       int64[1] one = {{1}}, int64[1] end = {{99}}> {{ {lines}  y = Identity({names[-1]}) }}"""
    floats = lambda *shape: rng.uniform(-1, 1, shape).astype(np.float32)  # noqa: E731
    return text, {"x": floats(rows, columns), "z": floats(rows, columns), "w": floats(columns, columns) / 3,
                  "trips": np.array(rng.integers(1, 4), np.int64), "flag": np.array(rng.random() < 0.5)}


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=100)
    arguments.add_argument("--seed", type=int, default=0)
    arguments = arguments.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for seed in range(arguments.seed, arguments.seed + arguments.cases):
        text, arrays = make_case(np.random.default_rng(seed))
        try:
            model = parser.parse_model(text)
            onnx.checker.check_model(model)
            with tempfile.TemporaryDirectory(prefix="nnc-nests-") as folder:
                reason = check(model, arrays, folder)
        except Refused as error:
            print(f"SKIP seed {seed}: {error}", flush=True)
            counts["skipped"] += 1
            continue
        except Broken as error:
            reason = str(error)
        counts["failed" if reason else "passed"] += 1
        if reason:
            print(f"FAIL seed {seed}: {reason}", flush=True)
    if counts["skipped"] * 50 > arguments.cases + 49:
        counts["failed"] += 1
        print("FAIL: too many are refused")
    print("nests: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
