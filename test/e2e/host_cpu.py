"""What the machine that runs the tests can execute."""
import functools

# What /proc/cpuinfo must list for a target, and what nnc calls a CPU that has it.
FLAGS = {"sse2": "sse4_2", "avx2": "avx2", "avx512": "avx512bw", "vnni": "avx512_vnni",
         "bf16": "avx512_bf16", "amx": "amx_bf16"}
CPUS = {"sse2": "x86-64-v2", "avx2": "x86-64-v3", "avx512": "x86-64-v4", "vnni": "icelake-server",
        "bf16": "cooperlake", "amx": "sapphirerapids"}


@functools.cache
def list_flags():
    with open("/proc/cpuinfo") as file:
        return frozenset(next((line.split(":", 1)[1].split() for line in file if line.startswith("flags")), ()))


def can_run(target):
    return FLAGS[target] in list_flags()


def choose_targets(targets, tests):
    """Those of `targets` that run here, and how many tests the others would have had, `tests` each, which are reported."""
    missing = [target for target in targets if not can_run(target)]
    for target in missing:
        print(f"SKIP [{tests}] {target}: this machine does not have it")
    return [target for target in targets if target not in missing], tests * len(missing)
