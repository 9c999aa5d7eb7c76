#!/usr/bin/env python3
"""Weights outside of the model's file, and outside of the object: ONNX's external data, with paths and numbers that must be
refused, and --weights=extern as a C and a C++ program, nnc-run and other CPUs meet it. Each check is one test."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abi import INCLUDE, WARNINGS, Failed, expect, global_symbols, macros, number, run, undefined_symbols, write  # noqa: E402
from compiled_model import NNC, Broken, CompiledModel, Refused, compile_model  # noqa: E402

NNC_RUN = os.path.join(os.path.dirname(NNC), "nnc-run")
WEIGHTS = np.random.default_rng(3).standard_normal((48, 32), np.float32)


def external_model(folder, entries, shape=WEIGHTS.shape, data_type=TensorProto.FLOAT):
    """x * w, with the weights where `entries` say."""
    tensor = TensorProto(name="w", data_type=data_type, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "external",
                              [info("x", TensorProto.FLOAT, [2, shape[0]])], [info("y", TensorProto.FLOAT, [2, shape[1]])],
                              [tensor])
    path = os.path.join(folder, "external.onnx")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def save(*path, before=b"", after=b""):
    with open(os.path.join(*path), "wb") as file:
        file.write(before + WEIGHTS.tobytes() + after)


def expect_product(path, folder):
    x = np.random.default_rng(4).standard_normal((2, 48), np.float32)
    library = os.path.join(folder, "external.so")
    compile_model(path, library, ["--emit=shared", "--name=external"])
    actual, = CompiledModel(library, "external")([x])
    expect(np.allclose(actual, x @ WEIGHTS, rtol=1e-4, atol=1e-4), "another product")


def test_external_data_are_found(folder):
    """At any offset, with and without a length, in folders below the model's, through links that stay there."""
    save(folder, "w.bin", before=b"abc", after=b"more")
    save(folder, "plain.bin")
    os.makedirs(os.path.join(folder, "below", "it"))
    save(folder, "below", "it", "w.bin", before=bytes(4096))
    os.symlink("below/it/w.bin", os.path.join(folder, "link.bin"))
    size = WEIGHTS.nbytes
    for entries in ({"location": "w.bin", "offset": 3, "length": size}, {"location": "w.bin", "offset": 3},
                    {"location": "plain.bin"}, {"location": "./plain.bin", "length": size, "checksum": "?"},
                    {"location": "below/it/w.bin", "offset": 4096, "length": size}, {"location": "link.bin", "offset": 4096}):
        try:
            expect_product(external_model(folder, entries), folder)
        except (Refused, Broken) as error:
            raise Failed(f"{entries}: {error}") from None


def test_external_data_in_a_cache(folder):
    """A cache has the files under other names in one folder, and links to them in another."""
    blobs, snapshot = os.path.join(folder, "blobs"), os.path.join(folder, "snapshots", "one")
    os.makedirs(blobs)
    os.makedirs(snapshot)
    save(blobs, "1f2e")
    os.rename(external_model(folder, {"location": "model.onnx_data"}), os.path.join(blobs, "7a6b"))
    os.symlink("../../blobs/1f2e", os.path.join(snapshot, "model.onnx_data"))
    os.symlink("../../blobs/7a6b", os.path.join(snapshot, "model.onnx"))
    expect_product(os.path.join(snapshot, "model.onnx"), folder)


def test_external_data_are_refused(folder):
    """Outside of the folder, of no regular file, or not as many bytes as there must be."""
    inner, size = os.path.join(folder, "inner"), WEIGHTS.nbytes
    os.makedirs(os.path.join(inner, "folder"))
    save(folder, "outside.bin")
    os.makedirs(os.path.join(folder, "innermost"))
    save(folder, "innermost", "w.bin")
    save(inner, "w.bin")
    os.symlink(os.path.join(folder, "outside.bin"), os.path.join(inner, "link.bin"))
    os.symlink("../innermost", os.path.join(inner, "away"))
    os.symlink("link-to-itself", os.path.join(inner, "link-to-itself"))
    os.mkfifo(os.path.join(inner, "pipe"))
    beside, short, link = "must be a file beside the model", "is too short", "outside of the model's folder"
    wrong = [({"location": "../outside.bin"}, beside), ({"location": "folder/../../outside.bin"}, beside),
             ({"location": os.path.join(folder, "outside.bin")}, beside), ({}, beside), ({"location": ""}, beside),
             ({"location": "link.bin"}, link), ({"location": "away/w.bin"}, link),
             ({"location": "folder"}, "is no file"), ({"location": "pipe"}, "is no file"),
             ({"location": "none.bin"}, "cannot be read"), ({"location": "link-to-itself"}, "cannot be read"),
             ({"location": "w.bin", "offset": 4}, short), ({"location": "w.bin", "length": size + 1}, short),
             ({"location": "w.bin", "offset": size + 1, "length": 0}, short),
             ({"location": "w.bin", "offset": 2**64 - 4, "length": size}, short),
             ({"location": "w.bin", "offset": 2**64}, "numeric"), ({"location": "w.bin", "offset": -1}, "numeric"),
             ({"location": "w.bin", "length": "many"}, "numeric"), ({"location": "w.bin", "length": size - 4}, "bytes of data")]
    for entries, message in wrong:
        result = subprocess.run([NNC, external_model(inner, entries), "-o", os.path.join(folder, "external.o")],
                                capture_output=True, text=True, timeout=60)
        expect(result.returncode == 1 and message in result.stderr and "'w'" in result.stderr,
               f"{entries}: code {result.returncode}, {result.stderr.strip()}")
    entries = {"location": "w.bin", "length": 4}
    result = subprocess.run([NNC, external_model(inner, entries, (2**20, 2**20)), "-o", os.path.join(folder, "external.o")],
                            capture_output=True, text=True, timeout=60)
    expect(result.returncode == 1 and "bytes of data" in result.stderr, f"2^40 elements: {result.stderr.strip()}")


