"""Keyed layers that are alike share a trace, and others do not."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
from function_space import FromFunction, compiled

from keras_enas.choices import Keyed, OpChoice
from keras_enas.layers import ReLUConvNorm
from keras_enas.supergraph import Supergraph
from keras_enas.supergraph.bodies import Bodies, Body
from keras_enas.supergraph.likeness import likeness


def built(layer, channels=4):
    layer.build((None, 6, 6, channels))
    return layer


def body_of(layer):
    groups = [layer.trainable_variables, layer.non_trainable_variables]
    return Body(layer, [group for group in groups if group], likeness(layer))


def flat(body):
    """The values of a body's layer, as it takes them."""
    return [tf.concat([tf.reshape(v.value, [-1]) for v in group], 0) for group in body.groups]


class Own(keras.layers.Layer):
    pass


def test_alike_are_layers_that_compute_the_same():
    first = likeness(built(ReLUConvNorm(4, (3,), name="a")))
    assert first == likeness(built(ReLUConvNorm(4, (3,), name="b")))
    others = [
        built(ReLUConvNorm(4, (5,))),
        built(ReLUConvNorm(4, (3,), strides=2)),
        built(ReLUConvNorm(4, (3,)), channels=3),
        built(ReLUConvNorm(4, (3,), epsilon=1e-3)),
        built(ReLUConvNorm(4, (3,), dtype="mixed_float16")),
    ]
    assert len({first, *map(likeness, others)}) == 6
    frozen = built(ReLUConvNorm(4, (3,)))
    frozen.trainable = False
    assert likeness(frozen) != first


def twice(x):
    return 2 * x


@pytest.mark.parametrize(
    "make",
    [
        Own,
        lambda: keras.layers.Lambda(twice),
        lambda: keras.Sequential([keras.layers.ReLU(), Own()]),
        # Keras writes a function down by its name alone.
        lambda: keras.layers.Dense(4, activation=twice),
        lambda: keras.layers.Dense(4, activation=functools.partial(tf.nn.leaky_relu, alpha=0.1)),
        # It has statistics that are no variables.
        lambda: keras.layers.Normalization(mean=1.0, variance=2.0),
        lambda: keras.layers.LSTM(4),
    ],
)
def test_of_others_it_is_not_known(make):
    assert likeness(make()) is None


@pytest.mark.filterwarnings("error")
def test_what_a_weight_began_with_does_not_count():
    one = keras.layers.Dense(4, kernel_initializer=lambda shape, dtype: tf.ones(shape, dtype))
    assert likeness(built(one)) == likeness(built(keras.layers.Dense(4, name="another")))


@pytest.mark.parametrize("dilation_rate", [1, 2])
def test_alike_share_one_function_each_with_its_own_weights(dilation_rate):
    """With the written gradient, and with TensorFlow's."""
    make = [ReLUConvNorm(4, (3,), separable=True, dilation_rate=dilation_rate) for _ in range(2)]
    layers = [built(layer) for layer in make]
    bodies = [body_of(layer) for layer in layers]
    x = tf.random.stateless_normal((2, 6, 6, 4), [0, 1])
    traced = Bodies()

    @tf.function
    def run(x, *weights):
        with tf.GradientTape() as tape:
            tape.watch([x, *weights])
            found = [
                traced.run(body, x, weights[2 * i : 2 * i + 2], True)
                for i, body in enumerate(bodies)
            ]
            total = tf.add_n([tf.reduce_sum(tf.square(outputs)) for outputs, _ in found])
        return found, tape.gradient(total, [x, weights[0], weights[2]])

    found, gradients = run(x, *flat(bodies[0]), *flat(bodies[1]))
    assert len(traced._functions) == 1
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = [layer(x, training=True) for layer in layers]
        total = tf.add_n([tf.reduce_sum(tf.square(y)) for y in outputs])
    variables = [[v.value for v in layer.trainable_variables] for layer in layers]
    first, *others = tape.gradient(total, [x, *variables])
    np.testing.assert_allclose(gradients[0], first, rtol=1e-3, atol=1e-3)
    for i, layer in enumerate(layers):
        np.testing.assert_allclose(found[i][0], outputs[i], atol=1e-5)
        moved = np.concatenate([np.ravel(v) for v in layer.non_trainable_variables])
        np.testing.assert_allclose(found[i][1], moved, rtol=1e-4)
        expected = np.concatenate([np.ravel(g) for g in others[i]])
        np.testing.assert_allclose(gradients[1 + i], expected, rtol=1e-3, atol=1e-3)


def test_a_layer_that_is_not_known_runs_as_it_is():
    layer = built(
        keras.Sequential([keras.layers.Lambda(lambda x: 2 * x), keras.layers.Conv2D(3, 1)])
    )
    body, traced = body_of(layer), Bodies()
    x = tf.ones((1, 6, 6, 4))
    (output,) = tf.function(lambda x: traced.run(body, x, flat(body), True))(x)
    assert not traced._functions
    np.testing.assert_allclose(output, layer(x), atol=1e-6)


def test_several_inputs_and_masks_reach_the_layer():
    """A function of one tensor would not do."""
    seen = []

    class Seeing(keras.layers.Layer):
        def call(self, inputs):
            seen.append([getattr(x, "_keras_mask", None) is not None for x in inputs])
            return inputs[0]

    pair = Body(Seeing(), [], "alike")
    tf.function(lambda x: Bodies().run(pair, [x, x], [], True))(tf.ones((1, 2)))
    masked = Body(keras.layers.Dense(2), [], "alike")
    masked.layer.build((1, 2))

    @tf.function
    def run(x):
        x._keras_mask = tf.ones((1,), tf.bool)
        traced = Bodies()
        traced.run(masked, x, [], True)
        return len(traced._functions)

    assert seen == [[False, False]] and run(tf.ones((1, 2))) == 0


def test_a_keyed_layer_may_be_frozen():
    def build(hp):
        inputs = keras.Input((4,))
        op = {"tanh": lambda: keras.layers.Activation("tanh"), "relu": keras.layers.ReLU}
        x = OpChoice(hp, "op", op)(inputs)
        keyed = Keyed(hp, "op", lambda: keras.layers.Dense(4))
        x = keyed(x)
        keyed.trainable = False
        return compiled(inputs, keras.layers.Dense(1)(x))

    supergraph = Supergraph(FromFunction(build), seed=0)
    before = [np.array(v) for v in supergraph.network.non_trainable_variables]
    supergraph.fit(np.ones((8, 4), "float32"), np.ones((8, 1), "float32"), verbose=0)
    assert before and len(supergraph.network.trainable_variables) == 2
    for one, two in zip(before, supergraph.network.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(one, two)
