"""The written gradient of `ReLUConvNorm` is TensorFlow's own."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers import ReLUConvNorm
from keras_enas.layers import preactivation_gradient as written


def made(**kwargs):
    keras.utils.set_random_seed(0)
    layer = ReLUConvNorm(**{"filters": 5, **kwargs})
    layer.build((None, 8, 8, 3))
    rng = np.random.default_rng(0)
    for variable in layer.variables:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return layer, tf.constant(rng.normal(size=(4, 8, 8, 3)), tf.float32)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"kernel_sizes": (3, 5), "separable": True},
        {"kernel_sizes": (3, 3), "separable": True, "strides": 2},
        {"kernel_sizes": ((1, 3), (3, 1)), "strides": 2},
        {"kernel_sizes": (1,), "normalize": False},
    ],
)
def test_output_averages_and_gradients(kwargs):
    layer, x = made(**kwargs)
    values = {id(v): tf.convert_to_tensor(v.value) for v in layer.variables}
    output, states, kept = written.forward(layer, values, x)
    upstream = tf.random.stateless_normal(output.shape, [0, 1])
    by_input, gradients = written.backward(layer, values, kept, upstream)
    with tf.GradientTape() as tape:
        tape.watch(x)
        expected = layer(x, training=True)
    variables = [v.value for v in layer.trainable_variables]
    first, *others = tape.gradient(expected, [x, *variables], upstream)
    np.testing.assert_allclose(output, expected, atol=1e-5)
    np.testing.assert_allclose(by_input, first, atol=1e-4)
    assert set(gradients) == {id(v) for v in layer.trainable_variables}
    for variable, gradient in zip(layer.trainable_variables, others, strict=True):
        np.testing.assert_allclose(gradients[id(variable)], gradient, rtol=1e-3, atol=1e-3)
    # The call above has moved the layer's own averages.
    assert set(states) == {id(v) for v in layer.non_trainable_variables}
    for variable in layer.non_trainable_variables:
        np.testing.assert_allclose(states[id(variable)], variable.value, rtol=1e-4)


def test_what_it_does_not_know():
    layer, x = made()
    assert written.knows(layer, x)
    assert not written.knows(keras.layers.Conv2D(5, 1), x)
    assert not written.knows(layer, tf.cast(x, tf.float16))
    assert not written.knows(ReLUConvNorm(5, dilation_rate=2), x)
    assert not written.knows(ReLUConvNorm(5, dtype="mixed_float16"), x)
    layer.normalizations[0].trainable = False
    assert not written.knows(layer, x)
