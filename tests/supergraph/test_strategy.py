"""Two replicas, each with an architecture of its own."""

import pytest

SETUP = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import sys
sys.path.insert(0, "tests/supergraph")
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from conftest import DenseSpace, UserSpace, macro_hypermodel
from keras_enas.supergraph import Scorer, Supergraph

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
rng = np.random.default_rng(0)
"""

BY_HAND = """
# Rows i * 2 + r: in the first step replica 0 trains candidate 0 and replica 1 candidate 1.
x = rng.normal(size=(8, 4)).astype("float32")
y = rng.integers(0, 3, 8).astype("int32")
results = []
for replicas in (2, 1):
    keras.utils.set_random_seed(0)
    if replicas == 2:
        with strategy.scope():
            supergraph = Supergraph(DenseSpace())
        supergraph.set_architectures([[0], [1]])
        supergraph.fit(x, y, batch_size=8, shuffle=False, verbose=0)
        assert supergraph.train_traces == 2, supergraph.train_traces  # one for each replica
        results.append(supergraph.get_weights())
    else:
        # By hand: the mean of the gradients of the two halves.
        supergraph = Supergraph(DenseSpace())
        start = supergraph.get_weights()
        steps = []
        for r in range(2):
            supergraph.set_weights(start)
            supergraph.set_architectures([[r]])
            supergraph.train_on_batch(x[r * 4 : r * 4 + 4], y[r * 4 : r * 4 + 4])
            steps.append([b - a for a, b in zip(start, supergraph.get_weights())])
        results.append([a + (b + c) / 2 for a, b, c in zip(start, *steps)])
for a, b in zip(*results):
    np.testing.assert_allclose(a, b, atol=1e-6)

with strategy.scope():
    try:
        Supergraph(DenseSpace(), architectures_per_step=2)
    except ValueError as error:
        assert "do not go with a `distribution_strategy`" in str(error), error
    else:
        raise AssertionError("several architectures a step were not refused")
print("fine")
"""


WHOLE_SPACES = """
for make in (lambda: macro_hypermodel(num_layers=3), UserSpace):
    x = rng.normal(size=(16, 8, 8, 3)).astype("float32")
    y = rng.integers(0, 3, 16).astype("int32")
    with strategy.scope():
        supergraph = Supergraph(make(), seed=0)
    before = supergraph.get_weights()
    supergraph.set_architectures(supergraph.space.random(6, rng))
    history = supergraph.fit(x, y, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert supergraph.train_traces == 2, supergraph.train_traces
    changed = [(a != b).any() for a, b in zip(before, supergraph.get_weights())]
    assert np.mean(changed) > 0.5, np.mean(changed)
    score = Scorer(supergraph)(supergraph.space.random(1, rng)[0], [(x, y)])
    assert np.isfinite(score["loss"])
print("fine")
"""


def test_each_replica_trains_its_own_row(run_python):
    assert run_python("-c", SETUP + BY_HAND).strip().endswith("fine")


@pytest.mark.slow
def test_whole_spaces_train_and_score(run_python):
    assert run_python("-c", SETUP + WHOLE_SPACES).strip().endswith("fine")
