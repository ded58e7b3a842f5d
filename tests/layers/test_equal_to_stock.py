"""Each layer computes what the stock layers of Keras compute: outputs, gradients, averages."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_enas import layers
from keras_enas.layers.pooling import quicken
from keras_enas.layers.stock import to_keras

MAKERS = {
    "BatchNormalization": lambda **k: layers.BatchNormalization(momentum=0.8, epsilon=1e-4, **k),
    "BatchNormalization, plain": lambda **k: layers.BatchNormalization(
        center=False, scale=False, **k
    ),
    "ConvNormActivation": lambda **k: layers.ConvNormActivation(5, 3, momentum=0.8, **k),
    "NormActivation": lambda **k: layers.NormActivation(momentum=0.8, **k),
    "MaxPooling2D": lambda **k: layers.MaxPooling2D(3, strides=1, padding="same", **k),
    "ReLUConvNorm": lambda **k: layers.ReLUConvNorm(5, (3, (1, 3)), momentum=0.8, **k),
    "ReLUConvNorm, separable": lambda **k: layers.ReLUConvNorm(5, (3,), True, 2, **k),
    "ReLUConvNorm, dilated": lambda **k: layers.ReLUConvNorm(
        5, (3,), True, dilation_rate=2, normalize=False, **k
    ),
    "FactorizedReduction": lambda **k: layers.FactorizedReduction(5, momentum=0.8, **k),
}
SHAPES = ((8, 8, 3), (7, 5, 2), (1, 4, 3))


def randomized(layer):
    rng = np.random.default_rng(1)
    for variable in layer.variables:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return layer


def run(layer, x, training=True):
    """Output, gradients of the input and the weights, and the states afterwards.

    Convolution kernels come last, wherever the layer has them.
    """
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = layer(x, training=training)
        # Not the plain sum, whose gradient through a normalisation is zero; and linear, since
        # the rounding of large outputs is another one on every processor.
        weights = np.random.default_rng(2).normal(size=y.shape)
        loss = tf.reduce_sum(weights.astype("float32") * tf.cast(y, tf.float32))
    gradients = tape.gradient(loss, [x, *[v.value for v in layer.trainable_variables]])
    states = [np.array(v) for v in layer.non_trainable_variables]
    weights = sorted([*map(np.array, gradients[1:]), *states], key=np.ndim)
    return [np.array(y), np.array(gradients[0]), *weights]


def as_stock(layer, shape):
    """The layer alone in a model, and that model in stock layers."""
    model = keras.Sequential([keras.Input(shape), layer])
    randomized(layer)
    return model, to_keras(model)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", list(MAKERS))
def test_to_keras_computes_the_same(name, shape):
    model, stock = as_stock(MAKERS[name](), shape)
    assert not any(type(x).__module__.startswith("keras_enas") for x in stock._flatten_layers())
    x = np.random.default_rng(0).normal(2, 3, size=(6, *shape)).astype("float32")
    for training in (False, True, False):
        mine, theirs = run(model, x, training), run(stock, x, training)
        # The weights of a FactorizedReduction are in another form: no gradient to compare.
        kept = [0, 1] if name == "FactorizedReduction" else range(len(mine))
        for i in kept:
            np.testing.assert_allclose(mine[i], theirs[i], rtol=2e-4, atol=2e-4)
    states = [[np.array(v) for v in m.non_trainable_variables] for m in (model, stock)]
    for mine, theirs in zip(*states, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("training", [True, False])
def test_batch_normalization_is_that_of_keras(training):
    x = np.random.default_rng(0).normal(2, 3, size=(6, 5, 4, 3)).astype("float32")
    mine, theirs = layers.BatchNormalization(), keras.layers.BatchNormalization()
    for layer in (mine, theirs):
        layer.build(x.shape)
        randomized(layer)
    for _ in range(3):
        for a, b in zip(run(mine, x, training), run(theirs, x, training), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "shape, kwargs",
    [
        ((6, 5), {}),
        ((6, 5, 4, 3), {"axis": 1}),
        ((6, 5, 4, 3), {"trainable": False}),
        ((2, 3, 5, 4, 3), {}),
    ],
)
def test_batch_normalization_falls_back_where_it_cannot_be_fused(shape, kwargs):
    x = np.random.default_rng(0).normal(2, 3, size=shape).astype("float32")
    mine, theirs = layers.BatchNormalization(**kwargs), keras.layers.BatchNormalization(**kwargs)
    for layer in (mine, theirs):
        layer.build(x.shape)
        randomized(layer)
        layer(x, training=True)
    np.testing.assert_allclose(mine(x, training=True), theirs(x, training=True), atol=1e-5)
    for a, b in zip(mine.variables, theirs.variables, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    "size, strides, padding", [(3, 1, "same"), (2, 2, "valid"), (3, 2, "same")]
)
def test_max_pooling_has_the_gradient_of_keras(size, strides, padding):
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")
    pools = [c(size, strides, padding) for c in (layers.MaxPooling2D, keras.layers.MaxPooling2D)]
    for a, b in zip(*[run(pool, x) for pool in pools], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_max_pooling_inside_a_conditional_keeps_both_passes_in_one_function():
    pool = layers.MaxPooling2D(3, 1, "same")
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")

    @tf.function
    def gradient(x, index):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.switch_case(index, [lambda: pool(x), lambda: tf.identity(x)])
            loss = tf.reduce_sum(y * y)
        return tape.gradient(loss, x)

    x = tf.constant(x)
    np.testing.assert_allclose(gradient(x, tf.constant(0)), run_square(pool, x), atol=1e-5)
    np.testing.assert_allclose(gradient(x, tf.constant(1)), 2 * x)
    graph = gradient.get_concrete_function(x, tf.constant(0)).graph.as_graph_def()
    for function in graph.library.function:
        operations = [node.op for node in function.node_def]
        if "MaxPoolGrad" in operations:
            assert "MaxPool" in operations


def test_quickened_stock_pooling_computes_the_same():
    stock = keras.layers.MaxPooling2D(3, 2, "same")
    other = keras.layers.MaxPooling2D(2, data_format="channels_first")
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")
    expected = run(stock, x)
    quicken(keras.Sequential([keras.layers.ReLU(), stock, other]))
    assert "call" in vars(stock) and "call" not in vars(other)
    for a, b in zip(run(stock, x), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def run_square(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        loss = tf.reduce_sum(layer(x) ** 2)
    return tape.gradient(loss, x)


@pytest.mark.parametrize("height, width", [(8, 6), (7, 5), (9, 4), (1, 1)])
@pytest.mark.parametrize("filters", [4, 5])
def test_factorized_reduction_is_two_shifted_convolutions(height, width, filters):
    x = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")
    layer = layers.FactorizedReduction(filters)
    outputs = np.array(layer(x))
    assert outputs.shape == (2, (height + 1) // 2, (width + 1) // 2, filters)
    assert layer.compute_output_shape(x.shape) == outputs.shape
    # Odd sizes: the odd pixels get a row or a column of zeros at the end.
    padded = np.pad(x, ((0, 0), (0, height % 2), (0, width % 2), (0, 0)))
    kernel = np.array(layer.kernel)
    half = filters // 2
    even = padded[:, ::2, ::2] @ kernel[:, :half]
    odd = padded[:, 1::2, 1::2] @ kernel[:, half:]
    expected = np.concatenate([even, odd], -1) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(outputs, expected, atol=1e-5)


def test_factorized_reduction_needs_a_filter_for_each_path():
    with pytest.raises(ValueError, match="filters=1"):
        layers.FactorizedReduction(1)


@pytest.mark.parametrize("name", list(MAKERS))
def test_layers_save_and_load(name, tmp_path):
    model, _ = as_stock(MAKERS[name](), (7, 6, 3))
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype("float32")
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.layers[0].get_config() == model.layers[0].get_config()
    np.testing.assert_array_equal(np.array(again(x)), np.array(model(x)))


@pytest.mark.parametrize("name", list(MAKERS))
def test_layers_in_mixed_precision(name):
    x = np.random.default_rng(0).normal(2, 3, size=(6, 7, 6, 3)).astype("float32")
    full, mixed = MAKERS[name](), MAKERS[name](dtype="mixed_float16")
    for layer in (full, mixed):
        layer(x)
        randomized(layer)
    assert {v.dtype for v in mixed.variables} <= {"float32"}
    for training in (True, False):
        outputs = mixed(x, training=training)
        assert keras.backend.standardize_dtype(outputs.dtype) == "float16"
        np.testing.assert_allclose(
            np.array(outputs, "float32"), full(x, training=training), rtol=0.02, atol=0.05
        )


def test_to_keras_of_a_whole_model():
    inputs = keras.Input((8, 8, 3))
    x = layers.ConvNormActivation(4)(inputs)
    inner_inputs = keras.Input((8, 8, 4))
    inner = keras.Model(inner_inputs, layers.BatchNormalization()(inner_inputs), name="inner")
    y = keras.Sequential([keras.layers.Conv2D(4, 1), layers.NormActivation()])(inner(x))
    x = layers.FactorizedReduction(4)(keras.layers.Add()([x, y]))
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    randomized(model)
    stock = to_keras(model)
    assert not any(type(x).__module__.startswith("keras_enas") for x in stock._flatten_layers())
    x = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), stock.predict(x, verbose=0), rtol=1e-4)
    before = [np.array(v) for v in model.variables]
    stock.compile("sgd", "mse")
    stock.fit(x, np.zeros((4, 3)), verbose=0)
    for value, variable in zip(before, model.variables, strict=True):
        np.testing.assert_array_equal(value, np.array(variable))


def test_to_keras_takes_functional_models_only():
    class Own(keras.Model):
        def call(self, inputs):
            return inputs

    with pytest.raises(ValueError, match="functional and sequential"):
        to_keras(Own())
