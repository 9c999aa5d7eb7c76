#!/usr/bin/env python3
"""Models of ai.onnx.ml (tree ensembles, linear models, encoders, maps) with random parameters against ONNX Runtime: with static
shapes, and with a number of rows that is known at run time only. Features are taken from a grid that the thresholds are on
too, and some are NaN or infinite."""
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402

DOMAIN = "ai.onnx.ml"
MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
FEATURES = 7
RANDOM = np.random.default_rng(11)


def rows(count=23, dtype=np.float32, special=True):
    x = (RANDOM.integers(-8, 9, (count, FEATURES)) / 4).astype(dtype)
    if special and np.issubdtype(dtype, np.floating):
        x[RANDOM.random(x.shape) < 0.1] = np.nan
        x[RANDOM.random(x.shape) < 0.05] = np.inf
    return x


class Trees:
    """Random trees as the attributes up to version 3 of the operators list them, nodes of a tree in random order."""

    def __init__(self, trees, depth, mixed=False, missing=False):
        """`mixed`: the mode of all nodes, or True for any; `missing`: some nodes, or "all", take NaN as true."""
        self.lists = {key: [] for key in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids",
                                          "falsenodeids", "missing_value_tracks_true")}
        self.leaves = []
        for tree in range(trees):
            nodes = []
            self.grow(nodes, depth, mixed, missing)
            names = RANDOM.permutation(len(nodes))
            for at in np.concatenate([[0], 1 + RANDOM.permutation(len(nodes) - 1)]) if len(nodes) > 1 else [0]:
                mode, feature, value, yes, no, tracks = nodes[int(at)]
                row = (tree, int(names[int(at)]), feature, value, mode, int(names[yes]) if yes else 0,
                       int(names[no]) if no else 0, tracks)
                for key, entry in zip(self.lists, row):
                    self.lists[key].append(entry)
                if mode == "LEAF":
                    self.leaves.append((tree, int(names[int(at)])))

    def grow(self, nodes, depth, mixed, missing):
        place = len(nodes)
        nodes.append(None)
        if depth == 0 or RANDOM.random() < 0.15:
            nodes[place] = ("LEAF", 0, 0.0, None, None, 0)
            return place
        yes = self.grow(nodes, depth - 1, mixed, missing)
        no = self.grow(nodes, depth - 1, mixed, missing)
        mode = MODES[RANDOM.integers(len(MODES))] if mixed is True else mixed or "BRANCH_LEQ"
        nodes[place] = (mode, int(RANDOM.integers(FEATURES)), float(RANDOM.integers(-6, 7) / 4), yes, no,
                        int(missing == "all" or missing and RANDOM.random() < 0.5))
        return place

    def attributes(self, prefix, targets, weights=None):
        """One weight of each of `targets` for each leaf."""
        result = {"nodes_" + key: value for key, value in self.lists.items()}
        pairs = [(leaf, target) for leaf in self.leaves for target in targets]
        numbers = RANDOM.standard_normal(len(pairs)) if weights is None else weights(len(pairs))
        result.update({prefix + "_treeids": [leaf[0] for leaf, _ in pairs], prefix + "_nodeids": [leaf[1] for leaf, _ in pairs],
                       prefix + "_ids": [target for _, target in pairs], prefix + "_weights": [float(w) for w in numbers]})
        return result


def as_tensors(attributes, *names):
    """The attributes with doubles in tensors, as version 3 allows."""
    result = dict(attributes)
    for name in names:
        result[name + "_as_tensor"] = onnx.numpy_helper.from_array(np.array(result.pop(name), np.float64))
    return result


