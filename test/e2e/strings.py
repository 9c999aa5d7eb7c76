#!/usr/bin/env python3
"""Tensors of strings: operators of random inputs against ONNX Runtime, with static shapes and with extents that are known at
run time only; regular expressions against Python's re; the rules of StringNormalizer and StringSplit against Python; numbers
from and to strings; the limits, which end a run with an error."""
import os
import re
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import Broken, CompiledModel, Refused, compile_model, describe_difference  # noqa: E402

ML, MICROSOFT = "ai.onnx.ml", "com.microsoft"
RANDOM = np.random.default_rng(5)
WORDS = ["", "a", "A", "ab", "abc", "b", "Monday", "monday", "中文", "naïve", "ÀÉ", "éa", "😀", "x" * 300, "a b", " lead", "trail ",
         "1", "-7", "aa", "Straße", "ж", "zebra", "zeb", "zebrb"]


def strings(*shape, words=None):
    words = WORDS if words is None else words
    result = np.empty(int(np.prod(shape)), object)
    result[:] = [words[i] for i in RANDOM.integers(0, len(words), result.size)]
    return result.reshape(shape)


def text_tensor(array):
    return helper.make_tensor("t", TensorProto.STRING, array.shape, [s.encode() for s in array.reshape(-1)])


def type_of(array):
    return TensorProto.STRING if array.dtype == object else helper.np_dtype_to_tensor_dtype(array.dtype)


def get_shape(number, array, is_dynamic):
    """Numbers are features: as many as there are."""
    symbols = [f"x{number}_{d}" for d in range(array.ndim)]
    return symbols[:1] + list(array.shape[1:]) if is_dynamic and array.dtype == np.float32 else symbols if is_dynamic else array.shape


def make_model(nodes, arrays, outputs, is_dynamic):
    infos = [helper.make_tensor_value_info(f"x{i}", type_of(a), get_shape(i, a, is_dynamic))
             for i, a in enumerate(arrays)]
    names = [f"y{i}" for i in range(outputs)]
    graph = helper.make_graph(nodes, "g", infos, [helper.make_empty_tensor_value_info(name) for name in names])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(ML, 4), helper.make_opsetid(MICROSOFT, 1)], ir_version=9)


def single(op, arrays, outputs=1, domain="", **attributes):
    return [helper.make_node(op, [f"x{i}" for i in range(len(arrays))], [f"y{i}" for i in range(outputs)], domain=domain,
                             **attributes)]


def constant(name, value):
    tensor = text_tensor(value) if value.dtype == object else numpy_helper.from_array(value)
    return helper.make_node("Constant", [], [name], value=tensor)


def movement():
    x, i64 = strings(3, 4), np.int64
    yield "transpose", single("Transpose", [x], perm=[1, 0]), [x], 1
    yield "concat", single("Concat", [x, strings(2, 4)], axis=0), [x, strings(2, 4)], 1
    yield "equal", single("Equal", [x, strings(3, 1)]), [x, strings(3, 1)], 1
    yield "equal_row", single("Equal", [x, x[1]]), [x, x[1]], 1
    yield "where", single("Where", [x == "a", x, strings(1, 4)]), [RANDOM.random((3, 4)) < 0.5, x, strings(1, 4)], 1
    # Of rows ONNX Runtime copies the first string only.
    yield "gather", single("Gather", [x[0], np.array([0, 2, -1])]), [x[0], np.array([0, 2, -1])], 1
    yield "compress", single("Compress", [x, np.array([True, False, True])], axis=0), [x, np.array([True, False, True])], 1
    yield "unique", single("Unique", [strings(30)], 4), [strings(30)], 4
    yield "unique_unsorted", single("Unique", [strings(30)], 4, sorted=0), [strings(30)], 4
    yield "identity", single("Identity", [x]), [x], 1
    places = [np.array([2, -1, 0]), np.array(4), strings(2)]
    yield "one_hot", single("OneHot", places, axis=0), places, 1
    updates = [x, np.array([[0, 1], [2, 3]]), strings(2)]
    yield "scatter_nd", single("ScatterND", updates), updates, 1
    updates = [x, np.array([[0, 1, 1, 2]]), strings(1, 4)]
    yield "scatter_elements", single("ScatterElements", updates, axis=0), updates, 1
    yield "empty", single("Identity", [strings(0, 3)]), [strings(0, 3)], 1
    constants = [constant("rows", np.array([2, 6], i64)), constant("list", strings(4)), constant("one", np.array(["ab"], object)),
                 constant("two", np.array([2, 3, 4], i64)), constant("twice", np.array([1, 2], i64))]
    chain = constants + [helper.make_node("Reshape", ["x0", "rows"], ["y0"]), helper.make_node("Equal", ["x0", "list"], ["y1"]),
                         helper.make_node("Expand", ["x0", "two"], ["y2"]), helper.make_node("Tile", ["x0", "twice"], ["y3"]),
                         helper.make_node("Concat", ["list", "one"], ["y4"], axis=0), helper.make_node("Identity", ["one"], ["y5"])]
    yield "chain", chain, [x], 6
    value = helper.make_empty_tensor_value_info
    then = helper.make_graph([helper.make_node("Identity", ["x1"], ["t"])], "then", [], [value("t")])
    other = helper.make_graph([helper.make_node("StringConcat", ["x1", "x1"], ["e"])], "else", [], [value("e")])
    for flag in (True, False):
        yield (f"if_{flag}", [helper.make_node("If", ["x0"], ["y0"], then_branch=then, else_branch=other)],
               [np.array(flag), strings(3)], 1)


