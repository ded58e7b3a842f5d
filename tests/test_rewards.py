import keras_tuner

from keras_enas.rewards import objective_reward


def test_the_objective_as_it_is_or_turned():
    metrics = {"loss": 0.5, "accuracy": 0.75}
    assert objective_reward(metrics, keras_tuner.Objective("val_accuracy", "max")) == 0.75
    assert objective_reward(metrics, keras_tuner.Objective("val_loss", "min")) == -0.5
