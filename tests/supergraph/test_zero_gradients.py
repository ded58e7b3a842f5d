"""Gradients of zeros are left out where nothing else is added to them, and only there."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from function_space import FromFunction, compiled

from keras_enas.choices import InputChoice, LooseEnds, OpChoice
from keras_enas.hypermodels import HyperMicroCNN
from keras_enas.supergraph import Supergraph
from keras_enas.supergraph.switches import LooseEndsSwitch

UNITS = 4


def cell(also_elsewhere=False, passed_on=True, shape=(UNITS,)):
    """Three blocks, each with one input; with another way out of the first block, if wanted."""

    def build(hp):
        inputs = keras.Input(shape)
        nodes = [keras.layers.Dense(UNITS)(inputs)]
        for i in range(3):
            choice = InputChoice(hp, f"input_{i}", pass_on=True)
            chosen, behind = choice(nodes)
            nodes = behind if passed_on else nodes
            op = OpChoice(
                hp,
                f"op_{i}",
                {
                    "tanh": lambda: keras.layers.Dense(UNITS, "tanh"),
                    "linear": lambda: keras.layers.Dense(UNITS),
                },
            )
            nodes = [*nodes, op(chosen)]
        names = [f"input_{i}" for i in range(3)]
        x = LooseEnds(hp, names, lambda: keras.layers.Dense(UNITS))(nodes)
        if also_elsewhere:
            x = keras.layers.Add()([x, nodes[1]])
        return compiled(inputs, keras.layers.Dense(2)(x))

    return FromFunction(build)


def ends_of(supergraph):
    return [s for s in supergraph.network._flatten_layers() if isinstance(s, LooseEndsSwitch)]


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, {0, 1, 2}),
        # Taken elsewhere too, it has a gradient to which one of no sample cannot be added.
        ({"also_elsewhere": True}, {0, 2}),
        ({"passed_on": False}, set()),
        # Nothing can be made of a size that is not known.
        ({"shape": (None, UNITS)}, set()),
    ],
)
def test_where_they_are_left_out_and_that_gradients_stay_right(kwargs, expected):
    hypermodel = cell(**kwargs)
    supergraph = Supergraph(hypermodel, seed=0)
    assert [end.without_zeros for end in ends_of(supergraph)] == [expected]
    rng = np.random.default_rng(0)
    shape = (6, 5, UNITS) if "shape" in kwargs else (6, UNITS)
    x = tf.constant(rng.normal(size=shape), tf.float32)
    variables = [v.value for v in supergraph.network.trainable_variables]
    directions = [tf.random.stateless_normal(v.shape, [i, 7]) for i, v in enumerate(variables)]

    def loss(architecture, step=0.0):
        for variable, direction in zip(variables, directions, strict=True):
            variable.assign_add(step * direction)
        value = tf.reduce_sum(tf.square(supergraph(x, architecture=architecture, training=True)))
        for variable, direction in zip(variables, directions, strict=True):
            variable.assign_sub(step * direction)
        return value

    for architecture in map(tf.constant, supergraph.space.random(6, rng)):
        with tf.GradientTape() as tape:
            value = loss(architecture)
        gradients = tape.gradient(value, variables, unconnected_gradients="zero")
        slope = tf.add_n([tf.reduce_sum(g * d) for g, d in zip(gradients, directions, strict=True)])
        differences = (loss(architecture, 1e-3) - loss(architecture, -1e-3)) / 2e-3
        np.testing.assert_allclose(slope, differences, rtol=2e-2, atol=2e-2)


def test_in_every_cell_of_the_micro_space():
    supergraph = Supergraph(HyperMicroCNN((8, 8, 3), 2, num_layers=1, filters=2, num_blocks=2))
    # Of a cell's three nodes that a block may take: the two inputs and the first block.
    assert [end.without_zeros for end in ends_of(supergraph)] == [{0, 1, 2}] * 3
