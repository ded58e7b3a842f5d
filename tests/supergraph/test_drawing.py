"""Rows of a stack begin as layers of their own would."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers import ReLUConvNorm
from keras_enas.supergraph.drawing import Initializers


def watched(layer):
    initializers = Initializers(layer)
    layer.build((None, 8, 8, 16))
    initializers.end()
    return layer, initializers


class Late(keras.layers.Layer):
    """Makes a layer in its `build`."""

    def build(self, input_shape):
        self.inner = keras.layers.Dense(2)
        self.inner.build(input_shape)


class Changed(keras.layers.Dense):
    """Has weights that no initializer gives."""

    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.assign(0 * self.kernel + 7)


class OwnConstant(keras.initializers.Initializer):
    """Cannot be made anew from its configuration, and need not."""

    def __init__(self, value):
        self.value = value

    def __call__(self, shape, dtype=None):
        return tf.fill(shape, tf.cast(self.value, dtype))


def test_each_row_is_drawn_anew_from_the_same_distribution():
    layer, initializers = watched(ReLUConvNorm(32, (3,)))
    rows = [initializers.draw(layer.variables) for _ in range(2)]
    for variable, one, two in zip(layer.variables, *rows, strict=True):
        value = np.array(variable.value)
        assert one.shape == value.shape and one.dtype == value.dtype
        if variable.name == "kernel":
            assert not np.array_equal(one, two) and not np.array_equal(one, value)
            np.testing.assert_allclose([one.std(), two.std()], value.std(), rtol=0.1)
        else:
            np.testing.assert_array_equal(one, value)


def test_an_initializer_with_a_seed_draws_anew_too():
    initializer = keras.initializers.HeNormal(seed=1)
    layer, initializers = watched(keras.layers.Conv2D(4, 3, kernel_initializer=initializer))
    kernel, bias = initializers.draw(layer.variables)
    assert not np.array_equal(kernel, layer.kernel)
    np.testing.assert_array_equal(bias, np.zeros(4))


def test_the_seed_of_keras_fixes_the_rows():
    def draw():
        keras.utils.set_random_seed(3)
        layer, initializers = watched(keras.layers.Conv2D(4, 3))
        return initializers.draw(layer.variables)[0]

    np.testing.assert_array_equal(draw(), draw())


def test_an_initializer_of_ones_own():
    layer, initializers = watched(keras.layers.Dense(2, bias_initializer=OwnConstant(0.5)))
    np.testing.assert_array_equal(initializers.draw([layer.bias])[0], [0.5, 0.5])


@pytest.mark.parametrize(
    "layer",
    [
        Late(),
        Changed(2),
        keras.layers.Dense(2, bias_initializer=lambda s, dtype: tf.ones(s, dtype)),
    ],
)
def test_what_is_not_known_is_said(layer):
    layer, initializers = watched(layer)
    assert initializers.draw(layer.variables) is None


def test_the_layer_gets_its_own_method_back():
    layer, _ = watched(ReLUConvNorm(4))
    assert all("add_weight" not in vars(part) for part in layer._flatten_layers())