def made():
    yield "concat", single("StringConcat", [strings(5, 7), strings(7)]), [strings(5, 7), strings(7)], 1
    yield "concat_scalar", single("StringConcat", [strings(), strings()]), [strings(), strings()], 1
    yield "concat_empty", single("StringConcat", [strings(0, 2), strings(2)]), [strings(0, 2), strings(2)], 1
    twice = [helper.make_node("StringConcat", ["x0", "x1"], ["z"]), helper.make_node("StringConcat", ["z", "x0"], ["y0"]),
             helper.make_node("Equal", ["y0", "x1"], ["y1"])]
    yield "concat_twice", twice, [strings(6), strings(6)], 2
    for dtype in (np.float32, np.float64, np.float16):
        x = np.concatenate([RANDOM.standard_normal(60) * 10.0 ** RANDOM.integers(-9, 9, 60),
                            [0, -0.0, 1, 1e7, 1e8, 99999999.5, np.inf, -np.inf, np.nan, 0.5, 1 / 3]])
        with np.errstate(over="ignore"):
            x = x.astype(dtype)
        yield f"cast_{dtype.__name__}", single("Cast", [x], to=TensorProto.STRING), [x], 1
    for dtype in (np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint64, np.bool_):
        limits = [0, 1] if dtype == np.bool_ else [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 7]
        x = np.array(limits, dtype)
        yield f"cast_{dtype.__name__}", single("Cast", [x], to=TensorProto.STRING), [x], 1
    numbers = ["1", "-2.5", "1e3", " 7", "+0.1", "inf", "-INF", "NaN", "3.4028235e38", "1e-45", "0.1000000000000000055511151231257827"]
    for to in (TensorProto.FLOAT, TensorProto.DOUBLE):
        yield f"parse_{to}", single("Cast", [strings(20, words=numbers)], to=to), [strings(20, words=numbers)], 1
    integers = ["1", "-2", " 7", "+12", "9223372036854775807", "-9223372036854775808"]
    yield "parse_i64", single("Cast", [strings(20, words=integers)], to=TensorProto.INT64), [strings(20, words=integers)], 1
    small = ["1", "-2", " 7", "+12", "127", "-128"]
    yield "parse_i8", single("Cast", [strings(20, words=small)], to=TensorProto.INT8), [strings(20, words=small)], 1
    for delimiter, limit in ((".", {}), (", ", {}), ("", {}), (".", {"maxsplit": 1}), ("", {"maxsplit": 2}), ("文", {}), ("aa", {})):
        # ONNX Runtime has no piece of an empty string, and white space is the space alone.
        words = ["a.b.c", "a, b", "...", " a  b c ", "x", "中文.文", "aaaaa", "a.", ".a", "one two three four"]
        x = strings(3, 4, words=words)
        yield f"split_{delimiter}_{len(limit)}", single("StringSplit", [x], 2, delimiter=delimiter, **limit), [x], 2


