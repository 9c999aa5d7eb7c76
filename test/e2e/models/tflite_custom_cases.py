"""The cases of tflite_ops.py of custom operators that TFLite's interpreter has, and of sums, whose reference kernel is
broken."""
import itertools

import numpy as np

from .tflite_cases import Case, Random

FLOAT = np.float32


def detection(name, boxes, classes, background, codes=4, quantized=False, **options):
    """TFLite_Detection_PostProcess. Rows behind those that count are not defined where classes are not looked at one by one:
    the scores there, at least, must not be compared, and neither are classes of equal scores."""
    settings = {"max_detections": 10, "max_classes_per_detection": 1, "nms_score_threshold": 0.2, "nms_iou_threshold": 0.5,
                "num_classes": classes, "y_scale": 10.0, "x_scale": 10.0, "h_scale": 5.0, "w_scale": 5.0, **options}

    def build(graph):
        r = Random(name)
        places = np.sort(r.rng.random((boxes, 2, 2)), axis=1).reshape(boxes, 4)
        sizes = np.maximum(places[:, 2:] - places[:, :2], 0.1)
        anchors = np.concatenate([places[:, :2] + sizes / 2, sizes], axis=1).astype(FLOAT)
        encoded, scores = r.floats(1, boxes, codes), r.rng.random((1, boxes, classes + background)).astype(FLOAT)
        if quantized:
            def quantize(array, scale, zero):
                return graph.input(np.clip(np.round(array / scale) + zero, 0, 255).astype(np.uint8), (scale, zero))

            # Of many equal scores any may be the best.
            scores = r.rng.permutation(boxes * (classes + background)).reshape(scores.shape) / 256
            operands = [quantize(encoded, 0.03, 128), quantize(scores, 1 / 256, 0),
                        graph.constant(np.round(anchors * 200).astype(np.uint8), (1 / 200, 0))]
        else:
            operands = [graph.input(encoded), graph.input(scores), graph.constant(anchors)]
        results = [graph.tensor([], FLOAT) for _ in range(4)]
        graph.custom("TFLite_Detection_PostProcess", operands, results, **settings)
        graph.output(*results)

    return Case(name, build)


def detections():
    # So many boxes are there that all rows count.
    yield detection("detection_best_class", 120, 3, 1)
    yield detection("detection_no_background", 120, 3, 0)
    yield detection("detection_several_classes", 80, 4, 1, max_classes_per_detection=2, max_detections=5)
    yield detection("detection_all_classes", 80, 2, 1, max_classes_per_detection=2, max_detections=6)
    yield detection("detection_more_codes", 90, 2, 1, codes=6, nms_iou_threshold=0.3)
    yield detection("detection_scales", 90, 2, 1, y_scale=2.0, x_scale=4.0, h_scale=3.0, w_scale=7.0)
    yield detection("detection_quantized", 60, 2, 1, quantized=True)
    for background, most in itertools.product((0, 1), (1, 7, 30)):
        yield detection(f"detection_each_class_{background}_{most}", 60, 5, background, use_regular_nms=True,
                        max_detections=most, detections_per_class=6)
    # Here rows are left over, which are zeros.
    yield detection("detection_each_class_few", 12, 2, 1, use_regular_nms=True, max_detections=40, nms_score_threshold=0.7)
    yield detection("detection_each_class_none", 12, 2, 1, use_regular_nms=True, nms_score_threshold=1.5)


def sounds():
    for samples, channels, window, stride, squared in ((2000, 1, 400, 160, True), (700, 2, 256, 100, False), (64, 1, 64, 64, True)):
        name = f"audio_spectrogram_{samples}_{channels}_{window}_{stride}_{squared}"

        def build(graph, name=name, shape=(samples, channels), window=window, stride=stride, squared=squared):
            x, y = graph.input(Random(name).floats(*shape)), graph.tensor([], FLOAT)
            graph.custom("AudioSpectrogram", [x], [y], window_size=window, stride=stride, magnitude_squared=squared)
            graph.output(y)

        yield Case(name, build, atol=1e-2 if squared else 1e-3)
    for bins, options in ((257, {}), (129, {"upper_frequency_limit": 3000.7, "lower_frequency_limit": 100.0,
                                            "filterbank_channel_count": 20, "dct_coefficient_count": 20})):
        def build_mfcc(graph, bins=bins, options=options):
            x = graph.input(Random(f"mfcc {bins}").positive(2, 7, bins))
            y = graph.tensor([], FLOAT)
            settings = {"upper_frequency_limit": 4000.0, "lower_frequency_limit": 20.0, "filterbank_channel_count": 40,
                        "dct_coefficient_count": 13, **options}
            graph.custom("Mfcc", [x, graph.constant(np.array([16000], np.int32))], [y], **settings)
            graph.output(y)

        yield Case(f"mfcc_{bins}", build_mfcc, atol=1e-4)


def sums():
    for dtype, axes, keep in itertools.product((np.int8, np.uint8, np.int16), ([1], [0, 2], [-1]), (False, True)):
        name = f"sum_{np.dtype(dtype)}_{axes}_{keep}"
        zeros = {np.int8: (3, -7), np.uint8: (120, 9), np.int16: (0, 0)}[dtype]

        def build(graph, name=name, dtype=dtype, axes=axes, keep=keep, zeros=zeros):
            limits = np.iinfo(dtype)
            x = graph.input(Random(name).ints(limits.min, limits.max + 1, 3, 40, 5, dtype=dtype), (0.05, zeros[0]))
            y = graph.tensor([], dtype, (0.3, zeros[1]))
            graph.op("SUM", [x, graph.constant(np.array(axes, np.int32))], [y], "ReducerOptions", keepDims=keep)
            graph.output(y)

        yield Case(name, build, is_broken=True)


def list_cases():
    yield from sums()
    yield from detections()
    yield from sounds()
