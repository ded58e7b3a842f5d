"""How long a child takes."""

import gc
import time

import keras
import numpy as np
import tensorflow as tf

from keras_enas.layers.stock import to_keras
from keras_enas.oracles.checks import check_integer

# Tests put a clock of their own in its place.
clock = time.perf_counter


class Latency:
    """Measures a child as it is exported: in stock Keras layers, as a `tf.function`.

    It runs on whatever TensorFlow runs on here. A text of no fixed length is
    measured as one step: of a language model this is the latency of a token.

    Args:
        batch_size: Integer, examples a call.
        warm_up: Integer, calls before the first that is timed; the first of them
            traces.
        repetitions: Integer, calls that are timed one by one; their median counts.

    Raises:
        ValueError: If an argument is not such an integer.
    """

    def __init__(self, batch_size=1, warm_up=5, repetitions=30):
        check_integer("batch_size", batch_size, 1)
        check_integer("warm_up", warm_up, 1)
        check_integer("repetitions", repetitions, 1)
        self.batch_size = batch_size
        self.warm_up = warm_up
        self.repetitions = repetitions

    def __str__(self):
        return (
            f"latency in ms (batch of {self.batch_size}, median of {self.repetitions} calls "
            f"after {self.warm_up})"
        )

    def measure(self, child):
        """Returns the milliseconds of one call of a built functional or sequential `keras.Model`.

        Raises:
            ValueError: If the model is of another kind.
        """
        stock = to_keras(child)
        inputs = keras.tree.map_structure(self._example, stock.input)
        call = tf.function(lambda x: stock(x, training=False), autograph=False)
        call = call.get_concrete_function(
            keras.tree.map_structure(lambda x: tf.TensorSpec(x.shape, x.dtype), inputs)
        )
        for _ in range(self.warm_up):
            _finish(call(inputs))
        # A collection in the middle of a call would be counted as a part of it.
        collects = gc.isenabled()
        gc.disable()
        try:
            seconds = [self._time(call, inputs) for _ in range(self.repetitions)]
        finally:
            if collects:
                gc.enable()
        return 1000.0 * float(np.median(seconds))

    def _time(self, call, inputs):
        began = clock()
        _finish(call(inputs))
        return clock() - began

    def _example(self, x):
        shape = [self.batch_size, *(size or 1 for size in x.shape[1:])]
        if not tf.as_dtype(x.dtype).is_floating:
            return tf.zeros(shape, x.dtype)
        # Not zeros: nothing may be cheaper here than it is with data.
        return tf.constant(np.random.default_rng(0).normal(size=shape), x.dtype)


def _finish(outputs):
    """Waits for what a device may still be computing."""
    keras.tree.map_structure(lambda y: y.numpy(), outputs)
