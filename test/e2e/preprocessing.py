#!/usr/bin/env python3
"""What models say of raw numbers and of classes (docs/ABI.md): the header as C and C++ read it, the descriptor, nnc-run, and
--with-preprocessing against the same model on numbers that numpy has normalised."""
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from abi import Failed, INCLUDE, STRICT, WARNINGS, expect, macros, run, write  # noqa: E402
from compiled_model import NNC, Broken, CompiledModel, Refused, compile_model  # noqa: E402
from models import two_files  # noqa: E402
from models.ccv_files import make_alex  # noqa: E402

LABELS = ["cat", 'quote " and \\', "what??!", "Köln", "", "7"]
TOLERANCE = 1e-5


def make_classifier(path, **properties):
    """Six numbers for an image of three channels."""
    rng = np.random.default_rng(0)
    weights = onnx.numpy_helper.from_array(rng.normal(0, 1, (6, 3, 3, 3)).astype(np.float32), "w")
    nodes = [helper.make_node("Conv", ["image", "w"], ["c"], pads=[1] * 4),
             helper.make_node("ReduceMean", ["c"], ["scores"], axes=[2, 3], keepdims=0)]
    values = [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 3, 8, 10]),
              helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 6])]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, properties)
    onnx.save(model, path)
    return path


def make_labelled(path, pixel_range="Normalized_1_1"):
    return make_classifier(path, **{"Image.BitmapPixelFormat": "Rgb8", "Image.NominalPixelRange": pixel_range,
                                    "names": repr(dict(enumerate(LABELS)))})


def compare(actual, expected):
    scale = max(np.abs(expected).max(), 1e-3)
    expect(actual.shape == expected.shape, f"shape {actual.shape}, expected {expected.shape}")
    error = np.abs(actual - expected).max() / scale
    expect(error <= TOLERANCE, f"error {error:.2g}")


def load(folder, name, source, *options):
    """A model compiled with these options, loaded."""
    path = os.path.join(folder, name + ".so")
    compile_model(source, path, ["--emit=shared", "--name=" + name, *options])
    return CompiledModel(path, name)


def check_against_itself(folder, source, normalise, options=()):
    """--with-preprocessing on bytes and on floats, against the model on what `normalise` makes of them."""
    folder = tempfile.mkdtemp(dir=folder)  # a library of another model may not have the same path
    plain = load(folder, "plain", source, *options)
    shape = [plain.inputs[0].shape[d] if plain.inputs[0].shape[d] > 0 else 2 for d in range(4)]
    raw = np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)
    rest = [np.zeros([t.shape[d] for d in range(t.rank)], t.dtype) for t in plain.inputs[1:]]
    expected = plain([normalise(raw.astype(np.float32)), *rest])
    for name, kind, dtype in (("bytes", "", np.uint8), ("floats", "=f32", np.float32)):
        model = load(folder, name, source, "--with-preprocessing" + kind, *options)
        expect(model.inputs[0].dtype == dtype, f"the input is {model.inputs[0].dtype}")
        expect(model.model.preprocessing[0].contents.is_applied == 1, "the descriptor says that nothing is done")
        for actual, wanted in zip(model([raw.astype(dtype), *rest]), expected):
            compare(actual, wanted)
    return plain


