"""Layers of segmentation networks (SegNet, PSPNet, DeepLab) and of YOLO's ports: models/caffe_cases.py says what a case
is."""
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from models.caffe_cases import Case, layer


def run_nodes(inputs, nodes, results, constants=None):
    """ONNX Runtime on nodes of ONNX."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, array.shape) for name, array in inputs.items()]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in results]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()]
    graph = helper.make_graph(nodes, "reference", values, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(results, inputs)


#--- SegNet ---#


def place(values, mask, rows, columns):
    """SegNet's Upsample: each value in its place of the plane."""
    images, channels = values.shape[:2]
    result = np.zeros((images * channels, rows * columns), np.float32)
    flat = mask.astype(int).reshape(images * channels, -1)
    np.put_along_axis(result, flat, values.reshape(images * channels, -1), 1)
    return result.reshape(images, channels, rows, columns)


def upsample_cases():
    rng = np.random.default_rng(11)
    # The places that SegNet's pooling gives, and ONNX Runtime's, which count over the whole tensor.
    text = layer("pool", "Pooling", "data", "pool mask", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    text += layer("tanh", "TanH", "pool") + layer("up", "Upsample", "tanh mask", None, "upsample_param { scale: 2 }")
    def pool_and_back(inputs):
        window = {"kernel_shape": [2, 2], "strides": [2, 2]}
        return run_nodes(inputs, [helper.make_node("MaxPool", ["data"], ["pool", "mask"], **window),
                                  helper.make_node("Tanh", ["pool"], ["tanh"]),
                                  helper.make_node("MaxUnpool", ["tanh", "mask"], ["up"], **window)], ["up"])
    yield Case("segnet-upsample", text, {"data": rng.normal(0, 1, (2, 3, 8, 10))}, expected=pool_and_back,
               why="OpenCV reads this layer of Torch's files only")
    for name, size, parameters in (("scale", (6, 8), ""), ("scale-h-w", (9, 8), "scale_h: 3 scale_w: 2"),
                                   ("pad-out", (5, 7), "scale: 2 pad_out_h: true pad_out_w: true"),
                                   ("size", (7, 11), "upsample_h: 7 upsample_w: 11")):
        mask = np.stack([rng.permutation(size[0] * size[1])[:12].reshape(3, 4) for _ in range(6)]).reshape(2, 3, 3, 4)
        yield Case("upsample-" + name, layer("up", "Upsample", "data mask", None, f"upsample_param {{ {parameters} }}"),
                   {"data": rng.normal(0, 1, (2, 3, 3, 4)), "mask": mask},
                   expected=lambda inputs, size=size: [place(inputs["data"], inputs["mask"], *size)],
                   why="OpenCV reads this layer of Torch's files only")
    yield Case("upsample-nearest", layer("up", "Upsample", "data", None, "upsample_param { scale: 3 }"),
               {"data": rng.normal(0, 1, (2, 3, 3, 4))},
               expected=lambda inputs: [inputs["data"].repeat(3, 2).repeat(3, 3)], why="OpenCV does not know it")


def batch_norm_cases():
    rng = np.random.default_rng(12)
    data = rng.normal(1, 2, (2, 5, 4, 3)).astype(np.float32)
    scale, shift, mean = (rng.normal(0, 1, (1, 5, 1, 1)) for _ in range(3))
    variance = rng.uniform(0.3, 2, (1, 5, 1, 1))
    why = "OpenCV does not know it"
    yield Case("bn-inference", layer("bn", "BN", "data", None, "bn_param { bn_mode: INFERENCE }"), {"data": data},
               {"bn": [scale, shift]}, lambda inputs: [inputs["data"] * scale + shift], why)
    def learn(inputs):
        x = inputs["data"].astype(np.float64)
        centered = x - x.mean((0, 2, 3), keepdims=True)
        return [centered / np.sqrt((centered ** 2).mean((0, 2, 3), keepdims=True) + 1e-9) * scale + shift]
    yield Case("bn-learn", layer("bn", "BN", "data", None, "bn_param { scale_filler { value: 1 } }"), {"data": data},
               {"bn": [scale, shift]}, learn, why)
    for name, parameters, eps in (("frozen", "slope_filler { value: 1 } bias_filler { } frozen: true", 1e-5),
                                  ("eps", "eps: 0.1", 0.1), ("bare", "", 1e-5),
                                  ("var-eps", "decay: 0.05 var_eps: 0.01 moving_average: true", 0.01)):
        def normalize(inputs, eps=eps):
            return [(inputs["data"] - mean) / np.sqrt(variance + eps) * scale + shift]
        yield Case("bn-" + name, layer("bn", "BN", "data", None, f"bn_param {{ {parameters} }}"), {"data": data},
                   {"bn": [blob.reshape(1, 5) if name == "bare" else blob for blob in (scale, shift, mean, variance)]},
                   normalize, why)


#--- Sizes ---#


def interp_cases():
    rng = np.random.default_rng(13)
    for name, shape, parameters, size, pads in (
            ("size", (5, 7), "height: 9 width: 4", (9, 4), (0, 0)),
            ("zoom", (5, 7), "zoom_factor: 3", (13, 19), (0, 0)),
            ("shrink", (9, 14), "shrink_factor: 4", (3, 4), (0, 0)),
            ("both", (9, 13), "shrink_factor: 4 zoom_factor: 3", (7, 10), (0, 0)),
            ("cut", (9, 14), "zoom_factor: 2 pad_beg: -1 pad_end: -2", (11, 21), (-1, -2)),
            ("one", (4, 5), "height: 1 width: 1", (1, 1), (0, 0)),
            ("from-one", (1, 1), "height: 4 width: 3", (4, 3), (0, 0))):
        def resize(inputs, size=size, pads=pads, shape=shape):
            data = inputs["data"][:, :, -pads[0]:shape[0] + pads[1], -pads[0]:shape[1] + pads[1]]
            node = helper.make_node("Resize", ["data", "", "", "sizes"], ["y"], mode="linear",
                                    coordinate_transformation_mode="align_corners")
            return run_nodes({"data": np.ascontiguousarray(data)}, [node], ["y"],
                             {"sizes": np.array([*data.shape[:2], *size], np.int64)})
        yield Case("interp-" + name, layer("y", "Interp", "data", None, f"interp_param {{ {parameters} }}"),
                   {"data": rng.normal(0, 1, (2, 3, *shape))}, expected=resize, why="OpenCV's factors are other ones")
    def like(inputs):
        node = helper.make_node("Resize", ["data", "", "", "sizes"], ["y"], mode="linear",
                                coordinate_transformation_mode="align_corners")
        return run_nodes({"data": inputs["data"]}, [node], ["y"], {"sizes": np.array([1, 2, 6, 4], np.int64)})
    yield Case("interp-reference", layer("y", "Interp", "data like", None, ""),
               {"data": rng.normal(0, 1, (1, 2, 3, 5)), "like": np.zeros((1, 1, 6, 4))}, expected=like, why="as above")


def other_cases():
    rng = np.random.default_rng(14)
    data = rng.normal(0, 1, (2, 8, 4, 6)).astype(np.float32)
    yield Case("crelu", layer("y", "CReLU", "data"), {"data": data[:1]},
               expected=lambda inputs: [np.maximum(np.concatenate([inputs["data"], -inputs["data"]], 1), 0)],
               why="OpenCV does not know it")
    yield Case("reorg", layer("y", "Reorg", "data", None, "reorg_param { stride: 2 }"), {"data": data})
    for name, selector in (("some", [1, 0, 0.5, -1]), ("all", [1, 1, 1, 1]), ("none", [0, 0, 0, 0])):
        yield Case("filter-" + name, layer("f", "Filter", "a b selector", "x y"),
                   {"a": rng.normal(0, 1, (4, 2, 3)), "b": rng.normal(0, 1, (4,)),
                    "selector": np.reshape(selector, (4, 1, 1))},
                   expected=lambda inputs: [inputs[key][inputs["selector"].reshape(-1) != 0] for key in "ab"],
                   why="OpenCV does not know it")


def cases():
    yield from upsample_cases()
    yield from batch_norm_cases()
    yield from interp_cases()
    yield from other_cases()
