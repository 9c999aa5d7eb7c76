"""Layers of networks that look at regions (Fast and Faster R-CNN, R-FCN): models/caffe_cases.py says what a case is."""
import numpy as np

from models.caffe_cases import Case, layer, suppress


def make_regions(rng, count, images, rows, columns, step):
    """Some larger than the image, some of a point, some outside."""
    corners = rng.uniform(-0.2, 1.2, (count, 2, 2)) * [columns * step, rows * step]
    regions = np.concatenate([rng.integers(0, images, (count, 1)), corners.min(1), corners.max(1)], 1)
    regions[0, 3:] = regions[0, 1:3]
    regions[1, 1:] += 3 * columns * step
    return regions.astype(np.float32)


def pool_cases():
    for seed, (bins, images, scale, shape) in enumerate((((3, 3), 1, 0.25, (9, 13)), ((7, 7), 2, 1 / 16, (14, 21)),
                                                         ((2, 5), 3, 1.0, (6, 6)), ((1, 1), 1, 0.5, (4, 30)))):
        rng = np.random.default_rng(seed + 40)
        inputs = {"data": rng.normal(0, 1, (images, 6, *shape)),
                  "rois": make_regions(rng, 8, images, *shape, 1 / scale)}
        text = layer("y", "ROIPooling", "data rois", None,
                     f"roi_pooling_param {{ pooled_h: {bins[0]} pooled_w: {bins[1]} spatial_scale: {scale} }}")
        yield Case(f"roi-{seed}", text, inputs)
    for seed, (bins, outputs, images, scale, shape) in enumerate(((3, 2, 1, 0.25, (9, 13)), (7, 4, 1, 1 / 16, (20, 30)),
                                                                  (1, 3, 2, 0.5, (5, 4)))):
        rng = np.random.default_rng(seed + 50)
        inputs = {"data": rng.normal(0, 1, (images, outputs * bins * bins, *shape)),
                  "rois": make_regions(rng, 8, images, *shape, 1 / scale).reshape(8, 5, 1, 1)}
        text = layer("y", "PSROIPooling", "data rois", None,
                     f"psroi_pooling_param {{ spatial_scale: {scale} output_dim: {outputs} group_size: {bins} }}")
        yield Case(f"psroi-{seed}", text, inputs)


#--- Proposals ---#


def overlap(a, b):
    """From x1 to x2 are x2 - x1 + 1 elements."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]) + 1, min(a[3], b[3]) - max(a[1], b[1]) + 1
    area = [(box[2] - box[0] + 1) * (box[3] - box[1] + 1) for box in (a, b)]
    return width * height / (area[0] + area[1] - width * height) if width > 0 and height > 0 else 0


def make_anchors(base, ratios, scales):
    anchors = []
    for ratio in ratios:
        width = np.round(np.sqrt(base * base / ratio))
        height = np.round(width * ratio)
        for scale in scales:
            half = np.array([width * scale - 1, height * scale - 1]) / 2
            anchors.append([*((base - 1) / 2 - half), *((base - 1) / 2 + half)])
    return np.array(anchors)


def propose(inputs, stride, ratios=(0.5, 1, 2), scales=(8, 16, 32), base=16, least=16, nms=0.7, most=6000, kept=300,
            is_python=False):
    """Faster R-CNN's published proposals: regions and scores."""
    scores, offsets, info = (array.astype(np.float64) for array in inputs.values())
    info = info.reshape(-1)
    kinds, (rows, columns) = scores.shape[1] // 2, scores.shape[2:]
    x, y = np.meshgrid(np.arange(columns) * stride, np.arange(rows) * stride)
    shifts = np.stack([x, y, x, y], -1).reshape(-1, 1, 4)
    anchors = (make_anchors(base, ratios, scales)[None] + shifts).reshape(-1, 4)
    size = anchors[:, 2:] - anchors[:, :2] + 1
    middle = anchors[:, :2] + size / 2
    regions, values = [], []
    for image in range(scores.shape[0]):
        own = scores[image, kinds:].transpose(1, 2, 0).reshape(-1)
        d = offsets[image].transpose(1, 2, 0).reshape(-1, 4)
        center, half = d[:, :2] * size + middle, np.exp(d[:, 2:]) * size / 2
        last = [info[1] - 1, info[0] - 1]
        boxes = np.concatenate([np.clip(center - half, 0, last), np.clip(center + half, 0, last)], 1)
        is_large = (boxes[:, 2:] - boxes[:, :2] + 1 >= least * info[2]).all(1)
        if is_python:
            boxes, own = boxes[is_large], own[is_large]
        else:
            own = np.where(is_large, own, 0)
        order = np.argsort(-own, kind="stable")[:most]
        chosen = suppress(boxes, own, order, nms, overlap)[:kept]
        regions += [[image, *boxes[place]] for place in chosen]
        values += [own[place] for place in chosen]
    values = np.array(values, np.float32)
    return [np.array(regions, np.float32).reshape(-1, 5), values.reshape(-1, 1) if is_python else values]


def proposal_inputs(seed, images, kinds, rows, columns, stride, scale=1.0):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(images * 2 * kinds * rows * columns) / 1e4  # all different
    return {"scores": scores.reshape(images, 2 * kinds, rows, columns),
            "offsets": rng.normal(0, 0.3, (images, 4 * kinds, rows, columns)),
            "info": np.array([[rows * stride - 3, columns * stride - 7, scale]])}


