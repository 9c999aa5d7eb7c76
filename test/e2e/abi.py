#!/usr/bin/env python3
"""The contract of object and header (docs/ABI.md), tested as a user would meet it: with a C and a C++ compiler, nm and
readelf. Each check is one test."""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, ROOT  # noqa: E402

DIGITS = os.path.join(ROOT, "examples", "digits", "digits.onnx")
INCLUDE = os.path.join(ROOT, "include")
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
STRICT = ["-Wshadow", "-Wold-style-cast", "-Wsign-conversion"]
ALLOWED = {"memcpy", "memmove", "memset"}


class Failed(Exception):
    pass


def run(*command, cwd=None):
    result = subprocess.run(command, capture_output=True, text=True, cwd=cwd, errors="replace")
    if result.returncode:
        raise Failed(f"{' '.join(map(os.path.basename, command))}: code {result.returncode}\n"
                     f"{result.stdout[-1500:]}{result.stderr[-1500:]}")
    return result.stdout


def expect(condition, what):
    if not condition:
        raise Failed(what)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def compile_digits(folder, name="digits", *options):
    run(NNC, DIGITS, "-o", os.path.join(folder, name + ".o"), *options)


def macros(header):
    with open(header, encoding="utf-8") as file:
        return dict(re.findall(r"^#define (\w+) ([^/\n]*?)\s*(?:/\*.*)?$", file.read(), re.M))


def number(text):
    return int(text.rstrip("uUlL"))


def undefined_symbols(path):
    return {line.split()[-1] for line in run("nm", "-u", path).splitlines() if line.strip()}


def global_symbols(path):
    return {line.split()[-1] for line in run("nm", "-g", "--defined-only", path).splitlines() if line.strip()}


def section_sizes(path):
    sizes = {}
    for line in run("readelf", "-SW", path).splitlines():
        found = re.match(r"\s*\[\s*\d+\]\s+(\S+)\s+(\S+)\s+[0-9a-f]+\s+[0-9a-f]+\s+([0-9a-f]+)", line)
        if found:
            sizes[found[1]] = sizes.get(found[1], 0) + int(found[3], 16)
    return sizes


def make_dynamic_model(path):
    """Rows of a run-time number through a matrix product and a softmax; a second input of the same number of rows."""
    rng = np.random.default_rng(4)
    weight = onnx.numpy_helper.from_array(rng.standard_normal((6, 10), np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["a"]),
             helper.make_node("Softmax", ["a"], ["y"], axis=-1)]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "rows", [info("x", TensorProto.FLOAT, ["rows", 6]),
                                              info("b", TensorProto.FLOAT, ["rows", 10])],
                              [info("y", TensorProto.FLOAT, ["rows", 10])], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def test_header_compiles(folder):
    """As C99 and as C++11 without a warning, every macro instantiated, twice included."""
    compile_digits(folder)
    uses = []
    for name, value in macros(os.path.join(folder, "digits.h")).items():
        if value.startswith("{"):
            uses.append(f"extern const long use_{name}[]; const long use_{name}[] = {name};")
        elif value:
            kind = "const char *const" if value.startswith('"') else "const unsigned long long"
            uses.append(f"extern {kind} use_{name}; {kind} use_{name} = {name};")
    expect(len(uses) > 10, "the header has hardly any macros")
    source = '#include "digits.h"\n#include "digits.h"\n#include "nnc/Runtime.h"\n#include "digits.h"\n' + "\n".join(uses)
    write(os.path.join(folder, "use.c"), source + "\n")
    write(os.path.join(folder, "use.cpp"), source + "\n")
    for compiler in ("cc", "clang-22"):
        run(compiler, "-std=c99", *WARNINGS, f"-I{INCLUDE}", "-c", "use.c", "-o", "use.o", cwd=folder)
    for compiler in ("c++", "clang++-22"):
        run(compiler, "-std=c++11", *WARNINGS, f"-I{INCLUDE}", "-c", "use.cpp", "-o", "use.o", cwd=folder)


