"""Decisions inside a layer: a user's own recurrent cell."""

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.choices import IndexChoice, OpChoice
from keras_enas.layers import KeyedWeight, read
from keras_enas.search_space import Decision
from keras_enas.supergraph import Scorer, Supergraph
from keras_enas.supergraph.index import Index
from keras_enas.supergraph.scope import architecture_scope

UNITS = 3
FUNCTIONS = (tf.tanh, tf.nn.relu)


class Cell(keras.layers.Layer):
    """`s' = f(x W + s_j V_j)`, where `s_j` is the state or its last difference."""

    def __init__(self, function, source, **kwargs):
        super().__init__(**kwargs)
        self.function, self.source = function, source
        self.state_size = [UNITS, UNITS]

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], UNITS))
        shape, initializer = (UNITS, UNITS), "glorot_uniform"
        self.recurrent = KeyedWeight(
            self, [self.source, self.function], shape, initializer, "recurrent"
        )

    def call(self, inputs, states):
        before = tf.gather(tf.stack([states[0], states[0] - states[1]]), read(self.source))
        z = tf.matmul(inputs, self.kernel) + tf.matmul(before, self.recurrent.read())
        new = tf.gather(tf.stack([f(z) for f in FUNCTIONS]), read(self.function))
        return new, [new, states[0]]


class Keeping(keras.layers.Layer):
    """A candidate of a switch with a weight that another decision keys."""

    def __init__(self, source, **kwargs):
        super().__init__(**kwargs)
        self.source = source

    def build(self, input_shape):
        self.scale = KeyedWeight(self, self.source, (UNITS,), "random_normal", "scale")

    def call(self, inputs):
        return inputs * self.scale.read()


class OwnRecurrentSpace(keras_tuner.HyperModel):
    def build(self, hp):
        inputs = keras.Input((4, 2))
        function = IndexChoice(hp, "f", ["tanh", "relu"])
        source = IndexChoice(hp, "source", 2)
        x = keras.layers.RNN(Cell(function, source))(inputs)
        x = OpChoice(
            hp, "op", {"keep": lambda: Keeping(source), "dense": lambda: keras.layers.Dense(UNITS)}
        )(x)
        model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(x))
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model


@pytest.fixture(scope="module")
def own():
    hypermodel = OwnRecurrentSpace()
    supergraph = Supergraph(hypermodel, seed=0)
    rng = np.random.default_rng(0)
    for variable in supergraph.network.trainable_variables:
        variable.assign(rng.normal(size=variable.shape))
    x = rng.normal(size=(12, 4, 2)).astype("float32")
    return hypermodel, supergraph, (x, rng.integers(0, 3, 12).astype("int32"))


def test_the_space_has_the_decisions(own):
    _, supergraph, _ = own
    assert [(d.name, d.kind) for d in supergraph.space] == [
        ("f", "op"),
        ("source", "input"),
        ("op", "op"),
    ]


def test_every_child_is_equal_and_inherits_its_rows(own, make_child):
    hypermodel, supergraph, (x, _) = own
    outputs = []
    for indices in np.ndindex(2, 2, 2):
        child = make_child(hypermodel, supergraph, indices)
        outputs.append(np.array(child(x)))
        found = np.array(supergraph(x, architecture=indices))
        np.testing.assert_allclose(found, outputs[-1], atol=1e-6)
    assert len({x.tobytes() for x in outputs}) == 8


def test_one_trace_trains_the_rows_of_the_architecture_alone(own, make_child):
    hypermodel, supergraph, (x, y) = own
    scorer = Scorer(supergraph)
    for indices in [(0, 1, 0), (1, 1, 0), (0, 0, 1)]:
        before = {v.path: np.array(v) for v in supergraph.network.trainable_variables}
        child = make_child(hypermodel, supergraph, indices)
        scores = scorer(indices, [(x, y)])
        assert scores["loss"] == pytest.approx(child.test_on_batch(x, y)[0], rel=1e-5)
        supergraph.set_architectures([indices])
        supergraph.fit(x, y, batch_size=12, verbose=0)
        child.fit(x, y, batch_size=12, verbose=0)
        after = make_child(hypermodel, supergraph, indices)
        for mine, yours in zip(after.variables, child.variables, strict=True):
            np.testing.assert_allclose(np.array(mine), np.array(yours), rtol=1e-4, atol=1e-6)
        stack = next(v for v in supergraph.network.trainable_variables if "recurrent" in v.path)
        moved = np.flatnonzero((np.array(stack) != before[stack.path]).any((1, 2)))
        # Keyed by source and function, in this order.
        assert moved.tolist() == [indices[1] * 2 + indices[0]]
    assert supergraph.train_traces == 1 and scorer.traces == 1


def test_the_index_of_one_candidate_is_a_number():
    """In a layer it is what it is in a child: no switch and no gather depends on it."""
    assert type(Index(Decision("source", "input", [0]), 0).read()) is int
    with architecture_scope(tf.constant([1])):
        assert tf.is_tensor(Index(Decision("source", "input", [0, 1]), 0).read())


def test_without_an_architecture_nothing_is_read(own):
    _, supergraph, (x, _) = own
    with pytest.raises(RuntimeError, match="without an architecture"):
        supergraph.network(x)