def microsoft():
    for seed, is_positive in ((0, 1), (42, 0)):
        x = strings(40)
        yield f"murmur_{seed}", single("MurmurHash3", [x], domain=MICROSOFT, seed=seed, positive=is_positive), [x], 1
    for shape in ((5,), (2, 3)):
        x = strings(*shape, words=["Абсу中文", "a;b,c d", ";;", "", " one two", "no", "中文;文"])
        for separators in ([""], [" "], [";", ",", " "], ["文"], ["bs", "Абс", "у"]):
            for mark in (0, 1):
                least = 2 if separators == ["文"] else 1
                yield (f"tokens_{separators}_{mark}_{len(shape)}",
                       single("Tokenizer", [x], domain=MICROSOFT, separators=separators, mark=mark, pad_value="?", mincharnum=least),
                       [x], 1)
        for expression in ("[a-zA-Z0-9_]+", r"\w+", "[a-c']+", r"\d+", r"[\w\-]+"):
            for least in (1, 2):
                yield (f"words_{expression}_{least}_{len(shape)}",
                       single("Tokenizer", [x], domain=MICROSOFT, tokenexp=expression, mark=least - 1, pad_value="?", mincharnum=least),
                       [x], 1)


def encoders():
    keys = [w for w in WORDS if len(w) < 200][:12]
    x = strings(4, 9)
    yield "label_ints", single("LabelEncoder", [x], domain=ML, keys_strings=keys, values_int64s=list(range(12))), [x], 1
    yield ("label_floats", single("LabelEncoder", [x], domain=ML, keys_strings=keys, default_float=0.5,
                                  values_floats=[i / 4 for i in range(12)]), [x], 1)
    yield ("label_strings", single("LabelEncoder", [x], domain=ML, keys_strings=keys, default_string="ohne",
                                   values_strings=keys[::-1]), [x], 1)
    yield ("label_repeated", single("LabelEncoder", [x], domain=ML, keys_strings=keys[:3] * 2,
                                    values_int64s=list(range(6))), [x], 1)
    n = RANDOM.integers(-2, 14, (4, 9))
    yield "label_names", single("LabelEncoder", [n], domain=ML, keys_int64s=list(range(12)), values_strings=keys), [n], 1
    f = (RANDOM.integers(0, 14, (4, 9)) / 2).astype(np.float32)
    yield "label_of_floats", single("LabelEncoder", [f], domain=ML, keys_floats=[0.5, 1.5, 2.5], values_strings=["a", "é", ""]), [f], 1
    many = sorted({f"key{i * 7919 % 10007}" for i in range(3000)})
    x = strings(200, words=[f"key{i}" for i in range(10007)])
    yield "label_many", single("LabelEncoder", [x], domain=ML, keys_strings=many, values_int64s=list(range(len(many)))), [x], 1
    x = strings(3, 5)
    yield "mapper", single("CategoryMapper", [x], domain=ML, cats_strings=keys, cats_int64s=[i * i for i in range(12)]), [x], 1
    n = RANDOM.integers(0, 130, (3, 5))
    yield ("mapper_names", single("CategoryMapper", [n], domain=ML, cats_strings=keys, default_string="?",
                                  cats_int64s=[i * i for i in range(12)]), [n], 1)
    yield "one_hot", single("OneHotEncoder", [x], domain=ML, cats_strings=keys), [x], 1
    known = np.array([[keys[2], keys[0]], [keys[1], keys[2]]], object)
    yield "one_hot_strict", single("OneHotEncoder", [known], domain=ML, cats_strings=keys, zeros=0), [known], 1
    for mode in ("TF", "IDF", "TFIDF"):
        x = strings(2, 30, words=["a", "b", "é", "中", ""])
        yield (f"tfidf_{mode}", single("TfIdfVectorizer", [x], mode=mode, min_gram_length=1, max_gram_length=2, max_skip_count=1,
                                       ngram_counts=[0, 3], ngram_indexes=[0, 1, 2, 3, 4], pool_strings=["a", "é", "zz", "a", "b", "é", "中"],
                                       weights=[0.5, 1.5, 2.0, 2.5, 3.0]), [x], 1)


