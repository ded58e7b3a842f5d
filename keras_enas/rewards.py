"""What a score is worth to the controller: a function of metrics, higher is better."""


def objective_reward(metrics, objective):
    """The objective itself, turned so that higher is better.

    For accuracy it is the reward of the paper (section 2.2).

    Args:
        metrics: Dict from metric name, without `val_`, to float.
        objective: A `keras_tuner.Objective`.

    Returns:
        Float.
    """
    value = metrics[objective.name.removeprefix("val_")]
    return value if objective.direction == "max" else -value