def layers_model(path, rows=3):
    """Two products, with a softmax between; `rows` may be a name."""
    rng = np.random.default_rng(5)
    weights = [numpy_helper.from_array(rng.standard_normal(shape, np.float32), name)
               for name, shape in (("a", (40, 64)), ("b", (64, 24)), ("c", (24,)))]
    nodes = [helper.make_node("MatMul", ["x", "a"], ["m"]), helper.make_node("Softmax", ["m"], ["s"], axis=-1),
             helper.make_node("MatMul", ["s", "b"], ["n"]), helper.make_node("Add", ["n", "c"], ["y"])]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "layers", [info("x", TensorProto.FLOAT, [rows, 40])],
                              [info("y", TensorProto.FLOAT, [rows, 24])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def compile_layers(folder, output, *options, rows=3, source="layers.onnx"):
    run(NNC, layers_model(os.path.join(folder, source), rows), "-o", os.path.join(folder, output), "--weights=extern",
        *options)


def results_of(folder, library, rows=3):
    x = np.random.default_rng(6).standard_normal((rows, 40), np.float32)
    return CompiledModel(os.path.join(folder, library), os.path.splitext(library)[0])([x])[0]


def test_same_results(folder):
    """With weights in the object and in a file: the same bits, for one CPU and several, with threads and run-time extents."""
    cases = ((3, []), ("n", []), (3, ["--threads"]), ("n", ["--cpu=multi"]), (3, ["--cpu=x86-64-v2"]), (3, ["-O0"]),
             (3, ["--profile"]), (3, ["--freestanding"]))
    for number, (rows, options) in enumerate(cases):
        path = layers_model(os.path.join(folder, "m.onnx"), rows)
        inside, outside = f"inside{number}.so", f"outside{number}.so"
        compile_model(path, os.path.join(folder, inside), ["--emit=shared", *options])
        compile_model(path, os.path.join(folder, outside), ["--emit=shared", "--weights=extern", *options])
        same = results_of(folder, inside).tobytes() == results_of(folder, outside).tobytes()
        expect(same, f"{rows} {options}: other results")


USE = r"""
#include "layers.h"
#include "nnc/Runtime.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
static float x[LAYERS_X_NUMEL], y[LAYERS_Y_NUMEL], z[LAYERS_Y_NUMEL];
static _Alignas(LAYERS_WORKSPACE_ALIGN) unsigned char workspace[LAYERS_WORKSPACE_SIZE + 1];
int main(void) {
  int file = open(LAYERS_WEIGHTS_FILE, O_RDONLY);
  const unsigned char *weights = mmap(NULL, LAYERS_WEIGHTS_BYTES, PROT_READ, MAP_PRIVATE, file, 0);
  if (lseek(file, 0, SEEK_END) != (off_t)LAYERS_WEIGHTS_BYTES) return 1;
  for (unsigned i = 0; i < LAYERS_X_NUMEL; ++i) x[i] = (float)(i % 7);
  if (layers_run(x, y, weights, workspace) != NNC_OK) return 2;
  if (layers_run(x, y, NULL, workspace) != NNC_ERROR_NULL) return 3;
  if (layers_run(x, y, weights + 32, workspace) != NNC_ERROR_ALIGNMENT) return 4;
  unsigned char *copy = aligned_alloc(LAYERS_WEIGHTS_ALIGN, (LAYERS_WEIGHTS_BYTES + 63) / 64 * 64);
  for (unsigned i = 0; i < 48; ++i) {
    memcpy(copy, weights, LAYERS_WEIGHTS_BYTES);
    copy[i] ^= 1;
    if (layers_run(x, z, copy, workspace) != NNC_ERROR_WEIGHTS) return 5;
  }
  for (unsigned i = 0; i < LAYERS_Y_NUMEL; ++i) if (z[i] != 0) return 6;
  memcpy(copy, weights, LAYERS_WEIGHTS_BYTES);
  const nnc_weights *described = layers_model.weights;
  if (!described || described->bytes != LAYERS_WEIGHTS_BYTES || described->align != LAYERS_WEIGHTS_ALIGN) return 7;
  if (described->header_bytes != 64 || memcmp(described->header, weights, 64)) return 8;
  if (layers_model.weights_bytes != LAYERS_WEIGHTS_BYTES || layers_model.struct_size != sizeof(nnc_model)) return 9;
  const void *inputs[] = {x};
  void *outputs[] = {z};
  if (layers_model.invoke(inputs, outputs, NULL, workspace, NULL) != NNC_ERROR_NULL) return 10;
  if (described->invoke(inputs, outputs, NULL, workspace, NULL, NULL, copy) != NNC_OK) return 11;
  return memcmp(y, z, sizeof y) ? 12 : 0;
}
"""


def test_from_c(folder):
    """The typed entry with a mapped file: codes for a null, a misaligned and a wrong file; the descriptor; a library."""
    compile_layers(folder, "layers.a")
    write(os.path.join(folder, "use.c"), USE)
    run("cc", "-std=gnu11", *WARNINGS, f"-I{INCLUDE}", "use.c", "layers.a", "-o", "use", cwd=folder)
    run(os.path.join(folder, "use"), cwd=folder)
    write(os.path.join(folder, "h.c"), '#include "layers.h"\nextern int dummy; int dummy = 1;\n')
    run("cc", "-std=c99", *WARNINGS, "-fsyntax-only", "h.c", cwd=folder)
    run("c++", "-xc++", "-std=c++11", *WARNINGS, "-fsyntax-only", "h.c", cwd=folder)


def test_object_has_no_weights(folder):
    compile_layers(folder, "layers.o", "--freestanding")
    sections = run("readelf", "-SW", os.path.join(folder, "layers.o"))
    expect(".rodata.layers.weights " not in sections, "the object has a section of weights")
    expect(not undefined_symbols(os.path.join(folder, "layers.o")), "undefined symbols")
    expect({"layers_run", "layers_model"} == global_symbols(os.path.join(folder, "layers.o")), "other symbols")
    values = macros(os.path.join(folder, "layers.h"))
    with open(os.path.join(folder, "layers.weights"), "rb") as file:
        contents = file.read()
    expect(len(contents) == number(values["LAYERS_WEIGHTS_BYTES"]) and contents[-1024:] == bytes(1024), "size and padding")
    digest = run("sh", "-c", "tail -c +65 layers.weights | sha256sum", cwd=folder).split()[0]
    expect(values["LAYERS_WEIGHTS_HASH"] == f'"{digest}"', "the hash is another")


def test_same_bytes_twice(folder):
    contents = []
    for name in ("one", "two"):
        os.mkdir(os.path.join(folder, name))
        compile_layers(folder, f"{name}/layers.o")
        for file in ("layers.o", "layers.h", "layers.weights"):
            with open(os.path.join(folder, name, file), "rb") as stream:
                contents.append(stream.read())
    expect(contents[:3] == contents[3:], "two compilations differ")


def test_model_that_reports_extents(folder):
    """Data decide how many columns the result has; there are hardly any weights."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["m"]), helper.make_node("NonZero", ["m"], ["places"])],
                              "choose", [info("x", TensorProto.FLOAT, ["rows", 3])],
                              [info("places", TensorProto.INT64, [2, "n"])],
                              [numpy_helper.from_array(np.array([1, 0, 2], np.float32), "w")])
    path, library = os.path.join(folder, "choose.onnx"), os.path.join(folder, "choose.so")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    compile_model(path, library, ["--emit=shared", "--weights=extern"])
    x = np.array([[1, 1, 0], [0, 1, 1]], np.float32)
    places, = CompiledModel(library, "choose")([x])
    expect(places.tolist() == [[0, 1], [0, 2]], f"places {places.tolist()}")


def test_from_cpp(folder):
    compile_layers(folder, "layers.o", rows="n")
    write(os.path.join(folder, "use.cpp"), r"""
#include "layers.h"
#include "nnc/Model.hpp"
#include <cstdio>
int main() {
  nnc::Model model(layers_model, {2});
  std::vector<float> x(80), y(48);
  int code = 0;
  try { model.run({nnc::view(x)}, {nnc::view(y)}); } catch (const nnc::Error &error) { code = error.code; }
  if (code != NNC_ERROR_NULL) return 1;
  try { model.readWeights("use.cpp"); } catch (const nnc::Error &error) { code = error.code; }
  if (code != NNC_ERROR_WEIGHTS) return 2;
  model.readWeights(LAYERS_WEIGHTS_FILE);
  model.run({nnc::view(x)}, {nnc::view(y)});
  std::printf("%g\n", static_cast<double>(y[0] - y[24]));
  return 0;
}
""")
    run("c++", "-std=c++17", *WARNINGS, f"-I{INCLUDE}", "use.cpp", "layers.o", "-o", "use", cwd=folder)
    expect(run(os.path.join(folder, "use"), cwd=folder).strip() == "0", "rows of zeros give different rows")


def test_nnc_run(folder):
    """Compiles and runs, or runs what was compiled, with the file beside it or named."""
    path = layers_model(os.path.join(folder, "layers.onnx"))
    run(NNC_RUN, path, f"--output-dir={folder}/out")
    compare = f"--compare={folder}/out/y.npy"
    run(NNC_RUN, path, "--weights=extern", compare)
    for output in ("layers.o", "layers.so"):
        compile_layers(folder, output)
        run(NNC_RUN, os.path.join(folder, output), compare)
        os.rename(os.path.join(folder, "layers.weights"), os.path.join(folder, "elsewhere"))
        run(NNC_RUN, os.path.join(folder, output), compare, f"--weights-file={folder}/elsewhere")
        for options, message in (([], "cannot be read"), ([f"--weights-file={path}"], "not the weights")):
            result = subprocess.run([NNC_RUN, os.path.join(folder, output), *options], capture_output=True, text=True)
            expect(result.returncode == 1 and message in result.stderr, f"{options}: {result.stderr}")


def test_options(folder):
    """Files of others are not written over; options that have no effect are refused."""
    path = layers_model(os.path.join(folder, "m.onnx"))
    save(folder, "net.weights")
    for arguments, message in ((["-o", f"{folder}/net.o"], "exists and was not written by nnc"),
                               (["-o", f"{folder}/n.o", "--weights-section=.flash"], "--weights-section is for"),
                               (["-o", f"{folder}/n.onnx"], "--weights has no effect"),
                               (["--emit=llvm", "-o", "-"], "is for code that is written to a file"),
                               (["-o", f"{folder}/n.o", f"--report={folder}/n.weights"], "is the name of both")):
        result = subprocess.run([NNC, path, "--weights=extern", *arguments], capture_output=True, text=True)
        expect(result.returncode == 1 and message in result.stderr, f"{arguments}: {result.stderr}")
    result = subprocess.run([NNC, path, "--weights=here", "-o", f"{folder}/n.o"], capture_output=True, text=True)
    expect(result.returncode == 1 and "expected object or extern" in result.stderr, result.stderr)
    expect(not [name for name in os.listdir(folder) if re.match(r"n\.", name)], "a refusal left files")
    run(NNC, path, "--weights=extern", "-o", f"{folder}/n.ll", "--emit=llvm")
    expect({"n.ll", "n.weights"} <= set(os.listdir(folder)), "LLVM IR needs its weights, too")


def test_other_targets(folder):
    """Weights are the caller's on 32-bit CPUs, too: what is compiled has none."""
    for target in ("thumbv7em-none-eabihf", "armv7-linux-gnueabihf", "aarch64-linux-gnu", "wasm32",
                   "x86_64-pc-windows-msvc", "arm64-apple-macosx12"):
        compile_layers(folder, "layers.o", "--target=" + target)
        size = os.path.getsize(os.path.join(folder, "layers.o"))
        expect(os.path.getsize(os.path.join(folder, "layers.weights")) > 16000, f"{target}: no weights")
        run(NNC, os.path.join(folder, "layers.onnx"), "-o", os.path.join(folder, "inside.o"), "--target=" + target)
        expect(size < os.path.getsize(os.path.join(folder, "inside.o")) - 10000, f"{target}: {size} bytes")


def main():
    tests = [(name, body) for name, body in globals().items() if name.startswith("test_")]
    passed = failed = 0
    for name, body in tests:
        if not re.search(sys.argv[1] if len(sys.argv) > 1 else "", name):
            continue
        with tempfile.TemporaryDirectory(prefix="nnc-external-") as folder:
            try:
                body(os.path.realpath(folder))
                passed += 1
                print("ok  ", name, flush=True)
            except (Failed, Refused, Broken, OSError, KeyError, ValueError) as error:
                failed += 1
                print("FAIL", name + ":", error, flush=True)
    print(f"external-weights: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