def test_header_alone(folder):
    """The generated header needs stdint.h and stddef.h only."""
    compile_digits(folder)
    with open(os.path.join(folder, "digits.h"), encoding="utf-8") as file:
        includes = set(re.findall(r"#\s*include\s*(\S+)", file.read()))
    expect(includes <= {"<stdint.h>", "<stddef.h>"}, f"includes {includes}")


def test_public_headers_compile(folder):
    for name in ("Runtime.h", "Pool.h"):
        write(os.path.join(folder, "h.c"), f'#include "nnc/{name}"\nextern int dummy; int dummy = NNC_OK;\n')
        run("cc", "-std=c99", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", "h.c", cwd=folder)
        run("c++", "-xc++", "-std=c++11", *WARNINGS, f"-I{INCLUDE}", "-fsyntax-only", "h.c", cwd=folder)
    write(os.path.join(folder, "h.cpp"), """#include "nnc/Model.hpp"
float use(const nnc_model &description);
float use(const nnc_model &description) {
  nnc::Model model(description, {3});
  std::vector<float> x(3);
  const std::vector<float> y(3);
  model.run({nnc::view(y), nnc::view(y.data(), 2)}, {nnc::view(x)});
  return x[model.outputShape(0).size()];
}
""")
    run("g++", "-std=c++17", *WARNINGS, *STRICT, "-Wuseless-cast", f"-I{INCLUDE}", "-fsyntax-only", "h.cpp", cwd=folder)
    run("clang++-22", "-std=c++17", *WARNINGS, *STRICT, f"-I{INCLUDE}", "-fsyntax-only", "h.cpp", cwd=folder)


def test_undefined_symbols(folder):
    compile_digits(folder)
    extra = undefined_symbols(os.path.join(folder, "digits.o")) - ALLOWED
    expect(not extra, f"undefined symbols: {sorted(extra)}")


def test_freestanding(folder):
    compile_digits(folder, "digits", "--freestanding")
    left = undefined_symbols(os.path.join(folder, "digits.o"))
    expect(not left, f"undefined symbols: {sorted(left)}")


def test_symbols_have_the_prefix(folder):
    compile_digits(folder, "other")
    symbols = global_symbols(os.path.join(folder, "other.o"))
    expect({"other_run", "other_model"} <= symbols, f"exports {sorted(symbols)}")
    expect(all(s.startswith("other_") for s in symbols), f"exports {sorted(symbols)}")


def test_no_writable_data(folder):
    compile_digits(folder)
    sizes = section_sizes(os.path.join(folder, "digits.o"))
    for section in (".data", ".bss", ".init_array", ".ctors", ".tdata", ".tbss"):
        total = sum(size for name, size in sizes.items()
                    if (name == section or name.startswith(section + ".")) and not name.startswith(".data.rel.ro"))
        expect(total == 0, f"{section} has {total} bytes")


def test_numbers_in_the_header(folder):
    """Workspace, weights and tensor sizes agree with the descriptor and the object."""
    compile_digits(folder)
    values = macros(os.path.join(folder, "digits.h"))
    sizes = section_sizes(os.path.join(folder, "digits.o"))
    expect(values["DIGITS_IMAGE_SHAPE"].replace(" ", "") == "{1,1,8,8}", values["DIGITS_IMAGE_SHAPE"])
    expect(number(values["DIGITS_IMAGE_BYTES"]) == 256 and number(values["DIGITS_PROBABILITIES_NUMEL"]) == 10,
           "tensor sizes are wrong")
    expect(number(values["DIGITS_MACS"]) == 64 * 9 * 16 + 16 * 9 * 16 * 32 + 128 * 10, "_MACS is " + values["DIGITS_MACS"])
    weights = sum(size for name, size in sizes.items() if "weights" in name and not name.startswith(".rel"))
    expect(number(values["DIGITS_WEIGHTS_BYTES"]) == weights, f"_WEIGHTS_BYTES is not the section's {weights} bytes")
    write(os.path.join(folder, "numbers.c"), '''
#include "digits.h"
#include "nnc/Runtime.h"
#include <string.h>
int main(void) {
  return digits_model.workspace_bytes != DIGITS_WORKSPACE_SIZE || digits_model.workspace_align != DIGITS_WORKSPACE_ALIGN ||
         digits_model.weights_bytes != DIGITS_WEIGHTS_BYTES || digits_model.abi_version != DIGITS_ABI_VERSION ||
         digits_model.struct_size != sizeof(nnc_model) || digits_model.inputs[0].bytes != DIGITS_IMAGE_BYTES ||
         strcmp(digits_model.model_hash, DIGITS_MODEL_HASH) || strcmp(digits_model.inputs[0].name, "image");
}
''')
    run("cc", "-std=c99", f"-I{INCLUDE}", "numbers.c", "digits.o", "-o", "numbers", cwd=folder)
    run(os.path.join(folder, "numbers"))


def test_errors_are_codes(folder):
    compile_digits(folder)
    write(os.path.join(folder, "errors.c"), '''
#include "digits.h"
#include "nnc/Runtime.h"
static _Alignas(DIGITS_WORKSPACE_ALIGN) unsigned char workspace[DIGITS_WORKSPACE_SIZE + DIGITS_WORKSPACE_ALIGN];
int main(void) {
  float image[64] = {0}, out[10];
  if (digits_run(image, out, workspace) != NNC_OK) return 1;
  if (digits_run(0, out, workspace) != NNC_ERROR_NULL) return 2;
  if (digits_run(image, 0, workspace) != NNC_ERROR_NULL) return 3;
  if (digits_run(image, out, 0) != NNC_ERROR_NULL) return 4;
  if (digits_run(image, out, workspace + 1) != NNC_ERROR_ALIGNMENT) return 5;
  return 0;
}
''')
    run("cc", "-std=c11", f"-I{INCLUDE}", "errors.c", "digits.o", "-o", "errors", cwd=folder)
    run(os.path.join(folder, "errors"))


def test_two_models_two_threads(folder):
    """Two models in one program, each run by two threads at once; results equal those of one thread alone."""
    compile_digits(folder)
    compile_digits(folder, "second", "--cpu=x86-64-v2")
    write(os.path.join(folder, "threads.c"), '''
#include "digits.h"
#include "second.h"
#include "nnc/Runtime.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static float image[64], expected[2][10];
static const nnc_model *models[2] = {&digits_model, &second_model};
static int run(int which, float *out) {
  void *workspace = aligned_alloc(64, (models[which]->workspace_bytes + 127) / 64 * 64);
  const void *in[] = {image};
  void *outs[] = {out};
  int code = models[which]->invoke(in, outs, NULL, workspace, NULL);
  free(workspace);
  return code;
}
static void *work(void *arg) {
  int which = *(int *)arg;
  for (int i = 0; i < 300; ++i) {
    float out[10];
    if (run(which, out) || memcmp(out, expected[which], sizeof out)) return (void *)1;
  }
  return NULL;
}
int main(void) {
  for (int i = 0; i < 64; ++i) image[i] = (float)(i * 37 % 17) / 16;
  for (int m = 0; m < 2; ++m)
    if (run(m, expected[m])) return 1;
  for (int i = 0; i < 10; ++i)
    if (!(fabsf(expected[0][i] - expected[1][i]) < 1e-5f)) return 2;
  pthread_t threads[4];
  int which[4] = {0, 1, 0, 1};
  for (int i = 0; i < 4; ++i) pthread_create(&threads[i], NULL, work, &which[i]);
  for (int i = 0; i < 4; ++i) {
    void *bad;
    pthread_join(threads[i], &bad);
    if (bad) return 3;
  }
  return 0;
}
''')
    run("cc", "-std=gnu11", "-Wall", "-Werror", f"-I{INCLUDE}", "threads.c", "digits.o", "second.o", "-lpthread", "-lm",
        "-o", "threads", cwd=folder)
    run(os.path.join(folder, "threads"))


def test_dynamic_model(folder):
    """A model with a run-time extent through its typed entry, for several extents and one out of range."""
    make_dynamic_model(os.path.join(folder, "rows.onnx"))
    run(NNC, os.path.join(folder, "rows.onnx"), "-o", os.path.join(folder, "rows.o"))
    write(os.path.join(folder, "use.c"), '''
#include "rows.h"
#include "nnc/Runtime.h"
#include <math.h>
#include <stdlib.h>
int main(void) {
  for (int64_t n = 1; n < 40; n += 6) {
    rows_extents extents = {n};
    rows_output_shape shape = {0};
    if (rows_output_extents(&extents, &shape) || shape.y_0 != n) return 1;
    size_t bytes = (size_t)rows_workspace_size(&extents);
    void *workspace = aligned_alloc(64, (bytes + 127) / 64 * 64);
    float *x = calloc((size_t)n * 6, 4), *b = calloc((size_t)n * 10, 4), *y = calloc((size_t)n * 10, 4);
    if (rows_run(x, b, y, &extents, workspace)) return 2;
    for (int64_t i = 0; i < n * 10; ++i)
      if (!(fabsf(y[i] - 0.1f) < 1e-6f)) return 3;
    free(x), free(b), free(y), free(workspace);
  }
  rows_extents bad = {-1};
  static _Alignas(64) unsigned char memory[64];
  float f[10];
  return rows_run(f, f, f, &bad, memory) != NNC_ERROR_EXTENT;
}
''')
    run("cc", "-std=c11", *WARNINGS, f"-I{INCLUDE}", "use.c", "rows.o", "-lm", "-o", "use", cwd=folder)
    run(os.path.join(folder, "use"))


def make_choosing_model(path, rows):
    """Where a matrix is not zero: data decide how many columns the result has. And the sum of the matrix's rows."""
    info = helper.make_tensor_value_info
    nodes = [helper.make_node("NonZero", ["x"], ["places"]), helper.make_node("ReduceSum", ["x"], ["sums"], keepdims=0, axes=[1])]
    graph = helper.make_graph(nodes, "choose", [info("x", TensorProto.FLOAT, [rows, 3])],
                              [info("places", TensorProto.INT64, [2, "n"]), info("sums", TensorProto.FLOAT, [rows])])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=8), path)


