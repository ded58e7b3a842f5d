"""Keyed layers that are alike share a trace, and others do not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers import ReLUConvNorm
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


@pytest.mark.parametrize(
    "layer",
    [Own(), keras.layers.Lambda(lambda x: x), keras.Sequential([keras.layers.ReLU(), Own()])],
)
def test_of_a_users_layer_it_is_not_known(layer):
    assert likeness(layer) is None


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
