"""What is on disk, and what a search does when it is damaged or the loss is NaN."""

import json
import os
import shutil
import warnings

import keras
import numpy as np
import pytest
from small_space import SmallSpace

from keras_enas.tuner import state
from keras_enas.tuner.derivation import completed_trials
from keras_enas.tuner.generations import Generations


def numbers(tuner):
    return Generations(os.path.join(tuner.project_dir, "shared")).numbers()


class TurnNaN(keras.callbacks.Callback):
    """Puts NaN into a weight in the epochs `epochs`."""

    def __init__(self, epochs):
        super().__init__()
        self.epochs = epochs

    def on_epoch_begin(self, epoch, logs=None):
        if epoch in self.epochs:
            weight = self.model.network.trainable_variables[0]
            weight.assign(weight * np.nan)


@pytest.mark.parametrize(
    ("scores", "kept"),
    [
        ([0.1, 0.2, 0.3, 0.4], [3, 4]),
        ([0.1, 0.9, 0.3, 0.4, 0.5], [2, 4, 5]),
        ([-3.0, -1.0, -2.0, -2.5], [2, 3, 4]),
        ([None, None, None], [2, 3]),
    ],
)
def test_the_last_two_and_the_best_are_kept(tmp_path, scores, kept):
    generations = Generations(str(tmp_path / "shared"))
    for number, score in enumerate(scores, 1):
        generations.commit(number, {"weights": {"a": np.ones(number)}}, {"score": score})
    assert generations.numbers() == kept
    number, arrays, record = generations.newest(at_most=len(scores))
    assert (number, record) == (len(scores), {"score": scores[-1]})
    assert np.array_equal(arrays["weights"]["a"], np.ones(number))
    assert generations.newest(at_most=kept[-2])[0] == kept[-2]


def test_a_search_keeps_few_generations(make_tuner, search):
    tuner = search(make_tuner(max_trials=5))
    best = max(completed_trials(tuner), key=lambda t: t.metrics.get_best_value("score"))
    assert set(numbers(tuner)) == {4, 5, int(best.trial_id) + 1}
    assert not [n for n in os.listdir(tuner.project_dir + "/shared") if n.startswith("writing")]


