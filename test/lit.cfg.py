# Configuration of the lit tests: every .mlir, .onnxtxt and .test file below this folder, except inputs.
import os
import shutil

import lit.formats

config.name = "nnc"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".mlir", ".onnxtxt", ".test"]
config.excludes = ["Inputs", "unit", "e2e"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.nnc_build_dir, "test")

config.environment["PATH"] = os.pathsep.join(
    [os.path.join(config.nnc_build_dir, "bin"), config.llvm_tools_dir, config.environment["PATH"]])
config.substitutions.append(("%build", config.nnc_build_dir))
config.substitutions.append(("%source", os.path.dirname(config.test_source_root)))

# What is not among the packages that the tests need.
if shutil.which("arm-none-eabi-gcc") and shutil.which("qemu-system-arm"):
    config.available_features.add("arm-none-eabi")