def classifiers():
    x = RANDOM.standard_normal((9, 3)).astype(np.float32)
    three, names = [float(v) for v in RANDOM.standard_normal(9)], ["cat", "dög", ""]
    yield ("linear", single("LinearClassifier", [x], 2, ML, coefficients=three, intercepts=[0.5, 0.0, -0.2],
                            classlabels_strings=names), [x], 2)
    yield ("linear_two", single("LinearClassifier", [x], 2, ML, coefficients=three[:3], intercepts=[0.1],
                                classlabels_strings=names[:2], post_transform="LOGISTIC"), [x], 2)
    trees = dict(nodes_treeids=[0] * 5, nodes_nodeids=list(range(5)), nodes_featureids=[0, 0, 1, 0, 0],
                 nodes_values=[0.0, 0, 0.3, 0, 0], nodes_modes=["BRANCH_LEQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"],
                 nodes_truenodeids=[1, 0, 3, 0, 0], nodes_falsenodeids=[2, 0, 4, 0, 0], class_treeids=[0] * 3,
                 class_nodeids=[1, 3, 4], class_ids=[0, 1, 2], class_weights=[1.0, 1.0, 1.0])
    yield "trees", single("TreeEnsembleClassifier", [x], 2, ML, classlabels_strings=names, **trees), [x], 2


def run_onnxruntime(model, arrays):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(
        None, {f"x{i}": a for i, a in enumerate(arrays)})


def run_nnc(model, arrays, *options):
    # A library that is loaded stays, so each needs a file of its own.
    with tempfile.TemporaryDirectory(prefix="nnc-strings-") as folder:
        source, library = os.path.join(folder, "model.onnx"), os.path.join(folder, "model.so")
        onnx.save(model, source)
        compile_model(source, library, ["--emit=shared", "--name=model", *options], 60)
        return CompiledModel(library, "model")(arrays)


def compare(results, wanted):
    for i, (actual, expected) in enumerate(zip(results, wanted)):
        difference = describe_difference(actual, np.asarray(expected), 1e-5, 1e-6)
        if difference:
            return f"output {i}: {difference}"
    return None


def against_onnxruntime():
    for group in (movement, made, encoders, classifiers, microsoft):
        for name, nodes, arrays, outputs in group():
            # Nothing bounds the tokens of strings of which a run says how many there are.
            for is_dynamic in (False, True) if group != microsoft else (False,):
                model = make_model(nodes, arrays, outputs, is_dynamic)
                yield (f"{group.__name__}/{name}/{'dynamic' if is_dynamic else 'static'}",
                       lambda model=model, arrays=arrays: compare(run_nnc(model, arrays), run_onnxruntime(model, arrays)))


PATTERNS = [r"", r"a", r"a|b|", r"(a|ab)(c|bcd)?", r"[a-c]*", r"[^a]*", r".*", r".", r"a{2,3}", r"(ab){0,2}c?", r"\w+", r"\W", r"\d{1,3}(\.\d+)?",
            r"^a.*b$", r"\bab\b.*", r"a\B.*", r"(\W|^)[\w.\-]{0,25}@(yahoo|gmail)\.com(\W|$)", r"[[:alpha:]]+[[:digit:]]*", r"中.*",
            r"[à-ü]+", r"(?i)monday", r"(?i)[k-m]+", r"(?s).+", r"(?m)^a$\n^b$", r"\Qa.b\E", r"x*?y+?", r"(?P<name>a+)b", r"\x41\x{4e2d}", r"(?:a|b)*?c",
            r"((a*)*)*b", r"[^\x00-\x7f]", r"\s*\S\s*", r"a.c", r"[]a]+", r"[\w\s]+", r"(|a)+", r"(a?){20}a{20}"]
TEXTS = WORDS[:13] + ["abcd", "abab", "ababc", "aaa", "aaaa", "12.5", "1234", "account@gmail.com", "not email", "MONDAY", "klm", "KLM", "a\nb",
                      "a\nc", "a.b", "axb", "xxyy", "aab", "A中", "bac", "aaab", " x ", "]a]", "a b\tc", "à", "ü", "aé", "a" * 25, "\n"]


def to_python(pattern):
    """Python's spelling: $ and [[:x:]] differ."""
    pattern = pattern.replace("[[:alpha:]]", "[a-zA-Z]").replace("[[:digit:]]", "[0-9]").replace(r"\Qa.b\E", r"a\.b")
    pattern = pattern.replace(r"\x{4e2d}", "中")
    return re.compile(pattern if pattern.startswith("(?m)") else pattern.replace("$", r"\Z"), re.ASCII if "(?i)" not in pattern else 0)


