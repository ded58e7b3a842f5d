"""Under a stock tuner: each trial trains one child, and a killed search goes on."""

import os
import pathlib

import keras_tuner
import numpy as np
import pytest

from keras_enas.oracles import ENASOracle, RandomOracle
from keras_enas.oracles import state as files
from keras_enas.search_space import Decision, SearchSpace


class Killed(BaseException):
    """Stands for SIGKILL: nothing in KerasTuner catches it."""


def values_of(oracle):
    return {key: trial.hyperparameters.values for key, trial in oracle.trials.items()}


def assert_equal_searches(one, two):
    assert values_of(one) == values_of(two)
    assert one.end_order == two.end_order
    scores = [[trial.score for trial in o.get_best_trials(99)] for o in (one, two)]
    assert scores[0] == scores[1]
    first, second = one.get_arrays(), two.get_arrays()
    assert set(first) == set(second)
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name], err_msg=name)


# NumPy's complaint about `np.array(tf.Variable)`, which KerasTuner and Keras make.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_two_real_trials(make_tuner):
    """Keras models through `keras_tuner.Tuner`: two children are trained."""
    import keras

    from keras_enas.search_space import record

    units = Decision("units", "op", ("two", "four"))

    def build(hp):
        record(hp, units)
        width = {"two": 2, "four": 4}[hp.Choice("units", ["two", "four"], ordered=False)]
        model = keras.Sequential([keras.layers.Dense(width), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    oracle = ENASOracle("val_loss", max_trials=2, seed=0, samples_per_update=2)
    tuner = keras_tuner.Tuner(
        oracle,
        build,
        directory=str(pathlib.Path(make_tuner(RandomOracle()).project_dir)),
        project_name="real",
    )
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    tuner.search(x, y, validation_data=(x, y), epochs=1, verbose=0)
    assert [trial.status for trial in oracle.trials.values()] == ["COMPLETED"] * 2
    # A loss is to be minimised: the reward is its negative.
    losses = [trial.score for trial in oracle.trials.values()]
    assert oracle.diagnostics()["mean_reward"] == pytest.approx(-np.mean(losses))
    assert tuner.get_best_hyperparameters()[0].values["units"] in units.candidates


def test_other_hyperparameters_stay_at_their_default(make_tuner):
    oracle = RandomOracle("val_accuracy", max_trials=2, seed=0)
    make_tuner(oracle).search(verbose=0)
    assert [values["learning_rate"] for values in values_of(oracle).values()] == [0.01, 0.01]


def test_it_learns_when_enough_trials_are_there(make_tuner):
    oracle = ENASOracle("val_accuracy", max_trials=5, seed=0, samples_per_update=3)
    make_tuner(oracle).search(verbose=0)
    assert oracle.diagnostics()["num_learned"] == 3
    assert len(oracle.get_arrays()["pending/rewards"]) == 2


def test_too_few_trials_to_learn_from_are_reported(make_tuner):
    oracle = ENASOracle("val_accuracy", max_trials=2, seed=0)
    tuner = make_tuner(oracle)
    with pytest.warns(UserWarning, match="from 20 trials at a time, and `max_trials` is 2"):
        oracle.create_trial(tuner.tuner_id)


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")  # KerasTuner's best value of [NaN].
def test_a_score_that_is_nan_is_not_learned_from(make_tuner):
    oracle = ENASOracle("val_accuracy", max_trials=3, seed=0, samples_per_update=2)
    tuner = make_tuner(oracle)
    run_trial = tuner.run_trial

    def sometimes_nan(trial, **kwargs):
        result = run_trial(trial, **kwargs)
        return {"val_accuracy": float("nan")} if trial.trial_id == "1" else result

    tuner.run_trial = sometimes_nan
    with pytest.warns(UserWarning, match="Trial 1.*not learned from"):
        tuner.search(verbose=0)
    assert oracle.trials["1"].status == "FAILED"
    assert oracle.diagnostics()["num_learned"] == 2


class Killing:
    """`write_atomically` that is killed at one of its calls."""

    def __init__(self, place, when):
        self.place, self.when = place, when

    def __call__(self, path, data):
        self.place -= 1
        if self.place == 0 and self.when == "before":
            raise Killed
        if self.place == 0 and self.when == "within":
            pathlib.Path(path + ".tmp").write_bytes(data[: len(data) // 2])
            raise Killed
        files_write(path, data)
        if self.place == 0:
            raise Killed


files_write = files.write_atomically


def random_oracle():
    return RandomOracle("val_accuracy", max_trials=3, seed=0)


def enas_oracle():
    return ENASOracle("val_accuracy", max_trials=3, seed=0, samples_per_update=2)


# A trial writes 3 files at its start (trial, arrays, oracle), 1 at its update and 3 at its end. All
# places of the second trial for the oracle that costs nothing, for the other, whose tracing takes
# time, the one where its first update is written.
@pytest.mark.parametrize(
    ("make_oracle", "places", "moments"),
    [
        (random_oracle, (1, *range(8, 15), 21), ("before", "within", "after")),
        (enas_oracle, (13,), ("before", "after")),
    ],
    ids=["random", "enas"],
)
def test_a_killed_search_ends_as_one_never_killed(
    make_tuner, monkeypatch, make_oracle, places, moments
):
    whole = make_oracle()
    make_tuner(whole, "whole").search(verbose=0)
    for place in places:
        for when in moments:
            project = f"{place}-{when}"
            monkeypatch.setattr(files, "write_atomically", Killing(place, when))
            with pytest.raises(Killed):
                make_tuner(make_oracle(), project).search(verbose=0)
            monkeypatch.setattr(files, "write_atomically", files_write)
            resumed = make_oracle()
            tuner = make_tuner(resumed, project)
            tuner.search(verbose=0)
            assert_equal_searches(whole, resumed)
            assert len(list(pathlib.Path(tuner.project_dir).glob("controller-*.npz"))) == 1


def test_a_killed_search_may_begin_anew(make_tuner, monkeypatch):
    whole = random_oracle()
    make_tuner(whole, "whole").search(verbose=0)
    monkeypatch.setattr(files, "write_atomically", Killing(12, "after"))
    with pytest.raises(Killed):
        make_tuner(random_oracle()).search(verbose=0)
    monkeypatch.setattr(files, "write_atomically", files_write)
    again = random_oracle()
    make_tuner(again, overwrite=True).search(verbose=0)
    assert_equal_searches(whole, again)


def test_the_seed_is_state(make_tuner):
    first = RandomOracle("val_accuracy", max_trials=2, seed=5)
    make_tuner(first).search(verbose=0)
    again = RandomOracle("val_accuracy", max_trials=4)
    make_tuner(again).search(verbose=0)
    whole = RandomOracle("val_accuracy", max_trials=4, seed=5)
    make_tuner(whole, "whole").search(verbose=0)
    assert again.seed == 5
    assert values_of(again) == values_of(whole)


def test_a_changed_hypermodel_is_refused_with_the_difference(make_tuner, space):
    oracle = RandomOracle("val_accuracy", max_trials=1, seed=0)
    tuner = make_tuner(oracle)
    tuner.search(verbose=0)
    changed = type(tuner.hypermodel)(SearchSpace(space.decisions[:-1]))
    hp = oracle.get_space()
    changed.build(hp)
    with pytest.raises(ValueError, match=r"layer_2/skip/1.*overwrite=True"):
        oracle.update_space(hp)


def test_damaged_arrays_are_named(make_tuner):
    oracle = RandomOracle("val_accuracy", max_trials=2, seed=0)
    tuner = make_tuner(oracle)
    tuner.search(verbose=0)
    (path,) = pathlib.Path(tuner.project_dir).glob("controller-*.npz")
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(RuntimeError, match=r"controller-\d+.npz cannot be read.*overwrite=True"):
        make_tuner(RandomOracle("val_accuracy", max_trials=2, seed=0))
    assert os.path.exists(path)


@pytest.mark.parametrize("fixed", [True, False])
def test_what_may_not_be_tuned_is_refused(make_tuner, fixed):
    hp = keras_tuner.HyperParameters()
    if fixed:
        hp.Fixed("layer_0/op", "sep3")
    else:
        hp.Float("learning_rate", 0.1, 0.2)
    oracle = RandomOracle("val_accuracy", hyperparameters=hp, tune_new_entries=fixed)
    with pytest.raises(ValueError, match="'layer_0/op'.*tune_new_entries=True"):
        make_tuner(oracle)


def test_a_hypermodel_without_choices(make_tuner):
    def build(hp):
        hp.Float("learning_rate", 0.1, 0.2)

    tuner = make_tuner(RandomOracle("val_accuracy", seed=0), hypermodel=build)
    with pytest.raises(ValueError, match="the hypermodel makes no choices"):
        tuner.search(verbose=0)
