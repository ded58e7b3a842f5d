"""One step of an LSTM without biases, its gradient written out.

The policy is unrolled over dozens of steps. TensorFlow's own gradient of the
element-wise products would add shape arithmetic to each of them, since it
cannot know that no side is broadcast, and most of the time until the first
update would go into tracing and optimising that.
"""

import tensorflow as tf


def lstm_step(x, h, c, kernel):
    """`keras.layers.LSTMCell(units, use_bias=False)`, in one product.

    `i, f, g, o = [x, h] K`; `c' = sigmoid(f) c + sigmoid(i) tanh(g)`;
    `h' = sigmoid(o) tanh(c')` (Hochreiter and Schmidhuber 1997, with a forget gate).

    Args:
        x: Float tensor `(n, inputs)`.
        h: Float tensor `(n, units)`, the hidden state before.
        c: Float tensor `(n, units)`, the cell state before.
        kernel: Float tensor `(inputs + units, 4 * units)`, Keras' kernel above
            its recurrent kernel.

    Returns:
        Tuple of the new hidden state and the new cell state.
    """
    return _gates(tf.matmul(tf.concat([x, h], axis=1), kernel), c)


@tf.custom_gradient
def _gates(z, c):
    i, f, g, o = tf.split(z, 4, axis=1)
    i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
    new_c = f * c + i * g
    squashed = tf.tanh(new_c)

    def gradient(dh, dc):
        dc += _tanh_gradient(squashed, dh * o)
        di, df = _sigmoid_gradient(i, dc * g), _sigmoid_gradient(f, dc * c)
        dg, do = _tanh_gradient(g, dc * i), _sigmoid_gradient(o, dh * squashed)
        return tf.concat([di, df, dg, do], axis=1), dc * f

    return (o * squashed, new_c), gradient


def _sigmoid_gradient(y, dy):
    """`dy * y * (1 - y)`."""
    return tf.raw_ops.SigmoidGrad(y=y, dy=dy)


def _tanh_gradient(y, dy):
    """`dy * (1 - y * y)`."""
    return tf.raw_ops.TanhGrad(y=y, dy=dy)
