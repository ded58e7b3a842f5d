"""Several architectures in one update of the weights."""

import keras
import numpy as np
import pytest

from keras_enas.supergraph import Supergraph


def test_an_update_takes_the_mean_of_the_gradients(numbers, spaces):
    """Two architectures in a step move the weights as the mean of both steps taken apart."""
    x, y = numbers
    apart = []
    for index in (0, 1):
        supergraph = Supergraph(spaces["dense"](), seed=0)
        if not apart:
            start = [np.array(v) for v in supergraph.trainable_variables]
        for v, value in zip(supergraph.trainable_variables, start, strict=True):
            v.assign(value)
        supergraph.set_architectures([[index]])
        supergraph.train_on_batch(x, y)
        apart.append([np.array(v) for v in supergraph.trainable_variables])
    together = Supergraph(spaces["dense"](), seed=0, architectures_per_step=2)
    for v, value in zip(together.trainable_variables, start, strict=True):
        v.assign(value)
    together.set_architectures([[0], [1]])
    together.train_on_batch(x, y)
    for v, value in zip(together.trainable_variables, start, strict=True):
        np.testing.assert_array_equal(np.array(v), value)
    together.train_on_batch(x, y)
    for v, first, second in zip(together.trainable_variables, *apart, strict=True):
        np.testing.assert_allclose(np.array(v), (first + second) / 2, rtol=1e-5, atol=1e-6)


def test_an_optimizer_that_accumulates_already_is_refused(spaces):
    hypermodel = spaces["dense"](
        optimizer=lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
    )
    with pytest.raises(ValueError, match="has `gradient_accumulation_steps` already"):
        Supergraph(hypermodel, architectures_per_step=2)


def test_an_optimizer_that_leaves_out_steps_is_refused(spaces):
    """The groups would go out of step with the batches."""
    hypermodel = spaces["dense"](
        optimizer=lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1))
    )
    with pytest.raises(ValueError, match="do not go with a LossScaleOptimizer.*mixed_bfloat16"):
        Supergraph(hypermodel, architectures_per_step=2)
    Supergraph(hypermodel)
