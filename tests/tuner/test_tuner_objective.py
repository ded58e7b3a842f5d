"""What a search looks for: objectives and rewards of many kinds."""

import keras
import keras_tuner
import pytest
from small_space import SmallSpace

from keras_enas.supergraph import Scorer
from keras_enas.tuner.derivation import completed_trials


@pytest.mark.parametrize("objective", ["val_loss", keras_tuner.Objective("val_acc5", "max")])
def test_other_objectives(make_tuner, search, objective):
    top = keras.metrics.SparseTopKCategoricalAccuracy(5, name="acc5")
    tuner = search(make_tuner(SmallSpace(metrics=("accuracy", top)), objective=objective))
    found = tuner.get_best_architectures(3)
    values = [one.score.objective for one in found]
    lower_is_better = tuner.oracle.objective.name == "val_loss"
    assert values == sorted(values, reverse=not lower_is_better)
    assert [one.score.reward for one in found] == sorted(
        (one.score.reward for one in found), reverse=True
    )
    assert all((one.score.reward < 0) == lower_is_better for one in found)
    best = tuner.oracle.get_best_trials(1)[0]
    assert best.score == (min if lower_is_better else max)(
        trial.score for trial in tuner.oracle.trials.values()
    )


@keras.saving.register_keras_serializable()
class TopF1(keras.metrics.F1Score):
    """F1 of labels that are class indices."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(keras.ops.one_hot(y_true, 10), y_pred, sample_weight)


@pytest.mark.parametrize("reward", [None, lambda metrics, objective: 2 * metrics["f1"]])
def test_an_objective_that_is_no_mean_is_that_of_all_batches(make_tuner, search, reward):
    """Of batches of four and ten classes it would say nothing."""
    metrics = ("accuracy", TopF1("macro", name="f1"), TopF1(name="each"))
    objective = keras_tuner.Objective("val_f1", "max")
    tuner = make_tuner(
        SmallSpace(metrics=metrics), max_trials=1, objective=objective, reward=reward
    )
    search(tuner, validation_batch_size=4)
    best = tuner.get_best_architectures()[0]
    together = Scorer(tuner.supergraph)(best.architecture.indices, tuner.search_data[1].batches)
    assert best.score.objective == pytest.approx(together["f1"], rel=1e-6)
    assert best.score.reward == pytest.approx(together["f1"] * (2 if reward else 1), rel=1e-6)
    assert best.score.deviation > 0
    # A metric that is no scalar is nothing to report.
    assert "each" not in completed_trials(tuner)[0].metrics.metrics


def test_a_reward_of_ones_own(make_tuner, search):
    def fewer_mistakes(metrics, objective):
        assert objective.name == "val_accuracy"
        return metrics["accuracy"] - 10.0 - metrics["loss"]

    tuner = search(make_tuner(reward=fewer_mistakes))
    one = tuner.get_best_architectures()[0]
    assert 0 <= one.score.objective <= 1
    assert one.score.reward < -8
