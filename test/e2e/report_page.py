#!/usr/bin/env python3
"""The report page (`--report=FILE.html`) in a real browser, Chromium without a screen: it draws what the JSON report says, no
script fails, whatever is clicked, and names of the model never become markup.

Chromium loads each page with a script of this test added at its end, which clicks everything and leaves what it counted in
the document; `--dump-dom` prints that.
"""
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import onnx
from onnx import parser

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compiled_model import NNC, ROOT  # noqa: E402
from models.graph_builder import FLOAT, GraphBuilder  # noqa: E402

NNC_RUN = os.path.join(os.path.dirname(NNC), "nnc-run")
LIMIT = 120  # seconds for a page
SIZE = 1 << 20  # bytes of a page
HOSTILE = "<script>document.title='owned'</script>\"'&amp;]]>\u202e</title>"

# Counts what is drawn, then clicks and types everywhere.
PROBE = """
<script>
window.failures = [];
addEventListener("error", (event) => failures.push(event.message));
addEventListener("unhandledrejection", (event) => failures.push(String(event.reason)));
const count = (selector) => document.querySelectorAll(selector).length;
const counts = {
  ready: document.documentElement.dataset.ready === "yes", title: document.title,
  nodes: count("#graph .node[data-layer]"), ends: count("#graph .node.end"), edges: count("#graph .edge"),
  buffers: count("#workspace .buffer"), moment: count("#workspace .moment"), live: count("#workspace .live"),
  legend: count("#memory .legend span"), rows: count("#layers tbody tr"), decisions: count("#decisions tbody tr"),
  bars: count("#cost .bar"), dots: count("#cost .dot"), scripts: count("script"), measured: count("#cost .note"),
  costs: count("#graph .costs"),
  joined: [...document.querySelectorAll("#cost text")].filter((text) => text.textContent.includes(" + ")).length,
  foreign: count("iframe, object, embed, link, img, base, form, [src], a[href^='http'], a[href^='javascript']"),
  nan: (document.getElementById("page").outerHTML.match(/NaN|undefined|\\[object/g) || []).length,
};
const overlap = () => {
  const boxes = [...document.querySelectorAll("#graph .node .box")].map((box) => box.getBoundingClientRect());
  let hits = 0;
  for (let i = 0; i < boxes.length; ++i)
    for (let j = i + 1; j < boxes.length; ++j)
      hits += boxes[i].left < boxes[j].right - 1 && boxes[j].left < boxes[i].right - 1 && boxes[i].top < boxes[j].bottom - 1 &&
        boxes[j].top < boxes[i].bottom - 1;
  return hits;
};
counts.overlaps = overlap();
const click = (element) => element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
let blank = 0;
for (const node of document.querySelectorAll("#graph .node[data-layer]")) {
  node.dispatchEvent(new MouseEvent("mousemove", { clientX: 9, clientY: 9 }));
  click(node);
  blank += !document.querySelector(".detail .title") || count(".node.chosen") !== 1;
  blank += /NaN|undefined|\\[object/.test(document.querySelector(".detail").textContent + document.querySelector(".tip").textContent);
}
counts.blank = blank;
document.querySelectorAll("#page button, #page th.sort, .buffer, .bar, .dot").forEach((element) => {
  click(element);
  element.dispatchEvent(new MouseEvent("mousemove", { clientX: 9, clientY: 9 }));
});
const search = document.querySelector("input[type=search]");
search.value = "o";
search.dispatchEvent(new Event("input"));
document.querySelector(".scroll").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown" }));
counts.wide = document.documentElement.scrollWidth > innerWidth;
counts.failures = failures;
const answer = document.createElement("pre");
answer.id = "probe";
answer.textContent = JSON.stringify(counts);
document.body.append(answer);
</script>
"""


class Wrong(Exception):
    """The page is not as it should be."""


def expect(condition, message):
    if not condition:
        raise Wrong(message)


def digits(_):
    return os.path.join(ROOT, "examples", "digits", "digits.onnx")


def save(folder, graph, inputs, outputs):
    path = os.path.join(folder, "model.onnx")
    onnx.save(graph.model("graph", inputs, outputs, 17), path)
    return path


