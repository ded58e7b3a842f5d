"""What `Retrained` says of derived and random children, whatever the metric."""

import math

import pytest
from keras_tuner import Objective

from keras_enas.search_space import Decision, SearchSpace
from keras_enas.tuner.retrained import Retrained, TrainedChild
from keras_enas.tuner.round import Score

SPACE = SearchSpace([Decision("op", "op", ("relu", "tanh"))])


def retrained(objective, direction, derived, random):
    children = [
        TrainedChild(
            origin=origin,
            architecture=SPACE.parse("relu"),
            shared_weights=Score(0.5, 0.1, 0.5),
            trained=trained,
            test={},
            parameters=1,
            flops=1,
            cpu_seconds=1.0,
        )
        for origin, values in (("derived", derived), ("random", random))
        for trained in values
    ]
    return Retrained(None, children[0], children, Objective(objective, direction), "folder")


@pytest.mark.parametrize(
    ("objective", "direction", "derived", "random", "improvement", "words"),
    [
        ("val_accuracy", "max", [0.9], [0.7, 0.8], 20.0, "20.00 % higher (better) than"),
        ("val_accuracy", "max", [0.6], [0.8], -25.0, "25.00 % lower (worse) than"),
        ("val_perplexity", "min", [97.67], [100.0], 2.33, "2.33 % lower (better) than"),
        ("val_perplexity", "min", [110.0], [100.0], -10.0, "10.00 % higher (worse) than"),
        # A metric below zero: a higher one is still higher, and better.
        ("val_likelihood", "max", [-1.0], [-2.0], 50.0, "50.00 % higher (better) than"),
        ("val_loss", "min", [-1.0], [-2.0], -50.0, "50.00 % higher (worse) than"),
        ("val_loss", "min", [1.0], [1.0], 0.0, "the same as the random mean"),
        ("val_loss", "min", [1.0], [0.0], math.nan, "not comparable"),
        ("val_loss", "min", [1.0], [math.nan], math.nan, "not comparable"),
    ],
)
def test_the_comparison(capsys, objective, direction, derived, random, improvement, words):
    result = retrained(objective, direction, derived, random)
    assert result.relative_improvement() == pytest.approx(improvement, nan_ok=True)
    result.summary()
    shown = " ".join(capsys.readouterr().out.split())
    assert f"trained val {objective.removeprefix('val_')} {words}" in shown
    if objective != "val_accuracy":
        assert "accurac" not in shown


def test_without_random_ones_nothing_is_compared(capsys):
    retrained("val_loss", "min", [1.0], []).summary()
    assert "random" not in capsys.readouterr().out
