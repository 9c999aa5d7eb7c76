#!/usr/bin/env python3
"""If, Loop and Scan, compiled by nnc and compared with ONNX Runtime: conditions and numbers of iterations that are known
at run time only, captured values, carried values that change places, branches in loops and loops in loops, scans along
any axis in either direction, static extents and symbolic ones.
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

HEADER = '<ir_version: 8, opset_import: ["" : 17]>\n'


def floats(rng, *shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


def branch(rng, n, m):
    """A branch with a product, a branch that passes a captured value."""
    text = f"""g (bool c, float[{n},{m}] x, float[{m},{m}] w) => (float[{n},{m}] y, float[{m}] z) {{
      a = Neg(x)
      y, z = If(c)<then_branch = t () => (float[{n},{m}] p, float[{m}] q)
                     {{ b = MatMul(x, w)  p = Relu(b)  q = ReduceSum<keepdims = 0>(p, axes) }},
                   else_branch = e () => (float[{n},{m}] r, float[{m}] s)
                     {{ r = Identity(a)  s = ReduceMax<axes = [0], keepdims = 0>(x) }}>
    }}"""
    text = text.replace("=> (float[" + f"{n},{m}] y, float[{m}] z) {{", "=> (float[" + f"{n},{m}] y, float[{m}] z) <int64[1] axes = {{0}}> {{")
    return text, {"c": np.array(rng.random() < 0.5), "x": floats(rng, n, m), "w": floats(rng, m, m)}


def counted(rng, n, m):
    """A product by captured weights in each iteration, and its history."""
    trips = int(rng.integers(0, 6))
    text = f"""g (float[{n},{m}] x, float[{m},{m}] w) => (float[{n},{m}] y, float[{trips},{n},{m}] all)
      <int64 trips = {{{trips}}}> {{
      y, all = Loop(trips, , x)<body = b (int64 i, bool go, float[{n},{m}] a) => (bool on, float[{n},{m}] next, float[{n},{m}] kept) {{
        on = Identity(go)
        p = MatMul(a, w)
        f = Cast<to = 1>(i)
        q = Add(p, f)
        next = Tanh(q)
        kept = Sub(next, a)
      }}>
    }}"""
    return text, {"x": floats(rng, n, m), "w": floats(rng, m, m)}


def conditional(rng, n, m):
    """Goes on until a sum is large, at most so many times; both are inputs."""
    text = f"""g (int64 trips, bool go, float[{n},{m}] x) => (float[{n},{m}] y, int64 count) <float limit = {{20.0}}, int64 one = {{1}}, int64 zero = {{0}}> {{
      y, count = Loop(trips, go, x, zero)<body = b (int64 i, bool c, float[{n},{m}] a, int64 k) => (bool on, float[{n},{m}] next, int64 k2) {{
        p = Mul(a, a)
        next = Add(a, p)
        s = ReduceSum<keepdims = 0>(next)
        on = Less(s, limit)
        k2 = Add(k, one)
      }}>
    }}"""
    return text, {"trips": np.array(rng.integers(0, 9), np.int64), "go": np.array(rng.random() < 0.8),
                  "x": np.abs(floats(rng, n, m))}


def swapped(rng, n, m):
    """Two carried values change places, a third is used by both."""
    text = f"""g (float[{n},{m}] x, float[{n},{m}] w, int64 trips) => (float[{n},{m}] y, float[{n},{m}] z, float[{n},{m}] v) {{
      y, z, v = Loop(trips, , x, w, x)<body = b (int64 i, bool go, float[{n},{m}] a, float[{n},{m}] c, float[{n},{m}] d)
                                  => (bool on, float[{n},{m}] a2, float[{n},{m}] c2, float[{n},{m}] d2) {{
        on = Identity(go)
        a2 = Identity(c)
        c2 = Identity(a)
        t = Add(a, d)
        d2 = Tanh(t)
      }}>
    }}"""
    return text, {"x": floats(rng, n, m), "w": floats(rng, n, m), "trips": np.array(rng.integers(0, 5), np.int64)}


def scattered(rng, n, m):
    """Rows of carried values change, whose former elements are read as well, or follow another value."""
    second = rng.choice(["Identity(a)", "Add(a, c)", "ScatterND(c, at, row)"])
    names = ["a2", "c2"] if rng.integers(2) else ["c2", "a2"]
    text = f"""g (float[{n},{m}] x, float[{n},{m}] w, int64[1,1] at, float[1,{m}] row, int64 trips) => (float[{n},{m}] y, float[{n},{m}] z) {{
      y, z = Loop(trips, , x, w)<body = b (int64 i, bool go, float[{n},{m}] a, float[{n},{m}] c)
                                  => (bool on, float[{n},{m}] a2, float[{n},{m}] c2) {{
        on = Identity(go)
        {names[0]} = ScatterND(a, at, row)
        {names[1]} = {second}
      }}>
    }}"""
    return text, {"x": floats(rng, n, m), "w": floats(rng, n, m), "at": np.array([[rng.integers(n)]]), "row": floats(rng, 1, m),
                  "trips": np.array(rng.integers(1, 5), np.int64)}


def scanned(rng, n, m):
    """Two scans along any axis in either direction."""
    axis, out = int(rng.integers(0, 2)), int(rng.integers(0, 2))
    d = [int(v) for v in rng.integers(0, 2, 3)]
    shape = (n, m) if axis == 0 else (m, n)
    result = (n, m) if out == 0 else (m, n)
    text = f"""g (float[{m}] s, float[{shape[0]},{shape[1]}] x, float[{n},{m}] w) => (float[{m}] y, float[{result[0]},{result[1]}] all) {{
      y, all = Scan<num_scan_inputs = 2, scan_input_axes = [{axis}, 0], scan_input_directions = [{d[0]}, {d[1]}],
                    scan_output_axes = [{out}], scan_output_directions = [{d[2]}],
                    body = b (float[{m}] a, float[{m}] e, float[{m}] f) => (float[{m}] next, float[{m}] kept) {{
        p = Mul(a, f)
        next = Add(p, e)
        kept = Sigmoid(next)
      }}>(s, x, w)
    }}"""
    return text, {"s": floats(rng, m), "x": floats(rng, *shape), "w": floats(rng, n, m)}


def symbolic_scan(rng, n, m):
    """As many iterations as the input is long, which is known at run time only."""
    text = f"""g (float[batch,{m}] s, float[time,batch,{m}] x, float[{m},{m}] w) => (float[batch,{m}] y, float[time,batch,{m}] all) {{
      y, all = Scan<num_scan_inputs = 1, body = b (float[batch,{m}] a, float[batch,{m}] e) => (float[batch,{m}] next, float[batch,{m}] kept) {{
        p = MatMul(a, w)
        q = Add(p, e)
        next = Tanh(q)
        kept = Identity(next)
      }}>(s, x)
    }}"""
    time = int(rng.integers(1, 5))
    return text, {"s": floats(rng, n, m), "x": floats(rng, time, n, m), "w": floats(rng, m, m)}


def nested(rng, n, m):
    """A loop in a loop, and a branch on the number of the iteration."""
    text = f"""g (float[{n},{m}] x, float[{m},{m}] w) => (float[{n},{m}] y, float[3,{n},{m}] all)
      <int64 outer = {{3}}, int64 inner = {{2}}, int64 two = {{2}}, int64 zero = {{0}}> {{
      y, all = Loop(outer, , x)<body = b (int64 i, bool go, float[{n},{m}] a) => (bool on, float[{n},{m}] next, float[{n},{m}] kept) {{
        on = Identity(go)
        in = Loop(inner, , a)<body = h (int64 j, bool gone, float[{n},{m}] u) => (bool still, float[{n},{m}] then) {{
          still = Identity(gone)
          v = MatMul(u, w)
          then = Tanh(v)
        }}>
        r = Mod(i, two)
        even = Equal(r, zero)
        next = If(even)<then_branch = t () => (float[{n},{m}] p) {{ p = Add(in, x) }},
                        else_branch = e () => (float[{n},{m}] q) {{ o = Sub(in, a)  q = Relu(o) }}>
        kept = Neg(next)
      }}>
    }}"""
    return text, {"x": floats(rng, n, m), "w": floats(rng, m, m)}


def gathered(rng, n, m):
    """Reads and writes at the number of the iteration."""
    text = f"""g (float[{n},{m}] x) => (float[{n},{m}] y) <int64 trips = {{{n}}}, int64[1] shape = {{1}}, int64[1] axis = {{0}}> {{
      y = Loop(trips, , x)<body = b (int64 i, bool go, float[{n},{m}] a) => (bool on, float[{n},{m}] next) {{
        on = Identity(go)
        at = Reshape(i, shape)
        row = Gather<axis = 0>(a, at)
        new = Exp(row)
        at2 = Unsqueeze(at, axis)
        next = ScatterND(a, at2, new)
      }}>
    }}"""
    return text, {"x": floats(rng, n, m)}


def ended(rng, n, m):
    """Collects until a sum is large: the trip count, a counter below a limit, or both bound what there may be."""
    bound = int(rng.integers(0, 3))
    counted = "below = Less(k2, limit)  on = And(small, below)" if bound else "on = Identity(small)"
    trips = "" if bound == 1 else "trips"
    text = f"""g (int64 trips, int32 limit, float[{n},{m}] x) => (float[{n},{m}] y, int32 count, float[q,{n},{m}] all, float[q] sums)
      <float most = {{20.0}}, int32 one = {{1}}, int32 zero = {{0}}, bool go = {{1}}> {{
      y, count, all, sums = Loop({trips}, go, x, zero)<body = b (int64 i, bool c, float[{n},{m}] a, int32 k)
                                  => (bool on, float[{n},{m}] next, int32 k2, float[{n},{m}] kept, float sum) {{
        p = Mul(a, a)
        next = Add(a, p)
        sum = ReduceSum<keepdims = 0>(next)
        small = Less(sum, most)
        k2 = Add(k, one)
        {counted}
        kept = Neg(next)
      }}>
    }}"""
    text = text if "trips" in trips else text.replace("int64 trips, ", "")
    text = text if bound else text.replace("int32 limit, ", "")
    arrays = {"trips": np.array(rng.integers(0, 9), np.int64), "limit": np.array(rng.integers(-1, 6), np.int32),
              "x": np.abs(floats(rng, n, m))}
    return text, {name: array for name, array in arrays.items() if name + "," in text or name + ")" in text.split("=>")[0]}


def bounded_by_condition(rng, n, m):
    """A constant trip count that no run reaches, as loops with a condition alone are exported."""
    trips = rng.choice([2**24 + 1, 2**31 - 1, 2**40, 2**63 - 1])
    text = f"""g (float[{n},{m}] x) => (float[{n},{m}] y, int64 count) <int64 trips = {{{trips}}}, bool go = {{1}}, int64 zero = {{0}}, float most = {{9.0}}> {{
      y, count = Loop(trips, go, x, zero)<body = b (int64 i, bool c, float[{n},{m}] a, int64 k) => (bool on, float[{n},{m}] next, int64 last) {{
        p = Mul(a, a)
        next = Add(a, p)
        sum = ReduceSum<keepdims = 0>(next)
        on = Less(sum, most)
        last = Identity(i)
      }}>
    }}"""
    return text, {"x": np.abs(floats(rng, n, m))}


def of_two_shapes(rng, n, m):
    """Branches that give tensors of other extents: static ones, the inputs', and such as only the branch tells."""
    kind = int(rng.integers(0, 3))
    least = int(rng.integers(1, m + 1))
    n = 1 if kind == 2 else n
    then = ["p = Slice(x, zero, least, axes)", "p = Neg(w)",
            "s = Squeeze(x, first) f = Greater(s, none) h = Compress<axis = 0>(s, f) p = Unsqueeze(h, first)"][kind]
    other = ["q = Relu(x)", "q = Identity(x)", "q = Slice(x, zero, least, axes)"][kind]
    text = f"""g (bool c, float[{n},{m}] x, float[rows,columns] w) => (float[a,b] y, float[b] z)
      <int64[1] zero = {{0}}, int64[1] least = {{{least}}}, int64[1] axes = {{1}}, int64[1] first = {{0}}, float none = {{0.0}}> {{
      y = If(c)<then_branch = t () => (float[u,v] p) {{ {then} }}, else_branch = e () => (float[k,l] q) {{ {other} }}>
      t = Tanh(y)
      z = ReduceSum<keepdims = 0>(t, first)
    }}"""
    return text, {"c": np.array(rng.random() < 0.5), "x": floats(rng, n, m),
                  "w": floats(rng, int(rng.integers(1, 5)), int(rng.integers(1, 20)))}