def new_ensemble(trees, depth, aggregate, member):
    """The attributes of version 5."""
    inner, leaves, members, roots = [], [], [], []

    def grow(level):
        if level == 0 or RANDOM.random() < 0.15 and level < depth:
            leaves.append((int(RANDOM.integers(3)), float(RANDOM.standard_normal())))
            return len(leaves) - 1, 1
        place = len(inner)
        inner.append(None)
        yes, no = grow(level - 1), grow(level - 1)
        inner[place] = (int(RANDOM.integers(FEATURES)), float(RANDOM.integers(-6, 7) / 4),
                        6 if member and RANDOM.random() < 0.4 else int(RANDOM.integers(6)), *yes, *no)
        return place, 0

    for _ in range(trees):
        roots.append(grow(depth)[0])
    for node in inner:
        if node[2] == 6:
            members.extend(list(RANDOM.choice(np.arange(1.0, 9.0), RANDOM.integers(1, 4), replace=False)) + [np.nan])
    tensor = onnx.numpy_helper.from_array
    attributes = {"tree_roots": roots, "n_targets": 3, "aggregate_function": aggregate, "post_transform": 0,
                  "nodes_featureids": [n[0] for n in inner], "nodes_splits": tensor(np.array([n[1] for n in inner], np.float32)),
                  "nodes_modes": tensor(np.array([n[2] for n in inner], np.uint8)),
                  "nodes_truenodeids": [n[3] for n in inner], "nodes_trueleafs": [n[4] for n in inner],
                  "nodes_falsenodeids": [n[5] for n in inner], "nodes_falseleafs": [n[6] for n in inner],
                  "leaf_targetids": [leaf[0] for leaf in leaves],
                  "leaf_weights": tensor(np.array([leaf[1] for leaf in leaves], np.float32))}
    if members:
        attributes["membership_values"] = tensor(np.array(members, np.float32))
    return attributes


def regressors():
    for trees, depth, mixed, missing in ((1, 3, False, False), (5, 6, False, False), (4, 4, True, False), (6, 5, True, True),
                                         (3, 0, False, False)):
        ensemble = Trees(trees, depth, mixed, missing)
        for function in ("SUM", "AVERAGE", "MIN", "MAX"):
            yield (f"regressor_{trees}_{depth}_{function}", "TreeEnsembleRegressor", 1, 1, rows(),
                   dict(ensemble.attributes("target", [0]), aggregate_function=function, base_values=[0.5], n_targets=1))
    for mode in MODES:
        for missing in (False, "all"):
            yield (f"regressor_{mode}_{missing}", "TreeEnsembleRegressor", 1, 1, rows(),
                   dict(Trees(5, 5, mode, missing).attributes("target", [0]), n_targets=1))
    ensemble = Trees(4, 4)
    several = dict(ensemble.attributes("target", [0, 2]), n_targets=3)
    yield "regressor_targets", "TreeEnsembleRegressor", 1, 1, rows(), several
    yield "regressor_max_targets", "TreeEnsembleRegressor", 1, 1, rows(), dict(several, aggregate_function="MAX")
    apart = Trees(3, 4).attributes("target", [0])
    apart["target_ids"] = [int(i) for i in RANDOM.integers(0, 3, len(apart["target_ids"]))]
    for function in ("MIN", "MAX", "SUM", "AVERAGE"): # leaves with one target each
        yield (f"regressor_apart_{function}", "TreeEnsembleRegressor", 1, 1, rows(),
               dict(apart, n_targets=3, aggregate_function=function, base_values=[1.0, -2.0, 0.5]))
    rare = ensemble.attributes("target", [0])
    for key in ("target_treeids", "target_nodeids", "target_ids", "target_weights"):
        rare[key] = rare[key][::3]
    for function in ("MIN", "MAX", "SUM", "AVERAGE"): # most leaves have no weight for the only target
        yield (f"regressor_rare_{function}", "TreeEnsembleRegressor", 1, 1, rows(),
               dict(rare, n_targets=1, aggregate_function=function, base_values=[0.5]))
    yield "regressor_logistic", "TreeEnsembleRegressor", 1, 1, rows(), dict(several, post_transform="LOGISTIC")
    yield "regressor_softmax", "TreeEnsembleRegressor", 1, 1, rows(), dict(several, post_transform="SOFTMAX")
    yield "regressor_softmax_zero", "TreeEnsembleRegressor", 1, 1, rows(), dict(several, post_transform="SOFTMAX_ZERO")
    yield "regressor_double", "TreeEnsembleRegressor", 3, 1, rows(dtype=np.float64), as_tensors(
        dict(ensemble.attributes("target", [0]), n_targets=1), "nodes_values", "target_weights")
    yield "regressor_large", "TreeEnsembleRegressor", 1, 1, rows(200), dict(
        Trees(100, 8).attributes("target", [0]), n_targets=1)
    for aggregate in range(4):
        for member in (False, True):
            # ONNX Runtime knows membership of positive integers only.
            x = RANDOM.integers(1, 9, (23, FEATURES)).astype(np.float32) if member else rows()
            yield f"ensemble_{aggregate}_{member}", "TreeEnsemble", 5, 1, x, new_ensemble(4, 4, aggregate, member)


