import keras_tuner
import pytest

from keras_enas.rewards import objective_reward, perplexity_reward


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