def guarded(rng, n, m):
    """A branch that could not run where its condition says so, and one that gives nothing."""
    text = f"""g (float[{m}] x, int64[1] k) => (float[a] y) <float[0] none = {{}}, int64[1] length = {{{m}}}> {{
      d = LessOrEqual(k, length)
      c = Squeeze(d)
      y = If(c)<then_branch = t () => (float[b] p) {{ p, i = TopK(x, k) }}, else_branch = e () => (float[f] q) {{ q = Identity(none) }}>
    }}"""
    return text, {"x": floats(rng, m), "k": np.array([rng.integers(1, 2 * m + 1)], np.int64)}


def appended(rng, n, m):
    """What a loop appends to: along either axis, two pieces in an iteration, from nothing or from something."""
    axis, first = int(rng.integers(0, 2)), int(rng.integers(0, 3))
    begin = (first, m) if axis == 0 else (n, first)
    piece = (n, m)
    text = f"""g (int64 trips, float[{begin[0]},{begin[1]}] start, float[{n},{m}] x) => (float[a,b] y, float[{n},{m}] z) {{
      y, z = Loop(trips, , start, x)<body = b (int64 i, bool go, float[c,d] a, float[{n},{m}] s) => (bool on, float[e,f] next, float[{n},{m}] t) {{
        on = Identity(go)
        t = Sin(s)
        u = Concat<axis = {axis}>(a, t)
        v = Neg(s)
        next = Concat<axis = {axis}>(u, v)
      }}>
    }}"""
    return text, {"trips": np.array(rng.integers(0, 5), np.int64), "start": floats(rng, *begin), "x": floats(rng, *piece)}