def regular_expressions():
    x = np.array(TEXTS, object)
    for pattern in PATTERNS:
        def check(pattern=pattern):
            # Python would take years for the long ones where repetitions are nested.
            texts = [text for text in TEXTS if len(text) < 12 or ")*)*" not in pattern]
            wanted = np.array([to_python(pattern).fullmatch(text) is not None for text in texts])
            given = np.array(texts, object)
            return compare(run_nnc(make_model(single("RegexFullMatch", [given], pattern=pattern), [given], 1, False), [given]), [wanted])
        yield f"regex/{pattern}", check
    for pattern in (r"(a", r"a)", r"[a", r"*a", r"a**", r"\p{L}", r"(?=a)", r"\1", r"a{1001}", r"((((a{99}){99}){99}){99})", r"(.*a.{12}){3}",
                    r"[b-a]", r"[[:foo:]]", "\\", r"((((){1000}){1000}){1000}){1000}", "(" * 300 + ")" * 300, r"(?x)a", r"\C"):
        yield f"regex refused/{pattern[:30]}", lambda pattern=pattern: expect_refusal(
            make_model(single("RegexFullMatch", [x], pattern=pattern), [x], 1, False))


def normalize(words, action, is_case_sensitive, stop_words):
    """What ONNX says of StringNormalizer."""
    fold = (lambda w: w) if is_case_sensitive else str.lower
    kept = [w for w in words if fold(w) not in {fold(s) for s in stop_words}]
    change = {"NONE": lambda w: w, "LOWER": str.lower, "UPPER": lambda w: w.replace("ß", "\0").upper().replace("\0", "ß")}[action]
    return [change(w) for w in kept] or [""]


def normalizers():
    for action in ("NONE", "LOWER", "UPPER"):
        for is_case_sensitive in (0, 1):
            for stop_words in ([], ["Monday"], ["MONDAY", "a"], [""], list({w.lower() for w in WORDS if w.isascii()})):
                for row in (False, True):
                    words = [w for w in WORDS if w.isascii()] if len(stop_words) > 3 and is_case_sensitive == 0 else WORDS
                    x = strings(20, words=words)
                    wanted = np.array(normalize(x, action, is_case_sensitive, stop_words), object)
                    x, wanted = (x[None], wanted[None]) if row else (x, wanted)
                    attributes = dict(case_change_action=action, is_case_sensitive=is_case_sensitive)
                    attributes.update({"stopwords": stop_words} if stop_words else {})
                    model = make_model(single("StringNormalizer", [x], **attributes), [x], 1, False)
                    yield (f"normalize/{action}_{is_case_sensitive}_{len(stop_words)}_{row}",
                           lambda model=model, x=x, wanted=wanted: compare(run_nnc(model, [x]), [wanted]))


def splitting():
    """Like Python's split, which ONNX's reference uses, but that white space at the end is left out after maxsplit too."""
    texts = ["", "  ", "a\tb\n c ", ".", "a..b", "ab" * 5]
    for delimiter in ("", ".", "ab"):
        x = np.array(texts, object)
        rows = [text.split(delimiter or None) for text in texts]
        width = max(map(len, rows))
        wanted = np.array([row + [""] * (width - len(row)) for row in rows], object)
        model = make_model(single("StringSplit", [x], 2, delimiter=delimiter), [x], 2, False)
        yield f"split/{delimiter}", lambda model=model, x=x, wanted=wanted, rows=rows: compare(
            run_nnc(model, [x]), [wanted, np.array([len(row) for row in rows])])


def expect_refusal(model, *phrases):
    try:
        run_nnc(model, [])
    except Refused as error:
        missing = [phrase for phrase in phrases if phrase not in str(error)]
        return f"the message lacks {missing}: {error}" if missing else None
    except Broken as error:
        return str(error)
    return "it was compiled"


def expect_failure(model, arrays, *options, code=5):
    try:
        run_nnc(model, arrays, *options)
    except Broken as error:
        return None if f"returned {code}" in str(error) else str(error)
    return "the run succeeded"


