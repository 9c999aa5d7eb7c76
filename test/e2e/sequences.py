#!/usr/bin/env python3
"""Sequences and optionals, compiled by nnc and compared with ONNX Runtime: random edits at positions that are known or
that only a run knows, negative ones and ones out of range, empty sequences, cuts of static and symbolic extents, sequences
that loops collect, edit or read, that branches choose, and optionals of which only a run knows whether they are there.
"""
import argparse
import glob
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper, parser

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import compound_values  # noqa: E402
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402
from onnx_node_tests import in_child  # noqa: E402
from recurrent import open_session  # noqa: E402

HEADER = '<ir_version: 8, opset_import: ["" : 18, "ai.onnx.ml" : 3]>\n'
TOLERANCE = 1e-5


def floats(rng, *shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


def int64(value):
    return np.array(value, np.int64)


def edit(rng, get_position, size, is_uniform):
    """Lines of random edits of a sequence s0 of `size` elements, and the name and size of the last."""
    lines, name = [], "s0"
    for i in range(1, 6):
        if rng.random() < 0.6 or not size:
            position = get_position(-size, size) if rng.random() < 0.8 else ""
            element = "a" if is_uniform else rng.choice(["a", "b"])
            lines.append(f"s{i} = SequenceInsert({name}, {element}{', ' + position if position else ''})")
            size += 1
        else:
            position = get_position(-size, size - 1) if rng.random() < 0.8 else ""
            lines.append(f"s{i} = SequenceErase({name}{', ' + position if position else ''})")
            size -= 1
        name = f"s{i}"
    return lines, name, size


def known_edits(rng):
    """Known positions, elements of different shapes; a sequence is the result."""
    constants = []

    def get_position(low, high):
        constants.append(f"int64 p{len(constants)} = {{{rng.integers(low, high + 1)}}}")
        return f"p{len(constants) - 1}"

    begin = int(rng.integers(0, 4))
    lines, name, size = edit(rng, get_position, begin, False)
    at = f"e = SequenceAt({name}, {get_position(-size, size - 1)})" if size else ""
    text = f"""g (seq(float[]) s0, float[3] a, float[2,2] b) => (seq(float) y, int64 n{', float[] e' if size else ''})
      {'<' + ', '.join(constants) + '>' if constants else ''} {{ {' '.join(lines)}  y = Identity({name})  n = SequenceLength({name})  {at} }}"""
    shapes = [(3,), (2, 2), (1,)]
    data = {"s0": [floats(rng, *shapes[i]) for i in rng.integers(0, 3, begin)], "a": floats(rng, 3), "b": floats(rng, 2, 2)}
    return text, data


def run_time_edits(rng):
    """Positions that are inputs, of 32 or 64 bits."""
    inputs, data = [], {}

    def get_position(low, high):
        name, kind = f"p{len(inputs)}", rng.choice(["int32", "int64"])
        inputs.append(f"{kind} {name}")
        data[name] = np.array(rng.integers(low, high + 1), kind)
        return name

    begin = int(rng.integers(1, 4))
    lines, name, size = edit(rng, get_position, begin, True)
    data["s0"] = [floats(rng, 3) for _ in range(begin)]
    data["a"] = floats(rng, 3)
    result = f"y = ConcatFromSequence<axis = -1, new_axis = 1>({name})"
    outputs = "float[?,?] y, "
    if not size:
        result, outputs = "", ""
    else:
        position = get_position(-size, size - 1)
        result += f"  e = SequenceAt({name}, {position})"
        outputs += "float[3] e, "
    text = f"""g (seq(float[3]) s0, float[3] a{''.join(', ' + i for i in inputs)}) => ({outputs}int64 n) {{
      {' '.join(lines)} {result}  n = SequenceLength({name}) }}"""
    return text, data


def out_of_range(rng):
    """As before, with a position one too far."""
    size, which = int(rng.integers(1, 4)), rng.choice(["SequenceAt", "SequenceErase", "SequenceInsert"])
    limit = size + (1 if which == "SequenceInsert" else 0)
    position = int(rng.choice([limit, limit + 7, -size - 1, -size - 9]))
    last = {"SequenceAt": "y = SequenceAt(s, p)", "SequenceErase": "r = SequenceErase(s, p)  y = ConcatFromSequence<axis = 0>(r)",
            "SequenceInsert": "r = SequenceInsert(s, a, p)  y = ConcatFromSequence<axis = 0>(r)"}[which]
    if which == "SequenceErase":
        size += 1
        position = int(rng.choice([size, -size - 1]))
    text = f"g (seq(float[2]) s, float[2] a, int64 p) => (float[?] y) {{ {last} }}"
    return text, {"s": [floats(rng, 2) for _ in range(size)], "a": floats(rng, 2), "p": int64(position)}


def cut(rng):
    """SplitToSequence along any axis, into parts of equal size, of given sizes, and into ones, with and without the axis."""
    n, m = int(rng.integers(1, 7)), int(rng.integers(1, 7))
    axis = int(rng.integers(0, 2))
    extent = (n, m)[axis]
    kind = rng.integers(0, 4)
    if kind == 0:
        constant, split, keep = "", "", int(rng.integers(0, 2))
    elif kind == 1:
        constant, split, keep = f"<int64 k = {{{rng.integers(1, extent + 2)}}}>", ", k", 1
    else:
        parts = rng.multinomial(extent, np.ones(3) / 3)
        constant, split, keep = f"<int64[3] k = {{{', '.join(map(str, parts))}}}>", ", k", 1
    text = f"""g (float[{n},{m}] x{', int64[3] k' if kind == 3 else ''}) => (seq(float) y, int64 n) {'' if kind == 3 else constant} {{
      y = SplitToSequence<axis = {axis - rng.integers(0, 2) * 2}, keepdims = {keep}>(x{split})  n = SequenceLength(y) }}"""
    data = {"x": floats(rng, n, m)}
    if kind == 3:
        data["k"] = parts.astype(np.int64)
    return text, data


def symbolic_cut(rng):
    """Into ones of an extent that only a run knows, mapped and joined again."""
    axis, to, keep = int(rng.integers(0, 2)), int(rng.integers(0, 2)), int(rng.integers(0, 2))
    join = f"ConcatFromSequence<axis = {to}, new_axis = {1 - keep}>"
    text = f"""g (float[N,M] x, int64 p) => (float[?,?] y, int64 n, float{'[?,?]' if keep else '[?]'} e) {{
      s = SplitToSequence<axis = {axis}, keepdims = {keep}>(x)
      t = SequenceMap(s)<body = b (float u) => (float v) {{ v = Tanh(u) }}>
      y = {join}(t)  n = SequenceLength(s)  e = SequenceAt(s, p) }}"""
    x = floats(rng, int(rng.integers(1, 5)), int(rng.integers(1, 5)))
    return text, {"x": x, "p": int64(rng.integers(-x.shape[axis], x.shape[axis]))}


def collected(rng):
    """A loop of a number of iterations that only a run knows appends once or twice to what there is before."""
    before, twice = int(rng.integers(0, 3)), rng.random() < 0.5
    axis, new = int(rng.integers(0, 2)), int(rng.integers(0, 2))
    more = "t3 = Neg(next)  s3 = SequenceInsert(s2, t3)" if twice else "s3 = Identity(s2)"
    start = f"s = SequenceConstruct({', '.join(['x'] * before)})" if before else "s = SequenceEmpty()"
    text = f"""g (float[2,3] x, int64 trips) => (float{'[?,?,?]' if new else '[?,?]'} y, float[2,3] z, int64 n) <bool go = {{1}}> {{
      {start}
      r, z = Loop(trips, go, s, x)<body = b (int64 i, bool c, seq(float) s1, float[2,3] a) => (bool on, seq(float) s3, float[2,3] next) {{
        on = Identity(c)  next = Exp(a)  s2 = SequenceInsert(s1, a)  {more} }}>
      y = ConcatFromSequence<axis = {axis}, new_axis = {new}>(r)  n = SequenceLength(r) }}"""
    return text, {"x": floats(rng, 2, 3), "trips": int64(rng.integers(0 if before else 1, 4))}


def edited(rng):
    """A loop inserts at the front, in some iterations only, and erases."""
    kind = rng.integers(0, 3)
    body = ["s2 = SequenceInsert(s1, a, zero)",
            """m = Mod(i, two)  odd = Equal(m, zero)
               s2 = If(odd)<then_branch = t () => (seq(float) p) { p = SequenceInsert(s1, a) },
                            else_branch = e () => (seq(float) q) { q = Identity(s1) }>""",
            "u = SequenceInsert(s1, a, zero)  v = SequenceInsert(u, x)  w = SequenceErase(v, one)  s2 = Identity(w)"][kind]
    text = f"""g (float[3] x, int64 trips) => (float[?,3] y, int64 n, float[3] last)
      <bool go = {{1}}, int64 zero = {{0}}, int64 one = {{1}}, int64 two = {{2}}, int64 end = {{-1}}> {{
      s = SequenceConstruct(x)
      r, z = Loop(trips, go, s, x)<body = b (int64 i, bool c, seq(float) s1, float[3] a) => (bool on, seq(float) s2, float[3] next) {{
        on = Identity(c)  next = Exp(a)  {body} }}>
      y = ConcatFromSequence<axis = 0, new_axis = 1>(r)  n = SequenceLength(r)  last = SequenceAt(r, end) }}"""
    return text, {"x": floats(rng, 3), "trips": int64(rng.integers(0, 5))}


def conditional(rng):
    """Goes on as long as an element is small, at most so many times."""
    text = """g (float[2] x, int64 trips) => (float[?,2] y, int64 n) <bool go = {1}, float limit = {1.5}, int64 end = {-1}> {
      s = SequenceConstruct(x)
      r = Loop(trips, go, s)<body = b (int64 i, bool c, seq(float) s1) => (bool on, seq(float) s2) {
        a = SequenceAt(s1, end)  t = Exp(a)  s2 = SequenceInsert(s1, t)  m = ReduceMax<keepdims = 0>(t)  on = Less(m, limit) }>
      y = ConcatFromSequence<axis = 0, new_axis = 1>(r)  n = SequenceLength(r) }"""
    return text, {"x": floats(rng, 2), "trips": int64(rng.integers(0, 6))}


def unrolled(rng):
    """A known number of iterations makes elements of different shapes, and reads others."""
    trips = int(rng.integers(0, 5))
    text = f"""g (float[6] x, seq(float[?]) z) => (seq(float) y, float[?,?] k) <int64 trips = {{{max(trips, 1)}}}, bool go = {{1}}, int64[1] one = {{1}}, int64[1] zero = {{0}}, int64[1] ax = {{0}}> {{
      s = SequenceEmpty()
      y, k = Loop(trips, go, s)<body = b (int64 i, bool c, seq(float) s1) => (bool on, seq(float) s3, float[1] kept) {{
        on = Identity(c)  j = Unsqueeze(i, ax)  e = Add(j, one)  t = Slice(x, zero, e)  s2 = SequenceInsert(s1, t)
        q = SequenceAt(z, i)  s3 = SequenceInsert(s2, q)  kept = ReduceSum<keepdims = 1>(q) }}>
    }}"""
    return text, {"x": floats(rng, 6), "z": [floats(rng, int(rng.integers(1, 5))) for _ in range(max(trips, 1))]}


def read_in_loop(rng):
    """A loop of a number of iterations that only a run knows reads a sequence of elements of one shape."""
    size = int(rng.integers(1, 5))
    text = """g (seq(float[4]) z, int64 trips) => (float[4] y) <bool go = {1}, float[4] w = {0, 0, 0, 0}> {
      y = Loop(trips, go, w)<body = b (int64 i, bool c, float[4] a) => (bool on, float[4] next) {
        on = Identity(c)  q = SequenceAt(z, i)  t = Tanh(a)  next = Add(t, q) }> }"""
    return text, {"z": [floats(rng, 4) for _ in range(size)], "trips": int64(rng.integers(0, size + 1))}


def uneven(rng):
    """An iteration's branches insert different numbers of elements, at the front."""
    m, n = (int(k) for k in rng.permutation(4)[:2])
    branch = lambda count, end: "".join(f"v{i + 1} = SequenceInsert(v{i}, a, zero) " for i in range(count)) + \
        f"{end} = Identity(v{count})"
    text = f"""g (float[3] x, int64 trips) => (float[?,3] y, int64 n) <bool go = {{1}}, int64 two = {{2}}, int64 zero = {{0}}> {{
      s = SequenceConstruct(x)
      r = Loop(trips, go, s)<body = b (int64 i, bool c, seq(float[3]) v0) => (bool on, seq(float[3]) s2) {{
        on = Identity(c)  k = Mod(i, two)  even = Equal(k, zero)  f = Cast<to = 1>(i)  a = Add(x, f)
        s2 = If(even)<then_branch = t () => (seq(float[3]) p) {{ {branch(m, "p")} }},
                      else_branch = e () => (seq(float[3]) q) {{ {branch(n, "q")} }}> }}>
      y = ConcatFromSequence<axis = 0, new_axis = 1>(r)  n = SequenceLength(r) }}"""
    return text, {"x": floats(rng, 3), "trips": int64(rng.integers(0, 6))}


def chosen(rng):
    """Branches give sequences of as many or of other numbers of elements."""
    m, n = (int(k) for k in rng.integers(1, 4, 2))
    text = f"""g (bool c, float[3] x) => (float[?,3] y, int64 n) {{
      a = Neg(x)
      s = If(c)<then_branch = t () => (seq(float) p) {{ p = SequenceConstruct({', '.join(['x'] * m)}) }},
                else_branch = e () => (seq(float) q) {{ b = Exp(a)  q = SequenceConstruct({', '.join(['b'] * n)}) }}>
      r = SequenceInsert(s, a)
      y = ConcatFromSequence<axis = 0, new_axis = 1>(r)  n = SequenceLength(r) }}"""
    return text, {"c": np.array(rng.random() < 0.5), "x": floats(rng, 3)}


def optional(rng):
    """An optional that a branch leaves empty, asked before it is read."""
    text = """g (bool c, float[3] x) => (optional(float[3]) o, float[3] y, bool h) {
      o = If(c)<then_branch = t () => (optional(float[3]) p) { p = Optional(x) },
                else_branch = e () => (optional(float[3]) q) { q = Optional<type = float[3]>() }>
      h = OptionalHasElement(o)
      y = If(h)<then_branch = t2 () => (float[3] u) { g = OptionalGetElement(o)  u = Neg(g) },
                else_branch = e2 () => (float[3] v) { v = Exp(x) }> }"""
    return text, {"c": np.array(rng.random() < 0.5), "x": floats(rng, 3)}


def mapped(rng):
    """SequenceMap with a second sequence and a tensor, two results."""
    size = int(rng.integers(1, 4))
    text = """g (seq(float[?]) s, seq(float[?]) t, float[1] x) => (seq(float[?]) y, seq(int64[1]) k) {
      y, k = SequenceMap(s, t, x)<body = b (float[?] u, float[?] v, float[1] w) => (float[?] r, int64[1] l) {
        a = Add(u, v)  r = Mul(a, w)  l = Shape(r) }> }"""
    lengths = [int(n) for n in rng.integers(1, 5, size)]
    return text, {"s": [floats(rng, n) for n in lengths], "t": [floats(rng, n) for n in lengths], "x": floats(rng, 1)}


def stacked(rng):
    """A sequence of which only a run knows the number of elements, as input and output."""
    size = int(rng.integers(1, 5))
    text = """g (seq(float[3]) s, float[3] a, int64 p, int64 q) => (seq(float[3]) y, seq(float[3]) z, float[3] e, int64 n, float[?,3] k) {
      t = SequenceInsert(s, a, p)  y = SequenceErase(t, q)  z = SequenceMap(t)<body = b (float[3] u) => (float[3] v) { v = Exp(u) }>
      e = SequenceAt(t, q)  n = SequenceLength(z)  w = SequenceInsert(z, a)  k = ConcatFromSequence<axis = 0, new_axis = 1>(w) }"""
    return text, {"s": compound_values.Stacked(floats(rng, 3) for _ in range(size)), "a": floats(rng, 3),
                  "p": int64(rng.integers(-size, size + 1)), "q": int64(rng.integers(-size - 1, size + 1))}


def zipped(rng):
    """A list of maps from labels to scores."""
    labels = rng.choice(['classlabels_strings = ["cat", "dog", "owl"]', "classlabels_int64s = [3, 5, 9]"])
    key = "string" if "strings" in labels else "int64"
    text = f"""g (float[N,3] x) => (seq(map({key}, float)) y) {{ t = Exp(x)  y = ai.onnx.ml.ZipMap<{labels}>(t) }}"""
    return text, {"x": floats(rng, int(rng.integers(1, 4)), 3)}


def out_of_range_inside(rng):
    """Positions that an iteration, a branch or data give, often one too far."""
    size, trips = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    kind = rng.integers(0, 3)
    if kind == 0:
        edit_, start = rng.choice(["q = SequenceAt(z, k)", "r = SequenceErase(z, k)  q = SequenceAt(r, zero)"]), rng.integers(-6, 5)
        text = f"""g (seq(float[4]) z, int64 trips) => (float[4] y) <bool go = {{1}}, float[4] w = {{0, 0, 0, 0}}, int64 d = {{{start}}}, int64 zero = {{0}}> {{
          y = Loop(trips, go, w)<body = b (int64 i, bool c, float[4] a) => (bool on, float[4] next) {{
            on = Identity(c)  k = Add(i, d)  {edit_}  t = Tanh(a)  next = Add(t, q) }}> }}"""
        return text, {"z": [floats(rng, 4) for _ in range(size + 1)], "trips": int64(trips)}
    if kind == 1:
        text = """g (seq(float[4]) z, bool c, int64 k) => (float[4] y) <int64 zero = {0}> {
          y = If(c)<then_branch = t () => (float[4] u) { u = SequenceAt(z, k) },
                    else_branch = e () => (float[4] v) { v = SequenceAt(z, zero) }> }"""
        return text, {"z": [floats(rng, 4) for _ in range(size)], "c": np.array(rng.random() < 0.8), "k": int64(rng.integers(-8, 8))}
    text = """g (seq(float[4]) z, float[3] x) => (float[4] y) { k = ArgMax<axis = 0, keepdims = 0>(x)  y = SequenceAt(z, k) }"""
    return text, {"z": [floats(rng, 4) for _ in range(size)], "x": np.sort(floats(rng, 3))}


def unasked(rng):
    """An optional that is read, in a branch or not, whether it is there or not."""
    inside = ["y = OptionalGetElement(o)", """y = If(k)<then_branch = t2 () => (float[3] u) { g = OptionalGetElement(o)  u = Neg(g) },
                else_branch = e2 () => (float[3] v) { v = Exp(x) }>"""][rng.integers(0, 2)]
    text = f"""g (bool c, bool k, float[3] x) => (float[3] y) {{
      o = If(c)<then_branch = t () => (optional(float[3]) p) {{ p = Optional(x) }},
                else_branch = e () => (optional(float[3]) q) {{ q = Optional<type = float[3]>() }}>
      {inside} }}"""
    return text, {"c": np.array(rng.random() < 0.5), "k": np.array(rng.random() < 0.7), "x": floats(rng, 3)}


def until(rng):
    """Appends to an empty sequence until a condition holds, at most so many times."""
    kind = rng.integers(0, 2)
    more = ["", "u = Exp(t)  s3 = SequenceInsert(s2, u)"][kind]
    text = f"""g (float[2] x, int64 trips) => (float[?,2] y, int64 n) <bool go = {{1}}, float limit = {{1.5}}> {{
      s = SequenceEmpty()
      r, z = Loop(trips, go, s, x)<body = b (int64 i, bool c, seq(float) s1, float[2] a) => (bool on, seq(float) s{2 + kind}, float[2] t) {{
        t = Exp(a)  s2 = SequenceInsert(s1, t)  {more}  m = ReduceMax<keepdims = 0>(t)  on = Less(m, limit) }}>
      y = ConcatFromSequence<axis = 0, new_axis = 1>(r)  n = SequenceLength(r) }}"""
    return text, {"x": floats(rng, 2), "trips": int64(rng.integers(1, 6))}


def without_elements(rng):
    """A loop stacks tensors without elements."""
    extent = rng.choice(["0", "N"])
    text = f"""g (float[{extent},3] x, int64 trips) => (float[?,?,3] y) <bool go = {{1}}> {{
      y = Loop(trips, go)<body = b (int64 i, bool c) => (bool on, float[{extent},3] t) {{ on = Identity(c)  t = Exp(x) }}> }}"""
    return text, {"x": floats(rng, 0, 3), "trips": int64(rng.integers(0, 4))}


def words(rng):
    """Sequences of strings, of which one begins empty."""
    text = """g (string[2] x, string[2] z, int64 p) => (string[?,2] y, string[2] e) {
      s = SequenceEmpty<dtype = 8>()  t = SequenceInsert(s, x)  u = SequenceInsert(t, z, p)
      y = ConcatFromSequence<axis = 0, new_axis = 1>(u)  e = SequenceAt(u, p) }"""
    pick = lambda: rng.choice(["a", "bc", "", "dé"], 2).astype(object)  # noqa: E731
    return text, {"x": pick(), "z": pick(), "p": int64(rng.integers(-1, 2))}


TEMPLATES = [known_edits, run_time_edits, out_of_range, cut, symbolic_cut, collected, edited, conditional, unrolled,
             read_in_loop, uneven, chosen, optional, mapped, stacked, zipped, out_of_range_inside, unasked, until,
             without_elements, words]


def run_oracle(path, data):
    """The outputs of ONNX Runtime, or None where the run ends with an error."""
    try:
        return open_session(path).run(None, data)
    except Exception as error:  # pylint: disable=broad-except
        if "Invalid sequence index" in str(error) or "contains no data" in str(error):
            return None
        raise


INPUTS = """g (float[2] x_1, seq(float[2]) x, optional(float[2]) o) => (float[2] y, bool h) <int64 p = {0}> {
  y = SequenceAt(x, p)  h = OptionalHasElement(o) }"""
ENDLESS = """g (bool c, float[3] x) => (seq(float[3]) y) {
  s = SequenceEmpty()
  y = Loop("", c, s)<body = l (int64 i, bool c1, seq(float[3]) s1) => (bool on, seq(float[3]) s2) {
    on = Identity(c1)  s2 = SequenceInsert(s1, x) }> }"""
MADE_ANEW = """g (bool k, float[3] x, int64 trips) => (float[?,3] y) <bool go = {1}> {
  s = SequenceConstruct(x)
  r = Loop(trips, go, s)<body = b (int64 i, bool c, seq(float[3]) s1) => (bool on, seq(float[3]) s2) {
    on = Identity(c)
    s2 = If(k)<then_branch = t () => (seq(float[3]) p) { p = SequenceConstruct(x, x) },
               else_branch = e () => (seq(float[3]) q) { q = SequenceConstruct(x) }> }>
  y = ConcatFromSequence<axis = 0, new_axis = 1>(r) }"""
REFUSALS = [
    (MADE_ANEW, "", "it carries a sequence that its body does not make of the one that an iteration begins with"),
    (INPUTS, "x=none", "input 'x' is a sequence, which may have 0 elements, but not none"),
    (INPUTS, "x=100000", "input 'x' cannot have more than 4096 elements"),
    (INPUTS, "x=0", "position 0 is out of range for a sequence of 0 elements"),
    (INPUTS, "x=1 z=1", "--elements: there is no input 'z' that is a sequence or an optional"),
    (INPUTS, "x=2", "input 'x' has an element of which the name, 'x_1', is that of another input"),
    (INPUTS, "x=1 o=1", "input 'o' is an optional tensor; --elements can only say that it has none"),
    (INPUTS, "", "input 'x' is a sequence; give the number of its elements with --elements x=N"),
    (ENDLESS, "", "it carries a sequence, and nothing bounds the number of its iterations"),
]


def check_refusal(text, elements, message, folder):
    """None, or what is wrong."""
    path = os.path.join(folder, "model.onnx")
    onnx.save(parser.parse_model(HEADER + text), path)
    try:
        compile_model(path, os.path.join(folder, "model.so"),
                      ["--emit=shared", *["--elements=" + given for given in elements.split()]])
    except Refused as error:
        return None if message in str(error) else f"says {error}"
    return "is not refused"


def shipped_models():
    """The models with sequences that the onnx package ships, their inputs, and the recorded outputs."""
    for folder in sorted(glob.glob(os.path.join(os.path.dirname(onnx.__file__), "backend/test/data/simple/test_sequence_*"))):
        model = onnx.load(os.path.join(folder, "model.onnx"))
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [value for value in model.graph.input if value.name not in constants]
        del model.graph.input[:]
        model.graph.input.extend(inputs)
        files = [sorted(glob.glob(os.path.join(folder, "test_data_set_0", kind + "_*.pb"))) for kind in ("input", "output")]
        arrays = [[numpy_helper.to_array(onnx.load_tensor(path)) for path in paths] for paths in files]
        yield os.path.basename(folder), model, {v.name: a for v, a in zip(inputs, arrays[0])}, arrays[1]


def check(model, data, folder, expected=None):
    """None, or what is wrong."""
    path, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    onnx.save(model, path)
    options, arrays = compound_values.flatten(model, [data[value.name] for value in model.graph.input])
    compile_model(path, library, ["--emit=shared", "--name=model", *options])

    def compare():
        compiled = CompiledModel(library, "model")
        wanted_outputs = expected or run_oracle(path, data)
        if wanted_outputs is None:
            try:
                compiled(arrays)
            except Broken as error:
                return None if "returned 4" in str(error) else str(error)
            return "computes something where ONNX Runtime fails"
        wanted_arrays = compound_values.flatten_results(model, wanted_outputs, compiled.output_names)
        results = compiled(arrays)
        if len(results) != len(wanted_arrays):
            return f"{len(results)} outputs, expected {len(wanted_arrays)}"
        for name, actual, wanted in zip(compiled.output_names, results, wanted_arrays):
            difference = wanted is not None and describe_difference(actual, wanted, TOLERANCE, TOLERANCE)
            if difference:
                return f"{name}: {difference}"
        return None

    return in_child(compare)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=6, help="of each kind")
    arguments.add_argument("--only", default="", help="kinds whose name contains this")
    arguments.add_argument("--text", action="store_true", help="print the models")
    arguments = arguments.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}

    def run(name, test):
        """Counts one case; `test` is given a folder, and gives None or what is wrong."""
        try:
            with tempfile.TemporaryDirectory(prefix="nnc-sequences-") as folder:
                reason = test(folder)
        except Refused as error:
            reason = f"refused: {error}"
        except Broken as error:
            reason = str(error)
        except Exception as error:  # pylint: disable=broad-except
            reason = f"{type(error).__name__}: {error}"
        counts["failed" if reason else "passed"] += 1
        if reason:
            print(f"FAIL {name}: {reason}", flush=True)

    for template in TEMPLATES:
        for seed in range(arguments.cases if arguments.only in template.__name__ else 0):
            text, data = template(np.random.default_rng(seed))
            if arguments.text:
                print(text, {name: getattr(value, "shape", value) for name, value in data.items()})
            run(f"{template.__name__} {seed}", lambda folder: check(parser.parse_model(HEADER + text), data, folder))
    for name, *case in shipped_models():
        if arguments.only in name:
            run(name, lambda folder: check(*case[:2], folder, case[2]))
    for refusal in REFUSALS:
        if arguments.only in "refused":
            run(f"refused: {refusal[2]}", lambda folder: check_refusal(*refusal, folder))
    print("sequences: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