def some_classes(ensemble):
    """Each leaf has a weight, often below 0, for one class only."""
    attributes = ensemble.attributes("class", [0])
    attributes["class_ids"] = [int(i) for i in RANDOM.integers(0, 3, len(attributes["class_ids"]))]
    return attributes


def classifiers():
    ensemble = Trees(5, 4, mixed=True)
    for transform in ("NONE", "LOGISTIC", "SOFTMAX"):
        yield (f"classifier_three_{transform}", "TreeEnsembleClassifier", 1, 2, rows(),
               dict(ensemble.attributes("class", [0, 1, 2]), classlabels_int64s=[4, 9, 7], post_transform=transform))
    positive, labels = (lambda n: RANDOM.random(n) / 5), {"classlabels_int64s": [3, 8]}
    yield "classifier_forest", "TreeEnsembleClassifier", 1, 2, rows(), dict(ensemble.attributes("class", [0], positive), **labels)
    for name, draw in (("signed", []), ("positive", [positive])):
        yield (f"classifier_one_{name}", "TreeEnsembleClassifier", 1, 2, rows(),
               dict(ensemble.attributes("class", [0], *draw), classlabels_int64s=[1]))
    for transform in ("NONE", "LOGISTIC"):
        yield (f"classifier_boosted_{transform}", "TreeEnsembleClassifier", 1, 2, rows(),
               dict(ensemble.attributes("class", [0]), base_values=[-0.2], post_transform=transform, **labels))
    yield ("classifier_two", "TreeEnsembleClassifier", 1, 2, rows(),
           dict(ensemble.attributes("class", [0, 1]), classlabels_int64s=[0, 1]))
    yield ("classifier_rare", "TreeEnsembleClassifier", 1, 2, rows(), # no leaf knows the last class
           dict(ensemble.attributes("class", [0, 1], lambda n: -RANDOM.random(n)), classlabels_int64s=[0, 1, 2]))
    yield ("classifier_apart", "TreeEnsembleClassifier", 1, 2, rows(),
           dict(some_classes(ensemble), classlabels_int64s=[5, 1, 2]))
    large = dict(ensemble.attributes("class", [0], positive), classlabels_int64s=[2**60 + 1, 2**60 + 3])
    yield "classifier_large_labels", "TreeEnsembleClassifier", 1, 2, rows(), large
    yield ("classifier_base", "TreeEnsembleClassifier", 1, 2, rows(),
           dict(ensemble.attributes("class", [0, 1, 2]), classlabels_int64s=[0, 1, 2], base_values=[0.1, 0.2, 0.3]))
    x, plain = rows(special=False), [float(v) for v in RANDOM.standard_normal(3 * FEATURES)]
    for transform in ("NONE", "LOGISTIC", "SOFTMAX"):
        yield (f"linear_{transform}", "LinearClassifier", 1, 2, x,
               dict(coefficients=plain, intercepts=[0.5, 0.0, -1.0], classlabels_ints=[2, 0, 5], post_transform=transform))
    for transform in ("NONE", "LOGISTIC"):
        yield (f"linear_one_{transform}", "LinearClassifier", 1, 2, x,
               dict(coefficients=plain[:FEATURES], intercepts=[0.25], classlabels_ints=[1, 6], post_transform=transform))


def machines():
    """Support vector machines that classify: a linear one, one decision for each pair of classes, and probabilities of these."""
    x = rows(special=False) / 4
    numbers = lambda n: [float(v) for v in RANDOM.standard_normal(n)]  # noqa: E731
    for classes, strings in ((2, False), (3, True), (5, False)):
        names = [f"class {i}" for i in range(classes)] if strings else [3 * i - 2 for i in range(classes)]
        labels = {"classlabels_strings" if strings else "classlabels_ints": names}
        per_class = [int(n) for n in RANDOM.integers(1, 4, classes)]
        pairs, vectors = classes * (classes - 1) // 2, sum(per_class)
        base = dict(kernel_params=[0.3, 0.5, 3.0], support_vectors=numbers(vectors * FEATURES), vectors_per_class=per_class,
                    coefficients=numbers((classes - 1) * vectors), rho=numbers(pairs), **labels)
        for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
            yield f"votes_{classes}_{kernel}", "SVMClassifier", 1, 2, x, dict(base, kernel_type=kernel)
        for transform in ("LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"):
            yield f"votes_{classes}_{transform}", "SVMClassifier", 1, 2, x, dict(base, kernel_type="RBF", post_transform=transform)
        likely = dict(base, kernel_type="RBF", prob_a=[-abs(v) - 0.5 for v in numbers(pairs)], prob_b=numbers(pairs))
        yield f"likely_{classes}", "SVMClassifier", 1, 2, x, likely
        yield f"votes_{classes}_more", "SVMClassifier", 1, 2, x, dict(base, kernel_type="RBF", coefficients=base["coefficients"] + [7.0])
        yield f"likely_{classes}_softmax", "SVMClassifier", 1, 2, x, dict(likely, post_transform="SOFTMAX")
        holes = x.copy()
        holes[1, 0], holes[3] = np.nan, np.nan
        yield f"likely_{classes}_nan", "SVMClassifier", 1, 2, holes, likely
        for positive in (False, True):
            weights = numbers(classes * FEATURES)
            weights = [abs(w) for w in weights] if positive else weights
            yield (f"linear_machine_{classes}_{positive}", "SVMClassifier", 1, 2, x,
                   dict(coefficients=weights, rho=[0.2], kernel_params=[0.0, 0.0, 0.0], **labels))


