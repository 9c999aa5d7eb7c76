"""Small models in the formats that have two files, written here byte by byte: what a frontend reads, in every kind of field.
Each is a list of (extension, contents); the first file is the one to compile."""
import struct

import numpy as np

PROTOTXT = b"""name: "small"
input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 6 }
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 3 kernel_size: 3 pad: 1 stride: 2 weight_filler { type: "xavier" } } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" relu_param { negative_slope: 0.1 } }
layer { name: "pool" type: "Pooling" bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layer { name: "lrn" type: "LRN" bottom: "pool" top: "lrn" lrn_param { local_size: 3 } }
layer { name: "slice" type: "Slice" bottom: "lrn" top: "a" top: "b" slice_param { axis: 1 slice_point: 1 } }
layer { name: "cat" type: "Concat" bottom: "a" bottom: "b" top: "cat" }
layer { name: "shape" type: "Reshape" bottom: "cat" top: "shape" reshape_param { shape { dim: 0 dim: -1 } } }
layer { name: "ip" type: "InnerProduct" bottom: "shape" top: "ip" inner_product_param { num_output: 4 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""

OLD_PROTOTXT = b"""input: "data" input_dim: 1 input_dim: 2 input_dim: 6 input_dim: 6
layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
layers { layer { name: "conv" type: "conv" num_output: 3 kernelsize: 3 stride: 2 } bottom: "pad" top: "conv" }
layers { name: "crop" type: ELTWISE bottom: "conv" bottom: "conv" top: "sum" eltwise_param { coeff: 1 coeff: -2 } }
layers { name: "ip" type: INNER_PRODUCT bottom: "sum" top: "ip" inner_product_param { num_output: 4 } }
"""

FORKS_PROTOTXT = b"""name: "forks"
layer { name: "scores" type: "Input" top: "scores" input_param { shape { dim: 1 dim: 4 dim: 3 dim: 4 } } }
layer { name: "offsets" type: "Input" top: "offsets" input_param { shape { dim: 1 dim: 8 dim: 3 dim: 4 } } }
layer { name: "info" type: "Input" top: "info" input_param { shape { dim: 1 dim: 3 } } }
layer { name: "rois" type: "Proposal" bottom: "scores" bottom: "offsets" bottom: "info" top: "rois"
  proposal_param { ratio: 1 scale: 1 scale: 2 feat_stride: 8 pre_nms_topn: 9 post_nms_topn: 5 nms_thresh: 0.5 } }
layer { name: "py" type: "Python" bottom: "scores" bottom: "offsets" bottom: "info" top: "py" python_param {
  module: "rpn.proposal_layer" layer: "ProposalLayer" param_str: "{'feat_stride': 8, 'scales': [1, 2], 'ratios': [1]}" } }
layer { name: "roi" type: "ROIPooling" bottom: "offsets" bottom: "rois" top: "roi"
  roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.125 } }
layer { name: "ps" type: "PSROIPooling" bottom: "offsets" bottom: "py" top: "ps"
  psroi_pooling_param { spatial_scale: 0.125 output_dim: 2 group_size: 2 } }
layer { name: "flat" type: "Flatten" bottom: "roi" top: "flat" }
layer { name: "pool" type: "Pooling" bottom: "scores" top: "pool" top: "mask" pooling_param { kernel_size: 2 stride: 2 } }
layer { name: "up" type: "Upsample" bottom: "pool" bottom: "mask" top: "up" upsample_param { scale: 2 } }
layer { name: "interp" type: "Interp" bottom: "offsets" top: "interp" interp_param { zoom_factor: 2 shrink_factor: 2 } }
layer { name: "crelu" type: "CReLU" bottom: "interp" top: "crelu" }
layer { name: "priors" type: "PriorBox" bottom: "pool" bottom: "scores" top: "priors" prior_box_param { min_size: 3 } }
layer { name: "loc" type: "Reshape" bottom: "pool" top: "loc" reshape_param { shape { dim: 1 dim: -1 } } }
layer { name: "out" type: "DetectionOutput" bottom: "loc" bottom: "loc" bottom: "priors" top: "out" detection_output_param {
  num_classes: 4 code_type: CENTER_SIZE keep_top_k: 3 nms_param { nms_threshold: 0.4 top_k: 2 } } }
