"""What an architecture does not need does not run, as in its child."""

import collections
import itertools

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from function_space import FromFunction, compiled

from keras_enas.choices import InputChoice, Keyed, OpChoice, SkipChoice
from keras_enas.supergraph import Scorer, Supergraph


class Counting(keras.layers.Layer):
    """A scale that notes each time it runs."""

    def __init__(self, note, **kwargs):
        super().__init__(**kwargs)
        self.note = note

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, inputs):
        def run(x):
            self.note()
            return x

        x = tf.py_function(run, [inputs * self.scale], inputs.dtype)
        x.set_shape(inputs.shape)
        return x


class Tangled(keras_tuner.HyperModel):
    """Choices after choices: what is needed depends on several of them together."""

    def __init__(self, runs, wrap=lambda layer: layer):
        super().__init__()
        self.runs = runs
        self.wrap = wrap

    def counting(self, name):
        return self.wrap(Counting(lambda: self.runs.update([name])))

    def build(self, hp):
        inputs = keras.Input((4,))
        a, b, c = (self.counting(name)(inputs) for name in "abc")
        first = InputChoice(hp, "first")([a, b])
        d = OpChoice(hp, "d", {"x": lambda: self.counting("dx"), "y": lambda: self.counting("dy")})(
            first
        )
        d = Keyed(hp, "d", keras.layers.BatchNormalization)(d)
        e, (c, kept) = SkipChoice(hp, "skip")(self.counting("e")(b), [c, d])
        e = keras.layers.BatchNormalization()(keras.ops.tanh(e))
        f = self.counting("f")(kept)
        second = InputChoice(hp, "second")([e, f, c])
        model = keras.Model(inputs, keras.layers.Dense(1)(second))
        model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
        return model


def expected_runs(values):
    needed = set()
    if values["second"] == 0:
        needed |= {"b", "e"}
        needed |= {"c"} if values["skip/0"] else set()
    if values["second"] == 2:
        needed |= {"c"}
    through_d = values["second"] == 1 or (values["second"] == 0 and values["skip/1"])
    if values["second"] == 1:
        needed |= {"f"}
    if through_d:
        needed |= {"d" + values["d"], "ab"[values["first"]]}
    return needed


def all_architectures(space):
    return itertools.product(*[range(len(d.candidates)) for d in space])


def test_only_what_is_needed_runs(numbers, make_child):
    """All 48 architectures: what runs, what comes out, and what a step changes."""
    x, y = numbers
    runs = collections.Counter()
    hypermodel = Tangled(runs)
    supergraph = Supergraph(hypermodel, seed=0)
    scorer = Scorer(supergraph)
    assert supergraph.space.size == 48
    for variable in supergraph.network.trainable_variables:
        variable.assign(np.random.default_rng(0).uniform(0.5, 1.5, variable.shape))
    for indices in all_architectures(supergraph.space):
        wanted = expected_runs(supergraph.space.architecture(indices).values)
        child = make_child(hypermodel, supergraph, indices)
        for training in (False, True):
            runs.clear()
            outputs = np.array(supergraph(x, architecture=indices, training=training))
            assert set(runs) == wanted and max(runs.values()) == 1, (indices, runs)
            np.testing.assert_allclose(outputs, child(x, training=training), atol=1e-5)
        runs.clear()
        scorer(indices, [(x, y)])
        assert set(runs) == wanted and max(runs.values()) == 1
    assert scorer.traces == 1


def test_a_step_trains_what_is_needed(numbers, make_child):
    x, y = numbers
    runs = collections.Counter()
    hypermodel = Tangled(runs)
    supergraph = Supergraph(hypermodel, seed=0)
    for indices in ([0, 1, 0, 1, 0], [1, 0, 1, 0, 0], [0, 0, 1, 1, 1], [1, 1, 0, 0, 2]):
        for slot in supergraph.optimizer.variables:
            if slot is not supergraph.optimizer.learning_rate:
                slot.assign(keras.ops.zeros_like(slot))
        child = make_child(hypermodel, supergraph, indices)
        supergraph.set_architectures(indices)
        runs.clear()
        supergraph.fit(x, y, batch_size=30, verbose=0)
        wanted = expected_runs(supergraph.space.architecture(indices).values)
        assert set(runs) == wanted and max(runs.values()) == 1
        child.fit(x, y, batch_size=30, verbose=0)
        after = make_child(hypermodel, supergraph, indices)
        for mine, yours in zip(after.variables, child.variables, strict=True):
            np.testing.assert_allclose(np.array(mine), np.array(yours), atol=1e-5)
    assert supergraph.train_traces == 1


def test_batches_of_any_size_and_mixed_precision(numbers):
    keras.config.set_dtype_policy("mixed_float16")
    supergraph = Supergraph(Tangled(collections.Counter()), seed=0)
    keras.config.set_dtype_policy("float32")
    x, y = numbers
    supergraph.set_architectures(list(all_architectures(supergraph.space)))
    history = supergraph.fit(x, y, batch_size=7, epochs=3, verbose=0).history
    assert np.isfinite(history["loss"]).all() and supergraph.train_traces == 1


@pytest.mark.parametrize("why", ["activity", "add_loss", "shared"])
def test_what_cannot_be_passed_over_always_runs(numbers, why):
    """Losses that must be heard, and a layer that is used in two places."""
    x, y = numbers
    runs = collections.Counter()

    class Adding(Counting):
        def call(self, inputs):
            self.add_loss(keras.ops.mean(inputs * 0.0) + 5.0)
            return super().call(inputs)

    def build(hp):
        inputs = keras.Input((4,))
        if why == "activity":
            layer = Counting(lambda: runs.update("a"), activity_regularizer="l2")
        elif why == "add_loss":
            layer = Adding(lambda: runs.update("a"))
        else:
            layer = Counting(lambda: runs.update("a"))
        other = layer(inputs)
        if why == "shared":
            other = layer(other)
        chosen = InputChoice(hp, "source")([inputs, other])
        return compiled(inputs, keras.layers.Dense(1)(chosen))

    supergraph = Supergraph(FromFunction(build))
    supergraph.set_architectures([[0]])
    runs.clear()
    loss = supergraph.fit(x, y, batch_size=30, verbose=0).history["loss"][0]
    assert runs["a"] == (2 if why == "shared" else 1)
    assert why != "add_loss" or loss > 5