def grown(rng, n, m):
    """What a loop reads and appends to: as many rows as its number, or as many as data choose."""
    chosen = rng.integers(0, 2)
    new = "g = ReduceMean<axes = [1], keepdims = 0>(x) f = Greater(g, mean) h = Compress<axis = 0>(x, f)" if chosen else "h = Add(x, mean)"
    text = f"""g (int64 trips, float[2,{m}] start, float[{n},{m}] x) => (float[a,b] y, float[trips_,{m}] all, float[{m}] z)
      <int64[1] zero = {{0}}> {{
      first = ReduceSum<keepdims = 0>(start, zero)
      y, z, all = Loop(trips, , start, first)<body = b (int64 i, bool go, float[c,d] a, float[{m}] s) => (bool on, float[e,f] next, float[{m}] t, float[{m}] kept) {{
        on = Identity(go)
        mean = ReduceMean<keepdims = 0>(a)
        {new}
        next = Concat<axis = 0>(a, h)
        v = ReduceSum<keepdims = 0>(next, zero)
        t = Tanh(v)
        kept = Neg(t)
      }}>
    }}"""
    return text, {"trips": np.array(rng.integers(0, 5), np.int64), "start": floats(rng, 2, m), "x": floats(rng, n, m)}


def scanned_to_lengths(rng, n, m):
    """The Scan of opset 8: each sequence of a batch ends where its length says, in either direction."""
    time, d = int(rng.integers(1, 6)), [int(v) for v in rng.integers(0, 2, 2)]
    extents = f"{n},{time}" if rng.random() < 0.5 else "batch,time"
    text = f"""<ir_version: 8, opset_import: ["" : 8]>
    g (int64[{extents.split(",")[0]}] lengths, float[{extents.split(",")[0]},{m}] s, float[{extents},{m}] x, float[{extents},{m}] w)
      => (float[?,{m}] y, float[?,?,{m}] all, int64[?,?] left) {{
      y, all, left = Scan<num_scan_inputs = 2, directions = [{d[0]}, {d[1]}],
                    body = b (float[{m}] a, float[{m}] e, float[{m}] f) => (float[{m}] next, float[{m}] kept, int64 c) {{
        p = Mul(a, f)
        next = Add(p, e)
        kept = Sigmoid(next)
        c = Constant<value = int64 {{7}}>()
      }}>(lengths, s, x, w)
    }}"""
    return text, {"lengths": rng.integers(1, time + 1, n), "s": floats(rng, n, m), "x": floats(rng, n, time, m), "w": floats(rng, n, time, m)}