def test_extents_that_data_decide(folder):
    """The entry stores what they are; the header says how much room they need, as a constant where the inputs are static."""
    for name, rows in (("fixed", 4), ("open", "rows")):
        make_choosing_model(os.path.join(folder, f"{name}.onnx"), rows)
        run(NNC, os.path.join(folder, f"{name}.onnx"), "-o", os.path.join(folder, f"{name}.o"))
    fixed, free = (macros(os.path.join(folder, f"{name}.h")) for name in ("fixed", "open"))
    expect(number(fixed["FIXED_PLACES_MAX_NUMEL"]) == 24 and number(fixed["FIXED_PLACES_MAX_BYTES"]) == 192, "no room for 12 places")
    expect("FIXED_WORKSPACE_SIZE" in fixed and "FIXED_PLACES_NUMEL" not in fixed, "sizes of a static model")
    expect("OPEN_WORKSPACE_SIZE" not in free and "OPEN_PLACES_MAX_NUMEL" not in free, "sizes of a model with run-time extents")
    with open(os.path.join(folder, "fixed.h"), encoding="utf-8") as file:
        text = file.read()
    expect("places_1: dimension 1 of places, at most 12" in text and "fixed_extents" not in text, "the header of the static model")
    write(os.path.join(folder, "main.c"), r"""
#include "fixed.h"
#include "open.h"
#include "nnc/Runtime.h"
#include <stdio.h>
static _Alignas(FIXED_WORKSPACE_ALIGN) unsigned char fixed_workspace[FIXED_WORKSPACE_SIZE + 1];
static _Alignas(OPEN_WORKSPACE_ALIGN) unsigned char open_workspace[4096];
static const float x[12] = {0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3};
static int64_t places[FIXED_PLACES_MAX_NUMEL];
static float sums[4];
static void print(int code, int64_t count) {
  printf("%d %d", code, (int)count);
  for (int i = 0; i < 2 * count; ++i)
    printf(" %d", (int)places[i]);
  printf("; ");
}
int main(void) {
  fixed_output_shape shape = {-1};
  int code = fixed_run(x, places, sums, &shape, fixed_workspace);
  print(code, shape.places_1);
  printf("%d; ", fixed_run(x, places, sums, 0, fixed_workspace));
  open_extents extents = {2};
  open_output_shape most, is = {-1, -1};
  code = open_output_extents(&extents, &most);
  printf("%d %d %d; ", code, (int)most.places_1, (int)most.sums_0);
  if (open_workspace_size(&extents) > sizeof open_workspace)
    return 1;
  code = open_run(x, places, sums, &is, &extents, open_workspace);
  print(code, is.places_1);
  printf("%d; ", (int)is.sums_0);
  const void *inputs[] = {x};
  void *outputs[] = {places, sums};
  int64_t bound = 0, reported = 0;
  code = fixed_model.output_extents(0, &bound);
  printf("%d %d; ", code, (int)bound);
  printf("%d ", fixed_model.invoke(inputs, outputs, 0, fixed_workspace, 0));
  code = fixed_model.invoke_reporting(inputs, outputs, 0, fixed_workspace, 0, &reported);
  printf("%d %d\n", code, (int)reported);
  return 0;
}
""")
    run("cc", "-std=c11", *WARNINGS, f"-I{INCLUDE}", "main.c", "fixed.o", "open.o", "-o", "main", cwd=folder)
    for name in ("fixed", "open"):
        write(os.path.join(folder, "h.c"), f'#include "{name}.h"\n')
        run("cc", "-std=c99", *WARNINGS, "-fsyntax-only", "h.c", cwd=folder)
        run("c++", "-xc++", "-std=c++11", *WARNINGS, "-fsyntax-only", "h.c", cwd=folder)
    output = run(os.path.join(folder, "main")).strip()
    expect(output == "0 3 0 1 3 1 0 2; 1; 0 6 2; 0 2 0 1 1 0; 2; 0 12; 1 0 3", f"printed {output}")


