"""Recipes as objects: their settings, their checks, what they print."""

import dataclasses
import json
import warnings

import keras
import pytest

import keras_enas
from keras_enas import training
from keras_enas.training import L2SGD, AveragedSGD, Recipe

NAMED = ["macro", "micro", "micro_cutout", "recurrent", "macro_small", "micro_small"]
NAMED += ["recurrent_small"]


@pytest.mark.parametrize("name", NAMED)
def test_named_recipes_round_trip_and_end_a_cycle(name):
    recipe = getattr(keras_enas.training, name)
    assert recipe.name == name
    config = json.loads(json.dumps(recipe.get_config()))
    again = Recipe.from_config(config)
    assert again == recipe and again.sources == recipe.sources
    serialized = keras.saving.serialize_keras_object(recipe)
    assert keras.saving.deserialize_keras_object(serialized) == recipe
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = recipe.optimizer(7)
    assert isinstance(optimizer, L2SGD) and optimizer.l2 == recipe.l2
    assert optimizer.clipnorm == recipe.clipnorm
    assert optimizer.global_clipnorm == recipe.global_clipnorm
    # Every source is that of a setting, and every setting that is on has one.
    fields = {field.name: field.default for field in dataclasses.fields(recipe)}
    assert set(recipe.sources) <= set(fields)
    off = {field for field in fields if getattr(recipe, field) in (None, False, 0)}
    unused = {"cycle_growth"} if recipe.first_cycle is None else set()
    assert set(fields) - off - unused - {"name", "sources"} <= set(recipe.sources)


def test_the_settings_of_the_paper_and_its_code():
    """From the tables of the specification (A.1.2, A.2.2, A.3.1)."""
    macro, micro, recurrent = training.macro, training.micro, training.recurrent
    for recipe in (macro, micro):
        assert (recipe.first_cycle, recipe.cycle_growth) == (10, 2)
        assert (recipe.momentum, recipe.nesterov, recipe.learning_rate) == (0.9, True, 0.05)
        assert (recipe.shift, recipe.flip, recipe.l2, recipe.clipnorm) == (4, True, 2e-4, 5.0)
    assert (macro.epochs, macro.batch_size, macro.minimum_learning_rate) == (310, 100, 0.001)
    assert (macro.head_dropout, macro.drop_path_keep, macro.auxiliary_weight) == (0.5, None, None)
    assert (micro.epochs, micro.batch_size, micro.minimum_learning_rate) == (630, 144, 0.0001)
    assert (micro.head_dropout, micro.drop_path_keep, micro.auxiliary_weight) == (0.2, 0.6, 0.4)
    assert micro.cutout is None
    assert training.micro_cutout == micro.replace(name="micro_cutout", cutout=16)
    assert (recurrent.learning_rate, recurrent.first_cycle, recurrent.momentum) == (20.0, None, 0.0)
    assert (recurrent.l2, recurrent.global_clipnorm, recurrent.clipnorm) == (8e-7, 0.25, None)
    assert (recurrent.averaging_patience, recurrent.activation_l2) == (10, 0.7)
    assert (recurrent.batch_size, recurrent.epochs) == (64, 3000)


def test_every_field_can_be_changed_and_the_table_says_so():
    recipe = training.micro.replace(epochs=30, cutout=8, flip=False)
    assert (recipe.epochs, recipe.cutout, recipe.flip) == (30, 8, False)
    assert training.micro.epochs == 630
    assert dataclasses.replace(recipe, epochs=70).epochs == 70
    lines = {line.split()[0]: line for line in str(recipe).splitlines() if line.strip()}
    for name in ("epochs", "cutout", "flip"):
        assert lines[name].endswith("changed with `replace`")
    assert lines["l2"].endswith("code; the paper says 1e-4")
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.epochs = 3
    with pytest.raises(ValueError, match=r"\['epoch'\] are no settings of a recipe"):
        recipe.replace(epoch=3)


def test_it_prints_itself_as_a_table(capsys):
    training.micro_cutout.summary()
    printed = capsys.readouterr().out
    assert printed.startswith("Recipe 'micro_cutout'\n")
    for row in (
        "setting                value   source",
        "epochs                 630     code; the paper searches for 310",
        "l2                     0.0002  code; the paper says 1e-4",
        "nesterov               yes     paper and code",
        "cutout                 16      paper: the setting of 2.89 %",
        "averaging_patience     -",
    ):
        assert row in printed.splitlines()
    # All but the name and the sources, five lines around them.
    count = len(dataclasses.fields(Recipe)) - 2
    assert len(printed.splitlines()) == count + 5
    assert "epochs=630" in repr(training.micro_cutout)


def test_the_schedule_is_that_of_keras_or_a_number():
    schedule = training.micro.schedule(347)
    assert isinstance(schedule, keras.optimizers.schedules.CosineDecayRestarts)
    assert schedule.get_config()["first_decay_steps"] == 3470
    assert float(schedule(30 * 347)) == pytest.approx(0.05, abs=1e-7)
    assert float(schedule(630 * 347 - 1)) == pytest.approx(0.0001, abs=1e-6)
    assert training.recurrent.schedule(100) == 20.0


def test_epochs_within_a_cycle_warn_when_they_are_used():
    recipe = training.macro.replace(epochs=300)
    with pytest.warns(UserWarning, match="epochs=300 .* 150 or 310"):
        recipe.optimizer(10)


def test_callbacks_are_new_every_time():
    one, other = training.recurrent.callbacks(), training.recurrent.callbacks()
    assert not set(map(id, one)) & set(map(id, other))
    assert [type(x) for x in one] == [keras.callbacks.TerminateOnNaN, AveragedSGD]
    assert one[1].patience == 10
    assert [type(x) for x in training.macro.callbacks()] == [keras.callbacks.TerminateOnNaN]


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"epochs": 0}, "`epochs` must be an integer of at least 1"),
        ({"epochs": 2.5}, "`epochs` must be an integer"),
        ({"epochs": None}, "`epochs` must be an integer"),
        ({"batch_size": True}, "`batch_size` must be an integer"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be a finite number"),
        ({"learning_rate": 0.0}, "`learning_rate` must be above 0"),
        ({"l2": float("inf")}, "`l2` must be a finite number"),
        ({"l2": "1e-4"}, "`l2` must be a finite number"),
        ({"momentum": 1.5}, "`momentum` must be a finite number of at least 0 and at most 1"),
        ({"drop_path_keep": 0.0}, "`drop_path_keep` must be above 0"),
        ({"cycle_growth": 0.5}, "`cycle_growth` must be a finite number of at least 1"),
        ({"minimum_learning_rate": 0.1}, "must be at most `learning_rate`"),
        ({"global_clipnorm": 1.0}, "Only one of `clipnorm` and `global_clipnorm`"),
        ({"momentum": 0.0}, "`nesterov=True` needs a `momentum`"),
        ({"cutout": 0}, "`cutout` must be an integer of at least 1"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        training.micro.replace(**changes)