def collected_twice(rng, n, m):
    """A loop collects what a loop or a scan inside collects, as often as inputs are long."""
    inner = ["""e, o = Scan<num_scan_inputs = 1, body = h (float[M] a, float[M] r) => (float[M] a2, float[M] q) {
                  u = Add(a, r)  a2 = Tanh(u)  q = Neg(a2) }>(first, row)""",
             """e, o = Loop(times, go, first)<body = h (int64 j, bool d, float[M] a) => (bool on2, float[M] a2, float[M] q) {
                  on2 = Identity(d)  r = Gather(row, j)  u = Add(a, r)  a2 = Tanh(u)  q = Neg(a2) }>"""][rng.integers(0, 2)]
    text = f"""g (float[batch,time,{m}] x, float[{m}] first) => (float[batch,time,{m}] y) <int64 zero = {{0}}, int64 one = {{1}}, bool go = {{1}}> {{
      shape = Shape(x)  trips = Gather(shape, zero)  times = Gather(shape, one)
      y = Loop(trips, go)<body = b (int64 i, bool c) => (bool on, float[t,{m}] o) {{
        on = Identity(c)  row = Gather(x, i)  {inner.replace("[M]", f"[{m}]")} }}> }}"""
    return text, {"x": floats(rng, n, int(rng.integers(1, 5)), m), "first": floats(rng, m)}


