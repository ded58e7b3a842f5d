"""Each bad input ends early, names the argument, and leaves the files as they were."""

import inspect
import os

import keras
import keras_tuner
import numpy as np
import pytest
import tensorflow as tf
from small_space import TINY, SmallSpace

from keras_enas import (
    ENASTuner,
    HyperMacroCNN,
    HyperMicroCNN,
    OpChoice,
    RandomOracle,
    SearchSpace,
)
from keras_enas.tuner.checks import DEFAULTS


def compiled(inputs, outputs):
    model = keras.Model(inputs, outputs)
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def no_choices(hp):
    inputs = keras.Input((64,))
    return compiled(inputs, keras.layers.Dense(10, "softmax")(inputs))


def one_name_twice(hp):
    inputs = keras.Input((64,))
    x = OpChoice(hp, "op", {"a": keras.layers.Identity, "b": keras.layers.Identity})(inputs)
    x = OpChoice(hp, "op", {"a": keras.layers.Identity, "c": keras.layers.Identity})(x)
    return compiled(inputs, keras.layers.Dense(10, "softmax")(x))


def different_shapes(hp):
    inputs = keras.Input((64,))
    x = OpChoice(
        hp, "op", {"a": lambda: keras.layers.Dense(4), "b": lambda: keras.layers.Dense(5)}
    )(inputs)
    return compiled(inputs, keras.layers.Dense(10, "softmax")(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hypermodel": no_choices}, "makes no choices.*OpChoice"),
        ({"hypermodel": one_name_twice}, "Two choices are named 'op'"),
        ({"hypermodel": None}, "`hypermodel`.*build"),
        (
            {"hypermodel": HyperMacroCNN((8, 8, 3), 3, form="final")},
            "`form='final'` is for children",
        ),
        (
            {"hypermodel": HyperMicroCNN((8, 8, 3), 3, drop_path=True)},
            "`drop_path=True` is for children",
        ),
        (
            {"hypermodel": HyperMicroCNN((8, 8, 3), 3, auxiliary_head=True)},
            "`auxiliary_head=True` is for children",
        ),
        ({"max_trials": 0}, "`max_trials`.*at least 1"),
        ({"max_trials": None}, "`max_trials`.*at least 1"),
        ({"seed": -1}, "`seed`"),
        ({"executions_per_trial": 2}, "`executions_per_trial` must be 1"),
        ({"max_model_size": 1000}, "`max_model_size`"),
        ({"objective": "accuracy"}, "`objective` must be `val_`"),
        ({"objective": None}, "`objective` must be `val_`"),
        ({"objective": ["val_accuracy", "val_loss"]}, "`objective` must be `val_`"),
        ({"oracle": "random"}, "`oracle` must be a keras_enas SearchOracle"),
        (
            {"oracle": RandomOracle(objective="val_accuracy"), "tanh_constant": 1.0},
            "`oracle`.*tanh_constant",
        ),
        (
            {"oracle": RandomOracle(objective="val_accuracy"), "profile": "paper", "max_trials": 9},
            r"`oracle`, \['max_trials', 'profile'\] belong to it: RandomOracle\(",
        ),
        (
            {"oracle": RandomOracle(objective="val_accuracy"), "objective": "val_loss"},
            r"`oracle`, \['objective'\] belong",
        ),
        ({"temprature": 1.0}, "no argument 'temprature'. Did you mean 'temperature'"),
        ({"final_sample": 9}, "`ENASTuner` has no argument 'final_sample'. Did you mean 'final_"),
        (
            {"xyz": 9},
            r"no argument 'xyz'\. It has \[.*'cost_target'.*'entropy_weight'.*'overwrite'",
        ),
        (
            {"oracle": RandomOracle(objective="val_accuracy"), "final_sample": 9},
            "no argument 'final_sample'",
        ),
        ({"profile": "papr"}, "`profile`"),
        ({"warmup_rounds": -1}, "`warmup_rounds`"),
        ({"controller_updates": 1.5}, "`controller_updates`"),
        ({"samples_per_update": 1}, "`samples_per_update`"),
        ({"derive_samples": 0}, "`derive_samples`"),
        ({"derive_batches": 0}, "`derive_batches`"),
        ({"final_samples": 0}, "`final_samples`"),
        ({"reward": "accuracy"}, "`reward` must be a callable"),
        ({"cost": "latencies"}, "`cost` must be 'parameters'"),
        ({"cost": "flops", "cost_target": -1}, "`cost_target` must be a number above 0"),
        ({"cost": "flops", "cost_target": 9, "cost_weight": 1}, "`cost_weight`.*at most 0"),
        ({"cost_target": 1000}, "`cost_target` needs a `cost`"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("overwrite", [False, True])
def test_arguments_of_the_tuner(tmp_path, files, arguments, message, overwrite):
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "tuner0.json").write_text("not to be read, nor removed")
    before = files()
    settings = {
        "hypermodel": SmallSpace(),
        "directory": tmp_path,
        "project_name": "p",
        "overwrite": overwrite,
        **arguments,
    }
    with pytest.raises(ValueError, match=f"(?s){message}"):
        ENASTuner(**settings)
    assert files() == before


def test_a_space_that_the_oracle_may_not_tune(make_tuner, files):
    hp = keras_tuner.HyperParameters()
    hp.Choice("layer_0/op", ["relu", "tanh"])
    with pytest.raises(ValueError, match=r"'layer_0/op'.*Leave it out of `hyperparameters`"):
        make_tuner(hyperparameters=hp)
    assert files() == {}


def test_an_oracle_that_is_elsewhere(make_tuner, monkeypatch, files):
    monkeypatch.setenv("KERASTUNER_ORACLE_IP", "127.0.0.1")
    with pytest.raises(ValueError, match=r"KERASTUNER_ORACLE_IP.*one process"):
        make_tuner()
    assert files() == {}


def test_a_directory_that_cannot_be_written(tmp_path, files):
    (tmp_path / "file").write_text("a file")
    before = files()
    with pytest.raises(ValueError, match=r"`directory`.*cannot be written"):
        ENASTuner(SmallSpace(), directory=tmp_path / "file" / "folder")
    assert files() == before


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    """Refuses whatever it is given to search."""
    folder = tmp_path_factory.mktemp("bad")
    return ENASTuner(SmallSpace(), **TINY, directory=folder, project_name="p")


X, Y = np.zeros((20, 64), "float32"), np.arange(20) % 10
VALIDATION = (X, Y)


def batches(x, y, repeat=1):
    return tf.data.Dataset.from_tensor_slices((x, y)).batch(5).repeat(repeat)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_data": None}, "`validation_data` or `validation_split` is needed"),
        ({"y": Y[:-1]}, r"`x, y`.*one length.*\[20, 19\]"),
        ({"y": None}, "`x, y`.*labels"),
        ({"sample_weight": np.ones(3)}, "one length.*3"),
        ({"validation_data": (X, Y[:-1])}, "`validation_data`.*one length"),
        ({"validation_data": (X, Y, np.ones(2))}, "`validation_data`.*one length"),
        ({"validation_data": X}, r"`validation_data` must be \(x, y\)"),
        ({"y": Y + 1}, "`y`.*0 to 9.*from 1 to 10"),
        ({"y": Y - 1}, "`y`.*0 to 9.*from -1 to 8"),
        ({"validation_data": (X, Y + 1)}, "`validation_data`.*0 to 9"),
        ({"x": batches(X, Y + 1), "y": None}, "`x`.*0 to 9"),
        ({"validation_data": batches(X, Y + 1)}, "`validation_data`.*0 to 9"),
        ({"x": X[:0], "y": Y[:0]}, "`x, y` is empty"),
        ({"validation_data": (X[:0], Y[:0])}, "`validation_data` is empty"),
        ({"x": batches(X, Y).take(0), "y": None}, "`x` is an empty dataset"),
        ({"x": batches(X, Y).filter(lambda *_: False), "y": None}, "`x` is an empty dataset"),
        ({"validation_data": batches(X, Y).take(0)}, "`validation_data` is an empty dataset"),
        ({"x": batches(X, Y, None), "y": None}, "`x` is a dataset without end.*`steps_per_epoch`"),
        ({"validation_data": batches(X, Y, None)}, "without end.*`validation_steps`"),
        ({"x": batches(X, Y)}, "`x` is a dataset"),
        ({"x": tf.data.Dataset.from_tensor_slices(X).batch(5), "y": None}, r"batches \(x, y\)"),
        ({"x": (batch for batch in []), "y": None}, "`x, y` must be arrays.*generator"),
        ({"validation_data": None, "validation_split": 1.0}, "`validation_split` must leave"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"epochs": 0}, "`epochs`"),
        ({"epochs": 1.5}, "`epochs`"),
        ({"steps_per_epoch": 0}, "`steps_per_epoch`"),
        ({"validation_steps": 0}, "`validation_steps`"),
        ({"class_weight": {0: 1.0}, "sample_weight": np.ones(20)}, "not both"),
    ],
)
def test_arguments_of_search(tuner, arguments, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        tuner.search(**{"x": X, "y": Y, "validation_data": VALIDATION, **arguments})
    # Not even KerasTuner's own files are there.
    assert _listing(tuner) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_data": None}, "`validation_data` or `validation_split` is needed"),
        ({"validation_data": (X, Y[:-1])}, "`validation_data`.*one length"),
        ({"validation_data": batches(X, Y, None)}, "without end.*`validation_steps`"),
        ({"x": batches(X, Y, None), "y": None}, "without end.*`steps_per_epoch`"),
        ({"y": Y[:-1]}, "`x, y`.*one length"),
    ],
)
def test_what_is_wrong_in_itself_is_found_before_the_supergraph_is_built(
    tmp_path, arguments, message
):
    def build(hp):
        assert not hasattr(hp, "switch_maker"), "The supergraph was built."
        return SmallSpace().build(hp)

    tuner = ENASTuner(build, directory=tmp_path, project_name="p")
    with pytest.raises(ValueError, match=message):
        tuner.search(**{"x": X, "y": Y, "validation_data": VALIDATION, **arguments})