def residual(blocks):
    """A convolutional network of `blocks` residual blocks, four layers each."""
    def make(folder):
        graph, value = GraphBuilder(1), "x"
        for _ in range(blocks):
            kept = value
            value = graph.node("Conv", value, graph.normal((8, 8, 3, 3), 0.1), graph.normal((8,), 0.1), pads=[1, 1, 1, 1])
            value = graph.node("Relu", value)
            value = graph.node("Conv", value, graph.normal((8, 8, 1, 1), 0.1))
            value = graph.node("Add", value, kept)
        return save(folder, graph, {"x": (FLOAT, (1, 8, 8, 8))}, {value: (FLOAT, None)})
    return make


def many_outputs(folder):
    """Wide and with edges over the whole graph."""
    graph, value, outputs = GraphBuilder(1), "x", {}
    for _ in range(60):
        value = graph.node("Tanh", value)
        last = graph.node("Add", value, "x")
        outputs[last] = (FLOAT, None)
    return save(folder, graph, {"x": (FLOAT, (4, 4))}, outputs)


def run_time_extents(folder):
    graph = GraphBuilder(1)
    value = graph.node("MatMul", "x", graph.normal((16, 16), 0.1))
    value = graph.node("Softmax", graph.node("Add", graph.node("Transpose", value, perm=[1, 0]), graph.normal((16, 1), 1)), axis=0)
    return save(folder, graph, {"x": (FLOAT, ("n", 16))}, {value: (FLOAT, None)})


def text(source):
    def make(folder):
        path = os.path.join(folder, "model.onnx")
        onnx.save(parser.parse_model(source), path)
        return path
    return make


BRANCH = """<ir_version: 8, opset_import: ["": 17]>
branch (bool c, float[64,64] x) => (float[64,64] y) {
  y = If (c) <then_branch = t () => (float[64,64] a) { a = MatMul (x, x) }, else_branch = e () => (float[64,64] b) { b = Exp (x) }>
}"""

def hostile(folder):
    """Every name of the model tries to be markup."""
    path = residual(2)(folder)
    model = onnx.load(path)
    names = {}

    def rename(name):
        return names.setdefault(name, f"{HOSTILE}{len(names)}") if name else name

    for node in model.graph.node:
        node.name = HOSTILE + node.op_type
        node.input[:] = map(rename, node.input)
        node.output[:] = map(rename, node.output)
    for value in [*model.graph.input, *model.graph.output, *model.graph.initializer, *model.graph.value_info]:
        value.name = rename(value.name)
    onnx.save(model, path)
    return path


CASES = {  # name: (model, options, what the page must have)
    "digits": (digits, [], ["buffers", "decisions", "bars", "dots"]),
    "digits, threads": (digits, ["--threads"], ["buffers", "decisions", "bars", "dots"]),
    "400 layers": (residual(100), [], ["buffers", "decisions", "bars", "dots"]),
    "many outputs": (many_outputs, [], ["decisions", "bars", "dots"]),
    "run-time extents": (run_time_extents, [], ["decisions"]),
    "branch": (text(BRANCH), [], []),
    "hostile names": (hostile, [], ["buffers", "decisions", "bars", "dots"]),
}


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    expect(result.returncode == 0, f"{os.path.basename(command[0])}: {(result.stderr or result.stdout).strip()[-300:]}")
    return result.stdout


def find_chromium():
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def probe(browser, page, folder):
    """What PROBE counted on the page."""
    with open(page, encoding="utf-8") as file:
        source = file.read()
    expect(len(source.encode()) < SIZE, f"the page has {len(source.encode())} bytes")
    copy = os.path.join(folder, "probed.html")
    with open(copy, "w", encoding="utf-8") as file:
        file.write(source.replace("</body>", PROBE + "</body>"))
    output = run(browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile",
                 "--window-size=1280,900", "--virtual-time-budget=10000", "--dump-dom", "file://" + copy)
    found = re.search(r'<pre id="probe">(.*?)</pre>', output, re.S)
    expect(found, "the page's scripts did not end")
    return json.loads(html.unescape(found[1])), source


def check(browser, folder, model, options, needed):
    report, page = os.path.join(folder, "report.json"), os.path.join(folder, "report.html")
    for path in (report, page):
        run(NNC, model, "-o", os.path.join(folder, "model.o"), "--name=model", "--report=" + path, *options)
    with open(report, encoding="utf-8") as file:
        facts = json.load(file)
    counts, source = probe(browser, page, folder)
    check_counts(counts, facts, needed)
    expect("http://" not in re.sub(r"http://www\.w3\.org/\S+", "", source) and "https://" not in source, "the page names a server")
    return counts


