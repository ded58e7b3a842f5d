"""A model with an output named `aux`: its loss, its weights, and the model without it."""

import keras
import numpy as np
import pytest

from keras_enas.training import AuxiliaryModel, Recipe, main_network
from keras_enas.training.preparation import compiled_settings

PLAIN = Recipe(epochs=1, batch_size=8, first_cycle=None, learning_rate=0.1)


def network(form="list", compiled=True):
    """Two heads on one trunk, the auxiliary one first if the form says so."""
    keras.utils.set_random_seed(2)
    inputs = keras.Input((5,))
    trunk = keras.layers.Dense(6, "relu", name="trunk")(inputs)
    aux = keras.layers.Dense(3, "softmax", name="aux")(trunk)
    top = keras.layers.Dense(6, "relu", name="top")(trunk)
    main = keras.layers.Dense(3, "softmax", name="main")(top)
    outputs = {
        "list": [main, aux],
        "reversed": [aux, main],
        "dict": {"result": main, "aux": aux},
    }[form]
    model = keras.Model(inputs, outputs, name="child")
    if compiled:
        model.compile("sgd", "sparse_categorical_crossentropy", metrics={"main": ["accuracy"]})
    return model


def data(n=24):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 5)).astype("float32")
    return x, (x[:, 0] > 0).astype("int32") + (x[:, 1] > 0)


def heads(model, x):
    """`(main, aux)` as arrays, whatever the form."""
    outputs = model(x)
    if isinstance(outputs, dict):
        return np.array(outputs["result"]), np.array(outputs["aux"])
    by_name = dict(zip(model.output_names, outputs, strict=True))
    return np.array(by_name["main"]), np.array(by_name["aux"])


def cross_entropy(probabilities, y, weights=1.0):
    return float(np.mean(-np.log(probabilities[np.arange(len(y)), y]) * weights))


@pytest.mark.parametrize("form", ["list", "reversed", "dict"])
def test_the_loss_is_that_of_main_and_two_fifths_of_the_other(form):
    model, (x, y) = network(form), data()
    main, aux = heads(model, x)
    expected = cross_entropy(main, y) + 0.4 * cross_entropy(aux, y)
    fitted = PLAIN.replace(auxiliary_weight=0.4).compile(model, 3)
    logs = fitted.train_on_batch(x, y, return_dict=True)
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)
    assert logs["accuracy"] == pytest.approx(np.mean(main.argmax(1) == y))
    # Evaluation and prediction are those of the main output, with its names.
    main, _ = heads(model, x)
    logs = fitted.evaluate(x, y, verbose=0, return_dict=True)
    assert set(logs) == {"loss", "accuracy"}
    assert logs["loss"] == pytest.approx(cross_entropy(main, y), rel=1e-5)
    np.testing.assert_allclose(fitted.predict(x, verbose=0), main, rtol=1e-5)


def test_weights_of_examples_count_for_both():
    model, (x, y) = network(), data()
    weights = np.linspace(0, 2, len(y))
    main, aux = heads(model, x)
    expected = cross_entropy(main, y, weights) + 0.4 * cross_entropy(aux, y, weights)
    fitted = PLAIN.replace(auxiliary_weight=0.4).compile(model, 3)
    logs = fitted.train_on_batch(x, y, sample_weight=weights, return_dict=True)
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)


def test_every_weight_is_trained_the_auxiliary_ones_too():
    model, (x, y) = network(), data()
    before = {v.path: np.array(v) for v in model.trainable_variables}
    PLAIN.replace(auxiliary_weight=0.4).fit(model, x, y, verbose=0)
    for variable in model.trainable_variables:
        assert np.abs(np.array(variable) - before[variable.path]).max() > 1e-4, variable.path


