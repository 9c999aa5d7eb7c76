"""Networks with layers of Caffe's forks: text, weights, inputs, and what they compute. `expected` of a case is None
where OpenCV reads the layers as the forks have them; else it is numpy or ONNX Runtime, from the published formulas, and
`why` says what OpenCV has otherwise. With `pads`, OpenCV fills up results whose extents data decide; with `is_sorted`, it
has the rows in another order."""
import numpy as np

from models.two_files import field, varint


class Case:
    """`inputs` by name, in the order of the network; `weights` are lists of arrays by the names of layers."""

    def __init__(self, name, text, inputs, weights=None, expected=None, why="", pads=False, is_sorted=False,
                 is_hdf5=False):
        shapes = ""
        for key, array in inputs.items():
            extents = " ".join(f"dim: {extent}" for extent in array.shape)
            shapes += f'layer {{ name: "{key}" type: "Input" top: "{key}" input_param {{ shape {{ {extents} }} }} }}\n'
        self.name, self.text = name, f'name: "{name}"\n' + shapes + text
        self.inputs = {key: np.asarray(array, np.float32) for key, array in inputs.items()}
        self.weights, self.expected, self.why, self.pads = weights or {}, expected, why, pads
        self.is_sorted, self.is_hdf5 = is_sorted, is_hdf5

    def save(self, path):
        """Writes path.prototxt and path.caffemodel, or path.caffemodel.h5."""
        with open(path + ".prototxt", "w") as file:
            file.write(self.text)
        if self.is_hdf5:
            import h5py  # pylint: disable=import-outside-toplevel
            with h5py.File(path + ".caffemodel.h5", "w") as file:
                for layer, blobs in self.weights.items():
                    group = file.create_group("data/" + layer)
                    for number, array in blobs.items():
                        group.create_dataset(str(number), data=array)
            return
        with open(path + ".caffemodel", "wb") as file:
            file.write(field(1, self.name.encode()))
            # Weights of a layer that is not there keep the file from being a text.
            for layer, blobs in {"none": [np.zeros(1)], **self.weights}.items():
                contents = field(1, layer.encode()) + field(2, b"Weights")
                for array in blobs:
                    array = np.asarray(array, "<f4")
                    shape = field(7, field(1, b"".join(map(varint, array.shape))))
                    contents += field(7, shape + field(5, array.tobytes()))
                file.write(field(100, contents))


def layer(name, kind, bottoms, tops=None, parameters=""):
    joined = "".join(f' bottom: "{bottom}"' for bottom in bottoms.split())
    joined += "".join(f' top: "{top}"' for top in (tops or name).split())
    return f'layer {{ name: "{name}" type: "{kind}"{joined} {parameters} }}\n'


#--- SSD ---#


def make_priors(count, rng):
    """(1, 2, 4 * count): corners, and variances."""
    middle, half = rng.uniform(0.2, 0.8, (count, 2)), rng.uniform(0.05, 0.3, (count, 2))
    corners = np.concatenate([middle - half, middle + half], 1)
    return np.stack([corners.reshape(-1), np.tile([0.1, 0.1, 0.2, 0.2], count)])[None].astype(np.float32)


def overlap(a, b):
    """The intersection over the union of two boxes (x1, y1, x2, y2), as SSD has it."""
    area = [max(box[2] - box[0], 0) * max(box[3] - box[1], 0) for box in (a, b)]
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return width * height / (area[0] + area[1] - width * height) if width > 0 and height > 0 else 0


def suppress(boxes, scores, order, threshold, measure=overlap):
    kept = []
    for place in order:
        if all(measure(boxes[place], boxes[other]) <= threshold for other in kept):
            kept.append(place)
    return kept


