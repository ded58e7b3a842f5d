"""Tiny searches, and a look at what they leave on disk."""

import pathlib

import numpy as np
import pytest
from small_space import TINY, SmallSpace, load

from keras_enas import ENASTuner, RandomOracle
from keras_enas.tuner import state


@pytest.fixture(scope="session")
def digits():
    """`((x, y), (x, y))`: digits for training and for validation."""
    return load()


@pytest.fixture
def make_tuner(tmp_path):
    """Returns a function that makes a tuner of the small space in the folder of the test.

    Its oracle is random unless the test needs a `controller`, which takes a second to trace.
    """

    def make(hypermodel=None, controller=False, **kwargs):
        settings = {**TINY, "seed": 0, "directory": tmp_path, "project_name": "p", **kwargs}
        if not controller:
            of_oracle = ("objective", "max_trials", "seed", "hyperparameters")
            own = {name: settings.pop(name) for name in of_oracle if name in settings}
            settings["oracle"] = RandomOracle(**{"objective": "val_accuracy", **own})
        return ENASTuner(SmallSpace() if hypermodel is None else hypermodel, **settings)

    return make


@pytest.fixture
def search(digits):
    """Returns a function that searches the digits with a tuner, quietly."""

    def run(tuner, **kwargs):
        (x, y), validation = digits
        settings = {"validation_data": validation, "batch_size": 50, "verbose": 0, **kwargs}
        tuner.search(x, y, **settings)
        return tuner

    return run


@pytest.fixture(scope="session")
def searched(tmp_path_factory, digits):
    """A tuner that has searched two rounds; tests must not change it."""
    tuner = ENASTuner(
        SmallSpace(), **TINY, seed=0, directory=tmp_path_factory.mktemp("s"), project_name="p"
    )
    (x, y), validation = digits
    tuner.search(x, y, validation_data=validation, batch_size=50, verbose=0)
    return tuner


@pytest.fixture
def files(tmp_path):
    """Returns a function that reads all files of the test's folder: `{path: content}`."""

    def read():
        found = {}
        for path in sorted(pathlib.Path(tmp_path).rglob("*")):
            found[str(path.relative_to(tmp_path))] = path.read_bytes() if path.is_file() else None
        return found

    return read


@pytest.fixture
def same_state():
    """Returns a function that tells whether two tuners have the same weights and controller."""

    def compare(one, other):
        pairs = []
        for tuner in (one, other):
            pairs.append({**state.get_arrays(tuner.supergraph), **tuner.oracle.get_arrays()})
        return pairs[0].keys() == pairs[1].keys() and all(
            np.array_equal(pairs[0][name], pairs[1][name], equal_nan=True) for name in pairs[0]
        )

    return compare
