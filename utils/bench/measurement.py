"""One model, measured: compiled by nnc, then run in turns with the peers."""
import json
import os
import subprocess
import tempfile

import models_of_files
import turns
from environment import FOLDER, install, is_installed
from networks import compile_measured
from peers import DYNAMIC, DYNAMIC_LIBRARY, PEERS

TOLERANCE = 1e-3  # of the largest magnitude; beyond it a time is no result


def measure_roofline():
    """Of one core, by a program of its own."""
    source, program = os.path.join(os.path.dirname(__file__), "roofline.c"), os.path.join(FOLDER, "roofline")
    subprocess.run(["cc", "-O2", "-march=native", source, "-o", program], check=True)
    core = str(turns.choose_cores(1)[0])
    return json.loads(subprocess.run(["taskset", "-c", core, program], check=True, capture_output=True).stdout)


def find_peers(names):
    """Peers that can be imported, installed first where needed, and {name: reason} of the others."""
    present, missing = [], {}
    for name in names:
        if name == DYNAMIC:
            present.append(name)
            continue
        peer = PEERS[name]
        if is_installed(peer.modules) or (install(peer.packages) and is_installed(peer.modules)):
            present.append(name)
        else:
            missing[name] = f"{' and '.join(peer.packages)} cannot be installed from PyPI"
    return present, missing


def compile_with_nnc(task, model, library="model.so", more=()):
    """None, or why there is no library; and the multiply-adds."""
    report = os.path.join(task.folder, "report.json")
    options = ["--emit=shared", "--name=model", f"--report={report}", f"--cpu={task.cpu}", *more]
    if task.threads > 1:
        options.append("--threads")
    code, messages, seconds, _ = compile_measured(model, os.path.join(task.folder, library), options)
    if code:
        return f"nnc ended with code {code}: {messages.splitlines()[0] if messages else ''}", {}
    with open(report, encoding="utf-8") as file:
        return None, {"macs": json.load(file).get("macs", 0), "compile_s": seconds}


def measure(name, make_task, peers, seconds, tolerance=TOLERANCE):
    """The row of one network; `make_task(folder)` returns the task."""
    row = {"network": name, "nnc_ms": None, "peers": {}, "max_error": None, "missing": {}, "errors": {}}
    with tempfile.TemporaryDirectory(prefix="nnc-bench-") as folder:
        task = make_task(folder)
        row.update(threads=task.threads, cpu=task.cpu)
        refusal, facts = compile_with_nnc(task, task.model, more=task.options)
        if refusal:
            row["missing"]["nnc"] = refusal
        if DYNAMIC in peers:
            failure, _ = compile_with_nnc(task, models_of_files.free_extents(task.model, folder), DYNAMIC_LIBRARY)
            if failure:
                row["missing"][DYNAMIC] = failure
                peers = [peer for peer in peers if peer != DYNAMIC]
        task.model = models_of_files.drop_default_inputs(task.model, folder)
        workers = turns.take_turns(([] if refusal else ["nnc"]) + list(peers), task, seconds)
        judge(row, workers, tolerance)
    row["compile_s"] = facts.get("compile_s")
    if row["nnc_ms"] and facts.get("macs"):
        row["gflops"] = 2e-6 * facts["macs"] / row["nnc_ms"]
    return row


def judge(row, workers, tolerance):
    """Outputs are compared with those of the first peer; whoever differs has no time."""
    reference = next((w for w in workers if w.library != "nnc" and not w.error), None)
    for worker in workers:
        if worker.error:
            row["missing"][worker.library] = worker.error
            continue
        if reference and worker is not reference:
            error = turns.largest_difference(worker.load_outputs(), reference.load_outputs())
            row["errors"][worker.library] = error
            if not error <= tolerance:
                row["missing"][worker.library] = f"differs from {reference.library} by {error:.1e}"
                continue
        if worker.library == "nnc":
            row["nnc_ms"], row["max_error"] = worker.median, row["errors"].get("nnc")
            row["nnc_min_ms"] = min(worker.times)
        else:
            row["peers"][worker.library] = worker.median
            row.setdefault("peers_min", {})[worker.library] = min(worker.times)