def proposal_cases():
    python = 'python_param {{ module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "{}" }}'
    for name, parameters, options in (
            ("plain", "'feat_stride': 16", {}), ("braces", "{'feat_stride': 16, 'scales': [2, 4]}", {"scales": (2, 4)}),
            ("tuple", "{'feat_stride': 8, 'scales': !!python/tuple [4, 8, 16, 32]}", {"scales": (4, 8, 16, 32)}),
            ("lines", "feat_stride: 16\\nscales: [4]\\nratios: [0.5, 1.0, 1.7, 3]",
             {"scales": (4,), "ratios": (0.5, 1, 1.7, 3)})):
        stride = 8 if name == "tuple" else 16
        kinds = len(options.get("ratios", (1, 2, 3))) * len(options.get("scales", (1, 2, 3)))
        yield Case("proposal-python-" + name, layer("p", "Python", "scores offsets info", "rois values",
                                                    python.format(parameters)),
                   proposal_inputs(len(name), 1, kinds, 7, 9, stride, 1.5 if name == "plain" else 0.4),
                   expected=lambda given, stride=stride, options=options: propose(given, stride, is_python=True,
                                                                                  **options),
                   why="OpenCV runs no Python")
    text = ("proposal_param { ratio: 0.5 ratio: 1 ratio: 2 scale: 2 scale: 4 base_size: 16 feat_stride: 16 "
            "min_size: %d pre_nms_topn: %d post_nms_topn: %d nms_thresh: %g }")
    for name, images, numbers in (("cut", 1, (16, 60, 9, 0.7)), ("all", 1, (16, 6000, 300, 0.7)),
                                  ("batch", 2, (40, 80, 20, 0.5))):
        least, most, kept, nms = numbers
        yield Case("proposal-" + name, layer("p", "Proposal", "scores offsets info", "rois values", text % numbers),
                   proposal_inputs(images + most, images, 6, 6, 8, 16),
                   expected=lambda given, least=least, most=most, kept=kept, nms=nms: propose(
                       given, 16, scales=(2, 4), least=least, most=most, kept=kept, nms=nms),
                   why="OpenCV keeps small boxes with their scores")
    # Without boxes that are too small OpenCV computes the same, and fills up.
    yield Case("proposal-opencv", layer("p", "Proposal", "scores offsets info", "rois", text % (0, 70, 12, 0.7)),
               proposal_inputs(5, 1, 6, 6, 8, 16), pads=True)


def network_cases():
    """Faster R-CNN and R-FCN, small."""
    rng, weights = np.random.default_rng(60), {}

    def convolution(name, bottom, channels, outputs, kernel=3):
        weights[name] = [rng.normal(0, 1.5 / (channels * kernel * kernel) ** 0.5, (outputs, channels, kernel, kernel)),
                         rng.normal(0, 0.1, outputs)]
        return layer(name, "Convolution", bottom, name,
                     f"convolution_param {{ num_output: {outputs} kernel_size: {kernel} pad: {kernel // 2} }}")

    def product(name, bottom, channels, outputs):
        weights[name] = [rng.normal(0, 1.5 / channels ** 0.5, (outputs, channels)), rng.normal(0, 0.1, outputs)]
        return layer(name, "InnerProduct", bottom, name, f"inner_product_param {{ num_output: {outputs} }}")

    trunk = convolution("c1", "data", 3, 8) + layer("r1", "ReLU", "c1", "c1")
    trunk += layer("pool", "Pooling", "c1", None, "pooling_param { pool: MAX kernel_size: 4 stride: 4 }")
    trunk += convolution("rpn_score", "pool", 8, 12, 1) + convolution("rpn_offset", "pool", 8, 24, 1)
    trunk += layer("rpn_shape", "Reshape", "rpn_score", None,
                   "reshape_param { shape { dim: 0 dim: 2 dim: -1 dim: 0 } }")
    trunk += layer("rpn_prob", "Softmax", "rpn_shape")
    trunk += layer("rpn_back", "Reshape", "rpn_prob", None,
                   "reshape_param { shape { dim: 0 dim: 12 dim: -1 dim: 0 } }")
    trunk += layer("proposal", "Proposal", "rpn_back rpn_offset info", "rois",
                   "proposal_param { ratio: 0.5 ratio: 1 ratio: 2 scale: 1 scale: 2 base_size: 16 feat_stride: 4 "
                   "min_size: 0 pre_nms_topn: 100 post_nms_topn: 20 nms_thresh: 0.5 }")
    inputs = {"data": rng.normal(0, 1, (1, 3, 48, 64)), "info": np.array([[48, 64, 1]])}
    head = layer("roi", "ROIPooling", "pool rois", None,
                 "roi_pooling_param { pooled_h: 3 pooled_w: 3 spatial_scale: 0.25 }")
    head += convolution("c5", "roi", 8, 8) + layer("sum", "Eltwise", "c5 roi")
    head += product("fc6", "sum", 72, 16) + layer("r6", "ReLU", "fc6", "fc6") + layer("drop6", "Dropout", "fc6", "fc6")
    head += product("score", "fc6", 16, 4) + product("bbox", "fc6", 16, 16) + layer("prob", "Softmax", "score")
    yield Case("faster-rcnn", trunk + head, inputs, dict(weights), pads=True)
    head = convolution("maps", "pool", 8, 4 * 9, 1)
    head += layer("ps", "PSROIPooling", "maps rois", None,
                  "psroi_pooling_param { spatial_scale: 0.25 output_dim: 4 group_size: 3 }")
    head += layer("vote", "Pooling", "ps", None, "pooling_param { pool: AVE kernel_size: 3 stride: 3 }")
    head += layer("prob", "Softmax", "vote") + layer("flat", "Reshape", "prob", None,
                                                     "reshape_param { shape { dim: -1 dim: 4 } }")
    yield Case("r-fcn", trunk + head, inputs, dict(weights), pads=True)


def cases():
    yield from pool_cases()
    yield from proposal_cases()
    yield from network_cases()
