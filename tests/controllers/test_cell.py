"""Our LSTM step is Keras' LSTMCell, and so is its gradient."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.controllers.cell import lstm_step


def test_two_steps_equal_keras_with_their_gradients():
    rng = np.random.default_rng(0)
    x, h, c = (tf.constant(rng.normal(size=(5, 3)), tf.float32) for _ in range(3))
    cell = keras.layers.LSTMCell(3, use_bias=False)
    cell.build((None, 3))
    weights = [cell.kernel.value, cell.recurrent_kernel.value]

    def ours(x, h, c):
        kernel = tf.concat(weights, axis=0)
        h, c = lstm_step(x, h, c, kernel)
        return lstm_step(x, h, c, kernel)

    def theirs(x, h, c):
        _, state = cell(x, [h, c])
        _, (h, c) = cell(x, state)
        return h, c

    results = []
    for function in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch([x, h, c])
            new_h, new_c = function(x, h, c)
            loss = tf.reduce_sum(tf.sin(new_h)) + tf.reduce_sum(tf.square(new_c))
        results.append([new_h, new_c, *tape.gradient(loss, [x, h, c, *weights])])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, atol=1e-5)
