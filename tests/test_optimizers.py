import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.optimizers import SparseSGD


def variables():
    rng = np.random.default_rng(0)
    return [keras.Variable(rng.normal(size=shape)) for shape in ((4, 3), (5,))]


def gradients(scale=1.0, indices=(2,)):
    rng = np.random.default_rng(1)
    rows = tf.constant(scale * rng.normal(size=(len(indices), 3)), tf.float32)
    sparse = tf.IndexedSlices(rows, tf.constant(indices), tf.constant((4, 3)))
    return [sparse, tf.constant(scale * rng.normal(size=5), tf.float32)]


@pytest.mark.parametrize("scale", [0.01, 100.0])
@pytest.mark.parametrize("indices", [(2,), (1, 3, 1)])
def test_a_step_is_that_of_dense_gradients(scale, indices):
    mine, theirs = variables(), variables()
    sparse, dense = gradients(scale, indices)
    SparseSGD(0.5, global_clipnorm=1.0).apply([sparse, dense], mine)
    optimizer = keras.optimizers.SGD(0.5, global_clipnorm=1.0)
    optimizer.apply([tf.convert_to_tensor(sparse), dense], theirs)
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-5)


def test_no_dense_gradient_is_made():
    """In the graph of a step nothing has the shape of the stack."""
    optimizer = SparseSGD(0.5, global_clipnorm=1.0)
    big = keras.Variable(np.zeros((1000, 3), "float32"))
    optimizer.build([big])

    @tf.function
    def step(row, index):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(tf.gather(big.value, index) * row)
        optimizer.apply([tape.gradient(loss, big.value)], [big])

    graph = step.get_concrete_function(tf.ones(3), tf.constant(5)).graph
    large = [
        op.name
        for op in graph.get_operations()
        for output in op.outputs
        if output.shape.rank and output.shape[0] == 1000
    ]
    assert large == []
    step(tf.ones(3), tf.constant(5))
    assert np.flatnonzero(np.array(big).any(1)).tolist() == [5]


def test_it_is_read_back_with_its_norm():
    optimizer = SparseSGD(0.25, global_clipnorm=0.1)
    optimizer.apply(gradients(), variables())
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))
    assert isinstance(copy, SparseSGD) and copy.global_clipnorm == 0.1
    assert float(copy.learning_rate) == 0.25