def others():
    x, vectors = rows(special=False), [float(v) for v in RANDOM.standard_normal(5 * FEATURES) / 2]
    weights = [float(v) for v in RANDOM.standard_normal(5)]
    for kernel in ("LINEAR", "POLY", "RBF", "SIGMOID"):
        yield (f"machine_{kernel}", "SVMRegressor", 1, 1, x / 4,
               dict(kernel_type=kernel, kernel_params=[0.3, 0.5, 3.0], support_vectors=vectors, coefficients=weights,
                    n_supports=5, rho=[0.1]))
    yield ("machine_one_class", "SVMRegressor", 1, 1, x, dict(
        kernel_type="RBF", kernel_params=[0.3, 0.0, 0.0], support_vectors=vectors, coefficients=weights, n_supports=5,
        rho=[-0.1], one_class=1))
    yield "machine_linear", "SVMRegressor", 1, 1, x, dict(coefficients=vectors[:FEATURES], rho=[1.5], kernel_params=[0.0, 0.0, 0.0])
    yield ("encoder_ints", "LabelEncoder", 2, 1, rows(dtype=np.int64),
           dict(keys_int64s=[0, 1, -1, 2], values_floats=[0.5, 1.5, 2.5, -1.0], default_float=9.0))
    yield ("encoder_floats", "LabelEncoder", 2, 1, rows(),
           dict(keys_floats=[0.25, float("nan"), 1.0], values_int64s=[7, 8, 9], default_int64=-3))
    yield ("encoder_nan", "LabelEncoder", 4, 1, rows(),
           dict(keys_floats=[0.25, float("nan"), 1.0], values_int64s=[7, 8, 9], default_int64=-3))
    tensors = {"keys_tensor": np.array([1.0, 2.0, 0.5]), "values_tensor": np.array([3, 1, 2], np.int64),
               "default_tensor": np.array([-1], np.int64)}
    yield ("encoder_tensors", "LabelEncoder", 4, 1, rows(dtype=np.float64),
           {key: onnx.numpy_helper.from_array(value) for key, value in tensors.items()})
    for norm in ("MAX", "L1", "L2"):
        yield f"normalizer_{norm}", "Normalizer", 1, 1, rows(special=False), dict(norm=norm)
    yield "one_hot_strict", "OneHotEncoder", 1, 1, np.array([[1, 5], [0, -1]]), dict(cats_int64s=[0, 1, -1, 5], zeros=0)
    yield "one_hot", "OneHotEncoder", 1, 1, rows(dtype=np.int64), dict(cats_int64s=[0, 1, -1, 5])


def make_model(op, version, outputs, x, attributes, is_dynamic):
    names = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, ["x"], names, domain=DOMAIN, **attributes)
    shape = ["rows"] + list(x.shape[1:]) if is_dynamic else x.shape
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", helper.np_dtype_to_tensor_dtype(x.dtype), shape)],
                              [helper.make_empty_tensor_value_info(name) for name in names])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, version)],
                             ir_version=8)


def check(folder, model, x):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    wanted = onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"x": x})
    source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    onnx.save(model, source)
    compile_model(source, library, ["--emit=shared", "--name=model"], 60)
    results = CompiledModel(library, "model")([x])
    for i, (actual, expected) in enumerate(zip(results, wanted)):
        difference = describe_difference(actual, expected, 1e-4, 1e-5)
        if difference:
            return f"output {i}: {difference}"
    return None


