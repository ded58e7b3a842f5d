"""Weights that belong to a decision, in a layer of one's own."""

import keras
import numpy as np
import tensorflow as tf

from keras_enas.layers import KeyedWeight, read


class Index:
    """Stands for the supergraph's index."""

    def __init__(self, num_candidates, value):
        self.num_candidates = num_candidates
        self.value = tf.Variable(value)

    def read(self):
        return tf.convert_to_tensor(self.value)


class Scale(keras.layers.Layer):
    """Multiplies by a weight that `index` keys."""

    def __init__(self, index, **kwargs):
        super().__init__(**kwargs)
        self.index = index

    def build(self, input_shape):
        self.scale = KeyedWeight(self, self.index, (input_shape[-1],), "random_normal", "scale")

    def call(self, inputs):
        return inputs * self.scale.read()


def test_a_number_is_read_as_it_is():
    assert read(3) == 3
    assert int(read(Index(4, 2))) == 2


def test_a_child_has_one_weight():
    layer = Scale(1)
    outputs = layer(np.ones((2, 3), "float32"))
    assert [tuple(w.shape) for w in layer.weights] == [(3,)]
    np.testing.assert_array_equal(np.array(outputs)[0], layer.get_weights()[0])
    assert not hasattr(layer.weights[0], "keyed_by")


def test_a_supergraph_has_a_stack_of_different_rows():
    index = Index(4, 0)
    layer = Scale(index)
    x = np.ones((2, 3), "float32")
    rows = []
    for value in range(4):
        index.value.assign(value)
        rows.append(np.array(layer(x))[0])
    np.testing.assert_array_equal(rows, layer.get_weights()[0])
    assert len({row.tobytes() for row in rows}) == 4


def test_several_indices_key_together():
    one, two = Index(2, 1), Index(3, 2)
    layer = Scale([one, 5, two])
    outputs = np.array(layer(np.ones((1, 3), "float32")))[0]
    (stack,) = layer.get_weights()
    assert stack.shape == (6, 3)
    np.testing.assert_array_equal(outputs, stack[1 * 3 + 2])
    assert layer.weights[0].keyed_by.row([1, 0]) == 3


def test_the_gradient_is_the_row_alone():
    index = Index(4, 2)
    layer = Scale(index)
    x = tf.ones((2, 3))
    layer(x)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x))
    gradient = tape.gradient(loss, layer.weights[0].value)
    assert isinstance(gradient, tf.IndexedSlices)
    assert gradient.indices.numpy().tolist() == [2] and gradient.values.shape == (1, 3)
