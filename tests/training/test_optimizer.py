"""The L2 penalty and the clipping, against values worked out by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.training import L2SGD


def stepped(optimizer, start, gradients, steps=1):
    """The weights after some steps with the same gradients."""
    weights = [keras.Variable(np.array(value, "float32")) for value in start]
    for _ in range(steps):
        optimizer.apply([tf.constant(g, tf.float32) for g in gradients], weights)
    return [np.array(weight) for weight in weights]


def test_the_gradient_of_the_penalty_has_no_half():
    # w - 0.5 * (g + 2 * 0.1 * w): 3 - 0.5 * (1 + 0.6) and -2 - 0.5 * (0 - 0.4).
    (weight,) = stepped(L2SGD(0.5, l2=0.1), [[3.0, -2.0]], [[1.0, 0.0]])
    np.testing.assert_allclose(weight, [2.2, -1.8], rtol=1e-6)


def test_it_goes_through_the_nesterov_momentum():
    optimizer = L2SGD(0.1, l2=0.5, momentum=0.9, nesterov=True)
    # Gradient 2 * 0.5 * w = w. First step: v = -0.1, w = 1 + 0.9 * -0.1 - 0.1 = 0.81.
    # Second: v = 0.9 * -0.1 - 0.081 = -0.171, w = 0.81 + 0.9 * -0.171 - 0.081 = 0.5751.
    (weight,) = stepped(optimizer, [[1.0]], [[0.0]], steps=2)
    np.testing.assert_allclose(weight, [0.5751], rtol=1e-6)


def network(regularizer=None):
    keras.utils.set_random_seed(1)
    inputs = keras.Input((6, 6, 2))
    x = keras.layers.Conv2D(3, 3, use_bias=False, kernel_regularizer=regularizer)(inputs)
    x = keras.layers.BatchNormalization(
        gamma_regularizer=regularizer, beta_regularizer=regularizer
    )(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(
        inputs, keras.layers.Dense(2, kernel_regularizer=regularizer, use_bias=False)(x)
    )


@pytest.mark.parametrize("clip", [{}, {"clipnorm": 0.3}, {"global_clipnorm": 0.5}])
def test_it_trains_as_regularizers_on_kernels_and_normalisations_do(clip):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 6, 6, 2)).astype("float32"), np.arange(8) % 2
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    arguments = {"momentum": 0.9, "nesterov": True, **clip}
    mine, theirs = network(), network(keras.regularizers.L2(0.05))
    mine.compile(L2SGD(0.1, l2=0.05, **arguments), loss)
    theirs.compile(keras.optimizers.SGD(0.1, **arguments), loss)
    for _ in range(4):
        printed = [model.train_on_batch(x, y) for model in (mine, theirs)]
    # The loss that is printed is the loss alone.
    penalty = 0.05 * sum(np.sum(np.square(v)) for v in theirs.trainable_variables)
    assert printed[0] < printed[1] < printed[0] + 2 * penalty
    for a, b in zip(mine.trainable_variables, theirs.trainable_variables, strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-4, atol=1e-6)


def test_clipping_by_weight_clips():
    # Norms 5 and 0.5: the first becomes 1, the second stays.
    big, small = stepped(
        L2SGD(1.0, clipnorm=1.0), [[0.0, 0.0], [0.0, 0.0]], [[3.0, -4.0], [0.3, 0.4]]
    )
    np.testing.assert_allclose(big, [-0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(small, [-0.3, -0.4], rtol=1e-6)


def test_clipping_of_all_together_clips():
    # The norm of (3, 4, 12) is 13.
    one, other = stepped(L2SGD(1.0, global_clipnorm=1.3), [[0.0, 0.0], [0.0]], [[3.0, 4.0], [12.0]])
    np.testing.assert_allclose(one, [-0.3, -0.4], rtol=1e-6)
    np.testing.assert_allclose(other, [-1.2], rtol=1e-6)


def test_the_penalty_is_clipped_with_the_rest():
    # 2 * 0.5 * 4 - 1 = 3 is clipped to 1.
    (weight,) = stepped(L2SGD(1.0, l2=0.5, clipnorm=1.0), [[4.0]], [[-1.0]])
    np.testing.assert_allclose(weight, [3.0], rtol=1e-6)


def test_sparse_gradients_decay_every_row():
    model = keras.Sequential([keras.Input((1,), dtype="int32"), keras.layers.Embedding(3, 2)])
    table = model.layers[0].embeddings
    table.assign(np.ones((3, 2)))
    model.compile(L2SGD(0.1, l2=0.5), "mse")
    model.train_on_batch(np.array([[1]]), np.ones((1, 1, 2)))
    np.testing.assert_allclose(np.array(table), np.full((3, 2), 0.9), rtol=1e-6)


def test_a_scaled_loss_changes_nothing():
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    model.layers[0].kernel.assign([[1.0]])
    model.compile(L2SGD(0.1, l2=0.5), "mse")
    assert type(model.optimizer).__name__ == "LossScaleOptimizer"
    model.train_on_batch(np.ones((2, 1)), np.ones((2, 1)))
    np.testing.assert_allclose(np.array(model.layers[0].kernel), [[0.9]], rtol=1e-3)


TWO_REPLICAS = """
import numpy as np
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from keras_enas.training import DropPath, L2SGD

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
x, y = np.ones((4, 1), "float32"), np.ones((4, 1), "float32")
with strategy.scope():
    inputs = keras.Input((1,))
    outputs = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(inputs)
    # A ratio of 0 keeps everything, and counts.
    model = keras.Model(inputs, DropPath(0.0, keep=0.5, total_steps=9)(outputs))
    model.compile(L2SGD(0.1, l2=0.5), "mse")
model.fit(x, y, batch_size=4, epochs=2, verbose=0)
print(float(model.layers[1].kernel.numpy().item()), int(model.layers[2].step.numpy()))
"""


@pytest.mark.slow
def test_two_replicas_decay_as_one_does(run_python):
    # The gradient of the loss is 2 * (w - 1), that of the penalty w:
    # 1 - 0.1 * 1 = 0.9, then 0.9 - 0.1 * (0.9 - 0.2) = 0.83.
    weight, steps = run_python("-c", TWO_REPLICAS).split()
    assert float(weight) == pytest.approx(0.83, abs=1e-6) and steps == "2"


def test_it_is_saved_with_its_penalty():
    optimizer = L2SGD(0.1, l2=0.25, momentum=0.5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert type(again) is L2SGD and again.l2 == 0.25 and again.momentum == 0.5


def test_it_refuses_a_penalty_below_zero():
    with pytest.raises(ValueError, match="`l2` must be a finite number"):
        L2SGD(0.1, l2=-1.0)
