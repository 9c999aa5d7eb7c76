"""The private Python environment of the benchmarks: build/bench/venv, with those peers that can be installed."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "build", "bench")
PYTHON = os.path.join(FOLDER, "venv", "bin", "python")
BASE = ("numpy", "onnx")
INSTALL_LIMIT = 900  # seconds


def install(packages):
    command = [PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
    try:
        return subprocess.run(command, timeout=INSTALL_LIMIT).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def is_installed(modules):
    return subprocess.run([PYTHON, "-c", "import importlib.util as u, sys; "
                           "sys.exit(any(u.find_spec(m) is None for m in sys.argv[1:]))", *modules]).returncode == 0


def enter(script, arguments):
    """Goes on in the private environment; returns only there."""
    if os.path.realpath(sys.prefix) == os.path.realpath(os.path.join(FOLDER, "venv")):
        return
    if not os.path.exists(PYTHON):
        subprocess.run([sys.executable, "-m", "venv", os.path.join(FOLDER, "venv")], check=True)
    if not is_installed(BASE) and not install(BASE):
        sys.exit(f"{os.path.basename(script)}: {' and '.join(BASE)} cannot be installed from PyPI")
    os.execv(PYTHON, [PYTHON, script, *arguments])