def test_header(folder):
    """Macros and labels mean in C and C++ what the model says, without warnings."""
    run(NNC, make_labelled(os.path.join(folder, "m.onnx")), "-o", os.path.join(folder, "m.o"))
    have = macros(os.path.join(folder, "m.h"))
    expect(have["M_IMAGE_MEAN"] == "{127.5f}" and have["M_IMAGE_CHANNEL_AXIS"] == "1", f"{have}")
    expect(have["M_IMAGE_CHANNEL_ORDER"] == '"RGB"' and "M_IMAGE_IS_RAW" not in have, f"{have}")
    program = """#include "m.h"
#include "nnc/Runtime.h"
#include <stdio.h>
static const char *const labels[] = M_SCORES_LABELS;
static const float mean[] = M_IMAGE_MEAN, scale[] = M_IMAGE_SCALE;
int main(void) {
  const struct nnc_preprocessing *raw = m_model.preprocessing[0];
  const struct nnc_labels *classes = m_model.labels[0];
  unsigned i;
  if (sizeof labels / sizeof labels[0] != M_SCORES_NUM_LABELS || classes->num_labels != M_SCORES_NUM_LABELS) return 1;
  if (raw->num_means != 1 || raw->mean[0] != mean[0] || raw->scale[0] != scale[0] || raw->channel_axis != 1) return 2;
  if (raw->is_applied || raw->has_mean_image || m_model.struct_size != sizeof m_model) return 3;
  for (i = 0; i < M_SCORES_NUM_LABELS; ++i) printf("%s|%s\\n", labels[i], classes->labels[i]);
  return 0;
}
"""
    for compiler, standard, extension in (("cc", "c99", "c"), ("c++", "c++11", "cpp")):
        write(os.path.join(folder, "main." + extension), program)
        strict = [flag for flag in STRICT if extension == "cpp" or flag != "-Wold-style-cast"]
        run(compiler, f"-std={standard}", *WARNINGS, *strict, "-I", INCLUDE, "main." + extension, "m.o", "-o", "main", cwd=folder)
        lines = run(os.path.join(folder, "main")).splitlines()
        expect(lines == [f"{label}|{label}" for label in LABELS], f"{lines}")


def test_nothing_said(folder):
    model = load(folder, "m", make_classifier(os.path.join(folder, "m.onnx")))
    expect(not model.model.preprocessing and not model.model.labels, "the descriptor has what no model says")
    try:
        load(folder, "n", os.path.join(folder, "m.onnx"), "--with-preprocessing")
    except Refused as refusal:
        expect("does not say how its inputs are made" in str(refusal), str(refusal))
    else:
        raise Failed("--with-preprocessing did nothing and said nothing")


def test_onnx(folder):
    """Against ONNX Runtime, for each range of numbers; run-time extents."""
    raw = np.random.default_rng(3).integers(0, 256, (2, 3, 8, 10)).astype(np.uint8)
    for number, (text, mean, scale) in enumerate((("Normalized_1_1", 127.5, 1 / 127.5), ("Normalized_0_1", 0, 1 / 255),
                                                  ("NominalRange_0_255", 0, 1))):
        source = make_labelled(os.path.join(folder, f"m{number}.onnx"), text)
        session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
        expected, = session.run(None, {"image": ((raw - np.float32(mean)) * np.float32(scale)).astype(np.float32)})
        model = load(folder, f"m{number}", source, "--with-preprocessing")
        compare(model([raw])[0], expected)


def test_caffe(folder):
    """Means per channel, and a mean image that is larger than the input."""
    head = 'layer { name: "data" type: "ImageData" top: "data" image_data_param { source: "x" batch_size: 1 } transform_param {'
    tail = """ } } layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"
      pooling_param { pool: AVE kernel_size: 2 stride: 1 } }"""
    shape = ["--shape=data=2,3,6,5"]
    means = write(os.path.join(folder, "means.prototxt"), head + "scale: 0.25 mean_value: 104 mean_value: 117 mean_value: 123" + tail)
    each = np.array([104, 117, 123], np.float32).reshape(1, 3, 1, 1)
    plain = check_against_itself(folder, means, lambda raw: (raw - each) * np.float32(0.25), shape)
    said = plain.model.preprocessing[0].contents
    expect([said.mean[i] for i in range(said.num_means)] == [104, 117, 123] and said.channel_order == b"BGR", "other numbers")
    image = np.random.default_rng(5).uniform(90, 130, (3, 9, 8)).astype(np.float32)
    with open(os.path.join(folder, "mean.binaryproto"), "wb") as file:
        file.write(bytes((1 << 3, 1, 2 << 3, 3, 3 << 3, 9, 4 << 3, 8)) + two_files.field(5, image.tobytes()))  # extents, data
    source = write(os.path.join(folder, "image.prototxt"), head + 'mean_file: "mean.binaryproto"' + tail)
    plain = check_against_itself(folder, source, lambda raw: raw - image[:, 1:7, 1:6], shape)
    expect(plain.model.preprocessing[0].contents.has_mean_image == 1, "the descriptor has no mean image")


def test_ccv(folder):
    """The middle of the mean image."""
    for number, extent in enumerate(((15, 13), (20, 16))):
        net = make_alex(number, mean_extent=extent)
        source = os.path.join(folder, f"{number}.sqlite3")
        net.save(source)
        top, left = (extent[0] - 15) // 2, (extent[1] - 13) // 2
        check_against_itself(folder, source, lambda raw, n=net, t=top, l=left: raw - n.mean[t:t + 15, l:l + 13])