def test_the_gradient_of_the_auxiliary_head_is_scaled_by_its_weight():
    x, y = data()
    changes = []
    for weight in (0.4, 0.8):
        model = network()
        before = np.array(model.get_layer("aux").kernel)
        PLAIN.replace(auxiliary_weight=weight).compile(model, 3).train_on_batch(x, y)
        changes.append(np.array(model.get_layer("aux").kernel) - before)
    np.testing.assert_allclose(2 * changes[0], changes[1], rtol=1e-3, atol=1e-6)


def test_without_a_weight_the_head_is_left_out():
    model, (x, y) = network(), data()
    before = np.array(model.get_layer("aux").kernel)
    fitted = PLAIN.compile(model, 3)
    assert fitted.output_names == ["main"]
    fitted.train_on_batch(x, y)
    np.testing.assert_array_equal(np.array(model.get_layer("aux").kernel), before)


def test_the_dropout_of_the_auxiliary_head_is_not_the_heads():
    inputs = keras.Input((5,))
    trunk = keras.layers.Dense(6)(inputs)
    main, aux = keras.layers.Dropout(0.3), keras.layers.Dropout(0.3)
    outputs = [keras.layers.Dense(3, name="main")(main(trunk))]
    outputs.append(keras.layers.Dense(3, name="aux")(aux(trunk)))
    for order in (outputs, outputs[::-1]):
        main.rate = 0.3
        model = keras.Model(inputs, order)
        PLAIN.replace(auxiliary_weight=0.4, head_dropout=0.1).compile(model, 3, loss="mse")
        assert (main.rate, aux.rate) == (0.1, 0.3)


@pytest.mark.parametrize("form", ["list", "reversed", "dict"])
def test_the_main_network_has_the_same_weights_and_one_output(form):
    model, (x, _) = network(form), data()
    main = main_network(model)
    assert main.output_names == ["main"] and main.name == "child"
    assert not any("aux" in v.path for v in main.variables)
    np.testing.assert_allclose(main(x), heads(model, x)[0])


@pytest.mark.parametrize(
    "loss, metrics",
    [
        ("mse", None),
        (["mse", "mae"], [["mae"], ["mse"]]),
        (["mse", "mae"], ["mae", "mse"]),
        ({"main": "mse", "aux": "mae"}, {"main": "mae", "aux": "mse"}),
    ],
)
def test_what_the_main_output_was_compiled_with_is_found(loss, metrics):
    model = network(compiled=False)
    model.compile("sgd", loss, loss_weights=[1.0, 0.4], metrics=metrics, steps_per_execution=2)
    settings = compiled_settings(model)
    assert settings["loss"] == "mse" and settings["metrics"] == (metrics and ["mae"])
    assert "loss_weights" not in settings and settings["steps_per_execution"] == 2


def test_dict_outputs_are_found_by_their_keys():
    model = network("dict", compiled=False)
    model.compile("sgd", {"result": "mse", "aux": "mae"})
    assert compiled_settings(model)["loss"] == "mse"


def test_it_saves_and_goes_on(tmp_path):
    model, (x, y) = network(), data()
    recipe = PLAIN.replace(auxiliary_weight=0.4, momentum=0.9, l2=1e-3)
    fitted = recipe.fit(model, x, y, verbose=0).model
    fitted.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert type(again) is AuxiliaryModel and again.weight == 0.4 and again.optimizer.l2 == 1e-3
    losses = [m.train_on_batch(x, y) for m in (fitted, again)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)
    for a, b in zip(fitted.variables, again.variables, strict=True):
        np.testing.assert_allclose(np.array(a), np.array(b), rtol=1e-5, atol=1e-7)


def test_what_has_no_such_outputs_is_refused():
    one = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match="one named 'aux'"):
        AuxiliaryModel(one)
    inputs = keras.Input((2,))
    outputs = [keras.layers.Dense(2, name=name)(inputs) for name in ("a", "b", "aux")]
    with pytest.raises(ValueError, match="exactly one other output"):
        AuxiliaryModel(keras.Model(inputs, outputs))