def of_two_ranks(rng, n, m):
    """A branch that drops an axis of one element, and the model says that it is taken."""
    text = f"""g (float[rows,columns] x) => (float[rows] y) <int64 one = {{1}}, int64[1] axis = {{1}}> {{
      s = Shape(x)  d = Gather(s, one)  c = Equal(d, one)  t = Tanh(x)
      y = If(c)<then_branch = a () => (float[?] p) {{ p = Squeeze(t, axis) }}, else_branch = e () => (float[?,?] q) {{ q = Identity(t) }}>
    }}"""
    return text, {"x": floats(rng, n, 1)}


def reshaped(rng, n, m):
    """A known number of iterations that change the shape, or the number of dimensions, of what they carry."""
    kind, trips = rng.integers(0, 5), int(rng.integers(1, 4))
    step = ["p = Add(a, w)  next = Tanh(p)", "next = Slice(a, one, end, axis)", "next = Unsqueeze(a, axis)",
            "next = Pad(a, pads)", "h = Slice(a, axis, one, axis)  next = Concat<axis = 0>(h, a)"][kind]
    shape = [[m], [trips + n], [n], [m], [m]][kind]
    extents = [str(extent) if rng.integers(2) else "k" for extent in shape] if kind else shape
    text = f"""g (float[{extents[0]}] x, float[{n},{m}] w) => (float y, float[{trips}] sums)
      <int64 trips = {{{trips}}}, int64[1] one = {{1}}, int64[1] end = {{99}}, int64[1] axis = {{0}}, int64[2] pads = {{1, 2}}> {{
      y, sums = Loop(trips, , x)<body = b (int64 i, bool go, float a) => (bool on, float next, float sum) {{
        on = Identity(go)  {step}  sum = ReduceSum<keepdims = 0>(next) }}>
    }}"""
    return text.replace("float y", "float[?] y").replace("float a)", "float[?] a)").replace("float next", "float[?] next"), {
        "x": floats(rng, *shape), "w": floats(rng, n, m)}


def shrunk(rng, n, m):
    """Each iteration keeps a part of what it began with, until there is nothing left, or a sum is small."""
    step = rng.choice(["next = Slice(a, one, end, zero)", "u = Slice(a, one, end, zero)  next = Sin(u)",
                       "g = ReduceMax<axes = [1], keepdims = 0>(a)  f = Greater(g, least)  u = Compress<axis = 0>(a, f)  next = Sub(u, least)",
                       """k = Mod(i, two)  even = Equal(k, nothing)
        next = If(even)<then_branch = h () => (float[e,M] p) { p = Slice(a, one, end, zero) }, else_branch = l () => (float[f,M] q) { q = Neg(a) }>"""])
    rows = rng.choice([str(n), "rows"])
    text = f"""g (int64 trips, float[{rows},M] x, float most) => (float[p,M] y, float[q,M] z, float[k] sums)
      <int64 two = {{2}}, int64 nothing = {{0}}, int64[1] one = {{1}}, int64[1] end = {{99}}, int64[1] zero = {{0}}, float least = {{0.2}}> {{
      y, z, sums = Loop(trips, , x, x)<body = b (int64 i, bool go, float[c,M] a, float[d,M] before) => (bool on, float[e,M] next, float[f,M] last, float sum) {{
        {step}
        last = Cos(a)
        sum = ReduceSum<keepdims = 0>(a)
        on = Less(sum, most) }}> }}""".replace(",M]", f",{m}]")
    return text, {"trips": np.array(rng.integers(1, 7), np.int64), "x": floats(rng, n, m), "most": np.array(rng.choice([0.5, 100]), np.float32)}