def test_darknet(folder):
    cfg = write(os.path.join(folder, "net.cfg"), "[net]\nheight=4\nwidth=4\nchannels=3\n[avgpool]\n[softmax]\n")
    write(os.path.join(folder, "net.names"), "one\ntwo\nthree\n")
    plain = check_against_itself(folder, cfg, lambda raw: raw * np.float32(1 / 255))
    labels = plain.model.labels[0].contents
    expect([labels.labels[i] for i in range(labels.num_labels)] == [b"one", b"two", b"three"], "other labels")


def test_tflite(folder):
    """Normalisation and labels of TFLite's metadata; of quantised inputs nothing is said."""
    try:
        from models import tflite_graph, tflite_metadata
    except ImportError:
        return
    for number, (dtype, quantization, mean, deviation) in enumerate(((np.float32, None, [127.5], [127.5]),
                                                                     (np.float32, None, [10, 20, 30], [2, 4, 8]),
                                                                     (np.int8, (0.5, 3), [127.5], [127.5]))):
        graph = tflite_graph.Graph()
        image = graph.input(np.zeros((1, 3, 2, 3), dtype), quantization, name="image")
        result = graph.tensor((1, 2, 3, 3), dtype, quantization, name="y")
        perm = graph.constant(np.array([0, 2, 1, 3], np.int32))
        graph.op("TRANSPOSE", [image, perm], [result], "TransposeOptions")
        graph.output(result)
        source = os.path.join(folder, f"{number}.tflite")
        with open(source, "wb") as file:
            file.write(tflite_metadata.add_metadata(graph.serialize(), mean, deviation, ["one", "two", "three"]))
        if quantization:
            plain = load(folder, "quantized", source)
            expect(not plain.model.preprocessing, "a quantised input is described")
        else:
            plain = check_against_itself(
                folder, source, lambda raw, m=mean, d=deviation: ((raw - np.float32(m)) / np.float32(d)).astype(np.float32))
            said = plain.model.preprocessing[0].contents
            expect(said.channel_axis == 3 and said.channel_order == b"RGB", "other channels")
        labels = plain.model.labels[0].contents
        expect([labels.labels[i] for i in range(labels.num_labels)] == [b"one", b"two", b"three"], "other labels")


def test_nnc_run(folder):
    """nnc-run says what there is, of a model file and of an object."""
    tool = os.path.join(os.path.dirname(NNC), "nnc-run")
    source = make_labelled(os.path.join(folder, "m.onnx"))
    run(NNC, source, "-o", os.path.join(folder, "m.o"), "--shape=n=1", "--with-preprocessing")
    for file, options, told in ((source, ["--shape=n=1"], "image: (raw - 127.5) * 0.00784314, RGB"),
                                (os.path.join(folder, "m.o"), [], "image: raw, normalised as (raw - 127.5) * 0.00784314, RGB")):
        text = subprocess.run([tool, file, *options], capture_output=True, text=True, check=True).stdout
        expect(told in text, text)
        expect(any(f": {label})" in text for label in LABELS), text)


def test_conversion(folder):
    """--emit=onnx has the normalisation in the graph."""
    source = make_labelled(os.path.join(folder, "m.onnx"))
    target = os.path.join(folder, "n.onnx")
    run(NNC, source, "-o", target, "--with-preprocessing")
    raw = np.random.default_rng(3).integers(0, 256, (2, 3, 8, 10)).astype(np.uint8)
    sessions = [onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (source, target)]
    expected, = sessions[0].run(None, {"image": (raw - np.float32(127.5)) * np.float32(1 / 127.5)})
    compare(sessions[1].run(None, {"image": raw})[0], expected)


def main():
    passed = failed = 0
    for name, body in [(name, body) for name, body in globals().items() if name.startswith("test_")]:
        with tempfile.TemporaryDirectory(prefix="nnc-preprocessing-") as folder:
            try:
                body(folder)
                passed += 1
            except (Failed, Refused, Broken, OSError, KeyError, ValueError, subprocess.CalledProcessError) as error:
                failed += 1
                print("FAIL", name + ":", type(error).__name__, error)
    print(f"preprocessing: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