def limits():
    x = strings(8, words=["abcdefgh"])
    joined = make_model(single("StringConcat", [x, x]), [x, x], 1, False)
    yield "limits/space", lambda: compare(run_nnc(joined, [x, x], f"--string-space={8 * 17 + 1}"), [x + x])
    yield "limits/no space", lambda: expect_failure(joined, [x, x], f"--string-space={8 * 17 - 8}")
    split = make_model(single("StringSplit", [x], 2, delimiter="-"), [x], 2, False)
    many = np.array(["-".join("abcdefgh")] * 8, object)
    yield "limits/pieces", lambda: compare(run_nnc(split, [many], "--max-pieces=8")[1:], [np.full(8, 8)])
    yield "limits/too many pieces", lambda: expect_failure(split, [many], "--max-pieces=7")
    for text in ("", "x", "1x", "1 2", "0x10", "."):
        bad = np.array([text], object)
        model = make_model(single("Cast", [bad], to=TensorProto.FLOAT), [bad], 1, False)
        yield f"limits/no number '{text}'", lambda model=model, bad=bad: expect_failure(model, [bad])
    for known in (strings(1, words=["zz"]), np.array([7], np.int64)):
        cats = {"cats_strings": ["a", "b"]} if known.dtype == object else {"cats_int64s": [1, 2]}
        model = make_model(single("OneHotEncoder", [known], domain=ML, zeros=0, **cats), [known], 1, False)
        yield f"limits/no category {known.dtype}", lambda model=model, known=known: expect_failure(model, [known], code=4)
    for text in ("9223372036854775808", "1.5", ""):
        bad = np.array([text], object)
        model = make_model(single("Cast", [bad], to=TensorProto.INT64), [bad], 1, False)
        yield f"limits/no integer '{text}'", lambda model=model, bad=bad: expect_failure(model, [bad])
    for op, arrays in (("Add", [x, x]), ("Less", [x, x]), ("ReduceMax", [x]), ("MatMul", [x, x]), ("CumSum", [x, np.array(0)]), ("Neg", [x]),
                       ("Softmax", [x]), ("TopK", [x, np.array([1])]), ("IsNaN", [x])):
        model = make_model(single(op, arrays, 2 if op == "TopK" else 1), arrays, 2 if op == "TopK" else 1, False)
        yield f"refused/{op}", lambda model=model, op=op: expect_refusal(model, op, "strings")
    for value in (b"a\0b", b"\xff"):
        node = helper.make_node("Constant", [], ["y0"], value=helper.make_tensor("t", TensorProto.STRING, [1], [value]))
        yield f"refused/{value}", lambda node=node: expect_refusal(make_model([node], [], 1, False), "UTF-8")


def once():
    """Strings that are read several times are made once, and fit the space."""
    x, y = strings(40, words=["abcdefgh"]), strings(1)
    nodes = [helper.make_node("StringConcat", ["x0", "x1"], ["a"]), constant("shape", np.array([2000, 40])),
             helper.make_node("Expand", ["a", "shape"], ["y0"])]
    model = make_model(nodes, [x, y], 1, False)
    yield "once/expand", lambda: compare(run_nnc(model, [x, y]), [np.broadcast_to(x + y, (2000, 40))])


def loops():
    """Strings that are carried and made in a loop: x + x0 + x0 + ..."""
    value = helper.make_tensor_value_info
    body = helper.make_graph([helper.make_node("StringConcat", ["carried", "x0"], ["next"]), helper.make_node("Identity", ["c"], ["go"]),
                              helper.make_node("Identity", ["carried"], ["scanned"])], "body",
                             [value("i", TensorProto.INT64, []), value("c", TensorProto.BOOL, []), value("carried", TensorProto.STRING, [3])],
                             [value("go", TensorProto.BOOL, []), value("next", TensorProto.STRING, [3]), value("scanned", TensorProto.STRING, [3])])
    nodes = [constant("times", np.array(4)), helper.make_node("Loop", ["times", "", "x0"], ["y0", "y1"], body=body)]
    x = strings(3, words=["a", "中", ""])
    model = make_model(nodes, [x], 2, False)
    yield "loop", lambda: compare(run_nnc(model, [x]), [np.array([t * 5 for t in x], object),
                                                        np.array([[t * i for t in x] for i in range(1, 5)], object)])


def main():
    passed = failed = 0
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    for group in (against_onnxruntime, regular_expressions, normalizers, splitting, limits, once, loops):
        for name, check in group():
            if not re.search(pattern, name):
                continue
            try:
                reason = check()
            except (Broken, Refused) as error:
                reason = str(error)
            except Exception as error:  # pylint: disable=broad-except
                reason = f"{type(error).__name__}: {str(error).splitlines()[0][-260:]}"
            if reason:
                print(f"FAIL {name}: {reason}", flush=True)
            failed += bool(reason)
            passed += not reason
    print(f"strings: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
