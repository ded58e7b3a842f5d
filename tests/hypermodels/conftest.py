"""A small recurrent space, and text for it."""

import numpy as np
import pytest

from keras_enas.hypermodels import HyperRecurrentLM
from keras_enas.supergraph import Supergraph

VOCABULARY = 11


def recurrent_space(**kwargs):
    small = {
        "num_nodes": 4,
        "units": 6,
        "learning_rate": 1.0,
        # All of them, so that a child has the same draws.
        "word_dropout": 0.2,
        "embedding_dropout": 0.2,
        "input_dropout": 0.2,
        "state_dropout": 0.2,
        "output_dropout": 0.2,
        "kernel_l2": 1e-3,
        "activation_l2": 0.1,
        "slowness": 0.1,
    }
    return HyperRecurrentLM(VOCABULARY, **{**small, **kwargs})


@pytest.fixture(scope="session")
def small_recurrent():
    """Returns a function that makes a recurrent space of four nodes."""
    return recurrent_space


@pytest.fixture(scope="session")
def shared_recurrent():
    """A recurrent space and its supergraph with weights that all differ, built once."""
    hypermodel = recurrent_space()
    return hypermodel, perturb(Supergraph(hypermodel, seed=0))


@pytest.fixture(scope="session")
def tokens():
    """Returns a function that draws `n` tokens, each likely to follow from the one before."""

    def draw(n, seed=0):
        rng = np.random.default_rng(seed)
        found = [0]
        for chance in rng.random(n - 1):
            known = (found[-1] * 3 + 1) % VOCABULARY
            found.append(known if chance < 0.8 else int(rng.integers(VOCABULARY)))
        return np.array(found, np.int32)

    return draw


def perturb(supergraph):
    rng = np.random.default_rng(3)
    for variable in supergraph.network.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    return supergraph
