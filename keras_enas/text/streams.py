"""Batches in which every row is a stream of text that goes on in the next batch."""

import numpy as np
import tensorflow as tf


def stream_batches(numbers, streams, steps, drop_remainder=True):
    """Lays a text out for truncated back-propagation.

    The text is cut into `streams` parts of one length (up to `streams - 1`
    tokens at its end are left out), which stand under each other. Batch k has
    the next `steps` tokens of each part, and as labels the tokens that follow
    them. So row i of a batch goes on in row i of the next: they must stay in
    order (`shuffle=False`).

    Args:
        numbers: Integer array `(tokens,)`, such as `Vocabulary.encode` gives.
        streams: Integer, rows of a batch.
        steps: Integer, tokens of a row: through so many steps gradients flow.
        drop_remainder: Boolean. False adds a shorter last batch, so that every
            token counts in an evaluation; then the number of steps is unknown
            to whoever traces the dataset.

    Returns:
        `tf.data.Dataset` of `(x, y)`, int32 `(streams, steps)`, of known
        cardinality.

    Raises:
        ValueError: If an argument does not fit or the text is too short.
    """
    for name, value in (("streams", streams), ("steps", steps)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise ValueError(f"`{name}` must be a positive integer. Received: {name}={value!r}.")
    numbers = np.asarray(numbers)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise ValueError(
            "`numbers` must be integers of shape (tokens,), such as `Vocabulary.encode` gives. "
            f"Received shape {numbers.shape}, dtype {numbers.dtype}."
        )
    if numbers.size and numbers.min() < 0:
        raise ValueError(f"`numbers` must not be negative. Received: {numbers.min()}.")
    length = numbers.size // streams
    needed = steps + 1 if drop_remainder else 2
    if length < needed:
        raise ValueError(
            f"`numbers` has {numbers.size} tokens, {length} for each of {streams} streams; a batch "
            f"needs {needed}. Take fewer streams or steps, or more text."
        )
    with tf.device("CPU:0"):
        rows = tf.constant(numbers[: length * streams].reshape(streams, length), tf.int32)
    last = length - 1
    batches = last // steps if drop_remainder else -(-last // steps)
    width = steps if drop_remainder else None

    def batch(k):
        start = tf.cast(k, tf.int32) * steps
        stop = tf.minimum(start + steps, last)
        x, y = rows[:, start:stop], rows[:, start + 1 : stop + 1]
        return tf.ensure_shape(x, (streams, width)), tf.ensure_shape(y, (streams, width))

    return tf.data.Dataset.range(batches).map(batch).prefetch(2)