def test_sizes_that_are_values_of_inputs(folder):
    """The functions about sizes take the inputs that make them."""
    info = helper.make_tensor_value_info
    for name, rows in (("fixed", 2), ("open", "rows")):
        graph = helper.make_graph([helper.make_node("Tile", ["x", "repeats"], ["y"])], "tile",
                                  [info("x", TensorProto.FLOAT, [rows, 3]), info("repeats", TensorProto.INT64, [2])],
                                  [info("y", TensorProto.FLOAT, ["m", "n"])])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
                  os.path.join(folder, f"{name}.onnx"))
        run(NNC, os.path.join(folder, f"{name}.onnx"), "-o", os.path.join(folder, f"{name}.o"))
        write(os.path.join(folder, "h.c"), f'#include "{name}.h"\n')
        run("cc", "-std=c99", *WARNINGS, "-fsyntax-only", "h.c", cwd=folder)
        run("c++", "-xc++", "-std=c++11", *WARNINGS, "-fsyntax-only", "h.c", cwd=folder)
    write(os.path.join(folder, "main.c"), r"""
#include "fixed.h"
#include "open.h"
#include "nnc/Runtime.h"
#include <stdio.h>
static _Alignas(64) unsigned char workspace[65536];
int main(void) {
  static const float x[6] = {1, 2, 3, 4, 5, 6};
  static float y[36];
  int64_t repeats[2] = {3, 2}, wrong[2] = {-1, 2}, huge[2] = {INT64_C(1) << 60, INT64_C(1) << 60}, found[2] = {0};
  fixed_output_shape shape = {0};
  open_output_shape open_shape = {0};
  open_extents extents = {2};
  const void *inputs[2] = {0};
  int code = fixed_output_extents(repeats, &shape);
  printf("%d %d %d; ", code, (int)shape.y_0, (int)shape.y_1);
  if (!fixed_workspace_size(repeats) || fixed_workspace_size(repeats) > sizeof workspace)
    return 1;
  code = fixed_run(x, repeats, y, workspace);
  printf("%d %d %d; ", code, (int)y[5], (int)y[35]);
  printf("%d %d %d; ", fixed_run(x, wrong, y, workspace), (int)fixed_workspace_size(wrong), fixed_output_extents(wrong, &shape));
  printf("%d %d %d; ", fixed_run(x, huge, y, workspace), (int)fixed_workspace_size(huge), fixed_output_extents(huge, &shape));
  printf("%d %d; ", (int)fixed_workspace_size(0), fixed_output_extents(0, &shape));
  code = open_output_extents(&extents, repeats, &open_shape);
  printf("%d %d %d; ", code, (int)open_shape.y_0, (int)open_shape.y_1);
  printf("%d %d; ", open_workspace_size(&extents, repeats) != 0, open_run(x, repeats, y, &extents, workspace));
  printf("%d %d ", (int)open_model.workspace_size(&extents.rows), open_model.output_extents(&extents.rows, found));
  inputs[1] = repeats;
  code = open_model.output_extents_for(inputs, &extents.rows, found);
  printf("%d %d %d %d %d", code, (int)found[0], open_model.workspace_size_for(inputs, &extents.rows) != 0, open_model.size_input[0],
         open_model.size_input[1]);
  return 0;
}
""")
    run("cc", "-std=c11", *WARNINGS, f"-I{INCLUDE}", "main.c", "fixed.o", "open.o", "-o", "main", cwd=folder)
    output = run(os.path.join(folder, "main")).strip()
    expect(output == "0 6 6; 0 3 6; 4 0 4; 4 0 4; 0 1; 0 6 6; 1 0; 0 1 0 6 1 0 1", f"printed {output}")


