"""Makes every test deterministic, quiet and small."""

import gc
import importlib.util
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

from keras_enas.search_space import Decision, SearchSpace

# Layers and traces are many small objects that stay: to look for garbage among them as often as
# Python does takes a tenth of the time.
gc.set_threshold(100_000, 20, 10)

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_addoption(parser):
    parser.addoption("--data", help="a folder with the tables that some slow tests read")


@pytest.fixture(autouse=True)
def fixed_seeds():
    """Seeds all generators, and puts the dtype policy back. Loads Keras for nobody."""
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)
    yield
    if "keras" in sys.modules:
        sys.modules["keras"].config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def benchmarks_import_each_other():
    """The files of `benchmarks/` import each other by name."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    yield
    sys.path.remove(str(ROOT / "benchmarks"))


@pytest.fixture(scope="session")
def run_python():
    """Returns a function that runs Python in a new process and returns what it prints.

    It takes the interpreter's arguments (`"-c", script` or a file and its own), the folder to run
    in and the exit code that must come out.
    """

    def run(*arguments, folder=ROOT, timeout=300, code=0):
        result = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        assert result.returncode == code, f"{arguments[1:]}: {result.stderr[-4000:]}"
        return result.stdout

    return run


@pytest.fixture(scope="session")
def load_file():
    """Returns a function that loads a Python file of the project that is in no package."""

    def load(path):
        name = f"file_{pathlib.Path(path).stem}"
        spec = importlib.util.spec_from_file_location(name, ROOT / path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def images():
    """Returns a function that makes `n` images and labels of `classes` classes."""

    def make(n, shape=(8, 8, 3), classes=3, seed=0):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(n, *shape)).astype("float32")
        return x, rng.integers(0, classes, n).astype("int32")

    return make


@pytest.fixture(scope="session")
def macro_space():
    """Returns a function that makes the decisions of the macro space, with no network to them."""

    def make(num_layers=12, num_ops=6):
        labels = ("conv3", "sep3", "conv5", "sep5", "avg3", "max3")[:num_ops]
        decisions = []
        for k in range(num_layers):
            decisions.append(Decision(f"layer_{k}/op", "op", labels))
            name = f"layer_{k}/skip"
            decisions += [Decision(f"{name}/{i}", "skip", (0, 1), name) for i in range(k)]
        return SearchSpace(decisions)

    return make


@pytest.fixture(scope="session")
def make_child():
    """Returns a function that builds the child of an architecture with inherited weights."""

    from keras_enas.supergraph import inherit

    def make(hypermodel, supergraph, indices):
        architecture = supergraph.space.architecture(indices)
        child = hypermodel.build(architecture.to_hyperparameters())
        inherit(supergraph.network, child, architecture)
        return child

    return make
