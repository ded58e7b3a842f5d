"""A training of its own, in one trace for all architectures."""

import keras
import numpy as np
import pytest
from small_space import SmallSpace

from keras_enas import RandomOracle
from keras_enas.rewards import objective_reward
from keras_enas.supergraph import Scorer, Supergraph, inherit
from keras_enas.tuner import state
from keras_enas.tuner.data import TrainingData, ValidationData
from keras_enas.tuner.round import Judge
from keras_enas.tuner.short_training import ShortTraining


class Plain(SmallSpace):
    """Without dropout and momentum a child can be followed by hand."""

    def build(self, hp):
        model = super().build(hp)
        for layer in model.layers:
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0
        return model


def test_a_training_alone_is_the_childs(digits):
    """The same steps of the same child as a model of its own, its rate falling along a cosine."""
    (x, y), validation = digits
    supergraph = Supergraph(Plain(), seed=0)
    training = TrainingData(x, y, None, 50, True, seed=3)
    objective = RandomOracle("val_accuracy").objective
    judge = Judge(Scorer(supergraph), objective, objective_reward)
    alone = ShortTraining(supergraph, judge, training, ValidationData(validation, 50, 0))
    architecture = supergraph.space.parse("relu | tanh 1")
    child = Plain().build(architecture.to_hyperparameters())
    inherit(supergraph.network, child, architecture)
    arrays, _, _ = alone.train(architecture.indices, alone.initial, 0, 0.5)
    # Another one is trained in between: it leaves nothing behind.
    other, _, _ = alone.train((1, 2, 0), alone.initial, 0, 1)
    arrays, score, seconds = alone.train(architecture.indices, arrays, 0.5, 1.5)
    assert 0 < seconds < 60
    batches = list(training.batches(range(2)))
    assert len(batches) == 12
    for first, end in ((0, 3), (3, 12)):
        for step, batch in enumerate(batches[first:end]):
            rate = 0.1 * 0.5 * (1 + np.cos(np.pi * step / (end - first)))
            child.optimizer.learning_rate.assign(rate)
            child.train_on_batch(*batch)
    state.set_arrays(supergraph, arrays)
    copy = Plain().build(architecture.to_hyperparameters())
    inherit(supergraph.network, copy, architecture)
    for ours, theirs in zip(copy.trainable_variables, child.trainable_variables, strict=True):
        np.testing.assert_allclose(np.array(ours), np.array(theirs), rtol=1e-4, atol=1e-5)
    assert 0.3 < score.objective <= 1
    assert any(not np.array_equal(other[name], arrays[name]) for name in arrays)
    assert float(supergraph.network.optimizer.learning_rate) == pytest.approx(0.1)
    assert supergraph.train_traces == 1


@pytest.mark.parametrize("kind", ["scaled", "schedule"])
def test_the_rate_is_the_optimizers_own(kind, digits):
    """That of a scaled optimizer is the inner one's, and a schedule is followed."""
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    sgd = keras.optimizers.SGD(rate if kind == "schedule" else 0.1)
    scaled = keras.optimizers.LossScaleOptimizer(sgd, initial_scale=1.0)

    def compile_anew(network):
        optimizer = sgd if kind == "schedule" else scaled
        network.compile(optimizer, network.loss, metrics=["accuracy"])

    (x, y), validation = digits
    supergraph = Supergraph(Plain(), seed=0, override_compile=compile_anew)
    objective = RandomOracle("val_accuracy").objective
    judge = Judge(Scorer(supergraph), objective, objective_reward)
    training = TrainingData(x, y, None, 50, True, seed=3)
    alone = ShortTraining(supergraph, judge, training, ValidationData(validation, 50, 0))
    _, score, _ = alone.train((0, 0, 0), alone.initial, 0, 3)
    assert score.objective > 0.4