def test_same_bytes_twice(folder):
    """Two compilations in different folders, with and without other options that must not matter, are bit-identical."""
    contents = []
    for name in ("one", "two"):
        place = os.path.join(folder, name)
        os.mkdir(place)
        compile_digits(place)
        with open(os.path.join(place, "digits.o"), "rb") as obj, open(os.path.join(place, "digits.h"), "rb") as header:
            contents.append((obj.read(), header.read()))
    expect(contents[0][0] == contents[1][0], "the objects differ")
    expect(contents[0][1] == contents[1][1], "the headers differ")


def test_no_paths_inside(folder):
    compile_digits(folder)
    for file in ("digits.o", "digits.h"):
        with open(os.path.join(folder, file), "rb") as stream:
            content = stream.read()
        for path in (folder, ROOT, os.path.expanduser("~")):
            expect(len(path) < 5 or path.encode() not in content, f"{file} contains the path {path}")


def test_position_independent(folder):
    """The default object links into a shared library and into a static program."""
    compile_digits(folder)
    run("cc", "-shared", "digits.o", "-o", "digits.so", "-Wl,-z,defs,-z,text", cwd=folder)
    write(os.path.join(folder, "main.c"), '#include "digits.h"\nint main(void) { return digits_run(0, 0, 0) != 1; }\n')
    run("cc", "-static", "main.c", "digits.o", "-o", "static", cwd=folder)
    run(os.path.join(folder, "static"))


