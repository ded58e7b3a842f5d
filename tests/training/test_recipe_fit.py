"""A recipe trains a model: with its own `fit`, and with a plain one."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from keras_enas import layers, to_keras, training
from keras_enas.training import DropPath, Recipe

SMALL = training.micro_small.replace(epochs=6, shift=1, drop_path_keep=0.8, cutout=2)


def digits():
    x, y = load_digits(return_X_y=True)
    x = (x.reshape(-1, 8, 8, 1).astype("float32") / 16 - 0.3) / 0.38
    return (x[:1200], y[:1200]), (x[1200:], y[1200:])


def child(auxiliary=True, drop_path=True, dropout=0.3):
    """A network of the layers that a space has."""
    inputs = keras.Input((8, 8, 1))
    x = layers.ConvNormActivation(12, 3)(inputs)
    y = layers.ConvNormActivation(12, 3)(x)
    if drop_path:
        y = DropPath(0.5)(y)
    x = layers.FactorizedReduction(16)(keras.layers.Add()([x, y]))
    head = keras.layers.GlobalAveragePooling2D()(x)
    head = keras.layers.Dense(10, "softmax", name="aux")(head)
    x = keras.layers.Flatten()(layers.ConvNormActivation(16, 3)(x))
    x = keras.layers.Dropout(dropout)(x)
    x = keras.layers.Dense(10, "softmax", name="main")(x)
    model = keras.Model(inputs, [x, head] if auxiliary else x)
    metrics = [["accuracy"], []] if auxiliary else ["accuracy"]
    model.compile("adam", "sparse_categorical_crossentropy", metrics=metrics)
    return model


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    train, validation = digits()
    model = child()
    history = SMALL.fit(model, *train, validation_data=validation, seed=1, verbose=0)
    return model, history, validation


def test_it_learns(trained):
    _, history, _ = trained
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    # Chance is 0.1; 0.85 was measured, 0.81 from another seed.
    assert history.history["val_accuracy"][-1] > 0.7
    assert len(history.epoch) == 6


def test_what_it_set(trained):
    model, history, _ = trained
    (drop_path,) = [layer for layer in model.layers if isinstance(layer, DropPath)]
    steps = 6 * 10  # 1200 images in batches of 128
    assert (drop_path.keep, drop_path.total_steps, int(drop_path.step)) == (0.8, steps, steps)
    (dropout,) = [layer for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    assert dropout.rate == 0.1
    optimizer = history.model.optimizer
    assert int(optimizer.iterations) == steps
    assert (optimizer.l2, optimizer.clipnorm, optimizer.nesterov) == (2e-4, 5.0, True)
    assert float(optimizer.learning_rate) == pytest.approx(0.05, abs=1e-6)  # the next would restart


def test_the_finished_child_is_stock_keras(trained):
    model, history, (x, y) = trained
    finished = SMALL.finish(model)
    scores = finished.evaluate(x, y, verbose=0, return_dict=True)
    assert scores["accuracy"] == pytest.approx(history.history["val_accuracy"][-1], abs=1e-6)
    assert SMALL.finish(history.model).evaluate(x, y, verbose=0)[1] == scores["accuracy"]
    assert not any("aux" in variable.path for variable in finished.variables)
    stock = to_keras(finished)
    stock.compile_from_config(finished.get_compile_config())
    kinds = {type(layer).__name__ for layer in stock._flatten_layers()}
    assert not kinds & {"DropPath", "Cutout", "RandomShift", "AuxiliaryModel"}
    np.testing.assert_allclose(
        stock.predict(x[:50], verbose=0), finished.predict(x[:50], verbose=0), atol=1e-5
    )
    # Nothing of it needs this package to load: `tests/tuner/test_tuner_retrain.py` loads one.
    assert "keras_enas" not in stock.to_json()
    assert "keras_enas" not in json.dumps(stock.get_compile_config())


def plain(n=60, shape=(6,)):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, *shape)).astype("float32"), rng.integers(0, 2, n)


def dense(*middle, rate=0.01):
    return keras.Sequential([keras.Input((6,)), *middle, keras.layers.Dense(2, "softmax")])


VECTORS = Recipe(epochs=3, batch_size=16, first_cycle=1, learning_rate=0.1)


def test_a_plain_fit_is_the_same_training():
    x, y = plain()
    weights = []
    for own in (True, False):
        keras.utils.set_random_seed(0)
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy")
        if own:
            VECTORS.fit(model, x, y, seed=5, verbose=0)
        else:
            data = VECTORS.dataset(x, y, seed=5)
            model = VECTORS.compile(model, len(data))
            model.fit(
                data, epochs=VECTORS.epochs, shuffle=False, callbacks=VECTORS.callbacks(), verbose=0
            )
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_seed_repeats_the_training():
    x, y = plain()
    results = []
    for seed in (1, 1, 2):
        keras.utils.set_random_seed(0)
        model = dense(keras.layers.Dropout(0.5))
        model.compile("adam", "sparse_categorical_crossentropy")
        results.append(VECTORS.fit(model, x, y, seed=seed, verbose=0).history["loss"])
    assert results[0] == results[1] != results[2]


def test_datasets_of_all_kinds_are_taken():
    x, y = plain()
    arrays = tf.data.Dataset.from_tensor_slices((x, y)).batch(16)
    unknown = arrays.filter(lambda *_: True)
    for data, steps, kwargs in (
        (arrays, 4, {}),
        (unknown, 4, {}),
        (arrays.repeat(), 5, {"steps_per_epoch": 5}),
        ((x, y), 7, {"steps_per_epoch": 7}),
    ):
        model = dense()
        model.compile("adam", "sparse_categorical_crossentropy")
        data = data if isinstance(data, tuple) else (data,)
        VECTORS.fit(model, *data, verbose=0, **kwargs)
        assert int(model.optimizer.iterations) == 3 * steps
        config = model.optimizer.get_config()["learning_rate"]["config"]
        assert config["first_decay_steps"] == steps
    with pytest.raises(ValueError, match="`steps_per_epoch` is needed for data that never end"):
        VECTORS.fit(model, arrays.repeat())


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return plain(4)


def test_a_pydataset_is_taken_but_not_augmented():
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    VECTORS.fit(model, Batches(), verbose=0)
    assert int(model.optimizer.iterations) == 9
    with pytest.raises(ValueError, match="needs arrays or a `tf.data.Dataset`"):
        VECTORS.replace(flip=True).fit(model, Batches(), verbose=0)


def test_weights_classes_and_callbacks_go_on_to_keras():
    x, y = plain()
    seen = []
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    VECTORS.fit(
        model,
        x,
        y,
        sample_weight=np.zeros(len(y)),
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: seen.append(1))],
        verbose=0,
    )
    assert len(seen) == 3
    # Nothing counts, so the weights are not moved; the penalty is 0.
    again = dense()
    again.set_weights(model.get_weights())
    VECTORS.fit(model, x, y, class_weight={0: 0.0, 1: 0.0}, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_can_be_given_and_is_needed():
    x, y = plain()
    model = dense()
    with pytest.raises(ValueError, match="`loss` is needed"):
        VECTORS.fit(model, x, y)
    fitted = VECTORS.compile(model, 4, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    assert fitted is model
    assert set(fitted.train_on_batch(x, y, return_dict=True)) == {"loss", "accuracy"}


def test_it_warns_of_what_the_model_has_no_layer_for():
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    recipe = VECTORS.replace(
        drop_path_keep=0.6, auxiliary_weight=0.4, head_dropout=0.2, activation_l2=1.0
    )
    with pytest.warns(UserWarning) as caught:
        recipe.compile(model, 4)
    (message,) = [str(one.message) for one in caught]
    for part in ("drop_path_keep=0.6", "auxiliary_weight=0.4", "head_dropout=0.2", "activation_l2"):
        assert part in message


def test_only_the_last_dropout_is_the_heads():
    first, middle, last = (
        keras.layers.Dropout(0.4),
        keras.layers.GaussianDropout(0.4),
        keras.layers.Dropout(0.4),
    )
    model = dense(first, keras.layers.Dense(4), last, middle)
    model.compile("adam", "sparse_categorical_crossentropy")
    VECTORS.replace(head_dropout=0.1).compile(model, 4)
    assert (first.rate, middle.rate, last.rate) == (0.4, 0.4, 0.1)
    VECTORS.compile(model, 4)
    assert last.rate == 0.1


def test_a_dropout_built_without_randomness_cannot_be_turned_on():
    model = dense(keras.layers.Dropout(0.0))
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="built with a rate of 0"):
        VECTORS.replace(head_dropout=0.1).compile(model, 4)


def test_another_recipe_turns_drop_path_off_again():
    model = dense(DropPath(1.0), keras.layers.Dense(3))
    model.compile("adam", "sparse_categorical_crossentropy")
    VECTORS.replace(drop_path_keep=0.5).compile(model, 4)
    assert model.layers[0].total_steps == 12
    VECTORS.compile(model, 4)
    assert model.layers[0].keep is None


def test_epochs_belong_to_the_recipe():
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="`epochs` is a setting of the recipe"):
        VECTORS.fit(model, *plain(), epochs=3)


def test_validation_data_are_split_off_beforehand():
    x, y = plain()
    with pytest.raises(ValueError, match=r"`validation_split` does not go.*`validation_data`"):
        training.Recipe(epochs=1).fit(dense(), x, y, validation_split=0.2)


def test_images_are_needed_to_augment():
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"recipe.replace\(shift=None, flip=False, cutout=None\)"):
        VECTORS.replace(shift=1).fit(model, *plain())


def test_a_loss_that_is_no_number_ends_the_training():
    x, y = plain()
    x[0] = np.nan
    model = dense()
    model.compile("adam", "sparse_categorical_crossentropy")
    history = VECTORS.fit(model, x, y, verbose=0)
    assert len(history.epoch) == 1


def test_a_language_model_is_trained_and_averaged():
    """Streams of a text that repeats itself, with a state that is carried on."""
    text = np.tile([0, 1, 2, 3, 2, 1], 200)[:1153]
    x, y = text[:-1].reshape(4, -1), text[1:].reshape(4, -1)
    streams = tf.data.Dataset.from_tensor_slices(
        (
            np.stack(np.split(x, x.shape[1] // 12, axis=1)),
            np.stack(np.split(y, y.shape[1] // 12, axis=1)),
        )
    )
    inputs = keras.Input(batch_shape=(4, 12), dtype="int32")
    h = keras.layers.Embedding(4, 8)(inputs)
    h = keras.layers.GRU(8, return_sequences=True, stateful=True)(h)
    h = training.ActivationRegularization()(h)
    model = keras.Model(inputs, keras.layers.Dense(4, "softmax")(h))
    model.compile("adam", "sparse_categorical_crossentropy")
    recipe = training.recurrent_small.replace(epochs=10, averaging_patience=0, learning_rate=5.0)
    history = recipe.fit(model, streams, validation_data=streams, verbose=0)
    assert model.layers[3].l2 == 0.7
    # The entropy of the text is 0 but for a coin after each 2; a uniform guess costs 1.39.
    assert history.history["val_loss"][-1] < 0.7