def detect(inputs, classes, code, shared=True, encoded=False, background=0, threshold=0.01, nms=0.45, top_k=-1,
           keep=-1):
    """SSD's published DetectionOutput."""
    location, confidence, priors = (array.astype(np.float64) for array in inputs.values())
    images, count = location.shape[0], priors.shape[2] // 4
    location = location.reshape(images, count, 1 if shared else classes, 4)
    confidence = confidence.reshape(images, count, classes)
    corners, variances = priors.reshape(2, count, 1, 4)
    offsets = location if encoded else location * variances
    size = np.concatenate([corners[..., 2:] - corners[..., :2]] * 2, -1)
    if code == "CORNER":
        boxes = corners + offsets
    elif code == "CORNER_SIZE":
        boxes = corners + offsets * size
    else:
        middle = offsets[..., :2] * size[..., :2] + (corners[..., :2] + corners[..., 2:]) / 2
        half = np.exp(offsets[..., 2:]) * size[..., :2] / 2
        boxes = np.concatenate([middle - half, middle + half], -1)
    rows = []
    for image in range(images):
        found = []
        for label in range(classes):
            scores, own = confidence[image, :, label], boxes[image, :, 0 if shared else label]
            order = [i for i in np.argsort(-scores, kind="stable") if scores[i] > threshold]
            if label != background:
                kept = suppress(own, scores, order if top_k < 0 else order[:top_k], nms)
                found += [[image, label, scores[i], *own[i]] for i in kept]
        if 0 <= keep < len(found):
            found = [found[i] for i in sorted(sorted(range(len(found)), key=lambda i: -found[i][2])[:keep])]
        rows += found
    rows = rows or [[image] + [-1] * 6 for image in range(images)]
    return [np.array(rows, np.float32)[None, None]]


# What OpenCV does not read as SSD's Caffe does.
OTHERWISE = {"corner-size": "it does not know CORNER_SIZE", "encoded": "it wants no variances then",
             "no-background": "it fails", "one-class": "it fails", "strict": "few detections destroy its memory",
             "nothing": "it has no rows that say so", "nothing-batch": "the same",
             "one-image-of-two": "it adds rows of zeros"}


def detection_cases():
    parameters = {
        "center": dict(classes=4, code="CENTER_SIZE", top_k=40, keep=20),
        "corner": dict(classes=3, code="CORNER", keep=30),
        "corner-size": dict(classes=3, code="CORNER_SIZE", top_k=7),
        "encoded": dict(classes=3, code="CENTER_SIZE", encoded=True, keep=10),
        "own-boxes": dict(classes=4, code="CENTER_SIZE", shared=False, top_k=20, keep=25),
        "background-last": dict(classes=4, code="CENTER_SIZE", background=3, keep=15),
        "background-within": dict(classes=4, code="CENTER_SIZE", background=2, shared=False, keep=15),
        "no-background": dict(classes=3, code="CENTER_SIZE", background=-1, keep=50),
        "one-class": dict(classes=1, code="CENTER_SIZE", background=-1, top_k=5),
        "strict": dict(classes=3, code="CENTER_SIZE", threshold=0.9, nms=0.1),
        "batch": dict(classes=3, code="CENTER_SIZE", top_k=30, keep=12),
        "nothing": dict(classes=3, code="CENTER_SIZE", threshold=2.0),
        "nothing-batch": dict(classes=3, code="CENTER_SIZE", threshold=2.0, keep=4),
        "one-image-of-two": dict(classes=3, code="CENTER_SIZE", threshold=0.5, keep=4),
    }
    for seed, (name, options) in enumerate(parameters.items()):
        rng = np.random.default_rng(seed)
        images, count = 3 if "batch" in name else 2 if name == "one-image-of-two" else 1, 60
        classes = options["classes"]
        kinds = 1 if options.get("shared", True) else classes
        confidence = rng.uniform(0, 1, (images, count * classes))
        if name == "one-image-of-two":
            confidence[0] *= 0.4
        size = 0.1 if options.get("encoded") or options["code"] == "CORNER" else 1.0
        inputs = {"loc": rng.normal(0, size, (images, count * kinds * 4)), "conf": confidence,
                  "prior": make_priors(count, rng)}
        yes = {True: "true", False: "false"}
        text = (f"num_classes: {classes} share_location: {yes[options.get('shared', True)]} "
                f"background_label_id: {options.get('background', 0)} code_type: {options['code']} "
                f"confidence_threshold: {options.get('threshold', 0.01)} keep_top_k: {options.get('keep', -1)} "
                f"variance_encoded_in_target: {yes[options.get('encoded', False)]} "
                f"nms_param {{ nms_threshold: {options.get('nms', 0.45)}"
                + (f" top_k: {options['top_k']}" if "top_k" in options else "") + " }")
        text = layer("out", "DetectionOutput", "loc conf prior", "out", f"detection_output_param {{ {text} }}")
        def expected(given, options=options):
            return detect(given, **options)
        if name not in OTHERWISE:
            yield Case("detection-" + name, text, inputs, is_sorted=True)
        yield Case("formula-" + name, text, inputs, expected=expected,
                   why=OTHERWISE.get(name, "OpenCV has the rows in the order of scores where keep_top_k cuts"))