def test_refusal_leaves_nothing(folder):
    node = helper.make_node("NoSuchOperator", ["x"], ["y"], "strange", domain="nowhere")
    info = helper.make_tensor_value_info
    graph = helper.make_graph([node], "g", [info("x", TensorProto.FLOAT, [1])], [info("y", TensorProto.FLOAT, [1])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13), helper.make_opsetid("nowhere", 1)],
                              ir_version=8)
    path = os.path.join(folder, "m.onnx")
    onnx.save(model, path)
    result = subprocess.run([NNC, path, "-o", os.path.join(folder, "m.o")], capture_output=True, text=True)
    expect(result.returncode == 1, f"exit code {result.returncode}")
    expect("strange" in result.stderr and "NoSuchOperator" in result.stderr, f"message: {result.stderr}")
    expect(sorted(os.listdir(folder)) == ["m.onnx"], f"files left: {os.listdir(folder)}")


def main():
    tests = [(name, body) for name, body in globals().items() if name.startswith("test_")]
    passed = failed = 0
    for name, body in tests:
        with tempfile.TemporaryDirectory(prefix="nnc-abi-") as folder:
            try:
                body(folder)
                passed += 1
                print("ok  ", name)
            except (Failed, OSError, KeyError, ValueError) as error:
                failed += 1
                print("FAIL", name + ":", type(error).__name__ if not isinstance(error, Failed) else "", error)
    print(f"abi: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
