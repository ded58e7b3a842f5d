"""How an architecture is scored on validation batches."""

import types

import keras_tuner
import pytest

from keras_enas import LinearProbe
from keras_enas.rewards import objective_reward
from keras_enas.tuner.round import Judge

VALIDATION = types.SimpleNamespace(batches=["a", "b", "c"], sizes=[2, 2, 4])


class Scores:
    """Stands for a `Scorer`: an F1 that is no mean, and what is written for each batch."""

    def __init__(self):
        self.asked = []

    def __call__(self, architecture, batches):
        self.asked.append(tuple(batches))
        mean = {("a",): 1.0, ("b",): 3.0, ("c",): 4.0}.get(tuple(batches), 3.0)
        f1 = {("a",): 0.1, ("b",): 0.2, ("c",): 0.3}.get(tuple(batches), 0.9)
        return {"loss": mean, "f1": f1, "linear_probe": -mean}

    def averages(self, name=None):
        return name not in (None, "f1")


def of_any(metrics, objective):
    return 10 * metrics["f1"]


@pytest.mark.parametrize(
    "name, reward, expected, passes",
    [
        ("val_loss", objective_reward, (3.0, -3.0), 3),
        ("val_f1", objective_reward, (0.9, 0.9), 4),
        # It may look at anything.
        ("val_loss", of_any, (3.0, 9.0), 4),
        # It looks at its own metric only, and another pass would tell nothing new.
        ("val_loss", LinearProbe(), (3.0, -3.0), 3),
    ],
)
def test_a_metric_that_is_no_mean_is_taken_over_all_batches(name, reward, expected, passes):
    scorer = Scores()
    direction = "max" if name == "val_f1" else "min"
    score = Judge(scorer, keras_tuner.Objective(name, direction), reward).score([0], VALIDATION)
    assert (score.objective, score.reward) == pytest.approx(expected)
    assert len(scorer.asked) == passes
    assert scorer.asked[3:] == [("a", "b", "c")] * (passes - 3)
    # By its own batches it varies all the same.
    assert score.deviation > 0.05


def test_the_first_batches_alone():
    scorer = Scores()
    score = Judge(scorer, keras_tuner.Objective("val_f1", "max"), objective_reward).score(
        [0], VALIDATION, 2
    )
    assert scorer.asked == [("a",), ("b",), ("a", "b")]
    assert score.objective == 0.9
