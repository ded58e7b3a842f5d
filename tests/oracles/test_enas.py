"""ENASOracle: how it divides its samples, and that no collapse is silent."""

import warnings

import numpy as np
import pytest

from keras_enas.controllers import PROFILES
from keras_enas.oracles import ENASOracle
from keras_enas.oracles.updates import chunks


def test_chunks():
    def sizes(n, size):
        return [chunk.stop - chunk.start for chunk in chunks(n, size)]

    assert sizes(40, 20) == [20, 20]
    assert sizes(45, 20) == [20, 20, 5]
    assert sizes(41, 20) == [20, 21]
    assert sizes(1, 20) == [1]
    assert sizes(0, 20) == []


def test_one_update_for_every_chunk_and_a_single_sample_waits(space):
    oracle = ENASOracle(seed=0, samples_per_update=4)
    oracle.set_space(space)
    oracle.learn(oracle.sample(10), np.arange(10.0))
    assert oracle.diagnostics()["num_updates"] == 3
    oracle.learn(oracle.sample(1), [1.0])
    assert "num_updates" not in oracle.diagnostics()
    assert len(oracle.get_arrays()["pending/rewards"]) == 1
    oracle.learn(oracle.sample(1), [2.0])
    assert oracle.diagnostics()["num_updates"] == 1
    assert len(oracle.get_arrays()["pending/rewards"]) == 0


def test_every_profile_is_in_the_docstring():
    assert all(f'"{profile}"' in ENASOracle.__doc__ for profile in PROFILES)


def test_arguments_of_the_controller_are_checked_at_once():
    with pytest.raises(ValueError, match="`skip_target`"):
        ENASOracle(skip_target=2)
    with pytest.raises(ValueError, match="skip_goal"):
        ENASOracle(skip_goal=0.4)
    with pytest.raises(ValueError, match="`profile`"):
        ENASOracle(profile="best")


def test_nothing_is_built_before_it_is_needed(space):
    oracle = ENASOracle(seed=0)
    oracle.set_space(space)
    assert oracle._controller is None


def test_a_collapse_is_named_once(space):
    oracle = ENASOracle(seed=0, offset_learning_rate=1.0, skip_weight=0.0)
    oracle.set_space(space)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(50):
            # Rewards without meaning and steps far too large.
            oracle.learn(oracle.sample(20), rng.normal(size=20))
    messages = [str(warning.message) for warning in caught]
    assert sum("collapsed" in message for message in messages) == 1
    assert sum("in one update" in message for message in messages) <= 1
    assert len(messages) <= 2


def test_learning_what_is_better_is_no_collapse(space):
    oracle = ENASOracle(seed=0, skip_weight=0.0)
    oracle.set_space(space)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(100):
            architectures = oracle.sample(20)
            rewards = (architectures == 1).mean(axis=1) + rng.normal(0, 0.05, 20)
            oracle.learn(architectures, rewards)
    assert (oracle.most_likely() == 1).all()
