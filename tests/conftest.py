"""Makes every test deterministic, quiet and small."""

import os
import pathlib
import subprocess
import sys

# Before TensorFlow is loaded. One thread an operation: the networks here are too small for more.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "2")

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Seeds all generators, and puts the dtype policy back. Loads Keras for nobody."""
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def run_python():
    """Returns a function that runs a script in a new process and returns what it prints."""

    def run(script, timeout=300):
        result = subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert result.returncode == 0, result.stderr[-4000:]
        return result.stdout

    return run


@pytest.fixture(scope="session")
def images():
    """Returns a function that makes `n` images and labels of `classes` classes."""

    def make(n, shape=(8, 8, 3), classes=3, seed=0):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, *shape)).astype("float32")
        return x, rng.integers(0, classes, n).astype("int32")

    return make
