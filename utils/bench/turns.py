"""Runs nnc and its peers in turns: a process for each, bound to the same cores, one of them awake at a time."""
import json
import os
import select
import subprocess
import sys

import numpy as np

PREPARE_LIMIT, TURN_LIMIT = 400, 120  # seconds
ROUNDS = 12


class Worker:
    """The process of one library."""

    def __init__(self, library, task, names, cores):
        self.library, self.error, self.times = library, None, []
        self.outputs_file = os.path.join(task.folder, f"outputs-{library}.npz")
        with open(os.path.join(task.folder, f"{library}.log"), "w", encoding="utf-8") as log:
            self.process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(__file__), "worker.py")],
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True)
        request = {"library": library, "model": task.model, "inputs": os.path.join(task.folder, "inputs.npz"),
                   "names": names, "folder": task.folder, "outputs": self.outputs_file, "threads": task.threads,
                   "cpu": task.cpu, "cores": cores}
        self.ask(json.dumps(request), PREPARE_LIMIT)

    def ask(self, line, limit):
        """Sends a line; the answer, or an empty one with `error` set."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], limit)[0]:
                raise TimeoutError(f"no answer within {limit} s")
            answer = self.process.stdout.readline()
            if not answer:
                raise RuntimeError(f"ended with code {self.process.wait()}")
            answer = json.loads(answer)
            self.error = answer.get("error")
            return answer
        except (OSError, RuntimeError) as error:
            self.error = str(error)
            self.process.kill()
            return {}

    def load_outputs(self):
        with np.load(self.outputs_file) as file:
            return [file[name] for name in file.files]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    @property
    def median(self):
        return sorted(self.times)[len(self.times) // 2] if self.times and not self.error else None


def choose_cores(threads):
    cores = sorted(os.sched_getaffinity(0))
    return cores[-threads:]


def take_turns(libraries, task, seconds):
    """Workers of all libraries, closed, with their times or errors."""
    names = list(task.inputs)
    np.savez(os.path.join(task.folder, "inputs.npz"), **task.inputs)
    workers, cores = [], choose_cores(task.threads)
    try:
        for library in libraries:
            workers.append(Worker(library, task, names, cores))
        for _ in range(ROUNDS):
            for worker in workers:
                if not worker.error:
                    worker.times += worker.ask(str(seconds / ROUNDS), TURN_LIMIT).get("times", [])
    finally:
        for worker in workers:
            worker.close()
    return workers


def largest_difference(actual, expected):
    """Of two lists of arrays: relative to the largest magnitude; infinite where shapes differ."""
    if len(actual) != len(expected):
        return float("inf")
    worst = 0.0
    for a, e in zip(actual, expected):
        if a.shape != e.shape:
            return float("inf")
        a, e = a.astype(np.float64), e.astype(np.float64)
        worst = max(worst, float(np.abs(a - e).max(initial=0) / (np.abs(e).max(initial=0) or 1)))
    return worst
