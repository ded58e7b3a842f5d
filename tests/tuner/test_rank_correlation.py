"""Shared-weight scores against children trained alone."""

import json
import math
import os

import keras_tuner
import numpy as np
import pytest

from keras_enas.tuner import alone
from keras_enas.tuner.correlation import kendall_tau
from keras_enas.tuner.rank_correlation import RankCorrelation
from keras_enas.tuner.retrained import TrainedChild
from keras_enas.tuner.round import Score


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr("keras_enas.tuner.correlation.RESAMPLES", 50)


@pytest.fixture
def measure(make_tuner, search, digits):
    """Returns a function that measures, with a tuner that has searched a round."""
    tuner = search(make_tuner(max_trials=1))
    (x, y), validation = digits

    def run(n, **kwargs):
        settings = {"validation_data": validation, "epochs": 1, "batch_size": 50, "verbose": 0}
        return tuner.rank_correlation(n, x, y, **{**settings, **kwargs})

    run.tuner, run.smaller = tuner, tuple(part[:50] for part in validation)
    return run


@pytest.fixture
def trained(monkeypatch):
    """A list of the architectures that are trained; the third one is interrupted, once."""
    architectures = []
    original = alone.TrainingAlone.train

    def train(self, architecture):
        architectures.append(str(architecture))
        if len(architectures) == 3:
            raise KeyboardInterrupt
        return original(self, architecture)

    monkeypatch.setattr(alone.TrainingAlone, "train", train)
    return architectures


def test_goes_on_with_the_next_child_and_says_what_it_measured(measure, trained, capsys):
    with pytest.raises(KeyboardInterrupt):
        measure(3)
    found = measure(3, verbose=1)
    assert trained == [*trained[:3], trained[2]] and len(set(trained)) == 3
    assert [str(child.architecture) for child in found.children] == trained[:3]
    # As if nothing had happened: every child is seeded alike.
    whole = measure(trained[:1], overwrite=True)
    assert whole.children[0].trained == found.children[0].trained
    assert len(trained) == 5
    shown = " ".join(capsys.readouterr().out.split())
    for words in ("Kendall tau", "shared weights", "parameters", "FLOPs", "(control)"):
        assert words in shown
    # More of them: the first is there. Given ones, too.
    assert len(measure(2).children) == 2 and len(trained) == 6
    assert len(measure(trained[:2]).children) == 2 and len(trained) == 6
    scores = measure.tuner.score(trained[:2])
    assert [child.shared_weights for child in found.children[:2]] == scores
    path = os.path.join(measure.tuner.project_dir, "rank_correlation.json")
    with open(path) as file:
        content = json.load(file, parse_constant=lambda name: pytest.fail(name))
    assert set(content["children"]) == set(trained[:2])
    assert content["figures"]["shared weights"]["kendall_tau"]["value"] is None  # Of two.
    with pytest.raises(ValueError, match="trained with other epochs, seed"):
        measure(3, epochs=2, seed=5)
    with pytest.raises(ValueError, match="trained with other validation_data"):
        measure(3, validation_data=measure.smaller)
    measure.tuner.hypermodel.learning_rate = 0.05
    with pytest.raises(ValueError, match="trained with other network"):
        measure(3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "`n` must be an integer of at least 1"),
        ({"n": 2.5}, "`n` must be an integer of at least 1"),
        ({"n": []}, "`n` must be an integer of at least 1"),
        ({"n": ["relu"]}, "relu"),
        ({"k": 3}, "`k` must be an integer of at least 1 and at most 2"),
        ({"validation_data": None}, "`validation_data` is needed"),
        ({"epochs": 0}, "`epochs`"),
        ({"recipe": "macro"}, "`recipe` must be"),
        ({"seed": -1}, "`seed`"),
        ({"smooth_over": -1}, "`smooth_over`"),
    ],
)
def test_bad_input(searched, digits, arguments, message):
    (x, y), validation = digits
    with pytest.raises(ValueError, match=message):
        searched.rank_correlation(
            **{"n": 2, "x": x, "y": y, "validation_data": validation, **arguments}
        )
    assert "rank_correlation.json" not in os.listdir(searched.project_dir)


def children(space, shared, trained):
    return [
        TrainedChild("random", space, Score(s, 0.1, s), t, {}, 10 - i, 5, 1.0)
        for i, (s, t) in enumerate(zip(shared, trained, strict=True))
    ]