def damage(path):
    with open(path, "r+b") as opened:
        opened.truncate(os.path.getsize(path) // 2)


@pytest.mark.parametrize("file", ["weights.npz", "oracle.npz", "generation.json", None])
def test_a_damaged_file(tmp_path, file):
    generations = Generations(str(tmp_path))
    for number in (1, 2):
        arrays = {name: {"a": np.arange(100)} for name in ("weights", "oracle")}
        generations.commit(number, arrays, {"score": number})
    if file is None:
        # One byte of a weight: nothing that NumPy would notice.
        path = tmp_path / "generation-000002" / "weights.npz"
        content = bytearray(path.read_bytes())
        content[300] ^= 1
        path.write_bytes(content)
    else:
        damage(tmp_path / "generation-000002" / file)
    with pytest.warns(UserWarning, match="Generation 2 .* is damaged"):
        assert generations.newest(2)[0] == 1
    # It is in the way of none.
    generations.commit(2, arrays, {"score": 2})
    assert generations.newest(2)[0] == 2


@pytest.mark.slow
def test_a_damaged_generation(make_tuner, search, same_state):
    tuner = search(make_tuner())
    damage(os.path.join(tuner.project_dir, "shared", "generation-000002", "weights.npz"))
    with pytest.warns(UserWarning, match="Generation 2 .* is damaged.*the one before"):
        longer = search(make_tuner(max_trials=3))
    assert len(completed_trials(longer)) == 3
    assert numbers(longer)[-1] == 3
    # The third round began where the first ended.
    assert int(longer.supergraph.optimizer.iterations) == 12
    # Whole again.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        assert same_state(make_tuner(max_trials=3), longer)


def test_nothing_whole_is_left(make_tuner, search):
    tuner = search(make_tuner(max_trials=1))
    for number in numbers(tuner):
        os.remove(f"{tuner.project_dir}/shared/generation-{number:06d}/weights.npz")
    with pytest.warns(UserWarning, match="is damaged"):
        with pytest.raises(ValueError, match=r"Every generation.*`overwrite=True`"):
            search(make_tuner())


def test_the_shared_weights_are_gone(make_tuner, search, digits, files):
    shutil.rmtree(f"{search(make_tuner(max_trials=1)).project_dir}/shared")
    before = files()
    tuner = make_tuner()
    for call in (lambda: tuner.score(["relu | relu 1"], digits[1]), lambda: search(tuner)):
        with pytest.raises(ValueError, match=r"1 rounds have ended.*missing.*shared.*overwrite"):
            call()
    assert files() == before
    # What was found needs no weights.
    assert tuner.get_best_hyperparameters()


def test_a_changed_space_is_refused(make_tuner, search, files):
    search(make_tuner(max_trials=1))
    before = files()
    for labels, difference in (
        (("relu", "tanh"), r"'layer_0/op' is op of .*'id'\] in the first"),
        (("tanh", "id"), "'layer_0/op'"),
    ):
        with pytest.raises(ValueError, match=f"not those that this search.*{difference}"):
            make_tuner(SmallSpace(labels=labels))
        assert files() == before
    again = make_tuner(SmallSpace(labels=("relu", "id")), overwrite=True)
    assert len(again.space.decisions[0].candidates) == 2
    assert files() == {"p": None}


def test_weights_of_another_shape_are_refused(make_tuner, search, files):
    class Wider(SmallSpace):
        def build(self, hp):
            inputs = keras.Input((64,))
            inner = super().build(hp)
            model = keras.Model(inputs, inner(keras.layers.Dense(64)(inputs)))
            model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
            return model

    search(make_tuner(max_trials=1))
    before = files()
    with pytest.raises(ValueError, match="shared weights on disk are not those"):
        search(make_tuner(Wider()))
    assert files() == before


def test_weights_that_are_laid_out_otherwise(searched):
    """As stacks were before they became flat: the same numbers in other shapes."""
    arrays = state.get_arrays(searched.supergraph)
    name = next(name for name, array in arrays.items() if array.shape == (64, 16))
    for shape, why in (
        ((2, 512), "another version of keras_enas wrote them, or"),
        ((2, 511), "it has changed, or"),
    ):
        other = {**arrays, name: np.zeros(shape)}
        with pytest.raises(ValueError, match=rf"{why}.*\(2, 51\d\) on disk and \(64, 16\) here"):
            state.set_arrays(searched.supergraph, other)


def test_a_round_of_nan_is_not_learned_from(make_tuner, search, same_state, tmp_path):
    tuner = make_tuner(max_trials=3, controller=True)
    with pytest.warns(UserWarning, match="Round 1 is not learned from.*restored"):
        search(tuner, callbacks=[TurnNaN([1])])
    assert [t.status for t in tuner.oracle.trials.values()] == ["COMPLETED", "FAILED", "COMPLETED"]
    assert int(tuner.supergraph.optimizer.iterations) == 12
    assert int(tuner.oracle.get_arrays()["learned/num_learned"]) == 16
    assert numbers(tuner) == [1, 3]
    assert all(np.isfinite(one.score.reward) for one in tuner.get_best_architectures(3))
    # A new process finds the same.
    assert same_state(make_tuner(max_trials=3, controller=True), tuner)


@pytest.mark.slow
def test_nan_that_persists_ends_the_search(make_tuner, search):
    tuner = make_tuner(max_trials=9)
    with pytest.warns(UserWarning, match="not learned from"):
        with pytest.raises(RuntimeError, match=r"(?s)consecutive failures.*NaN or infinite"):
            search(tuner, callbacks=[TurnNaN(range(1, 9))])
    assert len(tuner.oracle.trials) == 4
    assert numbers(tuner)[-1] == 1
    assert np.isfinite(tuner.derive(k=3)[0].score.reward)
    # When the cause is mended a new process goes on.
    better = search(make_tuner(max_trials=5))
    assert len(completed_trials(better)) == 3


def test_too_few_rounds_to_persist(make_tuner, search):
    with pytest.warns(UserWarning, match="not learned from"):
        with pytest.raises(ValueError, match=r"None of the 2 rounds succeeded.*learning rate"):
            search(make_tuner(), callbacks=[TurnNaN([0, 1])])


def test_a_nan_reward_is_dropped(make_tuner, search):
    given = []

    def reward(metrics, objective):
        given.append(metrics["accuracy"])
        return np.nan if len(given) == 3 else metrics["accuracy"]

    tuner = make_tuner(max_trials=1, reward=reward, controller=True)
    with pytest.warns(UserWarning, match="1 of 4 rewards are NaN"):
        search(tuner)
    metrics = completed_trials(tuner)[0].metrics
    with open(os.path.join(tuner.get_trial_dir("0"), "round.json")) as file:
        assert json.load(file)["controller_num_dropped"] == 1
    assert np.isfinite(metrics.get_best_value("controller_mean_reward"))
    assert int(tuner.oracle.get_arrays()["learned/num_learned"]) == 7


def test_rewards_that_are_all_nan(make_tuner, search):
    tuner = make_tuner(max_trials=4, reward=lambda metrics, objective: np.inf)
    with pytest.warns(UserWarning) as record:
        with pytest.raises(RuntimeError, match="no sampled architecture has a finite"):
            search(tuner)
    said = "\n".join(str(warning.message) for warning in record)
    assert said.count("4 of 4 rewards are NaN") == 6
    for number in range(3):
        assert f"Round {number} is not learned from" in said


def test_interrupted_and_called_again(make_tuner, search, searched, same_state):
    class Interrupt(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.errors = {8: KeyboardInterrupt("stop"), 9: ZeroDivisionError("stop")}

        def on_train_batch_end(self, batch, logs=None):
            error = self.errors.pop(int(self.model.optimizer.iterations), None)
            if error is not None:
                raise error

    tuner = make_tuner(controller=True)
    interrupt = Interrupt()
    with pytest.raises(KeyboardInterrupt, match="stop"):
        search(tuner, callbacks=[interrupt])
    with pytest.raises(RuntimeError, match="Round 1 stopped: stop"):
        search(tuner, callbacks=[interrupt])
    # The same process goes on, as a new one would.
    search(tuner, callbacks=[interrupt])
    assert not interrupt.errors
    assert same_state(tuner, searched)


def accuracy_squared(metrics, objective):
    return metrics["accuracy"] ** 2


def test_a_search_goes_on_with_its_reward_only(make_tuner, search, files):
    whole = search(make_tuner(project_name="whole", max_trials=3, reward=accuracy_squared))
    search(make_tuner(max_trials=1, reward=accuracy_squared))
    before = files()
    with pytest.raises(ValueError, match="rewarded by accuracy_squared.*objective_reward"):
        search(make_tuner(max_trials=3))
    assert files() == before
    resumed = search(make_tuner(max_trials=3, reward=accuracy_squared))
    scores = [[t.score for t in tuner.oracle.trials.values()] for tuner in (whole, resumed)]
    assert scores[0] == scores[1]


def test_what_no_round_was_rewarded_by_does_not_count(make_tuner, search):
    with pytest.raises(RuntimeError, match="division by zero"):
        stop = keras.callbacks.LambdaCallback(on_train_end=lambda logs: 1 / 0)
        search(make_tuner(max_trials=1, reward=accuracy_squared), callbacks=[stop])
    search(make_tuner(max_trials=1))
    with pytest.raises(ValueError, match="rewarded by objective_reward.*accuracy_squared"):
        search(make_tuner(max_trials=2, reward=accuracy_squared))


def test_rounds_of_another_objective_are_not_gone_on_from(make_tuner, search, digits, files):
    (x, y), validation = digits
    tuner = search(make_tuner(max_trials=1))
    tuner.rank_correlation(1, x, y, validation_data=validation, epochs=1, verbose=0)
    before = files()
    other = make_tuner(max_trials=2, objective="val_loss")
    for call in (
        lambda: search(other),
        other.get_best_architectures,
        lambda: other.derive(validation_data=validation),
        lambda: other.retrain(x, y, validation_data=validation),
        lambda: other.rank_correlation(1, x, y, validation_data=validation, epochs=1),
    ):
        with pytest.raises(ValueError, match="searched for 'val_accuracy' .max.*'val_loss' .min"):
            call()
    assert files() == before
    search(make_tuner(max_trials=2))


def test_what_was_derived_of_fewer_rounds_is_given_with_a_warning(make_tuner, search, monkeypatch):
    tuner = search(make_tuner(max_trials=1))
    best = tuner.get_best_architectures()
    more = make_tuner(max_trials=2)
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(more, "derive", interrupted)
        search(more)
    with pytest.warns(UserWarning, match="derived is of 1 rounds, and 2 have ended"):
        assert more.get_best_architectures()[0].architecture == best[0].architecture


def interrupted(*args, **kwargs):
    raise KeyboardInterrupt