def test_an_objective_that_no_metric_provides(tmp_path):
    tuner = ENASTuner(
        SmallSpace(),
        objective=keras_tuner.Objective("val_f1", "max"),
        directory=tmp_path,
        project_name="p",
    )
    with pytest.raises(ValueError, match=r"`objective` is 'val_f1'.*'val_loss', 'val_accuracy'"):
        tuner.search(X, Y, validation_data=VALIDATION)
    assert _listing(tuner) == []


def test_an_objective_that_is_no_scalar(tmp_path):
    metrics = (keras.metrics.F1Score(name="f1"),)
    tuner = ENASTuner(
        SmallSpace(metrics=metrics),
        objective=keras_tuner.Objective("val_f1", "max"),
        loss="categorical_crossentropy",
        directory=tmp_path,
        project_name="p",
    )
    labels = keras.utils.to_categorical(Y, 10)
    with pytest.raises(ValueError, match=r"'f1' is no scalar: it has the shape \(10,\).*macro"):
        tuner.search(X, labels, validation_data=(X, labels))
    assert _listing(tuner) == []


def test_branches_of_different_shapes(tmp_path):
    tuner = ENASTuner(different_shapes, directory=tmp_path, project_name="p")
    with pytest.raises(ValueError, match=r"(?s)'op'.*shape"):
        tuner.search(X, Y, validation_data=VALIDATION)
    assert _listing(tuner) == []


