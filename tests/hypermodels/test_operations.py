"""The operations of cells."""

import numpy as np
import pytest
import tensorflow as tf

from keras_enas.hypermodels.operations import ALL_OPERATIONS


@pytest.mark.parametrize("label", ["dil3", "dil5", "sep3", "sep5"])
def test_a_convolution_that_strides_is_every_other_pixel(label):
    """Forward and backward, as in the reduction cells of the final form."""
    x = tf.constant(np.random.default_rng(0).normal(size=(2, 8, 8, 4)), tf.float32)
    whole, half = (ALL_OPERATIONS[label](4, strides) for strides in (1, 2))
    # Where a second convolution follows, it would see its neighbours.
    for operation in (whole, half):
        del operation.convolutions[1:], operation.normalizations[1:]
        operation(x)
    whole.set_weights(half.get_weights())

    def run(operation, part):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = part(operation(x, training=False))
            loss = tf.reduce_sum(tf.sin(y))
        gradients = tape.gradient(loss, [x, *[v.value for v in operation.trainable_variables]])
        return [y, *gradients]

    # On an even size "same" pads one pixel less before the first.
    everywhere = run(whole, lambda y: y[:, 1::2, 1::2])
    for expected, found in zip(everywhere, run(half, lambda y: y), strict=True):
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(found, expected, atol=1e-4)
