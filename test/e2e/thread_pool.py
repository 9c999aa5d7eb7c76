"""The thread pool of runtime/Pool.c, for models compiled with --threads."""
import ctypes
import os
import subprocess

from compiled_model import ROOT


class ThreadPool:
    """`parallel` is the nnc_parallel that CompiledModel.prepare takes."""

    def __init__(self, threads, folder):
        path = os.path.join(folder, "pool.so")
        if not os.path.exists(path):
            subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-I" + os.path.join(ROOT, "include"),
                            os.path.join(ROOT, "runtime", "Pool.c"), "-o", path, "-lpthread"], check=True)
        self.library = ctypes.CDLL(path)
        for name in ("nnc_pool_create", "nnc_pool_parallel"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.library.nnc_pool_parallel.argtypes = self.library.nnc_pool_destroy.argtypes = [ctypes.c_void_p]
        self.pool = self.library.nnc_pool_create(threads)
        self.parallel = self.library.nnc_pool_parallel(self.pool)

    def close(self):
        self.library.nnc_pool_destroy(self.pool)