def hdf5_case():
    """Two layers share their weights, which only the first one's group has; one blob is of doubles."""
    rng, shared = np.random.default_rng(4), 'param { name: "w" } param { } inner_product_param { num_output: 4 }'
    weights = {"first": {0: rng.normal(0, 1, (4, 4)).astype(np.float32), 1: rng.normal(0, 1, 4)},
               "second": {1: rng.normal(0, 1, 4).astype(np.float32)}}
    def expected(inputs):
        hidden = inputs["data"] @ weights["first"][0].T + weights["first"][1]
        return [hidden @ weights["first"][0].T + weights["second"][1]]
    return Case("hdf5", layer("first", "InnerProduct", "data", None, shared)
                + layer("second", "InnerProduct", "first", None, shared),
                {"data": rng.normal(0, 1, (3, 4))}, weights, expected, "OpenCV reads no HDF5", is_hdf5=True)


def ssd_case():
    """A whole network with two maps."""
    rng, text, weights = np.random.default_rng(3), "", {}

    def convolution(name, bottom, channels, outputs, kernel=3, more=""):
        weights[name] = [rng.normal(0, 1.5 / (channels * kernel * kernel) ** 0.5, (outputs, channels, kernel, kernel)),
                         rng.normal(0, 0.1, outputs)]
        return layer(name, "Convolution", bottom, name,
                     f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} {more} }}")

    text += convolution("c1", "data", 3, 8, more="stride: 2") + layer("r1", "ReLU", "c1", "c1")
    text += convolution("c2", "c1", 8, 12, more="stride: 2") + layer("r2", "ReLU", "c2", "c2")
    joined = {"loc": "", "conf": "", "prior": ""}
    for bottom, channels, size in (("c1", 8, 8), ("c2", 12, 16)):
        for kind, outputs in (("loc", 3 * 4), ("conf", 3 * 4)):
            name = f"{bottom}_{kind}"
            text += convolution(name, bottom, channels, outputs)
            text += layer(name + "_perm", "Permute", name, None,
                          "permute_param { order: 0 order: 2 order: 3 order: 1 }")
            text += layer(name + "_flat", "Flatten", name + "_perm", None, "flatten_param { axis: 1 }")
            joined[kind] += f" {name}_flat"
        text += layer(bottom + "_prior", "PriorBox", bottom + " data", None,
                      f"prior_box_param {{ min_size: {size} aspect_ratio: 2 flip: true clip: false offset: 0.5 "
                      "variance: 0.1 variance: 0.1 variance: 0.2 variance: 0.2 }")
        joined["prior"] += f" {bottom}_prior"
    text += layer("loc", "Concat", joined["loc"], None, "concat_param { axis: 1 }")
    text += layer("conf", "Concat", joined["conf"], None, "concat_param { axis: 1 }")
    text += layer("prior", "Concat", joined["prior"], None, "concat_param { axis: 2 }")
    text += layer("scores", "Reshape", "conf", None, "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }")
    text += layer("softmax", "Softmax", "scores", None, "softmax_param { axis: 2 }")
    text += layer("flat", "Flatten", "softmax", None, "flatten_param { axis: 1 }")
    text += layer("out", "DetectionOutput", "loc flat prior", "out",
                  "detection_output_param { num_classes: 4 share_location: true background_label_id: 0 keep_top_k: 50 "
                  "code_type: CENTER_SIZE confidence_threshold: 0.2 nms_param { nms_threshold: 0.45 top_k: 100 } }")
    return Case("ssd", text, {"data": rng.normal(0, 1, (1, 3, 32, 40))}, weights, is_sorted=True)