"""

BOXES_PROTOTXT = b"""name: "boxes"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 dim: 6 dim: 6 } } }
layer { name: "mvn" type: "MVN" bottom: "data" top: "mvn" mvn_param { across_channels: true } }
layer { name: "elu" type: "ELU" bottom: "mvn" top: "elu" elu_param { alpha: 0.5 } }
layer { name: "shuffle" type: "ShuffleChannel" bottom: "elu" top: "shuffle" shuffle_channel_param { group: 2 } }
layer { name: "power" type: "Power" bottom: "shuffle" top: "power" power_param { power: 2 scale: 0.5 shift: 1 } }
layer { name: "spp" type: "SPP" bottom: "power" top: "spp" spp_param { pool: MAX pyramid_height: 2 } }
layer { name: "im2col" type: "Im2col" bottom: "power" top: "im2col" convolution_param { kernel_size: 2 } }
layer { name: "crop" type: "Crop" bottom: "data" bottom: "power" top: "crop" crop_param { axis: 2 offset: 0 } }
layer { name: "tile" type: "Tile" bottom: "crop" top: "tile" tile_param { axis: 1 tiles: 2 } }
layer { name: "sum" type: "Reduction" bottom: "tile" top: "sum" reduction_param { operation: SUM axis: 1 } }
layer { name: "best" type: "ArgMax" bottom: "spp" top: "best" argmax_param { top_k: 2 } }
layer { name: "priors" type: "PriorBox" bottom: "power" bottom: "data" top: "priors"
  prior_box_param { min_size: 2 max_size: 4 aspect_ratio: 2 flip: true variance: 0.1 } }
layer { name: "flat" type: "Flatten" bottom: "im2col" top: "flat" flatten_param { axis: 1 } }
"""

DETECTION_CFG = b"""[net]
height=8
width=8
channels=4
[maxpool]
size=2
stride=1
[avgpool]
[connected]
output=4
activation=relu
[scale_channels]
from=-3
[route]
layers=0
groups=2
group_id=1
[local_avgpool]
size=2
stride=2
[route]
layers=0
[crop]
crop_height=6
crop_width=6
[dropout]
probability=0.5
[batchnorm]
[convolutional]
filters=14
size=1
activation=linear
[yolo]
mask=0,1
anchors=1,2, 3,4, 5,6
classes=2
num=3
"""

CFG = b"""[net]
height=8
width=8
channels=2
[convolutional]
batch_normalize=1
filters=4
size=3
stride=2
pad=1
activation=leaky
[maxpool]
size=2
stride=1
[convolutional]
filters=4
size=1
activation=linear
[shortcut]
from=-2
activation=relu
[route]
layers=-1,-3
[upsample]
stride=2
[reorg]
stride=2
[softmax]
groups=2
"""

RNN_CFG = b"""[net]
inputs=3
time_steps=2
[rnn]
output=2
activation=tanh
[lstm]
output=2
[gru]
output=2
[connected]
output=3
activation=logistic
"""


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, contents):
    return varint(number << 3 | 2) + varint(len(contents)) + contents


def blob(shape, rng):
    """A BlobProto: shape (7) and packed floats (5)."""
    values = rng.standard_normal(int(np.prod(shape))).astype("<f4")
    return field(7, field(1, b"".join(map(varint, shape)))) + field(5, values.tobytes())


def caffemodel(layers, rng):
    return field(1, b"small") + b"".join(
        field(100, field(1, name) + field(2, kind) + b"".join(field(7, blob(shape, rng)) for shape in shapes))
        for name, kind, shapes in layers)


def weights(count, rng):
    return struct.pack("<iiiq", 0, 2, 0, 0) + rng.standard_normal(count).astype("<f4").tobytes()


def make_all():
    rng = np.random.default_rng(0)
    conv = (b"conv", b"Convolution", [(3, 2, 3, 3), (3,)])
    new = caffemodel([conv, (b"ip", b"InnerProduct", [(4, 12), (4,)])], rng)
    old = caffemodel([conv, (b"ip", b"InnerProduct", [(4, 27), (4,)])], rng)
    convolutions = 4 * 4 + 4 * 2 * 9 + 4 + 4 * 4
    recurrent = (3 * 2 + 2) + 2 * (2 * 2 + 2) + 8 * (2 * 2 + 2) + 6 * (2 * 2 + 2) + (3 * 2 + 3)
    detection = (4 * 4 + 4) + 4 * 4 + (4 * 14 + 14)
    return [[(".prototxt", PROTOTXT), (".caffemodel", new)], [(".prototxt", OLD_PROTOTXT), (".caffemodel", old)],
            [(".prototxt", BOXES_PROTOTXT), (".caffemodel", caffemodel([], rng))],
            [(".prototxt", FORKS_PROTOTXT), (".caffemodel", caffemodel([], rng))],
            [(".cfg", CFG), (".weights", weights(convolutions, rng))],
            [(".cfg", DETECTION_CFG), (".weights", weights(detection, rng))],
            [(".cfg", RNN_CFG), (".weights", weights(recurrent, rng))]]
