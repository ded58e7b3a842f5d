"""Each score against its definition, written out in NumPy or by hand."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from small_networks import HyperSmall

from keras_enas import to_keras, training_free
from keras_enas.hypermodels.children import build_architecture
from keras_enas.layers import ConvNormActivation, NormActivation, ReLUConvNorm

NAMES = ("synflow", "naswot", "jacobian_covariance")


def chain(*layers, shape=(6, 6, 2)):
    return keras.Sequential([keras.Input(shape), *layers])


def normalized(x):
    return (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + 1e-5)


def kernel(*activations):
    codes = np.concatenate([a.reshape(len(a), -1) > 0 for a in activations], axis=1).astype(float)
    return codes @ codes.T + (1 - codes) @ (1 - codes).T


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.ReLU(),
        lambda: keras.layers.Activation("relu"),
        lambda: ReLUConvNorm(4),
        lambda: keras.models.Sequential([keras.layers.ReLU()]),
    ],
)
def test_naswot_counts_the_relus_that_agree(layer, batch):
    child = chain(layer(), keras.layers.Conv2D(2, 1))
    expected = np.linalg.slogdet(kernel(batch))[1]
    assert training_free.naswot(child, batch) == pytest.approx(expected)


def test_naswot_normalises_by_the_batch_and_looks_into_fused_layers(batch):
    child = chain(NormActivation(), keras.layers.Conv2D(3, 1, activation="relu", use_bias=False))
    x = 7.0 * batch + 3.0
    first = np.maximum(normalized(x), 0)
    second = np.maximum(first @ np.array(child.layers[1].kernel)[0, 0], 0)
    expected = np.linalg.slogdet(kernel(first, second))[1]
    assert training_free.naswot(child, x) == pytest.approx(expected, rel=1e-6)


def test_naswot_of_our_layers_is_that_of_stock_ones(batch):
    child = chain(ConvNormActivation(4, 3), ReLUConvNorm(4, (3, 3), separable=True))
    stock = to_keras(child)
    expected = training_free.naswot(stock, batch)
    assert training_free.naswot(child, batch) == pytest.approx(expected, rel=1e-6)


def test_equal_images_are_the_worst(batch):
    child = chain(keras.layers.ReLU())
    assert training_free.naswot(child, batch[[0, 1, 0]]) == -math.inf


def test_jacobian_covariance(batch):
    child = chain(
        keras.layers.Conv2D(3, 3),
        keras.layers.ReLU(),
        keras.layers.Flatten(),
        keras.layers.Dense(3, "softmax"),
    )
    with tf.GradientTape() as tape:
        x = tf.constant(batch)
        tape.watch(x)
        hidden = keras.Sequential(child.layers[:-1])(x)
        total = tf.reduce_sum(hidden @ child.layers[-1].kernel)
    jacobian = np.array(tape.gradient(total, x), float).reshape(8, -1)
    values = np.linalg.eigvalsh(np.corrcoef(jacobian)) + 1e-5
    expected = -np.sum(np.log(values) + 1 / values)
    found = training_free.jacobian_covariance(child, batch)
    assert found == pytest.approx(expected, rel=1e-4)
    # Images whose gradients are the same are worse: here all of them.
    linear = chain(keras.layers.Flatten(), keras.layers.Dense(3))
    assert training_free.jacobian_covariance(linear, batch) < found
    # The softmax is back where it was.
    np.testing.assert_allclose(np.sum(np.array(child(batch)), axis=1), 1.0, rtol=1e-5)


def test_without_a_gradient_the_score_is_the_worst(batch):
    nothing = chain(keras.layers.Rescaling(0.0), keras.layers.Flatten(), keras.layers.Dense(2))
    assert training_free.jacobian_covariance(nothing, batch) == -math.inf
    assert training_free.synflow(nothing, batch) == -math.inf


def test_synflow_is_the_sum_over_paths_times_their_weights(batch):
    child = chain(
        keras.layers.Dense(5, "relu", use_bias=False),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(3, "softmax", use_bias=False),
        shape=(4,),
    )
    before = child.get_weights()
    one, other = (np.abs(w).astype(float) for w in (before[0], before[-1]))
    flow = (one @ other).sum()
    # Each weight layer gets all of it: two.
    found = training_free.synflow(child, np.zeros((2, 4), "float32"))
    assert found == pytest.approx(math.log(2 * flow), rel=1e-6)
    for weight, same in zip(before, child.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def test_a_normalisation_with_statistics_of_its_own_does_not_change_the_flow():
    child = chain(
        keras.layers.Dense(5), keras.layers.BatchNormalization(), keras.layers.Dense(3), shape=(4,)
    )
    x = np.ones((2, 4), "float32")
    before = training_free.synflow(child, x)
    child.layers[1].set_weights([np.full(5, v, "float32") for v in (3.0, 0.0, 2.0, 9.0)])
    assert training_free.synflow(child, x) == pytest.approx(before)


@pytest.mark.parametrize("exponent", [5, 25])
def test_what_overflows_has_a_logarithm(exponent):
    layers = [keras.layers.Dense(1, use_bias=False) for _ in range(20)]
    child = chain(*layers, shape=(1,))
    child.set_weights([np.full((1, 1), -(10.0**exponent), "float32")] * 20)
    expected = math.log(20) + 20 * exponent * math.log(10)
    assert training_free.synflow(child, np.ones((2, 1))) == pytest.approx(expected, rel=1e-5)


def test_names_and_controls(batch):
    child = build_architecture(HyperSmall(), "conv | 1 | id")
    assert training_free.score("parameters", child) == child.count_params() - sum(
        int(np.prod(v.shape)) for v in child.non_trainable_variables
    )
    assert training_free.score("flops", child) > training_free.score(
        "flops", build_architecture(HyperSmall(), "none | 1 | id")
    )
    for name in NAMES:
        value = training_free.score(name, child, (batch, np.zeros(8)))
        assert math.isfinite(value) and value == training_free.SCORES[name](child, batch)


@pytest.mark.parametrize(
    ("name", "child", "x", "message"),
    [
        ("zen", None, None, "`name` must be one of"),
        ("naswot", None, None, "`batch` is needed"),
        ("naswot", "conv3", np.zeros((2, 3)), "`child` must be a built"),
        ("parameters", keras.Sequential(), None, "`child` must be a built"),
        ("naswot", (), np.zeros((1, 4)), "at least 2 examples"),
        ("jacobian_covariance", (), np.zeros((1, 4)), "at least 2 examples"),
        ("naswot", (), np.zeros((2, 4)), "needs a network with ReLUs"),
    ],
)
def test_bad_input(name, child, x, message):
    child = chain(keras.layers.Dense(2), shape=(4,)) if child == () else child
    with pytest.raises(ValueError, match=message):
        training_free.score(name, child, x)


@pytest.mark.parametrize("name", ["synflow", "jacobian_covariance"])
def test_words_have_no_gradient(name):
    child = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Embedding(5, 2)])
    with pytest.raises(ValueError, match="networks that take floats"):
        training_free.score(name, child, np.ones((2, 3), "int32"))
