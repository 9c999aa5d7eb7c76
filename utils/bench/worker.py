"""The process of one library: reads a task (one line of JSON), answers with its outputs in a file, then for each line
with a number of seconds with the times of as many runs as fit, in milliseconds."""
import json
import os
import sys
import time

import numpy as np

from peers import DYNAMIC, PEERS, Nnc, NncDynamic, Task


def measure(run, seconds):
    """Times of single runs; the first, which finds cold caches, does not count where there is a second."""
    times, start = [], time.perf_counter()
    while len(times) < 2 or time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - begin))
        if times[0] > 1000 * seconds:
            return times
    return times[1:]


def main():
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print goes elsewhere

    def reply(**values):
        replies.write(json.dumps(values) + "\n")

    request = json.loads(sys.stdin.readline())
    os.sched_setaffinity(0, request["cores"])
    try:
        with np.load(request["inputs"]) as file:
            inputs = {name: file[name] for name in request["names"]}
        task = Task(request["model"], inputs, request["folder"], request["threads"], request["cpu"])
        library = {"nnc": Nnc, DYNAMIC: NncDynamic, **PEERS}[request["library"]](task)
        library.run()
        np.savez(request["outputs"], *[np.asarray(array) for array in library.outputs()])
        reply(ready=True)
        for line in sys.stdin:
            reply(times=measure(library.run, float(line)))
    except Exception as error:  # pylint: disable=broad-except
        reply(error=f"{type(error).__name__}: {error}".splitlines()[0][:300])


if __name__ == "__main__":
    main()