def check_counts(counts, facts, needed):
    expect(counts["ready"], f"a script failed: {counts['failures']}")
    expect(not counts["failures"], f"JavaScript errors: {counts['failures'][:3]}")
    expect(counts["nodes"] == len(facts["layers"]) > 0, f"{counts['nodes']} nodes for {len(facts['layers'])} layers")
    expect(counts["rows"] == len(facts["layers"]), f"{counts['rows']} rows for {len(facts['layers'])} layers")
    expect(counts["costs"] > 0 or not counts["dots"], "no node of the graph tells its costs")
    edges = sum(len(layer.get(key, [])) for layer in facts["layers"] for key in ("from", "from_inputs", "to_outputs"))
    expect(counts["edges"] == edges, f"{counts['edges']} edges, expected {edges}")
    placed = [buffer for buffer in facts["memory"]["buffers"] if "offset" in buffer]
    expect(counts["buffers"] == (len(placed) if facts["memory"]["peak"] else 0), f"{counts['buffers']} buffers for {len(placed)}")
    if placed and facts["memory"]["peak"]:
        expect(counts["moment"] == 1 and counts["live"] == 1 and counts["legend"] >= 4, "the memory picture lacks its lines or legend")
    for key in needed:
        expect(counts[key] > 0, f"no {key}")
    expect(counts["title"] == "model \u2013 nnc report", f"the title is {counts['title']!r}")
    expect(counts["scripts"] == 3, f"{counts['scripts']} scripts, 2 are the page's and one the test's")
    for key in ("foreign", "nan", "blank", "overlaps"):
        expect(counts[key] == 0, f"{counts[key]} of '{key}'")
    expect(not counts["wide"], "the page is wider than its window")


def stem(folder):
    """A convolution and a pooling of more than a cache, which are computed in blocks of rows and timed as one."""
    graph = GraphBuilder(1)
    value = graph.node("Conv", "x", graph.normal((16, 3, 7, 7), 0.1), pads=[3, 3, 3, 3], strides=[2, 2])
    value = graph.node("Relu", value)
    value = graph.node("MaxPool", value, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    value = graph.node("Conv", value, graph.normal((16, 16, 1, 1), 0.1))
    return save(folder, graph, {"x": (FLOAT, (1, 3, 224, 224))}, {value: (FLOAT, None)})


def check_measured(browser, folder):
    """nnc-run adds times: compiling itself, and to the report of a library."""
    page, library, report = (os.path.join(folder, name) for name in ("page.html", "model.so", "model.json"))
    run(NNC_RUN, digits(folder), "--name=model", "--profile", "--report=" + page)
    counts, source = probe(browser, page, folder)
    expect(counts["ready"] and not counts["failures"] and counts["nan"] == 0, f"{counts}")
    expect("Measured by nnc-run" in source and '"clock_ghz"' in source, "the page has no measured times")
    run(NNC, digits(folder), "-o", library, "--name=model", "--profile", "--report=" + report)
    run(NNC_RUN, library, "--profile", "--report-of=" + report, "--report=" + page)
    counts, _ = probe(browser, page, folder)
    with open(report, encoding="utf-8") as file:
        check_counts(counts, json.load(file), ["bars", "dots"])
    run(NNC_RUN, stem(folder), "--profile", "--cpu=x86-64-v3", "--report=" + page)
    counts, source = probe(browser, page, folder)
    expect("a convolution and the windows behind it in blocks of" in source, "the stem is not computed in blocks")
    expect(counts["ready"] and not counts["failures"] and counts["joined"], f"what is timed as one is drawn apart: {counts}")


def main():
    browser = find_chromium()
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = {name: case for name, case in CASES.items() if pattern in name}
    if not browser:
        print(f"SKIP [{len(chosen) + 1}] Chromium is not installed (Debian package chromium)")
        print(f"report_page: 0 passed, 0 failed, {len(chosen) + 1} skipped")
        return 0
    passed = failed = 0
    checks = [(name, lambda folder, case=case: check(browser, folder, case[0](folder), *case[1:])) for name, case in chosen.items()]
    if pattern in "measured":
        checks.append(("measured", lambda folder: check_measured(browser, folder)))
    for name, body in checks:
        try:
            with tempfile.TemporaryDirectory(prefix="nnc-report-", ignore_cleanup_errors=True) as folder:
                body(folder)
            passed += 1
        except (Wrong, subprocess.TimeoutExpired, OSError, ValueError) as error:
            failed += 1
            print(f"FAIL {name}: {error}")
    print(f"report_page: {passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
