"""Retraining by a recipe, of children that are larger than what was searched."""

import os

import keras
import pytest
from small_space import TINY, load

from keras_enas import ENASTuner, HyperMicroCNN, RandomOracle, training

# Digits know left from right, and the warning of a cut cycle is tested elsewhere.
RECIPE = training.micro_small.replace(
    epochs=10, first_cycle=10, batch_size=50, flip=False, shift=None, cutout=None
)


@pytest.fixture(scope="module")
def micro(tmp_path_factory):
    """A micro space whose children are wider, searched for a round: `(tuner, data)`."""
    (x, y), (vx, vy) = load()
    data = (x.reshape(-1, 8, 8, 1), y), (vx.reshape(-1, 8, 8, 1), vy)
    settings = {k: v for k, v in TINY.items() if k != "max_trials"}
    tuner = ENASTuner(
        HyperMicroCNN(
            (8, 8, 1),
            10,
            num_layers=1,
            filters=2,
            num_blocks=1,
            operations=["sep3", "max3"],
            child_filters=4,
            child_form="final",
        ),
        oracle=RandomOracle(objective="val_accuracy", max_trials=1, seed=0),
        **settings,
        directory=tmp_path_factory.mktemp("recipe"),
        project_name="p",
    )
    (x, y), validation = data
    tuner.search(x, y, validation_data=validation, batch_size=50, verbose=0)
    return tuner, data


@pytest.mark.slow
def test_retrain_by_a_recipe(micro):
    tuner, ((x, y), validation) = micro
    recipe = RECIPE.replace(epochs=10, auxiliary_weight=0.4, drop_path_keep=0.8)
    result = tuner.retrain(
        x, y, validation_data=validation, recipe=recipe, top=1, random_baseline=0, verbose=0
    )
    searched = tuner.get_best_architectures()[0]
    child = result.children[0]
    assert child.architecture == searched.architecture
    # Twice as wide, and without the auxiliary head, which only trained it.
    wider = tuner.hypermodel.for_children().build_architecture(child.architecture)
    assert child.parameters == sum(v.value.shape.num_elements() for v in wider.trainable_variables)
    assert child.parameters > 2 * searched.parameters
    assert len(result.model.outputs) == 1
    path = os.path.join(tuner.project_dir, "best_model.keras")
    loaded = keras.models.load_model(path)
    stock = {type(layer).__module__.partition(".")[0] for layer in loaded._flatten_layers()}
    assert stock == {"keras"}
    accuracy = loaded.evaluate(*validation, verbose=0, return_dict=True)["accuracy"]
    assert accuracy == pytest.approx(child.trained)
    # Ten classes: it has learned.
    assert accuracy > 0.3


def test_epochs_and_batch_size_take_the_place_of_the_recipes(searched, digits, monkeypatch):
    (x, y), validation = digits
    monkeypatch.setattr("keras_enas.tuner.retrain.export", lambda model, folder: model)
    monkeypatch.setattr("keras_enas.tuner.retrain.write_json", lambda path, content: None)
    seen = []

    class Note(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            seen.append((self.params["epochs"], self.params["steps"]))

    searched.retrain(
        x,
        y,
        validation_data=validation,
        recipe=training.Recipe(epochs=1, first_cycle=2),
        epochs=2,
        batch_size=100,
        top=1,
        random_baseline=0,
        callbacks=lambda: [Note()],
        verbose=0,
    )
    assert seen == [(2, 3)]


def test_a_recipe_must_be_one(searched, digits):
    (x, y), validation = digits
    with pytest.raises(ValueError, match="`recipe` must be a `keras_enas.training.Recipe`"):
        searched.retrain(x, y, validation_data=validation, recipe="micro")