def test_choices_that_the_supergraph_would_not_have(tmp_path):
    class Fickle(SmallSpace):
        def build(self, hp):
            self.labels = ("relu", "id") if hasattr(hp, "switch_maker") else ("relu", "tanh")
            return super().build(hp)

    tuner = ENASTuner(Fickle(), directory=tmp_path, project_name="p")
    with pytest.raises(ValueError, match=r"other choices for the supergraph.*layer_0/op"):
        tuner.search(X, Y, validation_data=VALIDATION)
    assert _listing(tuner) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("relu | conv3 1", "'layer_1/op' has no candidate 'conv3'"),
        ("relu | 4 1", "'layer_1/op' has no candidate '4'"),
        ("relu", "ends before decision 'layer_1/op'"),
        ("relu | relu 1 | relu 11", "'relu 11' is left over"),
        ("relu | relu 2", "Skip vector 'layer_1/skip'"),
        (SearchSpace.from_config({"decisions": []}).architecture([]), "not of this tuner's space"),
        (17, "not of this tuner's space"),
    ],
)
def test_architectures_of_another_space(searched, text, message):
    with pytest.raises(ValueError, match=message):
        searched.score([text])


def test_a_single_architecture_is_no_list(searched):
    one = searched.get_best_architectures()[0].architecture
    for given in (one, str(one)):
        with pytest.raises(ValueError, match="`architectures` must be a list.*not a single"):
            searched.score(given)


def test_numbers_of_what_was_found(searched):
    for call in (
        searched.get_best_architectures,
        searched.get_best_hyperparameters,
        searched.get_best_models,
        searched.derive,
        searched.results_summary,
    ):
        with pytest.raises(ValueError, match="must be an integer of at least 1"):
            call(0)


def test_what_is_told_from_a_default_is_the_default():
    parameters = inspect.signature(ENASTuner).parameters
    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS


def _listing(tuner):
    return os.listdir(os.path.join(tuner.directory, "p"))
