import functools

import keras_tuner
import pytest

import keras_enas
from keras_enas.rewards import name_of, objective_reward, perplexity_reward


def test_the_objective_as_it_is_or_turned():
    metrics = {"loss": 0.5, "accuracy": 0.75}
    assert objective_reward(metrics, keras_tuner.Objective("val_accuracy", "max")) == 0.75
    assert objective_reward(metrics, keras_tuner.Objective("val_loss", "min")) == -0.5


def test_the_reward_of_a_language_model():
    objective = keras_tuner.Objective("val_perplexity", "min")
    assert perplexity_reward()({"loss": 5.0, "perplexity": 160.0}, objective) == 0.5
    assert perplexity_reward(c=1)({"perplexity": 4.0}, objective) == 0.25
    with pytest.raises(ValueError, match="`c` must be positive"):
        perplexity_reward(c=0)


class Own:
    def __call__(self, metrics, objective):
        return 0.0


@pytest.mark.parametrize(
    ("reward", "name"),
    [
        (objective_reward, "objective_reward"),
        (perplexity_reward(), "perplexity_reward.<locals>.reward"),
        (keras_enas.LinearProbe(50), "LinearProbe(examples=50, penalty=0.1)"),
        (Own(), "Own"),
        (functools.partial(objective_reward), "partial"),
    ],
)
def test_a_reward_has_the_same_name_in_every_process(reward, name):
    assert name_of(reward) == name
