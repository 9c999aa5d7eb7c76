"""Measures the math functions that expand-math generates against references of higher precision, on all targets.

The bounds, in units in the last place, are those of the table in docs/Math.md. `--measure` prints the errors instead."""
import ctypes
import os
import re
import sys
import tempfile
import time

import mpmath
import numpy as np
import scipy.special

from host_cpu import choose_targets
from mlir_function import TARGETS, call, compile_function

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TYPES = {"f32": np.float32, "f64": np.float64}
BINARY = ("powf", "atan2")
REFERENCES = {
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "roundeven": np.rint, "rsqrt": lambda x: 1 / np.sqrt(x), "atan2": np.arctan2, "powf": np.power,
    "round": lambda x: np.copysign(np.floor(np.abs(x)) + (np.abs(x) - np.floor(np.abs(x)) >= 0.5), x),
    "log10": lambda x: np.log10(x), "erf": lambda x: reference_erf(x),
}


def reference_erf(x):
    if x.dtype == np.float64:
        return scipy.special.erf(x)
    # No library has a long double one: mpmath's numbers, as a sum of two doubles.
    result = np.empty_like(x)
    for i, value in enumerate(x):
        exact = mpmath.erf(mpmath.mpf(float(value)))
        high = float(exact) if value else float(value)
        result[i] = np.longdouble(high) if not value else np.longdouble(high) + (np.longdouble(float(exact - high)) if np.isfinite(high) else 0)
    return result


def sample(dtype, name):
    """Numbers of the whole range: strided and random bit patterns, dense ones near 0, edges."""
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    edges = [0, 1, 2, 0.5, 0.25, 1.5, 2.5, np.inf, np.nan, info.max, info.tiny, info.smallest_subnormal, info.tiny / 2, 1e-40,
             88.7228, 88.7229, 89.41, 89.42, 103.97, 104, 128, 126, 149, 150, 709.78, 709.79, 710.47, 710.48, 745.13, 745.14,
             1024, 1074, 1075, 2**17, 2**20, 1e22, np.pi / 4, np.pi / 2, np.pi, 2 * np.pi, np.sqrt(0.5), np.sqrt(2), 4, 6, 9]
    edges = np.array(edges, dtype)
    with np.errstate(over="ignore"):
        edges = np.concatenate([np.nextafter(edges, dtype(0)), edges,
                                np.nextafter(edges, dtype(np.inf))])
    if dtype == np.float32:
        patterns, count = np.arange(0, 2**32, 3989, dtype=np.uint64).astype(np.uint32).view(np.float32), 400000
    else:
        patterns, count = rng.integers(0, 2**64, 40000, dtype=np.uint64).view(np.float64), 40000
        # Numbers near multiples of pi / 2 lose the most digits.
        patterns = np.concatenate([patterns, np.arange(1, 20000) * (np.pi / 2), np.array([6381956970095103.0 * 2.0**797])])
    if name == "erf" and dtype == np.float64:
        patterns, count = patterns[:2000], 6000
    parts = [edges, -edges, patterns]
    for scale in (1, 10, 100):
        parts.append(rng.uniform(-scale, scale, count))
    parts.append(1 + rng.standard_normal(count) * 0.01)
    parts.append(rng.standard_normal(count) * 10.0 ** rng.uniform(-6, 6, count))
    with np.errstate(over="ignore", under="ignore"):
        return np.concatenate([part.astype(dtype) for part in parts])


def samples(dtype, name):
    x = sample(dtype, name)
    if name not in BINARY:
        return [x]
    rng = np.random.default_rng(2)
    x = rng.permutation(x)
    y = rng.permutation(x)
    with np.errstate(all="ignore"):
        if name == "powf":  # results of ordinary size for two thirds; whole exponents for a sixth
            limit = np.log2(np.finfo(dtype).max)
            ordinary = (rng.uniform(-limit - 60, limit + 1, len(x)) / np.log2(np.abs(x.astype(np.float64)))).astype(dtype)
            choice = rng.integers(0, 6, len(x))
            y = np.where(choice < 4, ordinary, np.where(choice < 5, np.rint(np.clip(y, -50, 50)), y)).astype(dtype)
            y = np.where(choice == 0, np.rint(y), y)
    special = np.array([0, -0.0, 1, -1, 2, -2, 3, -3, 0.5, -0.5, np.inf, -np.inf, np.nan, 1e10, -1e10, 0.999, 1.001], dtype)
    a, b = np.meshgrid(special, special)
    return [np.concatenate([x, a.ravel()]), np.concatenate([y, b.ravel()])]