@pytest.mark.parametrize("direction", ["max", "min"])
def test_higher_means_better_whatever_the_objective(direction):
    objective = keras_tuner.Objective("val_loss", direction)
    shared, trained = [0.1, 0.2, 0.3, 0.4, 0.5], [1.0, 2.0, 3.0, 5.0, 4.0]
    found = RankCorrelation(children("a", shared, trained), objective, 2, "folder")
    assert found.predicted["parameters"] == [child.parameters for child in found.children]
    tau = found.figures["shared weights"]["kendall_tau"]
    assert tau.value == pytest.approx(0.8) and tau.low <= tau.value <= tau.high
    sign = 1 if direction == "max" else -1
    assert found.trained == [sign * child.trained for child in found.children]
    assert found.figures["parameters"]["kendall_tau"].value == pytest.approx(-0.8 * sign)
    assert math.isnan(found.figures["FLOPs"]["spearman"].value)
    assert found.to_dict()["figures"]["FLOPs"]["spearman"]["value"] is None


def test_a_child_that_turned_nan_is_the_last():
    objective = keras_tuner.Objective("val_loss", "min")
    shared = [4.0, 3.0, 2.0, 1.0]
    found = RankCorrelation(children("a", shared, [math.nan, 3, 2, 1]), objective, 1, "folder")
    assert found.figures["shared weights"]["kendall_tau"].value == pytest.approx(1.0)
    found.summary()


def test_a_reward_of_its_own_has_its_row(make_tuner, search, digits, capsys):
    """It ranks beside the objective, and is shown where the search has ranked by it."""

    def inverted(metrics, objective):
        return -metrics["accuracy"]

    tuner = search(make_tuner(max_trials=1, reward=inverted))
    (x, y), validation = digits
    settings = {"validation_data": validation, "epochs": 1, "batch_size": 50}
    figures = tuner.rank_correlation(3, x, y, **settings).figures
    assert list(figures) == ["shared weights", "reward", "parameters", "FLOPs"]
    taus = [figures[name]["kendall_tau"].value for name in ("shared weights", "reward")]
    assert taus[0] == pytest.approx(-taus[1]) and taus[0] != 0
    best = tuner.get_best_architectures(1)[0].score
    assert best.reward == pytest.approx(-best.objective)
    tuner.results_summary(1)
    printed = "".join(capsys.readouterr().out.split())
    assert f"(reward{best.reward:.4f})" in printed


def test_smoothed_scores_have_their_row(measure, monkeypatch):
    """They are smoothed over further architectures, each once; of the children the values stay."""
    heard = []

    def smoothed(architectures, values):
        heard.append((architectures, values))
        return np.arange(len(values), dtype=float)

    monkeypatch.setattr("keras_enas.tuner.rank_correlation.smoothed", smoothed)
    found = measure(3, smooth_over=6)
    assert list(found.figures) == ["shared weights", "smoothed", "parameters", "FLOPs"]
    ((architectures, values),) = heard
    assert len(set(architectures)) == len(values) == 9
    assert [child.architecture for child in found.children] == architectures[:3]
    assert values == [one.reward for one in measure.tuner.score(architectures)]
    trained = [child.trained for child in found.children]
    expected = kendall_tau([0.0, 1.0, 2.0], trained)
    assert found.figures["smoothed"]["kendall_tau"].value == pytest.approx(expected)
    path = os.path.join(measure.tuner.project_dir, "rank_correlation.json")
    with open(path) as file:
        assert json.load(file)["smoothed_over"] == 6
    # The space has 18.
    measure(3, smooth_over=50)
    assert len(set(heard[-1][0])) == 18
    assert "smoothed" not in measure(3).figures


def test_the_cost_is_not_smoothed(make_tuner, search, digits, monkeypatch):
    """A reward that loses to the cost says less of how good an architecture is."""
    heard = []
    monkeypatch.setattr(
        "keras_enas.tuner.rank_correlation.smoothed",
        lambda architectures, values: heard.append(values) or np.asarray(values),
    )
    costs = {"cost": lambda one: 1 + sum(one.indices), "cost_target": 4, "cost_weight": -5.0}
    tuner = search(make_tuner(max_trials=1, **costs))
    (x, y), validation = digits
    settings = {"validation_data": validation, "epochs": 1, "batch_size": 50, "verbose": 0}
    found = tuner.rank_correlation(3, x, y, smooth_over=3, **settings)
    # These are accuracies.
    assert len(heard[0]) == 6 and min(heard[0]) >= 0
    children = found.children
    assert [one.shared_weights.objective for one in children] == pytest.approx(heard[0][:3])
    assert min(one.shared_weights.reward for one in children) < 0
