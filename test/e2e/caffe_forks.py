#!/usr/bin/env python3
"""Layers of Caffe's forks (SSD, SegNet, PSPNet, R-FCN, Faster R-CNN ...; models/caffe_cases.py and its neighbours)
against OpenCV, which reads Caffe's files, or the published formulas; each compiled, and written with --emit=onnx and
run in ONNX Runtime."""
import argparse
import importlib.util
import os
import re
import sys
import tempfile

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402
from models import caffe_cases, caffe_region_cases, caffe_segmentation_cases  # noqa: E402

try:
    import cv2
except ImportError:
    cv2 = None


def list_cases():
    yield from caffe_cases.detection_cases()
    yield caffe_cases.ssd_case()
    yield caffe_cases.hdf5_case()
    yield from caffe_segmentation_cases.cases()
    yield from caffe_region_cases.cases()


def run_opencv(path, case, names):
    net = cv2.dnn.readNetFromCaffe(path + ".prototxt", path + ".caffemodel")
    for name, array in case.inputs.items():
        net.setInput(array, name)
    # OpenCV knows results by the names of layers; the last layer of a result's name makes it.
    makers = {top: name for name, top in re.findall(r'layer \{ name: "(\w+)" .*? top: "(\w+)"', case.text)}
    return list(net.forward([makers[name] for name in names]))


def run_onnx(path, case):
    """What ONNX Runtime makes of the network that nnc writes, by the names of outputs."""
    import onnxruntime  # pylint: disable=import-outside-toplevel
    compile_model(path + ".prototxt", path + ".onnx", ["--emit=onnx"])
    session = onnxruntime.InferenceSession(path + ".onnx", providers=["CPUExecutionProvider"])
    wanted = {value.name for value in session.get_inputs()}
    names = [value.name for value in session.get_outputs()]
    return names, session.run(names, {name: array for name, array in case.inputs.items() if name in wanted})


def run_nnc(path, case):
    compile_model(path + ".prototxt", path + ".so", ["--emit=shared", "--name=m"])
    model = CompiledModel(path + ".so", "m")
    return model.output_names, model([case.inputs[name] for name in model.input_names])


def sort_rows(rows):
    """Detections by image, label and score."""
    return rows[:, :, np.lexsort((rows[0, 0, :, 2], rows[0, 0, :, 1], rows[0, 0, :, 0]))]


def run_case(case, folder, through_onnx):
    """None, or what is wrong."""
    path = os.path.join(folder, case.name)
    case.save(path)
    names, actual = (run_onnx if through_onnx else run_nnc)(path, case)
    expected = case.expected(case.inputs) if case.expected else run_opencv(path, case, names)
    for name, result, wanted in zip(names, actual, expected):
        wanted = np.asarray(wanted, np.float32)
        if case.pads:  # OpenCV fills up what is not there
            wanted = wanted.reshape(-1, *result.shape[1:])[:len(result)]
        if case.is_sorted:
            result, wanted = sort_rows(result), sort_rows(wanted)
        difference = describe_difference(result, wanted, rtol=1e-4, atol=1e-5 * max(1, np.abs(wanted).max(initial=0)))
        if difference:
            return f"{name}: {difference}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pattern", nargs="?", default="", help="only cases whose name matches this expression")
    parser.add_argument("--onnx", action="store_true", help="only through ONNX")
    arguments = parser.parse_args()
    passed = failed = skipped = 0
    with tempfile.TemporaryDirectory(prefix="nnc-caffe-") as folder:
        for case in list_cases():
            if not re.search(arguments.pattern, case.name):
                continue
            for through_onnx in ([True] if arguments.onnx else [False, True]):
                name = case.name + ("-onnx" if through_onnx else "")
                lacks = ("h5py" if case.is_hdf5 and not importlib.util.find_spec("h5py") else
                         "OpenCV (opencv-python-headless)" if not case.expected and cv2 is None else None)
                if lacks:
                    print(f"SKIP {name}: {lacks} is not installed")
                    skipped += 1
                    continue
                try:
                    problem = run_case(case, folder, through_onnx)
                except (Broken, Refused, *([cv2.error] if cv2 else [])) as error:
                    problem = str(error)
                if problem:
                    print(f"FAIL {name}: {problem}")
                passed, failed = passed + (not problem), failed + bool(problem)
    print(f"caffe-forks: {passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