def get_bounds():
    """{(function, type): bound} of docs/Math.md."""
    bounds = {}
    with open(os.path.join(ROOT, "docs", "Math.md")) as f:
        for line in f:
            row = re.match(r"\| `(\w+)` \| ([\d.]+) \| ([\d.]+) \|", line)
            if row:
                bounds[row[1], "f32"], bounds[row[1], "f64"] = float(row[2]), float(row[3])
    return bounds


def get_function(name, kind):
    maps = ", ".join(["affine_map<(d0) -> (d0)>"] * (3 if name in BINARY else 2))
    extra = (f"%b: memref<?x{kind}>, ", f", %b", f", memref<?x{kind}>", f"%y: {kind}, ", ", %y") if name in BINARY else [""] * 5
    return f"""func.func @{name}_{kind}(%a: memref<?x{kind}>, {extra[0]}%o: memref<?x{kind}>) attributes {{llvm.emit_c_interface}} {{
  linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
      ins(%a{extra[1]} : memref<?x{kind}>{extra[2]}) outs(%o : memref<?x{kind}>) {{
  ^bb0(%x: {kind}, {extra[3]}%z: {kind}):
    %r = math.{name} %x{extra[4]} : {kind}
    linalg.yield %r : {kind}
  }}
  return
}}
"""


def get_reference(name, arguments):
    wide = np.float64 if arguments[0].dtype == np.float32 else np.longdouble
    reference = REFERENCES.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        if name == "powf" and wide == np.longdouble:
            return np.power(arguments[0].astype(wide), arguments[1].astype(wide))
        return reference(*[a.astype(wide) for a in arguments])


def measure(got, reference):
    """The largest error in units in the last place and its index; infinite for a wrong NaN or sign of zero."""
    dtype = got.dtype.type
    info = np.finfo(dtype)
    beyond = reference.dtype.type(2) ** info.maxexp
    with np.errstate(all="ignore"):
        rounded = reference.astype(dtype)
        step = np.spacing(np.minimum(np.abs(rounded), info.max)).astype(reference.dtype)
        # An overflow counts as the power of two after the largest float.
        value = np.where(np.isinf(got), np.sign(got) * beyond, got.astype(reference.dtype))
        error = np.abs(value - np.clip(reference, -beyond, beyond)) / step
        wrong = np.isnan(got) != np.isnan(reference)
        wrong |= (got == 0) & (rounded == 0) & (np.signbit(got) != np.signbit(reference))
        error[np.isnan(got) & np.isnan(reference)] = 0
    error[wrong] = np.inf
    worst = int(np.argmax(error))
    return float(error[worst]), worst


def main():
    measuring = "--measure" in sys.argv
    chosen = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    bounds = get_bounds()
    names = sorted({name for name, _ in bounds if not chosen or name in chosen} | (set(chosen) if measuring else set()))
    passed = failed = 0
    targets, skipped = choose_targets(TARGETS, len(bounds))
    libraries = {}
    for target in targets:
        text = "".join(get_function(name, kind) for name in names for kind in TYPES)
        libraries[target] = compile_function(text, "func.func(convert-linalg-to-vector,expand-math)", target)
    if "-v" in sys.argv:
        print(f"compiled: {time.process_time():.0f} s, {time.perf_counter():.0f}", flush=True)
    for name in names:
        measured = []
        for kind, dtype in TYPES.items():
            arguments = samples(dtype, name)
            reference = get_reference(name, arguments)
            for target, library in libraries.items():
                got = np.empty_like(arguments[0])
                call(library, f"{name}_{kind}", *arguments, got)
                error, worst = measure(got, reference)
                where = ", ".join(repr(float(a[worst])) for a in arguments)
                if measuring:
                    measured.append(f"{error:.2f} ({where}: {got[worst]!r})" if error > 4 else f"{error:.2f}")
                elif error <= bounds[name, kind]:
                    passed += 1
                else:
                    failed += 1
                    print(f"FAIL {name} {kind} {target}: {error:.2f} > {bounds[name, kind]} at {where}: "
                          f"{got[worst]!r}, not {reference[worst]!r}")
        if measuring:
            print(f"{name:10s} {'  '.join(measured)}", flush=True)
    print(f"math: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
