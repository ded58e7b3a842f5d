"""Drop-path and activation regularisation: what they do, and that inference does not see them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas.layers import ActivationRegularization, DropPath
from keras_enas.layers.stock import to_keras

# L = 6: cells 0 to 7 of L + 2. Worked out by hand for keep = 0.6 and 100 steps.
KEPT = [
    # cell, step counted from 0, kept
    (0, 0, 1 - 0.01 * 0.125 * 0.4),
    (7, 0, 1 - 0.01 * 0.4),
    (3, 49, 1 - 0.5 * 0.5 * 0.4),
    (7, 49, 0.8),
    (0, 99, 0.95),
    (7, 99, 0.6),
    (7, 100, 0.6),
    (7, 5000, 0.6),
]


@pytest.mark.parametrize("cell, step, kept", KEPT)
def test_what_is_kept_falls_with_the_step_and_the_depth(cell, step, kept):
    layer = DropPath((cell + 1) / 8, keep=0.6, total_steps=100)
    assert float(layer.kept(step)) == pytest.approx(kept, abs=1e-6)


def built(**kwargs):
    layer = DropPath(1.0, **{"keep": 0.5, "total_steps": 1, "seed": 3, **kwargs})
    layer.build((None, 4, 4, 2))
    return layer


def test_whole_examples_are_dropped_and_the_others_are_scaled():
    x = np.random.default_rng(0).uniform(1, 2, size=(4000, 2, 2, 3)).astype("float32")
    outputs = np.array(built()(x, training=True))
    dropped = (outputs == 0).all(axis=(1, 2, 3))
    # 4000 draws of 0.5: a deviation of 0.04 is 5 standard deviations, chance 6e-7.
    assert dropped.mean() == pytest.approx(0.5, abs=0.04)
    np.testing.assert_allclose(outputs[~dropped], x[~dropped] / 0.5, rtol=1e-6)
    # So the expectation is the input, to the same tolerance.
    np.testing.assert_allclose(outputs.mean(axis=0), x.mean(axis=0), rtol=0.1)


def test_each_step_counts_and_draws_anew_without_another_trace():
    layer = built(keep=0.2, total_steps=4)
    traces = []

    @tf.function
    def step(x):
        traces.append(1)
        return layer(x, training=True)

    x = tf.ones((3000, 1))
    means = [float(tf.reduce_mean(tf.cast(step(x) > 0, "float32"))) for _ in range(6)]
    # kept 0.8, 0.6, 0.4, 0.2, and no less; 5 standard deviations are at most 0.046.
    np.testing.assert_allclose(means, [0.8, 0.6, 0.4, 0.2, 0.2, 0.2], atol=0.046)
    assert means[3] != means[4] and len(traces) == 1
    assert int(layer.step) == 6
    layer.schedule(0.5, 10)
    assert int(layer.step) == 0 and layer.total_steps == 10


@pytest.mark.parametrize("off", [{"keep": None}, {"total_steps": None}, {"keep": 1.0}])
def test_off_it_hands_on_its_input_and_does_not_count(off):
    layer = built(**off)
    x = tf.ones((5, 3))
    assert layer.call(x, training=True) is x
    assert int(layer.step) == 0


def test_inference_hands_on_the_input():
    layer = built()
    x = np.ones((5, 3), "float32")
    for training in (False, None):
        np.testing.assert_array_equal(np.array(layer(x, training=training)), x)
    assert int(layer.step) == 0


def test_half_precision_keeps_its_dtype():
    layer = DropPath(1.0, keep=0.5, total_steps=1, dtype="mixed_float16")
    assert layer(np.ones((4, 2), "float32"), training=True).dtype == "float16"


def test_drop_path_is_saved_with_its_step(tmp_path):
    inputs = keras.Input((3,))
    model = keras.Model(inputs, DropPath(0.5, keep=0.6, total_steps=9, seed=1)(inputs))
    for _ in range(4):
        model(np.ones((2, 3), "float32"), training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras").layers[1]
    assert again.get_config() == model.layers[1].get_config()
    assert (again.keep, again.total_steps, int(again.step)) == (0.6, 9, 4)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"layer_ratio": 1.5}, "`layer_ratio` must be from 0 to 1"),
        ({"layer_ratio": 1.0, "keep": 0.0}, "`keep` must be above 0"),
        ({"layer_ratio": 1.0, "keep": 0.6, "total_steps": 0}, "`total_steps` must be at least 1"),
    ],
)
def test_drop_path_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        DropPath(**arguments)


def test_activation_regularisation_by_hand():
    layer = ActivationRegularization(l2=0.5, slowness=2.0)
    # One stream, three times, one unit: 1, 3, 0.
    x = np.array([[[1.0], [3.0], [0.0]]], "float32")
    np.testing.assert_array_equal(np.array(layer(x, training=True)), x)
    expected = 0.5 * (1 + 9 + 0) / 3 + 2.0 * (4 + 9) / 2
    assert [float(loss) for loss in layer.losses] == [pytest.approx(expected)]


def test_activation_regularisation_is_for_training_only():
    inputs = keras.Input((4, 2))
    outputs = ActivationRegularization(l2=1.0)(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, kernel_initializer="zeros")(outputs))
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x, y = np.full((2, 4, 2), 3.0, "float32"), np.zeros((2, 4, 1), "float32")
    assert model.train_on_batch(x, y) == pytest.approx(9.0)
    assert model.test_on_batch(x, y) == pytest.approx(0.0)
    layer = ActivationRegularization()
    layer(x, training=True)
    assert layer.losses == []


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_activation_regularisation_refuses(value):
    with pytest.raises(ValueError, match="`slowness` must be a finite number of at least 0"):
        ActivationRegularization(slowness=value)


def test_the_export_leaves_both_out():
    inputs = keras.Input((5, 3))
    x = keras.layers.Dense(4)(inputs)
    y = DropPath(0.5, keep=0.6, total_steps=10)(keras.layers.Dense(4)(x))
    x = ActivationRegularization(l2=0.1)(keras.layers.Add()([x, y]))
    # The very output of the model, too.
    model = keras.Model(inputs, [x, DropPath(0.5)(x)])
    stock = to_keras(model)
    names = [type(layer).__name__ for layer in stock.layers]
    assert names == ["InputLayer", "Dense", "Dense", "Add"]
    data = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    for mine, theirs in zip(model(data), stock(data), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_a_single_step_has_no_slowness():
    layer = ActivationRegularization(slowness=1.0)
    layer(np.ones((2, 1, 3), "float32"), training=True)
    assert [float(loss) for loss in layer.losses] == [0.0]