#===--- Maps as inputs ---===#

KINDS = {str: TensorProto.STRING, int: TensorProto.INT64, float: TensorProto.FLOAT}


def make_map_model(key, value, nodes, results):
    kind = helper.make_map_type_proto(KINDS[key], helper.make_tensor_type_proto(KINDS[value], None))
    graph = helper.make_graph([helper.make_node(*node, domain=DOMAIN, **attributes) for *node, attributes in nodes], "g",
                              [helper.make_value_info("x", kind)], [helper.make_empty_tensor_value_info(name) for name in results])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 1)], ir_version=8)


def check_map(folder, key, value):
    """A map, of which a key is none of the vocabulary's, which has one that the map lacks: a row of its values."""
    keys = ["owl", "cat", "d\u00e9", "dog"] if key is str else [7, -1, 2**40, 3]
    attributes = {"string_vocabulary" if key is str else "int64_vocabulary": keys}
    model = make_map_model(key, value, [("DictVectorizer", ["x"], [name], attributes) for name in ("y", "z")], ["y", "z"])
    given = {keys[0]: value(5), keys[3]: value(-2), keys[2]: value(1), key(9): value(8)} # lacks keys[1]
    types = {str: object, float: np.float32, int: np.int64}
    row = np.array([[given.get(k, value()) for k in keys]], types[value])
    wanted = [row, row]
    if value is float: # no other maps can be given to ONNX Runtime from Python
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        wanted = session.run(None, {"x": given})
    source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
    onnx.save(model, source)
    compile_model(source, library, ["--emit=shared", "--name=model"], 60)
    for actual, expected in zip(CompiledModel(library, "model")([row]), wanted):
        if actual.dtype != expected.dtype or not np.array_equal(actual, expected):
            return f"{actual}, expected {expected}"
    return None


def check_map_refusal(folder, nodes, reason):
    source = os.path.join(folder, "model.onnx")
    onnx.save(make_map_model(str, float, nodes, [nodes[-1][2][0]]), source)
    try:
        compile_model(source, os.path.join(folder, "model.so"), ["--emit=shared"], 60)
    except Refused as refusal:
        return None if reason in str(refusal) else str(refusal)
    return "it is compiled"


def map_cases():
    """(name, what checks it in a folder)"""
    for key, value in ((str, float), (str, int), (int, float), (int, str)):
        yield f"map_{key.__name__}_{value.__name__}", lambda folder, key=key, value=value: check_map(folder, key, value)
    first, second = ({"string_vocabulary": keys} for keys in (["a", "b"], ["b", "a"]))
    read = ("DictVectorizer", ["x"], ["y"], first)
    for name, nodes, reason in (
            ("unknown", [("CastMap", ["x"], ["y"], {})], "CastMap"),
            ("vocabularies", [read, ("DictVectorizer", ["x"], ["z"], second)], "two of them read one map by different vocabularies"),
            ("other", [read, ("Scaler", ["x"], ["z"], {"offset": [0.0], "scale": [1.0]})], "is a map or a sequence of maps, not a tensor")):
        yield f"map_{name}", lambda folder, nodes=nodes, reason=reason: check_map_refusal(folder, nodes, reason)


def check_maps():
    """How many failed, and how many there are."""
    failed, cases = 0, list(map_cases())
    for name, run in cases:
        try:
            with tempfile.TemporaryDirectory(prefix="nnc-learning-") as folder:
                reason = run(folder)
        except (Broken, Refused) as error:
            reason = str(error)
        if reason:
            print(f"FAIL {name}: {reason}")
        failed += bool(reason)
    return failed, len(cases)


def main():
    failed, count = check_maps()
    passed = count - failed
    for name, op, version, outputs, x, attributes in [*regressors(), *classifiers(), *machines(), *others()]:
        for is_dynamic in (False, True):
            try:
                # A library that is loaded stays, so each needs a file of its own.
                with tempfile.TemporaryDirectory(prefix="nnc-learning-") as folder:
                    reason = check(folder, make_model(op, version, outputs, x, attributes, is_dynamic), x)
            except (Broken, Refused) as error:
                reason = str(error)
            except Exception as error:  # pylint: disable=broad-except
                reason = f"ONNX Runtime: {str(error).splitlines()[0][-260:]}"
            if reason:
                print(f"FAIL {name}/{'dynamic' if is_dynamic else 'static'}: {reason}")
            failed += bool(reason)
            passed += not reason
    print(f"learning: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
