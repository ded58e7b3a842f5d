"""A search that minds the cost: rewards, limits, the final choice, what is shown and kept."""

import json
import os
import warnings

import keras
import numpy as np
import pytest
from small_space import TINY, SmallSpace, WithoutSkips, load

from keras_enas import ENASTuner, RandomOracle
from keras_enas.supergraph import Supergraph
from keras_enas.tuner import derivation
from keras_enas.tuner.resources import scored

TARGET = 4


def cost(architecture):
    """From 1 to 6."""
    return 1 + sum(architecture.indices)


def costs_of(architectures):
    return [1 + int(sum(one)) for one in architectures]


def learned(tuner, monkeypatch):
    """Notes what the oracle is taught."""
    noted = []
    original = tuner.oracle.learn

    def learn(architectures, rewards):
        noted.append((np.array(architectures), np.array(rewards)))
        original(architectures, rewards)

    monkeypatch.setattr(tuner.oracle, "learn", learn)
    return noted


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A tuner with a target that has searched two rounds, and its data."""
    tuner = ENASTuner(
        SmallSpace(),
        **{**TINY, "final_samples": 4},
        seed=0,
        oracle=RandomOracle("val_accuracy", max_trials=2, seed=0),
        cost=cost,
        cost_target=TARGET,
        directory=tmp_path_factory.mktemp("c"),
        project_name="p",
    )
    (x, y), validation = load()
    tuner.search(x, y, validation_data=validation, batch_size=50, verbose=0)
    return tuner, (x, y), validation


def test_the_oracle_earns_the_absolute_reward(make_tuner, search, monkeypatch, tmp_path):
    noted = []
    for name, arguments in (
        ("shown", {"cost": cost}),
        ("target", {"cost": cost, "cost_target": TARGET, "cost_weight": -0.5}),
    ):
        tuner = make_tuner(project_name=name, max_trials=1, **arguments)
        noted.append(learned(tuner, monkeypatch))
        search(tuner)
    for shown, target in zip(*noted, strict=True):
        assert np.array_equal(shown[0], target[0])
        # What is only shown has no part in the reward, which is the accuracy on 50 digits.
        np.testing.assert_allclose(50 * shown[1], np.round(50 * shown[1]), atol=1e-4)
        expected = [-0.5 * abs(c / TARGET - 1) for c in costs_of(shown[0])]
        np.testing.assert_allclose(target[1] - shown[1], expected, atol=1e-12)


def test_only_what_fits_is_trained_learned_and_derived(make_tuner, search, monkeypatch):
    trained = []
    original = Supergraph.set_architectures
    monkeypatch.setattr(
        Supergraph,
        "set_architectures",
        lambda self, table: (trained.append(np.array(table)), original(self, table))[1],
    )
    tuner = make_tuner(cost=cost, cost_limit=(2, 3), max_trials=1)
    noted = learned(tuner, monkeypatch)
    search(tuner)
    # The first candidate of every decision costs 1: the likeliest one does not fit.
    assert costs_of([tuner.oracle.most_likely()]) == [1]
    rows = np.concatenate(trained)
    assert len(rows) == 6 and set(costs_of(rows)) <= {2, 3}
    assert set(costs_of(np.concatenate([a for a, _ in noted]))) <= {2, 3}
    found = tuner.get_best_architectures(9)
    assert {one.cost for one in found} == {2, 3}
    assert [one.cost for one in found] == costs_of(one.architecture.indices for one in found)


def test_hardly_anything_fits(make_tuner, search, files):
    tuner = make_tuner(cost=lambda one: 7.0, cost_limit=5)
    with pytest.raises(RuntimeError, match=r"Round 0 stopped: `cost_limit`: of 1,.* wider limit"):
        search(tuner)


def test_the_choice_is_near_to_the_target(searched):
    tuner, _, validation = searched
    found = tuner.get_best_architectures(9)
    # There are five such: (0, 1, 2), (0, 2, 1) and their like with a skip, two operations.
    assert len(found) >= 3 and {one.cost for one in found} == {TARGET}
    assert len({one.architecture for one in found}) == len(found)
    rewards = [one.score.reward for one in found]
    assert rewards == sorted(rewards, reverse=True)
    before = tuner.oracle.get_arrays()
    wide = tuner.derive(k=8, validation_data=validation, tolerance=0.3)
    assert {one.cost for one in wide} == {3, 4, 5}
    assert all(np.array_equal(before[k], v) for k, v in tuner.oracle.get_arrays().items())
    # First comes who earns most without the cost.
    assert [one.score.objective for one in wide] == pytest.approx(
        sorted((one.score.objective for one in wide), reverse=True)
    )
    assert {one.cost for one in tuner.derive()} == {TARGET}


def test_costs_are_shown(searched, capsys, tmp_path):
    tuner, _, _ = searched
    with open(os.path.join(tuner.get_trial_dir("1"), "round.json")) as file:
        record = json.load(file)
    assert record["cost"] == cost(tuner.space.parse(record["architecture"]))
    with open(os.path.join(tuner.project_dir, "derived.json")) as file:
        content = json.load(file)
    assert {one["cost"] for one in content["derived"]} == {TARGET}
    assert content["goal"]["target"] == TARGET
    tuner.results_summary(2)
    shown = " ".join(capsys.readouterr().out.split())
    assert "cost of cost" in shown and "not what a trained model scores" in shown


def test_the_front(searched, capsys, tmp_path):
    tuner, _, _ = searched
    assert {one.cost for one in tuner.pareto(verbose=False)} <= {3, 4, 5}
    best = tuner.pareto(k=300, path=str(tmp_path / "front.png"))
    costs = [one.cost for one in best]
    # All 18 architectures: the cheapest is beaten by none.
    assert costs[0] == 1 and costs == sorted(set(costs))
    scores = [one.score.objective for one in best]
    assert scores == sorted(set(scores))
    shown = " ".join(capsys.readouterr().out.split())
    assert "of 18 architectures scored by shared weights" in shown
    assert "-75.0%" in shown and "shared-weight val accuracy" in shown
    assert "not what a trained model scores" in shown
    assert (tmp_path / "front.png").stat().st_size > 1000
    # It is kept, and the choice is what it was.
    assert [one.architecture for one in tuner.pareto(verbose=False)] == [
        one.architecture for one in best
    ]
    assert {one.cost for one in tuner.get_best_architectures(9)} == {TARGET}


def test_random_ones_are_retrained_at_the_same_cost(searched):
    tuner, (x, y), validation = searched
    retrained = tuner.retrain(
        x[:50], y[:50], validation_data=validation, epochs=1, top=1, random_baseline=1, verbose=0
    )
    assert [child.origin for child in retrained.children] == ["derived", "random"]
    assert [child.cost for child in retrained.children] == [TARGET] * 2
    assert cost(retrained.architecture) == TARGET


def test_another_target_is_not_served_with_what_was_derived(searched):
    tuner, _, _ = searched

    def again(**arguments):
        other = ENASTuner(
            SmallSpace(),
            **TINY,
            oracle=RandomOracle("val_accuracy", max_trials=2, seed=0),
            directory=tuner.directory,
            project_name="p",
            **arguments,
        )
        return other, derivation.derived_after(other)

    best = tuner.get_best_architectures()
    same, after = again(cost=cost, cost_target=TARGET)
    assert after == 2 and same.get_best_architectures() == best
    # Who asks for nothing may read it, but a search would derive anew.
    for arguments in ({}, {"cost": cost}):
        other, after = again(**arguments)
        assert after is None
        assert other.get_best_architectures()[0].architecture == best[0].architecture
    for arguments in ({"cost_target": 2}, {"cost_limit": 2}):
        other, after = again(cost=cost, **arguments)
        assert after is None
        with pytest.raises(ValueError, match="`validation_data` is needed"):
            other.get_best_architectures()


def test_nothing_near_is_a_warning_after_the_search_and_an_error_after_that(make_tuner, search):
    tuner = make_tuner(cost=cost, cost_target=4.5, max_trials=1)
    with pytest.warns(UserWarning, match=r"Nothing was derived. None of .* within 5%.*tolerance"):
        search(tuner)
    with pytest.raises(ValueError, match=r"the nearest costs [45]\."):
        tuner.get_best_architectures()
    assert {one.cost for one in tuner.derive(k=3, tolerance=0.2)} <= {4, 5}
    assert tuner.get_best_architectures()[0].cost in (4, 5)


@pytest.mark.parametrize("name", ["parameters", "flops"])
def test_counts_of_a_hypermodel_that_does_not_count(searched, name, tmp_path):
    tuner, _, _ = searched
    other = ENASTuner(SmallSpace(), cost=name, directory=tmp_path, seed=0)
    found = tuner.get_best_architectures()[0]
    assert other.resources.costs([found.architecture.indices]) == [getattr(found, name)]
    assert (tmp_path / "untitled_project" / "costs.jsonl").exists()


def test_a_search_for_a_latency(make_tuner, search, monkeypatch, tmp_path):
    """Of children that are built, exported and timed on this machine."""

    def make():
        # Near is what takes less than 200 ms.
        near = {"cost_target": 100.0, "cost_tolerance": 1.0, "cost_weight": -1.0}
        hypermodel = SmallSpace(labels=("relu", "id"), units=4)
        return make_tuner(hypermodel, max_trials=1, cost="latency", **near)

    tuner = make()
    noted = learned(tuner, monkeypatch)
    search(tuner)
    found = tuner.get_best_architectures()
    assert found and all(0 < one.cost < 200 for one in found)
    assert noted
    # What was measured once is what everything goes by, also where the search is resumed.
    again = make()
    for one in found:
        assert again.resources.costs([one.architecture.indices]) == [one.cost]
    for architectures, rewards in noted:
        penalties = [abs(cost / 100 - 1) for cost in again.resources.costs(architectures)]
        accuracies = 50 * (np.array(rewards) + penalties)
        np.testing.assert_allclose(accuracies, np.round(accuracies), atol=1e-3)


def test_costs_of_another_network_are_not_taken_for_these(tmp_path):
    def costs(**different):
        tuner = ENASTuner(
            SmallSpace(**different), cost="parameters", directory=tmp_path, project_name="p", seed=0
        )
        return tuner.resources.costs([(0, 0, 0)])

    first = costs()
    path = tmp_path / "p" / "costs.jsonl"
    kept = path.read_bytes()
    with pytest.raises(ValueError, match=r"`cost`: .*networks of this space with other layers"):
        costs(units=8)
    # How it is trained does not matter, and what was refused has changed nothing.
    assert costs(learning_rate=0.3) == first
    assert path.read_bytes() == kept


def test_another_space_is_named_before_its_costs_are(make_tuner, search):
    """Its texts may all be of the larger space, too."""
    search(make_tuner(SmallSpace(labels=("relu", "tanh")), cost="parameters", max_trials=1))
    with pytest.raises(ValueError, match="choices are not those that this search began with"):
        make_tuner(cost="parameters")


class Interrupt(keras.callbacks.Callback):
    """Stops the search in the middle of the second round, once its costs have been asked for."""

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) == 9:
            raise KeyboardInterrupt("stop")


class Measured:
    """A cost that is another one whenever it is asked for, as a measured one is."""

    def __init__(self):
        self.calls = 0

    def __call__(self, architecture):
        self.calls += 1
        return cost(architecture) + self.calls / 1024

    __name__ = "measured"


def test_a_resumed_search_is_that_of_one_that_never_stopped(make_tuner, search, same_state):
    settings = {"cost": Measured(), "cost_limit": 5.5, "cost_target": 3, "cost_tolerance": 0.4}
    whole = search(make_tuner(project_name="whole", **settings))
    settings["cost"] = Measured()
    stopped = make_tuner(project_name="stopped", **settings)
    with pytest.raises(KeyboardInterrupt):
        search(stopped, callbacks=[Interrupt()])
    # As in a new process.
    resumed = search(make_tuner(project_name="stopped", **settings))
    assert same_state(whole, resumed)
    # The record of a round has the mean reward that the oracle was taught.
    generation = os.path.join("shared", "generation-000002", "generation.json")
    for name in ("derived.json", "scored.json", "costs.jsonl", generation):
        one, other = (os.path.join(t.project_dir, name) for t in (whole, resumed))
        with open(one, "rb") as a, open(other, "rb") as b:
            assert a.read() == b.read(), name
    assert 0 < settings["cost"].calls <= 18
    # With overwrite the costs go, too.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        anew = make_tuner(project_name="stopped", overwrite=True, **settings)
    assert not os.path.exists(os.path.join(anew.project_dir, "costs.jsonl"))


def test_what_is_read_from_disk_has_the_cost_that_is_asked_for(make_tuner, search):
    """Not the one that was asked for when it was written."""
    tuner = search(make_tuner(max_trials=1, cost={one: 5 for one in every_architecture()}))
    assert {one.cost for one in tuner.pareto(verbose=False)} == {5}
    again = make_tuner(max_trials=1, cost={one: sum(one) for one in every_architecture()})
    for found in (again.get_best_architectures(3), again.pareto(verbose=False)):
        assert [one.cost for one in found] == [sum(one.architecture.indices) for one in found]
    # And without one none is shown.
    assert make_tuner(max_trials=1).get_best_architectures()[0].cost is None


def every_architecture():
    return list(np.ndindex(3, 3, 2))


def test_a_search_goes_on_with_the_cost_that_it_minded(make_tuner, search, files):
    settings = {"cost": cost, "cost_target": TARGET, "cost_weight": -0.2}
    search(make_tuner(max_trials=1, **settings))
    before = files()
    for other in ({}, {**settings, "cost_target": 3}, {**settings, "cost_weight": -0.1}):
        with pytest.raises(ValueError, match="`cost`: the rounds on disk.* were searched with"):
            search(make_tuner(**other))
        assert files().keys() == before.keys()
    # Where no rounds are to come, a choice by another target may be asked for.
    search(make_tuner(max_trials=1, **other))
    assert len(search(make_tuner(**settings)).oracle.end_order) == 2


def test_only_simplest_forms_are_on_the_front(make_tuner, search):
    tuner = search(make_tuner(WithoutSkips(), max_trials=1, cost=cost))
    tuner.pareto(k=60, verbose=False)
    known = scored.scored(tuner)
    assert len(known) == 9 and {one.architecture.indices[-1] for one in known} == {0}


def test_a_project_with_another_cost(make_tuner, search):
    make_tuner(cost=Measured()).resources.costs([(0, 0, 0)])
    with pytest.raises(ValueError, match="was searched with 'cost of measured', not with 'cost of"):
        make_tuner(cost=cost)


@pytest.mark.parametrize("asked", [{"cost_target": np.int64(TARGET)}, {"cost_limit": np.int64(4)}])
def test_numpys_numbers(make_tuner, search, asked):
    tuner = search(make_tuner(cost=cost, **asked, max_trials=1))
    assert tuner.get_best_architectures()
    again = search(make_tuner(cost=cost, **asked, max_trials=1))
    assert again.get_best_architectures() == tuner.get_best_architectures()
