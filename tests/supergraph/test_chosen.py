"""Only what was chosen runs, forward and backward."""

import collections

import keras
import numpy as np
import tensorflow as tf
from function_space import FromFunction, compiled

from keras_enas.choices import InputChoice, Keyed, OpChoice, SkipChoice
from keras_enas.supergraph import Scorer, Supergraph


class Counting(keras.layers.Layer):
    """Counts how often it runs, forward and backward, in the graph."""

    def __init__(self, note, **kwargs):
        super().__init__(**kwargs)
        self.note = note

    def call(self, inputs):
        def note(direction, x):
            def run(x):
                self.note(direction)
                return x

            y = tf.py_function(run, [x], x.dtype)
            y.set_shape(x.shape)
            return y

        @tf.custom_gradient
        def counted(x):
            return note("forward", x), lambda upstream: note("backward", upstream)

        return counted(inputs)


def test_only_the_chosen_operation_runs(numbers):
    runs = collections.Counter()

    def counting(key):
        return Counting(lambda direction: runs.update([(key, direction)]))

    def branch(key):
        return lambda: keras.Sequential([keras.layers.Dense(4), counting(key)])

    def build(hp):
        inputs = keras.Input((4,))
        x = OpChoice(hp, "op", {key: branch(key) for key in "abc"})(inputs)
        x = Keyed(hp, "op", lambda: counting("keyed"), only=["b", "c"])(x)
        return compiled(inputs, keras.layers.Dense(1)(x))

    supergraph = Supergraph(FromFunction(build))
    scorer = Scorer(supergraph)
    x, y = numbers
    supergraph.set_architectures([[1], [1], [0]])
    runs.clear()
    supergraph.fit(x, y, batch_size=10, verbose=0)
    expected = {("b", "forward"): 2, ("b", "backward"): 2, ("a", "forward"): 1}
    expected.update({("a", "backward"): 1, ("keyed", "forward"): 2, ("keyed", "backward"): 2})
    assert runs == expected
    runs.clear()
    scorer([2], [(x, y)])
    assert runs == {("c", "forward"): 1, ("keyed", "forward"): 1}


def test_inputs_and_skips_that_were_not_chosen_get_no_gradient(numbers):
    x, y = numbers

    def build(hp):
        inputs = keras.Input((4,))
        tensors = [keras.layers.Dense(4, name=f"dense_{i}")(inputs) for i in range(4)]
        chosen = InputChoice(hp, "input")(tensors[:2])
        total, _ = SkipChoice(hp, "skip")(chosen, tensors[2:])
        return compiled(inputs, keras.layers.Dense(1)(total))

    supergraph = Supergraph(FromFunction(build))
    kernels = [supergraph.network.get_layer(f"dense_{i}").kernel for i in range(4)]
    for indices, moving in (([1, 0, 1], [1, 3]), ([0, 1, 1], [0, 2, 3]), ([0, 0, 0], [0])):
        before = [np.array(kernel) for kernel in kernels]
        supergraph.set_architectures([indices])
        supergraph.fit(x, y, batch_size=30, verbose=0)
        moved = [i for i in range(4) if (before[i] != np.array(kernels[i])).any()]
        assert moved == moving