def appended_by_choice(rng, n, m):
    """Branches append one row or two, or leave what there is; the last row is read."""
    more = rng.choice(["p = Concat<axis = 0>(a, t)", "u = Neg(t)  p = Concat<axis = 0>(a, t, u)"])
    other = rng.choice(["q = Identity(a)", "u = Exp(t)  q = Concat<axis = 0>(a, u)"])
    text = f"""g (int64 trips, float[{n},{m}] start) => (float[a,{m}] y)
      <int64 two = {{2}}, int64 zero = {{0}}, int64[1] last = {{-1}}, int64[1] end = {{9223372036854775807}}, int64[1] axis = {{0}}> {{
      y = Loop(trips, , start)<body = b (int64 i, bool go, float[c,{m}] a) => (bool on, float[d,{m}] next) {{
        on = Identity(go)
        k = Mod(i, two)  even = Equal(k, zero)
        row = Slice(a, last, end, axis)  t = Sin(row)
        next = If(even)<then_branch = h () => (float[e,{m}] p) {{ {more} }}, else_branch = l () => (float[f,{m}] q) {{ {other} }}>
      }}>
    }}"""
    return text, {"trips": np.array(rng.integers(0, 6), np.int64), "start": floats(rng, n, m)}


def rewritten(rng, n, m):
    """What a scan inside collects of what is carried is carried on."""
    d = int(rng.integers(0, 2))
    more = rng.choice(["all = Identity(o)", "all = Neg(a)", """k = Mod(i, two)  even = Equal(k, zero)
        all = If(even)<then_branch = h () => (float[N,M] p) { p = Tanh(a) }, else_branch = l () => (float[N,M] q) { q = Relu(a) }>"""])
    trips = int(rng.integers(0, 5))
    rows = rng.choice([str(n), "rows"]) if trips else n  # of no iterations, ONNX Runtime takes other extents to be 0
    text = f"""g (int64 trips, float[{rows},{m}] x, float[{m}] first) => (float[{rows},{m}] y, float[k,{rows},{m}] z) <int64 two = {{2}}, int64 zero = {{0}}> {{
      y, z = Loop(trips, , x)<body = b (int64 i, bool go, float[{rows},{m}] a) => (bool on, float[{rows},{m}] o, float[{rows},{m}] all) {{
        on = Identity(go)
        s, o = Scan<num_scan_inputs = 1, scan_input_directions = [{d}], body = h (float[{m}] u, float[{m}] r) => (float[{m}] v, float[{m}] w) {{
          v = Add(u, r)  w = Sin(v) }}>(first, a)
        {more.replace("[N,M]", f"[{rows},{m}]")} }}> }}"""
    return text, {"trips": np.array(trips, np.int64), "x": floats(rng, n, m), "first": floats(rng, m)}


TEMPLATES = [branch, counted, conditional, swapped, scattered, scanned, symbolic_scan, nested, gathered, ended, bounded_by_condition,
             of_two_shapes, guarded, appended, grown, scanned_to_lengths, collected_twice, of_two_ranks, reshaped, shrunk,
             appended_by_choice, rewritten]


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cases", type=int, default=4, help="of each kind")
    arguments.add_argument("--only", default="", help="kinds whose name contains this")
    arguments = arguments.parse_args()
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for template in TEMPLATES:
        if arguments.only not in template.__name__:
            continue
        for seed in range(arguments.cases):
            rng = np.random.default_rng(seed)
            text, arrays = template(rng, int(rng.integers(1, 6)), int(rng.choice([1, 3, 8, 17, 32])))
            reason = None
            try:
                model = parser.parse_model(text if text.startswith("<") else HEADER + text)
                onnx.checker.check_model(model)
                with tempfile.TemporaryDirectory(prefix="nnc-control-") as folder:
                    reason = check(model, arrays, folder)
            except Refused as error:
                reason = f"refused: {error}"
            except Broken as error:
                reason = str(error)
            counts["failed" if reason else "passed"] += 1
            if reason:
                print(f"FAIL {template.__name__} {seed}: {reason}", flush=True)
    print("control: {passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
